"""Structure tags: lines such as ``[verse]`` that say where a song is, and are not sung."""

import re

STOP = 511  # closes every line

STRUCTURE_TAGS: dict[str, int] = {
    "[start]": 500,
    "[end]": 501,
    "[intro]": 502,
    "[verse]": 503,
    "[chorus]": 504,
    "[outro]": 505,
    "[inst]": 506,
    "[solo]": 507,
    "[bridge]": 508,
    "[hook]": 509,
    "[break]": 510,
    "[stop]": STOP,
    "[space]": 512,
}

_OTHER_NAMES = {"instrumental": "inst", "interlude": "inst", "refrain": "chorus"}
_BRACKETED = re.compile(r"\[([^\[\]]*)\]")
_NUMBER = re.compile(r"[\s:.#-]*\d+[\s:.]*$")


def meant_tag(line: str) -> str | None:
    """The tag that ``line`` means: ``[Verse 2]`` and ``[verse] `` mean ``[verse]``.

    None when the line is not one pair of square brackets, or names no tag.
    """
    found = _BRACKETED.fullmatch(line.strip())
    if not found:
        return None
    name = _NUMBER.sub("", found[1].strip().casefold()).strip(" :.")
    tag = f"[{_OTHER_NAMES.get(name, name)}]"
    return tag if tag in STRUCTURE_TAGS else None


def is_direction(line: str) -> bool:
    """Whether ``line`` is one pair of square brackets: a note to singers, not words to sing."""
    return _BRACKETED.fullmatch(line.strip()) is not None
