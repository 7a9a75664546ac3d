"""What the effect report looks at: songs made with and without the adapter, and real excerpts.

    kept-aside clips ─► excerpts of a song's length (audio, latents)
    their prompts, fixed seeds ─► songs of the base, songs of the adapter

Both sides get the same prompts, lyrics and seeds, in the path that `angen generate` takes.
Shapes: T latent frames, C latent channels, S samples, E = 512 style width.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from angen.adapters.attach import detach, switched_off
from angen.adapters.files import load_adapter
from angen.audio.files import read_audio
from angen.bundle import Bundle
from angen.data.manifest import Clip, DatasetInfo, prompt_of
from angen.diffrhythm.sampling import SamplerConfig, Song
from angen.training.memorisation import RATE_HZ, picture

OnStep = Callable[[int, int], None]  # steps done, steps in all; may raise Stopped
Item = TypeVar("Item")
LatentsOf = Callable[[Clip], Tensor]  # a clip's latents (T, C), encoded before

MIN_EXCERPTS = 2  # real excerpts without which nothing can be compared
MAX_EXCERPTS = 64  # real excerpts looked at, spread over all kept-aside clips
BATCH = 16  # songs sampled together
NEARLY_S = 1.0  # windows closer than this say the same


@dataclass(frozen=True, kw_only=True, slots=True)
class EffectConfig:
    """How much is made and compared: more songs give a narrower interval."""

    songs: int = 16  # made by each side
    seconds: float = 10.0  # length of a song and of an excerpt
    window_s: float = 6.0  # length that is compared with training clips
    seed: int = 20_250_301
    sampler: SamplerConfig = field(default_factory=SamplerConfig)

    def __post_init__(self) -> None:
        if self.songs < 4 or self.seconds <= 0 or self.window_s <= 0:
            raise ValueError(
                f"songs={self.songs}, seconds={self.seconds}, window_s={self.window_s}: a "
                "comparison needs 4 songs or more, of some length"
            )


@dataclass(frozen=True, kw_only=True)
class Take:
    """One song or excerpt: what is heard, and what the measures see."""

    audio: Tensor = field(repr=False)  # (S,) at the bundle's rate
    latents: Tensor = field(repr=False)  # (T, C)
    style: Tensor = field(repr=False)  # (E,)
    clip: Clip  # whose prompt it answers, or which it is cut from
    seed: int = 0  # of a made song
    start_s: float = 0.0  # of an excerpt, in its clip


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything that the report rests on."""

    base: list[Take]
    adapter: list[Take]  # twin by twin the same prompts and seeds
    real: list[Take]  # excerpts that songs are compared with
    others: list[Take]  # excerpts of training clips
    training: list[tuple[Clip, Tensor]] = field(repr=False)  # with pictures, to find copies of
    kept_aside: bool  # whether ``real`` are clips that training has not seen
    rate_hz: int


def gather(
    bundle: Bundle,
    adapter: Path,
    info: DatasetInfo,
    folder: Path,
    latents_of: LatentsOf,
    config: EffectConfig,
    on_step: OnStep,
) -> Evidence:
    """Make the songs and cut the excerpts.

    bundle: without adapters, and left so. folder: of the dataset. Where nothing was kept aside,
    the training clips stand in.

    Raises what loading the adapter raises, and whatever ``on_step`` raises.
    """
    kept_aside = info.side("validation")
    clips = kept_aside or info.side("train")
    base, made = _both_sides(bundle, adapter, clips, config, on_step)
    return Evidence(
        base=base,
        adapter=made,
        real=excerpts(bundle, clips, folder, latents_of, config, MAX_EXCERPTS),
        others=excerpts(bundle, info.side("train"), folder, latents_of, config, config.songs),
        training=[(clip, _picture(folder / clip.file)) for clip in info.side("train")],
        kept_aside=bool(kept_aside),
        rate_hz=bundle.sample_rate_hz,
    )


def _picture(path: Path) -> Tensor:
    return picture(read_audio(path, rate_hz=RATE_HZ, mono=True).samples[0], RATE_HZ)


def _both_sides(
    bundle: Bundle, adapter: Path, clips: Sequence[Clip], config: EffectConfig, on_step: OnStep
) -> tuple[list[Take], list[Take]]:
    asked = [(clips[i % len(clips)], config.seed + i) for i in range(config.songs)]
    load_adapter(bundle.dit, adapter, base=bundle.name, base_fingerprint=bundle.model_fingerprint)
    try:
        with switched_off(bundle.dit):
            base = make_songs(bundle, asked, config, lambda done, all_: on_step(done, 2 * all_))
        made = make_songs(bundle, asked, config, lambda done, all_: on_step(all_ + done, 2 * all_))
    finally:
        detach(bundle.dit)
    return base, made


def make_songs(
    bundle: Bundle, asked: Sequence[tuple[Clip, int]], config: EffectConfig, on_step: OnStep
) -> list[Take]:
    """One song for each clip's prompt and lyrics, and a seed, as the bundle plays now.

    on_step: the sampling of all songs is one half of the way, their sound the other.
    """
    songs = [
        Song(
            tokens=torch.tensor(bundle.tokenize(clip.metadata.lyrics).tokens, dtype=torch.int64),
            style=bundle.embed_text(prompt_of(clip.metadata)),
            frames=bundle.frames(config.seconds),
            seed=seed,
        )
        for clip, seed in asked
    ]
    made: list[Tensor] = []
    batches = [songs[at : at + BATCH] for at in range(0, len(songs), BATCH)]
    for index, batch in enumerate(batches):

        def counted(done: int, total: int, before: int = index) -> None:
            sampled = (before * total + done) / (len(batches) * total)
            on_step(int(len(songs) * sampled), 2 * len(songs))

        made += bundle.sample(batch, config.sampler, counted)
    takes = []
    for latents, (clip, seed) in zip(made, asked, strict=True):
        takes.append(_take(bundle, latents, clip, seed))
        on_step(len(songs) + len(takes), 2 * len(songs))
    return takes


def _take(bundle: Bundle, latents: Tensor, clip: Clip, seed: int) -> Take:
    """A made song as heard; one that ended at once is a frame of silence."""
    if not len(latents):
        latents = torch.zeros(1, bundle.channels)
        audio = torch.zeros(bundle.samples_per_frame)
    else:
        audio = bundle.decode(latents)
    style = bundle.embed_audio(audio, bundle.sample_rate_hz)
    return Take(audio=audio, latents=latents, style=style, clip=clip, seed=seed)


def excerpts(
    bundle: Bundle,
    clips: Sequence[Clip],
    folder: Path,
    latents_of: LatentsOf,
    config: EffectConfig,
    most: int,
) -> list[Take]:
    """Excerpts of ``clips``, half overlapping, at most ``most`` and evenly spread."""
    places = [(clip, start) for clip in clips for start in starts(clip.duration_s, config.seconds)]
    return [
        _excerpt(bundle, clip, start, folder, latents_of, config)
        for clip, start in spread(places, most)
    ]


def starts(duration_s: float, seconds: float) -> list[float]:
    """Where windows of ``seconds`` start in a clip; 0 alone for a short one.

    Half overlapping, and a last one at the clip's end unless that is nearly there already.
    """
    count = max(0, int((duration_s - seconds) / (seconds / 2) + 1e-6)) + 1
    regular = [i * seconds / 2 for i in range(count)]
    last = duration_s - seconds
    return [*regular, last] if last - regular[-1] >= NEARLY_S else regular


def real_excerpts(info: DatasetInfo, config: EffectConfig) -> int:
    """How many real excerpts a dataset gives to compare with; a comparison needs 2."""
    clips = info.side("validation") or info.side("train")
    return min(MAX_EXCERPTS, sum(len(starts(clip.duration_s, config.seconds)) for clip in clips))


def spread(items: Sequence[Item], most: int) -> list[Item]:
    """``most`` of ``items`` at even distances, or all of them."""
    if len(items) <= most:
        return list(items)
    return [items[int(at)] for at in np.linspace(0, len(items) - 1, most).round()]


def _excerpt(
    bundle: Bundle,
    clip: Clip,
    start_s: float,
    folder: Path,
    latents_of: LatentsOf,
    config: EffectConfig,
) -> Take:
    rate = bundle.sample_rate_hz
    sound = read_audio(
        folder / clip.file, rate_hz=rate, mono=True, start_s=start_s, duration_s=config.seconds
    )
    audio = torch.from_numpy(sound.samples[0])  # (S,)
    first = round(start_s * bundle.latent_rate_hz)
    latents = latents_of(clip)[first : first + bundle.frames(config.seconds)]
    return Take(
        audio=audio,
        latents=latents,
        style=bundle.embed_audio(audio, rate),
        clip=clip,
        start_s=start_s,
    )


def styles(takes: Sequence[Take]) -> NDArray[np.float64]:
    """The style vectors of ``takes`` (N, E)."""
    return torch.stack([take.style for take in takes]).double().numpy()
