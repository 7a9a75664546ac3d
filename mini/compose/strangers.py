"""The music of a style by players of any: what instruments sound like, not where they are usual."""

from dataclasses import replace

from mini.compose.instruments import INSTRUMENTS, KITS
from mini.compose.styles import Part, Style

FEW_NOTES = ("timpani", "gong", "drone")  # have patterns of their own, and nobody takes them over
BASSES = (
    *(each.name for each in INSTRUMENTS.values() if each.family == "bass"),
    *("cello", "trombone", "triangle bass", "acid synth"),
)
ONE_VOICE = ("trumpet", "trombone", "french horn", "saxophone", "oboe", "clarinet", "flute")
MELODIC = tuple(
    each.name
    for each in INSTRUMENTS.values()
    if each.family != "bass" and each.name not in (*FEW_NOTES, "triangle bass")
)
CHORDAL = tuple(name for name in MELODIC if name not in ONE_VOICE)


def by_strangers(style: Style) -> Style:
    """The same parts, each open to every instrument that can play its role."""
    return replace(
        style,
        kits=tuple(KITS) if style.kits else (),
        bass=style.bass and _open(style.bass, BASSES),
        parts=tuple(_open(part, CHORDAL) for part in style.parts),
        lead=style.lead and _open(style.lead, MELODIC),
    )


def _open(part: Part, players: tuple[str, ...]) -> Part:
    return part if set(part.instruments) & set(FEW_NOTES) else replace(part, instruments=players)
