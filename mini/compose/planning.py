"""What is decided before the first note: style, tempo, key, mood, form, chords, time."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mini.compose import form
from mini.compose.catalogue import ALL_STYLES
from mini.compose.strangers import by_strangers
from mini.compose.styles import Style
from mini.compose.theory import TONICS, tonic_of

T = TypeVar("T")

TAIL_S = 1.6  # room for the last chord to ring, at least
ENERGIES = ("low", "medium", "high")
BRIGHT_MOODS = frozenset(
    (
        "happy",
        "uplifting",
        "cheerful",
        "joyful",
        "playful",
        "bright",
        "sunny",
        "sassy",
        "energetic",
        "euphoric",
        "sweet",
        "innocent",
        "shimmering",
        "heroic",
        "triumphant",
        "rustic",
    )
)
DARK_MOODS = frozenset(
    (
        "sad",
        "melancholic",
        "dark",
        "wistful",
        "brooding",
        "lonesome",
        "moody",
        "smoky",
        "mysterious",
        "solemn",
        "deep",
        "nostalgic",
        "bittersweet",
        "tender",
        "eerie",
        "tense",
        "serious",
    )
)


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What the caller fixes; None leaves it to the seed."""

    seconds: float
    style: str
    ends: bool
    bpm: float | None = None
    key: str | None = None
    meter: str | None = None
    mood: str | None = None
    energy: str | None = None
    strangers: bool = False  # players of any style

    def __post_init__(self) -> None:
        if self.style not in ALL_STYLES:
            raise ValueError(f"style={self.style!r} is not one of {', '.join(ALL_STYLES)}")
        style = ALL_STYLES[self.style]
        if self.meter is not None and self.meter not in style.meters:
            raise ValueError(
                f"meter={self.meter!r}: {style.name} is played in {', '.join(set(style.meters))}"
            )
        if self.energy is not None and self.energy not in ENERGIES:
            raise ValueError(f"energy={self.energy!r} is not one of {', '.join(ENERGIES)}")
        if self.bpm is not None and not 40 <= self.bpm <= 240:
            raise ValueError(f"bpm={self.bpm} must lie between 40 and 240")
        if self.seconds < 2:
            raise ValueError(f"seconds={self.seconds}: a piece lasts at least 2")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The decisions."""

    style: Style
    bpm: float
    key: str
    meter: str
    mood: str
    energy: str
    bars: list[form.Bar]
    times: NDArray[np.float64]  # (beats + 1,) seconds
    ends: bool
    ending: str  # chord, ritard or fade
    end_s: float

    @property
    def lightness(self) -> int:
        """1 for bright moods, -1 for dark ones, 0 for others."""
        return (self.mood in BRIGHT_MOODS) - (self.mood in DARK_MOODS)


def one(choices: tuple[T, ...], rng: np.random.Generator) -> T:
    """One of the choices, each as likely as the others."""
    return choices[int(rng.integers(len(choices)))]


def plan(wishes: Wishes, rng: np.random.Generator) -> Plan:
    """Draw what the wishes leave open; the same generator state gives the same plan."""
    style = ALL_STYLES[wishes.style]
    if wishes.strangers:
        style = by_strangers(style)
    drawn_energy = one(style.energies, rng)
    energy = wishes.energy or drawn_energy
    drawn_bpm = _tempo(style, energy, rng)
    bpm = float(wishes.bpm or drawn_bpm)
    drawn_key = f"{one(TONICS, rng)} {'minor' if rng.random() < style.minor_share else 'major'}"
    key = wishes.key or drawn_key
    mode = tonic_of(key)[1]
    drawn_meter = one(style.meters, rng)
    meter = wishes.meter or drawn_meter
    drawn_mood = one(style.moods[mode], rng)
    ending = one(style.endings, rng)
    lead_in_s = float(rng.uniform(0.01, 0.08))
    count = _bar_count(wishes, bpm, meter, lead_in_s, ending)
    sections = form.sections_for(count, wishes.ends, rng)
    times = form.beat_times(count, meter, bpm, lead_in_s, wishes.ends and ending == "ritard")
    return Plan(
        style=style,
        bpm=bpm,
        key=key,
        meter=meter,
        mood=wishes.mood or drawn_mood,
        energy=energy,
        bars=form.bars_of(sections, _progressions(style, mode, rng), key, wishes.ends),
        times=times,
        ends=wishes.ends,
        ending=ending,
        end_s=_end(wishes, times, meter),
    )


def _tempo(style: Style, energy: str, rng: np.random.Generator) -> float:
    """Calm pieces lie lower in the style's range, energetic ones higher. A whole number."""
    low, high = style.bpm
    centre = {"low": 0.3, "medium": 0.5, "high": 0.7}[energy]
    share = float(np.clip(rng.normal(centre, 0.28), 0, 1))
    return float(round(low + share * (high - low)))


def _bar_count(wishes: Wishes, bpm: float, meter: str, lead_in_s: float, ending: str) -> int:
    """How many bars fit; a piece that is cut has some to spare."""
    bar_s = form.BEATS[meter] * 60 / bpm
    if not wishes.ends:
        return int((wishes.seconds - lead_in_s) / bar_s) + 2
    room_s = wishes.seconds - lead_in_s - max(TAIL_S, bar_s)
    if ending == "ritard":
        room_s -= 0.4 * bar_s
    return max(1, int(room_s / bar_s) + 1)


def _end(wishes: Wishes, times: NDArray[np.float64], meter: str) -> float:
    """Where the sound stops: when the last chord has rung, or where the piece is cut."""
    if not wishes.ends:
        return float(wishes.seconds)
    last_bar_s = float(times[-1 - form.BEATS[meter]])
    ring_s = max(TAIL_S, min(4.0, 1.5 * (float(times[-1]) - last_bar_s)))
    return min(float(wishes.seconds), last_bar_s + ring_s)


def _progressions(style: Style, mode: str, rng: np.random.Generator) -> dict[str, tuple[str, ...]]:
    """Chords by section tag; verse and chorus often share theirs. "home" is the closing chord."""
    choices = style.major if mode == "major" else style.minor
    picked = {tag: tuple(one(choices, rng).split()) for tag in form.INTENSITY}
    if rng.random() < 0.6:
        picked["chorus"] = picked["verse"]
    picked["inst"] = picked["chorus"]
    picked["intro"] = picked["outro"] = picked["verse"]
    home = min((name for row in choices for name in row.split()), key=_homeliness)
    return picked | {"home": (home,)}


def _homeliness(numeral: str) -> tuple[int, int]:
    """Tonic chords first, and the plainest of them."""
    degree = numeral.rstrip("maj0123456789suo")
    return (0 if degree in ("I", "i") else 1, len(numeral))
