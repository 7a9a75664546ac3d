"""What makes each style itself: tempo, harmony, rhythm, instruments, form.

Patterns are one bar, a character a step: 16 steps in 4/4 (a sixteenth each), 12 in 3/4 (a
sixteenth) and 12 in 6/8 (a sixteenth; the beat is a dotted quarter of 6 steps).

drums: x hit, X accent, o quiet.  bass: R root, 5 fifth, 3 third, 7 seventh, 8 octave, 4 octave
below, a approach to the next root, w walking note.  chords: C whole chord, 1-6 its notes from
below, B the root an octave lower.  melodies: x a note.  Everywhere: - holds on, . is silence.
"""

from dataclasses import dataclass, field

Patterns = dict[str, tuple[str, ...]]  # by metre
Drums = dict[str, str]  # one bar: drum -> pattern


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One accompanying player. It plays in sections at least as intense as ``enters``."""

    instruments: tuple[str, ...]
    patterns: Patterns
    enters: float = 0.0  # intensities: intro and outro 0.4, bridge 0.55, verse 0.65, chorus 1
    gain: float = 1.0
    centre: int = 60  # middle of its voicings, MIDI
    strum_s: float = 0.0  # between the notes of a chord
    chance: float = 1.0  # that the part is in the arrangement at all


@dataclass(frozen=True, kw_only=True, slots=True)
class Style:
    """A style, complete. Names in ``patterns`` and ``drums`` are metres: 4/4, 3/4, 6/8."""

    name: str
    bpm: tuple[int, int]
    meters: tuple[str, ...] = ("4/4",)  # repeat one to make it likelier
    major: tuple[str, ...] = ()  # progressions, four or more numerals, one a bar
    minor: tuple[str, ...] = ()
    minor_share: float = 0.4
    swing: float = 0.5  # where the off-beat eighth lies within the beat
    kits: tuple[str, ...] = ()
    drums: dict[str, tuple[Drums, ...]] = field(default_factory=dict)
    drums_enter: float = 0.4
    drum_gain: float = 1.0
    bass: Part | None = None
    parts: tuple[Part, ...] = ()
    lead: Part | None = None  # its patterns are melody rhythms
    lead_enters: float = 0.5
    scale: str = "diatonic"
    energies: tuple[str, ...] = ("low", "medium", "high")
    moods: dict[str, tuple[str, ...]] = field(default_factory=dict)  # by mode
    reverb: float = 0.15
    endings: tuple[str, ...] = ("chord", "chord", "ritard", "fade")
    words: tuple[str, ...] = ()  # how a listener might describe it
