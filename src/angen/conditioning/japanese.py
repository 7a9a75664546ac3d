"""Japanese text to phonemes: words to kana by Janome's dictionary, kana to symbols.

The vocabulary has these sounds, but the released model's own program does not read Japanese:
what it makes of it is not known.
"""

import re
import warnings
from functools import cache
from importlib.util import find_spec
from typing import Any

from angen.conditioning.punctuation import join, plain_marks
from angen.errors import BadInput

_VOWELS = {"a": "a", "i": "i", "u": "ɯ", "e": "e", "o": "o", "N": "ɴ", "q": "q"}
_CONSONANTS = {
    "h": "ç",
    "f": "ɸ",
    "y": "j",
    "r": "ɾ",
    "w": "ɰᵝ",
    "ch": "tɕ",
    "sh": "ɕ",
    "ts": "tsɯ",
    "j": "dʑ",
    "hy": "çj",
    "ry": "ɾj",
    "dy": "dej",
    "ty": "tej",
    "kw": "kɯ",
    "gw": "gɯ",
}
# The kana of each consonant before a i u e o; "-" where there is none.
_ROWS = {
    "": "ア イ ウ エ オ",
    "k": "カ キ ク ケ コ",
    "s": "サ スィ ス セ ソ",
    "sh": "シャ シ シュ シェ ショ",
    "t": "タ ティ トゥ テ ト",
    "ch": "チャ チ チュ チェ チョ",
    "ts": "ツァ ツィ ツ ツェ ツォ",
    "n": "ナ ニ ヌ ネ ノ",
    "h": "ハ ヒ - ヘ ホ",
    "f": "ファ フィ フ フェ フォ",
    "m": "マ ミ ム メ モ",
    "y": "ヤ - ユ イェ ヨ",
    "r": "ラ リ ル レ ロ",
    "w": "ワ ウィ - ウェ ウォ",
    "g": "ガ ギ グ ゲ ゴ",
    "z": "ザ ズィ ズ ゼ ゾ",
    "j": "ジャ ジ ジュ ジェ ジョ",
    "d": "ダ ディ ドゥ デ ド",
    "b": "バ ビ ブ ベ ボ",
    "p": "パ ピ プ ペ ポ",
    "v": "ヴァ ヴィ ヴ ヴェ ヴォ",
    "ky": "キャ - キュ キェ キョ",
    "gy": "ギャ - ギュ ギェ ギョ",
    "ny": "ニャ - ニュ ニェ ニョ",
    "hy": "ヒャ - ヒュ ヒェ ヒョ",
    "by": "ビャ - ビュ ビェ ビョ",
    "py": "ピャ - ピュ ピェ ピョ",
    "my": "ミャ - ミュ ミェ ミョ",
    "ry": "リャ - リュ リェ リョ",
    "ty": "テャ - テュ - テョ",
    "dy": "デャ - デュ - デョ",
    "kw": "クヮ - - - -",
    "gw": "グヮ - - - -",
}
_SAME_SOUND = str.maketrans("ヲヂヅヰヱァィゥェォャュョヮヶ", "オジズイエアイウエオヤユヨワケ")
_MORA = re.compile(r".[ァィゥェォャュョヮ]|.", re.DOTALL)
_FIGURE_NAMES = dict(zip("0123456789", ["ゼロ", *"一二三四五六七八九"], strict=True))
_FIGURES = re.compile(r"[0-9]+")
_BETWEEN_WORDS = re.compile(r"(\W+)")
# Kanji that the dictionary reads as a name or in a Chinese way where they are a word of their own.
_ALONE = {
    **{
        "金": "カネ",
        "露": "ツユ",
        "幸": "サチ",
        "琴": "コト",
        "弦": "ゲン",
        "罰": "バツ",
        "米": "コメ",
    },
    **{"土": "ツチ", "間": "アイダ", "後": "アト", "毛": "ケ", "剣": "ツルギ"},
}


def japanese_phonemes(text: str) -> str:
    """Phonemes of ``text``, marks kept, nothing between words.

    Raises BadInput when Janome is not installed.
    """
    text = _FIGURES.sub(lambda figures: _numeral(figures[0]), plain_marks(text))
    symbols: list[str] = []
    for mora in _MORA.findall(_katakana(text)):
        symbols += _spoken(mora, symbols)
    return join("|".join(symbols))


def _spoken(mora: str, before: list[str]) -> list[str]:
    """Symbols of one mora; the long-vowel mark repeats the last symbol ``before`` it."""
    if mora == "ー":
        return before[-1:] if before and before[-1] in _VOWELS.values() else []
    if mora in _moras():
        return _moras()[mora]
    if len(mora) > 1:  # a small vowel behind a kana that does not take it
        return [symbol for kana in mora for symbol in _spoken(kana.translate(_SAME_SOUND), before)]
    return _moras().get(mora.translate(_SAME_SOUND), [mora])


@cache
def _moras() -> dict[str, list[str]]:
    """Symbols of each mora in katakana."""
    moras = {"ン": [_VOWELS["N"]], "ッ": [_VOWELS["q"]]}
    for consonant, row in _ROWS.items():
        sound = _CONSONANTS.get(consonant) or re.sub("y$", "j", consonant)
        for vowel, kana in zip("aiueo", row.split(), strict=True):
            if kana != "-":
                moras[kana] = [sound, _VOWELS[vowel]] if sound else [_VOWELS[vowel]]
    for kana in "ャュョ":  # the same as with ビ
        moras["ヴ" + kana] = moras["ビ" + kana]
    return moras


def _katakana(text: str) -> str:
    """``text`` as it is said, in katakana: 東京は is トーキョーワ.

    The tokenizer gets the stretches between marks one at a time: it takes a kanji behind a mark
    that it does not know, such as a bracket, for the end of a word (雨 is then ウ, not アメ).
    """
    stretches = _BETWEEN_WORDS.split(text)  # words at even places, marks at odd ones
    return "".join(s if i % 2 else _ALONE.get(s) or _words(s) for i, s in enumerate(stretches))


def _words(text: str) -> str:
    return "".join(_said(word) for word in _tokenizer().tokenize(text))


def _said(word: Any) -> str:
    if word.surface == "う" and word.part_of_speech.startswith("助動詞"):
        return "ー"  # 行こう ends in a long vowel
    if word.surface in _ALONE and "固有名詞" in word.part_of_speech:
        return _ALONE[word.surface]
    spoken = word.surface if word.phonetic == "*" else word.phonetic
    return "".join(chr(ord(c) + 0x60) if "ぁ" <= c <= "ゖ" else c for c in spoken)


@cache
def _tokenizer() -> Any:
    if not find_spec("janome"):
        raise BadInput(
            "no phonemiser for Japanese: Janome is not installed. "
            "Run `pip install 'angen[japanese]'`, or write the line in Latin letters."
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # imports only
        from janome.tokenizer import Tokenizer
    return Tokenizer()


def _numeral(figures: str) -> str:
    """A number in Chinese numerals as Japanese has them: 2024 is 二千二十四."""
    digits = figures.lstrip("0") or "0"
    if digits == "0" or len(digits) > 16:
        return "".join(_FIGURE_NAMES[digit] for digit in digits)
    groups = [digits[max(0, end - 4) : end] for end in range(len(digits), 0, -4)]
    units = ["", *"万億兆"][: len(groups)]
    pairs = zip(groups, units, strict=True)
    named = [_thousands(group) + unit if int(group) else "" for group, unit in pairs]
    return "".join(reversed(named))


def _thousands(group: str) -> str:
    """Up to four figures; 一 is not said before ten, hundred and thousand."""
    said = ""
    for digit, unit in zip(group, ["千", "百", "十", ""][-len(group) :], strict=True):
        if digit != "0":
            said += ("" if digit == "1" and unit else _FIGURE_NAMES[digit]) + unit
    return said
