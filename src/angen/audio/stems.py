"""A song taken apart into vocals, drums, bass and the rest, by Demucs.

Demucs is an optional part (``pip install 'angen[stems]'``) and its weights are fetched on their
own, never behind the user's back. A folder of weights holds what the hub holds: ``htdemucs.yaml``
and the ``.safetensors`` files that it names.

Source: Rouard, Massa and Défossez 2023, Hybrid Transformers for Music Source Separation,
arXiv:2211.08553.
"""

import importlib.util
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from angen.audio.files import Sound, probe, read_audio, stream, to_mono
from angen.errors import BadInput, Incompatible, MissingWeights, OutOfSpace, readable
from angen.files import replacing

STEMS = ("vocals", "drums", "bass", "other")
DEFAULT_MODEL = "htdemucs"
_PIECE_S = 30.0  # separated at once: bounds the memory, whatever the length
_LARGEST_WAV = 4e9  # lengths in a WAV file have 32 bits
_CONTEXT_S = 3.0  # heard on both sides of a piece, and thrown away
_CLASSES = ("demucs.htdemucs.HTDemucs", "demucs.hdemucs.HDemucs", "demucs.demucs.Demucs")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PAGES = {"htdemucs": "HTDemucs", "htdemucs_ft": "HTDemucs-ft", "htdemucs_6s": "HTDemucs-6s"}

OnStep = Callable[[int, int], None]  # pieces done, pieces in all; may raise Stopped


@dataclass(frozen=True, kw_only=True, slots=True)
class Separator:
    """A Demucs model, or a bag of them, ready to run."""

    model: Any  # a BagOfModels of Demucs, which may not be installed
    rate_hz: int
    channels: int
    stems: tuple[str, ...]


def load_separator(folder: Path, name: str = DEFAULT_MODEL) -> Separator:
    """The model ``name`` from the weights in ``folder``. Nothing is fetched, nothing unpickled.

    Raises MissingWeights where Demucs or its weights are not on this machine, and Incompatible
    for weights that are no Demucs model.
    """
    if importlib.util.find_spec("demucs") is None:
        raise MissingWeights(
            "Separating stems needs the demucs package. Install it: pip install 'angen[stems]'"
        )
    bag = _bag(folder, name)
    paths = [folder / f"{part}.safetensors" for part in bag["models"]]
    for path in paths:
        if not path.is_file():
            raise _missing(folder, name, path.name)
    from demucs.apply import BagOfModels

    model = BagOfModels([_load(path) for path in paths], bag.get("weights"), bag.get("segment"))
    model.eval()
    return Separator(
        model=model,
        rate_hz=int(model.samplerate),
        channels=int(model.audio_channels),
        stems=tuple(model.sources),
    )


def separate_file(
    path: Path, folder: Path, separator: Separator, on_step: OnStep, device: str = "cpu"
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
        for piece in _pieces(path, duration_s, separator, on_step, device):
            for stem, samples in piece.items():
                files[stem].write(np.clip(samples.T, -1, 1))
    return targets


def separate(
    samples: Sound, rate_hz: int, separator: Separator, device: str = "cpu"
) -> dict[str, Sound]:
    """The stems of samples (channels, n) at the separator's rate: (its channels, n) each.

    Raises ValueError for another sample rate.
    """
    if rate_hz != separator.rate_hz:
        raise ValueError(f"the separator hears {separator.rate_hz} Hz, not {rate_hz}: resample")
    mix = _with_channels(samples, separator.channels)
    return _apply(mix, separator, float(mix.mean()), float(mix.mean(axis=0).std()), device)


def _pieces(
    path: Path, duration_s: float, separator: Separator, on_step: OnStep, device: str
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
        stems = _apply(mix, separator, mean, spread, device)
        yield {stem: sound[:, wanted] for stem, sound in stems.items()}
        on_step(i + 1, count)


def _apply(
    mix: Sound, separator: Separator, mean: float, spread: float, device: str
) -> dict[str, Sound]:
    """Run the model on mix (channels, n), brought to zero mean and unit spread."""
    import torch
    from demucs.apply import apply_model

    scaled = torch.from_numpy((mix - mean) / (spread + 1e-8))[None].float()
    with torch.no_grad():  # shifts=0: the random shifts would make each run another
        out = apply_model(separator.model, scaled, shifts=0, overlap=0.25, device=device)[0]
    stems = (out.cpu().numpy() * (spread + 1e-8)).astype(np.float32)  # (stems, channels, n)
    return dict(zip(separator.stems, stems, strict=True))


def _statistics(path: Path) -> tuple[float, float]:
    """Mean and spread of the mono mix of a whole file."""
    count, total, square = 0, 0.0, 0.0
    for block in stream(path, mono=True):
        count += block.shape[1]
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


def _bag(folder: Path, name: str) -> dict[str, Any]:
    """What ``name.yaml`` says: the models of a bag, their weights, their segment."""
    import yaml

    path = folder / f"{name}.yaml"
    if not _NAME.fullmatch(name) or not path.is_file():
        raise _missing(folder, name, path.name)
    try:
        bag = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Incompatible(f"{path} is damaged ({error}). Fetch it again.") from error
    models = bag.get("models") if isinstance(bag, dict) else None
    if not isinstance(models, list) or not models:
        raise Incompatible(f"{path} names no models. Fetch it again.")
    for part in models:
        if not isinstance(part, str) or not _NAME.fullmatch(part):
            raise Incompatible(
                f"{path} names the model {part!r}, which is no name. Fetch it again."
            )
    return dict(bag)


def _load(path: Path) -> Any:
    """One model of a safetensors file, whose metadata may only name a class of Demucs.

    Demucs itself would import and call whatever the metadata names; a stranger's file must not
    choose that.
    """
    from demucs.hf import load_safetensors_model
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="pt") as file:
            facts = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise Incompatible(f"{path} is damaged ({error}). Fetch it again.") from error
    if facts.get("klass") not in _CLASSES or "structure" in facts:
        raise Incompatible(f"{path} is no Demucs model that can be loaded safely. Fetch it again.")
    try:
        return load_safetensors_model(path)
    except (RuntimeError, TypeError, ValueError, KeyError) as error:
        raise Incompatible(f"{path} does not fit its own description ({error}).") from error


def repository(name: str) -> str:
    """The hub id of the weights of the Demucs model ``name``."""
    return f"adefossez/{_PAGES.get(name, name)}"


def _missing(folder: Path, name: str, file: str) -> MissingWeights:
    page = f"https://huggingface.co/{repository(name)}"
    return MissingWeights(
        f"{folder / file} is missing: the weights that separate stems are not on this machine. Run "
        f"`angen models fetch {name}`, or put {name}.yaml and the .safetensors files of {page} "
        f"into {folder}."
    )


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
