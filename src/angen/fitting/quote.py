"""What a fit will take on this machine, before it starts: measured on a few real pieces of it."""

from dataclasses import dataclass, replace
from functools import partial

import torch

from angen.amounts import counted, duration_text, size_text
from angen.bundle import Bundle
from angen.diffrhythm.sampling import SamplerConfig
from angen.errors import BadInput
from angen.fitting.config import FitConfig
from angen.fitting.fit import divided, fresh_encoder, seconds_of
from angen.fitting.lesson import Lesson, losses_of
from angen.fitting.pairs import AT_ONCE, song_of
from angen.training.quote import peak_memory
from angen.training.randomness import noise_for
from angen.vocoder.likeness import Likeness
from angen.vocoder.refine import CONTEXT_FRAMES, WINDOW_FRAMES, RefineConfig

BYTES_PER_S = 2 * 24_000 + 5 * 64 * 4  # of a song on disk, about


@dataclass(frozen=True, kw_only=True, slots=True)
class FitQuote:
    """The price of a fit."""

    songs: int  # still to be made
    steps: int
    songs_s: float
    steps_s: float
    clips_at_once: int  # of each kind, that the memory holds
    peak_memory_bytes: int
    disk_bytes: int
    device: str
    refining_s: float = 0.0  # for each minute of audio that is later encoded

    @property
    def seconds(self) -> float:
        return self.songs_s + self.steps_s

    @property
    def message(self) -> str:
        """The quote in one line."""
        later = (
            f"; then {duration_text(self.refining_s)} for each minute of audio that is encoded"
            if self.refining_s
            else ""
        )
        return (
            f"{counted(self.songs, 'song')} to make and {counted(self.steps, 'step')}: about "
            f"{duration_text(self.seconds)} ({duration_text(self.songs_s)} for the songs), "
            f"{size_text(self.peak_memory_bytes)} of memory on {self.device} with "
            f"{counted(self.clips_at_once, 'clip')} at once, "
            f"{size_text(self.disk_bytes)} of disk{later}"
        )


def quote_fit(
    bundle: Bundle, config: FitConfig, *, songs: int | None = None, recordings: bool = True
) -> FitQuote:
    """Make one block of some songs and do one step, twice; reckon from them. Nothing is kept.

    songs: still to be made; all of the recipe when None. recordings: whether there are any.

    Raises BadInput when not even one clip fits in the memory of the device.
    """
    songs = config.songs if songs is None else songs
    if bundle.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(bundle.device)
    block_s = _block_s(bundle, config) if songs else 0.0
    step_s, at_once = _step_s(bundle, config, recordings) if config.steps else (0.0, config.clips)
    blocks = -(-bundle.frames(config.song_s) // bundle.block)
    return FitQuote(
        songs=songs,
        steps=config.steps,
        songs_s=-(-songs // AT_ONCE) * blocks * block_s,
        steps_s=config.steps * step_s,
        clips_at_once=at_once,
        peak_memory_bytes=peak_memory(bundle.device),
        disk_bytes=round(config.songs * config.song_s * BYTES_PER_S),
        device=str(bundle.device),
        refining_s=refining_s(bundle, config.refine) if config.refine else 0.0,
    )


def refining_s(bundle: Bundle, steps: int) -> float:
    """Seconds for a minute of audio with so many steps of refinement, from two steps on a block."""
    size = bundle.block * bundle.samples_per_frame
    sound = 0.1 * noise_for(0, ("quote",), size, 1)[:, 0]
    refine = partial(
        bundle.refined,
        torch.zeros(bundle.block, bundle.channels),
        sound,
        bundle.sample_rate_hz,
        torch.ones(bundle.channels),
    )
    refine(RefineConfig(steps=1))  # warms up the machine
    step_s = seconds_of(lambda: refine(RefineConfig(steps=2))) / 2
    around = 1 + 2 * CONTEXT_FRAMES / WINDOW_FRAMES  # neighbours are decoded too
    return steps * step_s * around * 60 * bundle.latent_rate_hz / bundle.block


def _block_s(bundle: Bundle, config: FitConfig) -> float:
    """Seconds for a block of as many songs as are made at once, made and decoded."""
    songs = [replace(song_of(bundle, config, i), frames=bundle.block) for i in range(AT_ONCE)]

    def make() -> None:
        for latents in bundle.sample(songs, SamplerConfig(), lambda *_: None):
            bundle.decode(latents if len(latents) else torch.zeros(bundle.block, bundle.channels))

    return seconds_of(make)


def _step_s(bundle: Bundle, config: FitConfig, recordings: bool) -> tuple[float, int]:
    """Seconds for a step, and how many clips the memory holds at once."""
    at_once = config.clips
    while True:
        try:
            trial = partial(_trial_step, bundle, config, recordings, at_once)
            trial()  # warms up the machine
            return seconds_of(trial), at_once
        except torch.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            if at_once == 1:
                raise BadInput(
                    f"The memory of {bundle.device} is too small for one clip of "
                    f"{config.clip_frames} latent frames through the decoder. Lower clip_frames to "
                    f"{bundle.block}, or fit without recordings (sound_weight 0)."
                ) from error
            at_once //= 2


def _trial_step(bundle: Bundle, config: FitConfig, recordings: bool, at_once: int) -> None:
    channels = bundle.channels
    encoder = fresh_encoder(bundle, config, (torch.zeros(channels), torch.ones(channels)))
    seconds = config.clip_frames / bundle.latent_rate_hz
    size = round(seconds * encoder.sample_rate_hz)
    sound = 0.1 * noise_for(config.seed, ("quote",), config.clips, size)
    latents = torch.zeros(config.clips, channels, config.clip_frames)
    target = torch.zeros(config.clips, config.clip_frames * bundle.samples_per_frame)
    lesson = Lesson(
        pairs=(latents, sound[:, None]), recordings=(sound[:, None], target) if recordings else None
    )
    likeness = Likeness(bundle.sample_rate_hz).to(bundle.device)
    for part, share in divided(lesson, at_once):
        losses = losses_of(bundle, encoder, likeness, part, config)
        (share * torch.stack(list(losses.values())).sum()).backward()  # type: ignore[no-untyped-call]
