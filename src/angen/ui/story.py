"""What happened in a training so far, gathered from the events of its job.

Gathered once for all browsers, and only what is new since the last look.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from angen.jobs.events import Event

MAX_STORIES = 8  # trainings that are remembered at once
MAX_LINES = 400  # of a log
PAGE = 1_000  # events read at once

Read = Callable[[str, int, int], list[Event]]  # job, after, limit -> events


@dataclass
class Story:
    """A training, as it went until now."""

    last: int = 0  # number of the newest event
    epoch: int = 0
    epochs: int = 0
    step: int = 0
    steps: int = 0
    stepping: bool = False  # since it was begun or taken up: before, the job does other things
    loss: list[tuple[int, float]] = field(default_factory=list)  # step, training loss
    validation: list[tuple[int, float]] = field(default_factory=list)  # step, loss kept aside
    lines: list[str] = field(default_factory=list)
    samples: list[dict[str, Any]] = field(default_factory=list)  # as they were told

    @property
    def latest(self) -> float | None:
        """The newest training loss."""
        return self.loss[-1][1] if self.loss else None

    def hear(self, event: Event) -> None:
        """Take in the next event."""
        self.last = event.number
        data = event.data
        match event.kind:
            case "say":
                self._say(str(data.get("message", "")))
            case "metrics":
                self._measure(data)
            case "sample":
                others = [s for s in self.samples if s.get("audio") != data.get("audio")]
                self.samples = [*others, dict(data)]
            case "state" if data.get("state") == "running" and int(data.get("attempt", 1)) > 1:
                self._say("Taken up again.")
                self.stepping = False

    def _say(self, line: str) -> None:
        if line:
            self.lines = [*self.lines, line][-MAX_LINES:]

    def _measure(self, data: dict[str, Any]) -> None:
        self.stepping = True
        for name in ("epoch", "epochs", "step", "steps"):
            if isinstance(data.get(name), int):
                setattr(self, name, data[name])
        self.loss = _with(self.loss, self.step, data.get("loss"))
        self.validation = _with(self.validation, self.step, data.get("validation_loss"))


def _with(points: list[tuple[int, float]], step: int, value: object) -> list[tuple[int, float]]:
    """Points with one more; what a training did anew takes the place of what it did before."""
    if not isinstance(value, int | float):
        return points
    while points and points[-1][0] >= step:
        points = points[:-1]
    return [*points, (step, float(value))]


class Stories:
    """The stories of the latest jobs that somebody looked at."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._known: OrderedDict[str, Story] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, job: str) -> Story:
        """The story of a job up to now. Raises UnknownJob."""
        with self._lock:
            story = self._known.get(job) or Story()
            while events := self._read(job, story.last, PAGE):
                for event in events:
                    story.hear(event)
            self._known[job] = story
            self._known.move_to_end(job)
            while len(self._known) > MAX_STORIES:
                self._known.popitem(last=False)
            return story
