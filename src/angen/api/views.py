"""What the server answers, field by field; read from the studio's own values by their names.

Times are ISO 8601 in UTC, lengths are seconds, sizes are bytes. Where a file lies on the server's
disk is not told: it is had by its path in this API.
"""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from angen.adapters.library import AdapterInfo
from angen.api.problems import faults
from angen.jobs.job import JobState
from angen.studio.learning.encoders import EncoderInfo, EncoderKind


class View(BaseModel):
    """Read from any value that has these attributes."""

    model_config = ConfigDict(from_attributes=True, ser_json_inf_nan="null")


def told(description: str, **more: Any) -> Any:
    """A field with its description."""
    return Field(description=description, **more)


# jobs


class ProgressView(View):
    """How far the present stage of a job is."""

    stage: Annotated[str, told("What is being done, in words.", examples=["Training"])]
    done: Annotated[int, told("Steps done in this stage.", ge=0)]
    total: Annotated[
        int,
        told("Steps of this stage, and of a training its report; 0: not known yet.", ge=0),
    ]
    percent: Annotated[float, told("Of the same.", ge=0, le=100)]
    seconds_left: Annotated[
        float | None, told("For the same, in seconds; null: too early to tell.")
    ] = None


class FaultView(View):
    """Why a job ended as it did."""

    message: Annotated[str, told("What was wrong.")]
    remedy: Annotated[str, told("What to do about it.")]
    kind: Annotated[str, told("What sort of fault.", examples=["out of memory"])]


class JobView(View):
    """One piece of work. Its server may stop and start again; the job goes on."""

    id: Annotated[str, told("Id, for the paths under /api/jobs.")]
    number: Annotated[int, told("Order of making, from 1.", ge=1)]
    kind: Annotated[str, told("What is done.", examples=["train"])]
    title: Annotated[str, told("The same for people.")]
    lane: Annotated[str, told("Jobs of one lane run one at a time.", examples=["model", "desk"])]
    state: Annotated[
        JobState, told("`done`, `failed` and `stopped` are the end, unless somebody retries it.")
    ]
    priority: Annotated[int, told("Higher goes first.")]
    position: Annotated[int, told("Place in the queue of its lane, 1 is next; 0: not in it.", ge=0)]
    after: Annotated[tuple[str, ...], told("Ids of jobs that must be done first.")]
    attempt: Annotated[int, told("How often a worker has begun it.", ge=0)]
    created: Annotated[datetime, told("When it was asked for.")]
    started: Annotated[datetime | None, told("When its latest attempt began.")]
    ended: Annotated[datetime | None, told("When it was over.")]
    progress: Annotated[ProgressView | None, told("Null before it begins.")]
    arguments: Annotated[dict[str, Any], told("The request that it was made from.")]
    result: Annotated[
        dict[str, Any] | None, told("What came of it, once it is done; fields depend on its kind.")
    ]
    problem: Annotated[FaultView | None, told("Why it failed or was stopped.")]


class JobList(View):
    """A page of jobs, the newest first."""

    jobs: Annotated[list[JobView], told("Newest first.")]
    next: Annotated[
        int | None, told("Give this as `before` for the next page; null: this is the last.")
    ]


class EventView(View):
    """One piece of news of a job."""

    number: Annotated[int, told("Ascends within the job; numbers may be left out.", ge=1)]
    at: Annotated[datetime, told("When.")]
    kind: Annotated[
        str,
        told("state, stage, progress, say, metrics, sample, audio.", examples=["progress"]),
    ]
    data: Annotated[dict[str, Any], told("What happened; fields depend on the kind.")]


class EventList(View):
    """Events of a job, the oldest first."""

    events: Annotated[list[EventView], told("Oldest first.")]
    state: Annotated[JobState, told("Of the job when they were read.")]


# recordings


class UploadView(View):
    """A recording that was uploaded."""

    id: Annotated[str, told("Id, to be named in `files` of other calls.")]
    name: Annotated[str, told("Name of the file that came.")]
    created: Annotated[str, told("When it came.")]
    size_bytes: Annotated[int, told("Size in bytes.", ge=0)]
    duration_s: Annotated[float, told("Length in seconds.", ge=0)]
    rate_hz: Annotated[int, told("Sample rate in hertz.", ge=1)]
    channels: Annotated[int, told("1 mono, 2 stereo.", ge=1)]
    sha256: Annotated[str, told("Of its content.")]
    warnings: Annotated[tuple[str, ...], told("What to know: the same content twice, a cut end.")]


class RefusedUpload(View):
    """A file that was not taken."""

    name: Annotated[str, told("Its name.")]
    reason: Annotated[str, told("Why, and what to do.")]


class UploadList(View):
    """Uploaded recordings."""

    uploads: Annotated[list[UploadView], told("Oldest first.")]


class Uploaded(View):
    """What came of an upload: a file that cannot be used does not stop the others."""

    uploads: Annotated[list[UploadView], told("Files that were taken.")]
    refused: Annotated[list[RefusedUpload], told("Files that were not.")]


class MetadataView(View):
    """What is said of a clip: the columns of the metadata table."""

    genre: Annotated[str, told("Empty: unknown.")]
    bpm: Annotated[float | None, told("Tempo in beats per minute.")]
    key: Annotated[str, told("Such as `C major`.")]
    mood: Annotated[str, told("Empty: unknown.")]
    instruments: Annotated[tuple[str, ...], told("Names.")]
    description: Annotated[str, told("A sentence.")]
    lyrics: Annotated[str, told("What is sung; empty: instrumental.")]
    energy: Annotated[Literal["low", "medium", "high"] | None, told("How loud and dense it is.")]
    confidence: Annotated[dict[str, float], told("Of the machine's guesses, by field, 0 to 1.")]
    edited: Annotated[tuple[str, ...], told("Fields that a person has set.")]


class ProblemView(View):
    """A recording that was left out, or a warning about one."""

    file: Annotated[str, told("Its name.")]
    reason: Annotated[str, told("What is wrong with it.")]
    left_out: Annotated[bool, told("False: it is used all the same.")]


class RowView(View):
    """A clip: a row of the metadata table."""

    id: Annotated[str, told("Id of the row.")]
    file: Annotated[str, told("Name of the clip.")]
    upload: Annotated[str, told("Id of the recording that it was cut from.")]
    song: Annotated[str, told("Clips of one song share it.")]
    start_s: Annotated[float, told("Where it begins in the recording, in seconds.", ge=0)]
    duration_s: Annotated[float, told("Length in seconds.", gt=0)]
    ends_song: Annotated[bool, told("It reaches the end of the recording.")]
    metadata: Annotated[MetadataView, told("What counts.")]
    heard: Annotated[MetadataView, told("What the machine alone would say.")]
    warnings: Annotated[
        tuple[str, ...],
        told(
            "Duplicates, clipping, silence, unusual loudness, doubtful or unread tempo or key, "
            "guesses too unsure for the prompt."
        ),
    ]
    prompt: Annotated[str, told("Exactly what the model will be told of this clip.")]
    left_out: Annotated[bool, told("Training sets that are made of the table do without it.")]


class CollectionView(View):
    """A metadata table."""

    id: Annotated[str, told("Id of the table.")]
    name: Annotated[str, told("For people.")]
    created: Annotated[str, told("When it was made.")]
    duration_s: Annotated[float, told("Of all clips, in seconds.", ge=0)]
    rows: Annotated[tuple[RowView, ...], told("The clips.")]
    skipped: Annotated[tuple[ProblemView, ...], told("Recordings that were left out.")]
    notes: Annotated[tuple[str, ...], told("What to know before preparing.")]


class CollectionInfoView(View):
    """A metadata table, as the list shows it."""

    id: Annotated[str, told("Id of the table.")]
    name: Annotated[str, told("For people.")]
    created: Annotated[str, told("When it was made.")]
    clips: Annotated[int, told("Rows.", ge=0)]
    songs: Annotated[int, told("Songs that they were cut from.", ge=0)]
    minutes: Annotated[float, told("Length of all clips, in minutes.", ge=0)]
    problem: Annotated[str, told("Why it cannot be used; empty: it can.")]


class CollectionList(View):
    """Metadata tables."""

    collections: Annotated[list[CollectionInfoView], told("Newest first.")]


# training sets


class DatasetView(View):
    """A training set, as the list shows it."""

    name: Annotated[str, told("Its name.")]
    created: Annotated[str, told("When it was made.")]
    kind: Annotated[str, told("user, vocal or symbolic.")]
    songs: Annotated[int, told("Songs in it.", ge=0)]
    training_clips: Annotated[int, told("Clips to learn from.", ge=0)]
    validation_clips: Annotated[int, told("Clips kept aside to judge by.", ge=0)]
    minutes: Annotated[float, told("Length of all clips, in minutes.", ge=0)]
    problem: Annotated[str, told("Why it cannot be used; empty: it can.")]


class DatasetList(View):
    """Training sets."""

    datasets: Annotated[list[DatasetView], told("By name.")]


class ClipView(View):
    """One training example."""

    file: Annotated[str, told("Its path in the dataset.")]
    song: Annotated[str, told("Clips of one song share it, and one side of the split.")]
    start_s: Annotated[float, told("Where it begins in the recording, in seconds.", ge=0)]
    duration_s: Annotated[float, told("Length in seconds.", gt=0)]
    ends_song: Annotated[bool, told("It reaches the end of the recording.")]
    split: Annotated[Literal["train", "validation"], told("Learned from, or kept aside.")]
    metadata: Annotated[MetadataView, told("What is said of it.")]


class DatasetDetail(View):
    """A training set with its clips."""

    name: Annotated[str, told("Its name.")]
    created: Annotated[str, told("When it was made.")]
    kind: Annotated[str, told("user, vocal or symbolic.")]
    duration_s: Annotated[float, told("Of all clips, in seconds.", ge=0)]
    fingerprint: Annotated[str, told("sha256 of all that a training depends on.")]
    clips: Annotated[tuple[ClipView, ...], told("The training examples.")]
    problems: Annotated[tuple[ProblemView, ...], told("Files that were left out, and warnings.")]
    notes: Annotated[tuple[str, ...], told("What to know before training.")]
    stems: Annotated[
        tuple[str, ...],
        told("Recordings taken apart: files in its folder, which no training reads."),
    ]


# adapters


class EffectView(View):
    """What an adapter was measured to do."""

    verdict: Annotated[str, told("In a word.")]
    sentence: Annotated[str, told("The same, explained.")]
    reduction: Annotated[
        float | None, told("Share of the way from the base to the recordings; below 0: farther.")
    ]
    closest: Annotated[
        float | None, told("Likeness to the closest single training clip, 1 would be a copy.")
    ]
    dataset: Annotated[str, told("Recordings that it was measured against.")]


class AdapterView(View):
    """An adapter, as the list shows it."""

    name: Annotated[str, told("Its name.")]
    created: Annotated[str, told("When its training began; empty: unknown.")]
    steps: Annotated[int, told("Training steps.", ge=0)]
    type: Annotated[str, told("user, vocal, symbolic, merged or imported.")]
    usable: Annotated[bool, told("It can be played with.")]
    unfinished: Annotated[
        str, told("How far its training came, where not to its end; empty: it did, or had none.")
    ]
    base: Annotated[str, told("Base model that it belongs to; empty: it does not say.")]
    dataset: Annotated[str, told("What it was trained on; empty: it does not say.")]
    rank: Annotated[int | None, told("LoRA rank.")]
    alpha: Annotated[float | None, told("LoRA alpha.")]
    size_bytes: Annotated[int, told("On disk, checkpoints included.", ge=0)]
    validation_loss: Annotated[float | None, told("Lowest on clips kept aside.")]
    base_loss: Annotated[float | None, told("The same of the base, before the first step.")]
    effect: Annotated[EffectView | None, told("Null: it was not measured yet.")]
    problem: Annotated[str, told("Why it cannot be used; empty: it can.")]

    @classmethod
    def of(cls, info: AdapterInfo) -> Self:
        """The view of an adapter of the library."""
        return cls(**_facts(info))


class AdapterDetail(AdapterView):
    """All that is known of an adapter."""

    recipe: Annotated[dict[str, Any], told("Every setting of its training.")]
    notes: Annotated[tuple[str, ...], told("What to know about it.")]
    minutes: Annotated[float, told("Length of what it was trained on, in minutes.", ge=0)]
    seconds: Annotated[float, told("How long the training took, in seconds.", ge=0)]
    licences: Annotated[tuple[str, ...], told("Of the recordings.")]
    report: Annotated[dict[str, Any] | None, told("The whole measured report.")]

    @classmethod
    def of(cls, info: AdapterInfo) -> Self:
        """The view of an adapter of the library."""
        known, trained = info.metadata, info.metadata and info.metadata.dataset
        return cls(
            **_facts(info),
            recipe=known.recipe if known else {},
            notes=known.notes if known else (),
            minutes=trained.minutes if trained else 0,
            seconds=known.seconds if known else 0,
            licences=trained.licences if trained else (),
            report=info.report,
        )


class AdapterList(View):
    """Adapters."""

    adapters: Annotated[list[AdapterView], told("Adapters, one by one.")]


def _facts(info: AdapterInfo) -> dict[str, Any]:
    known = info.metadata
    facts: dict[str, Any] = {
        "name": info.name,
        "usable": info.usable,
        "unfinished": info.unfinished,
        "size_bytes": info.size_bytes,
        "problem": info.problem,
        "created": known.created if known else "",
        "steps": known.steps if known else 0,
        "type": known.kind if known else "imported",
        "base": known.base.name if known and known.base else "",
        "dataset": known.dataset.name if known and known.dataset else "",
        "rank": known.rank if known else None,
        "alpha": known.alpha if known else None,
        "validation_loss": known.losses.validation_best if known else None,
        "base_loss": known.losses.validation_base if known else None,
    }
    return facts | {"effect": _effect(known.effect if known else None)}


def _effect(summary: dict[str, Any] | None) -> EffectView | None:
    """What a report found, as far as its summary can be read: an imported one may be anything."""
    try:
        return EffectView.model_validate(summary) if summary else None
    except ValidationError:
        return None


class TrainingStatusView(View):
    """How a training goes or went."""

    state: Annotated[
        Literal["running", "stopped", "failed", "done", "interrupted"],
        told("`interrupted`: its process ended without a word."),
    ]
    epoch: Annotated[int, told("Epochs begun.", ge=0)]
    epochs: Annotated[int, told("Epochs in all.", ge=0)]
    step: Annotated[int, told("Steps done.", ge=0)]
    steps: Annotated[int, told("Steps in all.", ge=0)]
    loss: Annotated[float | None, told("Flow-matching error of the newest steps.")]
    validation_loss: Annotated[float | None, told("The same on clips kept aside.")]
    percent: Annotated[float, told("Of the steps.", ge=0, le=100)]
    seconds_left: Annotated[float | None, told("For the steps, without report; null: not known.")]
    message: Annotated[str, told("For people.")]


class TrainingNowView(View):
    """How the trainings stand."""

    training: Annotated[bool, told("One runs.")]
    job: Annotated[JobView | None, told("That one.")]
    adapter: Annotated[str | None, told("Name of its adapter.")]
    status: Annotated[TrainingStatusView | None, told("How far it is; null until it has begun.")]
    queue: Annotated[tuple[JobView, ...], told("Trainings that wait, the next one first.")]
    adapters: Annotated[
        dict[str, TrainingStatusView], told("How the training of each adapter goes or went.")
    ]


# songs


class AdapterUseView(View):
    """An adapter of a song."""

    name: Annotated[str, told("Its name.")]
    strength: Annotated[float, told("0 is off, 1 as trained.")]
    sha256: Annotated[str, told("Of its weights when the song was made.")]


class SongRequestView(View):
    """The request that made a song: give it to `POST /api/songs` and the same song is made."""

    prompt: Annotated[str, told("The style.")]
    lyrics: Annotated[str, told("What is sung; empty: instrumental.")]
    duration_s: Annotated[float, told("Length asked for, in seconds.")]
    seed: Annotated[int, told("Same seed, same song.")]
    steps: Annotated[int, told("Steps per block of 2 s.")]
    guidance: Annotated[float, told("1 follows the prompt as learned.")]
    adapters: Annotated[tuple[AdapterUseView, ...], told("Adapters that sound in it.")]
    base: Annotated[str, told("Base model.")]


class SongView(View):
    """A song."""

    id: Annotated[str, told("Id, for the paths under /api/songs.")]
    title: Annotated[str, told("Its prompt, or its file's name.")]
    created: Annotated[str, told("When it was made.")]
    duration_s: Annotated[float, told("Length in seconds.", ge=0)]
    rate_hz: Annotated[int, told("Sample rate in hertz.", ge=1)]
    size_bytes: Annotated[int, told("Size in bytes.", ge=0)]
    request: Annotated[SongRequestView | None, told("Null: it was not made here.")]


class SongList(View):
    """Songs."""

    songs: Annotated[list[SongView], told("Newest first.")]


# models, public sets, the server


class ModelView(View):
    """A base model."""

    name: Annotated[str, told("Its name, for `base` of other calls.")]
    here: Annotated[bool, told("Its files are on this machine.")]
    plays: Annotated[bool, told("It can make songs.")]
    trains: Annotated[bool, told("Adapters of it can be trained.")]
    megabytes: Annotated[float, told("Size in megabytes.", ge=0)]
    remedy: Annotated[str, told("What to do where something is missing.")]


class ModelList(View):
    """Base models."""

    models: Annotated[list[ModelView], told("Base models, here or to be had.")]
    default: Annotated[str, told("The one that is used when none is named.")]


class FitView(View):
    """How far a fit is, finished or not."""

    step: Annotated[int, told("Steps done and saved.", ge=0)]
    steps: Annotated[int, told("Steps in all.", ge=1)]
    finished: Annotated[bool, told("All steps are done.")]
    songs_made: Annotated[int, told("Songs that the base has made for it.", ge=0)]
    songs: Annotated[int, told("Songs that it wants.", ge=0)]
    error: Annotated[
        float | None,
        told("Of latents at its best step; 1: as good as always saying the mean; null: not yet."),
    ]
    best_step: Annotated[int, told("The step whose encoder is taken.", ge=0)]
    recipe: Annotated[dict[str, Any], told("Give these values again to go on with it.")]


class CheckView(View):
    """What the newest check of an encoder found."""

    created: Annotated[str, told("When.")]
    answer: Annotated[str, told("good, doubtful or bad.", examples=["good"])]
    sentence: Annotated[str, told("The same, explained.")]
    faults: Annotated[tuple[str, ...], told("What is not good enough, and what would be.")]
    figures: Annotated[
        dict[str, float | None], told("What was measured, by name; null: nothing to measure.")
    ]
    page: Annotated[str, told("Path of the page with all figures and sounds.")]


class EncoderView(View):
    """A base model, as far as its encoder goes."""

    id: Annotated[str, told("Id of its encoder, for the paths under /api/encoder.")]
    base: Annotated[str, told("Name of the base, for `base` of other calls.")]
    encoder: Annotated[
        EncoderKind, told("`none`: it cannot be trained yet; `own`: it came with the base.")
    ]
    fittable: Annotated[bool, told("An encoder can be fitted to it: it makes songs.")]
    fit: Annotated[FitView | None, told("The newest fit; null: none was begun here.")]
    check: Annotated[CheckView | None, told("The newest check; null: not checked since fitted.")]
    published: Annotated[
        str | None, told("Path of the archive to pass on; null: not published since fitted.")
    ]

    @classmethod
    def of(cls, info: EncoderInfo) -> Self:
        """The view of the encoder of a base."""
        check = None
        if info.check is not None:
            page = f"/api/encoder/check/{quote(info.id)}/check.html"
            check = CheckView(**asdict(info.check), page=page)
        return cls(
            id=info.id,
            base=info.base,
            encoder=info.kind,
            fittable=info.fittable,
            fit=FitView.model_validate(info.fit) if info.fit else None,
            check=check,
            published=f"/api/encoder/{quote(info.id)}/export" if info.published else None,
        )


class EncoderList(View):
    """Base models and their encoders."""

    encoders: Annotated[list[EncoderView], told("One for each base model that is here.")]


class CuratedView(View):
    """A public set that the page knows by name."""

    id: Annotated[str, told("Short name.")]
    title: Annotated[str, told("Its own name.")]
    kind: Annotated[str, told("vocal or symbolic.")]
    about: Annotated[str, told("What it holds.")]
    licence: Annotated[str, told("What is known of its licence.")]
    here: Annotated[bool, told("A dataset of it can be trained on.")]
    dataset: Annotated[str | None, told("Its name among the datasets.")]
    clips: Annotated[int, told("Clips that are here.", ge=0)]
    minutes: Annotated[float, told("Their length, in minutes.", ge=0)]
    status: Annotated[str, told("What there is, and what can be done.")]


class CuratedList(View):
    """Public sets."""

    datasets: Annotated[list[CuratedView], told("In the order of the page.")]


class Health(View):
    """The server answers."""

    status: Annotated[Literal["ok"], told("It answers.")] = "ok"


class Version(View):
    """What runs."""

    angen: Annotated[str, told("Version of Angen Studio.")]
    python: Annotated[str, told("Version of Python.")]
    api: Annotated[Literal[1], told("Version of these paths.")] = 1


# How a path answers that queues a job.
QUEUED: dict[str, Any] = {
    "status_code": 202,
    "response_model": JobView,
    "responses": faults(404, 409, 413, 415, 507),
}
