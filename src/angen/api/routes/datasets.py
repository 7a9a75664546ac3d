"""Training sets: listed, shown, edited, passed on."""

from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Response, UploadFile
from fastapi import Path as PathParameter
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from angen.api.bodies import Body
from angen.api.deps import DatasetName, DeskDep
from angen.api.files import AUDIO, ZIP, name_of, received, served
from angen.api.problems import faults
from angen.api.views import CuratedList, DatasetDetail, DatasetList, JobView
from angen.data.manifest import DatasetInfo, Problem
from angen.jobs.job import Job
from angen.studio.material.doubts import unread
from angen.studio.requests.material import MetadataEdit

router = APIRouter(prefix="/api/training", tags=["datasets"])


class ClipEdits(BaseModel):
    """What people say of some clips."""

    model_config = ConfigDict(extra="forbid")

    clips: Annotated[
        dict[str, MetadataEdit],
        Field(
            max_length=10_000,
            description="Values by file of the clip. Left out: as it is; empty: none.",
            examples=[{"clips/jazz_song_clip001.wav": {"genre": "jazz"}}],
        ),
    ]


@router.get("/datasets", response_model=DatasetList, responses=faults())
def list_datasets(desk: DeskDep) -> dict[str, Any]:
    """All training sets, by name; damaged ones too, with their problem."""
    return {"datasets": desk.datasets()}


@router.get("/curated-datasets", response_model=CuratedList, responses=faults())
def list_curated(desk: DeskDep) -> dict[str, Any]:
    """The public sets of tab 1, and which of them are here."""
    return {"datasets": desk.curated()}


@router.post(
    "/datasets/import",
    status_code=202,
    response_model=JobView,
    responses=faults(409, 413, 415, 507),
)
def import_dataset(
    file: Annotated[UploadFile, File(description="A .zip that was exported before.")],
    desk: DeskDep,
    name: Annotated[
        str, Form(description="Its name here; empty: that of the archive.", max_length=100)
    ] = "",
) -> Job:
    """Take in a training set that was exported, here or elsewhere."""
    with received(file, desk.settings.incoming) as archive:
        return desk.import_dataset(archive, name or None, called=name_of(file))


@router.get("/datasets/{name}", response_model=DatasetDetail, responses=faults(404))
def show_dataset(name: DatasetName, desk: DeskDep) -> DatasetInfo:
    """A training set with its clips."""
    return _with_doubts(desk.dataset(name))


@router.patch(
    "/datasets/{name}", response_model=DatasetDetail, responses=faults(404, 409, 413, 415, 507)
)
def edit_dataset(name: DatasetName, edits: Body[ClipEdits], desk: DeskDep) -> DatasetInfo:
    """Save what people say of clips; all of it or, when a value does not fit, nothing."""
    return _with_doubts(desk.edit_dataset(name, edits.clips))


def _with_doubts(info: DatasetInfo) -> DatasetInfo:
    """The same, with what people wrote and no prompt will be read to say among its warnings."""
    doubts = [
        Problem(file=clip.file, reason=doubt, left_out=False)
        for clip in info.clips
        for doubt in unread(clip.metadata)
    ]
    return info.model_copy(update={"problems": (*info.problems, *doubts)})


@router.delete(
    "/datasets/{name}", status_code=204, response_class=Response, responses=faults(404, 409)
)
def delete_dataset(name: DatasetName, desk: DeskDep) -> None:
    """Remove a training set with its clips. Adapters trained on it stay."""
    desk.delete_dataset(name)


@router.get("/datasets/{name}/export", response_class=FileResponse, responses=ZIP)
def export_dataset(name: DatasetName, desk: DeskDep) -> FileResponse:
    """A training set as one .zip, to pass on."""
    path = desk.export_dataset(name)
    return served(desk.settings.home, path, name=f"{name}.zip", show="attachment")


@router.get("/datasets/{name}/clips/{file}/audio", response_class=FileResponse, responses=AUDIO)
def clip_audio(
    name: DatasetName,
    file: Annotated[
        str,
        PathParameter(
            description="Name of the clip, without its folder.",
            min_length=1,
            max_length=255,
            examples=["jazz_song_clip001.wav"],
        ),
    ],
    desk: DeskDep,
) -> FileResponse:
    """A clip of a training set, whole or by ranges."""
    return served(desk.settings.home, desk.clip_audio(name, file))
