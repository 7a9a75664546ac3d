"""What the measurements mean, in one word and one plain sentence.

closer      the adapter brings new songs nearer to the recordings
no_effect   songs are the same with and without it, or cannot be told apart
farther     the adapter moves songs away from the recordings
copies      a song comes so close to one training clip that it repeats it
"""

from dataclasses import dataclass
from enum import StrEnum

LUCK = 0.05  # a gain that chance gives more often than this is no gain


CHANCE = 0.28  # similarity that music may have with other music (benchmarks/memorisation.py)
MARGIN = 1.3  # by which a copy lies above whatever cannot be one
PLAIN_COPY = 0.5  # a copy, even in a collection whose songs share their loops


class Verdict(StrEnum):
    """The report in one word."""

    CLOSER = "closer"
    NO_EFFECT = "no_effect"
    FARTHER = "farther"
    COPIES = "copies"


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """Squared kernel distances to the real songs, and how sure their difference is."""

    distance_base: float
    distance_adapter: float
    distance_real: float | None  # of other real clips of the dataset: the level to hope for
    reduction: float | None  # 1 - adapter / base; None when the base is already there
    reduction_interval: tuple[float, float] | None  # 95 %
    gain_interval: tuple[float, float]  # 95 %, of distance_base - distance_adapter
    p_value: float
    outputs_equal: bool  # the adapter changed no number of any song
    frechet_base: float
    frechet_adapter: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Memorisation:
    """Similarity of the closest match to any training clip; 1 is a copy."""

    closest: float  # of the songs made with the adapter
    base: float  # of the songs made without: what chance and the base give
    reference: float | None  # of real clips kept aside, which cannot be copies; None without any
    limit: float  # above this a song counts as a copy
    per_song: tuple[float, ...]
    song: int  # the song with the closest match
    song_s: float  # where in that song
    clip: str  # the training clip it is close to
    clip_s: float  # where in that clip


def copy_limit(reference: float | None, base: float) -> float:
    """Well above what cannot be a copy here, and above what other music reaches by chance."""
    innocent = base if reference is None else max(base, reference)
    return min(max(CHANCE, MARGIN * innocent), PLAIN_COPY)


def judge(effect: Effect, memorisation: Memorisation) -> Verdict:
    """The verdict; a copy outweighs a gain, since it explains it."""
    if effect.outputs_equal:
        return Verdict.NO_EFFECT
    if memorisation.closest > memorisation.limit:
        return Verdict.COPIES
    if effect.gain_interval[0] > 0 and effect.p_value < LUCK:
        return Verdict.CLOSER
    if effect.gain_interval[1] < 0 and effect.p_value > 1 - LUCK:
        return Verdict.FARTHER
    return Verdict.NO_EFFECT


def sentence(verdict: Verdict, effect: Effect, memorisation: Memorisation, real: str) -> str:
    """The verdict for a musician. real: what the songs were compared with, in words."""
    match verdict:
        case Verdict.CLOSER:
            return f"{_closer(effect, real)} {_no_copy(memorisation)}"
        case Verdict.COPIES:
            return (
                f"The adapter repeats its training clips: {memorisation.closest:.2f} of 1.00 in "
                f"common with {memorisation.clip} at {memorisation.clip_s:.0f} s. Train for fewer "
                "epochs, with a lower rank, or on more songs."
            )
        case Verdict.FARTHER:
            return (
                f"With the adapter, new songs are farther from {real} than without it. Lower its "
                "strength or the learning rate, or check the dataset."
            )
        case Verdict.NO_EFFECT:
            return _nothing(effect, real)


def percent(share: float) -> str:
    """``share`` for reading; a distance below nought, which only chance gives, counts as nought."""
    return f"{min(share, 1.0):.0%}".replace("%", " %")


def _closer(effect: Effect, real: str) -> str:
    if effect.reduction is None:
        return f"The adapter brings new songs closer to {real}."
    text = f"The adapter brings new songs {percent(effect.reduction)} closer to {real}"
    if effect.reduction_interval is None:
        return text + "."
    low, high = (percent(bound) for bound in effect.reduction_interval)
    return f"{text} (95 % sure of {low} to {high})."


def _no_copy(memorisation: Memorisation) -> str:
    if memorisation.reference is None:
        return "Whether it copies cannot be judged: no clips were kept aside to compare with."
    return "It copies none of its training clips."


def _nothing(effect: Effect, real: str) -> str:
    if effect.outputs_equal:
        return (
            "The adapter changes nothing: with and without it the songs are the same, number for "
            "number. Train for longer or with a higher learning rate."
        )
    if effect.distance_base <= (effect.distance_real or 0):
        return (
            f"The base already plays as close to {real} as other recordings of the dataset do: "
            "the adapter has nothing left to add."
        )
    return (
        f"The adapter has no effect that can be told from chance: songs made with it are as far "
        f"from {real} as songs made without. Train for longer or on more songs."
    )
