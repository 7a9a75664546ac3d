"""Adapters that do something, without training."""

from pathlib import Path

import torch
from torch import Tensor

from angen.adapters.attach import TRAINED, attach, detach
from angen.adapters.files import save_adapter
from angen.adapters.shape import LoraShape
from angen.bundle import Bundle
from angen.diffrhythm.dit import DiT

SHAPE = LoraShape(rank=4, alpha=8)


def filled(dit: DiT, slot: str = TRAINED, *, seed: int = 0, shape: LoraShape = SHAPE) -> None:
    """An adapter whose B is random too."""
    trained = attach(dit, shape, seed=seed, slot=slot)
    generator = torch.Generator().manual_seed(seed + 100)
    for name, parameter in trained.items():
        if "lora_B" in name:
            parameter.data = 0.3 * torch.randn(parameter.shape, generator=generator)


def velocity(dit: DiT) -> Tensor:
    """What the model answers to one fixed question, (2, 10, C)."""
    generator = torch.Generator().manual_seed(9)
    tokens = torch.randn(2, 10, 512, generator=generator)
    style, tau = torch.randn(2, 512, generator=generator), torch.zeros(1, 1, 512)
    with torch.no_grad():
        return dit(tokens, style, tau, torch.arange(10)[None])  # type: ignore[no-any-return]


def written(bundle: Bundle, folder: Path, *, seed: int = 0, shape: LoraShape = SHAPE) -> Path:
    """A PEFT folder with such an adapter of ``bundle``; the bundle has none afterwards."""
    filled(bundle.dit, seed=seed, shape=shape)
    save_adapter(bundle.dit, folder, base=bundle.name, base_fingerprint=bundle.model_fingerprint)
    detach(bundle.dit)
    return folder
