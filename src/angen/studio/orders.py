"""Requests into jobs: what is checked before they queue, and which lane is theirs.

A job that could only fail is refused at once, while the person who asked is still there.
"""

from collections.abc import Sequence
from datetime import timedelta

from angen.adapters.library import adapter_folder, new_folder, playable
from angen.adapters.metadata import read_metadata
from angen.data.manifest import load_info
from angen.errors import BadInput, Incompatible, Taken, Unknown
from angen.jobs.job import OVER, Job, JobState
from angen.jobs.store import Store
from angen.parts import MINI
from angen.studio.material.datasets import dataset_folder
from angen.studio.models import list_models
from angen.studio.requests import AdapterUse, ResumeRequest, TrainRequest
from angen.studio.settings import Settings

MODEL, DESK = "model", "desk"  # lanes
LANES = {
    "train": MODEL,
    "generate": MODEL,
    "compare": MODEL,
    "report": MODEL,
    "quote": MODEL,
    "analyze": DESK,
    "split": DESK,
    "stems": DESK,
    "fill": DESK,
    "prepare": DESK,
    "fetch": DESK,
    "merge": DESK,
    "import_adapter": DESK,
    "import_dataset": DESK,
}
MAX_PENDING = 200  # jobs that wait; nobody means to queue more
_LISTED = 500


def pending(store: Store, kinds: Sequence[str] | None = None) -> list[Job]:
    """Jobs that are not over."""
    states = [state for state in JobState if state not in OVER]
    return store.jobs(states=states, kinds=kinds, limit=_LISTED)


def prune_jobs(store: Store, settings: Settings) -> None:
    """Forget jobs that ended long ago, as the settings say."""
    store.prune(settings.kept_jobs, timedelta(days=settings.kept_days))


def check_room(store: Store) -> None:
    """Raise BadInput when far too many jobs wait already."""
    if len(pending(store)) >= MAX_PENDING:
        raise Taken(f"{MAX_PENDING} jobs wait already. Let some end, or cancel some.")


def check_adapters(settings: Settings, uses: Sequence[AdapterUse]) -> None:
    """Raise BadInput unless each is an adapter of the library that can be played."""
    for use in uses:
        playable(adapter_folder(settings.loras, use.name))


def check_base(settings: Settings, base: str | None) -> None:
    """Raise BadInput unless ``base`` is that of the settings, or one that is here."""
    if not base or base in (MINI, settings.base):
        return
    here = [model.name for model in list_models(settings) if model.here]
    if base not in here:
        raise Unknown(f"There is no base model {base!r} here. There are: {', '.join(here)}.")


def check_training(
    settings: Settings, store: Store, request: TrainRequest, after: Sequence[str]
) -> None:
    """Raise BadInput when the training could not begin.

    after: jobs that go first, and may make the dataset.
    """
    _ = request.config  # refuses layers that do not exist
    check_base(settings, request.base)
    if not after:
        load_info(dataset_folder(settings, request.dataset))
    _refuse_twin(store, request.name)
    new_folder(settings.loras, request.name, overwrite=request.overwrite)


def check_resuming(settings: Settings, store: Store, request: ResumeRequest) -> None:
    """Raise BadInput when there is no training of that name to go on with."""
    folder = adapter_folder(settings.loras, request.name)
    _refuse_twin(store, request.name)
    try:
        metadata = read_metadata(folder)
    except Incompatible as error:
        raise BadInput(str(error)) from error
    if metadata is not None and metadata.finished:
        raise Taken(f"The training of {request.name!r} is finished: there is nothing to go on with")


def _refuse_twin(store: Store, name: str) -> None:
    """A second click must not train the same adapter twice."""
    for job in pending(store, ("train",)):
        if str(job.arguments.get("name", "")).casefold() == name.casefold():
            raise Taken(f"{name!r} is being trained or waits for it already: job {job.id}.")
