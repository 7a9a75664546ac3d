"""Is a copy of a training clip found whatever was done to its sound, and other music not?

    python -m benchmarks.memorisation FOLDER [FOLDER ...] [--overtrained]

Of each folder of recordings every other song is known: clips of 15 s are cut from it. A stretch of
8 s of a clip, changed as a row says, should be found; songs of the folder that are not known should
not, nor what the base plays. The limit is that of the effect report: from unseen songs (every other
one of them, which are then not counted) of the same folder.

``--overtrained``: an adapter is trained on three clips of each folder, far too long, and plays
songs with their prompts, beside the base. About a minute a folder without, ten minutes with.
"""

import argparse
import io
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from scipy import signal
from torch import Tensor

from angen.adapters.shape import ATTENTION, MLP
from angen.audio.files import read_audio
from angen.data.manifest import prompt_of
from angen.data.prepare import PrepareConfig
from angen.studio.learning.training import train_lora
from angen.studio.material.preparing import prepare_dataset
from angen.studio.playing.songs import generate_song
from angen.studio.requests.songs import AdapterUse, SongRequest
from angen.studio.requests.training import TrainRequest
from angen.studio.settings import Settings
from angen.training.memorisation import matches, picture
from angen.training.quote import Quote
from angen.training.verdict import copy_limit
from benchmarks.lora_effect import Quiet

Sound = NDArray[np.float32]
Change = Callable[[Sound, Sound, np.random.Generator], Sound]  # a copy, other music, chance

RATE = 24_000
CLIP_S, COPY_S, WINDOW_S = 15, 8, 6.0
CLIPS = 3  # of each song
COPIES = 20  # of each change, over each folder
SONGS, SONG_S, STEPS = 8, 15.0, 800  # of an adapter that is trained on three clips


@dataclass(frozen=True)
class Collection:
    """Sounds (S,) of one folder."""

    name: str
    known: list[Sound]
    reference: list[Sound]  # of songs that are not known, and set the limit
    unseen: list[Sound]  # of others


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+", help="recordings of one style each")
    parser.add_argument("--overtrained", action="store_true", help="train on three clips of each")
    args = parser.parse_args()
    collections = [collection(folder) for folder in args.folders]
    others = [sound for each in collections for sound in each.unseen]
    counts: dict[str, dict[str, str]] = {}
    for each in collections:
        for row, cell in measured(each, others).items():
            counts.setdefault(row, {})[each.name] = cell
        print(each.name, {row: cells[each.name] for row, cells in counts.items()}, flush=True)
    for folder in args.folders if args.overtrained else ():
        for row, cell in overtrained(folder).items():
            counts.setdefault(row, {})[folder.name] = cell
    names = [each.name for each in collections]
    print(f"| flagged | {' | '.join(names)} |\n|{'---|' * (len(names) + 1)}")
    for row, cells in counts.items():
        print(f"| {row} | {' | '.join(cells.get(name, '–') for name in names)} |")


def collection(folder: Path) -> Collection:
    """Clips of every other song are known; of the rest every other one sets the limit."""
    paths = sorted(path for path in folder.iterdir() if path.is_file())
    songs = [clips_of(path) for path in paths if path.suffix.lower() in SOUNDS]
    if len(songs) < 4:
        raise SystemExit(f"{folder} needs four songs or more, and has {len(songs)}")
    known, reference, unseen = songs[::2], songs[1::4], songs[3::4]
    return Collection(
        folder.name,
        *([clip for song in some for clip in song] for some in (known, reference, unseen)),
    )


SOUNDS = {".ogg", ".opus", ".mp3", ".flac", ".wav"}


def clips_of(path: Path) -> list[Sound]:
    """Clips spread over a song, as many as it holds."""
    whole = read_audio(path, rate_hz=RATE, mono=True).samples[0]
    last = len(whole) - CLIP_S * RATE
    starts = np.linspace(0.05, 0.85, CLIPS) * last if last > 0 else [0]
    return [whole[int(start) :][: CLIP_S * RATE] for start in starts]


def measured(of: Collection, others: Sequence[Sound]) -> dict[str, str]:
    """How many of each kind are flagged, by the name of the row."""
    known = [picture(sound, RATE) for sound in of.known]
    limit = copy_limit(max(nearest(of.reference, known)), 0.0)
    rng = np.random.default_rng(0)
    found = {}
    for name, change in CHANGES.items():
        made = []
        for _ in range(COPIES):
            clip = of.known[rng.integers(len(of.known))]
            start = rng.integers(max(1, len(clip) - COPY_S * RATE))
            other = others[int(rng.integers(len(others)))]
            made.append(change(clip[start : start + COPY_S * RATE], other, rng))
        found[name] = nearest(made, known)
    found["no copy: other songs of the folder"] = nearest(of.unseen, known)
    strangers = [sound for sound in others if not any(sound is own for own in of.unseen)]
    if strangers:
        found["no copy: songs of the other folders"] = nearest(strangers, known)
    cells = {name: flagged(values, limit) for name, values in found.items()}
    return cells | {"limit": f"{limit:.2f}"}


def nearest(sounds: Sequence[Sound], known: Sequence[Tensor]) -> list[float]:
    """Similarity of each sound with the clip that it comes closest to."""
    found = matches([picture(sound, RATE) for sound in sounds], known, WINDOW_S)
    return [max(near.similarity for near in each) for each in found]


def flagged(values: Sequence[float], limit: float) -> str:
    """How many lie above the limit, and the range."""
    above = sum(value > limit for value in values)
    return f"{above} of {len(values)} ({min(values):.2f} to {max(values):.2f})"


def overtrained(folder: Path) -> dict[str, str]:
    """Songs of an adapter that was trained on three clips, and of the base, with their prompts."""
    with tempfile.TemporaryDirectory() as temporary:
        settings = Settings(home=Path(temporary) / "home")
        material = Path(temporary) / "three"
        material.mkdir()
        for index, clip in enumerate(collection(folder).known[:: 2 * CLIPS][:3]):
            soundfile.write(material / f"song{index}.wav", clip, RATE)
        quiet = Quiet(folder.name)
        info = prepare_dataset(
            [material], settings, quiet.stage("Preparing"), name="three", config=PrepareConfig()
        )
        train_lora(RECIPE, settings, quiet, _accept)
        clips = info.side("train")
        known = [
            picture(
                read_audio(settings.datasets / "three" / c.file, rate_hz=RATE, mono=True).samples[
                    0
                ],
                RATE,
            )
            for c in clips
        ]
        prompts = [prompt_of(clip.metadata) for clip in clips]
        sides = {
            side: nearest(
                [play(prompts[i % len(prompts)], i, uses, settings) for i in range(SONGS)], known
            )
            for side, uses in (("the base", ()), ("over-trained", (AdapterUse(name="three"),)))
        }
    limit = copy_limit(None, max(sides["the base"]))
    rows = {"no copy: songs of the base": flagged(sides["the base"], limit)}
    return rows | {
        "songs of an adapter over-trained on three clips": flagged(sides["over-trained"], limit)
    }


RECIPE = TrainRequest(
    name="three",
    dataset="three",
    targets=(*ATTENTION, *MLP),
    learning_rate=1e-3,
    rank=64,
    max_steps=STEPS,
    report=False,
    samples=0,
)


def play(prompt: str, seed: int, uses: tuple[AdapterUse, ...], settings: Settings) -> Sound:
    """A song as ``angen generate`` makes it."""
    request = SongRequest(prompt=prompt, seed=seed, duration_s=SONG_S, adapters=uses)
    path = settings.home / "song.wav"
    generate_song(request, settings, Quiet(f"song {seed}"), out=path)
    return np.asarray(read_audio(path, rate_hz=RATE, mono=True).samples[0])


def _accept(offer: Quote) -> None:
    """Whatever it takes."""


def stretched(sound: Sound, tempo: float, size: int = 2048, hop: int = 512) -> Sound:
    """At another tempo, at the same pitch: a phase vocoder (Flanagan and Golden 1966)."""
    bins = signal.stft(sound, nperseg=size, noverlap=size - hop)[2]  # (K, F)
    at = np.arange(0, bins.shape[1] - 1, tempo)
    before, share = at.astype(int), at % 1
    levels = (1 - share) * abs(bins[:, before]) + share * abs(bins[:, before + 1])
    usual = 2 * np.pi * hop * np.arange(len(bins))[:, None] / size
    turns = np.angle(bins[:, before + 1]) - np.angle(bins[:, before]) - usual
    turns = usual + turns - 2 * np.pi * np.round(turns / (2 * np.pi))
    phases = np.angle(bins[:, :1]) + np.cumsum(turns, axis=1) - turns
    played = signal.istft(levels * np.exp(1j * phases), nperseg=size, noverlap=size - hop)[1]
    return np.asarray(played, np.float32)


def faster(sound: Sound, ratio: float) -> Sound:
    """Faster and higher, as a record."""
    return np.asarray(soxr.resample(sound, RATE * ratio, RATE), np.float32)


def transposed(sound: Sound, semitones: float) -> Sound:
    """At another pitch, at the same tempo."""
    ratio = 2 ** (semitones / 12)
    return faster(stretched(sound, 1 / ratio), ratio)


def through_mp3(sound: Sound, compression: float = 0.9) -> Sound:
    """As an MP3 of low quality gives it back."""
    file = io.BytesIO()
    soundfile.write(
        file,
        0.5 * sound / max(1e-9, np.abs(sound).max()),
        RATE,
        format="MP3",
        compression_level=compression,
    )
    file.seek(0)
    return np.asarray(soundfile.read(file, dtype="float32")[0], np.float32)


def equalised(sound: Sound, rng: np.random.Generator) -> Sound:
    """Ten bands raised and lowered by up to 12 dB."""
    spectrum, hz = np.fft.rfft(sound), np.fft.rfftfreq(len(sound), 1 / RATE)
    gains = np.interp(
        np.log(hz + 20), np.log(np.geomspace(40, 11_000, 10)), rng.uniform(-12, 12, 10)
    )
    return np.asarray(np.fft.irfft(spectrum * 10 ** (gains / 20), len(sound)), np.float32)


def with_other(sound: Sound, other: Sound) -> Sound:
    """Mixed with another sound, both equally loud."""
    other = np.resize(other, len(sound))
    ratio = (sound**2).mean() / ((other**2).mean() + 1e-12)
    return np.asarray(sound + other * np.sqrt(ratio), np.float32)


def white(length: int, rng: np.random.Generator) -> Sound:
    """White noise (S,)."""
    return rng.standard_normal(length).astype(np.float32)


def pink(length: int, rng: np.random.Generator) -> Sound:
    """Noise whose power falls by 3 dB an octave."""
    spectrum = np.fft.rfft(rng.standard_normal(length))
    return np.asarray(
        np.fft.irfft(spectrum / np.sqrt(np.arange(len(spectrum)) + 1), length), np.float32
    )


CHANGES: dict[str, Change] = {
    "as it is, shifted": lambda x, _o, _r: x,
    "2 semitones down": lambda x, _o, _r: transposed(x, -2),
    "1 semitone up": lambda x, _o, _r: transposed(x, 1),
    "2 semitones up": lambda x, _o, _r: transposed(x, 2),
    "6 % slower": lambda x, _o, _r: stretched(x, 0.94),
    "3 % faster": lambda x, _o, _r: stretched(x, 1.03),
    "6 % faster": lambda x, _o, _r: stretched(x, 1.06),
    "6 % faster and higher": lambda x, _o, _r: faster(x, 1.06),
    "34 dB softer": lambda x, _o, _r: 0.02 * x,
    "equaliser, ± 12 dB": lambda x, _o, r: equalised(x, r),
    "MP3": lambda x, _o, _r: through_mp3(x),
    "white noise, 0 dB": lambda x, _o, r: with_other(x, white(len(x), r)),
    "pink noise, 0 dB": lambda x, _o, r: with_other(x, pink(len(x), r)),
    "mixed 1:1 with other music": lambda x, o, _r: with_other(x, o),
    "MP3, noise at 10 dB, 1 semitone up": lambda x, _o, r: through_mp3(
        transposed((x + 0.3 * x.std() * white(len(x), r)).astype(np.float32), 1)
    ),
}


if __name__ == "__main__":
    main()
