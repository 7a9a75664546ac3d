"""Chinese syllables to the model's symbols: an initial, then a final that carries the tone.

A syllable is pinyin with its tone behind: ``zhong1``, ``nv3``, ``men5`` (5 or 0 is neutral).
"""

from dataclasses import dataclass

NEUTRAL = 5
_ARROWS = {1: "→", 2: "↑", 3: "↓↑", 4: "↓", NEUTRAL: ""}

_INITIALS = {
    "b": "p⁼",
    "p": "pʰ",
    "m": "m",
    "f": "f",
    "d": "t⁼",
    "t": "tʰ",
    "n": "n",
    "l": "l",
    "g": "k⁼",
    "k": "kʰ",
    "h": "x",
    "j": "tʃ⁼",
    "q": "tʃʰ",
    "x": "ʃ",
    "zh": "ts`⁼",
    "ch": "ts`ʰ",
    "sh": "s`",
    "r": "ɹ`",
    "z": "ts⁼",
    "c": "tsʰ",
    "s": "s",
}
_FINALS = {
    "a": "a",
    "o": "o",
    "e": "ə",
    "ê": "ɛ",
    "ai": "aɪ",
    "ei": "eɪ",
    "ao": "ɑʊ",
    "ou": "oʊ",
    "an": "an",
    "en": "ən",
    "ang": "ɑŋ",
    "eng": "əŋ",
    "er": "əɹ",
    "i": "i",
    "ia": "ia",
    "io": "i|o",
    "ie": "iɛ",
    "iai": "i|aɪ",
    "iao": "iɑʊ",
    "iu": "ioʊ",
    "ian": "jɛn",
    "in": "in",
    "iang": "iɑŋ",
    "ing": "iŋ",
    "iong": "jʊŋ",
    "u": "u",
    "ua": "ua",
    "uo": "uo",
    "uai": "uaɪ",
    "ui": "ueɪ",
    "uan": "uan",
    "un": "uən",
    "uang": "uɑŋ",
    "ong": "ʊŋ",
    "v": "ɥ",
    "ve": "ɥɛ",
    "van": "ɥæn",
    "vn": "ɥn",
}
# Written without an initial, a final begins with y or w.
_BARE = {
    "yi": "i",
    "yo": "io",
    "you": "iu",
    "yin": "in",
    "ying": "ing",
    "yong": "iong",
    "yu": "v",
    "yue": "ve",
    "yve": "ve",
    "yuan": "van",
    "yun": "vn",
    "wu": "u",
    "wei": "ui",
    "wen": "un",
    "weng": "ong",
}
_ODD = {"m": "m|u", "n": "ən", "ng": "ən", "r": "əɹ", "tsuo": "tsʰ|uo", "tzan": "ts⁼|an"}
_HISSED = ("zh", "ch", "sh", "r", "z", "c", "s")  # before i, the consonant itself is the vowel
_LABIAL = ("b", "p", "m", "f")  # before o, one symbol with it
_FRONT = ("j", "q", "x")  # u is ü behind them


@dataclass(frozen=True, slots=True)
class Syllable:
    """Pinyin without a tone, and the tone: 1 to 4, or ``NEUTRAL``."""

    pinyin: str
    tone: int

    def with_tone(self, tone: int) -> "Syllable":
        return Syllable(self.pinyin, tone)


def syllable(text: str) -> Syllable:
    """``zhong1`` as a syllable; without a digit at the end the tone is neutral."""
    pinyin, tone = (text[:-1], int(text[-1])) if text[-1:].isdigit() else (text, NEUTRAL)
    return Syllable(pinyin.replace("ü", "v"), tone if tone in _ARROWS else NEUTRAL)


def spoken(one: Syllable) -> str:
    """Symbols of a syllable, with ``|`` between them; empty when the pinyin is none."""
    arrow = _ARROWS[one.tone]
    if one.pinyin in _ODD:
        return _ODD[one.pinyin] + arrow
    initial, final = _divided(one.pinyin)
    sound = _INITIALS.get(initial, "")
    if initial in _HISSED and final == "i":
        return f"{sound}ɹ{arrow}" if arrow else sound
    if final not in _FINALS:
        return ""
    if initial in _LABIAL and final == "o":
        return f"{sound}wo{arrow}"
    return (f"{sound}|" if sound else "") + _FINALS[final] + arrow


def _divided(pinyin: str) -> tuple[str, str]:
    """Initial and final of a syllable, the final in its full form."""
    if pinyin in _BARE:
        return "", _BARE[pinyin]
    if pinyin[:1] in ("y", "w"):  # ya, wang: a glide and the rest
        return "", ("i" if pinyin[0] == "y" else "u") + pinyin[1:]
    initial = pinyin[:2] if pinyin[:2] in _INITIALS else pinyin[:1]
    if initial not in _INITIALS:
        return "", pinyin
    final = pinyin[len(initial) :]
    if initial in _FRONT and final.startswith("u"):
        final = "v" + final[1:]
    if final == "ue":  # lue, nue
        final = "ve"
    return initial, final
