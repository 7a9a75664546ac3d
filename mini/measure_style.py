"""What the style encoder knows of music that it has never met: composed, and recorded."""

import logging
from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from angen.audio.key import NAMES
from angen.audio.listening import listen
from angen.conditioning.codes import TEMPO_CODE
from angen.conditioning.figures import FASTEST, SLOWEST
from angen.conditioning.style import StyleEncoder
from mini.bank import RATE_HZ
from mini.material import Material
from mini.measure_songs import near_key, octave_free
from mini.pieces import STYLES

log = logging.getLogger(__name__)
CLIP_S = 10


def instruments_told(style: StyleEncoder, material: Material, count: int, seed: int) -> float:
    """How often an instrument that plays is nearer to a clip than one that does not.

    Over all pairs of one and the other, in as many unseen clips. Chance is 0.5.
    """
    rng = np.random.default_rng(seed)
    chosen = [material.entries[i] for i in rng.permutation(len(material.entries))[:count]]
    names = sorted({name for entry in chosen for name in entry.labels["instruments"]})
    right, pairs = 0, 0
    with torch.no_grad():
        texts = style.embed_text(names)
        for entry in chosen:
            sound = material.crop_of(entry, CLIP_S * RATE_HZ, rng)
            near = (texts @ style.embed_audio(sound, RATE_HZ)).numpy()
            plays = np.isin(names, entry.labels["instruments"])
            wins = near[plays][:, None] > near[~plays][None]
            right, pairs = right + int(wins.sum()), pairs + wins.size
    return right / pairs


def recorded_rows(name: str, style: StyleEncoder, waves: Sequence[Tensor]) -> None:
    """What it says of real music, beside what the analysis of ``angen.audio`` hears there."""
    styles: Counter[str] = Counter()
    tempo, key = [], []
    with torch.no_grad():
        named = style.embed_text(STYLES)
        for wave in waves:
            heard = listen(wave.numpy()[None], RATE_HZ)
            vector = style.embed_audio(wave.numpy(), RATE_HZ)
            styles[STYLES[int((named @ vector).argmax())]] += 1
            bpm, tonality = figures_of(style, wave)
            tempo.append(octave_free(bpm, heard.bpm or 1e-3))
            key.append((tonality == heard.key, near_key(tonality, heard.key or "")))
    told = ", ".join(f"{name} {count}" for name, count in styles.most_common(5))
    log.info(
        "%s | %d stretches | named %s | as our listening: tempo %.2f, key %.2f, or near %.2f",
        name,
        len(waves),
        told,
        float(np.mean(tempo)),
        *np.mean(key, axis=0),
    )


def figures_of(style: StyleEncoder, wave: Tensor) -> tuple[float, str]:
    """Tempo in beats per minute and key that the sound tower hears in (S,)."""
    answers = style.audio.answers(*style.audio.hear(wave[None]))
    mode, tonic = divmod(int(answers.key.argmax()), 12)
    bpm = SLOWEST * (FASTEST / SLOWEST) ** (int(answers.tempo.argmax()) / (TEMPO_CODE - 1))
    return bpm, f"{NAMES[tonic]} {'minor' if mode else 'major'}"
