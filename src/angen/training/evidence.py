"""What the effect report looks at: songs made with and without the adapter, and real excerpts.

    clips ─► excerpts of a song's length (audio, latents) ─► some through the codec
    their prompts, fixed seeds ─► songs of the base, songs of the adapter

Both sides get the same prompts, lyrics and seeds, and are made as `angen generate` makes songs with
and without the adapter. Where it tells the base its prompt otherwise, so does the report.
Shapes: T latent frames, C latent channels, S samples.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from angen.adapters.attach import detach, lora_layers, strengths_of
from angen.adapters.files import load_adapter
from angen.adapters.shape import MLP
from angen.audio.files import read_audio
from angen.bundle import Bundle
from angen.data.manifest import Clip, DatasetInfo, prompt_of
from angen.diffrhythm.sampling import SamplerConfig, Song
from angen.training.memorisation import RATE_HZ, picture
from angen.training.spaces import Spaces, Vectors, points

OnStep = Callable[[int, int], None]  # steps done, steps in all; may raise Stopped
Item = TypeVar("Item")
LatentsOf = Callable[[Clip], Tensor]  # a clip's latents (T, C), encoded before

MIN_EXCERPTS = 2  # real excerpts without which nothing can be compared
MAX_EXCERPTS = 24  # real excerpts looked at, spread over all clips of a side
CODEC = 12  # of them that are sent through the codec
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
    points: dict[str, Vectors] = field(repr=False)  # in each space
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
    codec: list[Take]  # some of both, through encoder and decoder
    training: list[tuple[Clip, Tensor]] = field(repr=False)  # with pictures, to find copies of
    kept_aside: bool  # whether ``real`` are clips that training has not seen
    rate_hz: int
    all_layers: bool  # whether the adapter reaches the MLP layers too
    told_alike: bool  # whether base and adapter are told their prompts equally loudly

    @property
    def collection(self) -> list[Take]:
        """The recordings that songs are compared with, seen and unseen."""
        return [*self.real, *(self.others if self.kept_aside else ())]


def gather(
    bundle: Bundle,
    adapter: Path,
    info: DatasetInfo,
    folder: Path,
    latents_of: LatentsOf,
    config: EffectConfig,
    spaces: Spaces,
    on_step: OnStep,
) -> Evidence:
    """Make the songs and cut the excerpts.

    bundle: without adapters, and left so. folder: of the dataset. Where nothing was kept aside,
    the training clips stand in.

    Raises what loading the adapter raises, and whatever ``on_step`` raises.
    """
    trained = info.side("train")
    kept_aside = info.side("validation")
    asked = asked_of(bundle, info, config)
    plain = bundle.conditioned([song for _, song in asked])
    with _sounding(bundle, adapter):  # told before minutes go into songs
        all_layers = any(name.endswith(MLP) for name, _ in lora_layers(bundle.dit))
        adapted = bundle.conditioned([song for _, song in asked])
    base = make_songs(bundle, asked, config, spaces, lambda done, all_: on_step(done, 2 * all_))
    with _sounding(bundle, adapter):
        made = make_songs(
            bundle, asked, config, spaces, lambda done, all_: on_step(all_ + done, 2 * all_)
        )
    cut = partial(
        excerpts, bundle, folder=folder, latents_of=latents_of, config=config, spaces=spaces
    )
    real = cut(kept_aside or trained)
    others = cut(trained) if kept_aside else []
    return Evidence(
        base=base,
        adapter=made,
        real=real,
        others=others,
        codec=[
            replace(_take(bundle, take.latents, take.clip, spaces), start_s=take.start_s)
            for take in spread([*others, *real], CODEC)
        ],
        training=[(clip, _picture(folder / clip.file)) for clip in trained],
        kept_aside=bool(kept_aside),
        rate_hz=bundle.sample_rate_hz,
        all_layers=all_layers,
        told_alike=all(_alike(*pair) for pair in zip(plain, adapted, strict=True)),
    )


def _picture(path: Path) -> Tensor:
    return picture(read_audio(path, rate_hz=RATE_HZ, mono=True).samples[0], RATE_HZ)


@contextmanager
def _sounding(bundle: Bundle, adapter: Path) -> Iterator[None]:
    """Within the block the bundle plays as `angen generate` does with the adapter."""
    load_adapter(bundle.dit, adapter, base=bundle.name, base_fingerprint=bundle.model_fingerprint)
    try:
        if not any(strengths_of(bundle.dit).values()):
            detach(bundle.dit)  # it changes nothing
        yield
    finally:
        detach(bundle.dit)


def _alike(one: Song, other: Song) -> bool:
    """Whether two songs of one prompt are told it equally loudly."""
    if one.timeline is None or other.timeline is None:
        return one.timeline is other.timeline
    return torch.equal(one.timeline, other.timeline)


def asked_of(bundle: Bundle, info: DatasetInfo, config: EffectConfig) -> list[tuple[Clip, Song]]:
    """Songs with the prompts and lyrics of clips, evenly chosen among all."""
    clips = spread(info.clips, config.songs)
    return [
        (clip, bundle.song(prompt_of(clip.metadata), clip.metadata.lyrics, config.seconds, seed))
        for clip, seed in zip(cycle(clips), range(config.seed, config.seed + config.songs))
    ]


def make_songs(
    bundle: Bundle,
    asked: Sequence[tuple[Clip, Song]],
    config: EffectConfig,
    spaces: Spaces,
    on_step: OnStep,
) -> list[Take]:
    """The songs as the bundle plays now.

    on_step: the sampling of all songs is one half of the way, their sound the other.
    """
    songs = [song for _, song in asked]
    made: list[Tensor] = []
    batches = [songs[at : at + BATCH] for at in range(0, len(songs), BATCH)]
    for index, batch in enumerate(batches):

        def counted(done: int, total: int, before: int = index) -> None:
            sampled = (before * total + done) / (len(batches) * total)
            on_step(int(len(songs) * sampled), 2 * len(songs))

        made += bundle.sample(batch, config.sampler, counted)
    takes = []
    for latents, (clip, song) in zip(made, asked, strict=True):
        takes.append(_take(bundle, latents, clip, spaces, song.seed))
        on_step(len(songs) + len(takes), 2 * len(songs))
    return takes


def _take(bundle: Bundle, latents: Tensor, clip: Clip, spaces: Spaces, seed: int = 0) -> Take:
    """Latents as heard; a song that ended at once is a frame of silence."""
    if not len(latents):
        latents = torch.zeros(1, bundle.channels)
        audio = torch.zeros(bundle.samples_per_frame)
    else:
        audio = bundle.play(latents)
    heard = points(audio.numpy(), bundle.sample_rate_hz, spaces)
    return Take(audio=audio, latents=latents, points=heard, clip=clip, seed=seed)


def excerpts(
    bundle: Bundle,
    clips: Sequence[Clip],
    folder: Path,
    latents_of: LatentsOf,
    config: EffectConfig,
    spaces: Spaces,
) -> list[Take]:
    """Excerpts of ``clips``, half overlapping, at most MAX_EXCERPTS and evenly spread."""
    rate = bundle.sample_rate_hz

    def cut(clip: Clip, start_s: float) -> Take:
        sound = read_audio(
            folder / clip.file, rate_hz=rate, mono=True, start_s=start_s, duration_s=config.seconds
        )
        first = round(start_s * bundle.latent_rate_hz)
        return Take(
            audio=torch.from_numpy(sound.samples[0]),
            latents=latents_of(clip)[first : first + bundle.frames(config.seconds)],
            points=points(sound.samples[0], rate, spaces),
            clip=clip,
            start_s=start_s,
        )

    places = [(clip, start) for clip in clips for start in starts(clip.duration_s, config.seconds)]
    return [cut(*place) for place in spread(places, MAX_EXCERPTS)]


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
    return excerpts_of(info.side("validation") or info.side("train"), config)


def excerpts_of(clips: Sequence[Clip], config: EffectConfig) -> int:
    """How many excerpts are cut from the clips of one side."""
    return min(MAX_EXCERPTS, sum(len(starts(clip.duration_s, config.seconds)) for clip in clips))


def spread(items: Sequence[Item], most: int) -> list[Item]:
    """``most`` of ``items`` at even distances, or all of them."""
    if len(items) <= most:
        return list(items)
    return [items[int(at)] for at in np.linspace(0, len(items) - 1, most).round()]
