"""What stays of a training's news: TensorBoard, a log by the line, and the status for others.

tensorboard/          loss, learning rate, gradient, validation by flow time
training_log.jsonl    one event a line
status.json           the latest, for other processes
"""

import json
import logging
import math
import time
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

from torch.utils.tensorboard import SummaryWriter

from angen.adapters.status import State, TrainingStatus, heartbeat, write_status
from angen.training.events import EventKind, TrainingEvent

logger = logging.getLogger(__name__)

LOG_FILE = "training_log.jsonl"
TENSORBOARD = "tensorboard"
STATUS_EVERY_S = 1.0


class TrainingLog:
    """The open log of one training in ``folder``; ``step`` is where it starts or goes on."""

    def __init__(self, folder: Path, step: int) -> None:
        self._folder = folder
        self._told_at = -math.inf
        _forget_after(folder / LOG_FILE, step)
        self._board = SummaryWriter(str(folder / TENSORBOARD), purge_step=step + 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        try:
            self._board.close()
        except OSError as error:  # a full disk; what matters more has failed or succeeded by itself
            logger.warning("The last points of TensorBoard are lost: %s", error)

    def tell(self, event: TrainingEvent) -> None:
        """Keep ``event``; the status at most once a second, unless it is worth a line."""
        now = time.monotonic()
        if event.kind is not EventKind.STEP:
            logger.info("%s", event.message)
            with (self._folder / LOG_FILE).open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(event)) + "\n")
        elif now - self._told_at < STATUS_EVERY_S:
            return
        self._told_at = now
        self.status("running", event)

    def status(self, state: State, event: TrainingEvent, message: str = "") -> None:
        """Write the status that other processes read."""
        status = TrainingStatus(
            state=state,
            epoch=event.epoch,
            epochs=event.epochs,
            step=event.step,
            steps=event.steps,
            loss=event.loss,
            validation_loss=event.validation_loss,
            percent=event.percent,
            seconds_left=event.seconds_left if state == "running" else None,
            message=message or event.message,
        )
        write_status(self._folder, heartbeat(status))

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """Points on TensorBoard's curves."""
        for name, value in values.items():
            self._board.add_scalar(name, value, step)


def _forget_after(path: Path, step: int) -> None:
    """Drop lines of steps that will be done again, and a last one cut short."""
    if not path.is_file():
        return
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            if json.loads(line)["step"] <= step:
                kept.append(line + "\n")
        except (ValueError, KeyError, TypeError):
            continue
    path.write_text("".join(kept), encoding="utf-8")
