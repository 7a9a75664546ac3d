"""Instruments as fixed codes: which ones a prompt names, and which an ear holds possible.

Both towers of the style encoder write them in the same places of the style vector: one place for
each instrument, the text exactly, the sound by how likely each is. A word for several, such as
"guitar", is shared out among them.
"""

import re
from functools import cache

import torch
from torch import Tensor

# The order is that of the places: a trained encoder and a trained DiT know an instrument by it.
NAMES = (
    *("piano", "electric piano", "harpsichord", "organ", "church organ", "accordion"),
    *("celesta", "glockenspiel", "vibraphone", "marimba", "kalimba", "timpani"),
    *("nylon guitar", "acoustic guitar", "electric guitar", "muted guitar", "distorted guitar"),
    *("banjo", "harp", "double bass", "electric bass", "slap bass", "synth bass"),
    *("violin", "cello", "strings", "pizzicato strings", "fiddle"),
    *("trumpet", "trombone", "french horn", "brass section", "saxophone"),
    *("oboe", "clarinet", "flute", "pan flute", "harmonica", "choir"),
    *("synth lead", "synth pad", "soft pad", "synth strings", "pluck synth", "acid synth"),
    *("pulse lead", "square lead", "pulse arpeggio", "triangle bass"),
    *("music box", "bells", "metallophone", "gong", "drone"),
    *("drums", "drum machine", "brushed drums", "percussion", "noise drums"),
)
INSTRUMENTS = len(NAMES)

_GUITARS = ("nylon guitar", "acoustic guitar", "electric guitar", "distorted guitar")
_BASSES = ("double bass", "electric bass", "slap bass", "synth bass")
# What people also say, and what it may mean; nothing where it is no instrument at all.
_ALSO: dict[str, tuple[str, ...]] = {
    "grand piano": ("piano",),
    "upright piano": ("piano",),
    "e-piano": ("electric piano",),
    "rhodes": ("electric piano",),
    "wurlitzer": ("electric piano",),
    "hammond": ("organ",),
    "hammond organ": ("organ",),
    "pipe organ": ("church organ",),
    "vibes": ("vibraphone",),
    "thumb piano": ("kalimba",),
    "guitar": _GUITARS,
    "classical guitar": ("nylon guitar",),
    "spanish guitar": ("nylon guitar",),
    "steel string guitar": ("acoustic guitar",),
    "clean guitar": ("electric guitar",),
    "overdriven guitar": ("distorted guitar",),
    "heavy guitar": ("distorted guitar",),
    "bass": _BASSES,
    "basses": _BASSES,
    "bass guitar": ("electric bass",),
    "upright bass": ("double bass",),
    "contrabass": ("double bass",),
    "bass synth": ("synth bass",),
    "sub bass": ("synth bass",),
    "string section": ("strings",),
    "string orchestra": ("strings",),
    "pizzicato": ("pizzicato strings",),
    "horn": ("french horn",),
    "brass": ("brass section",),
    "horn section": ("brass section",),
    "sax": ("saxophone",),
    "saxes": ("saxophone",),
    "panpipe": ("pan flute",),
    "woodwind": ("oboe", "clarinet", "flute"),
    "lead synth": ("synth lead",),
    "synth": ("synth lead", "synth pad", "pluck synth"),
    "synthesizer": ("synth lead", "synth pad", "pluck synth"),
    "synthesiser": ("synth lead", "synth pad", "pluck synth"),
    "pad": ("synth pad", "soft pad"),
    "drum kit": ("drums",),
    "drum set": ("drums",),
    "808": ("drum machine",),
    "808 drums": ("drum machine",),
    "electronic drums": ("drum machine",),
    "brushes": ("brushed drums",),
    "drum and bass": (),
    "drum & bass": (),
    "drum'n'bass": (),
    "drum n bass": (),
}
_MEANT = {name: (name,) for name in NAMES} | _ALSO
_NOT = re.compile(r"\b(?:no|without|minus)\b(?:(?!\bbut\b)[^,.;\n])*", re.IGNORECASE)


def instruments_in(text: str) -> dict[str, float]:
    """The instruments that a text names, each with its share: 1, or less where one word means more.

    What it names after "no" or "without", up to the next comma, is not asked for.
    """
    shares: dict[str, float] = {}
    for match in _words().finditer(_NOT.sub("", text)):
        meant = _meaning(match[0])
        for name in meant:
            shares[name] = max(shares.get(name, 0.0), 1 / len(meant))
    return shares


def instrument_code(text: str) -> Tensor:
    """The share of each instrument that a text names: (INSTRUMENTS,), zeros for the others."""
    code = torch.zeros(INSTRUMENTS)
    for name, share in instruments_in(text).items():
        code[NAMES.index(name)] = share
    return code


def _stem(name: str) -> str:
    """A name by which one and many are the same."""
    words = " ".join(re.split(r"[\s-]+", name.lower()))
    return words if words.endswith("ss") else words.removesuffix("s")


@cache
def _by_stem() -> dict[str, tuple[str, ...]]:
    return {_stem(name): meant for name, meant in _MEANT.items()}


def _meaning(found: str) -> tuple[str, ...]:
    return _by_stem()[_stem(found)]


@cache
def _words() -> re.Pattern[str]:
    """All names, longer ones first: an electric piano is no piano."""
    stems = sorted(_by_stem(), key=len, reverse=True)
    names = (r"[\s-]+".join(re.escape(word) for word in stem.split()) for stem in stems)
    return re.compile(rf"(?<!\w)(?:{'|'.join(names)})s?(?!\w)", re.IGNORECASE)
