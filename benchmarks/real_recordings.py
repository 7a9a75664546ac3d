"""How near do songs come to real recordings, by ears that nobody here trained, and by our own?

    angen models fetch musicnn
    python -m benchmarks.real_recordings FOLDER [FOLDER ...] [--mlp --rate 1e-3 --steps 280]

For each folder of recordings a dataset is prepared and an adapter trained, by default as ``angen
train`` does it. Base and adapter then play songs as ``angen generate`` does, with the prompts of
clips. A song, a clip through the codec and a clip as it is are compared at the same loudness.

Each figure is the squared kernel distance to the clips (of the spectrum: a difference in dB).
Pairs of one song never count, so that 0 is the level of unseen songs of the same collection, on
average. ``halves`` is what ten splits of the collection's songs show, on average and at most.
``way``: 0 % is the base, 100 % the clips; a dash where even the base is no farther than halves
are. ``codec``: what the base's encoder and decoder alone do to the clips; songs of this base
cannot be expected nearer.

About ten minutes a folder on two cores. Prints a Markdown table.
"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from angen.adapters.shape import ATTENTION, MLP
from angen.audio.files import read_audio
from angen.bundle import Bundle
from angen.data.manifest import Clip, DatasetInfo, prompt_of
from angen.data.prepare import PrepareConfig
from angen.judge.judge import load_judge
from angen.judge.sound import Sound
from angen.judge.vocabulary import VOCABULARIES
from angen.studio.base import open_base
from angen.studio.learning.training import train_lora
from angen.studio.material.preparing import prepare_dataset
from angen.studio.playing.songs import generate_song
from angen.studio.requests.songs import AdapterUse, SongRequest
from angen.studio.requests.training import TrainRequest
from angen.studio.settings import Settings, read_settings
from angen.training.agreement import long_term_spectrum, spectrum_distance
from angen.training.distance import bandwidth, squared_distances
from angen.training.evidence import spread
from angen.training.quote import Quote
from angen.training.spaces import LEVEL, Hear, Vectors, mel_statistics
from benchmarks.lora_effect import Quiet

SPLITS = 10
HEADER = ("collection", "measure", "base", "adapter", "codec", "halves", "way", "way of codec")


@dataclass(frozen=True)
class Piece:
    """Sound (S,) of one song; several pieces may be of one."""

    song: str
    samples: Sound


@dataclass(frozen=True)
class Sides:
    """What is compared."""

    rate_hz: int
    real: list[Piece]
    codec: list[Piece]
    base: list[Piece]
    adapter: list[Piece]


@dataclass(frozen=True)
class Points:
    """A measure's points (N, E), each with its song (N,)."""

    at: Vectors
    songs: NDArray[np.str_]


def main() -> None:
    """Command line."""
    args = _arguments()
    judge = args.judge or read_settings().judge
    nets = {net: load_judge(judge, net) for net in VOCABULARIES}
    rows = [HEADER]
    with tempfile.TemporaryDirectory() as temporary:
        settings = Settings(home=args.home or Path(temporary))
        bundle = open_base(settings)
        hears: dict[str, Hear] = {f"musicnn {net}": judge.embed for net, judge in nets.items()}
        hears |= {"mel": mel_statistics, "own style vectors": lambda x, r: own_style(bundle, x, r)}
        for folder in args.folders:
            sides = both_sides(folder, bundle, settings, args)
            for name, hear in hears.items():
                rows.append((folder.name, name, *distances(sides, hear)))
            rows.append((folder.name, "long-term spectrum, dB", *spectra(sides)))
            print("\n".join(" | ".join(row) for row in rows[-len(hears) - 1 :]), flush=True)
    rule = tuple("---" for _ in HEADER)
    print("\n".join(f"| {' | '.join(row)} |" for row in (HEADER, rule, *rows[1:])))


def both_sides(folder: Path, bundle: Bundle, settings: Settings, args: argparse.Namespace) -> Sides:
    """Prepare, train, play, and send clips through the codec."""
    name = "".join(c if c.isalnum() else "_" for c in folder.name)
    quiet = Quiet(name)
    info = prepare_dataset(
        [folder], settings, quiet.stage("Preparing"), name=name, config=PrepareConfig(replace=True)
    )
    train_lora(_recipe(name, args), settings, quiet, _accept)
    chosen = spread(list(info.clips), args.songs)
    play = [(prompt_of(clip.metadata), seed) for seed, clip in enumerate(chosen)]
    real = clips(info, settings.datasets / name, bundle.sample_rate_hz, args)
    return Sides(
        rate_hz=bundle.sample_rate_hz,
        real=real,
        codec=[through_codec(piece, bundle) for piece in real],
        base=[song(prompt, seed, None, settings, args.song_s) for prompt, seed in play],
        adapter=[song(prompt, seed, name, settings, args.song_s) for prompt, seed in play],
    )


def clips(info: DatasetInfo, folder: Path, rate_hz: int, args: argparse.Namespace) -> list[Piece]:
    """Clips of the collection, evenly chosen, as long as the songs."""

    def read(clip: Clip) -> Piece:
        audio = read_audio(folder / clip.file, rate_hz=rate_hz, mono=True, duration_s=args.song_s)
        return Piece(clip.song, audio.samples[0])

    return [read(clip) for clip in spread(list(info.clips), args.clips)]


def through_codec(piece: Piece, bundle: Bundle) -> Piece:
    """What the base's encoder and decoder make of it."""
    latents = bundle.encode_audio(torch.from_numpy(piece.samples), bundle.sample_rate_hz)
    return Piece(piece.song, bundle.decode(latents).numpy())


def song(prompt: str, seed: int, adapter: str | None, settings: Settings, seconds: float) -> Piece:
    """A song as ``angen generate`` makes it."""
    uses = (AdapterUse(name=adapter),) if adapter else ()
    request = SongRequest(prompt=prompt, seed=seed, duration_s=seconds, adapters=uses)
    path = settings.home / "song.wav"
    generate_song(request, settings, Quiet(f"{adapter or 'base'} {seed}"), out=path)
    return Piece(f"made with seed {seed}", read_audio(path, mono=True).samples[0])


def own_style(bundle: Bundle, samples: Sound, rate_hz: int) -> Vectors:
    """The base's own style vector of the whole: (1, 512)."""
    return bundle.embed_audio(torch.from_numpy(samples), rate_hz).double().numpy()[None]


def distances(sides: Sides, hear: Hear) -> tuple[str, ...]:
    """The cells of a row."""
    base, real, adapter, codec = (
        points(side, sides.rate_hz, hear)
        for side in (sides.base, sides.real, sides.adapter, sides.codec)
    )
    width = bandwidth(base.at, real.at)
    return _cells(
        distance(base, real, width),
        distance(adapter, real, width),
        distance(codec, real, width),
        halves(real, width),
        places=3,
    )


def points(pieces: Sequence[Piece], rate_hz: int, hear: Hear) -> Points:
    """What a measure hears in the pieces, at one loudness."""
    heard = [hear(_levelled(piece.samples), rate_hz) for piece in pieces]
    songs = [piece.song for piece, some in zip(pieces, heard, strict=True) for _ in some]
    return Points(np.concatenate(heard), np.array(songs))


def distance(a: Points, b: Points, width: float) -> float:
    """Squared kernel distance between two sets of songs; pairs of one song do not count."""
    return _apart(a, a, width) + _apart(b, b, width) - 2 * _apart(a, b, width)


def halves(real: Points, width: float) -> list[float]:
    """Distances between random halves of the collection's songs; none for fewer than four."""
    names, rng = np.unique(real.songs), np.random.default_rng(0)
    if len(names) < 4:
        return [float("nan")]
    found = []
    for _ in range(SPLITS):
        first = np.isin(real.songs, rng.permutation(names)[: len(names) // 2])
        one, other = (Points(real.at[part], real.songs[part]) for part in (first, ~first))
        found.append(distance(one, other, width))
    return found


def spectra(sides: Sides) -> tuple[str, ...]:
    """The cells of the row of long-term spectra."""

    def heard(side: Sequence[Piece]) -> list[Vectors]:
        return [long_term_spectrum(piece.samples, sides.rate_hz) for piece in side]

    real = heard(sides.real)
    base, adapter, codec = (heard(side) for side in (sides.base, sides.adapter, sides.codec))
    return _cells(
        spectrum_distance(base, real),
        spectrum_distance(adapter, real),
        spectrum_distance(codec, real),
        [spectrum_distance(real[::2], real[1::2])],
        places=1,
    )


def _cells(
    base: float, adapter: float, codec: float, halves: list[float], *, places: int
) -> tuple[str, ...]:
    usual = float(np.mean(halves))
    figures = [f"{figure:.{places}f}" for figure in (base, adapter, codec, usual)]
    figures[-1] += f", {max(halves):.{places}f}" if len(halves) > 1 else ""
    if base <= max(usual, 0.0):
        return (*figures, "–", "–")
    return (*figures, *(f"{1 - side / base:.0%}" for side in (adapter, codec)))


def _apart(a: Points, b: Points, width: float) -> float:
    """Mean similarity of points of different songs."""
    apart = a.songs[:, None] != b.songs[None]
    near = np.exp(-squared_distances(a.at, b.at) / (2 * width**2))
    return float(near[apart].mean()) if apart.any() else float("nan")


def _levelled(samples: Sound) -> Sound:
    power = float(np.mean(samples.astype(np.float64) ** 2))
    return samples if power == 0 else (samples * (LEVEL / power**0.5)).astype(np.float32)


def _accept(offer: Quote) -> None:
    """Whatever it takes."""


def _recipe(name: str, args: argparse.Namespace) -> TrainRequest:
    given = {"learning_rate": args.rate, "max_steps": args.steps, "rank": args.rank}
    if args.mlp:
        given["targets"] = (*ATTENTION, *MLP)
    chosen = {field: value for field, value in given.items() if value is not None}
    fixed = {"name": name, "dataset": name, "overwrite": True, "report": False, "samples": 0}
    return TrainRequest.model_validate(fixed | chosen)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+", help="recordings of one style each")
    parser.add_argument("--songs", type=int, default=12, help="a side")
    parser.add_argument("--song-s", type=float, default=15.0, help="their length, in seconds")
    parser.add_argument("--clips", type=int, default=40, help="clips at most to compare with")
    parser.add_argument("--steps", type=int, help="of the training; else ten epochs")
    parser.add_argument("--rate", type=float, help="learning rate")
    parser.add_argument("--rank", type=int)
    parser.add_argument("--mlp", action="store_true", help="adapt MLP layers too")
    parser.add_argument("--judge", type=Path, help="folder of the judge's weights")
    parser.add_argument("--home", type=Path, help="keeps everything there; else thrown away")
    return parser.parse_args()


if __name__ == "__main__":
    main()
