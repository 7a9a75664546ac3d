"""Adapters: listed, renamed, passed on, merged, compared, and what was measured of them."""

from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Query, Response, UploadFile
from fastapi import Path as PathParameter
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from angen.api.bodies import Body
from angen.api.deps import AdapterName, DeskDep
from angen.api.files import MEDIA, ZIP, name_of, received, served
from angen.api.problems import faults
from angen.api.views import AdapterDetail, AdapterList, AdapterView, JobView
from angen.jobs.job import Job
from angen.studio.requests.fields import DatasetName
from angen.studio.requests.training import MergeRequest, ReportRequest

router = APIRouter(prefix="/api/training/lora-adapters", tags=["adapters"])
comparing = APIRouter(prefix="/api/training", tags=["adapters"])
MAX_COMPARED = 20
_QUEUED: dict[str, Any] = {"status_code": 202, "response_model": JobView}


class Rename(BaseModel):
    """Another name."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[
        str,
        Field(
            min_length=1, max_length=100, description="The new name.", examples=["my_jazz_lora_v2"]
        ),
    ]


class Measure(BaseModel):
    """How to measure the effect of an adapter."""

    model_config = ConfigDict(extra="forbid")

    dataset: Annotated[
        DatasetName | None, Field(description="Another dataset than its own to measure against.")
    ] = None
    songs: Annotated[
        int, Field(ge=4, le=64, description="Songs made with, and as many without.")
    ] = 16
    song_s: Annotated[float, Field(ge=2, le=60, description="Their length, in seconds.")] = 10.0


@router.get("", response_model=AdapterList, responses=faults())
def list_adapters(desk: DeskDep) -> dict[str, Any]:
    """All adapters, by name; damaged ones too, with their problem."""
    return {"adapters": [AdapterView.of(info) for info in desk.adapters()]}


@comparing.get("/compare-lora-adapters", response_model=AdapterList, responses=faults(404))
def compare_adapters(
    name: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=100)]],
        Query(description="Names of adapters.", min_length=1, max_length=MAX_COMPARED),
    ],
    desk: DeskDep,
) -> dict[str, Any]:
    """Several adapters side by side: recipe, losses, measured effect."""
    return {"adapters": [AdapterView.of(info) for info in desk.compare_adapters(name)]}


@router.post("/import", **_QUEUED, responses=faults(409, 413, 415, 507))
def import_adapter(
    file: Annotated[
        UploadFile,
        File(
            description="A .zip that was exported here, or of a PEFT folder; or a .safetensors "
            "file of a LoRA. What such a file does not say is among the job's warnings."
        ),
    ],
    desk: DeskDep,
    name: Annotated[
        str, Form(description="Its name here; empty: that of the archive.", max_length=100)
    ] = "",
) -> Job:
    """Take in an adapter from elsewhere. Nothing in it is run."""
    with received(file, desk.settings.incoming, weights=True) as archive:
        return desk.import_adapter(archive, name or None, called=name_of(file))


@router.post("/merge", **_QUEUED, responses=faults(404, 409, 413, 415))
def merge_adapters(request: Body[MergeRequest], desk: DeskDep) -> Job:
    """One adapter that does what several do together, each at its strength."""
    return desk.merge_adapters(request)


@router.get("/{name}", response_model=AdapterDetail, responses=faults(404))
def show_adapter(name: AdapterName, desk: DeskDep) -> AdapterDetail:
    """All that is known of an adapter."""
    return AdapterDetail.of(desk.adapter(name))


@router.patch("/{name}", response_model=AdapterDetail, responses=faults(404, 409, 413, 415))
def rename_adapter(name: AdapterName, rename: Body[Rename], desk: DeskDep) -> AdapterDetail:
    """Give an adapter another name."""
    return AdapterDetail.of(desk.rename_adapter(name, rename.name))


@router.delete("/{name}", status_code=204, response_class=Response, responses=faults(404, 409))
def delete_adapter(name: AdapterName, desk: DeskDep) -> None:
    """Remove an adapter with all that belongs to it."""
    desk.delete_adapter(name)


@router.get("/{name}/export", response_class=FileResponse, responses=ZIP)
def export_adapter(name: AdapterName, desk: DeskDep) -> FileResponse:
    """An adapter as one .zip, to pass on."""
    path = desk.export_adapter(name)
    return served(desk.settings.home, path, name=path.name, show="attachment")


@router.post("/{name}/report", **_QUEUED, responses=faults(404, 409, 413, 415))
def measure_adapter(name: AdapterName, how: Body[Measure], desk: DeskDep) -> Job:
    """Measure anew what an adapter does, by songs with and without it."""
    adapter = desk.adapter(name).name
    return desk.report(ReportRequest(adapter=adapter, **how.model_dump()))


@router.get("/{name}/report", response_class=FileResponse, responses=MEDIA)
def adapter_report(name: AdapterName, desk: DeskDep) -> FileResponse:
    """What was measured, as a page. As JSON: `report` of the adapter, or files/report.json."""
    return served(desk.settings.home, desk.adapter_report(name) / "report.html")


@router.get("/{name}/files/{file:path}", response_class=FileResponse, responses=MEDIA)
def adapter_file(
    name: AdapterName,
    file: Annotated[
        str,
        PathParameter(
            description="report.html, report.json, or a file of report/, reports/ or samples/.",
            min_length=1,
            max_length=500,
            examples=["report.html"],
        ),
    ],
    desk: DeskDep,
) -> FileResponse:
    """A file of the report, or a song made during the training."""
    return served(desk.settings.home, desk.adapter_file(name, file))
