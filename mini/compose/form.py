"""The plan of a piece: its sections, its chords bar by bar, and the time of every beat."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mini.compose.theory import Chord, chord_of

BEATS = {"4/4": 4, "3/4": 3, "6/8": 2}
STEPS = {"4/4": 16, "3/4": 12, "6/8": 12}  # pattern steps a bar
INTENSITY = {
    "intro": 0.4,
    "verse": 0.65,
    "chorus": 1.0,
    "bridge": 0.55,
    "inst": 0.85,
    "outro": 0.45,
}
FORMS = (  # the shape of a song; shares of the whole in units of two bars
    (("intro", 1), ("verse", 2), ("chorus", 2), ("outro", 1)),
    (("intro", 1), ("verse", 2), ("chorus", 2), ("verse", 2), ("chorus", 2), ("outro", 1)),
    (("verse", 2), ("chorus", 2), ("bridge", 2), ("chorus", 2), ("outro", 1)),
    (("intro", 1), ("verse", 2), ("chorus", 2), ("inst", 2), ("chorus", 2), ("outro", 1)),
    (("intro", 2), ("verse", 4), ("chorus", 4), ("bridge", 2), ("chorus", 4), ("outro", 2)),
    (("verse", 2), ("chorus", 2), ("outro", 1)),
    (("intro", 1), ("inst", 3), ("outro", 1)),
    (("verse", 1), ("chorus", 1), ("outro", 1)),
    (("intro", 1), ("verse", 2), ("outro", 1)),
    (("chorus", 2), ("outro", 1)),
)
EXCERPTS = (  # pieces that are cut before their end
    (("intro", 1), ("verse", 2), ("chorus", 2), ("verse", 2), ("chorus", 2)),
    (("verse", 2), ("chorus", 2), ("bridge", 2), ("chorus", 2)),
    (("chorus", 2), ("verse", 2), ("chorus", 2)),
    (("intro", 2), ("verse", 4), ("chorus", 4)),
    (("inst", 2), ("chorus", 2), ("inst", 2)),
    (("verse", 1), ("chorus", 1)),
    (("intro", 1), ("verse", 1), ("chorus", 2)),
    (("intro", 1), ("chorus", 1)),
    (("verse", 1), ("bridge", 1), ("chorus", 1)),
    (("inst", 1), ("verse", 1)),
    (("verse", 4), ("inst", 2), ("verse", 2)),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """One bar: where it stands and what it is over."""

    index: int
    section: int  # which section of the piece
    tag: str
    place: int  # which bar of its section, from 0
    of: int  # bars in its section
    chord: Chord
    following: Chord  # the chord of the bar after it
    last: bool = False  # the closing chord of the piece

    @property
    def intensity(self) -> float:
        return INTENSITY[self.tag]


def sections_for(bars: int, ends: bool, rng: np.random.Generator) -> list[tuple[str, int]]:
    """Sections that fill exactly ``bars`` bars, such as [("intro", 2), ("verse", 4), ...]."""
    forms = FORMS if ends else EXCERPTS
    fitting = [form for form in forms if 2 * sum(share for _, share in form) <= bars]
    if not fitting:
        return _short(bars, ends, rng)
    form = fitting[int(rng.integers(len(fitting)))]
    scale = max(1, bars // sum(share for _, share in form))  # bars a share
    scale = max(even for even in (2, 4, 8) if even <= max(2, scale))
    lengths = [scale * share for _, share in form]
    left = bars - sum(lengths)
    while left > 0:  # the rest lengthens the inner sections, two bars at a time
        inner = [i for i, (tag, _) in enumerate(form) if tag not in ("intro", "outro")]
        where = min(inner, key=lambda i: lengths[i] / form[i][1])
        lengths[where] += min(2, left)
        left -= 2
    return [(tag, length) for (tag, _), length in zip(form, lengths, strict=True)]


def _short(bars: int, ends: bool, rng: np.random.Generator) -> list[tuple[str, int]]:
    tag = ("verse", "chorus", "inst")[int(rng.integers(3))]
    if not ends or bars < 3:
        half = bars // 2
        two = [("intro", half), (tag, bars - half)] if rng.random() < 0.4 else [(tag, bars)]
        return [(name, length) for name, length in two if length]
    return [(tag, bars - 2), ("outro", 2)]


def bars_of(
    sections: list[tuple[str, int]],
    progressions: dict[str, tuple[str, ...]],
    key: str,
    ends: bool,
) -> list[Bar]:
    """Every bar with its chord. ``progressions`` gives the numerals of each section's tag."""
    flat: list[tuple[int, str, int, int, str]] = []
    for section, (tag, length) in enumerate(sections):
        numerals = progressions[tag]
        for place in range(length):
            flat.append((section, tag, place, length, numerals[place % len(numerals)]))
    home = progressions["home"][0]
    names = [row[4] for row in flat]
    if ends:
        names[-1] = home
    chords = [chord_of(name, key) for name in [*names, home]]
    return [
        Bar(
            index=i,
            section=section,
            tag=tag,
            place=place,
            of=length,
            chord=chords[i],
            following=chords[i + 1],
            last=ends and i == len(flat) - 1,
        )
        for i, (section, tag, place, length, _) in enumerate(flat)
    ]


def beat_times(
    bars: int, meter: str, bpm: float, lead_in_s: float, ritard: bool
) -> NDArray[np.float64]:
    """When each beat falls, and the end of the last: (beats + 1,) seconds. A ritard slows it."""
    count = bars * BEATS[meter]
    lengths = np.full(count, 60 / bpm)
    if ritard:
        slowing = min(count, 2 * BEATS[meter])
        lengths[-slowing:] *= np.linspace(1.03, 1.35, slowing)
    return lead_in_s + np.concatenate([[0.0], np.cumsum(lengths)])
