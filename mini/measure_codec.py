"""What the codec keeps of music that it has never met, beside two plain ways to do without it.

Griffin-Lim gets as many values a second as the codec's latents; Opus the nearest bit rate to
those values in float16. Opus at a rate at which hardly anything is lost tells how steady the ears
are: no codec can be expected to keep what they are unsure of.

Shapes: B clips, S samples, N onsets.
"""

import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
import soundfile
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from angen.audio.listening import Listening, listen
from angen.bundle import Bundle
from angen.files import replacing
from angen.mel import LOWEST_HZ, mel_filters
from angen.studio.material.doubts import DOUBTFUL
from mini.bank import RATE_HZ
from mini.material import Material
from mini.measure_songs import octave_free

log = logging.getLogger(__name__)
FFT_SIZES = (256, 512, 1024, 2048)
CLIP_S = 12
ONSET_HOP = 240  # samples: 10 ms
NEAR_S = 0.05
TEMPO_OFF = 0.02
SURE = DOUBTFUL  # confidence of the ears in what they hear of the original
TRANSPARENT_KBPS = 96.0
OPUS_KBPS = (6.0, 256.0)  # what libsndfile makes of compression levels 1 and 0


def log_mel(wave: Tensor, size: int) -> Tensor:
    """Natural log-mel of (B, S) in windows of ``size``: (B, bands, frames)."""
    window = torch.hann_window(size)
    spectrum = torch.stft(wave, size, size // 4, window=window, return_complex=True).abs()
    filters = mel_filters(RATE_HZ, size, min(160, max(32, size // 16)), LOWEST_HZ)
    return (filters @ (spectrum * 2 / window.sum())).clamp_min(1e-4).log()


def stft_distance(made: Tensor, true: Tensor) -> float:
    """Spectral convergence of (B, S), mean over ``FFT_SIZES``: 0 is perfect, 1 as far as silence.

    Source: Yamamoto et al. 2020, arXiv:1910.11480, the first of its two terms.
    """
    found = []
    for size in FFT_SIZES:
        window = torch.hann_window(size)
        a, b = (
            torch.stft(wave, size, size // 4, window=window, return_complex=True).abs()
            for wave in (made, true)
        )
        found.append(((a - b).norm(dim=(1, 2)) / b.norm(dim=(1, 2)).clamp_min(1e-6)).mean())
    return float(torch.stack(found).mean())


def griffin_lim(wave: Tensor, bands: int, rate_hz: int) -> Tensor:
    """(B, S) kept as log-mels at ``rate_hz``, brought back by Griffin-Lim."""
    size, hop = 1024, 256
    window = torch.hann_window(size)
    filters = mel_filters(RATE_HZ, size, bands, LOWEST_HZ)
    magnitude = torch.stft(wave, size, hop, window=window, return_complex=True).abs()
    mel = (filters @ magnitude).clamp_min(1e-6).log()  # (B, bands, frames)
    few = round(wave.shape[1] / RATE_HZ * rate_hz)
    mel = functional.interpolate(mel, few, mode="area")
    mel = functional.interpolate(mel, magnitude.shape[2], mode="linear")
    wanted = (torch.linalg.pinv(filters) @ mel.exp()).clamp_min(0)
    torch.manual_seed(0)
    phase = torch.exp(2j * torch.pi * torch.rand_like(wanted))
    for _ in range(32):
        made = torch.istft(wanted * phase, size, hop, window=window, length=wave.shape[1])
        phase = torch.stft(made, size, hop, window=window, return_complex=True)
        phase = phase / (phase.abs() + 1e-9)
    return torch.istft(wanted * phase, size, hop, window=window, length=wave.shape[1])


def opus(wave: Tensor, kbps: float) -> tuple[Tensor, float]:
    """(B, S) through Opus at about ``kbps``, and the kilobits a second it took."""
    low, high = OPUS_KBPS
    level = min(1.0, max(0.0, 1 - (kbps - low) / (high - low)))
    made, size = [], 0
    for row in wave:
        packed = io.BytesIO()
        soundfile.write(
            packed, row.numpy(), RATE_HZ, format="OGG", subtype="OPUS", compression_level=level
        )
        size += len(packed.getvalue())
        packed.seek(0)
        back, _ = soundfile.read(packed, dtype="float32")
        made.append(torch.from_numpy(np.resize(back, len(row))))
    return torch.stack(made), size * 8 / 1000 / (wave.numel() / RATE_HZ)


def onsets(wave: Tensor) -> NDArray[np.float64]:
    """Times (N,) of onsets of (S,): peaks of the rise of log-mels, every 10 ms."""
    window = torch.hann_window(1024)
    spectrum = torch.stft(wave, 1024, ONSET_HOP, window=window, return_complex=True).abs()
    mel = (mel_filters(RATE_HZ, 1024, 64, LOWEST_HZ) @ spectrum + 1e-2).log()
    rise = (mel[:, 2:] - mel[:, :-2]).clamp_min(0).mean(0)  # (frames - 2,) over 20 ms
    peak = functional.max_pool1d(rise[None, None], 9, 1, 4)[0, 0]
    usual = functional.avg_pool1d(rise[None, None], 41, 1, 20)[0, 0]
    found = (rise == peak) & (rise > usual + 0.6 * rise.std())
    return (found.nonzero()[:, 0].numpy() + 1) * ONSET_HOP / RATE_HZ


def onset_f(made: Tensor, true: Tensor) -> float:
    """F-measure of the onsets of (S,) against those of the original, 50 ms allowed."""
    ours, theirs = onsets(made), onsets(true)
    if not len(ours) or not len(theirs):
        return float(len(ours) == len(theirs))
    taken: set[int] = set()
    for time_s in ours:
        near = [j for j in np.argsort(abs(theirs - time_s)) if j not in taken]
        if near and abs(theirs[near[0]] - time_s) <= NEAR_S:
            taken.add(int(near[0]))
    return 2 * len(taken) / (len(ours) + len(theirs))


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """Whether tempo and key are heard in a stretch as in the original, and were sure there."""

    tempo: bool
    octaves: bool  # the same, twice and half as fast allowed
    key: bool
    sure_of_tempo: bool
    sure_of_key: bool


def kept(made: Listening, true: Listening) -> Kept:
    """What was heard of a stretch, against what was heard in the original."""
    tempo = octaves = made.bpm == true.bpm
    if made.bpm and true.bpm:
        tempo = abs(made.bpm / true.bpm - 1) < TEMPO_OFF
        octaves = octave_free(made.bpm, true.bpm, TEMPO_OFF)
    return Kept(
        tempo=tempo,
        octaves=octaves,
        key=made.key == true.key,
        sure_of_tempo=true.confidence.get("bpm", 0.0) >= SURE,
        sure_of_key=true.confidence.get("key", 0.0) >= SURE,
    )


def listened(waves: Tensor) -> list[Listening]:
    """What the ears hear of (B, S)."""
    return [listen(wave.numpy()[None], RATE_HZ) for wave in waves]


def row(name: str, made: Tensor, true: Tensor, heard: Sequence[Listening]) -> None:
    """One line of the table: all measures of (B, S) against the original, of which was heard."""
    mels = " ".join(
        f"{float((log_mel(made, n) - log_mel(true, n)).abs().mean()):.2f}" for n in FFT_SIZES
    )
    again = listened(made)
    judged = [kept(a, b) for a, b in zip(again, heard, strict=True)]
    louder = [a.loudness_lufs - b.loudness_lufs for a, b in zip(again, heard, strict=True)]
    found = [onset_f(a, b) for a, b in zip(made, true, strict=True)]
    log.info(
        "codec | %s | log-mel %s | STFT %.2f | loudness %+.1f LU, off by %.1f | onsets %.2f "
        "| tempo %.2f, octaves allowed %.2f, where sure %s | key %.2f, where sure %s",
        name,
        mels,
        stft_distance(made, true),
        float(np.mean(louder)),
        float(np.mean(np.abs(louder))),
        float(np.mean(found)),
        float(np.mean([one.tempo for one in judged])),
        float(np.mean([one.octaves for one in judged])),
        _share([one.tempo for one in judged if one.sure_of_tempo]),
        float(np.mean([one.key for one in judged])),
        _share([one.key for one in judged if one.sure_of_key]),
    )


def _share(found: Sequence[bool]) -> str:
    return f"{np.mean(found):.2f} ({len(found)})" if found else "-"


def composed_stretches(material: Material, clips: int) -> list[Tensor]:
    """Stretches (S,) of so many unseen pieces."""
    rng = np.random.default_rng(5)
    chosen = [material.entries[i] for i in rng.permutation(len(material.entries))[:clips]]
    return [torch.from_numpy(material.crop_of(e, CLIP_S * RATE_HZ, rng)) for e in chosen]


def codec_table(bundle: Bundle, stretches: Sequence[Tensor], what: str, picture: Path) -> None:
    """The codec, Griffin-Lim and Opus on stretches of ``what``; spectrograms of the first."""
    waves = torch.stack(list(stretches))
    made = torch.stack([bundle.decode(bundle.encode_audio(wave, RATE_HZ)) for wave in waves])
    made = made[:, : waves.shape[1]]
    values = round(bundle.channels * bundle.latent_rate_hz)
    plain = griffin_lim(waves, 64, values // 64)
    packed, kbps = opus(waves, values * 16 / 1000)
    heard = listened(waves)
    row(f"{what}, mini", made, waves, heard)
    row(f"{what}, Griffin-Lim, {values} values/s", plain, waves, heard)
    row(f"{what}, Opus, {kbps:.1f} kbit/s", packed, waves, heard)
    clear, kbps_clear = opus(waves, TRANSPARENT_KBPS)
    row(f"{what}, Opus, {kbps_clear:.1f} kbit/s", clear, waves, heard)
    names = (what, "mini's codec", "Griffin-Lim", f"Opus, {kbps:.0f} kbit/s")
    draw(picture, names, [w[0] for w in (waves, made, plain, packed)])


def draw(path: Path, names: Sequence[str], waves: Sequence[Tensor]) -> None:
    """Spectrograms (mel, up to 12 s) one under the other, as a PNG of few colours."""
    figure = Figure(figsize=(7, 1.4 * len(waves)), dpi=90, layout="constrained")
    for axes, name, wave in zip(
        np.ravel(figure.subplots(len(waves), 1)), names, waves, strict=True
    ):
        mel = log_mel(wave[None, : CLIP_S * RATE_HZ], 2048)[0]
        axes.imshow(
            mel, origin="lower", aspect="auto", cmap=mpl.colormaps["magma"], vmin=-9, vmax=-2
        )
        axes.set_title(name, fontsize=7, loc="left")
        axes.set_xticks([])
        axes.set_yticks([])
    with replacing(path) as beside:
        figure.savefig(beside)
