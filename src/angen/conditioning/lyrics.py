"""Lyrics to the token stream that the model sings from.

Each line is either a structure tag or words; both end with the token ``STOP``. An instrumental
piece has no words: empty lyrics, or tags alone.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial

from angen.conditioning.chinese_words import ChineseReading
from angen.conditioning.phonemes import encode, language_code
from angen.conditioning.reading import Voice, language_warnings
from angen.conditioning.segments import has_chinese, has_kana, mostly_chinese
from angen.conditioning.sheet import NO_WORDS, Line, read_sheet
from angen.conditioning.tags import STOP, STRUCTURE_TAGS
from angen.conditioning.vocabulary import token_ids
from angen.errors import BadInput

LONGEST_LYRICS = 20_000  # characters: some ten songs
_TAGS = " ".join(STRUCTURE_TAGS)


class Reading(Enum):
    """How lines are read that upstream's program would choke on, or sing by mistake."""

    OURS = "ours"  # blank lines are left out; [Verse 2] means [verse]; other [notes] are not sung
    UPSTREAM = "upstream"  # blank lines are errors; only exact tags are tags, the rest is sung


@dataclass(frozen=True, kw_only=True, slots=True)
class LyricsReader:
    """How lyrics are read."""

    reading: Reading = Reading.OURS
    language: str | None = None  # of the words: en zh ja ko fr de; "auto"; None goes by letters
    chinese: ChineseReading | None = None  # pypinyin's way, unless given


@dataclass(frozen=True, kw_only=True, slots=True)
class Lyrics:
    """What the model reads, and what a person should know about it."""

    tokens: list[int]
    per_line: list[list[int]]  # one list for each line of the text; empty for lines left out
    times_s: list[tuple[float, ...]] = field(default_factory=list)  # of each line, where given
    warnings: list[str] = field(default_factory=list)
    unsung: int = 0  # lines of words that were left out because the model has no voice


def encode_lyrics(text: str, reader: LyricsReader | None = None) -> Lyrics:
    """Tokens of ``text``. Empty text gives no tokens and is no fault: an instrumental.

    Latin letters are read as English, unless ``reader`` or a line such as ``[lang: de]`` above
    them names a language; what looks to be in another is named in a warning.

    Raises BadInput, naming the line and the remedy, when a line is in a language that has no
    phonemiser here, and when the text is over ``LONGEST_LYRICS`` characters.
    """
    _check_length(text)
    reader = reader or LyricsReader()
    if reader.reading is Reading.UPSTREAM:
        lines = text.split("\n")
        per_line = [_exact(line, number, reader) for number, line in enumerate(lines, 1)]
        return Lyrics(tokens=_joined(per_line), per_line=per_line)
    sheet = read_sheet(text)
    warnings = _noted(sheet)
    voices = _voices(sheet, reader)
    per_line = [
        _tokens(line, number, voice, warnings)
        for number, (line, voice) in enumerate(zip(sheet, voices, strict=True), 1)
    ]
    if not reader.language:
        warnings += language_warnings([line.words for line in sheet], voices)
    return _lyrics(sheet, per_line, warnings)


def read_tags(text: str) -> Lyrics:
    """Structure tags of ``text`` for a model that has no voice; its words are not even read.

    Raises BadInput when the text is over ``LONGEST_LYRICS`` characters.
    """
    _check_length(text)
    sheet = read_sheet(text)
    per_line = [_joined(_tag(part) for part, is_tag in line.parts if is_tag) for line in sheet]
    warnings = [warning for warning in _noted(sheet) if not warning.endswith(NO_WORDS)]
    return _lyrics(sheet, per_line, warnings, unsung=sum(bool(line.words) for line in sheet))


def _lyrics(
    sheet: list[Line], per_line: list[list[int]], warnings: list[str], unsung: int = 0
) -> Lyrics:
    times_s = [line.times_s for line in sheet]
    return Lyrics(
        tokens=_joined(per_line),
        per_line=per_line,
        times_s=times_s,
        warnings=warnings,
        unsung=unsung,
    )


def instrumental(structure: Sequence[str] = ()) -> list[int]:
    """Tokens of a piece without words: the tags of ``structure`` (``verse`` or ``[verse]``).

    Raises BadInput for a name that is no tag.
    """
    tags = [tag if tag.startswith("[") else f"[{tag}]" for tag in structure]
    for tag in tags:
        if tag.casefold() not in STRUCTURE_TAGS:
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


def _noted(sheet: list[Line]) -> list[str]:
    return [
        f"line {number}{'' if note == NO_WORDS else ':'} {note}"
        for number, line in enumerate(sheet, 1)
        for note in line.notes
    ]


def _voices(sheet: list[Line], reader: LyricsReader) -> list[Voice]:
    """How each line is read.

    Raises BadInput where a line chooses a language that there is not.
    """
    words = [line.words for line in sheet]
    kana = sum(map(has_kana, words))
    japanese = kana > sum(has_chinese(text) and not has_kana(text) for text in words)
    voice = Voice(
        language=reader.language,
        chinese=reader.chinese,
        song="ja" if japanese else "zh" if mostly_chinese("\n".join(words)) else "en",
    )
    voices = []
    for number, line in enumerate(sheet, 1):
        if line.language:
            try:
                voice = replace(voice, chosen=language_code(line.language))
            except BadInput as error:
                raise BadInput(f"Lyrics, line {number}: {error}") from error
        voices.append(voice)
    return voices


def _tokens(line: Line, number: int, voice: Voice, warnings: list[str]) -> list[int]:
    tokens: list[int] = []
    for part, is_tag in line.parts:
        read = _tag(part) if is_tag else _sung(number, partial(_encode, part, voice))
        if read == [STOP]:
            warnings.append(f"line {number}: nothing in {part!r} can be sung: left out")
        else:
            tokens += read
    return tokens


def _tag(tag: str) -> list[int]:
    return [STRUCTURE_TAGS[tag], STOP]


def _sung(number: int, encoded: Callable[[], list[int]]) -> list[int]:
    try:
        return [*encoded(), STOP]
    except BadInput as error:
        raise BadInput(f"Lyrics, line {number}: {error}") from error


def _encode(line: str, voice: Voice) -> list[int]:
    """Tokens of words, without a word break at their end."""
    tokens = voice.read(line)
    return tokens[:-1] if tokens[-1:] == token_ids("_") else tokens


def _joined(per_line: Iterable[Sequence[int]]) -> list[int]:
    return [token for line in per_line for token in line]
