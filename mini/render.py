"""From a score to sound: add the notes of the bank, give them a room, set the level."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import scipy.fft
import scipy.signal
from numpy.typing import NDArray

from mini.bank import RATE_HZ, note
from mini.compose.instruments import INSTRUMENTS
from mini.compose.score import Score, Track

Samples = NDArray[np.float32]
CEILING = 0.98  # no sample is louder
KNEE = 0.7  # above it, peaks are bent rather than cut


def render(score: Score) -> Samples:
    """The piece as it sounds: (S,) mono at RATE_HZ, within +-CEILING."""
    return finished(mixed(score, RATE_HZ), score, RATE_HZ)


def render_stereo(score: Score, places: dict[str, float], rate_hz: int) -> Samples:
    """The piece in stereo, (2, S) at ``rate_hz``; for scores of formula sounds only.

    places: where each sound stands, -1 left to 1 right; the middle where it is not named.
    """
    sides = []
    for side in (-1.0, 1.0):
        heard = [
            replace(track, gain=track.gain * (1 + side * places.get(track.sound, 0.0)) ** 0.5)
            for track in score.tracks
        ]
        sides.append(mixed(replace(score, tracks=heard), rate_hz))
    return finished(np.stack(sides), score, rate_hz)


def mixed(score: Score, rate_hz: int) -> Samples:
    """All tracks in their room, at no level in particular: (S,)."""
    length = round(score.end_s * rate_hz)
    dry = np.zeros(length + 2 * rate_hz, np.float32)
    for track in score.tracks:
        _play(track, dry, rate_hz)
    return _room(dry, score.reverb, score.brightness, rate_hz)[:length]


def finished(samples: Samples, score: Score, rate_hz: int) -> Samples:
    """Samples (..., S) at the level of the score, ended as it ends."""
    mono = samples if samples.ndim == 1 else samples.mean(axis=0)
    gain = 10 ** ((score.loudness - max(loudness(mono, rate_hz), -60.0)) / 20)
    made = bent(samples * np.float32(gain))
    return _ended(made, score, rate_hz) if score.ends else made


def _play(track: Track, out: Samples, rate_hz: int) -> None:
    """Add every note of a track to ``out``."""
    instrument = INSTRUMENTS.get(track.sound)
    release = _release(instrument.release_s if instrument else 0.0, rate_hz)
    for event in track.events:
        start = int(event.start_s * rate_hz)
        sound = note(track.sound, _playable(track.sound, event.pitch), rate_hz)
        gain = np.float32(track.gain * event.gain)
        stop = min(len(sound), len(out) - start)
        if instrument is None:  # a drum rings as long as it likes
            out[start : start + stop] += sound[:stop] * gain
            continue
        held = min(int(event.length_s * rate_hz), stop)
        stop = min(stop, held + len(release))
        out[start : start + held] += sound[:held] * gain
        out[start + held : start + stop] += sound[held:stop] * (release[: stop - held] * gain)


def _playable(sound: str, pitch: int) -> int:
    """The pitch within the instrument's range, by octaves; drums stay as they are."""
    instrument = INSTRUMENTS.get(sound)
    if instrument is None:
        return pitch
    while pitch < instrument.low:
        pitch += 12
    while pitch > instrument.high:
        pitch -= 12
    return pitch


@lru_cache(maxsize=64)
def _release(seconds: float, rate_hz: int) -> Samples:
    """How a note dies away once it is let go."""
    count = max(1, round(2.2 * seconds * rate_hz))
    curve = np.exp(-np.arange(count) / (0.45 * seconds * rate_hz + 1))
    curve *= np.linspace(1, 0, count)
    return curve.astype(np.float32)


@lru_cache(maxsize=8)
def _impulse(size: int, rate_hz: int) -> NDArray[np.complex64]:
    """The spectrum of a room of 1.3 s: noise that decays, its highs sooner than its lows."""
    rng = np.random.default_rng(20)
    t = np.arange(round(1.3 * rate_hz)) / rate_hz
    rough = rng.standard_normal((2, len(t)))
    low = scipy.signal.lfilter([0.25], [1, -0.75], rough[0]) * np.exp(-t / 0.32)
    tail = (low + 0.25 * rough[1] * np.exp(-t / 0.12)) * np.minimum(1, t / 0.012)
    tail -= tail.mean()
    made = np.zeros(size, np.float32)
    made[: len(t)] = tail / np.sqrt(np.sum(tail**2))
    return np.asarray(scipy.fft.rfft(made), np.complex64)


def _room(dry: Samples, amount: float, brightness: float, rate_hz: int) -> Samples:
    """Add the room and, for soft playing, take the top off; the lowest rumble goes too."""
    size = scipy.fft.next_fast_len(len(dry) + round(1.3 * rate_hz), real=True)
    spectrum = scipy.fft.rfft(dry, size)
    if amount > 0:
        spectrum *= 1 + np.float32(0.8 * amount) * _impulse(size, rate_hz)
    hz = np.linspace(0, rate_hz / 2, len(spectrum), dtype=np.float32)
    shape = 1 / (1 + (28 / np.maximum(hz, 1e-3)) ** 4)
    if brightness < 1:
        shape *= brightness + (1 - brightness) / (1 + (hz / 3500) ** 2)
    spectrum *= shape.astype(np.float32)
    return np.asarray(scipy.fft.irfft(spectrum, size), np.float32)


@lru_cache(maxsize=4)
def _ear(rate_hz: int) -> NDArray[np.float64]:
    """The K weighting of loudness at a rate: a high shelf and a high pass (ITU-R BS.1770)."""
    shelf_hz, gain_db, q = 1681.97, 4.0, 0.7072
    k = np.tan(np.pi * shelf_hz / rate_hz)
    high = 10 ** (gain_db / 20)
    band = high**0.4997
    norm = 1 + k / q + k * k
    shelf = [
        (high + band * k / q + k * k) / norm,
        2 * (k * k - high) / norm,
        (high - band * k / q + k * k) / norm,
        1,
        2 * (k * k - 1) / norm,
        (1 - k / q + k * k) / norm,
    ]
    k = np.tan(np.pi * 38.135 / rate_hz)
    norm = 1 + k / 0.5003 + k * k
    high_pass = [1, -2, 1, 1, 2 * (k * k - 1) / norm, (1 - k / 0.5003 + k * k) / norm]
    return np.asarray([shelf, high_pass])


def loudness(samples: Samples, rate_hz: int = RATE_HZ) -> float:
    """Integrated loudness in LUFS, gated (ITU-R BS.1770-4), mono.

    Returns -70 for silence.
    """
    weighted = scipy.signal.sosfilt(_ear(rate_hz), samples).astype(np.float64)
    tenth = rate_hz // 10
    usable = len(weighted) // tenth * tenth
    if usable < 4 * tenth:
        power = np.asarray([np.mean(weighted**2)])
    else:
        squares = (weighted[:usable] ** 2).reshape(-1, tenth).mean(axis=1)
        power = np.convolve(squares, np.full(4, 0.25), "valid")  # 400 ms blocks, a step each 100
    loud = -0.691 + 10 * np.log10(power + 1e-12)
    kept = power[loud > -70]
    if not len(kept):
        return -70.0
    gate = -0.691 + 10 * np.log10(kept.mean()) - 10
    kept = power[(loud > -70) & (loud > gate)]
    return float(-0.691 + 10 * np.log10(kept.mean()))


def bent(samples: Samples) -> Samples:
    """The samples, their peaks bent softly under CEILING."""
    size = np.abs(samples)
    over = size > KNEE
    span = CEILING - KNEE
    samples[over] = np.sign(samples[over]) * (KNEE + span * np.tanh((size[over] - KNEE) / span))
    return samples


def _ended(samples: Samples, score: Score, rate_hz: int) -> Samples:
    """The last chord let go, after a fade where the score has one."""
    tail = min(samples.shape[-1], round(0.35 * rate_hz))
    samples[..., -tail:] *= np.cos(np.linspace(0, np.pi / 2, tail, dtype=np.float32))
    if score.fade_s:
        fade = round(score.fade_s * rate_hz)
        samples[..., -fade:] *= np.linspace(1, 0, fade, dtype=np.float32) ** 1.5
    return samples
