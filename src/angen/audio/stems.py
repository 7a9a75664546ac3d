"""A song taken apart into stems: by Demucs where it and its weights are, else by Spleeter.

Weights are fetched on their own, never behind the user's back.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import numpy as np
import soundfile

from angen.audio.demucs import DEFAULT_MODEL, is_here, load_demucs
from angen.audio.files import Sound, probe, read_audio, stream, to_mono
from angen.audio.spleeter_weights import FILE
from angen.errors import BadInput, MissingWeights, OutOfSpace, readable
from angen.files import replacing

SPLEETER = "spleeter"  # beside the names of Demucs models
_PIECE_S = 30.0  # separated at once: bounds the memory, whatever the length
_LARGEST_WAV = 4e9  # lengths in a WAV file have 32 bits
_CONTEXT_S = 3.0  # heard on both sides of a piece, and thrown away

OnStep = Callable[[int, int], None]  # pieces done, pieces in all; may raise Stopped


class Separator(Protocol):
    """A model that takes recordings apart, ready to run."""

    @property
    def name(self) -> str:
        """As people know it."""

    @property
    def rate_hz(self) -> int: ...

    @property
    def channels(self) -> int: ...

    @property
    def stems(self) -> tuple[str, ...]: ...

    @property
    def level(self) -> float:
        """Spread of the samples to which a recording is brought."""

    def separate(self, mix: Sound) -> Sound:
        """(channels, n) -> (stems, channels, n)."""


def load_separator(
    demucs: Path, spleeter: Path, name: str | None = None, device: str = "cpu"
) -> Separator:
    """The separator ``name``: ``spleeter`` or a model of Demucs. None: the better that is here.

    demucs, spleeter: folders of their weights. Raises MissingWeights that says how to get them,
    Incompatible for damaged ones.
    """
    if name is None:
        name = DEFAULT_MODEL if is_here(demucs) else SPLEETER
    if name != SPLEETER:
        return load_demucs(demucs, name, device)
    if not (spleeter / FILE).is_file():
        raise MissingWeights(
            "The weights that separate stems are not on this machine. Run `angen models fetch "
            f"{SPLEETER}` for vocals and accompaniment. Or, for drums and bass too, install "
            f"Demucs (pip install 'angen[stems]') and run `angen models fetch {DEFAULT_MODEL}`."
        )
    from angen.audio.spleeter import load_spleeter

    return load_spleeter(spleeter, device)


def separate_file(
    path: Path, folder: Path, separator: Separator, on_step: OnStep
) -> dict[str, Path]:
    """Write the stems of ``path`` into ``folder``, as ``mysong_vocals.wav``; their paths by name.

    All stems are written, or none. Memory does not grow with the length.

    Raises BadInput where the recording cannot be read, OutOfSpace when the disk is (or would
    be) full, and whatever ``on_step`` raises.
    """
    duration_s = probe(path).duration_s
    bytes_each = 3 * separator.channels * separator.rate_hz * duration_s
    _require_space(folder, bytes_each * len(separator.stems))
    kind = "WAV" if bytes_each < _LARGEST_WAV else "RF64"
    targets = {stem: folder / f"{readable(path.stem)[:120]}_{stem}.wav" for stem in separator.stems}
    with ExitStack() as open_files:
        files = {}
        for stem, target in targets.items():
            beside = open_files.enter_context(replacing(target))
            files[stem] = open_files.enter_context(
                soundfile.SoundFile(
                    beside, "w", separator.rate_hz, separator.channels, "PCM_24", format=kind
                )
            )
        for piece in _pieces(path, duration_s, separator, on_step):
            for stem, samples in piece.items():
                files[stem].write(np.clip(samples.T, -1, 1))
    return targets


def separate(samples: Sound, rate_hz: int, separator: Separator) -> dict[str, Sound]:
    """The stems of samples (channels, n) at the separator's rate: (its channels, n) each.

    Raises ValueError for another sample rate.
    """
    if rate_hz != separator.rate_hz:
        raise ValueError(f"the separator hears {separator.rate_hz} Hz, not {rate_hz}: resample")
    mix = _with_channels(samples, separator.channels)
    return _apply(mix, separator, float(mix.mean()), float(mix.std()))


def _pieces(
    path: Path, duration_s: float, separator: Separator, on_step: OnStep
) -> Iterator[dict[str, Sound]]:
    """The stems of one piece after the other; joined, they are as long as the recording."""
    mean, spread = _statistics(path)
    rate = separator.rate_hz
    count = max(1, round(duration_s / _PIECE_S))
    edges = [round(duration_s * rate * i / count) for i in range(count + 1)]
    reach = round(_CONTEXT_S * rate)
    for i in range(count):
        first = max(0, edges[i] - reach)
        heard = read_audio(
            path,
            rate_hz=rate,
            start_s=first / rate,
            duration_s=(edges[i + 1] + reach - first) / rate,
        )
        mix = _with_channels(heard.samples, separator.channels)
        wanted = slice(edges[i] - first, edges[i + 1] - first)
        stems = _apply(mix, separator, mean, spread)
        yield {stem: sound[:, wanted] for stem, sound in stems.items()}
        on_step(i + 1, count)


def _apply(mix: Sound, separator: Separator, mean: float, spread: float) -> dict[str, Sound]:
    """Run the model on mix (channels, n), brought to zero mean and the spread that it wants."""
    gain = separator.level / (spread + 1e-8)
    stems = separator.separate(((mix - mean) * gain).astype(np.float32)) / gain
    return dict(zip(separator.stems, stems.astype(np.float32), strict=True))


def _statistics(path: Path) -> tuple[float, float]:
    """Mean and spread of the samples of a whole file."""
    count, total, square = 0, 0.0, 0.0
    for block in stream(path):
        count += block.size
        total += float(block.sum(dtype=np.float64))
        square += float((block.astype(np.float64) ** 2).sum())
    if count == 0:
        raise BadInput(f"{path} holds no sound. Export it again from its source.")
    mean = total / count
    return mean, max(0.0, square / count - mean**2) ** 0.5


def _with_channels(samples: Sound, channels: int) -> Sound:
    """Samples (c, n) as (channels, n): mono is doubled, more than fits is mixed down."""
    if len(samples) == channels:
        return samples
    return np.repeat(to_mono(samples), channels, axis=0)


def _require_space(folder: Path, bytes_needed: float) -> None:
    """Raise OutOfSpace before hours of work that could not be written."""
    there = folder
    while not there.exists():
        there = there.parent
    if shutil.disk_usage(there).free < bytes_needed + 50e6:
        raise OutOfSpace(
            f"The stems need {bytes_needed / 1e6:.0f} MB in {folder}, and there is less free. "
            "Free some space on that disk and try again."
        )
