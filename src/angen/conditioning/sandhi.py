"""How tones change inside a Chinese word, as the released model's texts were read.

Each rule takes a word and its syllables, one for each character, and gives the syllables anew.
"""

from collections.abc import Sequence

from angen.conditioning.pinyin import NEUTRAL, Syllable
from angen.conditioning.punctuation import MARKS

_COUNTED = "零一二三四五六七八九十"
_WHOLE_ER = ("女儿", "老儿", "男儿", "少儿", "小儿")  # 儿 keeps its tone: a child, not an ending


def changed(word: str, syllables: Sequence[Syllable]) -> list[Syllable]:
    """``syllables`` of ``word`` after all rules; unchanged unless there is one per character.

    Three third tones in a row stay as they are: upstream's rule for them has no effect.
    """
    if len(word) != len(syllables):
        return list(syllables)
    out = _two_third_tones(list(syllables))
    out = _bu(word, out)
    out = _yi(word, out)
    return _er(word, out)


def _two_third_tones(syllables: list[Syllable]) -> list[Syllable]:
    if [one.tone for one in syllables] == [3, 3]:
        return [syllables[0].with_tone(2), syllables[1]]
    return syllables


def _bu(word: str, syllables: list[Syllable]) -> list[Syllable]:
    if set(word) == {"不"} or word == "不字":
        return syllables
    if len(word) == 3 and word[1] == "不" and syllables[1].pinyin == "bu":
        return [syllables[0], syllables[1].with_tone(NEUTRAL), syllables[2]]
    following = [*syllables[1:], None]
    return [
        one.with_tone(2) if character == "不" and after and after.tone == 4 else one
        for character, one, after in zip(word, syllables, following, strict=True)
    ]


def _yi(word: str, syllables: list[Syllable]) -> list[Syllable]:
    if "一" not in word:
        return syllables
    tones = [_yi_tone(word, i, syllables) for i in range(len(word))]
    return [one.with_tone(tone) for one, tone in zip(syllables, tones, strict=True)]


def _yi_tone(word: str, place: int, syllables: Sequence[Syllable]) -> int:
    """Tone of the character at ``place``: its own unless it is a 一 that changes."""
    tone = syllables[place].tone
    if word[place] != "一":
        return tone
    after = syllables[place + 1].tone if place + 1 < len(word) else None
    if any(character.isnumeric() for character in word if character != "一"):
        if place > 0 or word[1] in _COUNTED:
            return 1
        return 2 if after in (4, NEUTRAL) else 4
    if len(word) == 3 and word[1] == "一" and word[0] == word[2]:
        return NEUTRAL
    if word.startswith(("第一", "一月", "一日", "一号")):
        return 1 if place == word.index("一") else tone
    if after is None or word[place + 1] in MARKS:
        return tone
    return 2 if after == 4 else 4


def _er(word: str, syllables: list[Syllable]) -> list[Syllable]:
    if len(word) > 1 and word.endswith("儿") and word not in _WHOLE_ER:
        return [*syllables[:-1], syllables[-1].with_tone(NEUTRAL)]
    return syllables
