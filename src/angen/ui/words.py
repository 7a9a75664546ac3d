"""Numbers and states as a person reads them."""

from datetime import UTC, datetime

from angen.jobs.job import Job, JobState

STATES = {
    JobState.WAITING: "waits for another job",
    JobState.QUEUED: "in the queue",
    JobState.RUNNING: "running",
    JobState.STOPPING: "stopping, saving its work",
    JobState.DONE: "done",
    JobState.FAILED: "failed",
    JobState.STOPPED: "stopped",
}
_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def clock(seconds: float) -> str:
    """``75`` as ``1:15``."""
    whole = max(0, round(seconds))
    hours, minutes = whole // 3600, whole // 60 % 60
    if hours:
        return f"{hours}:{minutes:02d}:{whole % 60:02d}"
    return f"{minutes}:{whole % 60:02d}"


def duration(seconds: float) -> str:
    """``75`` as ``1 min 15 s``."""
    whole = max(0, round(seconds))
    hours, minutes = whole // 3600, whole // 60 % 60
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {whole % 60:02d} s" if minutes else f"{whole} s"


def size(count: float) -> str:
    """``1_500_000`` as ``1.5 MB``."""
    unit = 0
    while count >= 1000 and unit < len(_UNITS) - 1:
        count, unit = count / 1000, unit + 1
    return (
        f"{count:.0f} {_UNITS[unit]}"
        if unit == 0 or count >= 100
        else f"{count:.1f} {_UNITS[unit]}"
    )


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


def counted(count: int, noun: str) -> str:
    """``2`` and ``clip`` as ``2 clips``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def percent(job: Job) -> float:
    """How far a job is in its present stage."""
    if job.state is JobState.DONE:
        return 100.0
    return job.progress.percent if job.progress else 0.0


def progress(job: Job) -> str:
    """Stage, percent and time left in one line."""
    if job.progress is None or not job.state.active:
        return STATES[job.state]
    parts = [job.progress.stage]
    if job.progress.total > 0:
        parts.append(f"{job.progress.percent:.0f} %")
    if job.progress.seconds_left is not None:
        parts.append(f"{duration(job.progress.seconds_left)} left")
    if job.state is JobState.STOPPING:
        parts.append(STATES[job.state])
    return " · ".join(parts)
