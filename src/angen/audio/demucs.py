"""Vocals, drums, bass and the rest, by Demucs.

Demucs is an optional part (``pip install 'angen[stems]'``). A folder of its weights holds what the
hub holds: ``htdemucs.yaml`` and the ``.safetensors`` files that it names.

Source: Rouard, Massa and Défossez 2023, Hybrid Transformers for Music Source Separation,
arXiv:2211.08553.
"""

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from angen.audio.files import Sound
from angen.errors import Incompatible, MissingWeights

DEFAULT_MODEL = "htdemucs"
_CLASSES = ("demucs.htdemucs.HTDemucs", "demucs.hdemucs.HDemucs", "demucs.demucs.Demucs")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PAGES = {"htdemucs": "HTDemucs", "htdemucs_ft": "HTDemucs-ft", "htdemucs_6s": "HTDemucs-6s"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Demucs:
    """A Demucs model, or a bag of them, ready to run."""

    name: str
    model: Any  # a BagOfModels of Demucs, which may not be installed
    rate_hz: int
    channels: int
    stems: tuple[str, ...]
    device: str
    level: float = 1.0

    def separate(self, mix: Sound) -> Sound:
        """(channels, n) -> (stems, channels, n)."""
        import torch
        from demucs.apply import apply_model

        batch = torch.from_numpy(mix)[None]
        with torch.no_grad():  # shifts=0: the random shifts would make each run another
            out = apply_model(self.model, batch, shifts=0, overlap=0.25, device=self.device)[0]
        return np.asarray(out.cpu().numpy(), np.float32)


def is_here(folder: Path) -> bool:
    """Whether Demucs is installed, and the default model's description is in ``folder``."""
    return find_spec("demucs") is not None and (folder / f"{DEFAULT_MODEL}.yaml").is_file()


def load_demucs(folder: Path, name: str, device: str = "cpu") -> Demucs:
    """The model ``name`` from the weights in ``folder``. Nothing is fetched, nothing unpickled.

    Raises MissingWeights where Demucs or its weights are not on this machine, and Incompatible
    for weights that are no Demucs model.
    """
    if find_spec("demucs") is None:
        raise MissingWeights(
            f"Separating stems by {name} needs the demucs package. Install it: pip install "
            "'angen[stems]'"
        )
    bag = _bag(folder, name)
    paths = [folder / f"{part}.safetensors" for part in bag["models"]]
    for path in paths:
        if not path.is_file():
            raise _missing(folder, name, path.name)
    from demucs.apply import BagOfModels

    model = BagOfModels([_load(path) for path in paths], bag.get("weights"), bag.get("segment"))
    model.eval()
    return Demucs(
        name=f"Demucs ({name})",
        model=model,
        rate_hz=int(model.samplerate),
        channels=int(model.audio_channels),
        stems=tuple(model.sources),
        device=device,
    )


def repository(name: str) -> str:
    """The hub id of the weights of the Demucs model ``name``."""
    return f"adefossez/{_PAGES.get(name, name)}"


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


def _missing(folder: Path, name: str, file: str) -> MissingWeights:
    page = f"https://huggingface.co/{repository(name)}"
    return MissingWeights(
        f"{folder / file} is missing: the weights that separate stems are not on this machine. Run "
        f"`angen models fetch {name}`, or put {name}.yaml and the .safetensors files of {page} "
        f"into {folder}."
    )
