"""Measure the bundle that ships: ``python -m mini.measure``, prints the tables of docs/mini.md.

All on pieces of the pool ``unseen``, whose seeds no training has met. The codec is compared on
log-mel distances; the style encoder by whether it finds captions and names styles; the DiT by
what the style encoder and the ears of ``angen.audio`` say of its songs, beside real composed music
of the same style and beside an untrained DiT.

Shapes: B clips, S samples, T latent frames.
"""

import argparse
import logging
import time
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from angen.audio.listening import listen
from angen.bundle import Bundle, load_bundle
from angen.diffrhythm.dit import DiT
from angen.diffrhythm.sampling import SamplerConfig, Song
from angen.mel import LOWEST_HZ, mel_filters
from mini.bank import RATE_HZ
from mini.material import Entry, Material, open_material
from mini.pieces import STYLES

log = logging.getLogger(__name__)
FFT_SIZES = (256, 512, 1024, 2048)


def log_mel(wave: Tensor, size: int) -> Tensor:
    """Natural log-mel of (B, S) in windows of ``size``: (B, bands, frames)."""
    window = torch.hann_window(size)
    spectrum = torch.stft(wave, size, size // 4, window=window, return_complex=True).abs()
    filters = mel_filters(RATE_HZ, size, min(160, max(32, size // 16)), LOWEST_HZ)
    return (filters @ (spectrum * 2 / window.sum())).clamp_min(1e-4).log()


def griffin_lim(wave: Tensor, bands: int, rate_hz: int) -> Tensor:
    """The plain baseline: (B, S) kept as log-mels at ``rate_hz``, brought back by Griffin-Lim."""
    size, hop = 1024, 256
    window = torch.hann_window(size)
    filters = mel_filters(RATE_HZ, size, bands, LOWEST_HZ)
    magnitude = torch.stft(wave, size, hop, window=window, return_complex=True).abs()
    mel = (filters @ magnitude).clamp_min(1e-6).log()  # (B, bands, frames)
    few = round(wave.shape[1] / RATE_HZ * rate_hz)
    mel = torch.nn.functional.interpolate(mel, few, mode="area")
    mel = torch.nn.functional.interpolate(mel, magnitude.shape[2], mode="linear")
    wanted = (torch.linalg.pinv(filters) @ mel.exp()).clamp_min(0)
    torch.manual_seed(0)
    phase = torch.exp(2j * torch.pi * torch.rand_like(wanted))
    for _ in range(32):
        made = torch.istft(wanted * phase, size, hop, window=window, length=wave.shape[1])
        phase = torch.stft(made, size, hop, window=window, return_complex=True)
        phase = phase / (phase.abs() + 1e-9)
    return torch.istft(wanted * phase, size, hop, window=window, length=wave.shape[1])


def codec_table(bundle: Bundle, material: Material, clips: int) -> None:
    """Log-mel distances of the codec and of Griffin-Lim from as many values a second."""
    rng = np.random.default_rng(5)
    waves = torch.from_numpy(np.stack([material.crop(6 * RATE_HZ, rng) for _ in range(clips)]))
    made = torch.stack([bundle.decode(bundle.encode_audio(wave, RATE_HZ)) for wave in waves])
    values = round(bundle.channels * bundle.latent_rate_hz)
    plain = griffin_lim(waves, 64, values // 64)
    for name, wave in (("mini", made), (f"Griffin-Lim, {values} values/s", plain)):
        errors = [(log_mel(wave, n) - log_mel(waves, n)).abs().mean() for n in FFT_SIZES]
        level = 10 * torch.log10(wave.square().mean(1) / waves.square().mean(1))
        row = " ".join(f"{float(error):.2f}" for error in errors)
        log.info("codec | %s | %s | %+.1f dB", name, row, float(level.mean()))


def prompt_of(entry: Entry) -> str:
    """A short prompt for music like a piece's."""
    labels = entry.labels
    return f"{entry.style}, {labels['mood']}, {float(labels['bpm']):.0f} BPM, {labels['key']}"


def play(bundle: Bundle, prompts: Sequence[str], seconds: float, guidance: float) -> list[Tensor]:
    """One song (S,) for each prompt."""
    frames = round(seconds * bundle.latent_rate_hz)
    empty = torch.zeros(0, dtype=torch.long)
    songs = [
        Song(tokens=empty, style=bundle.embed_text(prompt), frames=frames, seed=seed)
        for seed, prompt in enumerate(prompts)
    ]
    config = SamplerConfig(guidance=guidance)
    return [bundle.decode(latents) for latents in bundle.sample(songs, config, lambda *_: None)]


def octave_free(ours: float, true: float) -> bool:
    """Whether two tempi agree within 4 %, twice and half as fast allowed."""
    return any(abs(ours * factor / true - 1) < 0.04 for factor in (0.5, 1, 2))


def judge(
    bundle: Bundle, waves: Sequence[Tensor], entries: Sequence[Entry], named: Tensor, name: str
) -> None:
    """One row: style named among all, agreement with the prompt, tempo and key as heard."""
    right, cosine, tempo, key = [], [], [], []
    for wave, entry in zip(waves, entries, strict=True):
        if float(wave.abs().max()) < 1e-3:
            log.info("%s: silence for %s", name, prompt_of(entry))
            continue
        vector = bundle.embed_audio(wave, RATE_HZ)
        right.append(STYLES[int((named @ vector).argmax())] == entry.style)
        cosine.append(float(bundle.embed_text(prompt_of(entry)) @ vector))
        heard = listen(as_channels(wave), RATE_HZ)
        tempo.append(octave_free(heard.bpm or 0.0, float(entry.labels["bpm"])))
        key.append(heard.key == entry.labels["key"])
    log.info(
        "songs | %s | style %.2f | cosine %.2f | tempo %.2f | key %.2f | of %d",
        name,
        np.mean(right),
        np.mean(cosine),
        np.mean(tempo),
        np.mean(key),
        len(right),
    )


def as_channels(wave: Tensor) -> NDArray[np.float32]:
    """(S,) as (1, S)."""
    return np.asarray(wave.numpy()[None], np.float32)


def songs_table(bundle: Bundle, material: Material, count: int, guidances: list[float]) -> None:
    """Songs for the prompts of unseen pieces, beside those pieces and an untrained DiT."""
    entries = [entry for entry in material.entries if entry.style in STYLES][:count]
    named = torch.stack([bundle.embed_text(style) for style in STYLES])
    rng = np.random.default_rng(0)
    real = [torch.from_numpy(material.crop_of(entry, 20 * RATE_HZ, rng)) for entry in entries]
    judge(bundle, real, entries, named, "composed music")
    prompts = [prompt_of(entry) for entry in entries]
    for guidance in guidances:
        began = time.process_time()
        made = play(bundle, prompts, 20, guidance)
        log.info("%.1f processor seconds a song", (time.process_time() - began) / count)
        judge(bundle, made, entries, named, f"mini, guidance {guidance}")
    trained, bundle.dit = bundle.dit, DiT(bundle.dit.config).eval()
    judge(bundle, play(bundle, prompts, 20, 1.0), entries, named, "untrained")
    bundle.dit = trained


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--songs", type=int, default=32)
    parser.add_argument("--clips", type=int, default=32)
    parser.add_argument("--guidance", type=float, nargs="*", default=[3.0])
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    bundle, material = load_bundle(), open_material("unseen")
    codec_table(bundle, material, given.clips)
    songs_table(bundle, material, given.songs, given.guidance)


if __name__ == "__main__":
    main()
