"""What tools call the tensors of a LoRA, and what they are called here.

    base_model.model.transformer_blocks.0.mlp.up_proj.lora_A.weight     PEFT
    transformer.transformer_blocks.0.mlp.up_proj.lora_A.weight          diffusers; upstream's module
    diffusion_model.transformer_blocks.0.mlp.up_proj.lora_down.weight   ComfyUI and many trainers
    lora_unet_transformer_blocks_0_mlp_up_proj.lora_down.weight         kohya; with .alpha beside

Here: ``transformer_blocks.0.mlp.up_proj.lora_A.weight``.
"""

import re
from dataclasses import dataclass

from angen.adapters.shape import ATTENTION, MLP

PREFIX = "base_model.model."  # PEFT's, on every tensor name
_OTHERS = ("model.diffusion_model.", "diffusion_model.", "transformer.")
_PART = re.compile(r"(.+)\.(?:lora_([AB])(?:\.default)?|lora[_.](down|up))\.weight")
_ALPHA = ".alpha"
_FLAT = re.compile(
    rf"lora_(?:unet|transformer)_transformer_blocks_(\d{{1,4}})_(self_attn|mlp)_"
    rf"({'|'.join(ATTENTION + MLP)})"
)


@dataclass(frozen=True, slots=True)
class Spelled:
    """What a tensor is."""

    module: str  # the layer it belongs to, as our DiT names it
    part: str  # "A", "B" or "alpha"
    given: str  # the layer as the file names it, but for PEFT's prefix

    @property
    def name(self) -> str:
        """Its name here."""
        return f"{self.module}.lora_{self.part}.weight" if len(self.part) == 1 else self.module


def spelled(name: str) -> Spelled | None:
    """What the tensor of this name is; None for one that belongs to no plain LoRA."""
    if match := _PART.fullmatch(name):
        given, ab, way = match.groups()
        part = ab or {"down": "A", "up": "B"}[way]
    elif name.endswith(_ALPHA) and len(name) > len(_ALPHA):
        given, part = name.removesuffix(_ALPHA), "alpha"
    else:
        return None
    given = given.removeprefix(PREFIX)
    return Spelled(_ours(given), part, given)


def _ours(module: str) -> str:
    if flat := _FLAT.fullmatch(module):
        return f"transformer_blocks.{int(flat[1])}.{flat[2]}.{flat[3]}"
    for prefix in _OTHERS:
        if module.startswith(prefix):
            return module.removeprefix(prefix)
    return module
