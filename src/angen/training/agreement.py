"""How well made songs agree with real ones where a musician would look: tempo, key, spectrum.

Shapes: S samples, K third-octave bands.
"""

import re
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import signal

TEMPO_TOLERANCE = 0.04  # Gouyon et al. 2006, IEEE TASLP 14(5): within 4 %
LOWEST_BAND_HZ = 50.0
QUIETEST_DB = -60.0  # below the loudest band; deeper is inaudible beside it

_PITCHES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_KEY = re.compile(r"([A-Ga-g])([#♯b♭]?)\s*(maj|min|m\b|dur|moll)?", re.IGNORECASE)


def same_tempo(heard: float, asked: float) -> bool:
    """Whether two tempi in BPM agree, an octave (double, half) apart allowed."""
    if heard <= 0 or asked <= 0:
        return False
    return any(abs(heard * k / asked - 1) <= TEMPO_TOLERANCE for k in (0.5, 1, 2))


def key_score(heard: str, asked: str) -> float | None:
    """How close two keys are: 1 the same, less for a fifth, relative or parallel; 0 unrelated.

    Returns None when one of them cannot be read as a key.

    Source: the weights of MIREX's key task.
    """
    first, second = _parsed(heard), _parsed(asked)
    if first is None or second is None:
        return None
    (tonic, minor), (true_tonic, true_minor) = first, second
    apart = (tonic - true_tonic) % 12
    if minor == true_minor:
        return {0: 1.0, 7: 0.5, 5: 0.5}.get(apart, 0.0)
    if apart == 0:
        return 0.2
    relative = (true_tonic + (3 if true_minor else -3)) % 12
    return 0.3 if tonic == relative else 0.0


def mean_or_none(values: Iterable[float | None]) -> float | None:
    """The mean of the values that exist; None when none does."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def long_term_spectrum(samples: NDArray[np.float32], rate_hz: int) -> NDArray[np.float64]:
    """Level of each third-octave band in dB (K,), relative to the loudest, of ``samples`` (S,).

    Silence is flat at ``QUIETEST_DB``. Source: bands of IEC 61260-1.
    """
    centres = band_centres(rate_hz)
    size = min(len(samples), 8192)
    hz, power = signal.welch(samples.astype(np.float64), rate_hz, nperseg=max(size, 8))
    edges = centres[:, None] * 2 ** (np.array([-1, 1]) / 6)  # (K, 2)
    bands = np.array([power[(hz >= low) & (hz < high)].sum() for low, high in edges])
    loudest = float(bands.max())
    if loudest <= 1e-12:
        return np.full(len(centres), QUIETEST_DB)
    level = 10 * np.log10(np.maximum(bands / loudest, 10 ** (QUIETEST_DB / 10)))
    return np.asarray(level, dtype=np.float64)


def band_centres(rate_hz: int) -> NDArray[np.float64]:
    """Centres (K,) in Hz of the third-octave bands from 50 Hz to just under half ``rate_hz``."""
    count = int(np.floor(3 * np.log2(0.45 * rate_hz / LOWEST_BAND_HZ))) + 1
    return np.asarray(LOWEST_BAND_HZ * 2 ** (np.arange(count) / 3), dtype=np.float64)


def spectrum_distance(
    made: Sequence[NDArray[np.float64]], real: Sequence[NDArray[np.float64]]
) -> float:
    """Root mean square difference in dB between the mean spectra (K,) of two sets of songs."""
    return float(np.sqrt(((np.mean(made, axis=0) - np.mean(real, axis=0)) ** 2).mean()))


def _parsed(text: str) -> tuple[int, bool] | None:
    """Pitch class of the tonic, and whether the key is minor."""
    found = _KEY.match(text.strip())
    if found is None:
        return None
    letter, accidental, mode = found.groups()
    step = {"#": 1, "♯": 1, "b": -1, "♭": -1}.get(accidental, 0)
    minor = (mode or "").lower() in ("min", "m", "moll") or (not mode and letter.islower())
    return (_PITCHES[letter.upper()] + step) % 12, minor
