"""The base model to work with, on the device of the settings."""

import torch

from angen.bundle import Bundle, load_bundle
from angen.errors import BadInput
from angen.studio.settings import Settings


def open_base(settings: Settings, name: str | None = None) -> Bundle:
    """The base model to work with, on the device of the settings.

    Raises MissingWeights, Incompatible, BadInput for a device that this machine lacks.
    """
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    return load_bundle(name or settings.base, device=device_of(settings), fetched=settings.bundles)


def device_of(settings: Settings) -> str:
    """``auto`` is the GPU where there is one. Raises BadInput for a device that is not there."""
    wanted = settings.device
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    kind, _, number = wanted.partition(":")
    if not there[kind] or (number and int(number) >= torch.cuda.device_count()):
        raise BadInput(f"device={wanted}: this machine has no such device. Use auto or cpu.")
    return wanted
