"""Recordings: brought, listed, played, deleted."""

from typing import Annotated, Any

from fastapi import APIRouter, File, Response, UploadFile
from fastapi.responses import FileResponse

from angen.api.deps import DeskDep, UploadId
from angen.api.files import AUDIO, served
from angen.api.problems import faults
from angen.api.views import Uploaded, UploadList, UploadView
from angen.errors import BadInput
from angen.studio.material.uploads import Upload
from angen.studio.requests.fields import MAX_FILES

router = APIRouter(prefix="/api/uploads", tags=["uploads"])


@router.post("", status_code=201, response_model=Uploaded, responses=faults(413, 415, 507))
def upload_recordings(
    files: Annotated[
        list[UploadFile],
        File(
            description="WAV, FLAC, MP3, OGG, Opus, AIFF, M4A, AAC, WMA, WebM; several at once.",
            min_length=1,
            max_length=MAX_FILES,
        ),
    ],
    desk: DeskDep,
) -> dict[str, Any]:
    """Bring recordings; each gets an id to be named in other calls.

    A file that cannot be used does not stop the others; when none can be used, the answer is 422.
    """
    taken: list[Upload] = []
    refused: list[dict[str, str]] = []
    for file in files:
        name = file.filename or "recording"
        try:
            taken.append(desk.save_upload(name, file.file))
        except BadInput as error:
            refused.append({"name": name, "reason": str(error)})
    if not taken:
        raise BadInput(" ".join(item["reason"] for item in refused))
    return {"uploads": taken, "refused": refused}


@router.get("", response_model=UploadList, responses=faults())
def list_uploads(desk: DeskDep) -> dict[str, Any]:
    """All recordings that were brought, the oldest first."""
    return {"uploads": desk.uploads()}


@router.get("/{upload}", response_model=UploadView, responses=faults(404))
def show_upload(upload: UploadId, desk: DeskDep) -> Upload:
    """One recording."""
    return desk.upload(upload)


@router.get("/{upload}/audio", response_class=FileResponse, responses=AUDIO)
def upload_audio(upload: UploadId, desk: DeskDep) -> FileResponse:
    """The recording itself, whole or by ranges."""
    found = desk.upload(upload)
    return served(desk.settings.home, desk.upload_audio(upload), name=found.name)


@router.delete("/{upload}", status_code=204, response_class=Response, responses=faults(404, 409))
def delete_upload(upload: UploadId, desk: DeskDep) -> None:
    """Remove a recording. Clips and datasets made of it stay."""
    desk.delete_upload(upload)
