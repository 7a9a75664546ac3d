"""A job as others see it: a frozen value, complete in itself."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class JobState(StrEnum):
    """Where a job is on its way."""

    WAITING = "waiting"  # for other jobs
    QUEUED = "queued"
    RUNNING = "running"
    STOPPING = "stopping"  # somebody asked it to stop; it is saving what it has
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"  # by a person, or because a job that it waited for did not end well

    @property
    def over(self) -> bool:
        """Whether nothing more will happen unless somebody retries it."""
        return self in OVER

    @property
    def active(self) -> bool:
        """Whether a worker has it."""
        return self in ACTIVE


OVER = frozenset({JobState.DONE, JobState.FAILED, JobState.STOPPED})
ACTIVE = frozenset({JobState.RUNNING, JobState.STOPPING})
PENDING = frozenset({JobState.WAITING, JobState.QUEUED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far the present stage of a job is."""

    stage: str
    done: int
    total: int  # 0: not known yet
    seconds_left: float | None = None  # of this stage; None: too early to tell

    @property
    def percent(self) -> float:
        return min(100.0, 100.0 * self.done / self.total) if self.total > 0 else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """Why a job ended as it did, for a person."""

    message: str
    remedy: str = ""  # what to do about it; empty when the message says it
    kind: str  # see ``problems.py``


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One piece of work that outlives the process that asked for it."""

    id: str  # unguessable, fit for addresses
    number: int  # order of making, from 1
    kind: str  # which handler does it
    title: str
    lane: str  # jobs of one lane run one at a time
    arguments: dict[str, Any]
    state: JobState
    priority: int  # higher goes first
    position: int  # in the queue of its lane: 1 is next; 0 when it is not in the queue
    after: tuple[str, ...]  # ids of jobs that must be done first
    attempt: int  # how often a worker has begun it
    created: datetime  # UTC, like all times here
    started: datetime | None  # of the latest attempt
    ended: datetime | None
    progress: Progress | None
    result: dict[str, Any] | None  # of a job that is done
    problem: Problem | None  # of a job that failed or was stopped
    revision: int  # of the store when it last changed; events count as change
