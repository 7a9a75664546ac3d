"""A line of words to the model's tokens, whatever its language."""

from angen.conditioning.english import english_phonemes
from angen.conditioning.segments import english_and_chinese
from angen.conditioning.vocabulary import token_ids
from angen.errors import BadInput


def encode(text: str) -> list[int]:
    """Tokens of a line in English, Chinese or both: the released model's own reading.

    Raises BadInput when ``text`` has neither letters nor Chinese characters, or when a
    language's phonemiser is not installed.
    """
    segments = english_and_chinese(text)
    if not segments:
        raise BadInput(f"no phonemiser for {text!r}: it has neither Latin nor Chinese letters")
    tokens = [token for language, part in segments for token in token_ids(_read(part, language))]
    if segments[-1][0] == "en" and tokens[-1:] == token_ids("_"):
        tokens.pop()
    return tokens


def _read(text: str, language: str) -> str:
    if language == "en":
        return english_phonemes(text)
    raise BadInput(f"no phonemiser for {text!r}")
