"""What was heard, as one sentence such as a person would write."""

from collections.abc import Mapping, Sequence

MIN_CONFIDENCE = 0.2  # a guess below this is kept in the table, but neither said nor taught
_MIN_OF = {"genre": 0.4}  # a wrong style does more harm than none


def is_sure(confidence: Mapping[str, float], field: str) -> bool:
    """Whether a guess is worth saying; what has no confidence is no guess."""
    return confidence.get(field, 1.0) >= _MIN_OF.get(field, MIN_CONFIDENCE)


def describe(
    *,
    genre: str,
    mood: str,
    instruments: Sequence[str],
    energy: str | None,
    bpm: float | None,
    key: str | None,
) -> str:
    """One sentence for the metadata table; what is empty is not said."""
    music = " ".join(part for part in (mood, genre or "music") if part)
    mode = f" in {key}" if key else ""
    pace = "" if bpm is None else f" at {bpm:.0f} BPM"
    players = f", with {_joined(instruments)}" if instruments else ""
    force = f", {energy} energy" if energy else ""
    sentence = f"{music}{mode}{pace}{players}{force}"
    return sentence[:1].upper() + sentence[1:]


def _joined(names: Sequence[str]) -> str:
    """Names as English lists them."""
    if len(names) < 2:
        return "".join(names)
    return ", ".join(names[:-1]) + " and " + names[-1]
