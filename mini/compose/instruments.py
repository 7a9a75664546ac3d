"""Every instrument that the composer knows: its range, its loudness, what a listener calls it."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Instrument:
    """One timbre. ``low`` and ``high`` are the MIDI notes between which it sounds natural."""

    name: str
    programme: int  # General MIDI, counted from 0; -1 for a timbre made by formula
    low: int
    high: int
    gain: float = 1.0
    hold_s: float = 3.0  # longest note before it must be played again
    release_s: float = 0.12
    family: str = "other"
    velocity: int = 96  # what the note bank is recorded at


Row = tuple[str, int, int, int, float, float, float]  # the first seven fields, in order


def _of(family: str, *rows: Row) -> list[Instrument]:
    return [
        Instrument(
            name=name,
            programme=programme,
            low=low,
            high=high,
            gain=gain,
            hold_s=hold_s,
            release_s=release_s,
            family=family,
        )
        for name, programme, low, high, gain, hold_s, release_s in rows
    ]


# name, programme, lowest, highest, gain, longest note, release
_ALL = [
    *_of(
        "keys",
        ("piano", 0, 30, 96, 1.0, 3.2, 0.15),
        ("electric piano", 4, 36, 88, 1.0, 3.2, 0.15),
        ("harpsichord", 6, 36, 84, 0.9, 2.4, 0.1),
        ("organ", 16, 36, 84, 0.95, 3.0, 0.06),
        ("church organ", 19, 36, 84, 0.7, 4.0, 0.25),
        ("accordion", 21, 48, 84, 0.75, 3.0, 0.08),
    ),
    *_of(
        "mallets",
        ("celesta", 8, 60, 96, 1.0, 2.0, 0.3),
        ("glockenspiel", 9, 72, 100, 0.9, 1.8, 0.4),
        ("vibraphone", 11, 53, 89, 1.0, 2.8, 0.3),
        ("marimba", 12, 45, 88, 1.1, 1.5, 0.2),
        ("kalimba", 108, 55, 88, 1.1, 1.5, 0.2),
        ("timpani", 47, 36, 57, 1.2, 2.0, 0.3),
    ),
    *_of(
        "guitar",
        ("nylon guitar", 24, 40, 79, 1.1, 2.8, 0.12),
        ("acoustic guitar", 25, 40, 79, 1.0, 2.8, 0.12),
        ("electric guitar", 27, 40, 82, 1.0, 2.8, 0.1),
        ("muted guitar", 28, 40, 76, 1.1, 0.8, 0.05),
        ("distorted guitar", 30, 38, 82, 0.65, 3.2, 0.08),
        ("banjo", 105, 48, 84, 1.0, 1.6, 0.1),
        ("harp", 46, 40, 91, 1.1, 2.5, 0.35),
    ),
    *_of(
        "bass",
        ("double bass", 32, 26, 55, 1.1, 2.2, 0.1),
        ("electric bass", 33, 26, 55, 1.0, 2.8, 0.07),
        ("slap bass", 36, 26, 55, 1.0, 2.0, 0.06),
        ("synth bass", 38, 26, 55, 0.9, 2.5, 0.05),
    ),
    *_of(
        "strings",
        ("violin", 40, 55, 93, 0.85, 3.2, 0.15),
        ("cello", 42, 36, 72, 0.9, 3.2, 0.18),
        ("strings", 48, 36, 91, 1.0, 4.5, 0.3),
        ("pizzicato strings", 45, 40, 84, 1.1, 1.0, 0.2),
        ("fiddle", 110, 55, 88, 0.85, 3.0, 0.1),
    ),
    *_of(
        "winds",
        ("trumpet", 56, 54, 84, 0.8, 3.0, 0.1),
        ("trombone", 57, 40, 72, 0.8, 3.0, 0.1),
        ("french horn", 60, 41, 77, 0.85, 3.2, 0.15),
        ("brass section", 61, 43, 80, 1.0, 3.0, 0.1),
        ("saxophone", 66, 46, 79, 0.8, 3.0, 0.1),
        ("oboe", 68, 58, 88, 0.65, 3.0, 0.1),
        ("clarinet", 71, 50, 88, 0.7, 3.0, 0.1),
        ("flute", 73, 60, 94, 0.8, 3.0, 0.1),
        ("pan flute", 75, 60, 90, 0.9, 2.8, 0.15),
        ("harmonica", 22, 58, 86, 0.8, 2.8, 0.08),
    ),
    *_of("voice", ("choir", 52, 45, 84, 0.85, 4.5, 0.35)),
    *_of(
        "synth",
        ("synth lead", 81, 48, 88, 0.85, 3.0, 0.08),
        ("synth pad", 89, 40, 84, 1.1, 5.0, 0.5),
        ("soft pad", 91, 40, 84, 0.8, 5.0, 0.5),
        ("synth strings", 50, 40, 88, 1.05, 4.5, 0.3),
        ("pluck synth", -1, 40, 96, 1.1, 1.2, 0.1),
        ("acid synth", -1, 30, 72, 0.85, 1.5, 0.04),
        ("pulse lead", -1, 45, 100, 0.65, 2.5, 0.03),
        ("square lead", -1, 45, 100, 0.65, 2.5, 0.03),
        ("pulse arpeggio", -1, 45, 100, 0.75, 1.5, 0.02),
        ("triangle bass", -1, 26, 72, 0.9, 2.5, 0.03),
        ("music box", -1, 60, 103, 1.0, 2.5, 0.5),
        ("bells", -1, 48, 96, 1.3, 3.5, 0.8),
        ("metallophone", -1, 48, 96, 0.9, 2.5, 0.6),
        ("gong", -1, 28, 52, 1.1, 4.5, 1.5),
        ("drone", -1, 26, 72, 0.95, 6.0, 0.8),
    ),
]
INSTRUMENTS: dict[str, Instrument] = {each.name: each for each in _ALL}

# General MIDI percussion keys, by the names that drum patterns use.
DRUMS: dict[str, int] = {
    "kick": 36,
    "snare": 38,
    "rim": 37,
    "clap": 39,
    "hat": 42,
    "pedal": 44,
    "open": 46,
    "crash": 49,
    "ride": 51,
    "tom1": 50,
    "tom2": 47,
    "tom3": 43,
    "tambourine": 54,
    "cowbell": 56,
    "conga1": 63,
    "conga2": 64,
    "shaker": 70,
    "clave": 75,
    "triangle": 81,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Kit:
    """A set of drums. ``label`` is the instrument that a listener would name."""

    name: str
    programme: int  # General MIDI drum kit; -1 for one made by formula
    label: str
    gain: float = 1.0


KITS: dict[str, Kit] = {
    each.name: each
    for each in (
        Kit(name="standard", programme=0, label="drums"),
        Kit(name="power", programme=16, label="drums"),
        Kit(name="electronic", programme=24, label="drum machine"),
        Kit(name="808", programme=25, label="drum machine"),
        Kit(name="jazz", programme=32, label="drums"),
        Kit(name="brush", programme=40, label="brushed drums"),
        Kit(name="orchestra", programme=48, label="percussion"),
        Kit(name="noise", programme=-1, label="noise drums"),
    )
}
