"""The spaces in which songs are compared: each turns sound into points.

    judge   the outside judge, where its weights are: 200 numbers for each 3 s
    mel     mean and spread of each mel band over each 3 s
    style   the base's own style vector of the whole

Shapes: S samples, P points, E width of a space.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from angen.bundle import Bundle
from angen.judge.judge import Judge
from angen.judge.sound import Sound, patches

Vectors = NDArray[np.float64]
Hear = Callable[[Sound, int], Vectors]  # samples (S,) and their rate in Hz -> points (P, E)
Spaces = dict[str, Hear]  # the first one is the main one

JUDGE, MEL, STYLE = "judge", "mel", "style"
LEVEL = 0.1  # root mean square of whatever is compared: -20 dB of full scale


def spaces_of(bundle: Bundle, judge: Judge | None) -> Spaces:
    """The spaces there are; without a judge the base's own comes first."""
    own: Spaces = {
        STYLE: lambda x, r: bundle.embed_audio(torch.from_numpy(x), r).double().numpy()[None],
        MEL: mel_statistics,
    }
    return own if judge is None else {JUDGE: judge.embed, **own}


def points(samples: Sound, rate_hz: int, spaces: Spaces) -> dict[str, Vectors]:
    """What each space makes of samples (S,), all sounds brought to one loudness."""
    power = float(np.mean(samples.astype(np.float64) ** 2))
    levelled = samples if power == 0 else (samples * (LEVEL / power**0.5)).astype(np.float32)
    return {name: hear(levelled, rate_hz) for name, hear in spaces.items()}


def mel_statistics(samples: Sound, rate_hz: int) -> Vectors:
    """Mean and spread of each mel band over each 3 s: (P, 192)."""
    mel = torch.cat(list(patches(samples, rate_hz))).double()  # (P, frames, bands)
    return np.asarray(torch.cat([mel.mean(1), mel.std(1)], 1).numpy())
