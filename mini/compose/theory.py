"""Keys, scales and chords: from "vi7 in A major" to MIDI notes."""

import re
from dataclasses import dataclass
from functools import lru_cache

TONICS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
KEYS = tuple(f"{tonic} {mode}" for mode in ("major", "minor") for tonic in TONICS)
MAJOR = (0, 2, 4, 5, 7, 9, 11)
MINOR = (0, 2, 3, 5, 7, 8, 10)
SCALES: dict[str, dict[str, tuple[int, ...]]] = {
    "diatonic": {"major": MAJOR, "minor": MINOR},
    "pentatonic": {"major": (0, 2, 4, 7, 9), "minor": (0, 3, 5, 7, 10)},
    "blues": {"major": (0, 2, 3, 4, 7, 9), "minor": (0, 3, 5, 6, 7, 10)},
    "pelog": {"major": (0, 4, 5, 7, 11), "minor": (0, 1, 3, 7, 8)},
}
NUMERALS = ("i", "ii", "iii", "iv", "v", "vi", "vii")
QUALITIES = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "o": (0, 3, 6),
    "5": (0, 7),
    "sus": (0, 5, 7),
    "7": (0, 4, 7, 10),
    "m7": (0, 3, 7, 10),
    "maj7": (0, 4, 7, 11),
    "o7": (0, 3, 6, 10),
    "9": (0, 4, 7, 10, 14),
    "m9": (0, 3, 7, 10, 14),
    "maj9": (0, 4, 7, 11, 14),
    "6": (0, 4, 7, 9),
    "m6": (0, 3, 7, 9),
}
_NUMERAL = re.compile(r"^(b?)([ivIV]+)(.*)$")


@dataclass(frozen=True, slots=True)
class Chord:
    """Pitch classes: ``root`` 0-11, ``tones`` as intervals above it in semitones."""

    root: int
    tones: tuple[int, ...]

    @property
    def classes(self) -> frozenset[int]:
        return frozenset((self.root + tone) % 12 for tone in self.tones)


def tonic_of(key: str) -> tuple[int, str]:
    """Pitch class and mode of a key: "Eb minor" is (3, "minor"). Sharps and flats both work.

    Raises ValueError for a name that is no key.
    """
    name, _, mode = key.partition(" ")
    flats = {"Db": "C#", "D#": "Eb", "Gb": "F#", "G#": "Ab", "A#": "Bb"}
    name = flats.get(name, name)
    if name not in TONICS or mode not in ("major", "minor"):
        raise ValueError(f"key={key!r} is not a key; use a form like 'C major' or 'F# minor'")
    return TONICS.index(name), mode


@lru_cache(maxsize=4096)
def chord_of(numeral: str, key: str) -> Chord:
    """The chord that a Roman numeral names in a key.

    Upper case is major, lower case minor; what follows is the quality: 7 maj7 9 6 sus 5 o.
    A bare "7" on a minor numeral is a minor seventh; a leading b lowers the root.

    Raises ValueError for a numeral that is not understood.
    """
    found = _NUMERAL.match(numeral)
    if found is None or found[2].lower() not in NUMERALS:
        raise ValueError(f"numeral={numeral!r} is not a chord such as IV, vi7 or bVII")
    flat, degree, suffix = found.groups()
    tonic, mode = tonic_of(key)
    scale = MAJOR if mode == "major" or flat else MINOR
    root = tonic + scale[NUMERALS.index(degree.lower())] - len(flat)
    minor = degree.islower() and not suffix.startswith(("o", "sus", "5"))
    return Chord(root % 12, QUALITIES[("m" if minor else "") + suffix])


def scale_of(key: str, kind: str) -> tuple[int, ...]:
    """The pitch classes of a melody: kind is diatonic, pentatonic, blues or pelog."""
    tonic, mode = tonic_of(key)
    steps = SCALES[kind][mode]
    return tuple((tonic + step) % 12 for step in steps)


def near(pitch_class: int, centre: float) -> int:
    """The MIDI note of a pitch class that lies nearest to ``centre``."""
    return pitch_class + 12 * round((centre - pitch_class) / 12)


def voiced(chord: Chord, centre: float, count: int = 4) -> tuple[int, ...]:
    """A close voicing around ``centre``, ascending: no leaps when the centre stands still."""
    tones = chord.tones if len(chord.tones) <= count else chord.tones[1:]  # the bass has the root
    notes = sorted({near((chord.root + tone) % 12, centre) for tone in tones})
    return tuple(notes[:count])
