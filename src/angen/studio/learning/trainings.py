"""How trainings stand: the one that runs, those that wait, and what became of the others."""

from dataclasses import dataclass

from angen.adapters.status import TrainingStatus
from angen.jobs.job import Job, JobState
from angen.jobs.store import Store
from angen.studio.learning.adapters import get_training_status
from angen.studio.orders import pending
from angen.studio.settings import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingNow:
    """What the page of the training shows."""

    training: bool  # one runs
    job: Job | None  # that one
    adapter: str | None  # its name
    status: TrainingStatus | None  # epoch, step, loss...; None until it has begun
    queue: tuple[Job, ...]  # trainings that wait, next first
    adapters: dict[str, TrainingStatus]  # how each training went


def training_now(settings: Settings, store: Store) -> TrainingNow:
    """How trainings stand now."""
    found = sorted(pending(store, ("train",)), key=lambda job: (job.position, job.number))
    active = (JobState.RUNNING, JobState.STOPPING)
    running = next((job for job in found if job.state in active), None)
    known = get_training_status(settings)
    name = str(running.arguments.get("name")) if running else None
    return TrainingNow(
        training=running is not None,
        job=running,
        adapter=name,
        status=known.get(name) if name else None,
        queue=tuple(job for job in found if job.state not in active),
        adapters=known,
    )
