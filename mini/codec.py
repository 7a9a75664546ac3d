"""Train the encoder and decoder of ``mini`` together: ``python -m mini.codec``.

The pair is an autoencoder: waveform to 64 numbers at 5 Hz to waveform. The encoder sees only
magnitudes, so the decoder invents phases, and all losses compare magnitudes. Noise on the
latents while training makes nearby latents sound alike, which forgives the DiT its errors.

Shapes: B clips, C latent channels, T latent frames, S samples.
"""

import argparse
import copy
import logging
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from angen.mel import mel_filters
from angen.vocoder.encoder import Encoder, EncoderConfig
from angen.vocoder.istft import InverseStft, IstftConfig
from mini.loop import WORK, Budget, load_state, run
from mini.material import RATE_HZ, Material, open_material
from mini.timbres import random_sound

log = logging.getLogger(__name__)
CHECKPOINT = WORK / "codec.pt"
CHANNELS = 64
FFT_SIZES = (256, 512, 1024, 2048, 4096)
LARGEST_NOISE = 0.35  # deviation of the noise on latents whose own is 1
CLIP_S = 2.0

ENCODER = EncoderConfig(
    out_channels=CHANNELS,
    sample_rate_hz=RATE_HZ,
    fft_samples=1024,
    hop_samples=240,
    bands=80,
    widths=(144, 224, 288),
    blocks=(1, 2, 1),
    kernels=(5, 5, 3),
    factors=(4, 5),
)
DECODER = IstftConfig(
    in_channels=CHANNELS,
    sample_rate_hz=RATE_HZ,
    fft_samples=960,
    hop_samples=240,
    widths=(320, 224, 208),
    blocks=(1, 1, 4),
    kernels=(3, 5, 5),
    factors=(5, 4),
)


class Spectral(nn.Module):
    """Distance of two waveforms at one resolution: log-mel L1 + convergence + log magnitude."""

    window: Tensor
    filters: Tensor

    def __init__(self, fft_samples: int) -> None:
        super().__init__()
        self.fft_samples = fft_samples
        bands = min(128, max(32, fft_samples // 16))
        self.register_buffer("window", torch.hann_window(fft_samples))
        self.register_buffer("filters", mel_filters(RATE_HZ, fft_samples, bands, 30.0))

    def magnitude(self, wave: Tensor) -> Tensor:
        """(B, S) -> (B, bins, frames), 1 for a full-scale sine."""
        size = self.fft_samples
        spectrum = torch.stft(wave, size, size // 4, window=self.window, return_complex=True)
        power = spectrum.real.square() + spectrum.imag.square()
        return (power + 1e-9).sqrt() * (2 / self.window.sum())

    def mel_distance(self, ours: Tensor, true: Tensor) -> Tensor:
        """Mean absolute difference of natural log-mels, between magnitudes (B, bins, frames)."""
        floor = 1e-4
        return (
            (
                ((self.filters @ ours).clamp_min(floor).log())
                - ((self.filters @ true).clamp_min(floor).log())
            )
            .abs()
            .mean()
        )

    def forward(self, ours: Tensor, true: Tensor) -> tuple[Tensor, Tensor]:
        """Waveforms (B, S) -> log-mel distance, and the rest."""
        ours_m, true_m = self.magnitude(ours), self.magnitude(true)
        error = (ours_m - true_m).flatten(1).norm(dim=1)
        convergence = (error / (true_m.flatten(1).norm(dim=1) + 1e-2)).mean()
        logs = ((ours_m + 1e-4).log() - (true_m + 1e-4).log()).abs().mean()
        return self.mel_distance(ours_m, true_m), convergence + 0.5 * logs


def clips(materials: Sequence[Material], count: int, rng: np.random.Generator) -> Tensor:
    """Augmented clips (count, S): composed music re-pitched, at many levels, and odd timbres."""
    samples = round(CLIP_S * RATE_HZ)
    batch: list[NDArray[np.float32]] = []
    for _ in range(count):
        if rng.random() < 0.12:
            clip = random_sound(samples, RATE_HZ, rng)
        else:
            material = materials[0 if rng.random() < 0.75 else 1]
            speed = 2 ** rng.uniform(-0.35, 0.35) if rng.random() < 0.4 else 1.0
            source = material.crop(round(samples * speed) + 2, rng)
            at = np.arange(samples) * speed
            clip = np.interp(at, np.arange(len(source)), source).astype(np.float32)
            if rng.random() < 0.05:
                clip = 0.6 * clip + 0.4 * random_sound(samples, RATE_HZ, rng)
        peak = float(np.abs(clip).max()) + 1e-4
        level = rng.choice([0.9, 0.5, 0.25, 0.08], p=[0.45, 0.3, 0.15, 0.1])
        batch.append(clip * (level * rng.uniform(0.7, 1.1) / peak if rng.random() < 0.6 else 1))
    return torch.from_numpy(np.stack(batch).astype(np.float32))


def build() -> dict[str, nn.Module]:
    """An untrained encoder and decoder that belong together."""
    return {"encoder": Encoder(ENCODER), "decoder": InverseStft(DECODER)}


def train(budget: Budget, batch: int, seed: int) -> None:
    """Train until the budget is used up; what is learned lies in ``CHECKPOINT``."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    materials = [open_material("train"), open_material("held_out")]
    models = build()
    averages = {name: copy.deepcopy(model).eval() for name, model in models.items()}
    resolutions = [Spectral(size) for size in FFT_SIZES]

    def step_losses(step: int, progress: float) -> dict[str, Tensor]:
        del step
        wave = clips(materials, batch, rng)
        if progress > 0.7:  # the statistics have settled: train with what use will see
            models["encoder"].get_submodule("normalise").eval()
        with torch.autocast("cpu", torch.bfloat16):
            latents = models["encoder"](wave[:, None])
            sizes = LARGEST_NOISE * torch.rand(len(latents), 1, 1)
            made = models["decoder"](latents + sizes * torch.randn_like(latents))
        mels, rest = [], []
        for i in rng.choice(len(resolutions), 3, replace=False, p=[0.15, 0.2, 0.25, 0.25, 0.15]):
            mel, other = resolutions[i](made[:, 0].float(), wave)
            mels.append(mel)
            rest.append(other)
        mel, other = torch.stack(mels).mean(), torch.stack(rest).mean()
        return {"total": mel + other, "mel": mel}

    run(models, averages, step_losses, budget, CHECKPOINT)


def trained_encoder() -> Encoder:
    """The averaged encoder of the last checkpoint, ready for use."""
    encoder = Encoder(ENCODER)
    encoder.load_state_dict(load_state(CHECKPOINT)["averages"]["encoder"])
    return encoder.eval().requires_grad_(False)


def trained_decoder() -> InverseStft:
    """The averaged decoder of the last checkpoint, ready for use."""
    decoder = InverseStft(DECODER)
    decoder.load_state_dict(load_state(CHECKPOINT)["averages"]["decoder"])
    return decoder.eval().requires_grad_(False)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    budget = Budget(steps=given.steps, minutes=given.minutes, rate=given.rate)
    train(budget, given.batch, given.seed)


if __name__ == "__main__":
    main()
