"""A page of lyrics as people write it: what of each line is a tag, what is sung, what is neither.

Section names in any bracket or none, times of LRC and SubRip files, their metadata, chords,
repeats and stage directions are told from words. ``docs/studio.md`` lists the accepted forms.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from angen.conditioning.tags import (
    STRUCTURE_TAGS,
    bare_section,
    described_section,
    fold,
    is_repeat,
    section,
)

NO_WORDS = "has no words: left out"
_CLOCK = r"\d{1,3}(?:[:：]\d{1,2}){1,2}(?:[.,:]\d{1,3})?"
_BRACKETED_TIME = (
    rf"[\[［【<＜]\s*[+-]?((?:{_CLOCK}|\d{{1,4}}\.\d{{1,3}}))\s*"
    rf"(?:(?:-->|[-–—~→])\s*(?:{_CLOCK}|\d{{1,4}}\.\d{{1,3}})\s*)?[\]］】>＞]"
)
_TIME, _WORD_TIME = re.compile(rf"\s*{_BRACKETED_TIME}"), re.compile(_BRACKETED_TIME)
_LINE_TIME = re.compile(  # without brackets, or in round ones
    rf"\s*(?:[(（]({_CLOCK})[)）]|({_CLOCK})\s*-->\s*{_CLOCK}.*|({_CLOCK})\s*$|"
    r"((?:\d{1,2}:)?\d{1,2}:\d{2}[.,]\d{1,3})(?=\s))"
)
_CUE = re.compile(rf"\s*{_CLOCK}\s*-->")
_ID = re.compile(
    r"\s*[\[［{](?:#|(?:ti|ar|al|au|by|lr|re|ve|la|id|tool|length|offset|total|hash|sign|qq|kana|"
    r"encoding)\s*[:：]).*[\]］}]\s*|WEBVTT\b.*",
    re.IGNORECASE,
)
_LANGUAGE = re.compile(
    r"\s*[\[［(（{【]\s*lang(?:uage)?\s*[\s:：=]\s*([\w-]+)\s*[\]］)）}】]\s*", re.IGNORECASE
)
_CREDIT = re.compile(
    r"\s*(?:作\s*[词詞曲]|[编編]\s*曲|制作人|製作人|[监監][制製]|混音|[录錄]音|演唱|原唱|歌手|[词詞曲]|"
    r"(?:lyrics|words|music|written|composed|produced|arranged)\s+by)\s*[:：].+",
    re.IGNORECASE,
)
_BRACKETS = re.compile(
    r"\[[^\[\]]*\]|［[^［］]*］|【[^【】]*】|〔[^〔〕]*〕|〖[^〖〗]*〗|\{[^{}]*\}|｛[^｛｝]*｝|"
    r"<[^<>]*>|＜[^＜＞]*＞|〈[^〈〉]*〉|《[^《》]*》|\([^()]*\)|（[^（）]*）"
)
_OPENING = "[［【〔〖{｛<＜〈(（《"
_ROUND, _ANGLE, _TITLE = "(（", "<＜〈", "《"
_FRAME = " \t\u3000#*_=~>•·|-–—[]［］【】〔〕〖〗{}｛｝<>＜＞〈〉()（）《》"
_HEADING = re.compile(r"\s*#{1,6}\s+\S")
_CHORD = re.compile(
    r"[A-G][#b♯♭]?(?:maj|min|m|M|dim|aug|sus|add|°|ø|\+|-)?\d{0,2}(?:(?:sus|add|maj|b|#)\d{1,2})*"
    r"(?:/[A-G][#b♯♭]?)?"
)
_SINGER = re.compile(
    r"\s*(?:[(（]?(?:男|女|合|齐|男女|男声|女声|合唱|齐唱)[)）]?\s*[:：]|[(（][男女合][)）])"
)
_LAST_REPEAT = re.compile(
    r"(?:^|[\s,(（]{1,4})(?:[x×]\s?\d{1,2}|\d{1,2}\s?[x×])\s*[)）]?\s*$", re.IGNORECASE
)
_TOLD_REPEAT = re.compile(r"\b(?:x\s?\d{1,2}|\d{1,2}\s?x|repeat\w*|twice)\b|×\s?\d", re.IGNORECASE)
_MARKUP = re.compile(r"/?(?:i|b|u|s|em|strong|br|hr|p|div|span|font|c|v|ruby|rt|rp)\b.*", re.I)
# Stage directions wherever they stand in brackets, and what is one where it has a line to itself.
_SURE = (
    "instrumental solo riff repeat repeats spoken whisper whispers whispered whispering shouted "
    "screamed rapped rapping hummed humming fade fades fading adlib adlibs ad-lib ad-libs lib libs "
    "acapella cappella spoken-word buildup build-up applause laughter instrumentation"
)
_WHEN_ALONE = (
    "speaking speech softly quietly loudly soft screaming scream hums whistle whistling whistles "
    "laughs laughing cheering clapping claps crowd silence pause music beat guitar guitars piano "
    "drum drums bass sax saxophone trumpet violin cello strings synth organ flute harmonica "
    "percussion orchestra choir backing vocals vocal vocalizing voice voiceover harmonies "
    "harmonized falsetto tempo"
)
_FILL = "the a in out of on over with and word only by all x up to plays ad"
_SURE_DIRECTIONS = frozenset(_SURE.split())
_DIRECTIONS = _SURE_DIRECTIONS | frozenset(_WHEN_ALONE.split())
_FILLERS = frozenset(_FILL.split())


@dataclass(kw_only=True, slots=True)
class Line:
    """One line of lyrics, taken apart."""

    parts: list[tuple[str, bool]] = field(default_factory=list)  # (tag or words, whether a tag)
    times_s: tuple[float, ...] = ()  # when it is sung, where the lyrics say so
    language: str = ""  # what ``[lang: de]`` chooses for the lines behind it
    notes: list[str] = field(default_factory=list)  # what a person should know

    @property
    def words(self) -> str:
        return " ".join(text for text, is_tag in self.parts if not is_tag)


def read_sheet(text: str) -> list[Line]:
    """The lines of ``text``."""
    lines = text.splitlines()
    return [
        Line() if _is_counter(lines, place) else _read_line(line)
        for place, line in enumerate(lines)
    ]


def _is_counter(lines: Sequence[str], place: int) -> bool:
    """Whether a line is the number of a SubRip cue."""
    following = lines[place + 1] if place + 1 < len(lines) else ""
    return lines[place].strip().isdigit() and _CUE.match(following) is not None


def _read_line(line: str) -> Line:
    if chosen := _LANGUAGE.fullmatch(line):
        return Line(language=chosen[1].casefold())
    if _ID.fullmatch(line):
        return Line()
    times, rest = _without_times(line)
    read = Line(times_s=times)
    if len(times) > 1 and any(c.isalnum() for c in rest):
        read.notes.append(
            f"it has {len(times)} times and is sung once, here; write it again where it returns"
        )
    if _CREDIT.fullmatch(rest):
        read.notes.append(f"{rest.strip()!r} is a credit and is left out")
    elif not _bare(rest, read):
        _bracketed(rest, read)
        _finish(rest, read)
    return read


def _without_times(line: str) -> tuple[tuple[float, ...], str]:
    """The times of a whole line, and the line without them and those of single words."""
    times: list[float] = []
    while found := _LINE_TIME.match(line) or _TIME.match(line):
        if times and found[0].lstrip()[0] in "<＜":
            break  # the time of the first word
        times.append(_seconds(next(clock for clock in found.groups() if clock)))
        line = line[found.end() :]
    return tuple(times), _WORD_TIME.sub("", line)


def _seconds(clock: str) -> float:
    """``01:02.5`` is 62.5; of three groups without a fraction the last holds hundredths."""
    clock = clock.replace(",", ".").replace("：", ":")
    groups = clock.split(":")
    if len(groups) > 2 and "." not in clock:
        groups = [groups[0], f"{groups[1]}.{groups[2]}"]
    total = 0.0
    for group in groups:
        total = total * 60 + float(group)
    return total


def _bare(line: str, read: Line) -> bool:
    """Read a line that is the name of a section, in brackets, marks or nothing; whether it is."""
    inner = line.strip(_FRAME)
    frame = line.strip()[: len(line.strip()) - len(line.strip().lstrip(_FRAME))]
    found = None if len(_BRACKETS.findall(line)) > 1 else bare_section(inner, marked=bool(frame))
    if not found and inner.islower() and (meant := bare_section(inner.capitalize(), marked=False)):
        read.notes.append(f"{inner!r} is sung as a word; for a section write {meant[0]}")
    if not found or (found[0] in ("[stop]", "[start]", "[space]") and frame[-1:] in ("", *_ROUND)):
        return False
    tag, words = found
    _begin(tag, line, read)
    if not set(frame) & set(_OPENING):  # [Verse 1: Artist]
        _keep(words, read)
    return True


def _begin(tag: str, written: str, read: Line) -> None:
    read.parts.append((tag, True))
    if written != tag:
        read.notes.append(f"{written!r} is taken as {tag}")
    if repeat := _TOLD_REPEAT.search(written):
        read.notes.append(_not_repeated(repeat[0].strip()))


def _bracketed(line: str, read: Line) -> None:
    """Read a line piece by piece: brackets, and what stands between them."""
    alone = not any(c.isalnum() for c in _BRACKETS.sub("", line))
    words, chords = "", 0
    for piece, bracket in _pieces(line):
        tag = _tag(piece, bool(words.strip())) if bracket else None
        if tag:
            _keep(words, read)
            words = ""
            _begin(tag, piece, read)
        elif bracket and piece[0] in "[［" and _CHORD.fullmatch(piece[1:-1].strip()):
            chords += 1
        elif bracket and not _sung(piece, alone, read):
            continue
        else:
            words += piece
    _keep(words, read)
    if chords:
        read.notes.append("chords in brackets are left out")


def _pieces(line: str) -> Iterator[tuple[str, bool]]:
    end = 0
    for found in _BRACKETS.finditer(line):
        yield line[end : found.start()], False
        yield found[0], True
        end = found.end()
    yield line[end:], False


def _tag(piece: str, inside: bool) -> str | None:
    """The tag that a bracket means; inside: whether words stand before it."""
    content = piece[1:-1]
    if piece in STRUCTURE_TAGS:
        return piece
    if piece[0] in _ROUND:
        named = None if inside else section(content)
        if not named and not inside and _is_direction(content, _SURE_DIRECTIONS):
            named = described_section(content)
        return None if named in ("[stop]", "[start]", "[space]") else named
    if piece[0] in _ANGLE + _TITLE:
        return section(content)
    return described_section(content.replace("_", " "))


def _sung(piece: str, alone: bool, read: Line) -> bool:
    """Whether a bracket that is no tag is sung; if not, or if that is a guess, it is noted."""
    content = piece[1:-1]
    if not any(c.isalnum() for c in content):
        return piece[0] in _ROUND + _TITLE
    if is_repeat(content):
        read.notes.append(_not_repeated(piece))
        return False
    if piece[0] in _ANGLE and _MARKUP.fullmatch(content):
        return False
    known = _SURE_DIRECTIONS if piece[0] in _ROUND and not alone else _DIRECTIONS
    if _is_direction(content, known) or (
        piece[0] not in _ROUND + _TITLE and (alone or piece[0] in _ANGLE)
    ):
        read.notes.append(_no_tag(piece))
        return False
    if piece[0] not in _ROUND + _TITLE:
        read.notes.append(f"{piece} stands among words and is sung")
    return True


def _is_direction(content: str, known: frozenset[str]) -> bool:
    words = re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", fold(content))
    return any(word in known for word in words) and all(
        word in _DIRECTIONS or word in _FILLERS or section(word) for word in words
    )


def _keep(words: str, read: Line) -> None:
    """Add words to be sung, without the singer before them or a repeat behind them."""
    if found := _SINGER.match(words):
        read.notes.append(f"{found[0].strip()} names a singer and is left out")
        words = words[found.end() :]
    if found := _LAST_REPEAT.search(words):
        read.notes.append(_not_repeated(found[0].strip()))
        words = words[: found.start()]
    if any(c.isalnum() for c in words):
        behind_tag = read.parts and read.parts[-1][1]
        read.parts.append((words.lstrip(" \t:：-–—*_" if behind_tag else None).rstrip(), False))


def _finish(line: str, read: Line) -> None:
    """Leave out what is a title or chords, and say so of a line of nothing but marks."""
    names = line.split()
    chords = len(names) > 1 and max(map(len, names)) > 1 and all(map(_CHORD.fullmatch, names))
    if chords or (_HEADING.match(line) and not any(is_tag for _, is_tag in read.parts)):
        read.notes.append(f"{line.strip()!r} is {'chords' if chords else 'a title'}: left out")
        read.parts.clear()
    elif line.strip() and not any(c.isalnum() for c in line):
        read.notes.append(NO_WORDS)


def _no_tag(piece: str) -> str:
    return (
        f"{piece} is no structure tag and is left out. The tags are {' '.join(STRUCTURE_TAGS)}. "
        "Write words to sing without brackets."
    )


def _not_repeated(mark: str) -> str:
    return f"{mark!r} is not sung: write the lines again where they return"
