"""Where the beats fall, and which of them begin a bar.

Shapes: F frames of `FRAME_RATE_HZ`, N beats.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from angen.audio.signal import Floats
from angen.audio.tempo import FRAME_RATE_HZ, Tempo, estimate_tempo, onset_curve

_TIGHTNESS = 100.0  # how dearly a beat pays for a step off the tempo
_SECTION_S = 60.0  # a recording of several songs changes its tempo no sooner
_SAME_TEMPO = (1.0, 0.5, 2.0, 2 / 3, 1.5, 1 / 3, 3.0)  # levels of one pulse
_SHIFT_BELOW = -0.15  # how clear the case for the moments between the beats must be
_BROKEN_BAR = 8.0  # accents that a bar of another length must be worth

Doubles = NDArray[np.float64]
Change = Callable[[Doubles], Floats]  # how much the harmony changes at times (N,)


def find_beats(flux: Floats, pace: Tempo, change: Change) -> Doubles:
    """Beat times (N,) in seconds of onset strength (F, 4).

    Follows the tempo of the whole, but where a minute or more clearly beats otherwise, that one.
    """
    curve = onset_curve(flux)
    found = np.zeros(0)
    for first, end, bpm in _sections(flux, pace):
        beats = track_beats(curve[first:end], bpm) + first / FRAME_RATE_HZ
        beats = settle_phase(beats, flux, change)
        if len(found):  # where two sections meet, no beat comes twice, nor half a beat too soon
            beats = beats[beats > found[-1] + 30 / bpm]
        found = np.concatenate([found, beats])
    return found


def _sections(flux: Floats, pace: Tempo) -> Iterator[tuple[int, int, float]]:
    """(first frame, end frame, tempo) of each stretch of one tempo, in order."""
    count = max(1, int(len(flux) / (_SECTION_S * FRAME_RATE_HZ)))
    edges = [round(len(flux) * i / count) for i in range(count + 1)]
    tempi = [_local_bpm(flux[a:b], pace) for a, b in itertools.pairwise(edges)]
    first = 0
    for i in range(1, count + 1):
        if i == count or abs(np.log(tempi[i] / tempi[first])) > 0.03:
            yield edges[first], edges[i], tempi[first]
            first = i


def _local_bpm(flux: Floats, pace: Tempo) -> float:
    """The tempo of a part: that of the whole, unless it surely has another pulse."""
    local = estimate_tempo(flux)
    if local is None or local.confidence < 0.5:
        return pace.bpm
    return pace.bpm if one_pulse(local.bpm, pace.bpm) else local.bpm


def one_pulse(bpm: float, other: float) -> bool:
    """Whether two tempi are levels of one pulse, such as 70 and 140."""
    return any(abs(np.log(bpm * ratio / other)) < 0.04 for ratio in _SAME_TEMPO)


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


def settle_phase(beats: Doubles, flux: Floats, change: Change) -> Doubles:
    """The beats (N,), or the moments half-way between them where those deserve it more.

    The beat is where the low and middle bands of onset strength (F, 4) are strong and where the
    harmony changes.
    """
    if len(beats) < 4:
        return beats
    half = float(np.median(np.diff(beats))) / 2
    between = np.concatenate([[beats[0] - half], (beats[1:] + beats[:-1]) / 2, [beats[-1] + half]])
    between = between[(between >= 0) & (between < len(flux) / FRAME_RATE_HZ)]
    onsets = [_around(flux, times).mean(axis=0)[:3] + 0.01 for times in (beats, between)]
    harmony = [float(change(times).mean()) + 0.003 for times in (beats, between)]
    favour = 0.5 * float(np.log(onsets[0] / onsets[1]).sum()) + 2 * np.log(harmony[0] / harmony[1])
    return beats if favour > _SHIFT_BELOW else between


def find_downbeats(
    beats: Doubles, flux: Floats, change: Floats, bass_change: Floats
) -> tuple[Doubles, int, float]:
    """Which beats begin a bar: their times, beats a bar (3 or 4), and a confidence.

    flux: onset strength (F, 4). change, bass_change: how much the harmony, and its bass, change
    at each beat (N,). A bar begins where the bass enters and the chord changes.
    """
    if len(beats) < 8:
        return beats[:1], 4, 0.0
    entry = _around(flux[:, :1], beats)[:, 0]
    accent = 0.5 * _standard(entry) + 1.5 * _standard(change) + _standard(bass_change)  # (N,)
    options = []
    for bar, bias in ((4, 0.1), (3, 0.0)):
        starts = _bar_starts(accent, bar)
        others = [accent[(starts + i) % len(accent)].mean() for i in range(1, bar)]
        here = float(accent[starts].mean())
        lead = here - (here + sum(others)) / bar + bias
        options.append((lead, bar, here - max(others), starts))
    _, bar, gap, starts = max(options, key=lambda option: option[0])
    return beats[starts], bar, float(np.clip(1 - np.exp(-gap), 0, 1))


def _bar_starts(accent: Floats, bar: int) -> NDArray[np.int64]:
    """Indices of the beats that begin bars: most accents, and few bars of another length.

    A beat or two may be missing or too many where the beats were lost for a moment.
    """
    totals = np.zeros(bar)  # best total that ends at each place in the bar
    came_from = np.zeros((len(accent), bar), np.int64)
    places = np.arange(bar)
    for i, value in enumerate(accent):
        previous = (places - 1) % bar
        best = int(totals.argmax())
        came_from[i] = previous
        if totals[best] - _BROKEN_BAR > totals[bar - 1]:
            came_from[i, 0] = best
        carried = totals[came_from[i]]
        carried[0] -= _BROKEN_BAR * (came_from[i, 0] != bar - 1)
        totals = carried + np.where(places == 0, value, 0.0)
    place = int(totals.argmax())
    starts = []
    for i in range(len(accent) - 1, -1, -1):
        if place == 0:
            starts.append(i)
        place = int(came_from[i, place])
    return np.array(starts[::-1], np.int64)


def _around(curve: Floats, times: Doubles) -> Floats:
    """The largest values (N, B) of a curve (F, B) within 50 ms of each time (N,)."""
    reach = round(0.05 * FRAME_RATE_HZ)
    frames = np.round(times * FRAME_RATE_HZ).astype(int)[:, None] + np.arange(-reach, reach + 1)
    near: Floats = curve[np.clip(frames, 0, len(curve) - 1)].max(axis=1)
    return near


def _standard(values: Floats) -> Floats:
    scaled: Floats = (values - values.mean()) / (values.std() + 1e-9)
    return scaled
