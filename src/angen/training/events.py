"""What a training tells whoever started it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class EventKind(StrEnum):
    """What has just happened."""

    START = "start"
    STEP = "step"  # after every step: for a progress bar
    LOG = "log"  # every ``log_every`` steps: a line worth keeping
    VALIDATION = "validation"  # at the end of every epoch
    CHECKPOINT = "checkpoint"
    WARNING = "warning"
    DONE = "done"


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingEvent:
    """One piece of news, complete in itself."""

    kind: EventKind
    epoch: int  # from 1
    epochs: int
    step: int  # finished steps
    steps: int
    loss: float | None = None  # mean since the last line of the log
    validation_loss: float | None = None  # latest
    learning_rate: float | None = None
    gradient_norm: float | None = None
    seconds_left: float | None = None
    message: str = ""  # the same in words

    @property
    def percent(self) -> float:
        return 100.0 * self.step / self.steps if self.steps else 0.0


OnEvent = Callable[[TrainingEvent], None]  # may raise Stopped: the training is saved first


def silent(_event: TrainingEvent) -> None:
    """For those who need no news."""
