"""What makes each style itself: tempo, harmony, rhythm, instruments, form. Data only.

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


P44 = "4/4"
P34 = "3/4"
P68 = "6/8"

MELODY: Patterns = {
    P44: (
        "x---x---x---x---",
        "x---x-x-x---x---",
        "x-x-x---x-x-x---",
        "x-----x-x---x---",
        "x---x---x-------",
        "..x-x-x-x---x-x-",
        "x-x-x-x-x-------",
        "x-----x-----x---",
    ),
    P34: ("x---x---x---", "x-------x---", "x---x-x-x---", "x-x-x-x-x---", "x-----x-x---"),
    P68: ("x-----x-----", "x---x-x---x-", "x-x-x-x-----", "x---x-x-x-x-", "x-x-x-x---x-"),
}
SYNCOPATED: Patterns = {
    P44: (
        "x--x--x---x-x---",
        "x-x--xx---x-----",
        "..x--x-x--x-x---",
        "x--x----x--x----",
        "x-xx--x-x-x-----",
    ),
    P34: ("x--x--x-x---", "x-x---x--x--"),
    P68: ("x---x-x---x-", "x-x-x-x-----", "x---x---x---"),
}
SLOW: Patterns = {
    P44: ("x-------x-------", "x---------------", "x-----------x---", "x-------x---x---"),
    P34: ("x-----------", "x-------x---", "x-----x-----"),
    P68: ("x-----------", "x-----x-----", "x---x-x-----"),
}
SWUNG: Patterns = {
    P44: (
        "x-x-x-x-x-x-x---",
        "..x-x-x-x---..x-",
        "x---x-x---x-x---",
        "x-x-..x-x-x-----",
        "..x---x-x-x-x-x-",
        "x-----x---x-x---",
    ),
    P34: ("x---x-x-x-x-", "x-x-x---..x-", "x-----x-x---"),
    P68: MELODY[P68],
}

HELD: Patterns = {P44: ("C---------------",), P34: ("C-----------",), P68: ("C-----------",)}
HALVES: Patterns = {
    P44: ("C-------C-------", "C-----C-C-------"),
    P34: ("C-------C---",),
    P68: ("C-----C-----",),
}
QUARTERS: Patterns = {P44: ("C-..C-..C-..C-..", "C---C---C---C---"), P34: ("C---C---C---",)}
ARPEGGIO: Patterns = {
    P44: ("1-2-3-4-3-2-3-2-", "1-3-2-3-4-3-2-3-", "B-1-2-3-4-3-2-1-", "1-2-3-2-1-2-3-2-"),
    P34: ("B-1-2-3-2-1-", "1-2-3-4-3-2-"),
    P68: ("B-1-2-3-2-1-", "1-2-3-4-3-2-", "B-2-3-B-2-3-"),
}
STRUM: Patterns = {
    P44: ("C---C-C-C-C-C-C-", "C---C-C-..C-C-C-", "C-----C-C---C-C-", "C---C---C---C-C-"),
    P34: ("C---C-C-C-C-", "C---C---C-C-"),
    P68: ("C---C-C---C-", "C-C-C-C-C-C-"),
}
OOMPAH: Patterns = {
    P44: ("B---C-..B---C-..",),
    P34: ("B---C-..C-..", "B---C---C---"),
    P68: ("B-..C-B-..C-", "B---C-B---C-"),
}

ROOTS: Patterns = {
    P44: ("R-------R-------", "R-----R-R-------", "R---------R-5---"),
    P34: ("R-----------", "R-------5---"),
    P68: ("R-----5-----", "R-----R---5-"),
}
DRIVING: Patterns = {
    P44: ("R-R-R-R-R-R-R-R-", "R-R-R-R-R-R-5-a-", "R--R--R-R--R--a-"),
    P34: ("R-R-R-R-R-R-",),
    P68: ("R-R-R-R-R-R-", "R---R-R---a-"),
}
ROOT_FIFTH: Patterns = {
    P44: ("R---....5---....", "R-------5-----a-", "R---..a-5---....", "R-..5-..R-..5-.."),
    P34: ("R---........", "R---....5---", "R-----------"),
    P68: ("R---..5---..", "R-----5-----"),
}
WALKING: Patterns = {
    P44: ("R---w---w---a---", "R---w---5---a---", "R---3---5---a---"),
    P34: ("R---w---a---",),
    P68: ("R---w-5---a-", "R---3-5---a-"),
}
PULSED: Patterns = {
    P44: ("R-..R-..R-..R-..", "..R-..R-..R-..R-", "R-R-..R-R-R-..R-", "RRR.RRR.RRR.RRR."),
}

ROCK_DRUMS: dict[str, tuple[Drums, ...]] = {
    P44: (
        {"kick": "X.......X.......", "snare": "....X.......X...", "hat": "x.o.x.o.x.o.x.o."},
        {"kick": "X.....x.X.......", "snare": "....X.......X...", "hat": "x.x.x.x.x.x.x.x."},
        {"kick": "X..x....X.x.....", "snare": "....X.......X...", "hat": "x.x.x.x.x.x.x.o."},
        {"kick": "X.x.....X.x.....", "snare": "....X.......X..o", "hat": "x.x.x.x.x.x.x.x."},
    ),
    P34: ({"kick": "X...........", "snare": "....x...x...", "hat": "x.x.x.x.x.x."},),
    P68: (
        {"kick": "X.........x.", "snare": "......X.....", "hat": "X.o.o.X.o.o."},
        {"kick": "X...x.......", "snare": "......X.....", "hat": "X.o.o.X.o.o."},
    ),
}
HOUSE_DRUMS: dict[str, tuple[Drums, ...]] = {
    P44: (
        {
            "kick": "X...X...X...X...",
            "clap": "....x.......x...",
            "open": "..x...x...x...x.",
            "hat": "x.o.x.o.x.o.x.o.",
        },
        {
            "kick": "X...X...X...X...",
            "clap": "....x.......x..o",
            "hat": "x.xxx.xxx.xxx.xx",
            "open": "..x...x...x...x.",
        },
    ),
}
SWING_DRUMS: dict[str, tuple[Drums, ...]] = {
    P44: (
        {"ride": "x...x.o.x...x.o.", "pedal": "....x.......x...", "kick": "o.......o......."},
        {
            "ride": "X...x.o.X...x.o.",
            "pedal": "....x.......x...",
            "kick": "o...o...o...o...",
            "snare": "......o.......o.",
        },
    ),
    P34: ({"ride": "x...x.o.x.o.", "pedal": "....x...x...", "kick": "x..........."},),
    P68: ({"ride": "x...x.x...x.", "kick": "x...........", "snare": "......x....."},),
}

POP_MAJOR = ("I V vi IV", "I vi IV V", "I IV vi V", "I iii IV V", "I IV I V", "I I IV V")
POP_MINOR = ("i bVI iv V", "i iv bVI V", "i bVII bVI V", "i bVI i V", "i iv i V", "i bVI bVII i")
HAPPY = ("happy", "uplifting", "cheerful", "joyful", "playful", "bright")
SAD = ("sad", "melancholic", "dark", "wistful", "brooding")
BASES = ("electric bass",)
