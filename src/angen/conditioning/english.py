"""English text to phonemes."""

import re

from angen.conditioning import espeak
from angen.conditioning.numbers import spell_numbers
from angen.conditioning.punctuation import clean, read_between_marks

_ABBREVIATIONS = {
    "mrs": "misess",
    "mr": "mister",
    "dr": "doctor",
    "st": "saint",
    "co": "company",
    "jr": "junior",
    "maj": "major",
    "gen": "general",
    "drs": "doctors",
    "rev": "reverend",
    "lt": "lieutenant",
    "hon": "honorable",
    "sgt": "sergeant",
    "capt": "captain",
    "esq": "esquire",
    "ltd": "limited",
    "col": "colonel",
    "ft": "fort",
    "etc": "et cetera",
    "btw": "by the way",
}
_ABBREVIATED = re.compile(rf"\b({'|'.join(_ABBREVIATIONS)})\b", re.IGNORECASE)

_WORD_ENDS = "p⁼ʰmftnlkxʃs`ɹaoəɛɪeɑʊŋiuɥwæjː"  # an ending in one of these is closed by "_"

# espeak's phones as the vocabulary has them; the order matters.
_REPAIRS = tuple(
    (re.compile(rf"(^|[|_]){re.escape(spoken)}(?=[|_]|$)"), rf"\g<1>{sung}")
    for spoken, sung in (
        ("t|ɹ", "tɹ"),
        ("d|ɹ", "dɹ"),
        ("t|s", "ts"),
        ("d|z", "dz"),
        ("ɪ|ɹ", "ɪɹ"),
        ("ɐ", "ɚ"),
        ("ᵻ", "ɪ"),
        ("əl", "l"),
        ("x", "k"),
        ("ɬ", "l"),
        ("ʔ", "t"),
        ("n̩", "n"),
        ("oː|ɹ", "oːɹ"),
    )
)


def english_phonemes(text: str) -> str:
    """Phonemes of ``text``, closed by ``_`` when its last sound is an open one.

    The apostrophe is a punctuation mark to the released model, so "can't" is read "can, t":
    kept, since it was taught so.

    Raises BadInput when no espeak-ng is installed.
    """
    phonemes = read_between_marks(clean(spell_numbers(_unabbreviated(text))), _read)
    if phonemes and phonemes[-1] in _WORD_ENDS:
        phonemes += "|_"
    for pattern, sung in _REPAIRS:
        phonemes = pattern.sub(sung, phonemes)
    return phonemes


def _unabbreviated(text: str) -> str:
    return _ABBREVIATED.sub(lambda match: _ABBREVIATIONS[match[0].lower()], text)


def _read(text: str) -> str:
    return espeak.phonemes(text, "en-us")
