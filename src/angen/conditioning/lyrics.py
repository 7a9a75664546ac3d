"""Lyrics to the token stream that the model sings from.

Each line is either a structure tag or words; both end with the token ``STOP``. An instrumental
piece has no words: empty lyrics, or tags alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from angen.conditioning.phonemes import encode
from angen.conditioning.tags import STOP, STRUCTURE_TAGS, is_direction, meant_tag
from angen.errors import BadInput

LONGEST_LYRICS = 20_000  # characters: some ten songs


class Reading(Enum):
    """How lines are read that upstream's program would choke on, or sing by mistake."""

    OURS = "ours"  # blank lines are left out; [Verse 2] means [verse]; other [notes] are not sung
    UPSTREAM = "upstream"  # blank lines are errors; only exact tags are tags, the rest is sung


@dataclass(frozen=True, kw_only=True, slots=True)
class Lyrics:
    """What the model reads, and what a person should know about it."""

    tokens: list[int]
    per_line: list[list[int]]  # one list for each line of the text; empty for lines left out
    warnings: list[str] = field(default_factory=list)


def encode_lyrics(text: str, reading: Reading = Reading.OURS) -> Lyrics:
    """Tokens of ``text``. Empty text gives no tokens and is no fault: an instrumental.

    Raises BadInput, naming the line and the remedy, when a line is in a language that has no
    phonemiser here, and when the text is over ``LONGEST_LYRICS`` characters.
    """
    if len(text) > LONGEST_LYRICS:
        raise BadInput(
            f"These lyrics have {len(text)} characters; at most {LONGEST_LYRICS} can be sung. "
            "Leave out what belongs to other songs."
        )
    if reading is Reading.UPSTREAM:
        per_line = [_exact(line, number) for number, line in enumerate(text.split("\n"), 1)]
        return Lyrics(tokens=_joined(per_line), per_line=per_line)
    warnings: list[str] = []
    per_line = [_forgiving(line, n, warnings) for n, line in enumerate(text.splitlines(), 1)]
    return Lyrics(tokens=_joined(per_line), per_line=per_line, warnings=warnings)


def instrumental(structure: Sequence[str] = ()) -> list[int]:
    """Tokens of a piece without words: the tags of ``structure`` (``verse`` or ``[verse]``).

    Raises BadInput for a name that is no tag.
    """
    lines = [tag if tag.startswith("[") else f"[{tag}]" for tag in structure]
    for line in lines:
        if meant_tag(line) is None:
            raise BadInput(f"{line} is no structure tag; choose of {' '.join(STRUCTURE_TAGS)}")
    return encode_lyrics("\n".join(lines)).tokens


def _exact(line: str, number: int) -> list[int]:
    if line in STRUCTURE_TAGS:
        return [STRUCTURE_TAGS[line], STOP]
    return _sung(line, number)


def _forgiving(line: str, number: int, warnings: list[str]) -> list[int]:
    if not line.strip():
        warnings.append(f"line {number} is blank: left out")
        return []
    tag = meant_tag(line)
    if tag:
        if line != tag:
            warnings.append(f"line {number}: {line!r} is taken as {tag}")
        return [STRUCTURE_TAGS[tag], STOP]
    if is_direction(line):
        warnings.append(
            f"line {number}: {line.strip()} is no structure tag and is left out. The tags are "
            f"{' '.join(STRUCTURE_TAGS)}; write words to sing without brackets."
        )
        return []
    return _sung(line, number)


def _sung(line: str, number: int) -> list[int]:
    try:
        return [*encode(line.strip()), STOP]
    except BadInput as error:
        raise BadInput(f"Lyrics, line {number}: {error}") from error


def _joined(per_line: Sequence[Sequence[int]]) -> list[int]:
    return [token for line in per_line for token in line]
