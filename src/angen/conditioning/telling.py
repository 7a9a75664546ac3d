"""What frames are told beside their style vector: beats, the way to the end, and how loud it is.

    a song of the base           song_line   steady beats in its prompt's tempo, most of it loud
    a song with adapters         song_line   the same, as loud as learned
    a clip that something        clip_line   the beats that are in it, as loud as learned
    learns from

Shapes: N latent frames, 512 numbers of a style vector.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from angen.conditioning.codes import TEMPO_CODE
from angen.conditioning.timeline import KNOWN_S, beat_grid, beats_passed, countdown, timeline
from angen.conditioning.vector import INSTRUMENT_PLACES, KEY_PLACES, MEANING, placed


@dataclass(frozen=True, kw_only=True, slots=True)
class Loudness:
    """How many times as loud as they are the parts of a style vector are told to a DiT."""

    meaning: float = 1.0
    key: float = 1.0
    instruments: float = 1.0
    loudest: float = math.inf  # length of all instruments together, lest many drown the key

    def added(self, vector: Tensor) -> Tensor:
        """What makes vectors (..., 512) so loud when it is added to them: (..., 512)."""
        more = torch.zeros_like(vector)
        players = vector[..., INSTRUMENT_PLACES]
        together = players.norm(dim=-1, keepdim=True).clamp_min(1e-6)
        louder = (self.loudest / together).clamp_max(self.instruments)
        more[..., :MEANING] = (self.meaning - 1) * vector[..., :MEANING]
        more[..., KEY_PLACES] = (self.key - 1) * vector[..., KEY_PLACES]
        more[..., INSTRUMENT_PLACES] = (louder - 1) * players
        return more


# The tempo has no loudness of its own: the timeline lies in its places.
LEARNED = Loudness(key=2.0, instruments=2.0)  # by training clips that have a timeline
# By most of a song: louder than learned, as guidance is for all at once. Its closing is told as
# learned, since it must also hear how far the end is. Chosen on prompts of training pieces
# (docs/mini.md).
LOUD = Loudness(meaning=1.5, key=6.0, instruments=8.0, loudest=3.0)
CLOSING_S = KNOWN_S  # the end of a song, not told loudly
OPENING_S = 10.0  # loud however short the song, but for its second half


def song_line(
    vector: Tensor,
    frames: int,
    rate_hz: float,
    *,
    rows: int,
    bpm: float | None,
    ends: bool,
    loud: bool,
) -> Tensor:
    """What the frames of a song add to its vector (512,): (rows, 512).

    frames: of the song; rows beyond them complete its last block. bpm: its tempo, None for none.
    ends: whether it shall be over with its last frame. loud: whether all but the closing is told
    louder than learned. With adapters it is not: what they have learned would drown in it.
    """
    end_s = frames / rate_hz if ends else None
    told = LEARNED.added(vector)
    line = told + placed(timeline(rows, rate_hz, bpm=bpm, end_s=end_s))
    if loud:
        line[: _loud_frames(frames, rate_hz)] += LOUD.added(vector) - told
    return line


def _loud_frames(frames: int, rate_hz: float) -> int:
    """How many frames of a song, from its first, are told loudly."""
    opening = min(round(OPENING_S * rate_hz), frames // 2)
    return max(opening, frames - round(CLOSING_S * rate_hz))


def clip_line(
    vector: Tensor, times_s: Tensor, *, beats_s: Tensor | None, end_s: float | None
) -> Tensor:
    """What the frames of a clip that something learns from add to its vector (512,): (N, 512).

    times_s: (N + 1,) when each frame begins, and when the last one is over. beats_s: (K,) of the
    music, the first one of a bar first; None, or fewer than two, where no beats are known. end_s:
    when the music ends; None where it goes on.
    """
    line = torch.zeros(len(times_s) - 1, TEMPO_CODE)
    if beats_s is not None and len(beats_s) > 1:
        line += beat_grid(beats_passed(beats_s, times_s))
    if end_s is not None:
        line += countdown(end_s - times_s[:-1])
    return placed(line) + LEARNED.added(vector)
