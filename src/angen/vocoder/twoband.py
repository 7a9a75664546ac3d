"""Two decoders of the same latents, one for low notes: the decoder that ``mini`` ships with.

Windows short enough for drums melt low notes that lie a semitone apart. So a second decoder, at a
fraction of the rate and with windows several times as long, has the lowest band to itself. It
knows how notes turn; how loud they are from moment to moment, the first one knows better. So the
phases are those of both sounds together, and magnitudes the geometric mean of that and the first.

Shapes: B clips, C latent channels, T latent frames, S samples, F spectrum frames and K bins of the
full band.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from angen.vocoder.istft import InverseStft, IstftConfig

LOBES = 20  # of the crossover's sinc on either side: what makes it steep
EDGE = 0.92  # where the low band is halved, as a share of half its rate
KAISER_BETA = 5.0
MOST_FACTOR = 100  # the filter grows with it
TINY = 1e-4  # added to magnitudes: keeps the gradient of silence finite


@dataclass(frozen=True, kw_only=True, slots=True)
class TwoBandConfig:
    """Fields of ``decoder.json`` beside ``"kind": "two-band"``."""

    full: IstftConfig
    low: IstftConfig  # at a whole fraction of the rate

    def __post_init__(self) -> None:
        rates = self.full.sample_rate_hz, self.low.sample_rate_hz
        if rates[0] % rates[1] or not 1 < self.factor <= MOST_FACTOR:
            raise ValueError(
                f"low.sample_rate_hz={rates[1]} must be a whole fraction of {rates[0]}, at least "
                f"1/{MOST_FACTOR} of it"
            )
        sizes = self.full.samples_per_frame, self.low.samples_per_frame
        if sizes[0] != sizes[1] * self.factor:
            raise ValueError(
                f"a latent frame is {sizes[1]} samples in the low band, {sizes[0] / self.factor:g} "
                "were expected"
            )
        if self.full.in_channels != self.low.in_channels:
            raise ValueError(
                f"low.in_channels={self.low.in_channels}, full.in_channels={self.full.in_channels}"
            )

    @property
    def factor(self) -> int:
        """Samples of the full band for each one of the low band."""
        return self.full.sample_rate_hz // self.low.sample_rate_hz


class Crossover(nn.Module):
    """Puts a low band of its own in the place of what a sound has there."""

    taps: Tensor

    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = factor
        self.reach = LOBES * factor  # samples to either side that the filter sees
        at = torch.arange(-self.reach, self.reach + 1, dtype=torch.float64)
        window = torch.kaiser_window(
            2 * self.reach + 1, periodic=False, beta=KAISER_BETA, dtype=torch.float64
        )
        taps = torch.sinc(at * EDGE / factor) * window
        self.register_buffer("taps", (taps / taps.sum()).float(), persistent=False)

    @property
    def margin(self) -> int:
        """Samples, on either side, that a sample of ``exchanged`` depends on."""
        return 2 * self.reach

    def down(self, wave: Tensor) -> Tensor:
        """The low band (B, S / factor) of a sound (B, S), silent beyond its ends."""
        return functional.conv1d(
            wave[:, None], self.taps.view(1, 1, -1), stride=self.factor, padding=self.reach
        )[:, 0]

    def up(self, low: Tensor) -> Tensor:
        """A low band (B, S / factor) as a sound (B, S)."""
        return functional.conv_transpose1d(
            low[:, None],
            self.factor * self.taps.view(1, 1, -1),
            stride=self.factor,
            padding=self.reach,
            output_padding=self.factor - 1,
        )[:, 0]

    def exchanged(self, full: Tensor, low: Tensor) -> Tensor:
        """``full`` (B, S) with ``low`` (B, S / factor) in place of its own low band."""
        return full + self.up(low - self.down(full))


class TwoBand(nn.Module):
    """Latents (B, C, T) -> waveform (B, 1, T * samples_per_frame), in float32 alone."""

    def __init__(self, config: TwoBandConfig) -> None:
        super().__init__()
        self.config = config
        self.sample_rate_hz = config.full.sample_rate_hz
        self.samples_per_frame = config.full.samples_per_frame
        self.in_channels = config.full.in_channels
        self.full = InverseStft(config.full)
        self.low = InverseStft(config.low)
        self.crossover = Crossover(config.factor)

    def forward(self, latents: Tensor) -> Tensor:
        """(B, C, T) -> (B, 1, S), S = T * samples_per_frame; no frames give no samples.

        Gradients reach the latents through magnitudes alone, as in ``InverseStft.learnable``.
        """
        if latents.shape[2] == 0:
            return latents.new_zeros(len(latents), 1, 0)
        logs, movement = self.full.spectra(latents)
        magnitude = self.full.magnitude(logs)
        rough = self.full.rough(movement, self.full.noise(logs))
        with torch.no_grad():
            full, low = self.full.to_wave(logs, movement), self.low(latents)
        return self.joined(magnitude, rough, full[:, 0], low[:, 0])[:, None]

    def learnable(self, latents: Tensor) -> Tensor:
        """The same: all its gradients mean something."""
        return self(latents)  # type: ignore[no-any-return]

    def joined(self, magnitude: Tensor, rough: Tensor, full: Tensor, low: Tensor) -> Tensor:
        """One sound (B, S) of both bands'.

        magnitude, rough: (B, K, F) of the full band. full: (B, S). low: (B, S / factor).
        """
        with torch.no_grad():
            spectrum = self.full.analyse(self.crossover.exchanged(full, low))
        below, above = magnitude[:, : self.low_bins], magnitude[:, self.low_bins :]
        mean = ((below + TINY) * (spectrum[:, : self.low_bins].abs() + TINY)).sqrt()
        return self.full.overlapped(torch.cat([mean, above], dim=1) * rough, spectrum.angle())

    @property
    def low_bins(self) -> int:
        """Bins of the full band, from the lowest, that the low band sounds in."""
        return round(EDGE * self.config.full.fft_samples / 2 / self.config.factor)

    @property
    def margin(self) -> int:
        """Samples, on either side, that a sample of ``joined`` depends on."""
        return self.crossover.margin + self.config.full.fft_samples


SmallDecoder = InverseStft | TwoBand  # decoders whose phases are summed up from the beginning
