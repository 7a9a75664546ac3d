"""The DiT on disk: ``model.json`` and ``model.safetensors``, names as released."""

from pathlib import Path

import torch

from angen.diffrhythm.config import DiTConfig
from angen.diffrhythm.dit import DiT
from angen.tensors import check_shapes, read_json, read_tensors, write_json, write_tensors

CONFIG_FILE = "model.json"
WEIGHTS_FILE = "model.safetensors"
PREFIX = "transformer."  # the released file names the DiT as part of a larger module
_COMPUTED = ("rotary_emb.inv_freq", "rotary_embed.inv_freq")  # older exports store these


def expected_shapes(config: DiTConfig) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor that the file of such a model holds."""
    with torch.device("meta"):
        dit = DiT(config)
    return {PREFIX + name: tuple(tensor.shape) for name, tensor in dit.state_dict().items()}


def load_dit(
    folder: Path,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
    weights_file: str = WEIGHTS_FILE,
) -> DiT:
    """The model in ``folder``, in ``eval`` mode, whatever dtype the file stores.

    Raises MissingWeights when a file is absent, Incompatible when it is damaged or when a tensor
    is missing, superfluous or misshapen.
    """
    config = DiTConfig.from_json(read_json(folder / CONFIG_FILE))
    tensors = read_tensors(folder / weights_file)
    tensors = {name: t for name, t in tensors.items() if not name.endswith(_COMPUTED)}
    check_shapes(folder / weights_file, tensors, expected_shapes(config))
    with torch.device("meta"):
        dit = DiT(config)
    state = {name.removeprefix(PREFIX): t.to(device, dtype) for name, t in tensors.items()}
    dit.load_state_dict(state, assign=True)
    return dit.eval()


def save_dit(dit: DiT, folder: Path, dtype: torch.dtype | None = None) -> None:
    """Write both files, in ``dtype`` or the model's own.

    Raises Incompatible when the model is not bare, for instance when adapters are attached.
    """
    state = {PREFIX + name: tensor for name, tensor in dit.state_dict().items()}
    check_shapes(folder / WEIGHTS_FILE, state, expected_shapes(dit.config))
    write_tensors(
        folder / WEIGHTS_FILE, {name: t.to(dtype or t.dtype) for name, t in state.items()}
    )
    write_json(folder / CONFIG_FILE, dit.config.to_json())
