"""What the paths share: the desk, and parameters that many of them take."""

from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request, WebSocket
from pydantic import Field

from angen.api.feed import Feed, Line
from angen.studio.desk import Desk

MAX_LIST = 500


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


def _feed(request: Request) -> Feed[Line]:
    feed: Feed[Line] = request.app.state.feed
    return feed


def feed_of(websocket: WebSocket) -> Feed[Line]:
    feed: Feed[Line] = websocket.app.state.feed
    return feed


DeskDep = Annotated[Desk, Depends(_desk)]
FeedDep = Annotated[Feed[Line], Depends(_feed)]


def identity(what: str) -> Any:
    """A path parameter that is an id."""
    return Path(description=f"Id of the {what}.", pattern=r"^[A-Za-z0-9_-]{1,64}$")


def named(what: str, example: str) -> Any:
    """A path parameter that is a name."""
    return Path(
        description=f"Name of the {what}.", min_length=1, max_length=100, examples=[example]
    )


JobId = Annotated[str, identity("job")]
UploadId = Annotated[str, identity("upload")]
CollectionId = Annotated[str, identity("metadata table")]
RowId = Annotated[str, identity("row")]
DatasetName = Annotated[str, named("dataset", "user_dataset_1702987654")]
AdapterName = Annotated[str, named("adapter", "my_jazz_lora_v1")]
SongId = Annotated[str, named("song", "jazz-1")]
Limit = Annotated[int, Query(description="How many at most.", ge=1, le=MAX_LIST)]
After = Annotated[
    int, Query(description="Only events of a higher number.", ge=0, lt=2**31, examples=[0])
]
Following = Annotated[
    tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")], ...],
    Query(
        description="Ids of jobs that must be done first, such as the one that prepares the "
        "dataset.",
        max_length=20,
    ),
]
