"""Songs: asked for, listened to while they are made, kept, deleted."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import Field

from angen.api.bodies import Body
from angen.api.deps import DeskDep, Following, JobId, SongId
from angen.api.files import AUDIO, served
from angen.api.problems import faults
from angen.api.views import JobView, SongList, SongView
from angen.errors import BadInput, Unknown
from angen.jobs.job import Job
from angen.studio.desk import Desk
from angen.studio.playing.outputs import MAX_SONGS, SongInfo
from angen.studio.requests.songs import MAX_ADAPTERS, AdapterUse, SongRequest

router = APIRouter(prefix="/api", tags=["songs"])
LOOK_S = 0.1  # between two looks at a song that grows
GONE_S = 2.0  # after which a listener that has gone is noticed
CHUNK = 2**16
_QUEUED: dict[str, Any] = {
    "status_code": 202,
    "response_model": JobView,
    "responses": faults(404, 409, 413, 415),
}


class CompareRequest(SongRequest):
    """A song to be made twice: without its adapters, and with them."""

    adapters: Annotated[
        tuple[AdapterUse, ...],
        Field(min_length=1, max_length=MAX_ADAPTERS, description="Adapters that sound together."),
    ]


@router.post("/songs", **_QUEUED)
def generate_song(request: Body[SongRequest], desk: DeskDep, after: Following = ()) -> Job:
    """Make a song. It can be heard while it is made: `/api/jobs/{job}/audio`."""
    return desk.generate(request, after)


@router.post("/songs/compare", **_QUEUED)
def compare_songs(request: Body[CompareRequest], desk: DeskDep) -> Job:
    """Make the same song without and with its adapters, from the same seed."""
    return desk.compare(SongRequest(**dict(request)))


@router.get("/songs", response_model=SongList, responses=faults())
def list_songs(
    desk: DeskDep,
    limit: Annotated[int, Query(description="How many at most.", ge=1, le=MAX_SONGS)] = 100,
) -> dict[str, Any]:
    """The songs, the newest first."""
    return {"songs": desk.songs(limit)}


@router.get("/songs/{song}", response_model=SongView, responses=faults(404))
def show_song(song: SongId, desk: DeskDep) -> SongInfo:
    """A song, and the request that made it."""
    return desk.song(song)


@router.get("/songs/{song}/audio", response_class=FileResponse, responses=AUDIO)
def song_audio(
    song: SongId,
    desk: DeskDep,
    download: Annotated[bool, Query(description="To be saved, not played.")] = False,
) -> FileResponse:
    """The song itself, whole or by ranges."""
    path = desk.song_audio(song)
    return served(desk.settings.home, path, show="attachment" if download else "inline")


@router.delete("/songs/{song}", status_code=204, response_class=Response, responses=faults(404))
def delete_song(song: SongId, desk: DeskDep) -> None:
    """Remove a song."""
    desk.delete_song(song)


@router.get(
    "/jobs/{job}/audio",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "16-bit WAV, sent as it is made. Its header claims the length that "
            "was asked for; a song may end before.",
            "content": {"audio/wav": {"schema": {"type": "string", "format": "binary"}}},
        },
        **faults(404),
    },
)
async def job_audio(job: JobId, desk: DeskDep, request: Request) -> Response:
    """A song in the making: waits for its first sound, then goes on as far as it is made."""
    path = await _first_sound(desk, job, request)
    if path is None:
        return Response(status_code=204)  # that nobody reads
    return StreamingResponse(
        _growing(desk, job, path, request),
        media_type="audio/wav",
        headers={"cache-control": "no-store"},
    )


async def _first_sound(desk: Desk, job: str, request: Request) -> Path | None:
    """Where the song of ``job`` grows, once it does; None when nobody waits for it any more.

    Raises Unknown when it never will.
    """
    seen = 0
    while not await request.is_disconnected():
        audio = await asyncio.to_thread(desk.job_audio, job)
        if audio.path is not None:
            return audio.path
        if audio.finished:
            raise Unknown("This job made no sound, or it is gone: look for it among the songs.")
        await asyncio.sleep(LOOK_S)
        seen = await desk.store.wait_async(seen, GONE_S)
    return None


async def _growing(desk: Desk, job: str, path: Path, request: Request) -> AsyncIterator[bytes]:
    """The bytes of a file that grows, until its job is over. It stays open when it is moved."""
    with path.open("rb") as file:
        while not await request.is_disconnected():
            try:
                finished = (await asyncio.to_thread(desk.job_audio, job)).finished
            except BadInput:
                finished = True
            while chunk := await asyncio.to_thread(file.read, CHUNK):
                yield chunk
            if finished:
                return
            await asyncio.sleep(LOOK_S)
