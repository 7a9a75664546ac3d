"""Where to cut a recording into clips: on downbeats where it beats, in quiet places elsewhere.

The clips tile the recording: nothing is lost, and nothing comes twice unless asked.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from angen.audio.files import Sound, read_audio, write_wav
from angen.audio.listening import Listening, listen
from angen.audio.loudness import LEVEL_RATE_HZ
from angen.audio.quality import measure_file
from angen.errors import readable

MIN_S, MAX_S = 10.0, 30.0
_SURE_OF_BEAT = 0.3
_GRID_S = 0.5  # a place to cut is never further than this
_COST = {"downbeat": 0.0, "beat": 0.6, "quiet": 0.3, "anywhere": 2.0}
_NAME_BYTES = 120


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A moment where a cut may fall, and how much it would hurt: 0 not at all, 2 very."""

    time_s: float
    cost: float


def cut_points(
    samples: Sound,
    rate_hz: int,
    listening: Listening | None = None,
    *,
    min_s: float = MIN_S,
    max_s: float = MAX_S,
    overlap_s: float = 0.0,
) -> list[tuple[float, float]]:
    """(start_s, end_s) of each clip of samples (channels, n); listens first if not given."""
    heard = listening or listen(samples, rate_hz)
    return cut(heard, min_s=min_s, max_s=max_s, overlap_s=overlap_s)


def cut(
    listening: Listening, *, min_s: float = MIN_S, max_s: float = MAX_S, overlap_s: float = 0.0
) -> list[tuple[float, float]]:
    """(start_s, end_s) of each clip of what was listened to."""
    return tile(
        listening.duration_s, places(listening), min_s=min_s, max_s=max_s, overlap_s=overlap_s
    )


def places(listening: Listening) -> list[Place]:
    """Moments to cut at: downbeats and beats of music that beats, else where it is quiet."""
    found: list[Place] = []
    if listening.confidence["bpm"] >= _SURE_OF_BEAT:
        found += [Place(time_s=float(t), cost=_COST["beat"]) for t in listening.beats]
        found += [Place(time_s=float(t), cost=_COST["downbeat"]) for t in listening.downbeats]
    found += _quiet(listening.levels_db)
    return found


def _quiet(levels_db: NDArray[np.float32]) -> list[Place]:
    """The quietest moment of each second and a half, cheaper the more it dips."""
    reach = int(0.7 * LEVEL_RATE_HZ)
    found = []
    for at in range(1, len(levels_db) - 1):
        around = levels_db[max(0, at - reach) : at + reach + 1]
        if levels_db[at] == around.min() and around.max() - levels_db[at] > 3:
            dip = float(np.median(around) - levels_db[at])
            cost = _COST["quiet"] + 0.7 * float(np.exp(-dip / 6))
            found.append(Place(time_s=(at + 0.5) / LEVEL_RATE_HZ, cost=cost))
    return found


def tile(
    duration_s: float,
    places: Sequence[Place],
    *,
    min_s: float = MIN_S,
    max_s: float = MAX_S,
    overlap_s: float = 0.0,
) -> list[tuple[float, float]]:
    """(start_s, end_s) of clips of ``min_s`` to ``max_s`` that cover 0 to ``duration_s``.

    The cuts are those with the least cost in all, found by dynamic programming. A recording
    shorter than ``min_s`` is one clip. With ``overlap_s`` each clip but the first begins that
    much earlier, and still keeps to ``max_s``.

    Raises ValueError where no such clips exist for every recording.
    """
    longest = max_s - overlap_s
    if not 0 < 2 * min_s <= longest or overlap_s < 0:
        raise ValueError(
            f"clips of {min_s:g} to {max_s:g} s with {overlap_s:g} s of overlap cannot tile every "
            "recording: the longest less the overlap must be twice the shortest or more"
        )
    if duration_s <= 0:
        raise ValueError(f"a recording of {duration_s:g} s has nothing to cut")
    if duration_s < 2 * min_s:
        return [(0.0, duration_s)]
    times, costs = _candidates(duration_s, places, longest)
    edges = _cheapest(times, costs, min_s, longest)
    starts = [max(0.0, edge - overlap_s) for edge in edges[:-1]]
    return list(zip(starts, edges[1:], strict=True))


def _candidates(
    duration_s: float, places: Sequence[Place], longest_s: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times in ascending order with their costs; the start and the end among them, free.

    Beside the places, a grid, and the fewest equal clips, which are always a way through.
    """
    equal = np.linspace(0, duration_s, int(np.ceil(duration_s / longest_s - 1e-9)) + 1)[1:-1]
    grid = np.concatenate([np.arange(_GRID_S, duration_s, _GRID_S), equal])
    inside = [place for place in places if 0 < place.time_s < duration_s]
    times = np.concatenate([[0.0, duration_s], grid, [place.time_s for place in inside]])
    costs = np.concatenate(
        [[0.0, 0.0], np.full(len(grid), _COST["anywhere"]), [place.cost for place in inside]]
    )
    order = np.lexsort((costs, times))
    return times[order], costs[order]


def _cheapest(
    times: NDArray[np.float64], costs: NDArray[np.float64], min_s: float, max_s: float
) -> list[float]:
    """The cheapest way from the first time to the last in steps of ``min_s`` to ``max_s``."""
    target = (min_s + max_s) / 2
    total = np.full(len(times), np.inf)
    total[0] = 0.0
    before = np.zeros(len(times), np.int64)
    firsts = np.searchsorted(times, times - max_s - 1e-9)
    ends = np.searchsorted(times, times - min_s + 1e-9, side="right")
    for at in range(1, len(times)):
        first, end = int(firsts[at]), int(ends[at])
        if first >= end:
            continue
        lengths = times[at] - times[first:end]
        sums = total[first:end] + 0.5 * ((lengths - target) / (max_s - min_s)) ** 2
        best = int(sums.argmin())
        total[at] = sums[best] + costs[at]
        before[at] = first + best
    edges = [len(times) - 1]
    while edges[-1] > 0:
        edges.append(int(before[edges[-1]]))
    return [float(times[edge]) for edge in reversed(edges)]


def clip_name(genre: str, song: str, number: int) -> str:
    """File name of a clip, as in ``pop_mysong_clip001.wav``; any song name gives a safe one."""
    words = [re.sub(r"[^\w-]+", "-", part).strip("-").lower() for part in (genre, song)]
    safe = "_".join(part for part in words if part) or "song"
    safe = safe.encode()[:_NAME_BYTES].decode(errors="ignore")
    return f"{safe}_clip{number:03d}.wav"


def write_clips(
    path: Path, folder: Path, cuts: Sequence[tuple[float, float]], genre: str = ""
) -> list[Path]:
    """Write each clip of ``path`` as its own WAV file into ``folder``; their paths, in order.

    Reads a clip at a time, so the length of the recording does not matter.

    Raises BadInput where the recording cannot be read, OutOfSpace when the disk is full.
    """
    written = []
    gain = np.float32(measure_file(path).gain)
    for number, (start_s, end_s) in enumerate(cuts, start=1):
        clip = read_audio(path, start_s=start_s, duration_s=end_s - start_s)
        target = folder / clip_name(genre, readable(path.stem), number)
        write_wav(target, clip.samples * gain, clip.rate_hz)
        written.append(target)
    return written
