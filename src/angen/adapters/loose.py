"""Weights of a LoRA without PEFT's configuration beside them, as most tools share them: one file.

Ranks are in the shapes. The scale is alpha / rank, and alpha stands in tensors of its own (kohya),
in the file's header (diffusers, kohya), or nowhere.
"""

import json
from pathlib import Path

from angen.adapters.files import write_adapter
from angen.adapters.library import CONFIG_FILE, WEIGHTS_FILE
from angen.adapters.weights import LoraTensors, read_lora
from angen.errors import Incompatible
from angen.files import replacing

_DIFFUSERS = "lora_adapter_metadata"  # in the header: PEFT's fields, each with a prefix
_KOHYA_ALPHA = "ss_network_alpha"
ASSUMED = (
    "The file does not say its alpha, so its update is taken as it is stored (alpha = rank), as "
    "diffusers and ComfyUI do. If it was trained with another alpha, play it at the strength "
    "alpha / rank."
)


def complete(folder: Path) -> str:
    """Write the configuration that the weights in ``folder`` lack; what had to be assumed.

    Raises Incompatible when they are damaged or no plain LoRA.
    """
    path = folder / WEIGHTS_FILE
    lora = read_lora(path)
    if not lora.alphas and (fields := _of_diffusers(path, lora)):
        with replacing(folder / CONFIG_FILE) as target:
            target.write_text(json.dumps(fields | {"peft_type": "LORA"}), encoding="utf-8")
        return ""
    alphas = lora.alphas or _of_kohya(lora)
    write_adapter(
        folder,
        lora.tensors,
        base=lora.header.get("angen.base"),
        base_fingerprint=lora.header.get("angen.base_fingerprint"),
        alphas=alphas,
    )
    return "" if lora.modules.keys() <= alphas.keys() else ASSUMED


def _of_diffusers(path: Path, lora: LoraTensors) -> dict[str, object]:
    """PEFT's fields in the header; empty where there are none."""
    if (text := lora.header.get(_DIFFUSERS)) is None:
        return {}
    try:
        fields = json.loads(text)
        return {name.partition(".")[2]: value for name, value in fields.items()}
    except (ValueError, RecursionError, AttributeError) as error:
        raise Incompatible(
            f"{path}: {_DIFFUSERS} in its header is damaged ({error}). Use another copy."
        ) from error


def _of_kohya(lora: LoraTensors) -> dict[str, float]:
    try:
        alpha = float(lora.header[_KOHYA_ALPHA])
    except (KeyError, ValueError):
        return {}
    return dict.fromkeys(lora.modules, alpha)
