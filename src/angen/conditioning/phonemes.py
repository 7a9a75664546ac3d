"""A line of words to the model's tokens, whatever its language."""

from collections.abc import Callable

from angen.conditioning.chinese_words import ChineseReading
from angen.conditioning.english import english_phonemes
from angen.conditioning.japanese import japanese_phonemes
from angen.conditioning.latin import latin_language
from angen.conditioning.mandarin import mandarin_phonemes
from angen.conditioning.segments import by_script, english_and_chinese, script_name
from angen.conditioning.vocabulary import token_ids
from angen.conditioning.voices import french_phonemes, german_phonemes, korean_phonemes
from angen.errors import BadInput

LANGUAGES = {
    "en": "English",
    "zh": "Chinese",
    "ja": "Japanese",
    "ko": "Korean",
    "fr": "French",
    "de": "German",
}

_READERS: dict[str, Callable[[str], str]] = {
    "en": english_phonemes,
    "ja": japanese_phonemes,
    "ko": korean_phonemes,
    "fr": french_phonemes,
    "de": german_phonemes,
}


_OTHER_NAMES = {
    **{
        "deutsch": "de",
        "français": "fr",
        "francais": "fr",
        "中文": "zh",
        "mandarin": "zh",
        "cn": "zh",
    },
    **{"日本語": "ja", "jp": "ja", "한국어": "ko", "kr": "ko", "auto": "auto"},
}


def language_code(name: str) -> str:
    """The code of a language that ``name`` means: ``de``, ``de-AT``, ``German``, ``Deutsch``.

    Raises BadInput, naming the languages, for any other.
    """
    known = {english.casefold(): code for code, english in LANGUAGES.items()} | _OTHER_NAMES
    short = name.casefold().replace("_", "-").split("-")[0]
    code = short if short in LANGUAGES else known.get(name.casefold())
    if code is None:
        raise BadInput(f"no phonemiser for language {name!r}; choose of {_choices()}")
    return code


def encode(text: str, chinese: ChineseReading | None = None) -> list[int]:
    """Tokens of a line in English, Chinese or both: the released model's own reading.

    chinese: how Chinese words are read; pypinyin's way unless given.

    Raises BadInput when ``text`` has neither letters nor Chinese characters, or when a
    language's phonemiser is not installed.
    """
    segments = english_and_chinese(text)
    if not segments:
        raise _unreadable(text)
    tokens = token_ids("|".join(_phonemes(part, name, chinese) for name, part in segments))
    if segments[-1][0] == "en" and tokens[-1:] == token_ids("_"):
        tokens.pop()
    return tokens


def encode_in(text: str, language: str, chinese: ChineseReading | None = None) -> list[int]:
    """Tokens of ``text`` read as one of ``LANGUAGES``, whatever its letters are.

    Raises BadInput when there is no such language, or its phonemiser is not installed.
    """
    if language not in LANGUAGES:
        raise BadInput(f"no phonemiser for language {language!r}; choose of {_choices()}")
    return token_ids(_phonemes(text, language, chinese))


def encode_by_script(
    text: str,
    chinese: ChineseReading | None = None,
    latin: str | None = None,
    *,
    japanese: bool = False,
) -> list[int]:
    """Tokens of ``text`` with each stretch read by its letters, ``_`` between stretches.

    latin: the language of Latin letters; found by their words unless given. japanese: whether
    Chinese characters are Japanese.

    Raises BadInput when a stretch is in letters that no phonemiser reads.
    """
    spoken = []
    for script, part in by_script(text, japanese=japanese):
        if script == "other":
            raise _unreadable(part)
        language = (latin or latin_language(part)) if script == "latin" else script
        spoken.append(_phonemes(part, language, chinese))
    if not spoken:
        raise _unreadable(text)
    return token_ids("|_|".join(spoken))


def _phonemes(text: str, language: str, chinese: ChineseReading | None) -> str:
    if language == "zh":
        return mandarin_phonemes(text, chinese)
    return _READERS[language](text)


def _unreadable(text: str) -> BadInput:
    letters = f"{script_name(text)} letters" if any(c.isalpha() for c in text) else "no letters"
    return BadInput(
        f"no phonemiser for {text.strip()[:60]!r} ({letters}). Write the line in {_choices()}, "
        "in Latin letters as it sounds, or leave it out."
    )


def _choices() -> str:
    return ", ".join(f"{name} ({code})" for code, name in LANGUAGES.items())
