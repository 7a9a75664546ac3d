"""Numbers and states as a person reads them."""

from collections.abc import Sequence
from datetime import UTC, datetime

from angen.amounts import counted, duration_text
from angen.jobs.job import Job, JobState

MAKING = ("generate", "compare")  # kinds of jobs that end in songs
STATES = {
    JobState.WAITING: "waits for another job",
    JobState.QUEUED: "in the queue",
    JobState.RUNNING: "running",
    JobState.STOPPING: "stopping, saving its work",
    JobState.DONE: "done",
    JobState.FAILED: "failed",
    JobState.STOPPED: "stopped",
}


def clock(seconds: float) -> str:
    """``75`` as ``1:15``."""
    whole = max(0, round(seconds))
    hours, minutes = whole // 3600, whole // 60 % 60
    if hours:
        return f"{hours}:{minutes:02d}:{whole % 60:02d}"
    return f"{minutes}:{whole % 60:02d}"


def day(text: str | datetime | None) -> str:
    """A time as ``2026-11-22 15:04``, UTC; empty for what is no time."""
    if isinstance(text, str):
        try:
            text = datetime.fromisoformat(text)
        except ValueError:
            return ""
    return "" if text is None else text.strftime("%Y-%m-%d %H:%M")


def ago(moment: datetime | str) -> str:
    """How long ago, roughly: ``5 min ago``."""
    if isinstance(moment, str):
        try:
            moment = datetime.fromisoformat(moment)
        except ValueError:
            return ""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = (datetime.now(UTC) - moment).total_seconds()
    for length, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= length:
            return f"{seconds // length:.0f} {name} ago"
    return "just now"


def percent(job: Job) -> float:
    """How far a job is in its present stage."""
    if job.state is JobState.DONE:
        return 100.0
    return job.progress.percent if job.progress else 0.0


def state(job: Job) -> str:
    """How a job stands; of a song that is stopped nothing is saved."""
    if job.state is JobState.STOPPING and job.kind in MAKING:
        return "stopping"
    return STATES[job.state]


def waits(before: Sequence[Job]) -> str:
    """What a job waits for, how far that is, and how it could go first.

    before: the jobs that go before it, the next one first.
    """
    if not before:
        return "It begins in a moment."
    first, *others = before
    more = f", and {counted(len(others), 'more job')}" if others else ""
    text = f"Waits for {first.title} ({progress(first)}){more}."
    if others or not first.state.active:
        return f"{text} The queue in Training Configuration can be put in another order."
    place = "" if first.kind in MAKING else " at the top of the page"
    return f"{text} Cancel that{place} to go first."


def progress(job: Job) -> str:
    """Stage, percent and time left in one line."""
    if job.progress is None or not job.state.active:
        return state(job)
    parts = [job.progress.stage]
    if job.progress.total > 0:
        parts.append(f"{job.progress.percent:.0f} %")
    if job.progress.seconds_left is not None:
        parts.append(f"{duration_text(job.progress.seconds_left)} left")
    if job.state is JobState.STOPPING:
        parts.append(state(job))
    return " · ".join(parts)
