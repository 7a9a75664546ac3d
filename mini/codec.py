"""Fit the encoder and train the decoder of ``mini``: ``python -m mini.codec``.

The encoder is a linear map, computed in a minute. The decoder learns to turn its 128 numbers at
5 Hz into spectra; it learns from the spectra, not from the sound, which is several times cheaper.
It has two bands that know nothing of each other, one after the other they are trained. Noise on
the latents while training makes nearby latents sound alike, which forgives the DiT its errors.

Shapes: B clips, C latent channels, T latent frames, F spectrum frames, K bins,
S samples.
"""

import argparse
import copy
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from angen.files import replacing
from angen.mel import LOWEST_HZ, mel_filters
from angen.vocoder.encoder import Encoder, EncoderConfig, fit_components
from angen.vocoder.istft import FLOOR, NOISE_REACH, InverseStft, IstftConfig
from angen.vocoder.twoband import Crossover, TwoBand, TwoBandConfig
from mini.bank import RATE_HZ
from mini.loop import WORK, Budget, device, join, load_state, rank, repeatable, run
from mini.material import Material, open_material
from mini.timbres import random_sound

log = logging.getLogger(__name__)
CHANNELS = 128
NOISE = 0.2  # largest deviation of the noise on latents whose own is 1
CLIP_S = 2.0
FITTED_MINUTES = 40.0  # of music that the encoder is fitted to
FINE_WEIGHT = 1.5  # of a quarter-tone band beside a mel band
LEVELLED_CLIPS = 256  # by which the decoder is made as loud as the music
MIXED = 0.15  # of the clips that the decoder learns from: two at once, denser than we compose
HEARD = 1e-3  # of full scale: what is added to magnitudes whose logarithms are compared
OCTAVES = ((0, 2), (2, 4), (4, 8), (8, 16))  # sixteenths of the spectrum
SILENT = 0.02  # of full scale
RECORDED = "real"  # the pool of recordings
BROAD_FRAMES = 10  # a tenth of a second, over which the decoder is held to the true energy

ENCODER = EncoderConfig(
    out_channels=CHANNELS,
    sample_rate_hz=RATE_HZ,
    fft_samples=512,
    bands=48,
    fine_fft_samples=4096,
    fine_bands=150,
    hop_samples=240,
    frames=20,
    fine_frames=2,
)
FULL = IstftConfig(
    in_channels=CHANNELS,
    sample_rate_hz=RATE_HZ,
    fft_samples=960,
    hop_samples=240,
    frames=ENCODER.frames,
    bands=ENCODER.bands,
    fine_frames=ENCODER.fine_frames,
    fine_bands=ENCODER.fine_bands,
    width=256,
    blocks=4,
    kernel=5,
    touches=2,
    roughness=1.6,
)
LOW = replace(
    FULL,
    sample_rate_hz=RATE_HZ // 10,
    fft_samples=384,
    hop_samples=24,
    width=192,
    touches=6,
    roughness=0.0,
)
DECODER = TwoBandConfig(full=FULL, low=LOW)


@dataclass(frozen=True, slots=True)
class Band:
    """A band of the decoder, and how fine its spectra are told when they are compared."""

    config: IstftConfig
    mels: int
    broad: int  # bands that are held to the true energy
    windows: tuple[int, ...]  # samples, of the spectra by which sounds are compared
    checkpoint: Path
    by_sound: Path | None = None  # checkpoint of the training by sound, where there is one


BANDS = {
    "full": Band(FULL, 64, 24, (256, 512, 1024, 2048), WORK / "codec.pt", WORK / "codec-sound.pt"),
    "low": Band(LOW, 40, 12, (64, 128, 256, 512), WORK / "codec-low.pt"),
}


class Targets(nn.Module):
    """What the decoder's head should say of a waveform, and how far it is from saying so."""

    window: Tensor
    filters: Tensor
    broad: Tensor
    weight: Tensor

    def __init__(self, band: Band) -> None:
        super().__init__()
        rate_hz = band.config.sample_rate_hz
        self.size, self.hop = band.config.fft_samples, band.config.hop_samples
        self.register_buffer("window", torch.hann_window(self.size))
        self.register_buffer("filters", mel_filters(rate_hz, self.size, band.mels, LOWEST_HZ))
        self.register_buffer("broad", mel_filters(rate_hz, self.size, band.broad, LOWEST_HZ))
        hz = torch.linspace(0, rate_hz / 2, self.size // 2 + 1)
        weight = 1 / (1 + hz / 700)  # bins that the ear resolves count, as the mel scale has it
        self.register_buffer("weight", (weight / weight.mean())[:, None])

    def forward(self, wave: Tensor) -> tuple[Tensor, Tensor]:
        """(B, S) -> magnitudes (B, K, F), 1 for a full-scale sine, and movements of length 1."""
        margin = (self.size - self.hop) // 2
        spectrum = torch.stft(
            nn.functional.pad(wave, (margin + self.hop, margin)),
            self.size,
            self.hop,
            window=self.window,
            center=False,
            return_complex=True,
        )  # (B, K, F + 1): one frame more in front
        bins = torch.arange(spectrum.shape[1], device=wave.device)
        turn = 2 * torch.pi * self.hop / self.size * bins
        moved = spectrum[:, :, 1:] * spectrum[:, :, :-1].conj()
        moved = moved * torch.polar(torch.ones_like(turn), -turn)[:, None]
        return spectrum[:, :, 1:].abs() * (2 / self.window.sum()), moved / (moved.abs() + 1e-12)

    def losses(self, logs: Tensor, movement: Tensor, wave: Tensor) -> dict[str, Tensor]:
        """Log magnitude, loudness-weighted magnitude, mel, movement and energy errors of the head.

        Where the head cannot know, the first three are content with the middle of what may be.
        The mean of that is too soft: energies over a while are held to the true ones.
        """
        magnitude, moved = self(wave)
        loud = (magnitude + FLOOR).pow(0.3)
        made = (logs.exp() - FLOOR).clamp_min(0)
        mels = [(self.filters @ m + FLOOR).log() for m in (made, magnitude)]
        energies = [self._energy(m) for m in (made, magnitude)]
        error = (movement - moved).abs().square()
        share = magnitude / (magnitude.sum((1, 2), keepdim=True) + 1.0)
        losses = {
            "log": (self.weight * (logs - (magnitude + FLOOR).log()).abs()).mean(),
            "loud": 8 * (self.weight * ((0.3 * logs).exp() - loud).abs()).mean(),
            "mel": (mels[0] - mels[1]).abs().mean(),
            "moved": (share * error).sum((1, 2)).mean(),
            "energy": 0.5 * (energies[0] - energies[1]).abs().mean(),
        }
        return {"total": torch.stack(list(losses.values())).sum(), **losses}

    def _energy(self, magnitude: Tensor) -> Tensor:
        """Log energies (B, bands, F / 10) of magnitudes (B, K, F)."""
        energy = nn.functional.avg_pool1d(self.broad @ magnitude.square(), BROAD_FRAMES)
        return (energy + FLOOR**2).log()


class EnergyDistance(nn.Module):
    """How far a decoder's sounds are from being drawn as the music is, by its log spectra.

    Twice the mean distance of made sound to the music, less that between two sounds made of the
    same latents with other noise: least where both come from one distribution, where an error
    alone is least for the smooth middle of all that may be.

    Source: Gritsenko et al. 2020, "A Spectral Energy Distance for Parallel Speech Synthesis".
    """

    def __init__(self, band: Band) -> None:
        super().__init__()
        rate_hz = band.config.sample_rate_hz
        self.sizes = band.windows
        for size in self.sizes:
            self.register_buffer(f"window{size}", torch.hann_window(size))
            hz = torch.linspace(0, rate_hz / 2, size // 2 + 1)
            weight = 1 / (1 + hz / 700)
            self.register_buffer(f"weight{size}", (weight / weight.mean())[:, None])

    def forward(self, real: Tensor, made: Tensor, again: Tensor) -> Tensor:
        """Music (B, S), and two sounds (B, S) of its latents."""
        total = real.new_zeros(())
        for size in self.sizes:
            truth, one, two = (self._logs(wave, size) for wave in (real, made, again))
            hits = self._apart(one, truth, size) + self._apart(two, truth, size)
            total = total + hits - self._apart(one, two, size)
        return total / len(self.sizes)

    def _logs(self, wave: Tensor, size: int) -> Tensor:
        window = self.get_buffer(f"window{size}")
        spectrum = torch.stft(
            wave, size, size // 4, window=window, center=False, return_complex=True
        )
        return (spectrum.abs() * (2 / window.sum()) + HEARD).log()

    def _apart(self, one: Tensor, other: Tensor, size: int) -> Tensor:
        """Mean over frames of the length of their difference: of all bins, and of four octaves.

        The length and not its square: else the distance saw nothing but means.
        """
        squares = (one - other).square()  # (B, K, F)
        whole = (self.get_buffer(f"weight{size}") * squares).mean(1)
        step = squares.shape[1] // 16
        parts = [whole, *(squares[:, a * step : b * step].mean(1) for a, b in OCTAVES)]
        return torch.stack([(part + 1e-6).sqrt().mean() for part in parts]) @ self.shares(parts)

    @staticmethod
    def shares(parts: Sequence[Tensor]) -> Tensor:
        """The whole spectrum counts as much as its four octaves together."""
        return parts[0].new_tensor([1.0] + [0.25] * (len(parts) - 1))


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


def mixed_clips(materials: Sequence[Material], count: int, rng: np.random.Generator) -> Tensor:
    """The same for the decoder, some of them two at once."""
    waves = clips(materials, count, rng)
    twice = int(rng.binomial(count, MIXED))
    if twice:
        waves[:twice] = 0.7 * (waves[:twice] + clips(materials, twice, rng))
    return waves


def feature_weights() -> Tensor:
    """How much each number (features,) of the encoder's views counts in the fit."""
    coarse, fine = ENCODER.frames * ENCODER.bands, ENCODER.fine_frames * ENCODER.fine_bands
    return torch.cat([torch.ones(coarse), torch.full((fine,), FINE_WEIGHT)])


def fit(minutes: float, seed: int) -> Encoder:
    """An encoder fitted to that much of the pools' music, augmented as for the decoder."""
    rng = np.random.default_rng(seed)
    materials = [open_material("train"), open_material("held_out")]
    encoder = Encoder(ENCODER)
    found = []
    for _ in range(round(minutes * 60 / CLIP_S / 10)):
        with torch.no_grad():
            found.append(encoder.views(clips(materials, 10, rng)).flatten(0, 1))
    explained = fit_components(encoder, torch.cat(found), feature_weights())
    log.info("%d channels explain %.3f of the variance", CHANNELS, explained.sum())
    return encoder.eval()


def fitted(seed: int) -> Encoder:
    """The fitted encoder, from disk or anew."""
    path = WORK / "encoder.pt"
    encoder = Encoder(ENCODER)
    if path.exists():
        encoder.load_state_dict(torch.load(path, weights_only=True))
        return encoder.eval()
    encoder = fit(FITTED_MINUTES, seed)
    if rank() == 0:
        with replacing(path) as beside:
            torch.save(encoder.state_dict(), beside)
    return encoder


@torch.no_grad()
def undo(encoder: Encoder, decoder: InverseStft) -> None:
    """Let the decoder begin with the inverse of the encoder's map, but for a constant.

    Scaled to about -1 to 1.
    """
    weights = feature_weights().double()
    unweighted = encoder.components.weight.double() / weights
    matrix = torch.linalg.pinv(unweighted) / weights[:, None]  # (features, C)
    offset = -matrix @ encoder.components.bias.double()
    decoder.unfold.weight.copy_(matrix / 2.5)
    decoder.unfold.bias.copy_((offset + 5) / 2.5)


def train(band: Band, budget: Budget, batch: int, seed: int) -> None:
    """Train a band of the decoder until the budget is used up; it lies in the band's checkpoint."""
    torch.manual_seed(seed)
    materials = [open_material("train"), open_material("held_out")]
    where = device()
    encoder = fitted(seed)
    decoder = InverseStft(band.config)
    undo(encoder, decoder)
    encoder.to(where).requires_grad_(False)
    decoder.to(where)
    models: dict[str, nn.Module] = {"decoder": decoder}
    averages = {name: copy.deepcopy(model).eval() for name, model in models.items()}
    rng = np.random.default_rng([seed, rank()])
    torch.manual_seed(seed + rank())
    targets = Targets(band).to(where)
    crossover = Crossover(DECODER.factor).to(where) if band.config is LOW else None

    @repeatable
    def drawn() -> tuple[Tensor, Tensor]:
        wave = mixed_clips(materials, batch, rng).to(where)
        latents = encoder(wave[:, None])
        loudness = NOISE * torch.rand(len(latents), 1, 1).to(where)
        return wave, latents + loudness * torch.randn_like(latents)

    def step_losses(step: int) -> dict[str, Tensor]:
        wave, latents = drawn(step)
        with torch.autocast(where.type, torch.bfloat16):
            logs, movement = decoder.spectra(latents)
        return targets.losses(logs, movement, crossover.down(wave) if crossover else wave)

    run(models, averages, step_losses, budget, band.checkpoint)


def train_sound(band: Band, budget: Budget, batch: int, seed: int, pool: str) -> None:
    """Train a band of the decoder on by its sound, on recordings and composed music."""
    checkpoint = band.by_sound
    if checkpoint is None:
        return
    torch.manual_seed(seed)
    composed = [open_material("train"), open_material("held_out")]
    recorded = open_material(pool)
    where = device()
    encoder = fitted(seed).to(where).requires_grad_(False)
    decoder = InverseStft(band.config)
    decoder.load_state_dict(load_state(band.checkpoint)["averages"]["decoder"])
    decoder.to(where)
    average = copy.deepcopy(decoder).eval()
    rng = np.random.default_rng([seed, rank()])
    torch.manual_seed(seed + rank())
    targets, distance = Targets(band).to(where), EnergyDistance(band).to(where)
    crossover = Crossover(DECODER.factor).to(where) if band.config is LOW else None

    @repeatable
    def drawn() -> tuple[Tensor, Tensor]:
        few = batch // 4
        made, real = clips(composed, few, rng), recorded_clips(recorded, batch - few, rng)
        wave = torch.cat([made, real]).to(where)
        latents = encoder(wave[:, None])
        loudness = NOISE * torch.rand(len(latents), 1, 1).to(where)
        return wave, latents + loudness * torch.randn_like(latents)

    def step_losses(step: int) -> dict[str, Tensor]:
        wave, latents = drawn(step)
        real = crossover.down(wave) if crossover else wave
        generator = torch.Generator().manual_seed((seed * 1000 + rank()) * 1_000_000 + step)
        with torch.autocast(where.type, torch.bfloat16):
            logs, movement = decoder.spectra(latents)
        made, again = (sounding(decoder, logs, movement, generator) for _ in range(2))
        head = targets.losses(logs, movement, real)
        losses = {"distance": distance(real, made, again), "moved": head["moved"]}
        losses |= {"energy": 0.6 * head["energy"], "log": 0.1 * head["log"]}
        return {"total": torch.stack(list(losses.values())).sum(), **losses}

    models: dict[str, nn.Module] = {"decoder": decoder}
    run(models, {"decoder": average}, step_losses, budget, checkpoint)


def sounding(
    decoder: InverseStft, logs: Tensor, movement: Tensor, generator: torch.Generator
) -> Tensor:
    """Sound (B, S) of spectra, with noise of their own for each clip.

    Gradients reach the magnitudes, not the phases.
    """
    size = len(logs), logs.shape[2] + NOISE_REACH, decoder.bins
    noise = torch.randn(size, generator=generator).to(logs.device)
    magnitude = decoder.magnitude(logs) * decoder.rough(movement, noise)
    with torch.no_grad():
        summed = decoder.summed(magnitude, movement)
        phases = decoder.settled(magnitude, movement, summed, noise)
    return decoder.overlapped(magnitude, phases)


def recorded_clips(recorded: Material, count: int, rng: np.random.Generator) -> Tensor:
    """Clips (count, S) of recordings that are not silent, half of them softer."""
    samples = round(CLIP_S * RATE_HZ)
    batch: list[NDArray[np.float32]] = []
    while len(batch) < count:
        clip = recorded.crop(samples, rng)
        if np.abs(clip).max() > SILENT:
            batch.append(clip * (rng.uniform(0.3, 1) if rng.random() < 0.5 else 1))
    return torch.from_numpy(np.stack(batch).astype(np.float32))


def trained_encoder() -> Encoder:
    """The fitted encoder, ready for use."""
    return fitted(0).requires_grad_(False)


@torch.no_grad()
def level(decoder: TwoBand, encoder: Encoder, waves: Tensor) -> float:
    """Make up for the loudness that a decoder loses of clips (B, S); by how much, in dB.

    What it cannot know it takes for softer than it is, and phases that do not agree take the rest.
    """
    made = decoder(encoder(waves[:, None]))[:, 0]
    lost = (waves.square().mean(1) / made.square().mean(1).clamp_min(1e-9)).sqrt().log().median()
    for band in (decoder.full, decoder.low):
        assert band.leave.bias is not None
        band.leave.bias[: band.bins] += lost
    return float(lost) * 20 / math.log(10)


def trained_decoder() -> TwoBand:
    """The averaged decoders of the last checkpoints, as loud as what they learned from."""
    decoder = TwoBand(DECODER)
    for name, band in BANDS.items():
        state = load_state(band.by_sound or band.checkpoint)["averages"]["decoder"]
        decoder.get_submodule(name).load_state_dict(state)
    decoder.eval().requires_grad_(False)
    materials = [open_material("train"), open_material("held_out")]
    waves = clips(materials, LEVELLED_CLIPS, np.random.default_rng(0))
    log.info("louder by %.2f dB", level(decoder, trained_encoder(), waves))
    return decoder


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bands", nargs="+", choices=BANDS, default=list(BANDS))
    parser.add_argument("--sound", action="store_true", help="train on by sound, not by spectra")
    parser.add_argument("--recorded", default=RECORDED, help="pool of recordings")
    parser.add_argument("--steps", type=int, default=4500, help="of each band")
    parser.add_argument("--batch", type=int, default=16, help="clips of 2 s in a step")
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    budget = Budget(steps=given.steps, rate=given.rate)
    join()
    for name in given.bands:
        log.info("band: %s", name)
        if given.sound:
            train_sound(BANDS[name], budget, given.batch, given.seed, given.recorded)
        else:
            train(BANDS[name], budget, given.batch, given.seed)


if __name__ == "__main__":
    main()
