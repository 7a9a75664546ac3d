"""How long it takes to make songs, measured on a moment of one: samples, and the effect report."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from angen.bundle import Bundle
from angen.data.manifest import DatasetInfo
from angen.diffrhythm.sampling import SamplerConfig
from angen.training.evidence import (
    BATCH,
    CODEC,
    MIN_EXCERPTS,
    EffectConfig,
    excerpts_of,
    real_excerpts,
)
from angen.training.randomness import noise_for
from angen.training.spaces import Spaces, points

MEASURED_STEPS = 2  # Euler steps, of one block
PAGE_S = 6.0  # listening to what was made, pictures and page: much alike for all models


@dataclass(frozen=True, kw_only=True, slots=True)
class SongTime:
    """Seconds that songs of one length take."""

    sampling: float  # of a batch
    decoding: float  # of one song
    hearing: float  # of one song, in all spaces


def measure_songs(
    bundle: Bundle,
    songs: int,
    seconds: float,
    sampler: SamplerConfig | None = None,
    spaces: Spaces | None = None,
) -> SongTime:
    """What batches of ``songs`` songs of ``seconds`` take. Changes neither model nor randomness."""
    sampler = sampler or SamplerConfig()
    frames = bundle.frames(seconds)
    moment = replace(bundle.song("music", "", seconds, 0), frames=min(frames, bundle.block))
    trial = replace(sampler, steps=MEASURED_STEPS)
    bundle.sample([moment], trial, lambda *_: None)  # what comes first is slow
    sampled, _ = _timed(lambda: bundle.sample([moment] * songs, trial, lambda *_: None))
    latents = noise_for(0, ("song time",), frames, bundle.channels)
    decoded, audio = _timed(lambda: bundle.decode(latents))
    hearing, _ = _timed(lambda: points(audio.numpy(), bundle.sample_rate_hz, spaces or {}))
    blocks = -(-frames // bundle.block)
    return SongTime(
        sampling=sampled * blocks * sampler.steps / MEASURED_STEPS,
        decoding=decoded,
        hearing=hearing,
    )


def report_seconds(
    bundle: Bundle, info: DatasetInfo, config: EffectConfig | None, spaces: Spaces
) -> float:
    """What the effect report takes after a training; 0 where there will be none."""
    if config is None or real_excerpts(info, config) < MIN_EXCERPTS:
        return 0.0
    each = measure_songs(bundle, min(BATCH, config.songs), config.seconds, config.sampler, spaces)
    batches = -(-config.songs // BATCH)
    cut = sum(excerpts_of(info.side(side), config) for side in ("train", "validation"))
    codec = min(CODEC, cut)
    making = 2 * (batches * each.sampling + config.songs * each.decoding)  # without and with
    heard = 2 * config.songs + cut + codec
    return making + codec * each.decoding + heard * each.hearing + PAGE_S


def _timed(do: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds that something takes, and what it gives, which lies on the CPU."""
    began = time.monotonic()
    given = do()
    return time.monotonic() - began, given
