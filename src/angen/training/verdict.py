"""What the measurements mean, in one word and one plain sentence.

closer      the adapter brings new songs a good part of the way to the recordings
slight      nearer, but no more than an adapter of other music may bring them
no_effect   songs are the same with and without it, or the measures do not agree on a difference
farther     the adapter moves songs away from the recordings
copies      a song comes so close to one training clip that it repeats it

A move counts when the main space and one of the others are sure of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from angen.amounts import counted
from angen.training.distance import Interval, Measure

PLAIN = 1 / 3  # of the way: adapters of other music went up to 26 % (docs/benchmarks.md)
NEAR_FLOOR = 0.8  # of the way to the codec's floor: more training cannot bring much
FIRM_SONGS = 8  # recordings whose interval is narrow enough to tell half of the way from none
CHANCE = 0.28  # similarity that music may have with other music (benchmarks/memorisation.py)
MARGIN = 1.3  # by which a copy lies above whatever cannot be one
PLAIN_COPY = 0.5  # a copy, even in a collection whose songs share their loops


class Verdict(StrEnum):
    """The report in one word."""

    CLOSER = "closer"
    SLIGHT = "slight"
    NO_EFFECT = "no_effect"
    FARTHER = "farther"
    COPIES = "copies"


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Findings:
    """All that the verdict rests on."""

    effect: Measure  # in the main space
    beside: Mapping[str, Measure]  # in the others
    memorisation: Memorisation
    outputs_equal: bool  # the adapter changed no number of any song
    songs: int  # recordings that were compared with
    all_layers: bool  # whether the adapter reaches the MLP layers too


def judge(found: Findings) -> Verdict:
    """The verdict; a copy outweighs a gain, since it explains it."""
    if found.outputs_equal:
        return Verdict.NO_EFFECT
    if found.memorisation.closest > found.memorisation.limit:
        return Verdict.COPIES
    others = list(found.beside.values())
    if _nearer(found.effect) and any(_nearer(other) for other in others):
        share = found.effect.reduction
        return Verdict.SLIGHT if share is not None and share < PLAIN else Verdict.CLOSER
    if _farther(found.effect) and any(_farther(other) for other in others):
        return Verdict.FARTHER
    return Verdict.NO_EFFECT


def _nearer(measure: Measure) -> bool:
    return measure.gain_interval[0] > 0


def _farther(measure: Measure) -> bool:
    return measure.gain_interval[1] < 0


def sentence(verdict: Verdict, found: Findings) -> str:
    """The verdict for a musician, with the remedy that helps."""
    match verdict:
        case Verdict.CLOSER:
            said = f"The adapter brings new songs {_way(found)}."
            return " ".join(part for part in (said, _more(found), _no_copy(found)) if part)
        case Verdict.SLIGHT:
            return (
                f"The adapter brings new songs only {_way(found)}, which adapters of other "
                f"music may do too. {_stronger(found)}"
            )
        case Verdict.COPIES:
            copy = found.memorisation
            return (
                f"The adapter repeats its training clips: {copy.closest:.2f} of 1.00 in common "
                f"with {copy.clip} at {copy.clip_s:.0f} s. Train for fewer steps, with a lower "
                "rank, or on more songs."
            )
        case Verdict.FARTHER:
            return (
                f"With the adapter, new songs are farther from {_real(found)} than without it. "
                "Lower its strength or the learning rate, or check the dataset's prompts."
            )
        case Verdict.NO_EFFECT:
            return _nothing(found)


def answer_of(songs: int) -> str:
    """How firm an answer so many recordings give, before a training."""
    if songs >= FIRM_SONGS:
        return f"The report will compare with {counted(songs, 'song')}: enough for a firm answer."
    return (
        f"The report will compare with {counted(songs, 'song')}, which gives a rough answer; "
        f"{FIRM_SONGS} or more make a firm one."
    )


def percent(share: float) -> str:
    """``share`` for reading; beyond the whole way, which only chance gives, counts as all."""
    return f"{min(share, 1.0):.0%}".replace("%", " %")


def _real(found: Findings) -> str:
    return f"the {counted(found.songs, 'recording')}"


def _way(found: Findings) -> str:
    share = found.effect.reduction
    if share is None:
        return f"closer to {_real(found)}"
    text = f"{percent(share)} of the way from the base to {_real(found)}"
    return text + _sure(found.effect.reduction_interval)


def _sure(interval: Interval | None) -> str:
    if interval is None:
        return ""
    low, high = (percent(bound) for bound in interval)
    return f" (95 % sure of {low} to {high})"


def _more(found: Findings) -> str:
    """What would bring songs nearer still."""
    share, floor = found.effect.reduction, found.effect.floor
    if share is None or share >= 1:
        return ""
    if floor is not None and share >= NEAR_FLOOR * floor:
        return f"Nearer than {percent(floor)} this base cannot sound: its codec is the limit."
    return "" if share >= 2 * PLAIN else _stronger(found)


def _stronger(found: Findings) -> str:
    """The next thing to try when an adapter does too little."""
    if not found.all_layers:
        return "Adapt the MLP layers too (--mlp), with a learning rate of 1e-3."
    if found.songs < FIRM_SONGS:
        return f"Train for more steps, on {FIRM_SONGS} songs or more."
    return "Train for more steps, or with a higher rank."


def _no_copy(found: Findings) -> str:
    if found.memorisation.reference is None:
        return "Whether it copies cannot be judged: no clips were kept aside to compare with."
    return "It copies none of its training clips."


def _nothing(found: Findings) -> str:
    if found.outputs_equal:
        return (
            "The adapter changes nothing: with and without it the songs are the same, number for "
            "number. Train for longer or with a higher learning rate."
        )
    effect = found.effect
    if effect.reduction is None:
        return (
            f"The base already plays as close to {_real(found)} as an unseen one of them would "
            "be: the adapter has nothing left to add."
        )
    if _nearer(effect) or _farther(effect):
        where = "closer to" if _nearer(effect) else "farther from"
        return (
            f"Songs made with the adapter are {where} {_real(found)} by one measure only; the "
            f"others do not agree. {_stronger(found)}"
        )
    said = (
        f"The adapter has no effect that can be told from chance: songs made with it are as far "
        f"from {_real(found)} as songs made without{_sure(effect.reduction_interval)}."
    )
    return f"{said} {_stronger(found)}"
