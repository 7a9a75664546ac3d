"""Text in Korean, French and German to phonemes; the voices are espeak-ng's.

The vocabulary has these sounds, but the released model's own program reads only English and
Chinese: what it makes of the others is not known. A few sounds have no symbol and are dropped.
"""

import re

from angen.conditioning import espeak
from angen.conditioning.punctuation import clean, read_between_marks

_FRENCH_ABBREVIATIONS = {
    "m": "monsieur",
    "mm": "messieurs",
    "mlle": "mademoiselle",
    "mlles": "mesdemoiselles",
    "mme": "madame",
    "mmes": "mesdames",
    "dr": "docteur",
    "st": "saint",
    "ste": "sainte",
}
# "M" and "MM" are letters unless a dot follows; no dot is needed behind the others.
_FRENCH_ABBREVIATED = re.compile(r"\b(?:(mm?)\.|(mlles?|mmes?|dr|ste?)\b\.?)", re.IGNORECASE)

_KOREAN_WORDS = {
    "KOREA": "코리아",
    "IDOL": "아이돌",
    "IT": "아이티",
    "IQ": "아이큐",
    "UP": "업",
    "DOWN": "다운",
    "PC": "피씨",
    "CCTV": "씨씨티비",
    "SNS": "에스엔에스",
    "AI": "에이아이",
    "CEO": "씨이오",
}
_KOREAN_LETTERS = {
    "A": "에이",
    "B": "비",
    "C": "씨",
    "D": "디",
    "E": "이",
    "F": "에프",
    "G": "지",
    "H": "에이치",
    "I": "아이",
    "J": "제이",
    "K": "케이",
    "L": "엘",
    "M": "엠",
    "N": "엔",
    "O": "오",
    "P": "피",
    "Q": "큐",
    "R": "알",
    "S": "에스",
    "T": "티",
    "U": "유",
    "V": "브이",
    "W": "더블유",
    "X": "엑스",
    "Y": "와이",
    "Z": "제트",
}
_UPPER_WORD = re.compile(r"(?<![A-Za-z])[A-Z]+(?![A-Za-z])")
_CHINESE = re.compile(r"[\u2e80-\u2fdf\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")


def french_phonemes(text: str) -> str:
    """Phonemes of French ``text``; raises BadInput when no espeak-ng is installed."""
    text = _FRENCH_ABBREVIATED.sub(
        lambda match: _FRENCH_ABBREVIATIONS[(match[1] or match[2]).lower()], text
    )
    return _read(text.replace("-", " ").replace("&", " et "), "fr-fr")


def german_phonemes(text: str) -> str:
    """Phonemes of German ``text``; raises BadInput when no espeak-ng is installed."""
    return _read(text, "de")


def korean_phonemes(text: str) -> str:
    """Phonemes of Korean ``text``; Chinese characters in it are not read.

    Raises BadInput when no espeak-ng is installed.
    """
    text = _UPPER_WORD.sub(lambda match: _in_hangul(match[0]), _CHINESE.sub("", text))
    return _read(text.lower(), "ko")


def _in_hangul(word: str) -> str:
    return _KOREAN_WORDS.get(word) or _KOREAN_LETTERS.get(word) or word


def _read(text: str, voice: str) -> str:
    return read_between_marks(clean(text), lambda stretch: espeak.phonemes(stretch, voice))
