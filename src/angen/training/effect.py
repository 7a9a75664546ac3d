"""Did the training do anything, and is it more than a copy? The measured answer to both.

gather evidence ─► in each space, distances to the recordings, with and without the adapter
                ─► memorisation: closest training clip, against what kept-aside clips give
                ─► agreement in tempo, key, spectrum ─► verdict ─► report.json, report.html
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from angen.amounts import counted
from angen.audio.listening import listen
from angen.bundle import Bundle
from angen.data.manifest import DatasetInfo, prompt_of
from angen.errors import BadInput
from angen.training.agreement import (
    key_score,
    long_term_spectrum,
    mean_or_none,
    same_tempo,
    spectrum_distance,
)
from angen.training.distance import Measure, Recordings, compare
from angen.training.evidence import (
    MIN_EXCERPTS,
    EffectConfig,
    Evidence,
    LatentsOf,
    OnStep,
    Take,
    gather,
    real_excerpts,
    spread,
)
from angen.training.memorisation import Match, matches, picture
from angen.training.spaces import JUDGE, Spaces, Vectors
from angen.training.verdict import (
    FIRM_SONGS,
    Findings,
    Memorisation,
    Verdict,
    copy_limit,
    judge,
    sentence,
)

FETCH = (
    "This base judges its own songs here, and is easily pleased by them. Fetch the outside judge, "
    "then measure again: angen models fetch musicnn"
)
MIN_UNITS = 4  # songs compared as wholes; of fewer, clips stand for songs
REFERENCES = 16  # real excerpts that are held against training clips
EQUAL = 1e-6  # relative difference up to which two sets of latents are the same


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """One side's songs against what was asked of them; shares from 0 to 1, None if unknown."""

    tempo: float | None  # share of songs heard at the tempo asked for, octaves allowed
    key: float | None  # mean key score
    spectrum_db: float  # from the real excerpts' long-term spectrum


@dataclass(frozen=True, kw_only=True, slots=True)
class SongFacts:
    """One pair of songs: how it was asked for, and how alike its sides are."""

    prompt: str
    lyrics: str
    seed: int
    clip: str  # the kept-aside clip whose prompt it is


@dataclass(frozen=True, kw_only=True, slots=True)
class EffectReport:
    """``report.json``."""

    adapter: str
    base: dict[str, str]  # name, fingerprint
    dataset: dict[str, str]  # name, fingerprint
    created: str
    verdict: Verdict
    sentence: str
    space: str  # in which ``effect`` is measured
    effect: Measure
    beside: dict[str, Measure]  # the other spaces
    outputs_equal: bool  # the adapter changed no number of any song
    memorisation: Memorisation
    agreement: dict[str, Agreement]  # base, adapter, codec
    counts: dict[str, int]  # songs a side, recordings, excerpts and clips of them, training clips
    kept_aside: bool
    config: dict[str, Any]
    songs: tuple[SongFacts, ...]
    notes: tuple[str, ...] = ()
    version: int = field(default=2)

    def as_json(self) -> dict[str, Any]:
        """Plain values, as they stand in the file."""
        return asdict(self)

    @property
    def measures(self) -> dict[str, Measure]:
        """Of all spaces, the main one first."""
        return {self.space: self.effect, **self.beside}


def measure_effect(
    bundle: Bundle,
    adapter: Path,
    info: DatasetInfo,
    folder: Path,
    latents_of: LatentsOf,
    config: EffectConfig,
    spaces: Spaces,
    on_step: OnStep,
    *,
    name: str = "",
) -> tuple[EffectReport, Evidence]:
    """Measure what the adapter in the PEFT folder ``adapter`` does on the dataset in ``folder``.

    bundle: without adapters, and left so. spaces: the first is the main one. name: of the adapter,
    for the report.
    The same arguments give the same figures.

    Raises BadInput for a dataset too small to compare with, and what loading the adapter raises.
    """
    count = real_excerpts(info, config)
    if count < MIN_EXCERPTS:  # told before minutes go into songs
        raise BadInput(
            f"Dataset {info.name!r} gives {count} excerpt of {config.seconds:g} s to "
            f"compare with; the effect report needs {MIN_EXCERPTS}. Add recordings."
        )
    seen = gather(bundle, adapter, info, folder, latents_of, config, spaces, on_step)
    effect, *beside = (_measure(seen, space, config) for space in spaces)
    others = dict(zip(list(spaces)[1:], beside, strict=True))
    found = Findings(
        effect=effect,
        beside=others,
        memorisation=_memorisation(seen, config.window_s),
        outputs_equal=_equal(seen.base, seen.adapter),
        songs=len({take.clip.song for take in seen.collection}),
        all_layers=seen.all_layers,
    )
    verdict = judge(found)
    report = EffectReport(
        adapter=name or adapter.name,
        base={"name": bundle.name, "fingerprint": bundle.model_fingerprint},
        dataset={"name": info.name, "fingerprint": info.fingerprint},
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        verdict=verdict,
        sentence=sentence(verdict, found),
        space=next(iter(spaces)),
        effect=effect,
        beside=others,
        outputs_equal=found.outputs_equal,
        memorisation=found.memorisation,
        agreement=_agreements(seen),
        counts={
            "songs": len(seen.base),
            "recordings": found.songs,
            "real_excerpts": len(seen.collection),
            "real_clips": len({take.clip.file for take in seen.collection}),
            "training_clips": len(seen.training),
        },
        kept_aside=seen.kept_aside,
        config=asdict(config),
        songs=tuple(_facts(take) for take in seen.adapter),
        notes=_notes(seen, found, spaces),
    )
    return report, seen


def _measure(seen: Evidence, space: str, config: EffectConfig) -> Measure:
    unit = units_of(seen.collection)
    return compare(
        [take.points[space] for take in seen.base],
        [take.points[space] for take in seen.adapter],
        _by_unit(seen.collection, space, unit),
        _by_unit(seen.codec, space, unit),
        {unit(take) for take in seen.real} if seen.kept_aside else (),
        seed=config.seed,
    )


def units_of(takes: Sequence[Take]) -> Callable[[Take], str]:
    """What counts as one recording: a song; a clip or an excerpt where there are too few songs."""
    kinds: tuple[Callable[[Take], str], ...] = (
        lambda take: take.clip.song,
        lambda take: take.clip.file,
        lambda take: f"{take.clip.file} at {take.start_s:g}",
    )
    return next((of for of in kinds if len({of(take) for take in takes}) >= MIN_UNITS), kinds[-1])


def _by_unit(takes: Sequence[Take], space: str, unit: Callable[[Take], str]) -> Recordings:
    found: dict[str, list[Vectors]] = {}
    for take in takes:
        found.setdefault(unit(take), []).append(take.points[space])
    return {name: np.concatenate(points) for name, points in found.items()}


def _equal(base: Sequence[Take], adapter: Sequence[Take]) -> bool:
    """Whether all twins have the same latents, but for rounding."""
    return all(
        a.latents.shape == b.latents.shape
        and float((a.latents - b.latents).norm()) <= EQUAL * float(a.latents.norm())
        for a, b in zip(base, adapter, strict=True)
    )


def _memorisation(seen: Evidence, window_s: float) -> Memorisation:
    made, base = (_closest(takes, seen, window_s) for takes in (seen.adapter, seen.base))
    unseen = spread(seen.real, REFERENCES) if seen.kept_aside else []
    real = _closest(unseen, seen, window_s, of_other_songs=True)
    reference = max((match.similarity for match in real), default=None)
    innocent = max(match.similarity for match in base)
    song = max(range(len(made)), key=lambda i: made[i].similarity)
    return Memorisation(
        closest=made[song].similarity,
        base=innocent,
        reference=reference,
        limit=copy_limit(reference, innocent),
        per_song=tuple(match.similarity for match in made),
        song=song,
        song_s=made[song].start_s,
        clip=seen.training[made[song].clip][0].file,
        clip_s=made[song].clip_s,
    )


def _closest(
    takes: Sequence[Take], seen: Evidence, window_s: float, *, of_other_songs: bool = False
) -> list[Match]:
    """Where each take comes closest to any training clip, or to any that is not of its song."""
    heard = [picture(take.audio.numpy(), seen.rate_hz) for take in takes]
    found = matches(heard, [known for _, known in seen.training], window_s)
    songs = [clip.song for clip, _ in seen.training]
    return [
        max(
            (near for near in each if not of_other_songs or songs[near.clip] != take.clip.song),
            key=lambda near: near.similarity,
            default=Match(clip=0, similarity=0.0),
        )
        for take, each in zip(takes, found, strict=True)
    ]


def _agreements(seen: Evidence) -> dict[str, Agreement]:
    real = [long_term_spectrum(take.audio.numpy(), seen.rate_hz) for take in seen.collection]

    def of(takes: Sequence[Take]) -> Agreement:
        heard = [_heard(take, seen.rate_hz) for take in takes]
        made = [long_term_spectrum(take.audio.numpy(), seen.rate_hz) for take in takes]
        return Agreement(
            tempo=mean_or_none(tempo for tempo, _ in heard),
            key=mean_or_none(key for _, key in heard),
            spectrum_db=spectrum_distance(made, real),
        )

    sides = {"base": seen.base, "adapter": seen.adapter, "codec": seen.codec}
    return {name: of(takes) for name, takes in sides.items()}


def _heard(take: Take, rate_hz: int) -> tuple[float | None, float | None]:
    """Whether a song has the tempo (0 or 1) and the key (0 to 1) asked for; None if none was."""
    asked = take.clip.metadata
    try:
        listening = listen(take.audio.numpy(), rate_hz)
    except BadInput:  # too short or silent: it has neither
        return (0.0 if asked.bpm else None), (0.0 if asked.key else None)
    tempo = float(same_tempo(listening.bpm or 0, asked.bpm)) if asked.bpm else None
    return tempo, key_score(listening.key or "", asked.key) if asked.key else None


def _facts(take: Take) -> SongFacts:
    metadata = take.clip.metadata
    return SongFacts(
        prompt=prompt_of(metadata), lyrics=metadata.lyrics, seed=take.seed, clip=take.clip.file
    )


def _notes(seen: Evidence, found: Findings, spaces: Spaces) -> tuple[str, ...]:
    notes = [] if JUDGE in spaces else [FETCH]
    if not seen.told_alike:
        notes.append(
            "This base is told its prompt louder than with an adapter, in songs as here: part of "
            "the difference between both may be that."
        )
    if not seen.kept_aside:
        notes.append(
            "All clips come from one song, so none could be kept aside: the distance is to the "
            "training clips themselves, and copying cannot be told from learning."
        )
    elif found.songs < FIRM_SONGS:
        notes.append(
            f"Only {counted(found.songs, 'song')} could be compared with: a rough figure. "
            f"{FIRM_SONGS} or more make a firm one."
        )
    return tuple(notes)
