"""Where the beats fall, and which of them begin a bar.

Shapes: F frames of `FRAME_RATE_HZ`, N beats.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from angen.audio.signal import Floats
from angen.audio.tempo import FRAME_RATE_HZ, Tempo, estimate_tempo, onset_curve, weights

_TIGHTNESS = 100.0  # how dearly a beat pays for a step off the tempo
_SECTION_S = 60.0  # a recording of several songs changes its tempo no sooner
_SAME_TEMPO = (1.0, 0.5, 2.0, 2 / 3, 1.5, 1 / 3, 3.0)  # levels of one pulse
_BROKEN_BAR = 20.0  # evidence that a bar of another length must be worth
_METRES = (4, 3)  # beats a bar
# Spreads of onsets, harmony and its bass below which they say nothing.
_STEADY = np.array([0.15, 0.15, 0.15, 0.15, 0.7, 0.7])
_FEWEST = 16  # half beats without which no bars are told

Doubles = NDArray[np.float64]
Change = Callable[[Doubles, float], Floats]  # of the harmony at times (N,), over so many seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Bars:
    """Beats (N,) and those that begin bars, in seconds."""

    beats: Doubles
    downbeats: Doubles
    beats_per_bar: int  # 4 or 3
    confidence: float  # 0..1, of the downbeats


def find_bars(flux: Floats, pace: Tempo, changes: tuple[Change, Change]) -> Bars:
    """Beats and bars of onset strength (F, 4); changes: of the harmony, and of its bass.

    Half beats are followed first, then each is given its place in the bar: so that neither a
    beat nor a bar is taken for its off-beats for a while and then for itself again.
    """
    grid = find_pulse(flux, pace)
    if len(grid) < _FEWEST:
        return Bars(beats=grid[::2], downbeats=grid[:1], beats_per_bar=4, confidence=0.0)
    seen = evidence(flux, grid, changes)
    options: list[tuple[float, int, NDArray[np.int64]]] = []
    for bar in _METRES:
        each = seen @ np.array(weights()[f"bars of {bar}"]).T  # (N, 2 bar) of each place
        path = _places(each)
        for turn in range(2 * bar):
            turned = (path + turn) % (2 * bar)
            options.append((_mean(each, turned) + weights()["favour"][f"{bar}"], bar, turned))
    best, bar, path = max(options, key=lambda option: option[0])
    odds = np.exp(np.array([option[0] for option in options]) - best)
    return Bars(
        beats=grid[path % 2 == 0],
        downbeats=grid[path == 0],
        beats_per_bar=bar,
        confidence=float(1 / odds.sum()),
    )


def _mean(each: Doubles, path: NDArray[np.int64]) -> float:
    """Evidence for a path through the places of the bar, less its broken bars, as of one bar."""
    breaks = int(((path[:-1] + 1) % each.shape[1] != path[1:]).sum())
    total = float(each[np.arange(len(path)), path].sum()) - _BROKEN_BAR * breaks
    return float(total / len(path) * each.shape[1])


def evidence(flux: Floats, grid: Doubles, changes: tuple[Change, Change]) -> Doubles:
    """What is heard at each half beat: onsets in 4 bands, change of harmony and bass (N, 6).

    On a log scale, each with zero mean and unit spread over the music.
    """
    beat_s = 2 * float(np.median(np.diff(grid)))
    harmony = [np.maximum(change(grid, beat_s), 0)[:, None] for change in changes]
    seen = np.log(np.concatenate([_around(flux, grid), *harmony], axis=1).astype(np.float64) + 0.01)
    return np.asarray((seen - seen.mean(axis=0)) / np.maximum(seen.std(axis=0), _STEADY))


def find_pulse(flux: Floats, pace: Tempo) -> Doubles:
    """Times (N,) in seconds of half beats of onset strength (F, 4).

    Follows the tempo of the whole, but where a minute or more clearly beats otherwise, that one.
    """
    curve = onset_curve(flux)
    found = np.zeros(0)
    for first, end, bpm in _sections(flux, pace):
        pulse = track_beats(curve[first:end], 2 * bpm) + first / FRAME_RATE_HZ
        if len(found):  # where two sections meet, none comes twice, nor half of one too soon
            pulse = pulse[pulse > found[-1] + 15 / bpm]
        found = np.concatenate([found, pulse])
    return found


def _sections(flux: Floats, pace: Tempo) -> Iterator[tuple[int, int, float]]:
    """(first frame, end frame, tempo) of each stretch of one tempo, in order."""
    count = max(1, int(len(flux) / (_SECTION_S * FRAME_RATE_HZ)))
    if count == 1:
        yield 0, len(flux), pace.bpm
        return
    edges = [round(len(flux) * i / count) for i in range(count + 1)]
    heard = [estimate_tempo(flux[a:b]) for a, b in itertools.pairwise(edges)]
    sure = [local.bpm if local and local.confidence >= 0.5 else 0.0 for local in heard]
    if all(one_pulse(bpm, pace.bpm, 0.02) for bpm in sure if bpm):  # one level for all of it
        yield 0, len(flux), pace.bpm
        return
    tempi = [bpm or pace.bpm for bpm in sure]
    first = 0
    for i in range(1, count + 1):
        if i == count or abs(np.log(tempi[i] / tempi[first])) > 0.03:
            yield edges[first], edges[i], tempi[first]
            first = i


def one_pulse(bpm: float, other: float, within: float = 0.04) -> bool:
    """Whether two tempi are levels of one pulse, such as 70 and 140."""
    return any(abs(np.log(bpm * ratio / other)) < within for ratio in _SAME_TEMPO)


def track_beats(curve: Floats, bpm: float) -> Doubles:
    """Beat times (N,) in seconds: on strong onsets, a beat of ``bpm`` apart, as far as both can be.

    Dynamic programming over all sequences of frames. Source: Ellis 2007, Beat Tracking by
    Dynamic Programming.
    """
    period = FRAME_RATE_HZ * 60 / bpm
    if len(curve) < 2 or not curve.any():
        return np.zeros(0)
    strength = _smoothed(curve / (curve.std() + 1e-9), period / 32)
    steps = np.arange(round(period / 2), round(2 * period) + 1)[::-1]  # frames back, far to near
    price = -_TIGHTNESS * np.log(steps / period) ** 2
    total, before = _best_sums(strength, steps, price)
    return np.asarray(_trace(total, before, strength, period)) / FRAME_RATE_HZ


def _smoothed(curve: Floats, spread: float) -> Doubles:
    """The curve under a Gaussian of that many frames."""
    reach = max(1, int(3 * spread + 0.5))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(spread, 0.5)) ** 2)
    return np.convolve(curve.astype(np.float64), kernel / kernel.sum(), mode="same")


def _best_sums(
    strength: Doubles, steps: NDArray[np.int64], price: Doubles
) -> tuple[Doubles, list[int]]:
    """For each frame, the best total of a beat sequence that ends there, and its last step."""
    first = int(steps[0])
    total = np.concatenate([np.zeros(first), strength])  # led by silence, cut off again below
    before: list[int] = []
    near = int(steps[-1])
    for at in range(first, len(total)):
        sums = total[at - first : at - near + 1] + price
        best = int(sums.argmax())
        value = sums[best]
        if value > 0:
            total[at] += value
            before.append(first - best)
        else:
            before.append(0)
    return total[first:], before


def _trace(total: Doubles, before: Sequence[int], strength: Doubles, period: float) -> list[int]:
    """The best sequence, from its last beat back; weak beats at the very ends are left out."""
    tail = max(0, len(total) - round(period))
    at = tail + int(total[tail:].argmax())
    beats: list[int] = []
    while at >= 0:
        beats.append(at)
        if before[at] == 0:
            break
        at -= before[at]
    beats.reverse()
    floor = 0.3 * float(np.sqrt(np.mean(strength[beats] ** 2)))
    while len(beats) > 2 and strength[beats[0]] < floor:
        beats.pop(0)
    while len(beats) > 2 and strength[beats[-1]] < floor:
        beats.pop()
    return beats


def _places(each: Doubles) -> NDArray[np.int64]:
    """The place in the bar of each half beat: most evidence (N, places), few broken bars.

    A beat or two may be missing or too many where the beats were lost for a moment.
    """
    count = each.shape[1]
    totals = np.zeros(count)  # best total that ends at each place in the bar
    came_from = np.zeros(each.shape, np.int64)
    previous = (np.arange(count) - 1) % count
    for i, values in enumerate(each):
        best = int(totals.argmax())
        breaks = totals[best] - _BROKEN_BAR > totals[previous]
        came_from[i] = np.where(breaks, best, previous)
        totals = totals[came_from[i]] - _BROKEN_BAR * breaks + values
    path = np.zeros(len(each), np.int64)
    place = int(totals.argmax())
    for i in range(len(each) - 1, -1, -1):
        path[i] = place
        place = int(came_from[i, place])
    return path


def _around(curve: Floats, times: Doubles) -> Floats:
    """The mean (N, B) of a curve (F, B) within 50 ms of each time (N,)."""
    reach = round(0.05 * FRAME_RATE_HZ)
    frames = np.round(times * FRAME_RATE_HZ).astype(int)[:, None] + np.arange(-reach, reach + 1)
    near: Floats = curve[np.clip(frames, 0, len(curve) - 1)].mean(axis=1)
    return near
