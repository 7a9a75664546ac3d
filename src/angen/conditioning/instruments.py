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
INSTRUMENT_NAMES = (
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
INSTRUMENT_CODE = len(INSTRUMENT_NAMES)

# What else people say for them. A name in the plural is meant so: "strings" are not "string".
_ALSO = {
    "piano": ("grand piano", "upright piano", "acoustic piano"),
    "electric piano": ("e-piano", "epiano", "rhodes", "rhodes piano", "wurlitzer"),
    "organ": ("hammond", "hammond organ"),
    "church organ": ("pipe organ",),
    "accordion": ("piano accordion",),
    "glockenspiel": ("glock",),
    "kalimba": ("thumb piano",),
    "nylon guitar": ("nylon string guitar", "classical guitar", "spanish guitar"),
    "acoustic guitar": (
        *("steel string guitar", "steel string acoustic guitar", "12 string guitar"),
        "twelve string guitar",
    ),
    "electric guitar": ("clean guitar", "clean electric guitar"),
    "muted guitar": ("muted electric guitar", "palm muted guitar"),
    "distorted guitar": (
        *("distorted electric guitar", "distortion guitar", "overdrive guitar", "fuzz guitar"),
        *("overdriven guitar", "overdriven electric guitar", "heavy guitar"),
    ),
    "double bass": (
        *("upright bass", "acoustic bass", "string bass", "standup bass", "contrabass"),
    ),
    "electric bass": (
        *("bass guitar", "electric bass guitar", "acoustic bass guitar", "fretless bass"),
        "fretless bass guitar",
    ),
    "slap bass": ("slapped bass", "slap bass guitar"),
    "synth bass": ("bass synth", "bass synthesizer", "sub bass", "808 bass"),
    "cello": ("violoncello", "celli"),
    "strings": (
        *("string section", "string orchestra", "string ensemble", "string quartet"),
        "string trio",
    ),
    "pizzicato strings": ("pizzicato", "pizz strings", "plucked strings"),
    "brass section": ("brass", "horns", "horn section"),
    "french horn": ("horn",),
    "saxophone": ("sax",),
    "oboe": ("english horn",),
    "clarinet": ("bass clarinet", "contrabass clarinet"),
    "trombone": ("bass trombone",),
    "flute": ("bass flute",),
    "pan flute": ("pan pipe", "panpipe"),
    "harmonica": ("blues harp", "mouth organ"),
    "synth lead": ("lead synth",),
    "synth strings": ("string pad", "string synth", "string machine"),
    "pluck synth": ("plucked synth", "synth pluck"),
    "acid synth": ("acid bass",),
    "square lead": ("square wave lead",),
    "bells": ("bell",),
    "drums": ("drum", "drum kit", "drum set", "bass drum", "kick drum", "snare drum"),
    "drum machine": (
        *("808", "909", "808 drum", "909 drum", "electronic drum", "electronic drum kit"),
        "synth drum",
    ),
    "brushed drums": ("brushes", "brush drums", "brushed snare", "brushed snare drum"),
    "percussion": ("conga", "bongo", "shaker", "tambourine", "hand drum"),
}
# Words that may mean several; and none, where they are no instruments that we know.
_GUITARS = ("nylon guitar", "acoustic guitar", "electric guitar", "distorted guitar")
_SYNTHS = ("synth lead", "synth pad", "pluck synth")
_VAGUE: dict[str, tuple[str, ...]] = {
    "guitar": _GUITARS,
    "bass": ("double bass", "electric bass", "slap bass", "synth bass"),
    "woodwind": ("oboe", "clarinet", "flute"),
    "keyboard": ("piano", "electric piano", "organ"),
    "synth": _SYNTHS,
    "synthesizer": _SYNTHS,
    "synthesiser": _SYNTHS,
    "pad": ("synth pad", "soft pad"),
} | dict.fromkeys(
    (
        *("drum and bass", "drum & bass", "drum + bass", "drum n bass", "future bass"),
        *("synth pop", "synth wave", "synth funk", "synth brass", "bass house", "bass music"),
        *("bass boosted", "steel drum", "jaw harp", "jew's harp", "vocal", "voice", "singing"),
        *("viola", "kick", "snare", "cymbal", "hi-hat"),
    ),
    (),
)

_SHARED = re.compile(
    r"\b(\w+) (and|or|nor|&|/) (\w+) (guitars?|bass(?:es)?|pianos?|pads?|strings)\b", re.IGNORECASE
)


def instruments_in(text: str) -> dict[str, float]:
    """The instruments that a text names, each with its share: 1, or less where one word means more.

    What it does not want, as in "no drums, bass or piano", is not asked for.
    """
    shares: dict[str, float] = {}
    for match in _named().finditer(_unwanted().sub(_kept, _spelled_out(text))):
        meant = _meaning(match[0])
        for name in meant:
            shares[name] = max(shares.get(name, 0.0), 1 / len(meant))
    return shares


def _kept(unwanted: re.Match[str]) -> str:
    return unwanted["wanted"] or " , "


def instrument_code(text: str) -> Tensor:
    """The share of each instrument that a text names: (INSTRUMENT_CODE,), 0 for all others."""
    shares = instruments_in(text)
    return torch.tensor([shares.get(name, 0.0) for name in INSTRUMENT_NAMES])


@cache
def _meanings() -> dict[str, tuple[str, ...]]:
    """All words for instruments, and which ones each means."""
    others = {word: (name,) for name, words in _ALSO.items() for word in words}
    return {name: (name,) for name in INSTRUMENT_NAMES} | others | _VAGUE


def _meaning(found: str) -> tuple[str, ...]:
    """What words mean that ``_named`` found, of one or of many."""
    words = found.lower()
    for name in (words, words.removesuffix("s"), words.removesuffix("es")):
        for spaced in (name, name.replace("-", " ")):
            if spaced in _meanings():
                return _meanings()[spaced]
    raise KeyError(found)


def _any_name() -> str:
    """A pattern of all names in a text that is spelled out; an electric piano is no piano."""
    names = []
    for name in sorted(_meanings(), key=len, reverse=True):
        plural = "(?:es)?" if name.endswith(("ss", "x")) else "" if name.endswith("s") else "s?"
        style = name.endswith(" bass") and not _meanings()[name]  # "drum and bass guitar" is none
        plural += r"(?![ -]guitar)" if style else ""
        names.append(_spaced(name) + plural)
    return rf"(?<!\w)(?:{'|'.join(names)})(?!\w)"


@cache
def _named() -> re.Pattern[str]:
    return re.compile(_any_name(), re.IGNORECASE)


def _spelled_out(text: str) -> str:
    """The same text in one way of writing: "acoustic and electric guitar" names both guitars."""
    text = " ".join(text.casefold().replace("’", "'").split())
    text = re.sub(r" ?'?\bn' ?(?=bass)| 'n' ", " n ", text)
    text = re.sub(r" ?([&+/]) ?", r" \1 ", text)
    return _SHARED.sub(_each, text)


def _each(shared: re.Match[str]) -> str:
    one, joint, other, noun = shared.groups()
    first = f"{one} {noun}"
    known = first.lower().removesuffix("s") in _meanings()
    whole = _ends_in_name().search(shared.string, 0, shared.end(1))  # "double bass and ... guitar"
    return f"{first} {joint} {other} {noun}" if known and not whole else shared[0]


@cache
def _ends_in_name() -> re.Pattern[str]:
    """A name of several words at the end of a text."""
    several = "|".join(_spaced(name) for name in _meanings() if " " in name)
    return re.compile(rf"(?<!\w)(?:{several})$", re.IGNORECASE)


def _spaced(name: str) -> str:
    """A pattern of a name, written in one word with hyphens or in several."""
    return "[ -]".join(re.escape(word) for word in name.split())


# Words that take an instrument away, and what may stand between them and its name.
_AGAINST = (
    "no|not|non|never|without|minus|sans|zero|0|neither|nor|instead of|rather than|free of|"
    "free from|devoid of|lack of|lacks|lacking|absence of|avoid|avoids|avoiding|exclude|excludes|"
    "excluding|omit|omits|omitting|skip|remove|leave out|leaving out|cut the|hates?|w ?/ ?o|"
    "do(?:es)?n't|isn't|aren't|except|except for|other than|(?:any|every|all)(?:thing)? but"
)
_BETWEEN = (
    "use|uses|using|used|want|wants|wanting|include|includes|including|have|has|having|with|on|play|"
    "plays|playing|played|feature|features|featuring|add|adding|be|contain|containing|need|for|of|"
    "sign|hint|trace|kind|sort|type|by|in|as|much|many|even|single|is|are"
)
_HOW = (
    "a|an|any|the|more|loud|heavy|hard|harsh|soft|live|real|solo|lead|other|big|acoustic|electric|"
    "programmed|additional"
)


@cache
def _unwanted() -> re.Pattern[str]:
    """Names, or a list of them, that a text takes away.

    The group ``wanted`` is where it does so twice: "nothing except piano", "never without drums".
    """
    one = rf"(?:(?:{_HOW}) ){{0,2}}{_any_name()}"
    more = rf"(?:(?: ?, ?{one})* ?,? (?:or|nor|/) {one}| (?:and|&|\+) {_any_name()})?"
    unless = r"(?: \w+){0,3} (?:except(?: for)?|other than)| (?:be )?(?:without|lack of)"
    after = (
        r" ?[:=] ?(?:no|none|off|0)\b| (?:is |are )?(?:not (?:wanted|allowed|used|included|needed|"
        r"present)|unwanted|forbidden|excluded|absent|removed|omitted)\b"
    )
    return re.compile(
        rf"(?P<wanted>\b(?:no|not|nothing|none|never|can't)(?:{unless}) {one})|"
        rf"\b(?:leav(?:e|ing)|keep) {one} out\b|"
        rf"\b(?:{_AGAINST})[ -](?:(?:{_BETWEEN}) ){{0,3}}{one}{more}|"
        rf"{_any_name()}(?:-(?:less|free)\b|less\b|{after})|\bdrumless\b",
        re.IGNORECASE,
    )
