"""A desk whose jobs are done in this process, one after the other."""

from pathlib import Path
from typing import Any

from angen.jobs.context import WorkContext
from angen.jobs.events import plain
from angen.jobs.job import Job
from angen.jobs.owner import Owner, this_process
from angen.jobs.store import Store
from angen.studio.desk import Desk
from angen.studio.playing.shelf import Shelf
from angen.studio.settings import Settings, read_settings
from angen.studio.work import handlers

EXAMPLES = Path(__file__).parents[2] / "examples" / "songs"


class Studio:
    """A home, its desk, and somebody who works."""

    def __init__(self, home: Path, base: Path | str) -> None:
        self.settings: Settings = read_settings({}, home=home, base=str(base), device="cpu")
        home.mkdir(parents=True, exist_ok=True)
        self.store = Store(self.settings.database)
        self.desk = Desk(self.settings, self.store)
        self.shelf = Shelf()
        self.handlers = handlers(self.settings, self.shelf)

    def begin(self, job: Job) -> tuple[Job, WorkContext]:
        """Claim the next job of the lane, which should be this one."""
        owner = Owner(worker=this_process(), server=None, oom_kills=0)
        claimed = self.store.claim(job.lane, owner)
        assert claimed is not None
        assert claimed.id == job.id
        return claimed, WorkContext(self.store, claimed, lambda: False)

    def done(self, job: Job) -> Job:
        """Do a job to its end; what it raises is the test's."""
        claimed, context = self.begin(job)
        result = self.handlers[claimed.kind](claimed.arguments, context)
        assert self.store.finish(claimed, plain(result))
        return self.desk.job(job.id)

    def upload(self, path: Path, name: str | None = None) -> str:
        """Bring a recording; its id."""
        with path.open("rb") as stream:
            return self.desk.save_upload(name or path.name, stream).id


def result_of(job: Job) -> dict[str, Any]:
    """What came of a job that is done."""
    assert job.result is not None, job.problem
    return job.result
