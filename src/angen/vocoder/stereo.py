"""Two channels out of one, by a late and quieter copy."""

import torch
from torch import Tensor

DELAY_S = 0.01
LEVEL = 0.8


def widened(mono: Tensor, rate_hz: int) -> Tensor:
    """Mono (1, S) -> (2, S): as it is on the left, 10 ms later and quieter on the right."""
    delay = min(int(DELAY_S * rate_hz), mono.shape[-1])
    late = torch.nn.functional.pad(mono, (delay, 0))[..., : mono.shape[-1]]
    return torch.cat([mono, LEVEL * late])
