"""Text in Korean, French and German to phonemes; the voices are espeak-ng's.

The vocabulary has these sounds, but the released model's own program reads only English and
Chinese: what it makes of the others is not known. A few sounds have no symbol and are dropped.
"""

import re

from angen.conditioning import espeak
from angen.conditioning.punctuation import clean, read_between_marks

_FRENCH_TITLES = {
    "Mlle": "mademoiselle",
    "Mlles": "mesdemoiselles",
    "Mme": "madame",
    "Mmes": "mesdames",
}
_FRENCH_DOTTED = {
    "m": "monsieur",
    "pr": "professeur",
    "dr": "docteur",
    "st": "saint",
    "jr": "junior",
    "sgt": "sergent",
    "capt": "capitaine",
    "col": "colonel",
    "co": "compagnie",
    "av": "avenue",
    "boul": "boulevard",
    "adr": "adresse",
    "art": "article",
    "no": "numéro",
    "ex": "exemple",
    "excl": "exclusivement",
    "max": "maximum",
    "min": "minimum",
    "qqch": "quelque chose",
    "rdv": "rendez-vous",
    "etc": "et cetera",
    "n.b": "nota bene",
    "p.c.q": "parce que",
}
_TITLE = re.compile(rf"\b({'|'.join(_FRENCH_TITLES)})\b\.?")
_DOTTED = re.compile(
    rf"\b({'|'.join(re.escape(short) for short in sorted(_FRENCH_DOTTED, reverse=True))})\.",
    re.IGNORECASE,
)
# Fewer marks than in English: pauses are commas and full stops, curly apostrophes are no break.
_EUROPEAN_MARKS = str.maketrans("；：;:，、·。…！？～~", ",,,,,,,..!?  ", "“”‘’—")

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
_CHINESE = re.compile(
    r"[\u2e80-\u2fdf\u3005\u3007\u3021-\u3029\u3038-\u303b\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
)


def french_phonemes(text: str) -> str:
    """Phonemes of French ``text``; raises BadInput when no espeak-ng is installed."""
    text = _DOTTED.sub(lambda match: _FRENCH_DOTTED[match[1].lower()], text)
    text = _TITLE.sub(lambda match: _FRENCH_TITLES[match[1]], text)
    return _read(_plain(text).replace("&", " et "), "fr-fr")


def german_phonemes(text: str) -> str:
    """Phonemes of German ``text``; raises BadInput when no espeak-ng is installed."""
    return _read(_plain(text), "de")


def korean_phonemes(text: str) -> str:
    """Phonemes of Korean ``text``; Chinese characters in it are not read.

    Raises BadInput when no espeak-ng is installed.
    """
    text = _UPPER_WORD.sub(lambda match: _in_hangul(match[0]), _CHINESE.sub("", text))
    return _read(text.lower(), "ko")


def _plain(text: str) -> str:
    """``text`` with the marks that French and German lyrics were taught with."""
    text = text.replace("...", ".").translate(_EUROPEAN_MARKS).replace("-", " ")
    return text.strip().lstrip(",.!?")


def _in_hangul(word: str) -> str:
    return _KOREAN_WORDS.get(word) or _KOREAN_LETTERS.get(word) or word


def _read(text: str, voice: str) -> str:
    return read_between_marks(clean(text), lambda stretch: espeak.phonemes(stretch, voice))
