"""Chinese text to phonemes.

The released model's own lexicon and its network for characters of several readings are not to
be had; pypinyin stands in for both, behind the same rules for words, tones and numerals.
"""

import re

from angen.conditioning import sandhi
from angen.conditioning.chinese_words import ChineseReading, numerals, usual_reading, words
from angen.conditioning.pinyin import Syllable, spoken, syllable
from angen.conditioning.punctuation import MARKS, join, plain_marks

_NOT_READ = re.compile(rf"[^\u4e00-\u9fff_{re.escape(MARKS)}]")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


def mandarin_phonemes(text: str, reading: ChineseReading | None = None) -> str:
    """Phonemes of ``text``: blanks as ``_``, marks kept, nothing between Chinese words.

    reading: what pinyin words and characters have; pypinyin's unless given.
    """
    reading = reading or usual_reading()
    text = _NOT_READ.sub("", plain_marks(numerals(re.sub(r"\s", "_", text))))
    place = 0
    symbols = []
    for word in words(text):
        place = max(text.find(word, place), place)
        symbols.append(_spoken_word(word, text, place, reading))
        place += len(word)
    return join("|".join(symbols)).lstrip("|")


def _spoken_word(word: str, text: str, place: int, reading: ChineseReading) -> str:
    """Symbols of ``word``, which begins at ``place`` of ``text``."""
    if not _CHINESE.search(word):
        return word
    syllables = _syllables(word, text, place, reading)
    return "|".join(spoken(one) or one.pinyin for one in sandhi.changed(word, syllables))


def _syllables(word: str, text: str, place: int, reading: ChineseReading) -> list[Syllable]:
    alone = reading.in_context(text, place) if len(word) == 1 else None
    whole = alone or reading.of_word(word)
    if whole is None:
        each = [_of_character(text, place + i, reading) for i in range(len(word))]
        whole = " ".join(each)
    return [syllable(one) for one in whole.split()]


def _of_character(text: str, place: int, reading: ChineseReading) -> str:
    return reading.in_context(text, place) or reading.of_word(text[place]) or text[place]
