"""Structure tags, such as ``[verse]``, and the names that people give to sections of a song."""

import re
import unicodedata
from functools import cache

STOP = 511  # closes every line

STRUCTURE_TAGS: dict[str, int] = {
    "[start]": 500,
    "[end]": 501,
    "[intro]": 502,
    "[verse]": 503,
    "[chorus]": 504,
    "[outro]": 505,
    "[inst]": 506,
    "[solo]": 507,
    "[bridge]": 508,
    "[hook]": 509,
    "[break]": 510,
    "[stop]": STOP,
    "[space]": 512,
}

# Names of sections in the languages that people write them in. A pre-chorus is a verse here and a
# post-chorus a chorus, as where songs are annotated with few labels (Wang et al. 2022,
# arXiv:2205.14700).
_NAMES = {
    "intro": "intro, introduction, opening, einleitung, vorspiel, introducción, introduzione, "
    "introdução, wstęp, giriş, 前奏, 引子, 序奏, イントロ, 인트로, 전주, интро, вступление",
    "verse": "verse, verses, vers, v1, v2, v3, v4, strophe, couplet, estrofa, verso, strofa, "
    "zwrotka, sloka, kıta, säkeistö, pre-chorus, prechorus, pre chorus, pre-hook, pré-refrain, "
    "vorrefrain, pre-refrain, pre-coro, pre-estribillo, pré-refrão, 主歌, 正歌, 导歌, 導歌, "
    "预副歌, 預副歌, 前副歌, aメロ, bメロ, ヴァース, バース, 벌스, 프리코러스, 1番, 2番, 3番, "
    "1절, 2절, 3절, 4절, куплет, phiên khúc",
    "chorus": "chorus, choruses, refrain, refrão, coro, estribillo, ritornello, refren, refrén, "
    "refräng, omkvæd, kehrvers, nakarat, kertosäe, refrein, điệp khúc, post-chorus, postchorus, "
    "post chorus, drop, 副歌, サビ, 大サビ, 落ちサビ, ラスサビ, コーラス, 후렴, 후렴구, 코러스, "
    "사비, припев",
    "outro": "outro, ending, coda, schluss, nachspiel, conclusión, salida, finale, 尾奏, 尾声, "
    "尾聲, 结尾, 結尾, アウトロ, 後奏, 아웃트로, 후주, аутро, кода",
    "inst": "inst, instrumental, interlude, interludio, interlúdio, intermezzo, zwischenspiel, "
    "instrumental break, music break, instrumentalteil, 间奏, 間奏, インスト, 간주, проигрыш",
    "solo": "solo, assolo, 独奏, 獨奏, ソロ, 솔로, соло",
    "bridge": "bridge, middle eight, middle 8, brücke, c-teil, pont, puente, ponte, köprü, 桥段, "
    "橋段, 过渡, 過渡, cメロ, dメロ, ブリッジ, 브릿지, 브리지, бридж",
    "hook": "hook, フック, 훅",
    "break": "break, breakdown, ブレイク, 브레이크",
    **{name: name for name in ("start", "end", "stop", "space")},
}
# Of them, what is a word like any other when it stands without brackets, number or colon.
_WORDS_TOO = (
    "opening, ending, finale, coda, verso, vers, verses, drop, salida, solo, pont, puente, ponte, "
    "hook, break, breakdown, start, end, stop, space, 过渡, 過渡, 引子"
)
_MARKS_ONLY = frozenset({"start", "stop", "space", "end"})  # sung, but in square brackets


def fold(text: str) -> str:
    """``text`` for comparing names: no capitals, accents, full-width forms or double blanks."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(c for c in parts if unicodedata.category(c) != "Mn").split())


@cache
def _tag_of() -> dict[str, str]:
    return {fold(name): tag for tag, names in _NAMES.items() for name in names.split(", ")}


_WORD_TOO = frozenset(fold(name) for name in _WORDS_TOO.split(", "))
_COUNTS = "one|two|three|four|five|six|first|second|third|fourth|last|final"
_ORDINAL = (
    rf"(?:(?:\d{{1,2}}(?:st|nd|rd|th|er|e|a|o)?\b|{_COUNTS}|premiere?|deuxieme|dernier|erste|zweite|"
    rf"letzte[rs]?|primer[ao]?|segund[ao]|ultim[ao]|{fold('ラスト')}|{fold('最後の')}|"
    rf"第[一二三四五六七八九十\d]+[段节節番]?)[\s.:)]*)?"
)
_NUMBER = (
    rf"(?P<number>[\s:.#_-]*\d{{1,2}}(?!\s?[x×\d])|\s+(?:[ivx]{{1,4}}|[a-d]|{_COUNTS})\b|"
    r"\s*第?[一二三四五六七八九十]+[段节節]?)?"
)
_TIMES = (
    r"(?:[x×*]\s?\d{1,2}|\d{1,2}\s?(?:[x×*](?!\w)|times|fois|veces|mal\b|回)|repeat(?:s|ed)?|again|"
    r"twice|bis)"
)
_REPEATED = rf"(?:[\s,:-]*\(?\s*{_TIMES}\s*\)?)?"
_REPEAT = re.compile(rf"[\s(]*(?:repeat\s*)?{_TIMES}[\s)]*")


@cache
def _named() -> re.Pattern[str]:
    names = "|".join(re.escape(name) for name in sorted(_tag_of(), key=len, reverse=True))
    return re.compile(
        rf"{_ORDINAL}(?P<name>{names}){_NUMBER}{_REPEATED}"
        r"(?P<rest>[\s.]*$|\s*:.*$|\s+[-–—|/]\s.*$|\s*[,(].*$)"
    )


def section(text: str) -> str | None:
    """The tag of the section that ``text``, out of its brackets, names: ``Chorus (x2)``.

    What follows a colon, a dash or a comma may be anything: ``Verse 1: Artist``.
    """
    found = _named().match(fold(text))
    return f"[{_tag_of()[found['name']]}]" if found else None


def described_section(text: str) -> str | None:
    """As ``section``, also where other words describe it: ``Guitar Solo``, ``Chorus soft``."""
    words = fold(text).split()
    if len(words) > 6 or words[:1] in (["no"], ["not"], ["end"], ["after"], ["before"]):
        return section(text)
    parts = (" ".join(part) for i in range(len(words)) for part in (words[i:], words[: -i or None]))
    return next((tag for part in parts if (tag := section(part))), None)


def bare_section(line: str, *, marked: bool) -> tuple[str, str] | None:
    """The tag that a line without brackets begins with, and the words behind its colon.

    marked: whether the line is set apart, as by ``##`` or brackets; otherwise a name that is a
    word like any other, or has no capital, needs a number or a colon: a line ``Stop`` is sung.
    """
    found = _named().match(fold(line))
    if not found:
        return None
    name, rest, numbered = found["name"], found["rest"].strip(" ."), bool(found["number"])
    words = re.split("[:：]", line, maxsplit=1)[1].strip() if rest.startswith(":") else ""
    plain = not marked and (name in _WORD_TOO or line[:1].islower())
    if rest[:1] not in ("", ":") and not (marked or numbered or rest.startswith("(")):
        return None  # "Bridge, hold me" is sung
    if plain and (words or not (numbered or rest)):
        return None
    tag = _tag_of()[name]
    return None if tag in _MARKS_ONLY and words else (f"[{tag}]", words)


def is_repeat(text: str) -> bool:
    """Whether ``text`` says how often something is sung: ``x2``, ``2 times``, ``repeat``."""
    return _REPEAT.fullmatch(fold(text)) is not None
