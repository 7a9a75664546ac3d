"""What happened to a job, kept for whoever connects later."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import Any

STATE, STAGE, PROGRESS, SAY = "state", "stage", "progress", "say"
KEPT_PROGRESS = 100  # events of progress that each stage keeps
MAX_TEXT = 10_000  # characters of a line


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One piece of news of a job."""

    job: str
    number: int  # ascends within the job from 1; thinning leaves gaps
    at: datetime  # UTC
    kind: str  # "state", "stage", "progress", "say", and what handlers add
    data: dict[str, Any]


def plain(value: Any) -> Any:
    """``value`` as JSON can hold it anywhere: no NaN, infinity, tuples or paths.

    A number that is none becomes None: news of a loss that is not a number must not end the job.
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8").replace("\0", "")
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Mapping):
        return {plain(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, PurePath):
        return plain(str(value))
    raise ValueError(f"{value!r} of type {type(value).__name__} cannot be kept as JSON")


def superfluous(stages: Sequence[tuple[int, str]]) -> list[int]:
    """Which of a job's progress events (number, stage) may go, oldest first.

    Each stage keeps its first, its last and about ``KEPT_PROGRESS`` in between, evenly spread.
    """
    by_stage: dict[str, list[int]] = {}
    for number, stage in stages:
        by_stage.setdefault(stage, []).append(number)
    gone = []
    for numbers in by_stage.values():
        stride = -(-len(numbers) // KEPT_PROGRESS)
        gone += [n for i, n in enumerate(numbers[:-1]) if i % stride]
    return gone
