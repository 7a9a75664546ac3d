"""All that can be done in the studio, as API and page call it: one short method each.

What takes long becomes a job, and comes back as such. Loads no torch, so that a server starts at
once. The list of methods is long because the studio can do much; each only hands on.
"""

import secrets
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial, wraps
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, Concatenate, ParamSpec, TypeVar

from pydantic import BaseModel

from angen.adapters.library import AdapterInfo
from angen.adapters.status import TrainingStatus
from angen.data.manifest import DatasetInfo
from angen.errors import AngenError, BadInput, Unknown
from angen.jobs.events import Event
from angen.jobs.job import Job, JobState
from angen.jobs.store import Check, Store, unchecked
from angen.jobs.tables import new_id
from angen.names import check_known, check_name
from angen.studio import orders, resources
from angen.studio.learning import adapters, encoders
from angen.studio.learning.encoders import EncoderInfo
from angen.studio.learning.trainings import TrainingNow, training_now
from angen.studio.material import archives, collections, datasets, uploads
from angen.studio.material.collections import Collection, CollectionInfo
from angen.studio.material.curated import CuratedSet, curated_sets
from angen.studio.material.datasets import Dataset
from angen.studio.material.uploads import Upload
from angen.studio.models import Model, list_models, own_recipe
from angen.studio.playing import outputs
from angen.studio.playing.making import JobAudio, job_audio
from angen.studio.playing.outputs import SongInfo
from angen.studio.requests.encoder import (
    CheckEncoderRequest,
    FitEncoderRequest,
    PublishEncoderRequest,
    QuoteEncoderRequest,
)
from angen.studio.requests.material import (
    AnalyzeRequest,
    FillRequest,
    MetadataEdit,
    PrepareRequest,
    SplitRequest,
    StemsRequest,
)
from angen.studio.requests.models import FetchRequest
from angen.studio.requests.songs import SongRequest
from angen.studio.requests.training import (
    MergeRequest,
    Preset,
    QuoteRequest,
    ReportRequest,
    ResumeRequest,
    TrainRequest,
)
from angen.studio.settings import Settings
from angen.studio.tidying import prune_exports
from angen.training.config import TrainingConfig

Edits = Mapping[str, MetadataEdit]
P = ParamSpec("P")
T = TypeVar("T")


def _changes(method: Callable[Concatenate["Desk", P], T]) -> Callable[Concatenate["Desk", P], T]:
    """Counts what is changed at the desk itself, for those who keep answers. Jobs count orders."""

    @wraps(method)
    def counted(desk: "Desk", /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return method(desk, *args, **kwargs)
        finally:
            desk.changes += 1

    return counted


def _nobody() -> None:
    """For a desk whose workers look by themselves."""


class Desk:
    """The studio of one home.

    on_queued: called when a job was added, so that a worker looks at once.
    """

    def __init__(
        self, settings: Settings, store: Store, on_queued: Callable[[], None] = _nobody
    ) -> None:
        self.settings = settings
        self.store = store
        self.changes = 0  # made here, not by jobs
        self._on_queued = on_queued

    # recordings

    @_changes
    def save_upload(self, name: str, stream: BinaryIO) -> Upload:
        """Keep a recording. Raises BadInput for what cannot be used, OutOfSpace."""
        return uploads.save_upload(self.settings, name, stream)

    def uploads(self) -> list[Upload]:
        """All recordings that were brought, oldest first."""
        return uploads.list_uploads(self.settings)

    def upload(self, upload: str) -> Upload:
        """Raises Unknown."""
        return uploads.get_upload(self.settings, upload)

    def upload_audio(self, upload: str) -> Path:
        """The recording itself. Raises Unknown."""
        return uploads.upload_path(self.settings, self.upload(upload))

    @_changes
    def delete_upload(self, upload: str) -> None:
        """What was made of it stays. Raises Unknown; Taken while a job needs it."""
        guard = self.store.unneeded(resources.upload(upload))
        uploads.delete_upload(self.settings, upload, guard)

    def analyze(self, request: AnalyzeRequest) -> Job:
        """Listen, cut, fill a metadata table. Result: ``collection``, its id."""
        title = self._about("Analyse", request.files)
        check = self._here(request.files, request.collection)
        return self._queue("analyze", request, title, check=check)

    def split(self, request: SplitRequest) -> Job:
        """Cut into clips. Result: ``files``, by recording, relative to the home; ``skipped``."""
        title = self._about("Cut", request.files)
        return self._queue("split", request, title, check=self._here(request.files))

    def separate_stems(self, request: StemsRequest) -> Job:
        """Take apart. Result: ``files``, by recording, relative to the home; ``skipped``."""
        title = self._about("Separate stems of", request.files)
        return self._queue("stems", request, title, check=self._here(request.files))

    # metadata tables

    def collections(self) -> list[CollectionInfo]:
        """All metadata tables, newest first."""
        return collections.list_collections(self.settings)

    def collection(self, collection: str) -> Collection:
        """Raises Unknown."""
        return collections.get_collection(self.settings, collection)

    def row_audio(self, collection: str, row: str) -> Path:
        """The clip of a row. Raises Unknown."""
        found = collections.row_of(self.collection(collection), row)
        return collections.row_path(self.settings, found)

    @_changes
    def edit_rows(
        self, collection: str, edits: Edits, left_out: Mapping[str, bool] = MappingProxyType({})
    ) -> Collection:
        """A person's values, by row: a field left out stays, empty clears it, None gives it back.

        left_out: whether training sets leave a row out.

        Raises Unknown, BadInput for a value that does not fit; nothing is changed then.
        """
        return collections.edit_rows(self.settings, collection, edits, left_out)

    @_changes
    def delete_collection(self, collection: str) -> None:
        """With its clips; datasets made of it stay. Raises Unknown; Taken while a job needs it."""
        guard = self.store.unneeded(resources.collection(collection))
        collections.delete_collection(self.settings, collection, guard)

    def fill(self, request: FillRequest) -> Job:
        """Listen anew; fields that a person has written stay. Result: ``collection``."""
        name = self.collection(request.collection).name
        check = self._here((), request.collection)
        return self._queue("fill", request, f"Fill the metadata of {name}", check=check)

    def prepare(self, request: PrepareRequest, after: Sequence[str] = ()) -> Job:
        """Make a training set. Result: ``dataset``, its name; ``clips``, ``notes``."""
        if (request.collection is None) == (not request.files):
            raise BadInput("Name either a metadata table (collection) or uploads (files).")
        if request.name is None:
            name = orders.new_dataset_name(self.settings, self.store)
            request = request.model_copy(update={"name": name})
        check = partial(orders.check_preparing, self.settings, request)
        return self._queue("prepare", request, f"Prepare {request.name}", after, check)

    # training sets

    def datasets(self) -> list[Dataset]:
        """All training sets, by name."""
        return datasets.list_datasets(self.settings)

    def dataset(self, name: str) -> DatasetInfo:
        """Raises Unknown, BadInput for a damaged one."""
        return datasets.show_dataset(self.settings, name)

    def clip_audio(self, name: str, file: str) -> Path:
        """A clip of a training set. Raises Unknown."""
        return datasets.clip_path(self.settings, name, file)

    @_changes
    def edit_dataset(self, name: str, edits: Edits) -> DatasetInfo:
        """A person's values, by clip file. Raises Unknown, BadInput; Taken while a job needs it."""
        with self.store.unneeded(resources.dataset(name)):
            return datasets.edit_dataset(self.settings, name, edits)

    @_changes
    def delete_dataset(self, name: str) -> None:
        """Raises Unknown; Taken while a job needs it."""
        guard = self.store.unneeded(resources.dataset(name))
        datasets.delete_dataset(self.settings, name, guard)

    def export_dataset(self, name: str) -> Path:
        """One .zip with clips and metadata. Raises Unknown, OutOfSpace."""
        prune_exports(self.settings)
        return archives.export_dataset(self.settings, name)

    def import_dataset(
        self, source: Path, name: str | None = None, *, called: str | None = None
    ) -> Job:
        """Take in such a .zip; ``source`` is moved away. Result: ``dataset``, its name.

        called: what its owner calls the file, when that is not its name here.
        """
        return self._import("import_dataset", source, name, "dataset", called)

    def curated(self) -> list[CuratedSet]:
        """The sets of the first tab, and what is there of each."""
        return curated_sets(self.settings)

    # training

    def recipe(self, base: str | None, preset: Preset) -> TrainingConfig:
        """What a training on this base follows where nothing else is said."""
        return TrainingConfig() if preset is Preset.DOCUMENTS else own_recipe(self.settings, base)

    def quote(self, request: QuoteRequest) -> Job:
        """What a training would take. Result: the quote's fields and ``message``."""
        check = partial(orders.check_quote, self.settings, request)
        title = f"Estimate the training of {request.name}"
        return self._queue("quote", request, title, check=check)

    def train(self, request: TrainRequest, after: Sequence[str] = ()) -> Job:
        """Train, then measure. Result: ``adapter``, ``steps``, ``losses``, ``verdict``, ``files``.

        after: jobs that go first, such as the one that prepares the dataset.

        Raises BadInput, Unknown, Taken when it could not begin.
        """
        check = partial(orders.check_training, self.settings, request)
        return self._queue("train", request, f"Train {request.name}", after, check)

    def resume(self, request: ResumeRequest) -> Job:
        """Go on with a training from its newest checkpoint."""
        check = partial(orders.check_resuming, self.settings, request)
        arguments = request.model_dump(mode="json") | {"resume": True}
        return self._add("train", arguments, f"Go on training {request.name}", check=check)

    def stop_training(self, job: str | None = None) -> Job:
        """Stop the training that runs, or ``job``; a checkpoint is saved first. Raises Unknown."""
        if job is None:
            running = [
                found
                for found in orders.pending(self.store, ("train",))
                if found.state in (JobState.RUNNING, JobState.STOPPING)
            ]
            if not running:
                raise Unknown("No training is running.")
            job = running[0].id
        return self.cancel(job)

    def training_status(self) -> TrainingNow:
        """The training that runs, those that wait, and how each adapter's training went."""
        return training_now(self.settings, self.store)

    def report(self, request: ReportRequest) -> Job:
        """Measure an adapter anew. Result: ``adapter``, ``verdict``, ``sentence``, ``page``."""
        check = partial(orders.check_report, self.settings, request)
        return self._queue("report", request, f"Measure {request.adapter}", check=check)

    # the encoder that a released base model lacks

    def encoders(self) -> list[EncoderInfo]:
        """Each base model that is here: its encoder, how a fit stands, what the check found."""
        return encoders.list_encoders(self.settings)

    def quote_encoder(self, request: QuoteEncoderRequest) -> Job:
        """What a fit would take. Result: the quote's fields, ``seconds`` and ``message``."""
        info = orders.check_quoting_fit(self.settings, request)
        check = self._here(request.files, request.collection)
        return self._queue(
            "quote_encoder", request, f"Estimate the encoder of {info.base}", check=check
        )

    def fit_encoder(self, request: FitEncoderRequest) -> Job:
        """Fit an encoder; one that was begun is gone on with. Result: ``latent_error``, ...

        Raises BadInput, Unknown, Taken, MissingWeights when it could not begin.
        """
        info = orders.check_fit(self.settings, request)
        check = self._here(request.files, request.collection)
        return self._queue("fit_encoder", request, f"Fit the encoder of {info.base}", check=check)

    def check_encoder(self, request: CheckEncoderRequest) -> Job:
        """Is it good enough to train with? Result: ``answer``, ``sentence``, ``faults``, ..."""
        info = orders.check_checking(self.settings, request.base, request.files, request.collection)
        check = self._here(request.files, request.collection)
        return self._queue(
            "check_encoder", request, f"Check the encoder of {info.base}", check=check
        )

    def publish_encoder(self, request: PublishEncoderRequest) -> Job:
        """Pack a fitted encoder with its card. Result: ``encoder``, its id; ``size_bytes``."""
        info = orders.check_publishing(self.settings, request.base)
        return self._queue("publish_encoder", request, f"Publish the encoder of {info.base}")

    def encoder_check_file(self, encoder: str, file: str) -> Path:
        """A file of the newest check, by its path there. Raises Unknown for any but its own."""
        return encoders.check_file(self.settings, encoder, file)

    def published_encoder(self, encoder: str) -> Path:
        """The archive to pass on. Raises Unknown while there is none."""
        return encoders.published_file(self.settings, encoder)

    # adapters

    def adapters(self) -> list[AdapterInfo]:
        """All adapters, by name; damaged ones too, with their problem."""
        return adapters.list_lora_adapters(self.settings)

    def adapter(self, name: str) -> AdapterInfo:
        """Raises Unknown."""
        return adapters.show_lora_adapter(self.settings, name)

    def adapter_status(self, name: str) -> TrainingStatus | None:
        """How its training goes or went. Raises Unknown."""
        return self.adapter(name).status

    @_changes
    def rename_adapter(self, name: str, new_name: str) -> AdapterInfo:
        """Raises Unknown, Taken."""
        names = {resources.adapter(name), resources.adapter(new_name)}
        with self.store.unneeded(*names):
            folder = adapters.rename_lora_adapter(self.settings, name, new_name)
        return self.adapter(folder.name)

    @_changes
    def delete_adapter(self, name: str) -> None:
        """Raises Unknown; Taken while it is trained, or another job needs it."""
        guard = self.store.unneeded(resources.adapter(name))
        adapters.delete_lora_adapter(self.settings, name, guard)

    def export_adapter(self, name: str) -> Path:
        """One .zip to pass on. Raises Unknown, BadInput without a finished model, OutOfSpace."""
        prune_exports(self.settings)
        return adapters.export_lora_adapter(
            self.settings, name, self.settings.exports / f"{check_known('adapter', name)}.zip"
        )

    def import_adapter(
        self, source: Path, name: str | None = None, *, called: str | None = None
    ) -> Job:
        """Take in such a .zip; ``source`` is moved away. Result: ``adapter``, ``warnings``.

        called: what its owner calls the file, when that is not its name here.
        """
        return self._import("import_adapter", source, name, "adapter", called)

    def merge_adapters(self, request: MergeRequest) -> Job:
        """One adapter that does what several do. Result: ``adapter``."""
        check = partial(orders.check_merge, self.settings, request)
        return self._queue("merge", request, f"Merge into {request.name}", check=check)

    def adapter_report(self, name: str) -> Path:
        """The folder with report.html and report.json. Raises Unknown when it has none."""
        return adapters.report_folder(self.settings, name)

    def adapter_file(self, name: str, file: str) -> Path:
        """A file of the report or a sample of the training, by its path in the adapter's folder.

        Raises Unknown; only report.html, report.json, report/, reports/ and samples/ are shown.
        """
        return adapters.shown_file(self.settings, name, file)

    def compare_adapters(self, names: Sequence[str]) -> list[AdapterInfo]:
        """Several adapters side by side. Raises Unknown."""
        return [self.adapter(name) for name in names]

    # songs

    def generate(self, request: SongRequest, after: Sequence[str] = ()) -> Job:
        """Make a song. Result: ``song``, its id, ``duration_s``, ``warnings``."""
        check = partial(orders.check_song, self.settings, request)
        return self._queue("generate", request, _short(request.prompt), after, check)

    def compare(self, request: SongRequest) -> Job:
        """The same request without and with its adapters. Result: ``base``, ``adapted``: ids."""
        if not request.adapters:
            raise BadInput("Choose at least one adapter to compare with the base.")
        check = partial(orders.check_song, self.settings, request)
        return self._queue("compare", request, f"Compare: {_short(request.prompt)}", check=check)

    def songs(self, limit: int = outputs.MAX_SONGS) -> list[SongInfo]:
        """The songs, newest first, each with the job that made it."""
        makers = self._makers()
        found = outputs.list_songs(self.settings, limit)
        return [replace(song, job=makers.get(song.id)) for song in found]

    def song(self, song: str) -> SongInfo:
        """Raises Unknown."""
        found = outputs.get_song(self.settings, song)
        return replace(found, job=self._makers().get(found.id))

    def song_audio(self, song: str) -> Path:
        """Raises Unknown."""
        return self.song(song).path

    @_changes
    def delete_song(self, song: str) -> None:
        """Raises Unknown."""
        outputs.delete_song(self.settings, song)

    def job_audio(self, job: str) -> JobAudio:
        """The song that a job makes, as far as it sounds. Raises UnknownJob."""
        return job_audio(self.settings, self.store.get(job))

    # models

    def models(self) -> list[Model]:
        """Base models, here or not."""
        return list_models(self.settings)

    def fetch(self, request: FetchRequest) -> Job:
        """Fetch a base model or the weights for stems. Result: ``folder``."""
        if not request.accept_licence:
            raise BadInput(
                f"Read the licence of {request.name} on its page at huggingface.co, then accept it "
                "(accept_licence)."
            )
        return self._queue("fetch", request, f"Fetch {request.name}")

    # jobs

    def jobs(
        self,
        *,
        states: Iterable[JobState] | None = None,
        kinds: Iterable[str] | None = None,
        limit: int = 100,
        before: int | None = None,
    ) -> list[Job]:
        """Jobs, the latest first; ``before``: only those with a lower number."""
        return self.store.jobs(states=states, kinds=kinds, limit=limit, before=before)

    def job(self, job: str) -> Job:
        """Raises UnknownJob."""
        return self.store.get(job)

    def cancel(self, job: str) -> Job:
        """Stop it; what it has is saved first. Raises UnknownJob."""
        found = self.store.cancel(job)
        self._on_queued()
        return found

    def retry(self, job: str) -> Job:
        """Do it again, from what it has saved. Raises UnknownJob, BadInput."""
        found = self.store.retry(job)
        self._on_queued()
        return found

    def move(self, job: str, before: str | None) -> list[Job]:
        """Put it before another in the queue, or at its end. Raises UnknownJob, BadInput."""
        return self.store.move(job, before)

    @_changes
    def forget(self, job: str) -> None:
        """Remove a job that is over from the list. Raises UnknownJob, BadInput."""
        self.store.forget(job)

    def events(self, job: str, *, after: int = 0, limit: int = 1000) -> list[Event]:
        """What happened to a job, oldest first. Raises UnknownJob."""
        return self.store.events(job, after=after, limit=limit)

    # how

    def _queue(
        self,
        kind: str,
        request: BaseModel,
        title: str,
        after: Sequence[str] = (),
        check: Check = unchecked,
    ) -> Job:
        return self._add(kind, request.model_dump(mode="json"), title, after, check)

    def _add(
        self,
        kind: str,
        arguments: Mapping[str, Any],
        title: str,
        after: Sequence[str] = (),
        check: Check = unchecked,
    ) -> Job:
        """check: raises when the job could not be done; see ``Store.add``."""
        orders.check_room(self.store)
        id = new_id()
        job = self.store.add(
            kind,
            arguments,
            lane=orders.LANES[kind],
            title=title,
            after=tuple(after),
            id=id,
            uses=resources.uses_of(self.settings, kind, arguments, id),
            check=check,
        )
        self._on_queued()
        return job

    def _here(self, files: Sequence[str], collection: str | None = None) -> Check:
        return partial(orders.check_here, self.settings, files, collection)

    def _about(self, verb: str, files: Sequence[str]) -> str:
        """A title. Raises Unknown for a recording that is not there."""
        names = [self.upload(file).name for file in files]
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        return f"{verb} {names[0]}{more}"

    def _makers(self) -> dict[str, str]:
        """Songs by id, and the jobs that made them, as far as those are remembered."""
        found = self.store.jobs(
            states=(JobState.DONE,), kinds=("generate", "compare"), limit=outputs.MAX_SONGS
        )
        return {
            str(song): job.id
            for job in reversed(found)
            for song in map((job.result or {}).get, ("song", "base", "adapted"))
            if song is not None
        }

    def _import(
        self, kind: str, source: Path, name: str | None, what: str, called: str | None
    ) -> Job:
        """Move the archive where the worker finds it, and queue it."""
        if name is not None:
            name = check_name(what, name)
        if not source.is_file():
            raise Unknown(f"{source.name} is not there.")
        archive = f"{secrets.token_hex(8)}.zip"
        self.settings.incoming.mkdir(parents=True, exist_ok=True)
        beside = self.settings.incoming / f".{archive}.part"
        shutil.move(source, beside)
        beside.replace(self.settings.incoming / archive)
        called = called or source.name
        arguments = {"archive": archive, "name": name, "called": called}
        try:
            return self._add(kind, arguments, f"Import {name or called}")
        except AngenError:
            (self.settings.incoming / archive).unlink(missing_ok=True)
            raise


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else line[:79] + "…"
