"""No event of the page reads, copies or removes a file that was not uploaded."""

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from angen.api.app import create_app
from angen.cli.serving import build_page, with_page
from angen.studio.settings import Settings
from angen.ui.mounting import drop_unread

# Of pandas, which Gradio uses for figures that it keeps of its events.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

SECRET = b"the password of the owner"
TEXT_FIELDS = ("textbox", "dropdown", "html")


@pytest.fixture(scope="module")
def uploads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uploads")


@pytest.fixture(autouse=True)
def upload_folder(uploads: Path) -> Path:
    """One for all tests here: the server knows it from its start."""
    return uploads


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, uploads: Path) -> Iterator[TestClient]:
    """The whole server: guard, API and page."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(uploads))
        app = create_app(Settings(home=tmp_path_factory.mktemp("home")), runner=False)
        with_page(app, build_page)
        with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
            yield client


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.wav"
    path.write_bytes(SECRET)
    return path


def file_data(path: Path, **more: Any) -> dict[str, Any]:
    """How a browser names a file that it has uploaded."""
    return {"path": str(path), "meta": {"_type": "gradio.FileData"}, **more}


def events(server: TestClient) -> list[dict[str, Any]]:
    """All events of the page that the server answers."""
    config = server.get("/config").json()
    values = {part["id"]: part["props"].get("value") for part in config["components"]}
    kinds = {part["id"]: part["type"] for part in config["components"]}
    return [
        {
            "id": event["id"],
            "queue": event["queue"],
            "values": [values[part] for part in event["inputs"]],
            "kinds": [kinds[part] for part in event["inputs"]],
        }
        for event in config["dependencies"]
        if event["backend_fn"]
    ]


def send(server: TestClient, event: dict[str, Any], data: list[Any], session: str) -> str:
    """All that the server says to an event."""
    body = {"fn_index": event["id"], "data": data, "session_hash": session, "event_data": {}}
    if event["queue"] is False:
        return server.post("/gradio_api/run/predict", json=body).text
    joined = server.post("/gradio_api/queue/join", json=body)
    if joined.status_code != 200:
        return joined.text
    return server.get("/gradio_api/queue/data", params={"session_hash": session}).text


def test_no_event_reads_a_file_from_outside(
    server: TestClient, secret: Path, uploads: Path
) -> None:
    def attempt(trial: tuple[dict[str, Any], int, bool]) -> str:
        event, number, stream = trial
        data = list(event["values"])
        data[number] = file_data(secret, is_stream=stream)
        return send(server, event, data, f"{event['id']}_{number}_{stream}")

    trials = [
        (event, number, stream)
        for event in events(server)
        for number, kind in enumerate(event["kinds"])
        if kind != "state"  # which the server keeps: what a request says of it is not read
        for stream in ((False, True) if kind == "file" or number == 0 else (False,))
    ]
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(attempt, trials))

    assert len(trials) > 150
    for (event, number, stream), answer in zip(trials, said, strict=True):
        where = f"event {event['id']}, {event['kinds'][number]} {number}, is_stream={stream}"
        assert SECRET.decode() not in answer, where
        assert '"success":true' not in answer, where
    assert not list(uploads.rglob("secret*"))
    assert secret.read_bytes() == SECRET


@pytest.mark.parametrize(
    "nested", [lambda file: [file], lambda file: {"value": file}, lambda file: [{"a": [file]}]]
)
def test_no_event_reads_a_file_that_is_hidden_in_a_value(
    server: TestClient, secret: Path, uploads: Path, nested: Any
) -> None:
    for event in events(server):
        data = list(event["values"])
        for number, kind in enumerate(event["kinds"]):
            if kind in TEXT_FIELDS:
                data[number] = nested(file_data(secret))
        send(server, event, data, f"nested{event['id']}")
    assert not list(uploads.rglob("secret*"))
    assert secret.read_bytes() == SECRET


@pytest.mark.parametrize("prefix", ["file=", "file/", "proxy=", "stream/", "file=../../"])
def test_no_path_serves_a_file_from_outside(server: TestClient, secret: Path, prefix: str) -> None:
    for path in (str(secret), str(secret).lstrip("/"), secret.as_uri()):
        answer = server.get(f"/gradio_api/{prefix}{path}")
        assert answer.status_code >= 400
        assert SECRET not in answer.content


def test_an_uploaded_recording_is_taken(server: TestClient, uploads: Path) -> None:
    answer = server.post("/gradio_api/upload", files={"files": ("a.wav", b"no sound")})
    (path,) = json.loads(answer.text)
    (event,) = [
        event for event in events(server) if event["kinds"] == ["file"] and event["queue"] is None
    ] or [event for event in events(server) if event["kinds"] == ["file"]]

    said = send(server, event, [[file_data(Path(path), orig_name="a.wav")]], "uploading")

    assert "a.wav" in said  # it is no sound, which only who has read it can say
    assert '"success":true' in said
    assert not Path(path).exists()


def test_messages_that_nobody_fetches_are_dropped() -> None:
    class Messages(list[Any]):
        def qsize(self) -> int:
            return len(self)

    class Sessions:
        def __init__(self) -> None:
            self.pending_messages_per_session = {"gone": Messages("ab"), "read": Messages("ab")}
            self.pending_event_ids_session = {"gone": {"1"}, "read": {"2"}}
            self.cleaned: list[str] = []

        async def clean_events(self, *, session_hash: str) -> None:
            self.cleaned.append(session_hash)

    class Page:
        _queue = Sessions()

    before = asyncio.run(drop_unread(Page, {}))  # type: ignore[arg-type]
    assert before == {"gone": 2, "read": 2}
    Page._queue.pending_messages_per_session["read"].pop()
    asyncio.run(drop_unread(Page, before))  # type: ignore[arg-type]
    assert list(Page._queue.pending_messages_per_session) == ["read"]
    assert list(Page._queue.pending_event_ids_session) == ["read"]
    assert Page._queue.cleaned == ["gone"]


@pytest.mark.parametrize(
    ("verb", "path", "body"),
    [
        ("GET", "/gradio_api/proxy=http://C%3A%5Cx", b""),
        ("POST", "/gradio_api/call/v2/nothing", b'{"data": []}'),
        ("POST", "/gradio_api/api/nothing", b'{"data": []}'),
        ("POST", "/gradio_api/run/nothing", b'{"data": []}'),
        ("POST", "/gradio_api/run/predict", b'{"data": [], "fn_index": 9000}'),
        ("POST", "/gradio_api/queue/join", b"NaN"),
        ("GET", "/gradio_api/queue/data?session_hash=of_yesterday", b""),
        ("GET", "/assets/" + "x" * 5_000, b""),
    ],
)
def test_requests_that_the_page_does_not_make_are_refused(
    server: TestClient, caplog: pytest.LogCaptureFixture, verb: str, path: str, body: bytes
) -> None:
    headers = {"content-type": "application/json"}
    assert server.request(verb, path, content=body, headers=headers).status_code < 500
    assert "Traceback" not in caplog.text
