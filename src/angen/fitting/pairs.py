"""Exact pairs: latents that the base model makes, and the sound that its decoder makes of them.

Song i depends on (seed, i) alone, so a folder of them is completed after a kill, and shared out
among machines. Each lies in a file of its own.

    pairs/000012.safetensors    latents (T, C); audio (S,) int16 at the encoder's rate
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from angen.bundle import Bundle
from angen.diffrhythm.sampling import SamplerConfig, Song
from angen.errors import BadInput, Incompatible
from angen.fitting.config import FitConfig
from angen.tensors import read_tensors, write_tensors
from angen.training.randomness import derived_seed, generator_for
from angen.vocoder.encoding import at_rate

GENRES = (
    "pop", "rock", "jazz", "folk", "electronic", "hip hop", "classical", "ambient", "metal",
    "funk", "soul", "country", "reggae", "blues", "house", "techno", "orchestral", "lo-fi",
)  # fmt: skip
MOODS = ("calm", "energetic", "dark", "happy", "melancholic", "dreamy", "tense", "warm")
SOUNDS = ("piano", "acoustic guitar", "electric guitar", "strings", "synthesizer", "drums", "brass")
LINES = ("月亮照在河上", "风吹过山", "我们一起唱歌", "夜里的灯很亮", "雨落在窗前", "你听远方的鼓")
AT_ONCE = 8  # songs made side by side: several times faster than one by one
HELD_OUT = 10  # one song in so many is never learned from
FULL_SCALE = 32_767


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A song as the model meant it, and as it sounds to the encoder."""

    latents: Tensor  # (T, C)
    audio: Tensor  # (S,) at the encoder's rate


class Pairs:
    """The songs in ``folder``, those that are long enough for a clip."""

    def __init__(self, folder: Path, config: FitConfig, frame_samples: int) -> None:
        self.config = config
        self.frame_samples = frame_samples
        paths = [pair_path(folder, i) for i in range(config.songs)]
        usable = [path for path in paths if _frames(path) >= config.clip_frames]
        if len(usable) < 2:
            raise BadInput(
                f"Of {config.songs} songs that the base model made, {len(usable)} last "
                f"{config.clip_frames} latent frames; at least 2 are needed. Ask for more or "
                "longer songs."
            )
        aside = max(1, len(usable) // HELD_OUT)
        self.held_out, self.learned = usable[:aside], usable[aside:]

    def batch(self, paths: Sequence[Path], generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Latents (B, C, T) and sound (B, 1, S) of ``config.clips`` stretches of these songs."""
        latents, audio = [], []
        for _ in range(self.config.clips):
            pair = read_pair(paths[_drawn(len(paths), generator)])
            start = _drawn(len(pair.latents) - self.config.clip_frames + 1, generator)
            stop = start + self.config.clip_frames
            latents.append(pair.latents[start:stop].T)
            audio.append(pair.audio[start * self.frame_samples : stop * self.frame_samples])
        return torch.stack(latents), torch.stack(audio)[:, None]

    def moments(self) -> tuple[Tensor, Tensor]:
        """Mean and deviation (C,) of the latents that are learned from."""
        latents = torch.cat([read_pair(path).latents for path in self.learned])
        return latents.mean(0), latents.std(0).clamp_min(1e-3)


def pair_path(folder: Path, index: int) -> Path:
    return folder / f"{index:06d}.safetensors"


def missing_pairs(folder: Path, config: FitConfig) -> list[int]:
    """Which songs are still to be made. A damaged file is made anew."""
    return [i for i in range(config.songs) if _frames(pair_path(folder, i)) < 0]


def make_pairs(
    bundle: Bundle, folder: Path, config: FitConfig, indices: Sequence[int], rate_hz: int
) -> None:
    """Make these songs, all at once, and write them.

    Raises MissingWeights for a bundle without a style encoder, OutOfSpace.
    """
    songs = [song_of(bundle, config, index) for index in indices]
    made = bundle.sample(songs, SamplerConfig(), lambda *_: None)
    for index, latents in zip(indices, made, strict=True):
        audio = torch.zeros(0)
        if len(latents):
            heard = at_rate(bundle.decode(latents), bundle.sample_rate_hz, rate_hz)
            audio = torch.zeros(round(len(latents) / bundle.latent_rate_hz * rate_hz))
            audio[: len(heard)] = heard[: len(audio)]
        sound = (audio.clamp(-1, 1) * FULL_SCALE).round().short()
        write_tensors(pair_path(folder, index), {"latents": latents, "audio": sound})


def song_of(bundle: Bundle, config: FitConfig, index: int) -> Song:
    """What song ``index`` is: a prompt, words or none, and a seed."""
    generator = generator_for(config.seed, "song", index)

    def one(of: Sequence[str]) -> str:
        return of[_drawn(len(of), generator)]

    tempo = 60 + 5 * _drawn(25, generator)
    prompt = f"{one(MOODS)} {one(GENRES)}, {one(SOUNDS)}, {one(SOUNDS)}, {tempo} BPM"
    lines = [one(LINES) for _ in range(4)]
    lyrics = "" if index % 2 else "\n".join(["[verse]", *lines[:2], "[chorus]", *lines[2:]])
    return Song(
        tokens=torch.tensor(bundle.tokenize(lyrics).tokens, dtype=torch.int64),
        style=bundle.embed_text(prompt),
        frames=bundle.frames(config.song_s),
        seed=derived_seed(config.seed, "noise", index),
    )


def read_pair(path: Path) -> Pair:
    tensors = read_tensors(path)
    return Pair(latents=tensors["latents"].float(), audio=tensors["audio"].float() / FULL_SCALE)


def _frames(path: Path) -> int:
    """Latent frames of a song; -1 for one that is not there or damaged."""
    if not path.is_file():
        return -1
    try:
        return len(read_tensors(path)["latents"])
    except (Incompatible, KeyError):
        return -1


def _drawn(below: int, generator: torch.Generator) -> int:
    return int(torch.randint(below, (1,), generator=generator))
