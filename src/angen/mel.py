"""Sound as log-mel frames: what the small networks of this project hear.

Shapes: B clips, S samples, T frames.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

LOWEST_HZ = 30.0
MOST_CELLS = 40_000_000  # of a table of filters, in samples times bands
QUIETEST = 1e-4  # magnitudes below this are silence: about -80 dB under a full-scale sine


def mel_filters(rate_hz: int, fft_samples: int, bands: int, low_hz: float) -> Tensor:
    """Triangles over the bins of a spectrum, each summing to 1: (bands, fft_samples // 2 + 1).

    Source: the mel scale of O'Shaughnessy 1987, 2595 log10(1 + f / 700).
    """
    ends_hz = torch.tensor([low_hz, rate_hz / 2], dtype=torch.float64, device="cpu")
    mel = 2595 * torch.log10(1 + ends_hz / 700)
    points_mel = torch.linspace(float(mel[0]), float(mel[1]), bands + 2, dtype=torch.float64)
    return _triangles(700 * (10 ** (points_mel / 2595) - 1), rate_hz, fft_samples)


def pitch_filters(rate_hz: int, fft_samples: int, bands: int) -> Tensor:
    """Triangles a quarter tone apart, upwards from 55 Hz: (bands, fft_samples // 2 + 1)."""
    points_hz = 55 * 2 ** ((torch.arange(bands + 2, dtype=torch.float64) - 1) / 24)
    return _triangles(points_hz, rate_hz, fft_samples)


def slaney_filters(rate_hz: int, fft_samples: int, bands: int) -> Tensor:
    """Triangles from 0 Hz to half the rate, each with an area of 1: (bands, fft_samples // 2 + 1).

    This mel scale is linear up to 1 kHz; above, 27 steps are a factor of 6.4.

    Source: Slaney 1998, Auditory Toolbox; the same as librosa's ``filters.mel``.
    """
    step_hz, bend_hz, steepness = 200 / 3, 1000.0, math.log(6.4) / 27
    bend_mel = bend_hz / step_hz
    top_mel = bend_mel + math.log(rate_hz / 2 / bend_hz) / steepness
    points_mel = torch.linspace(0, top_mel, bands + 2, dtype=torch.float64, device="cpu")
    above_hz = bend_hz * torch.exp(steepness * (points_mel - bend_mel))
    points_hz = torch.where(points_mel < bend_mel, step_hz * points_mel, above_hz)[:, None]
    bins_hz = torch.linspace(0, rate_hz / 2, fft_samples // 2 + 1, dtype=torch.float64)
    below, centre, above = points_hz[:-2], points_hz[1:-1], points_hz[2:]
    up, down = (bins_hz - below) / (centre - below), (above - bins_hz) / (above - centre)
    triangles = torch.minimum(up, down).clamp_min(0)
    return (triangles * 2 / (above - below)).float()


def _triangles(points_hz: Tensor, rate_hz: int, fft_samples: int) -> Tensor:
    """A triangle around each point but the first and last, at least a bin wide to either side."""
    bins_hz = torch.linspace(0, rate_hz / 2, fft_samples // 2 + 1, dtype=torch.float64)
    bin_hz = rate_hz / fft_samples
    centre = points_hz[1:-1, None]
    rise = (centre - points_hz[:-2, None]).clamp_min(bin_hz)
    fall = (points_hz[2:, None] - centre).clamp_min(bin_hz)
    up = (bins_hz - centre) / rise + 1  # (bands, bins)
    down = (centre - bins_hz) / fall + 1
    triangles = torch.minimum(up, down).clamp_min(0)
    return (triangles / triangles.sum(1, keepdim=True)).float()


class LogMel(nn.Module):
    """Waveform (B, S) -> natural log of mel magnitudes (B, bands, T), T = ceil(S / hop_samples).

    Frame i is centred on sample (i + 0.5) * hop_samples, and silence is assumed outside the
    clip, so S samples and S / hop frames cover the same time exactly. A magnitude of 1 is a
    full-scale sine. ``quarter_tones``: bands by pitch from 55 Hz up, instead of mel bands. Holds
    no weights.
    """

    window: Tensor
    filters: Tensor

    def __init__(
        self,
        *,
        rate_hz: int,
        fft_samples: int,
        hop_samples: int,
        bands: int,
        quarter_tones: bool = False,
    ) -> None:
        super().__init__()
        if hop_samples > fft_samples:
            raise ValueError(f"hop_samples={hop_samples} skips sound: fft_samples={fft_samples}")
        if fft_samples * bands > MOST_CELLS:
            raise ValueError(f"bands={bands} of fft_samples={fft_samples} are too many")
        self.fft_samples = fft_samples
        self.hop_samples = hop_samples
        window = torch.hann_window(fft_samples)
        filters = mel_filters(rate_hz, fft_samples, bands, LOWEST_HZ)
        if quarter_tones:
            filters = pitch_filters(rate_hz, fft_samples, bands)
        self.register_buffer("window", window, persistent=False)
        self.register_buffer("filters", filters, persistent=False)

    def spectrum(self, audio: Tensor) -> Tensor:
        """(B, S) -> magnitudes (B, fft_samples // 2 + 1, T)."""
        samples = audio.shape[-1]
        frames = -(-samples // self.hop_samples)
        before = (self.fft_samples - self.hop_samples) // 2
        after = (frames - 1) * self.hop_samples + self.fft_samples - before - samples
        if frames == 0:
            return audio.new_zeros(len(audio), self.fft_samples // 2 + 1, 0)
        spectrum = torch.stft(
            functional.pad(audio.float(), (before, after)),
            self.fft_samples,
            self.hop_samples,
            window=self.window,
            center=False,
            return_complex=True,
        )
        return spectrum.abs() * (2 / self.window.sum())

    def bands(self, spectrum: Tensor) -> Tensor:
        """Magnitudes (B, bins, T) -> natural log of mel bands (B, bands, T)."""
        return (self.filters @ spectrum).clamp_min(QUIETEST).log()

    def forward(self, audio: Tensor) -> Tensor:
        """(B, S) -> (B, bands, T). Always float32 inside: half precision loses quiet sounds."""
        return self.bands(self.spectrum(audio))
