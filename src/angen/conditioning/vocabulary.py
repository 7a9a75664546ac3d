"""The symbols that the model was taught to sing, and their token ids.

A phoneme string is a row of symbols with ``|`` between them: ``h|ə|l|oʊ|_|w|ɜː|l|d``, where
``_`` stands between words. Ids are those of DiffRhythm 2: place in the vocabulary plus one, so
that 0 stays free for "no text". The symbols are compared code point by code point, since two
pairs of them look alike (``ç``, ``ɡ``): never normalise a phoneme string.
"""

import json
from functools import cache
from importlib import resources


@cache
def symbols() -> dict[str, int]:
    """Token id of each symbol, 1 to 363."""
    text = resources.files("angen.conditioning").joinpath("phoneme_vocab.json").read_text("utf-8")
    places: dict[str, int] = json.loads(text)
    return {symbol: place + 1 for symbol, place in places.items()}


def token_ids(phonemes: str) -> list[int]:
    """Ids of the symbols in ``phonemes``; symbols outside the vocabulary give none, as upstream."""
    known = symbols()
    return [known[symbol] for symbol in phonemes.split("|") if symbol in known]


def unknown_symbols(phonemes: str) -> list[str]:
    """Symbols in ``phonemes`` that the vocabulary lacks, in order."""
    known = symbols()
    return [symbol for symbol in phonemes.split("|") if symbol and symbol not in known]
