"""Is an encoder good enough to train with? Measured on recordings that it has not seen.

A recording goes through encoder and decoder and is compared with itself. Songs that the base model
makes go the same way: what is known exactly comes back best. The latents
of both are compared, and how hard they are to denoise for the model that is to be trained.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import Tensor
from torch.nn import functional

from angen.audio.listening import Listening, listen
from angen.bundle import Bundle
from angen.diffrhythm.sampling import SamplerConfig
from angen.errors import BadInput
from angen.fitting.config import FitConfig
from angen.fitting.pairs import song_of
from angen.training.agreement import key_score, mean_or_none, same_tempo
from angen.vocoder.likeness import Distance, Likeness

OnStep = Callable[[int, int], None]  # sounds done, in all; may raise Stopped

# Between encoders whose adapters worked and one whose adapter did not: docs/encoder.md
MOST_MEL = 0.6  # natural logarithm; 5 dB
MOST_UNLIKELY = 4.0  # times the denoising error of the model's own latents
LEAST_UNLIKELY = 0.3  # times that: less, and the latents say next to nothing
MOST_LOUDNESS_DB = 3.0
LEAST_STYLE = 0.7  # cosine


class Answer(StrEnum):
    """Whether to train with it."""

    GOOD = "good"
    DOUBTFUL = "doubtful"
    BAD = "bad"


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A sound, and what came back of it."""

    title: str
    original: Tensor  # (S,) at the decoder's rate
    returned: Tensor  # (S,)
    latents: Tensor  # (T, C) as encoded
    mel: float
    spectral: float
    loudness_db: float
    style: float | None  # cosine of the style vectors; None without a style encoder
    tempo: bool | None  # kept; None where nothing beats
    key: float | None  # MIREX score


@dataclass(frozen=True, kw_only=True, slots=True)
class EncoderReport:
    """The figures and what they mean. A field of ``own`` is that of the model's own songs."""

    answer: Answer
    sentence: str
    faults: tuple[str, ...]
    recordings: int
    mel: float
    own_mel: float
    spectral: float
    loudness_db: float
    style: float | None
    tempo: float | None  # share of recordings that kept it
    key: float | None
    mean_off: float  # of latents' means from the model's own, in its deviations
    deviation: float  # of latents, as a multiple of the model's own
    unlikely: float  # denoising error of recordings' latents
    own_unlikely: float
    latent_error: float  # of the model's own songs; 1 is as good as always saying the mean


def check_encoder(
    bundle: Bundle,
    recordings: Sequence[tuple[str, Tensor]],
    on_step: OnStep,
    *,
    songs: int = 4,
    song_s: float = 10.0,
) -> tuple[EncoderReport, list[Heard]]:
    """The report, and the recordings as they came back.

    recordings: title and sound (S,) at the decoder's rate, not seen in the fit.

    Raises BadInput for no recordings, MissingWeights for a bundle without encoder.
    """
    if not recordings:
        raise BadInput("Give at least one recording that the encoder has not seen.")
    likeness = Likeness(bundle.sample_rate_hz)
    total = songs + len(recordings)
    truths, own = [], []
    for i in range(songs):
        on_step(i, total)
        latents = _song(bundle, i, song_s)
        truths.append(latents)
        own.append(_heard(bundle, likeness, f"song {i + 1}", bundle.decode(latents)))
    back = []
    for i, (title, audio) in enumerate(recordings):
        on_step(songs + i, total)
        back.append(_heard(bundle, likeness, title, audio))
    on_step(total, total)
    return _report(bundle, truths, own, back), back


def _song(bundle: Bundle, index: int, song_s: float) -> Tensor:
    """Latents (T, C) of a song of the model's own."""
    for attempt in range(5):
        song = song_of(bundle, FitConfig(song_s=song_s, seed=1_000 + attempt), index)
        (latents,) = bundle.sample([song], SamplerConfig(), lambda *_: None)
        if len(latents) >= bundle.block:
            return latents
    raise BadInput("The base model's songs end before they begin; nothing can be compared.")


@torch.no_grad()
def _heard(bundle: Bundle, likeness: Likeness, title: str, audio: Tensor) -> Heard:
    rate = bundle.sample_rate_hz
    latents = bundle.encode_audio(audio, rate)
    returned = bundle.decode(latents)[: len(audio)]
    distance: Distance = likeness(returned[None], audio[None])
    before, after = _listened(audio, rate), _listened(returned, rate)
    return Heard(
        title=title,
        original=audio,
        returned=returned,
        latents=latents,
        mel=float(distance.mel),
        spectral=float(distance.spectral),
        loudness_db=float(distance.loudness_db),
        style=_style(bundle, audio, returned),
        tempo=_tempo_kept(before, after),
        key=_key_kept(before, after),
    )


def _listened(audio: Tensor, rate_hz: int) -> Listening | None:
    try:
        return listen(audio.numpy(), rate_hz)
    except BadInput:
        return None  # silence, or too short to say anything


def _tempo_kept(before: Listening | None, after: Listening | None) -> bool | None:
    if before is None or before.bpm is None:
        return None
    return after is not None and after.bpm is not None and same_tempo(after.bpm, before.bpm)


def _key_kept(before: Listening | None, after: Listening | None) -> float | None:
    if before is None or before.key is None:
        return None
    if after is None or after.key is None:
        return 0.0
    return key_score(after.key, before.key)


def _style(bundle: Bundle, one: Tensor, other: Tensor) -> float | None:
    if not bundle.has_style:
        return None
    a, b = (bundle.embed_audio(audio, bundle.sample_rate_hz) for audio in (one, other))
    return float(functional.cosine_similarity(a, b, dim=0))


def _report(
    bundle: Bundle, truths: Sequence[Tensor], own: Sequence[Heard], back: Sequence[Heard]
) -> EncoderReport:
    true = torch.cat(list(truths))
    mean, std = true.mean(0), true.std(0).clamp_min(1e-3)
    found = torch.cat([item.latents for item in back])
    errors = [
        float(((item.latents[: len(latents)] - latents) / std).square().mean())
        for item, latents in zip(own, truths, strict=True)
    ]
    figures = {
        "recordings": len(back),
        "mel": _mean(item.mel for item in back),
        "own_mel": _mean(item.mel for item in own),
        "spectral": _mean(item.spectral for item in back),
        "loudness_db": _mean(item.loudness_db for item in back),
        "style": mean_or_none(item.style for item in back),
        "tempo": mean_or_none(None if x.tempo is None else float(x.tempo) for x in back),
        "key": mean_or_none(item.key for item in back),
        "mean_off": float(((found.mean(0) - mean) / std).square().mean().sqrt()),
        "deviation": float((found.std(0) / std).log().mean().exp()),
        "unlikely": _unlikely(bundle, [item.latents for item in back]),
        "own_unlikely": _unlikely(bundle, truths),
        "latent_error": _mean(iter(errors)),
    }
    return judged(figures)


def judged(figures: dict[str, float | None]) -> EncoderReport:
    """The figures with their verdict: good without a fault, doubtful with one."""
    faults = tuple(_faults(figures))
    answer = (Answer.GOOD, Answer.DOUBTFUL)[len(faults)] if len(faults) < 2 else Answer.BAD
    sentence = {
        Answer.GOOD: "Good enough to train with: recordings come back as they went in, nearly, and "
        "the model knows latents such as theirs.",
        Answer.DOUBTFUL: "Adapters can be trained with it, with doubts.",
        Answer.BAD: "Do not train with it: adapters would learn its faults. Fit longer, with more "
        "recordings, or with refinement.",
    }[answer]
    return EncoderReport(answer=answer, sentence=sentence, faults=faults, **figures)  # type: ignore[arg-type]


def _faults(figures: dict[str, float | None]) -> list[str]:
    value = {name: float("nan") if x is None else x for name, x in figures.items()}
    faults = []
    if not value["mel"] <= MOST_MEL:
        faults.append(
            f"recordings come back with a mel distance of {value['mel']:.2f}; {MOST_MEL:g} is good"
        )
    if not value["unlikely"] <= MOST_UNLIKELY * value["own_unlikely"]:
        faults.append(
            f"the model denoises recordings' latents with an error of {value['unlikely']:.2f}, its "
            f"own with {value['own_unlikely']:.2f}: at most {MOST_UNLIKELY:g} times that is good"
        )
    if value["unlikely"] < LEAST_UNLIKELY * value["own_unlikely"]:
        faults.append(
            f"the model denoises recordings' latents with an error of {value['unlikely']:.2f}, its "
            f"own with {value['own_unlikely']:.2f}: so little is left of the recordings in them"
        )
    if not value["loudness_db"] <= MOST_LOUDNESS_DB:
        faults.append(
            f"levels are off by {value['loudness_db']:.1f} dB; {MOST_LOUDNESS_DB:g} is good"
        )
    if figures["style"] is not None and not value["style"] >= LEAST_STYLE:
        faults.append(
            f"style vectors agree to {value['style']:.2f}; {LEAST_STYLE:g} and more is good"
        )
    return faults


@torch.no_grad()
def _unlikely(bundle: Bundle, songs: Sequence[Tensor]) -> float:
    """Mean denoising error over songs of a block and more."""
    errors = [
        float(bundle.unlikeliness(latents.T[None].to(bundle.device)))
        for latents in songs
        if len(latents) >= bundle.block
    ]
    return sum(errors) / len(errors) if errors else float("nan")


def _mean(values: object) -> float:
    numbers = list(values)  # type: ignore[call-overload]
    return float(sum(numbers) / len(numbers))
