"""MuQ-MuLan on disk: three folders side by side, as they are released.

    MuQ-MuLan-large/     config.json, model.safetensors or pytorch_model.bin: all weights
    MuQ-large-msd-iter/  config.json: the audio network's sizes; its own weights are not needed
    xlm-roberta-base/    config.json, tokenizer.json; its own weights are not needed

Every tensor that takes part must be there in its shape; those of training are passed over by name,
and anything else is an error.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from angen.conditioning.mulan.config import MulanConfig
from angen.conditioning.mulan.tokens import without_extra
from angen.conditioning.mulan.towers import AudioTower, TextTower
from angen.errors import Incompatible, MissingWeights
from angen.tensors import Shapes, check_shapes, read_pickle

WEIGHTS_FILES = ("model.safetensors", "pytorch_model.bin")  # the first that exists is read

_AUDIO = {
    "muq.": "mulan.audio.model.model.",
    "proj.": "mulan.audio.proj.",
    "transformer.": "mulan.audio.transformer.",
    "to_latents.": "mulan.audio_to_latents.",
}
_TEXT = {
    "roberta.": "mulan.text.model.",
    "proj.": "mulan.text.proj.",
    "transformer.": "mulan.text.transformer.",
    "to_latents.": "mulan.text_to_latents.",
}
_OF_TRAINING = re.compile(
    r"mulan\.audio\.model\.model\.(rvq\.|linear\.|cls_token$)"
    r"|.*\.pos_conv_embed\."
    r"|.*\.embed_positions\.inv_freq$"  # computed
    r"|.*\.num_batches_tracked$"
    r"|mulan\.audio\.aggregator\."
    r"|mulan\.text\.model\.pooler\."
    r"|mulan\.text\.model\.embeddings\.position_ids$"
    r"|mulan\.contrast\."
)


def weights_file(folder: Path) -> Path:
    """The file of weights in ``folder``; of the first kind where there is none."""
    there = (folder / name for name in WEIGHTS_FILES if (folder / name).is_file())
    return next(there, folder / WEIGHTS_FILES[0])


def expected_shapes(config: MulanConfig) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor of the file that takes part. Needs the extra ``released``."""
    with torch.device("meta"):
        audio, text = AudioTower(config), TextTower(config, roberta(config))
    return {**_shapes(audio, _AUDIO), **_shapes(text, _TEXT)}


def load_audio_tower(config: MulanConfig, path: Path) -> AudioTower:
    """The audio side in float32 on the CPU; only its tensors are read.

    Raises as ``check_weights``.
    """
    with torch.device("meta"):
        tower = AudioTower(config)
    _fill(tower, path, _AUDIO)
    tower.muq.mel = type(tower.muq.mel)(
        rate_hz=config.rate_hz, hop_samples=config.muq.hop_samples, bands=config.muq.bands
    )
    return tower.eval().requires_grad_(False)


def load_text_tower(config: MulanConfig, path: Path) -> TextTower:
    """The text side, likewise. Raises MissingWeights without the extra ``released``."""
    with torch.device("meta"):
        tower = TextTower(config, roberta(config))
    _fill(tower, path, _TEXT)
    embeddings = tower.roberta.get_submodule("embeddings")
    for name, buffer in list(embeddings.named_buffers()):  # not stored, and not used: see ``read``
        embeddings.register_buffer(name, torch.zeros(buffer.shape, dtype=buffer.dtype), False)
    return tower.eval().requires_grad_(False)


def roberta(config: MulanConfig) -> nn.Module:
    """XLM-R without a pooler, of no particular weights."""
    try:
        from transformers import XLMRobertaConfig, XLMRobertaModel
    except ImportError as error:
        raise without_extra() from error
    try:
        settings: Any = XLMRobertaConfig(**config.roberta)
        model: nn.Module = XLMRobertaModel(settings, add_pooling_layer=False)
    except (TypeError, ValueError) as fault:
        raise Incompatible(f"config.json of the text network: {fault}") from fault
    return model


def check_weights(path: Path, shapes: Shapes) -> None:
    """Nothing when ``path`` holds exactly these tensors, those of training aside.

    No data are read. Raises MissingWeights without the file, Incompatible that names what is
    missing, superfluous or misshapen, or for a file that is damaged or cut off.
    """
    check_shapes(path, _stand_ins(path), shapes)


def _stand_ins(path: Path) -> dict[str, Tensor]:
    """Tensors of a file without their data: names and shapes."""
    if path.suffix == ".bin":
        found = {name: tuple(tensor.shape) for name, tensor in _read_bin(path).items()}
    else:
        with _opened(path) as file:
            found = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    return {
        name: torch.empty(shape, device="meta")
        for name, shape in found.items()
        if not _OF_TRAINING.match(name)
    }


def _shapes(tower: nn.Module, prefixes: Mapping[str, str]) -> dict[str, tuple[int, ...]]:
    return {_stored(n, prefixes): tuple(t.shape) for n, t in tower.state_dict().items()}


def _stored(name: str, prefixes: Mapping[str, str]) -> str:
    ours = next(prefix for prefix in prefixes if name.startswith(prefix))
    return prefixes[ours] + name.removeprefix(ours)


def _fill(tower: nn.Module, path: Path, prefixes: Mapping[str, str]) -> None:
    stored = {_stored(name, prefixes): name for name in tower.state_dict()}
    read = _read(path, stored)
    shapes = _shapes(tower, prefixes)
    check_shapes(path, read, shapes)
    tower.load_state_dict({stored[n]: t.float() for n, t in read.items()}, assign=True)


def _read(path: Path, names: Iterable[str]) -> dict[str, Tensor]:
    """Those of the tensors that are there."""
    if path.suffix == ".bin":
        found = _read_bin(path)
        return {name: found[name].clone() for name in names if name in found}
    with _opened(path) as file:
        there = set(file.keys())
        return {name: file.get_tensor(name) for name in names if name in there}


def _opened(path: Path) -> Any:
    if not path.is_file():
        raise MissingWeights(
            f"{path} is missing. Fetch the style encoder (`angen models fetch`), or copy it there."
        )
    try:
        return safe_open(path, framework="pt")
    except SafetensorError as fault:
        raise Incompatible(
            f"{path} is not a whole safetensors file ({fault}). Fetch or copy it again."
        ) from fault


def _read_bin(path: Path) -> dict[str, Tensor]:
    """The tensors of a released pickle, mapped, not read."""
    stored = read_pickle(path, mapped=True)
    if not all(isinstance(tensor, Tensor) for tensor in stored.values()):
        raise Incompatible(f"{path} is not a plain table of tensors. Fetch or copy it again.")
    return stored
