"""Metadata tables: what was heard in each clip, and what people say of it."""

from typing import Annotated, Any

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from angen.api.bodies import Body
from angen.api.deps import CollectionId, DeskDep, RowId
from angen.api.files import AUDIO, served
from angen.api.problems import faults
from angen.api.views import CollectionList, CollectionView, JobView
from angen.jobs.job import Job
from angen.studio.material.collections import Collection
from angen.studio.requests.fields import Id
from angen.studio.requests.material import FillRequest, MetadataEdit

router = APIRouter(prefix="/api/training/collections", tags=["metadata tables"])
MAX_EDITS = 10_000


class Edits(BaseModel):
    """What people say of some rows."""

    model_config = ConfigDict(extra="forbid")

    rows: Annotated[
        dict[str, MetadataEdit],
        Field(
            max_length=MAX_EDITS,
            description="Values by id of the row. Left out: as it is; empty: none; "
            "null: what the machine heard.",
            examples=[{"r1": {"genre": "jazz", "bpm": 92}}],
        ),
    ]
    left_out: Annotated[
        dict[str, bool],
        Field(
            max_length=MAX_EDITS,
            description="By id of the row: true keeps it out of training sets, false brings it "
            "back.",
            examples=[{"r2": True}],
        ),
    ] = {}


class FillRows(BaseModel):
    """Which rows to listen to anew."""

    model_config = ConfigDict(extra="forbid")

    rows: Annotated[
        tuple[Id, ...], Field(max_length=MAX_EDITS, description="Ids of rows; empty: all.")
    ] = ()


@router.get("", response_model=CollectionList, responses=faults())
def list_collections(desk: DeskDep) -> dict[str, Any]:
    """All metadata tables, the newest first."""
    return {"collections": desk.collections()}


@router.get("/{collection}", response_model=CollectionView, responses=faults(404))
def show_collection(collection: CollectionId, desk: DeskDep) -> Collection:
    """A metadata table with its rows, and the exact prompt of each clip."""
    return desk.collection(collection)


@router.patch(
    "/{collection}/rows", response_model=CollectionView, responses=faults(404, 409, 413, 415, 507)
)
def edit_rows(collection: CollectionId, edits: Body[Edits], desk: DeskDep) -> Collection:
    """Save what people say of clips; all of it or, when a value does not fit, nothing."""
    return desk.edit_rows(collection, edits.rows, edits.left_out)


@router.post(
    "/{collection}/fill",
    status_code=202,
    response_model=JobView,
    responses=faults(404, 409, 413, 415),
)
def fill_rows(collection: CollectionId, rows: Body[FillRows], desk: DeskDep) -> Job:
    """Listen to clips anew, and fill what no person has written."""
    return desk.fill(FillRequest(collection=collection, rows=rows.rows))


@router.get("/{collection}/rows/{row}/audio", response_class=FileResponse, responses=AUDIO)
def row_audio(collection: CollectionId, row: RowId, desk: DeskDep) -> FileResponse:
    """The clip of a row, whole or by ranges."""
    return served(desk.settings.home, desk.row_audio(collection, row))


@router.delete(
    "/{collection}", status_code=204, response_class=Response, responses=faults(404, 409)
)
def delete_collection(collection: CollectionId, desk: DeskDep) -> None:
    """Remove a metadata table with its clips. Datasets made of it stay."""
    desk.delete_collection(collection)
