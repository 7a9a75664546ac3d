"""The base model to work with, and the separator, on the device of the settings."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from angen.audio.stems import Separator, load_separator
from angen.bundle import Bundle, load_bundle
from angen.errors import BadInput
from angen.studio.settings import Settings

OpenBundle = Callable[[Settings, str | None], Bundle]  # settings, name; without adapters

LARGE = 100_000_000  # weights of a model whose blocks are worth dividing among threads


def open_base(settings: Settings, name: str | None = None) -> Bundle:
    """The base model to work with, on the device of the settings.

    Raises MissingWeights, Incompatible, BadInput for a device that this machine lacks.
    """
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    return load_bundle(name or settings.base, device=device_of(settings), fetched=settings.bundles)


def open_separator(settings: Settings, name: str | None = None) -> Separator:
    """What separates stems: ``name``, or the best that is here. Raises MissingWeights, BadInput."""
    return load_separator(settings.demucs, settings.spleeter, name, device_of(settings))


@contextmanager
def playing_threads(bundle: Bundle, settings: Settings) -> Iterator[None]:
    """Within the block as many threads as a song is made best with.

    A block of a small model is too little work to be divided: two threads wait for each other five
    times as long as they save (1.1 s of processor time for a block of `mini`, against 0.2 s).
    """
    before = torch.get_num_threads()
    small = sum(parameter.numel() for parameter in bundle.dit.parameters()) < LARGE
    best = 1 if small and bundle.device.type == "cpu" else before
    torch.set_num_threads(settings.threads or best)
    try:
        yield
    finally:
        torch.set_num_threads(before)


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
