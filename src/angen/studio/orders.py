"""Requests into jobs: what is checked before they queue, and which lane is theirs.

A job that could only fail is refused at once, while the person who asked is still there.
"""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path

from angen.adapters.library import adapter_folder, new_folder, playable
from angen.adapters.metadata import refuse_if_finished
from angen.data.manifest import load_info
from angen.errors import BadInput, Incompatible, MissingWeights, Taken, Unknown
from angen.jobs.job import OVER, Job, JobState
from angen.jobs.store import Store
from angen.names import check_known
from angen.parts import MINI
from angen.studio import resources
from angen.studio.learning import encoders
from angen.studio.learning.encoders import EncoderInfo, EncoderKind
from angen.studio.material.collections import get_collection
from angen.studio.material.datasets import check_free, dataset_folder
from angen.studio.material.uploads import get_upload
from angen.studio.models import list_models
from angen.studio.requests.encoder import FitEncoderRequest
from angen.studio.requests.material import PrepareRequest
from angen.studio.requests.songs import AdapterUse, SongRequest
from angen.studio.requests.training import (
    MergeRequest,
    QuoteRequest,
    ReportRequest,
    ResumeRequest,
    TrainRequest,
)
from angen.studio.settings import Settings
from angen.training.config import TrainingConfig

MODEL, DESK, FETCH = "model", "desk", "fetch"  # lanes
LANES = {
    "train": MODEL,
    "generate": MODEL,
    "compare": MODEL,
    "report": MODEL,
    "quote": MODEL,
    "fit_encoder": MODEL,
    "quote_encoder": MODEL,
    "check_encoder": MODEL,
    "publish_encoder": DESK,
    "analyze": DESK,
    "split": DESK,
    "stems": DESK,
    "fill": DESK,
    "prepare": DESK,
    "fetch": FETCH,
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


def declare_uses(store: Store, settings: Settings) -> None:
    """Note what the jobs of an earlier version use, which did not tell."""
    store.declare(lambda job: resources.uses_of(settings, job.kind, job.arguments, job.id))


@contextmanager
def unneeded(settings: Settings, *needed: str) -> Iterator[None]:
    """Within the block no job of the home's queue, if there is one, needs these resources.

    For commands, which work beside a server or without. Raises Taken that names the job.
    """
    if settings.database_url is None and not (settings.home / "jobs.db").exists():
        yield
        return
    with Store(settings.database) as store, store.unneeded(*needed):
        yield


def check_room(store: Store) -> None:
    """Raise BadInput when far too many jobs wait already."""
    if len(pending(store)) >= MAX_PENDING:
        raise Taken(f"{MAX_PENDING} jobs wait already. Let some end, or cancel some.")


def check_names(uses: Sequence[AdapterUse]) -> None:
    """Raise Unknown for a path, or whatever else is no name of an adapter of the library."""
    for use in uses:
        check_known("adapter", use.name)


def check_adapters(
    settings: Settings, uses: Sequence[AdapterUse], made: frozenset[str] = frozenset()
) -> None:
    """Raise BadInput unless each is an adapter of the library that can be played.

    made: what jobs that go first will have made.
    """
    check_names(uses)
    for use in uses:
        if resources.adapter(use.name) not in made:
            playable(adapter_folder(settings.loras, use.name))


def check_song(settings: Settings, request: SongRequest, made: frozenset[str]) -> None:
    """Raise BadInput when the song could not be made."""
    check_base(settings, request.base)
    check_adapters(settings, request.adapters, made)


def check_merge(settings: Settings, request: MergeRequest, _made: frozenset[str]) -> None:
    """Raise BadInput when the adapters could not become one."""
    check_adapters(settings, request.adapters)
    new_folder(settings.loras, request.name)


def check_base(settings: Settings, base: str | None) -> None:
    """Raise BadInput unless ``base`` is that of the settings, or one that is here."""
    if not base or base in (MINI, settings.base):
        return
    here = [model.name for model in list_models(settings) if model.here]
    if base not in here:
        raise Unknown(f"There is no base model {base!r} here. There are: {', '.join(here)}.")


def check_training(settings: Settings, request: TrainRequest, made: frozenset[str]) -> None:
    """Raise BadInput when the training could not begin.

    made: what jobs that go first will have made.
    """
    request.config(TrainingConfig())  # refuses layers that do not exist
    check_base(settings, request.base)
    if resources.encoder(settings, request.base) not in made:
        encoders.require_listening(settings, request.base)
    if resources.dataset(request.dataset) not in made:
        load_info(dataset_folder(settings, request.dataset))
    new_folder(settings.loras, request.name, overwrite=request.overwrite)


def check_quote(settings: Settings, request: QuoteRequest, _made: frozenset[str]) -> None:
    """Raise BadInput when the training could not begin but for its name."""
    dataset_folder(settings, request.dataset)
    check_base(settings, request.base)
    encoders.require_listening(settings, request.base)


def check_resuming(settings: Settings, request: ResumeRequest, _made: frozenset[str]) -> None:
    """Raise BadInput when there is no training of that name to go on with."""
    folder = adapter_folder(settings.loras, request.name)
    try:
        refuse_if_finished(folder)
    except Incompatible as error:
        raise BadInput(str(error)) from error


def check_report(settings: Settings, request: ReportRequest, _made: frozenset[str]) -> None:
    """Raise Unknown unless adapter and dataset are here."""
    adapter_folder(settings.loras, request.adapter)
    if request.dataset is not None:
        dataset_folder(settings, request.dataset)


def check_here(
    settings: Settings, files: Sequence[str], collection: str | None, _made: frozenset[str]
) -> None:
    """Raise Unknown unless uploads and metadata table are here."""
    for upload in files:
        get_upload(settings, upload)
    if collection is not None:
        get_collection(settings, collection)


def new_dataset_name(settings: Settings, store: Store) -> str:
    """``user_dataset_<time>``, of the first second from now on that no other has."""
    there = settings.datasets.iterdir() if settings.datasets.is_dir() else ()
    taken = {path.name for path in there}
    taken |= {str(job.arguments.get("name")) for job in pending(store, ("prepare",))}
    names = (f"user_dataset_{second}" for second in count(int(time.time())))
    return next(name for name in names if name not in taken)


def check_preparing(settings: Settings, request: PrepareRequest, made: frozenset[str]) -> None:
    """Raise BadInput when the training set could not be made."""
    table = request.collection
    if table is not None and resources.collection(table) not in made:
        get_collection(settings, table)
    for upload in request.files:
        get_upload(settings, upload)
    if request.name is not None and not request.overwrite:
        check_free(settings, request.name)


# the encoder that a released base model lacks


def check_recordings(settings: Settings, files: Sequence[str], collection: str | None) -> None:
    """Raise BadInput unless these uploads and this metadata table are here."""
    for upload in files:
        get_upload(settings, upload)
    if collection is not None and not get_collection(settings, collection).used:
        raise BadInput(f"The metadata table {collection!r} has no clips that are not left out.")


def check_quoting_fit(settings: Settings, request: FitEncoderRequest) -> EncoderInfo:
    """The encoder as it is. Raises BadInput, MissingWeights when no such fit could begin."""
    _ = request.config  # refuses a recipe in which nothing teaches
    info = _fittable(settings, request.base)
    if request.sound_weight and not request.files and request.collection is None:
        raise BadInput(
            "Give recordings: uploads (files) or a metadata table (collection). Without any, an "
            "encoder can be fitted from the model's own songs alone, and hears real music worse: "
            "set sound_weight to 0 for that."
        )
    check_recordings(settings, request.files, request.collection)
    _check_clip(info.folder, request.clip_frames)
    return info


def check_fit(settings: Settings, request: FitEncoderRequest) -> EncoderInfo:
    """The encoder as it is. Raises BadInput, MissingWeights when the fit could not begin."""
    info = check_quoting_fit(settings, request)
    if info.kind is not EncoderKind.NONE and not request.overwrite:
        raise Taken(
            f"{info.base} has an encoder. To fit another, ask for it (overwrite); it is replaced "
            "when the new one is ready."
        )
    begun = {} if info.fit is None or request.restart else info.fit.recipe
    if begun and (told := encoders.differing(begun, request.config.to_json())):
        raise Taken(
            f"A fit with another recipe was begun for {info.base}: {', '.join(told)}. Give the "
            "same values to go on with it, or begin anew (restart)."
        )
    return info


def check_checking(
    settings: Settings, base: str | None, files: Sequence[str], collection: str | None
) -> EncoderInfo:
    """The encoder as it is. Raises BadInput, MissingWeights when it could not be checked."""
    check_base(settings, base)
    info = encoders.encoder_of(settings, base)
    if info.kind is EncoderKind.NONE:
        raise MissingWeights(encoders.lacking(info.base))
    if not files and collection is None:
        raise BadInput(
            "Give at least one recording that the encoder has not seen: uploads (files) or a "
            "metadata table (collection)."
        )
    check_recordings(settings, files, collection)
    return info


def check_publishing(settings: Settings, base: str | None) -> EncoderInfo:
    """The encoder as it is. Raises MissingWeights, Taken where there is none to be passed on."""
    check_base(settings, base)
    info = encoders.encoder_of(settings, base)
    if info.kind is EncoderKind.NONE:
        raise MissingWeights(encoders.lacking(info.base))
    if info.kind is EncoderKind.OWN:
        raise Taken(f"The encoder of {info.base} came with it; only a fitted one is published.")
    return info


def _fittable(settings: Settings, base: str | None) -> EncoderInfo:
    check_base(settings, base)
    info = encoders.encoder_of(settings, base)
    if info.base == MINI:
        raise Taken("`mini` belongs to the package and has its own encoder. Choose another base.")
    if not info.fittable:
        raise MissingWeights(
            f"{info.base} has no style encoder, so it cannot make the songs that an encoder learns "
            f"from. Run `angen models fetch {info.base}` to add it."
        )
    return info


def _check_clip(folder: Path, frames: int) -> None:
    """Raise BadInput for clips that are not whole blocks, as far as the model's file says so."""
    try:
        block = int(json.loads((folder / "model.json").read_text("utf-8"))["block_size"])
    except (OSError, ValueError, KeyError, TypeError):
        return  # loading the model tells what is wrong with it
    if block > 0 and frames % block:
        raise BadInput(f"clip_frames={frames}: must be whole blocks of {block} frames.")
