"""How far a reconstruction is from a recording: what an encoder is taught and judged by.

Magnitudes only: a decoder that chooses its own phases is not punished for them.

Shapes: B clips, S samples.

Source: multi-resolution spectral losses: Yamamoto et al. 2020, Parallel WaveGAN, arXiv:1910.11480.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from angen.mel import LogMel

SIZES = (256, 512, 1024, 2048)  # samples of the windows, at 24 kHz; longer at higher rates
MEL_BANDS = 80
LOUDNESS_S = 0.4
QUIETEST = 1e-4  # root mean square below which all is silence: -80 dB
DB = 8.685889638  # decibels in a factor of e


@dataclass(frozen=True, kw_only=True)
class Distance:
    """Of each clip (B,); 0 for the same sound."""

    mel: Tensor  # mean difference of natural-log mel magnitudes
    spectral: Tensor  # the same of plain spectra, over all window lengths, with their convergence
    loudness_db: Tensor  # mean difference of the level in windows of 0.4 s

    @property
    def total(self) -> Tensor:
        """What is minimised, (B,)."""
        return self.mel + self.spectral + 0.05 * self.loudness_db


class Likeness(nn.Module):
    """Compares waveforms (B, S) at one rate. Holds no weights."""

    def __init__(self, rate_hz: int) -> None:
        super().__init__()
        scale = max(1, round(rate_hz / 24_000))
        self.window_samples = max(1, round(LOUDNESS_S * rate_hz))
        self.sizes = tuple(size * scale for size in SIZES)
        for size in self.sizes:
            self.register_buffer(f"window{size}", torch.hann_window(size), persistent=False)
        self.mel = LogMel(
            rate_hz=rate_hz,
            fft_samples=1024 * scale,
            hop_samples=256 * scale,
            bands=MEL_BANDS,
        )

    def forward(self, ours: Tensor, theirs: Tensor) -> Distance:
        """Waveforms (B, S) of equal length, at least one sample."""
        spectral = [self._spectral(ours, theirs, size) for size in self.sizes]
        return Distance(
            mel=(self.mel(ours) - self.mel(theirs)).abs().mean((1, 2)),
            spectral=torch.stack(spectral).mean(0),
            loudness_db=(self.levels(ours) - self.levels(theirs)).abs().mean(1),
        )

    def levels(self, audio: Tensor) -> Tensor:
        """Level in dB of each window (B, windows)."""
        size = min(self.window_samples, audio.shape[1])
        power = functional.avg_pool1d(audio.float().square()[:, None], size, size)[:, 0]
        return DB / 2 * (power + QUIETEST**2).log()

    def _spectral(self, ours: Tensor, theirs: Tensor, size: int) -> Tensor:
        a, b = self._magnitudes(ours, size), self._magnitudes(theirs, size)
        logs = ((a + QUIETEST).log() - (b + QUIETEST).log()).abs().mean((1, 2))
        off = (a - b).square().sum((1, 2)).add(1e-8).sqrt()
        return logs + off / b.square().sum((1, 2)).add(1e-3).sqrt()

    def _magnitudes(self, audio: Tensor, size: int) -> Tensor:
        window = self.get_buffer(f"window{size}")
        padded = functional.pad(audio.float(), (size // 2, size // 2))
        spectrum = torch.stft(
            padded, size, size // 4, window=window, center=False, return_complex=True
        )
        power = spectrum.real.square() + spectrum.imag.square()
        return (power + 1e-12).sqrt() * (2 / window.sum())
