"""What every request passes first."""

import asyncio
import base64
from collections.abc import Iterator

import pytest
from fastapi import FastAPI, WebSocket
from fastapi.testclient import TestClient
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from angen.api.access import Access
from angen.api.app import create_app
from angen.api.guard import Guard
from angen.studio.settings import Settings

PASSWORD = "me:long enough"
BASIC = "Basic " + base64.b64encode(PASSWORD.encode()).decode()
TOKEN = "a-long-token"


@pytest.fixture
def closed(settings: Settings) -> Iterator[TestClient]:
    """A server with password, token and a page."""
    app = create_app(
        settings, runner=False, access=Access(password=PASSWORD, token=TOKEN, hosts=frozenset())
    )
    page = FastAPI()

    @page.get("/")
    def front() -> str:
        return "page"

    @page.websocket("/gradio_api/ws")
    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close()

    app.state.page = page
    with TestClient(app, base_url="http://studio.local:7860") as client:
        yield client


PATHS = ("/", "/api/health", "/api/jobs", "/api/openapi.json", "/gradio_api/x", "/../api/jobs")


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_shown_without_password(closed: TestClient, path: str) -> None:
    answer = closed.get(path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic")
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("header", [BASIC, f"Bearer {TOKEN}"])
def test_password_and_token_open_page_and_api(closed: TestClient, header: str) -> None:
    for path in ("/", "/api/health"):
        assert closed.get(path, headers={"authorization": header}).status_code == 200


def test_wrong_password_does_not_open(closed: TestClient) -> None:
    wrong = "Basic " + base64.b64encode(b"me:wrong password").decode()
    assert closed.get("/api/health", headers={"authorization": wrong}).status_code == 401


@pytest.mark.parametrize("path", ["/gradio_api/ws", "/api/jobs/abc/events"])
def test_websockets_ask_for_the_password_too(closed: TestClient, path: str) -> None:
    with pytest.raises(WebSocketDisconnect), closed.websocket_connect(path):
        pass
    if path.startswith("/gradio"):
        with closed.websocket_connect(path, headers={"authorization": BASIC}):
            pass


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
    ],
)
def test_other_sites_are_refused(client: TestClient, headers: dict[str, str]) -> None:
    for path in ("/api/jobs", "/"):
        answer = client.get(path, headers=headers)
        assert answer.status_code == 403
        assert "another site" in answer.json()["detail"]
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("/api/jobs/abc/events", headers=headers),
    ):
        pass


def test_links_from_other_sites_may_be_followed(client: TestClient) -> None:
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert client.get("/api/health", headers=headers).status_code == 200


def test_answers_carry_what_keeps_browsers_from_guessing(client: TestClient) -> None:
    headers = client.get("/api/health").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert "server" not in headers


def test_body_larger_than_announced_is_cut_off(client: TestClient) -> None:
    def endless() -> Iterator[bytes]:
        yield b'{"prompt": "'
        for _ in range(100):
            yield b"x" * 2**16

    answer = client.post(
        "/api/songs", content=endless(), headers={"content-type": "application/json"}
    )
    assert answer.status_code == 413
    assert "4 MB" in answer.json()["detail"]


def test_upload_larger_than_allowed_is_refused_and_leaves_nothing(settings: Settings) -> None:
    small = settings.model_copy(update={"max_upload_mb": 1})
    app = create_app(small, runner=False)
    with TestClient(app, base_url="http://127.0.0.1") as client:
        file = ("song.wav", b"RIFF" + b"\0" * (5 * 2**20), "audio/wav")
        assert client.post("/api/uploads", files={"files": file}).status_code == 413
        one = ("song.wav", b"RIFF" + b"\0" * (2 * 2**20), "audio/wav")
        answer = client.post("/api/uploads", files={"files": one})
        assert answer.status_code == 422
        assert "larger than 1 MB" in answer.json()["detail"]
    assert not any(path.is_file() for path in settings.user_uploads.rglob("*"))


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_bodies_that_are_not_json_are_refused(client: TestClient, kind: str) -> None:
    answer = client.post("/api/songs", content=b'{"prompt": "x"}', headers={"content-type": kind})
    assert answer.status_code == 415
    assert "application/json" in answer.json()["detail"]


def test_upload_that_is_no_form_is_refused(client: TestClient) -> None:
    answer = client.post("/api/uploads", json={"files": "x"})
    assert answer.status_code == 415
    assert "multipart/form-data" in answer.json()["detail"]


def test_path_that_does_not_exist_is_told_before_the_kind_of_its_body(client: TestClient) -> None:
    def sent(path: str) -> int:
        return client.post(path, files={"files": ("a.wav", b"x")}).status_code

    assert sent("/api/no/such") == 404
    assert sent("/api/songs/") == 404
    assert sent("/api/health") == 405
    assert sent("/api/songs") == 415


def test_who_guesses_is_told_to_wait_even_with_the_right_password(closed: TestClient) -> None:
    wrong = {"authorization": f"Bearer {TOKEN}x"}
    for _ in range(5):
        assert closed.get("/api/health", headers=wrong).status_code == 401
    answer = closed.get("/api/health", headers={"authorization": BASIC})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert "Too many wrong passwords" in answer.json()["detail"]


@pytest.mark.parametrize("origin", ["http://[::1", "http://[", "http://]", "//", "", "http://[x]"])
def test_origin_that_is_none_is_refused(closed: TestClient, origin: str) -> None:
    headers = {"origin": origin, "authorization": BASIC}
    assert closed.get("/api/health", headers=headers).status_code == 403


@pytest.mark.parametrize("parts", [0, 1, 2])
def test_a_body_that_stops_coming_is_given_up(parts: int) -> None:
    """However much of it has come; one that is whole may be worked on for as long as it takes."""
    sent: list[Message] = []

    async def receive() -> Message:
        if len(sent) < parts:
            sent.append({"type": "http.request", "body": b"a", "more_body": len(sent) == 0})
            return sent[-1]
        await asyncio.sleep(0.2)
        return {"type": "http.disconnect"}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for _ in range(parts + 1):
            await receive()

    guard = Guard(app, Access(), 100, (), body_s=0.05)
    scope = {"type": "http", "method": "POST", "path": "/x", "headers": [(b"host", b"localhost")]}

    async def answer(message: Message) -> None:
        raise AssertionError(message)

    if parts == 2:
        asyncio.run(guard(scope, receive, answer))
    else:
        with pytest.raises(HTTPException, match="has come for too long"):
            asyncio.run(guard(scope, receive, answer))
