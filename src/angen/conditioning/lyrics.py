"""Lyrics to the token stream that the model sings from.

Each line is either a structure tag or words; both end with the token ``STOP``. An instrumental
piece has no words: empty lyrics, or tags alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum

from angen.conditioning.chinese_words import ChineseReading
from angen.conditioning.phonemes import encode, encode_by_script, encode_in
from angen.conditioning.segments import (
    english_and_chinese,
    has_hangul,
    has_kana,
    has_words,
    mostly_chinese,
)
from angen.conditioning.tags import STOP, STRUCTURE_TAGS, is_direction, meant_tag
from angen.conditioning.vocabulary import token_ids
from angen.errors import BadInput

LONGEST_LYRICS = 20_000  # characters: some ten songs
_TAGS = " ".join(STRUCTURE_TAGS)


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
    unsung: int = 0  # lines of words that were left out because the model has no voice


@dataclass(frozen=True, kw_only=True, slots=True)
class LyricsReader:
    """How lyrics are read."""

    reading: Reading = Reading.OURS
    language: str | None = None  # of the words: en zh ja ko fr de; "auto"; None goes by letters
    chinese: ChineseReading | None = None  # pypinyin's way, unless given


def encode_lyrics(text: str, reader: LyricsReader | None = None) -> Lyrics:
    """Tokens of ``text``. Empty text gives no tokens and is no fault: an instrumental.

    Unless ``reader`` names a language, Latin letters are read as English.

    Raises BadInput, naming the line and the remedy, when a line is in a language that has no
    phonemiser here, and when the text is over ``LONGEST_LYRICS`` characters.
    """
    _check_length(text)
    reader = reader or LyricsReader()
    if reader.reading is Reading.UPSTREAM:
        lines = text.split("\n")
        per_line = [_exact(line, number, reader) for number, line in enumerate(lines, 1)]
        return Lyrics(tokens=_joined(per_line), per_line=per_line)
    lines = text.splitlines()
    numbers = "zh" if mostly_chinese(text) else "en"
    warnings: list[str] = []
    per_line = [
        _marked(line, number, warnings) or _worded(line, number, reader, numbers, warnings)
        for number, line in enumerate(lines, 1)
    ]
    return Lyrics(tokens=_joined(per_line), per_line=per_line, warnings=warnings)


def read_tags(text: str) -> Lyrics:
    """Structure tags of ``text`` for a model that has no voice; its words are not even read.

    Raises BadInput when the text is over ``LONGEST_LYRICS`` characters.
    """
    _check_length(text)
    lines = text.splitlines()
    warnings: list[str] = []
    per_line = [
        _marked(line, number, warnings) or _directed(line, number, warnings)
        for number, line in enumerate(lines, 1)
    ]
    words = (has_words(line) and not is_direction(line) for line in lines)
    return Lyrics(tokens=_joined(per_line), per_line=per_line, warnings=warnings, unsung=sum(words))


def instrumental(structure: Sequence[str] = ()) -> list[int]:
    """Tokens of a piece without words: the tags of ``structure`` (``verse`` or ``[verse]``).

    Raises BadInput for a name that is no tag.
    """
    tags = [tag if tag.startswith("[") else f"[{tag}]" for tag in structure]
    for tag in tags:
        if meant_tag(tag) is None:
            raise BadInput(f"{tag} is no structure tag; choose of {_TAGS}")
    return encode_lyrics("\n".join(tags)).tokens


def _check_length(text: str) -> None:
    if len(text) > LONGEST_LYRICS:
        raise BadInput(
            f"These lyrics have {len(text)} characters; at most {LONGEST_LYRICS} can be sung. "
            "Leave out what belongs to other songs."
        )


def _exact(line: str, number: int, reader: LyricsReader) -> list[int]:
    """Upstream's rule."""
    if line in STRUCTURE_TAGS:
        return [STRUCTURE_TAGS[line], STOP]
    return _sung(number, lambda: encode(line.strip(), reader.chinese))


def _marked(line: str, number: int, warnings: list[str]) -> list[int]:
    """Tokens of a structure tag; none for a line of words."""
    tag = meant_tag(line)
    if tag is None:
        return []
    if line != tag:
        warnings.append(f"line {number}: {line!r} is taken as {tag}")
    return [STRUCTURE_TAGS[tag], STOP]


def _worded(
    line: str, number: int, reader: LyricsReader, numbers: str, warnings: list[str]
) -> list[int]:
    """Tokens of a line that is no tag; none, and a warning, for one that is not sung."""
    line = line.strip()
    if not line:  # which sets stanzas apart, as everybody writes them
        return []
    if not has_words(line):
        warnings.append(f"line {number} has no words: left out")
        return []
    if is_direction(line):
        return _directed(line, number, warnings, " Write words to sing without brackets.")
    tokens = _sung(number, lambda: _encode(line, reader, numbers))
    if tokens == [STOP]:
        warnings.append(f"line {number}: nothing in {line!r} can be sung: left out")
        return []
    return tokens


def _directed(line: str, number: int, warnings: list[str], remedy: str = "") -> list[int]:
    """No tokens, and a warning where somebody meant a tag."""
    if is_direction(line):
        warnings.append(
            f"line {number}: {line.strip()} is no structure tag and is left out. The tags are "
            f"{_TAGS}.{remedy}"
        )
    return []


def _encode(line: str, reader: LyricsReader, numbers: str) -> list[int]:
    """Tokens of a line, without a word break at its end."""
    tokens = _read(line, reader, numbers)
    return tokens[:-1] if tokens[-1:] == token_ids("_") else tokens


def _read(line: str, reader: LyricsReader, numbers: str) -> list[int]:
    if reader.language == "auto":
        return encode_by_script(line, reader.chinese)
    if reader.language:
        return encode_in(line, reader.language, reader.chinese)
    if not any(character.isalpha() for character in line):
        return encode_in(line, numbers, reader.chinese)
    if has_kana(line) or has_hangul(line) or not english_and_chinese(line):
        return encode_by_script(line, reader.chinese, latin="en")
    return encode(line, reader.chinese)


def _sung(number: int, encoded: Callable[[], list[int]]) -> list[int]:
    try:
        return [*encoded(), STOP]
    except BadInput as error:
        raise BadInput(f"Lyrics, line {number}: {error}") from error


def _joined(per_line: Sequence[Sequence[int]]) -> list[int]:
    return [token for line in per_line for token in line]
