"""A beat grid: where each latent frame lies among the beats of a steady tempo.

At five latent frames a second a beat falls somewhere inside a frame, and the fastest rotation of
the DiT's positions turns once in six frames: it cannot count beats. The small style encoder
therefore adds to the style vector of each frame how far every cycle of music has turned there, from
a quarter of a beat to sixteen beats, as sines and cosines.

The grid shares the places of the tempo's code, which is smooth over them; the grid's patterns are
the fastest cosines over the same places, and so at right angles to it.

Shapes: N latent frames, P = 80 places of a tempo's code.
"""

import math
from functools import cache

import torch
from torch import Tensor

from angen.conditioning.codes import FASTEST, SLOWEST, TEMPO_CODE

FIRST_BEAT_S = 0.045  # when the first beat of a song falls
CYCLES = (1 / 4, 1 / 3, 1 / 2, 1, 2, 3, 4, 6, 8, 12, 16)  # beats, told where a frame begins
LATE_CYCLES = (1 / 2, 1, 2)  # and where it ends
SIZE = 0.4  # of each sine; a style vector has length 1


def beat_grid(beats: Tensor, beats_a_frame: float) -> Tensor:
    """What the frames (N,) that begin at ``beats`` add to the places of the tempo: (N, P)."""
    begins = beats.double()[:, None] / torch.tensor(CYCLES, dtype=torch.float64)
    ends = (beats.double() + beats_a_frame)[:, None] / torch.tensor(
        LATE_CYCLES, dtype=torch.float64
    )
    angles = 2 * math.pi * torch.cat([begins, ends], dim=1)  # (N, cycles)
    turned = torch.cat([angles.cos(), angles.sin()], dim=1).float()
    return SIZE * turned @ _patterns()


def steady_grid(
    bpm: float, frames: int, rate_hz: float, first_beat_s: float = FIRST_BEAT_S, first: int = 0
) -> Tensor:
    """The grid (N, P) of frames ``first`` to ``first + frames`` of a song in this tempo.

    rate_hz: of the frames. first_beat_s: when the song's first beat falls.
    """
    times_s = torch.arange(first, first + frames, dtype=torch.float64) / rate_hz
    return beat_grid((times_s - first_beat_s) * bpm / 60, bpm / 60 / rate_hz)


def tempo_of_code(code: Tensor) -> float | None:
    """The tempo in beats per minute that a code (P,) of any length says; None where it is empty.

    Where several are possible, the likeliest.
    """
    if float(code.norm()) < 0.05:
        return None
    at = min(max(int(code.argmax()), 1), TEMPO_CODE - 2)
    low, mid, high = code[at - 1 : at + 2].double().clamp_min(1e-6).log().tolist()
    curve = low - 2 * mid + high  # a bump is a parabola in its logarithm
    place = at + (min(1.0, max(-1.0, (low - high) / (2 * curve))) if curve < 0 else 0.0)
    return float(SLOWEST * (FASTEST / SLOWEST) ** (place / (TEMPO_CODE - 1)))


@cache
def _patterns() -> Tensor:
    """Unit cosines over the places, the fastest: (sines and cosines, P)."""
    count = 2 * (len(CYCLES) + len(LATE_CYCLES))
    speeds = torch.arange(TEMPO_CODE - count, TEMPO_CODE)[:, None]
    places = torch.arange(TEMPO_CODE)[None] + 0.5
    return (2 / TEMPO_CODE) ** 0.5 * (math.pi / TEMPO_CODE * speeds * places).cos()
