"""Several processes on one fit.

    accelerate launch --multi_gpu --num_processes 2 -m angen encoder fit ...
    torchrun --standalone --nproc-per-node 2 -m angen encoder fit ...    without GPUs

Each makes its share of the songs and looks at clips of its own; gradients are averaged, so all
hold the same encoder. One process alone needs no accelerate.
"""

import os
from collections.abc import Iterable
from typing import Any

from torch import Tensor, nn

from angen.errors import MissingWeights


class Team:
    """This process among its peers; rank 0 writes and speaks."""

    def __init__(self, device: str) -> None:
        self.rank, self.size = 0, int(os.environ.get("WORLD_SIZE", "1"))
        self._accelerator: Any = None
        if self.size > 1:
            self._accelerator = _accelerator(device)
            self.rank = self._accelerator.process_index

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def wait(self) -> None:
        """Until all have come here."""
        if self._accelerator is not None:
            self._accelerator.wait_for_everyone()

    def share(self, tensors: Iterable[Tensor]) -> None:
        """Replace each tensor by that of the process which leads."""
        if self._accelerator is None:
            return
        from accelerate.utils import broadcast

        for tensor in tensors:
            tensor.data.copy_(broadcast(tensor.data, from_process=0))

    def average(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace each gradient by the mean of all processes'."""
        if self._accelerator is None:
            return
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad = self._accelerator.reduce(parameter.grad, reduction="mean")


def _accelerator(device: str) -> Any:
    try:
        from accelerate import Accelerator
    except ImportError as error:
        raise MissingWeights(
            "Several processes need the package accelerate. Run: pip install 'angen[cluster]'"
        ) from error
    return Accelerator(cpu=device == "cpu")
