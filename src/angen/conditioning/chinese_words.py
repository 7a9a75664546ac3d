"""Chinese text into words, and their usual reading: jieba and pypinyin, loaded on first use."""

import threading
import unicodedata
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Protocol, cast

_FIGURES = str.maketrans("0123456789", "零一二三四五六七八九")
_lock = threading.Lock()


@dataclass(frozen=True, kw_only=True, slots=True)
class ChineseReading:
    """How Chinese is read: pinyin with tone digits, syllables apart by blanks (``jin1 tian1``)."""

    of_word: Callable[[str], str | None]  # None for a word that has no entry
    in_context: Callable[[str, int], str | None]  # text and place; None: not a polyphone


class _Cutter(Protocol):
    def lcut(self, text: str) -> list[str]: ...


def usual_reading() -> ChineseReading:
    """pypinyin in both places: words by its phrases, single characters by the whole text."""
    return ChineseReading(of_word=_of_word, in_context=_in_context)


def words(text: str) -> list[str]:
    """Words of ``text``, whose 一, 不 and 儿 go with their neighbours.

    A 不 that nothing follows is lost, as in the released model's reading.
    """
    with _lock:
        pieces = _cutter().lcut(text)
    return _with_er(_with_bu(_with_yi(pieces)))


def numerals(text: str) -> str:
    """``text`` with figures as Chinese numerals: ``2024年`` is 二零二四年."""
    plain = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
    with _lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of numbers that it cannot name
        import cn2an

        named = str(cn2an.transform(plain, "an2cn"))
    return named.translate(_FIGURES)


@cache
def _cutter() -> _Cutter:
    """jieba's cutter, without its cache in /tmp, which anyone could have written."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # imports only: pkg_resources, invalid escapes
        import jieba
    cutter = jieba.Tokenizer()
    cutter.FREQ, cutter.total = cutter.gen_pfdict(cutter.get_dict_file())
    cutter.initialized = True
    return cast(_Cutter, cutter)


@lru_cache(maxsize=256)
def _pinyin(text: str) -> list[str]:
    """One syllable for each character of ``text``; other characters as they are."""
    with _lock:
        from pypinyin import Style, lazy_pinyin

    return list(lazy_pinyin(text, style=Style.TONE3, errors=_each, neutral_tone_with_five=True))


def _each(characters: str) -> str:
    """Each character on its own; pypinyin takes a list as well as the text it declares."""
    return cast(str, list(characters))


def _of_word(word: str) -> str | None:
    syllables = _pinyin(word)
    return " ".join(syllables) if 1 < len(word) == len(syllables) else None


def _in_context(text: str, place: int) -> str | None:
    syllables = _pinyin(text)
    return syllables[place] if len(syllables) == len(text) else _pinyin(text[place])[0]


def _with_yi(pieces: list[str]) -> list[str]:
    """看 一 看 becomes one word; any other lone 一 goes with the word behind it.

    As upstream, only where nothing was joined before it in the line.
    """
    out: list[str] = []
    rest = iter(enumerate(pieces))
    for i, piece in rest:
        if len(out) == i > 0 and piece == "一" and pieces[i - 1 : i] == pieces[i + 1 : i + 2]:
            out[-1] += "一" + next(rest)[1]
        else:
            out.append(piece)
    joined: list[str] = []
    for piece in out:
        if joined and joined[-1] == "一":
            joined[-1] += piece
        else:
            joined.append(piece)
    return joined


def _with_bu(pieces: list[str]) -> list[str]:
    before = ["", *pieces]
    pairs = zip(before, pieces, strict=False)
    return [("不" if last == "不" else "") + piece for last, piece in pairs if piece != "不"]


def _with_er(pieces: list[str]) -> list[str]:
    out: list[str] = []
    for piece in pieces:
        if out and piece == "儿":
            out[-1] += piece
        else:
            out.append(piece)
    return out
