"""Jobs: what is queued, what runs, what came of it, and news of it as it happens."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response, WebSocket
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.websockets import WebSocketDisconnect

from angen.api.bodies import Body
from angen.api.deps import After, DeskDep, FeedDep, JobId, Limit, feed_of
from angen.api.feed import Feed, Line
from angen.api.problems import faults
from angen.api.views import EventList, JobList, JobView
from angen.errors import BadInput
from angen.jobs.job import Job, JobState
from angen.studio.desk import Desk

router = APIRouter(prefix="/api/jobs", tags=["jobs"])
STREAM = "text/event-stream"
HEARTBEAT = json.dumps({"kind": "heartbeat", "data": {}})


class Move(BaseModel):
    """Where in the queue."""

    model_config = ConfigDict(extra="forbid")

    before: Annotated[
        str | None,
        Field(
            pattern=r"^[A-Za-z0-9_-]{1,64}$",
            description="Id of the queued job to go before; null: to the end.",
        ),
    ] = None


@router.get("", response_model=JobList, responses=faults())
def list_jobs(
    desk: DeskDep,
    state: Annotated[
        list[JobState] | None, Query(description="Only jobs in these states.", max_length=7)
    ] = None,
    kind: Annotated[
        list[str] | None, Query(description="Only jobs of these kinds.", max_length=20)
    ] = None,
    limit: Limit = 50,
    before: Annotated[
        int | None,
        Query(
            description="Only jobs of a lower number: `next` of the page before.", ge=1, lt=2**31
        ),
    ] = None,
) -> dict[str, Any]:
    """Jobs, the newest first."""
    found = desk.jobs(states=state, kinds=kind, limit=limit + 1, before=before)
    desk.store.hear()  # of what was just read: answers that were kept are given up
    shown = found[:limit]
    return {"jobs": shown, "next": shown[-1].number if len(found) > limit else None}


@router.get("/{job}", response_model=JobView, responses=faults(404))
def show_job(job: JobId, desk: DeskDep) -> Job:
    """One job."""
    found = desk.job(job)
    desk.store.hear()  # of what was just read: answers that were kept are given up
    return found


@router.post("/{job}/cancel", response_model=JobView, responses=faults(404, 409))
def cancel_job(job: JobId, desk: DeskDep) -> Job:
    """Stop a job: at once while it is queued; when it runs, at its next step, its work saved."""
    return desk.cancel(job)


@router.post("/{job}/retry", response_model=JobView, responses=faults(404, 409))
def retry_job(job: JobId, desk: DeskDep) -> Job:
    """Queue a job again that failed or was stopped; it goes on from what it had saved."""
    return desk.retry(job)


@router.post("/{job}/move", response_model=JobList, responses=faults(404, 409, 413, 415))
def move_job(job: JobId, move: Body[Move], desk: DeskDep) -> dict[str, Any]:
    """Change the order of queued jobs; the queue of its lane afterwards, next one first."""
    return {"jobs": desk.move(job, move.before), "next": None}


@router.delete("/{job}", status_code=204, response_class=Response, responses=faults(404, 409))
def forget_job(job: JobId, desk: DeskDep) -> None:
    """Remove a job that is over, with its events. What it made stays."""
    desk.forget(job)


@router.get(
    "/{job}/events",
    response_model=EventList,
    responses={
        200: {
            "content": {STREAM: {"schema": {"type": "string"}}},
            "description": "With `Accept: text/event-stream` a stream of server-sent events that "
            "ends with the job; a list otherwise.",
        },
        **faults(404),
    },
)
async def job_events(
    job: JobId,
    request: Request,
    desk: DeskDep,
    feed: FeedDep,
    after: After = 0,
    limit: Limit = 200,
    last_event_id: Annotated[
        int,
        Header(
            description="Number of the last event heard, as browsers send it to go on.",
            ge=0,
            lt=2**31,
        ),
    ] = 0,
) -> Any:
    """What happened, and what happens: progress, loss, lines of the log, samples.

    The same path is a websocket that sends each event as JSON.
    """
    found = await asyncio.to_thread(desk.job, job)
    if STREAM not in request.headers.get("accept", ""):
        events = await asyncio.to_thread(desk.events, job, after=after, limit=limit)
        return {"events": events, "state": found.state}
    return StreamingResponse(
        _lines(desk, feed, job, max(after, last_event_id)),
        media_type=STREAM,
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


@router.websocket("/{job}/events")
async def job_events_socket(
    websocket: WebSocket, job: JobId, after: Annotated[int, Query(ge=0, lt=2**31)] = 0
) -> None:
    """The same over a websocket: a message of JSON for each event, the last one of kind `end`."""
    desk: Desk = websocket.app.state.desk
    try:
        await asyncio.to_thread(desk.job, job)
    except BadInput:
        await websocket.close(1008)
        return
    await websocket.accept()
    with contextlib.suppress(WebSocketDisconnect):
        async for _, kind, data in _news(desk, feed_of(websocket), job, after):
            await websocket.send_text(data if kind else HEARTBEAT)
        await websocket.close(1000)


async def _lines(desk: Desk, feed: Feed[Line], job: str, after: int) -> AsyncGenerator[str]:
    """News as server-sent events."""
    async for number, kind, data in _news(desk, feed, job, after):
        place = f"id: {number}\n" if number else ""
        yield f"{place}event: {kind}\ndata: {data}\n\n" if kind else ": heartbeat\n\n"


async def _news(
    desk: Desk, feed: Feed[Line], job: str, after: int
) -> AsyncGenerator[tuple[int, str, str]]:
    """(number, kind, JSON) of each event; an empty kind is a heartbeat, ``end`` the last."""
    async with contextlib.aclosing(feed.listen(job, after)) as events:
        async for event in events:
            if event is None:
                yield 0, "", ""
            else:
                yield event.number, event.kind, event.text
    with contextlib.suppress(BadInput):
        over = await asyncio.to_thread(desk.job, job)
        if over.state.over:  # else the server stops, and the listener had better come again
            yield 0, "end", json.dumps({"kind": "end", "data": {"state": over.state}})
