"""A song's timeline: where each latent frame lies among the beats, and how far the end is.

At five latent frames a second a beat falls somewhere inside a frame, and the fastest rotation of
the DiT's positions turns once in six frames: it cannot count beats, nor does it know how long a
song shall be. The small style encoder therefore adds to the style vector of each frame how far
every cycle of music has turned there, from a quarter of a beat to sixteen beats, as sines and
cosines, and, where a song shall end, the time that is left.

The timeline shares the places of the tempo's code, which is smooth over them; its patterns are the
fastest cosines over the same places, and so nearly at right angles to the codes.

Shapes: N latent frames, P = 80 places of a tempo's code.
"""

import math
from functools import cache

import torch
from torch import Tensor

from angen.conditioning.codes import TEMPO_CODE

FIRST_BEAT_S = 0.045  # when the first beat of a song falls
CYCLES = (1 / 4, 1 / 3, 1 / 2, 1, 2, 3, 4, 6, 8, 12, 16)  # beats, told where a frame begins
LATE_CYCLES = (1 / 2, 1, 2)  # and where it ends
TURN = 0.4  # length of each sine and cosine together; a style vector has length 1
KNOWN_S = 20.0  # before an end, from when it is told
FADES_S = (1.0, 4.0, 16.0)  # in which the time to the end is told
LEFT = 0.8  # length of each of them, and of "an end is known" and "it is over"


def beat_grid(edges: Tensor) -> Tensor:
    """What frames add to the places of the tempo: (N, P).

    edges: (N + 1,) beats that have passed where each frame begins, and where the last one ends.
    """
    cycles = torch.tensor(CYCLES, dtype=torch.float64)
    late = torch.tensor(LATE_CYCLES, dtype=torch.float64)
    begins, ends = edges.double()[:-1, None], edges.double()[1:, None]
    turns = torch.cat([begins / cycles, ends / late], dim=1)  # (N, cycles)
    angles = 2 * math.pi * turns
    turned = torch.cat([angles.cos(), angles.sin()], dim=1).float()
    return TURN * turned @ _patterns()[: turned.shape[1]]


def countdown(left_s: Tensor) -> Tensor:
    """What frames (N,) that begin ``left_s`` before the end add to the places: (N, P).

    Nothing while the end is farther than ``KNOWN_S``: the DiT has met none so far away.
    """
    coming = (left_s > 0) & (left_s <= KNOWN_S)
    fades = (-left_s[:, None].float().clamp_min(0) / torch.tensor(FADES_S)).exp()
    told = torch.cat([fades, torch.ones(len(left_s), 1)], dim=1) * coming[:, None]
    told = torch.cat([told, (left_s <= 0)[:, None].float()], dim=1)
    return LEFT * told @ _patterns()[-told.shape[1] :]


def timeline(
    frames: int,
    rate_hz: float,
    *,
    bpm: float | None,
    first_beat_s: float = FIRST_BEAT_S,
    end_s: float | None = None,
    first: int = 0,
) -> Tensor:
    """The timeline (N, P) of frames ``first`` to ``first + frames`` of a song.

    rate_hz: of the frames. bpm: the song's steady tempo; None for none. first_beat_s: when its
    first beat falls. end_s: when it ends; None where it goes on.
    """
    edges_s = torch.arange(first, first + frames + 1, dtype=torch.float64) / rate_hz
    line = torch.zeros(frames, TEMPO_CODE)
    if bpm is not None:
        line += beat_grid((edges_s - first_beat_s) * bpm / 60)
    if end_s is not None:
        line += countdown(end_s - edges_s[:-1])
    return line


def beats_passed(beats_s: Tensor, times_s: Tensor) -> Tensor:
    """How many beats have passed at times (M,), fractions and all: (M,) float64.

    beats_s: (K,) times of beats, K >= 2. Outside of them the nearest interval goes on.
    """
    beats, times = beats_s.double(), times_s.double()
    at = torch.searchsorted(beats, times, right=True).clamp(1, len(beats) - 1)  # the beat after
    before, after = beats[at - 1], beats[at]
    return at - 1 + (times - before) / (after - before)


@cache
def _patterns() -> Tensor:
    """Unit cosines over the places, the fastest: (what is told, P)."""
    count = 2 * (len(CYCLES) + len(LATE_CYCLES)) + len(FADES_S) + 2
    speeds = torch.arange(TEMPO_CODE - 1, TEMPO_CODE - 1 - count, -1)[:, None]
    places = torch.arange(TEMPO_CODE)[None] + 0.5
    waves = (math.pi / TEMPO_CODE * speeds * places).cos()
    return waves.mul((2 / TEMPO_CODE) ** 0.5)
