"""Vocals and accompaniment, by Spleeter's two-stem model.

Shapes: B patches, T frames of a patch, F frequency bins that are seen, C channels of a layer.

A U-Net for each stem sees patches of the magnitude spectrogram of both channels and says how much
of it is the stem's. A stem's share of power masks the spectrogram of the recording.

Source: Hennequin et al. 2020, Spleeter, doi:10.21105/joss.02154; Jansson et al. 2017, Singing
voice separation with deep U-Net convolutional networks. Numbers are those of the original
(``tests/audio/original_spleeter.py``).
"""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from angen.audio.files import Sound
from angen.audio.spleeter_weights import FILE, STEMS
from angen.tensors import filled, read_tensors

_LEAK = 0.2
_SILENCE = 1e-10  # of power: shared by the stems


@dataclass(frozen=True, kw_only=True, slots=True)
class SpleeterConfig:
    """What of a recording the nets see, and how wide they are."""

    window: int
    hop: int
    frames: int
    bins: int
    channels: tuple[int, ...]


CONFIG = SpleeterConfig(
    window=4096, hop=1024, frames=512, bins=1024, channels=(16, 32, 64, 128, 256, 512)
)


class Norm(nn.Module):
    """(B, C, T, F) -> the same shape: what a batch normalisation is once it is taught."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight[:, None, None] + self.bias[:, None, None]


class Down(nn.Module):
    """(B, C, T, F) -> (B, C', T / 2, F / 2)."""

    def __init__(self, channels: int, out: int, *, deepest: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out, 5, stride=2)
        self.norm = None if deepest else Norm(out)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """As it is, for the way up; and normalised, for the next layer."""
        raw: Tensor = self.conv(functional.pad(x, (1, 2, 1, 2)))  # as TensorFlow pads
        return raw, raw if self.norm is None else functional.leaky_relu(self.norm(raw), _LEAK)


class Up(nn.Module):
    """(B, C, T, F) -> (B, C', 2 T, 2 F)."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose2d(channels, out, 5, stride=2)
        self.norm = Norm(out)

    def forward(self, x: Tensor) -> Tensor:
        normalised: Tensor = self.norm(functional.relu(self.conv(x)[:, :, 1:-2, 1:-2]))
        return normalised


class UNet(nn.Module):
    """(B, 2, T, F) magnitudes -> those of one stem."""

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        last = len(channels) - 1
        self.down = nn.ModuleList(
            Down(wide, out, deepest=i == last)
            for i, (wide, out) in enumerate(pairwise((2, *channels)))
        )
        out = (*channels[-2::-1], 1)
        wide = (channels[-1], *(2 * c for c in out[:-1]))
        self.up = nn.ModuleList(Up(*layer) for layer in zip(wide, out, strict=True))
        self.mask = nn.Conv2d(1, 2, 4, dilation=2, padding=3)

    def forward(self, magnitudes: Tensor) -> Tensor:
        x, kept = magnitudes, []
        for down in self.down:
            raw, x = down(x)
            kept.append(raw)
        x = self.up[0](kept.pop())
        for up in self.up[1:]:
            x = up(torch.cat([kept.pop(), x], 1))
        return torch.sigmoid(self.mask(x)) * magnitudes


class Spleeter(nn.Module):
    """(2, n) samples at 44,100 Hz -> (stems, 2, n), which add up to them."""

    name, rate_hz, channels, stems = "Spleeter", 44_100, 2, STEMS
    level = 0.056  # -25 dB: voices come out 0 to 3 dB cleaner than at any level 10 dB away

    def __init__(self, config: SpleeterConfig = CONFIG) -> None:
        super().__init__()
        self.config = config
        for stem in STEMS:
            self.add_module(stem, UNet(config.channels))

    def forward(self, samples: Tensor) -> Tensor:
        window, hop, n = self.config.window, self.config.hop, samples.shape[1]
        frames = -(-(window + n) // hop)  # the first lies before the sound, as in the original
        first = window // 2
        padded = functional.pad(samples, (first, (frames - 1) * hop - first - n))
        hann = torch.hann_window(window, device=samples.device)
        spectrum = torch.stft(
            padded, window, hop, window=hann, pad_mode="constant", return_complex=True
        )  # (2, bins of the window, frames)
        masked = self.masks(spectrum.abs()) * spectrum  # (stems, 2, bins, frames)
        sound = torch.istft(masked.flatten(0, 1), window, hop, window=hann, length=padded.shape[1])
        return sound[:, first : first + n].reshape(len(STEMS), 2, n)

    def separate(self, mix: Sound) -> Sound:
        """(2, n) -> (stems, 2, n), on the device of the weights."""
        device = next(self.parameters()).device
        with torch.inference_mode():
            stems: Tensor = self(torch.from_numpy(mix).to(device))
        return np.asarray(stems.cpu().numpy(), np.float32)

    def masks(self, magnitudes: Tensor) -> Tensor:
        """(2, bins, frames) -> (stems, 2, bins, frames), which add up to 1.

        Above what the nets see, a frame's mask is what it is below on average.
        """
        bins, count = self.config.bins, magnitudes.shape[2]
        seen = functional.pad(magnitudes[:, :bins], (0, -count % self.config.frames))
        patches = seen.reshape(2, bins, -1, self.config.frames).permute(2, 0, 3, 1)  # (B, 2, T, F)
        nets = [self.get_submodule(stem) for stem in STEMS]
        # One patch after the other: the layers of one take 200 MB.
        found = [torch.stack([net(patch[None])[0] for net in nets]) for patch in patches]
        power = torch.cat(found, 2)[:, :, :count].transpose(2, 3) ** 2  # (stems, 2, F, frames)
        masks = (power + _SILENCE / len(STEMS)) / (power.sum(0) + _SILENCE)
        above = masks.mean(2, keepdim=True).expand(-1, -1, magnitudes.shape[1] - bins, -1)
        return torch.cat([masks, above], 2)


def load_spleeter(folder: Path, device: str = "cpu") -> Spleeter:
    """The model from the weights in ``folder``. Raises MissingWeights, Incompatible."""
    path = folder / FILE
    return filled(Spleeter, path, path, read_tensors(path)).to(device)
