"""Latents to waveform by an inverse Fourier transform: the decoder that a CPU can afford.

A linear map unfolds each latent frame to the spectra that it was made from, and convolutions
refine them to short overlapping spectra of all detail: for each
bin its magnitude, how far its phase moves from frame to frame, and how surely. Phases are then
summed up over time, with the bins around a peak held together, unsure ones are shaken, and the
spectra are transformed back and added up. So partials ring on across latent frames, which no
network could align that sees only some of them.

Shapes: B clips, C latent channels, T latent frames, F spectrum frames, K bins, S samples.

Source: Laroche and Dolson 1999, "Improved phase vocoder time-scale modification of audio", for
holding bins together; Griffin and Lim 1984 for the last touch; the rest is ours.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from angen.vocoder.frames import Block, FrameNorm

LOUDEST_LOG = 1.0  # cap of a log magnitude (0 is a full-scale sine): keeps a bad latent finite
FLOOR = 1e-4  # added to magnitudes before their logarithm
NOISE_SEED = 0
MOST_BLOCKS, MOST_TOUCHES, MOST_ROUGHNESS = 100, 100, 10.0
MOST_DEVIATIONS = 3.0  # of noise that makes a bin louder
NOISE_REACH = 2  # rows of noise beyond the frames that they roughen


@dataclass(frozen=True, kw_only=True, slots=True)
class IstftConfig:
    """Fields of ``decoder.json`` beside ``"kind": "istft"``, or of each band of another kind."""

    in_channels: int
    sample_rate_hz: int
    fft_samples: int
    hop_samples: int
    frames: int  # spectrum frames in a latent frame
    bands: int  # of the first view that a latent frame unfolds to, one for each spectrum frame
    fine_frames: int  # of the second view, fewer
    fine_bands: int
    width: int
    blocks: int
    kernel: int  # spectrum frames that a block looks over
    touches: int = 2  # rounds of Griffin-Lim at the end
    roughness: float = 0.0  # spread of the log magnitude of a bin whose phase nobody knows

    def __post_init__(self) -> None:
        if self.fft_samples % self.hop_samples or self.fft_samples < 2 * self.hop_samples:
            raise ValueError(
                f"fft_samples={self.fft_samples} must be a multiple of "
                f"hop_samples={self.hop_samples}, at least twice it"
            )
        if (self.fft_samples - self.hop_samples) % 2:
            raise ValueError(
                f"fft_samples={self.fft_samples} and hop_samples={self.hop_samples} must both be "
                "even or both odd, for windows to lie in the middle of what they hear"
            )
        if self.fine_frames < 1 or self.frames % self.fine_frames:
            raise ValueError(
                f"fine_frames={self.fine_frames} must be at least 1 and divide frames={self.frames}"
            )
        if self.kernel % 2 == 0:
            raise ValueError(f"kernel={self.kernel} must be odd")
        if not 0 <= self.blocks <= MOST_BLOCKS:
            raise ValueError(f"blocks={self.blocks}: 0 to {MOST_BLOCKS}")
        if not 0 <= self.touches <= MOST_TOUCHES:
            raise ValueError(f"touches={self.touches}: 0 to {MOST_TOUCHES}")
        if not 0 <= self.roughness <= MOST_ROUGHNESS:
            raise ValueError(f"roughness={self.roughness}: 0 to {MOST_ROUGHNESS:g}")

    @property
    def samples_per_frame(self) -> int:
        """Samples that one latent frame becomes."""
        return self.frames * self.hop_samples


def overlap_add(frames: Tensor, hop_samples: int) -> Tensor:
    """Windows (B, F, N), each ``hop_samples`` after the one before, summed: (B, (F-1)*hop + N)."""
    batch, count, size = frames.shape
    laps = size // hop_samples
    parts = frames.reshape(batch, count, laps, hop_samples)
    total = frames.new_zeros(batch, count + laps - 1, hop_samples)
    for lap in range(laps):
        total = total + functional.pad(parts[:, :, lap], (0, 0, lap, laps - 1 - lap))
    return total.flatten(1)


def nearest_peaks(magnitude: Tensor) -> Tensor:
    """For each bin of (B, K, F) the index of the nearest local maximum over K: (B, K, F) int64."""
    bins = magnitude.shape[1]
    padded = functional.pad(magnitude, (0, 0, 1, 1), value=-1.0)
    is_peak = (magnitude > padded[:, :-2]) & (magnitude >= padded[:, 2:])
    index = torch.arange(bins, device=magnitude.device)[:, None]  # (K, 1)
    below = torch.where(is_peak, index, -bins).cummax(1).values
    above = torch.where(is_peak, index, 2 * bins).flip(1).cummin(1).values.flip(1)
    nearest = torch.where(index - below <= above - index, below, above)
    return nearest.clamp(0, bins - 1)


def draw(frames: int, bins: int) -> Tensor:
    """Standard normal numbers (F, K), the same for every clip and on every device.

    Fewer frames get what more frames get first, but for a few numbers of the last frame.
    """
    return torch.randn(frames, bins, generator=torch.Generator().manual_seed(NOISE_SEED))


def spread_out(noise: Tensor) -> Tensor:
    """Noise (..., F + 2, K) as overlapping spectra have it: (..., F, K), deviation 1, limited.

    Neighbours in time and pitch go together, as the windows of a transform make them.
    """
    in_time = noise[..., :-2, :] + 2 * noise[..., 1:-1, :] + noise[..., 2:, :]
    padded = functional.pad(in_time, (1, 1))
    smooth = (padded[..., :-2] + 2 * padded[..., 1:-1] + padded[..., 2:]) / 6
    return smooth.clamp(-MOST_DEVIATIONS, MOST_DEVIATIONS)


def summed_phases(magnitude: Tensor, advance: Tensor, start: Tensor | None = None) -> Tensor:
    """Phases (B, K, F) of bins that move by ``advance`` (B, K, F) radians from frame to frame.

    start: (B, K), of the frame before the first; zeros when there was none.

    Each bin takes the phase of the nearest peak of ``magnitude``, turned by half a circle per bin
    of distance, as the window's own spectrum does; else partials would cancel themselves.
    """
    peaks = nearest_peaks(magnitude)
    away = torch.arange(magnitude.shape[1], device=magnitude.device)[:, None] - peaks
    turned = advance.gather(1, peaks) + torch.pi * (away % 2)  # (B, K, F)
    phase = torch.zeros_like(advance[:, :, 0]) if start is None else start
    phases = []
    for i in range(magnitude.shape[2]):
        phase = (phase.gather(1, peaks[:, :, i]) + turned[:, :, i]) % (2 * torch.pi)
        phases.append(phase)
    return torch.stack(phases, dim=2)


class InverseStft(nn.Module):
    """Latents (B, C, T) -> waveform (B, 1, T * samples_per_frame)."""

    window: Tensor

    def __init__(self, config: IstftConfig) -> None:
        super().__init__()
        self.config = config
        self.sample_rate_hz = config.sample_rate_hz
        self.samples_per_frame = config.samples_per_frame
        self.in_channels = config.in_channels
        features = config.frames * config.bands + config.fine_frames * config.fine_bands
        self.unfold = nn.Linear(config.in_channels, features)
        both = config.bands + config.fine_bands
        self.enter = nn.Conv1d(both, config.width, 5, padding=2)
        blocks = [Block(config.width, config.kernel) for _ in range(config.blocks)]
        self.layers = nn.ModuleList(blocks)
        self.norm = FrameNorm(config.width)
        self.bins = config.fft_samples // 2 + 1
        self.leave = nn.Conv1d(config.width, 3 * self.bins, 1)
        assert self.leave.bias is not None
        with torch.no_grad():  # begin training near silence, not at full scale
            self.leave.bias[: self.bins] = -6.0
        self.register_buffer("window", torch.hann_window(config.fft_samples), persistent=False)

    def forward(self, latents: Tensor) -> Tensor:
        """(B, C, T) -> (B, 1, S), S = T * samples_per_frame; no frames give no samples."""
        batch, _, frames = latents.shape
        if frames == 0:
            return latents.new_zeros(batch, 1, 0)
        return self.to_wave(*self.spectra(latents))

    def spectra(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, T) -> log magnitudes (B, K, F) and movements (B, K, F) complex.

        A movement's angle is how far the phase moves beyond that of the bin's centre since the
        frame before; its length, 0 to 1, how sure that is.
        """
        x = self.enter(self.views(latents))
        for layer in self.layers:
            x = layer(x)
        logs, cosine, sine = self.leave(self.norm(x)).float().chunk(3, dim=1)  # (B, K, F) each
        return logs.clamp_max(LOUDEST_LOG), torch.complex(cosine, sine)

    def views(self, latents: Tensor) -> Tensor:
        """(B, C, T) -> (B, bands + fine_bands, F): both views of the encoder, side by side.

        The linear map can undo the encoder's; then what follows is only a matter of a few
        neighbouring frames.
        """
        config = self.config
        features = self.unfold(latents.transpose(1, 2))  # (B, T, features)
        coarse, fine = features.split(
            [config.frames * config.bands, config.fine_frames * config.fine_bands], dim=2
        )
        coarse = coarse.unflatten(2, (config.bands, -1)).transpose(1, 2).flatten(2)
        fine = fine.unflatten(2, (config.fine_bands, -1)).transpose(1, 2).flatten(2)
        fine = fine.repeat_interleave(config.frames // config.fine_frames, dim=2)
        return torch.cat([coarse, fine], dim=1)

    def to_wave(self, logs: Tensor, movement: Tensor) -> Tensor:
        """What ``spectra`` gives -> (B, 1, F * hop_samples), in float32."""
        noise = self.noise(logs)
        magnitude = self.magnitude(logs) * self.rough(movement, noise)
        return self.overlapped(magnitude, self._phases(magnitude, movement, noise))[:, None]

    def learnable(self, latents: Tensor) -> Tensor:
        """As ``forward``, but gradients reach the latents through magnitudes alone.

        Those of phases that are summed up over time lead nowhere.
        """
        logs, movement = self.spectra(latents)
        noise = self.noise(logs)
        magnitude = self.magnitude(logs) * self.rough(movement, noise)
        with torch.no_grad():
            phases = self._phases(magnitude, movement, noise)
        return self.overlapped(magnitude, phases)[:, None]

    def magnitude(self, logs: Tensor) -> Tensor:
        """Magnitudes (B, K, F) from their logarithms."""
        return (logs.exp() - FLOOR).clamp_min(0) * (self.window.sum() / 2)

    def noise(self, logs: Tensor) -> Tensor:
        """What shakes all that is not sure in spectra (B, K, F): (F + 2, K), always the same."""
        return draw(logs.shape[2] + NOISE_REACH, self.bins).to(logs.device)

    def rough(self, movement: Tensor, noise: Tensor) -> Tensor:
        """How many times as loud (B, K, F) bins are for a moment whose phase is not sure.

        A washed cymbal has no smooth spectrum: its bins come and go, as those of noise do.

        noise: (F + 2, K), or (B, F + 2, K) where each clip has its own.
        """
        if not self.config.roughness:
            return torch.ones_like(movement.real)
        unsure = 1 - movement.abs().clamp_max(1)
        return (self.config.roughness * unsure * spread_out(noise).mT).exp()

    def _phases(self, magnitude: Tensor, movement: Tensor, noise: Tensor) -> Tensor:
        """Angles (B, K, F) at which the bins begin in each frame."""
        return self.settled(magnitude, movement, self.summed(magnitude, movement), noise)

    def summed(self, magnitude: Tensor, movement: Tensor, start: Tensor | None = None) -> Tensor:
        """Phases (B, K, F) as the movements carry them on from ``start`` (B, K), or from zero."""
        hop_turn = 2 * torch.pi * self.config.hop_samples / self.config.fft_samples
        bins = torch.arange(self.bins, device=magnitude.device)[:, None]
        return summed_phases(magnitude, movement.angle() + hop_turn * bins, start)

    def settled(self, magnitude: Tensor, movement: Tensor, summed: Tensor, noise: Tensor) -> Tensor:
        """Phases (B, K, F) with the unsure ones shaken by the noise, then made consistent.

        noise: as for ``magnitude``. A frame depends on few of its neighbours.
        """
        sureness = movement.abs().clamp(1e-4, 1)
        shaken = noise[..., :-NOISE_REACH, :].mT
        phases = summed + (-2 * sureness.log()).sqrt() * shaken  # spread of an unsure angle
        for _ in range(self.config.touches):
            phases = self.analyse(self.overlapped(magnitude, phases)).angle()
        return phases

    def analyse(self, wave: Tensor) -> Tensor:
        """Waveform (B, F * hop_samples) -> spectra (B, K, F), complex, framed as in ``to_wave``."""
        size, hop = self.config.fft_samples, self.config.hop_samples
        padded = functional.pad(wave.float(), ((size - hop) // 2, (size - hop) // 2))
        return torch.stft(padded, size, hop, window=self.window, center=False, return_complex=True)

    def overlapped(self, magnitude: Tensor, phases: Tensor) -> Tensor:
        """Waveform (B, F * hop_samples) of magnitudes and phases (B, K, F)."""
        spectrum = torch.polar(magnitude, phases).transpose(1, 2)  # (B, F, K)
        frames = torch.fft.irfft(spectrum, self.config.fft_samples, dim=2) * self.window
        hop = self.config.hop_samples
        wave = overlap_add(frames, hop)
        weight = overlap_add(self.window.square().expand(1, frames.shape[1], -1), hop)
        trim = (self.config.fft_samples - hop) // 2
        cut = slice(trim, trim + frames.shape[1] * hop)
        return wave[:, cut] / weight[:, cut]
