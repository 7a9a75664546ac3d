"""In which language each line of lyrics is read, and what a person should know about that."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from angen.conditioning.chinese_words import ChineseReading
from angen.conditioning.foreign import UNSURE, foreign_languages
from angen.conditioning.phonemes import LANGUAGES, encode, encode_by_script, encode_in
from angen.conditioning.segments import by_script, english_and_chinese, has_hangul, has_kana


@dataclass(frozen=True, kw_only=True, slots=True)
class Voice:
    """How the words of one line are read."""

    language: str | None  # of the words, whatever their letters; "auto"; None goes by letters
    chinese: ChineseReading | None
    song: str  # of figures alone, and, where Japanese, of Chinese characters: en, zh or ja
    chosen: str | None = None  # by a line such as [lang: de] above

    @property
    def latin(self) -> str:
        """The language of Latin letters."""
        return self.chosen if self.chosen in ("fr", "de") else "en"

    @property
    def japanese(self) -> bool:
        """Whether Chinese characters are Japanese."""
        return self.chosen == "ja" or (self.chosen != "zh" and self.song == "ja")

    def read(self, words: str) -> list[int]:
        """Tokens of ``words``.

        Raises BadInput when no phonemiser reads them.
        """
        chinese = self.chinese
        if self.language and self.language != "auto":
            return encode_in(words, self.language, chinese)
        if "auto" in (self.language, self.chosen):
            return encode_by_script(words, chinese, japanese=self.japanese)
        if not any(character.isalpha() for character in words):
            figures = self.song if self.chosen is None else self.chosen
            return encode_in(words, figures, chinese)
        if self.latin == "en" and not self._others(words):
            return encode(words, chinese)
        return encode_by_script(words, chinese, latin=self.latin, japanese=self.japanese)

    def _others(self, words: str) -> bool:
        """Whether something in ``words`` is neither English nor Chinese."""
        scripts = {script for script, _ in by_script(words, japanese=self.japanese)}
        return (
            bool(scripts & {"ja"})
            or has_kana(words)
            or has_hangul(words)
            or not english_and_chinese(words)
        )


def language_warnings(words: Sequence[str], voices: Sequence[Voice]) -> list[str]:
    """What a person should know of the languages of lines: which are not read as they look,

    and which are read in a language that the released model was not taught.
    """
    plain = [
        number
        for number, (text, voice) in enumerate(zip(words, voices, strict=True), 1)
        if voice.chosen is None and "latin" in dict(by_script(text))
    ]
    looks = foreign_languages([words[number - 1] for number in plain])
    warnings = []
    for language in dict.fromkeys(look for look in looks if look):
        lines = [number for number, look in zip(plain, looks, strict=True) if look == language]
        warnings.append(_misread(lines, language))
    return warnings + _untaught(words, voices)


def _misread(lines: list[int], language: str) -> str:
    if language == UNSURE:
        return (
            f"{_named(lines)} not in English, it seems, but read as English. Write [lang: fr] or "
            "[lang: de] on a line of its own above if it is French or German; other languages must "
            "be respelled as an English reader would say them."
        )
    code = next((code for code, name in LANGUAGES.items() if name == language), None)
    remedy = (
        f"Write [lang: {code}] on a line of its own above to choose {language}."
        if code
        else f"There is no phonemiser for {language} here: respell the words as an English reader "
        "would say them, or write [lang: en] on a line above if they are English."
    )
    return f"{_named(lines)} in {language}, it seems, but read as English. {remedy}"


def _untaught(words: Sequence[str], voices: Sequence[Voice]) -> list[str]:
    lines: dict[str, list[int]] = {}
    for number, (text, voice) in enumerate(zip(words, voices, strict=True), 1):
        for script in {script for script, _ in by_script(text, japanese=voice.japanese)}:
            language = voice.latin if script == "latin" else script
            if language in LANGUAGES and language not in ("en", "zh"):
                lines.setdefault(language, []).append(number)
    return [
        f"{_named(numbers)} read as {LANGUAGES[language]}, which the released model was not "
        "taught: it was taught English and Chinese, and may sing this unclearly."
        for language, numbers in lines.items()
    ]


def _named(lines: list[int]) -> str:
    """``line 3 is``, ``lines 2-5, 8 are``."""
    runs = [
        [number for _, number in run]
        for _, run in groupby(enumerate(lines), key=lambda pair: pair[1] - pair[0])
    ]
    named = ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
    return f"line {named} is" if len(lines) == 1 else f"lines {named} are"
