"""Numbers at random that depend on the seed and the place of use, never on what was drawn before.

So a training that goes on after a kill draws what it would have drawn, without any random state in
the checkpoint; and noise is the same on every device and in every grouping into batches.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


def derived_seed(seed: int, *place: str | int) -> int:
    """A seed of 63 bits for one use at one place: ``derived_seed(0, "noise", step, clip)``."""
    digest = hashlib.sha256(repr((seed, *place)).encode()).digest()
    return int.from_bytes(digest[:8]) >> 1


def generator_for(seed: int, *place: str | int) -> torch.Generator:
    """A CPU generator of its own for one use at one place."""
    return torch.Generator().manual_seed(derived_seed(seed, *place))


def noise_for(seed: int, place: tuple[str | int, ...], frames: int, channels: int) -> Tensor:
    """Standard normal (frames, channels)."""
    return torch.randn(frames, channels, generator=generator_for(seed, *place))


@contextmanager
def seeded(seed: int, *place: str | int) -> Iterator[None]:
    """Within the block the global random state (dropout) is of this place; then as it was."""
    devices = list(range(torch.cuda.device_count()))
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(derived_seed(seed, *place))
        yield
