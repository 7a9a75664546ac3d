"""From a score to sound: add the notes of the bank, give them a room, set the level."""

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
    length = round(score.end_s * RATE_HZ)
    dry = np.zeros(length + 2 * RATE_HZ, np.float32)
    for track in score.tracks:
        _play(track, dry)
    wet = _room(dry, score.reverb, score.brightness)[:length]
    return _ended(levelled(wet, score.loudness), score)


def _play(track: Track, out: Samples) -> None:
    """Add every note of a track to ``out``."""
    instrument = INSTRUMENTS.get(track.sound)
    release = _release(instrument.release_s if instrument else 0.0)
    for event in track.events:
        start = int(event.start_s * RATE_HZ)
        sound = note(track.sound, _playable(track.sound, event.pitch))
        gain = np.float32(track.gain * event.gain)
        stop = len(sound)
        if instrument is not None:
            held = min(int(event.length_s * RATE_HZ), stop)
            stop = min(stop, held + len(release), len(out) - start)
            held = min(held, stop)
            out[start : start + held] += sound[:held] * gain
            tail = stop - held
            out[start + held : start + stop] += sound[held:stop] * (release[:tail] * gain)
        else:
            stop = min(stop, len(out) - start)
            out[start : start + stop] += sound[:stop] * gain


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
def _release(seconds: float) -> Samples:
    """How a note dies away once it is let go."""
    count = max(1, round(2.2 * seconds * RATE_HZ))
    curve = np.exp(-np.arange(count) / (0.45 * seconds * RATE_HZ + 1))
    curve *= np.linspace(1, 0, count)
    return curve.astype(np.float32)


@lru_cache(maxsize=8)
def _impulse(size: int) -> NDArray[np.complex64]:
    """The spectrum of a room of 1.3 s: noise that decays, its highs sooner than its lows."""
    rng = np.random.default_rng(20)
    t = np.arange(round(1.3 * RATE_HZ)) / RATE_HZ
    rough = rng.standard_normal((2, len(t)))
    low = scipy.signal.lfilter([0.25], [1, -0.75], rough[0]) * np.exp(-t / 0.32)
    tail = (low + 0.25 * rough[1] * np.exp(-t / 0.12)) * np.minimum(1, t / 0.012)
    tail -= tail.mean()
    made = np.zeros(size, np.float32)
    made[: len(t)] = tail / np.sqrt(np.sum(tail**2))
    return np.asarray(scipy.fft.rfft(made), np.complex64)


def _room(dry: Samples, amount: float, brightness: float) -> Samples:
    """Add the room and, for soft playing, take the top off; the lowest rumble goes too."""
    size = scipy.fft.next_fast_len(len(dry) + round(1.3 * RATE_HZ), real=True)
    spectrum = scipy.fft.rfft(dry, size)
    if amount > 0:
        spectrum *= 1 + np.float32(0.8 * amount) * _impulse(size)
    hz = np.linspace(0, RATE_HZ / 2, len(spectrum), dtype=np.float32)
    shape = 1 / (1 + (28 / np.maximum(hz, 1e-3)) ** 4)
    if brightness < 1:
        shape *= brightness + (1 - brightness) / (1 + (hz / 3500) ** 2)
    spectrum *= shape.astype(np.float32)
    return np.asarray(scipy.fft.irfft(spectrum, size), np.float32)


@lru_cache(maxsize=1)
def _ear() -> NDArray[np.float64]:
    """The K weighting of loudness at RATE_HZ: a high shelf and a high pass (ITU-R BS.1770)."""
    shelf_hz, gain_db, q = 1681.97, 4.0, 0.7072
    k = np.tan(np.pi * shelf_hz / RATE_HZ)
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
    k = np.tan(np.pi * 38.135 / RATE_HZ)
    norm = 1 + k / 0.5003 + k * k
    high_pass = [1, -2, 1, 1, 2 * (k * k - 1) / norm, (1 - k / 0.5003 + k * k) / norm]
    return np.asarray([shelf, high_pass])


def loudness(samples: Samples) -> float:
    """Integrated loudness in LUFS, gated (ITU-R BS.1770-4), mono.

    Returns -70 for silence.
    """
    weighted = scipy.signal.sosfilt(_ear(), samples).astype(np.float64)
    quarter = RATE_HZ // 10
    usable = len(weighted) // quarter * quarter
    if usable < 4 * quarter:
        power = np.asarray([np.mean(weighted**2)])
    else:
        squares = (weighted[:usable] ** 2).reshape(-1, quarter).mean(axis=1)
        power = np.convolve(squares, np.full(4, 0.25), "valid")  # 400 ms blocks, a step each 100
    loud = -0.691 + 10 * np.log10(power + 1e-12)
    kept = power[loud > -70]
    if not len(kept):
        return -70.0
    gate = -0.691 + 10 * np.log10(kept.mean()) - 10
    kept = power[(loud > -70) & (loud > gate)]
    return float(-0.691 + 10 * np.log10(kept.mean()))


def levelled(samples: Samples, target: float) -> Samples:
    """The samples at ``target`` LUFS, their peaks bent softly under CEILING."""
    gain = 10 ** ((target - max(loudness(samples), -60.0)) / 20)
    made = samples * np.float32(gain)
    size = np.abs(made)
    over = size > KNEE
    span = CEILING - KNEE
    bent = KNEE + span * np.tanh((size[over] - KNEE) / span)
    made[over] = np.sign(made[over]) * bent
    return made


def _ended(samples: Samples, score: Score) -> Samples:
    """Fade out at the end, where there is one."""
    if not score.ends:
        return samples
    tail = min(len(samples), round(0.35 * RATE_HZ))
    samples[-tail:] *= np.cos(np.linspace(0, np.pi / 2, tail, dtype=np.float32))
    if score.fade_s:
        fade = round(score.fade_s * RATE_HZ)
        samples[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32) ** 1.5
    return samples
