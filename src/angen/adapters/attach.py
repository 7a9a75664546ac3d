"""LoRA layers inside a model, through PEFT: put in, weighted, switched off, taken out.

PEFT replaces the linear layers in place, so a DiT keeps its class and methods and whoever holds it
plays with the adapters. Each adapter sits in a slot of its own; several sound at once, each with
its strength.

    y = W x + sum over slots of strength * scaling * B A x

Source: Hu et al. 2021, arXiv:2106.09685.
"""

import math
import warnings
from collections.abc import Iterator, Mapping

import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn

from angen.adapters.shape import ATTENTION, MAX_STRENGTH, MLP, LoraShape
from angen.errors import BadInput

TRAINED = "trained"  # the slot of the adapter that is being trained


def attach(
    model: nn.Module, shape: LoraShape, *, seed: int, slot: str = TRAINED
) -> dict[str, nn.Parameter]:
    """Put a fresh adapter into ``model``: B is zero, so nothing changes yet. Freezes all the rest.

    Returns the parameters to train, by name, in float32. A depends on ``seed`` alone; the global
    random state stays as it was.

    Raises BadInput when ``model`` lacks a target.
    """
    ends = {name.rpartition(".")[2] for name, _ in model.named_modules()}
    if missing := sorted(set(shape.targets) - ends):
        raise BadInput(
            f"This model has no layers named {', '.join(missing)} to adapt. "
            f"Choose targets among {', '.join(sorted(ends & {*ATTENTION, *MLP})) or 'its own'}."
        )
    config = LoraConfig(
        r=shape.rank,
        lora_alpha=shape.alpha,
        lora_dropout=shape.dropout,
        target_modules=list(shape.targets),
    )
    inject(model, config, slot)
    generator = torch.Generator().manual_seed(seed)
    trained: dict[str, nn.Parameter] = {}
    for name, layer in lora_layers(model):
        if slot in layer.lora_A:
            a, b = (part[slot].get_parameter("weight") for part in (layer.lora_A, layer.lora_B))
            a.data = _kaiming(a, generator)
            b.data = torch.zeros_like(b, dtype=torch.float32)
            trained |= {f"{name}.lora_A.weight": a, f"{name}.lora_B.weight": b}
    return trained


def _kaiming(weight: Tensor, generator: torch.Generator) -> Tensor:
    """PEFT's own start for A, from a generator: uniform within 1 / sqrt(width of the input)."""
    bound = 1 / math.sqrt(weight.shape[1])
    drawn = torch.rand(weight.shape, generator=generator) * 2 - 1
    return (drawn * bound).to(weight.device)


def inject(model: nn.Module, config: LoraConfig, slot: str) -> None:
    """PEFT's injection, without its draw from the global random state and its stacking warning."""
    if slot in slots(model):
        raise ValueError(f"slot {slot!r} is taken; detach the model first")
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Already found a `peft_config`")
        inject_adapter_in_model(config, model, adapter_name=slot)


def lora_layers(model: nn.Module) -> Iterator[tuple[str, LoraLayer]]:
    """The layers that carry adapters, in the model's order."""
    for name, module in model.named_modules():
        if isinstance(module, LoraLayer):
            yield name, module


def slots(model: nn.Module) -> tuple[str, ...]:
    """Slots in the order in which they were filled."""
    return tuple(getattr(model, "peft_config", {}))


def check_strength(strength: float) -> float:
    """``strength`` if it is one; 0 is off, 1 as trained, up to ``MAX_STRENGTH``."""
    if not 0 <= strength <= MAX_STRENGTH:  # NaN too
        raise BadInput(
            f"Adapter strength {strength} is outside 0 to {MAX_STRENGTH:g}: 0 is off, 1 as trained."
        )
    return float(strength)


def set_strengths(model: nn.Module, strengths: Mapping[str, float]) -> None:
    """Let exactly these slots sound, each with its strength; the others, and those at 0, are off.

    With all of them off the model computes bit for bit what it did without adapters.

    Raises BadInput for a strength out of range, ValueError for an unknown slot.
    """
    if unknown := sorted(set(strengths) - set(slots(model))):
        raise ValueError(f"no such slots: {unknown}; there are {slots(model)}")
    checked = {slot: check_strength(strength) for slot, strength in strengths.items()}
    active = [slot for slot in slots(model) if checked.get(slot, 0.0) > 0]
    for _, layer in lora_layers(model):
        for slot in active:
            layer.set_scale(slot, checked[slot])
        layer.set_adapter(active, inference_mode=True)


def strengths_of(model: nn.Module) -> dict[str, float]:
    """The strength of each slot now; 0 for one that is off."""
    found = dict.fromkeys(slots(model), 0.0)
    for _, layer in lora_layers(model):
        for slot in layer.active_adapters:
            if slot in layer.scaling:
                found[slot] = layer.scaling[slot] / _full_scale(layer, slot)
    return found


def _full_scale(layer: LoraLayer, slot: str) -> float:
    rank = layer.r[slot]
    divisor = math.sqrt(rank) if layer.use_rslora.get(slot, False) else rank
    return float(layer.lora_alpha[slot] / divisor)


def detach(model: nn.Module) -> None:
    """Take out every adapter: the model has its own plain layers again, frozen."""
    for name, layer in list(lora_layers(model)):
        parent, _, child = name.rpartition(".")
        setattr(model.get_submodule(parent), child, layer.get_base_layer())
    if hasattr(model, "peft_config"):
        del model.peft_config
