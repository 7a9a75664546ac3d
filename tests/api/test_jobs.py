"""Jobs over HTTP: the queue, and news of a job as it happens."""

import asyncio
import json
import threading
import time
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from angen.api.app import create_app
from angen.jobs.job import Job, JobState, Progress
from angen.jobs.owner import Owner, this_process
from angen.jobs.store import Store
from angen.studio.desk import Desk
from angen.studio.playing.making import header, making_path
from angen.studio.settings import Settings

SSE = {"accept": "text/event-stream"}


def _song(client: TestClient, prompt: str = "jazz") -> str:
    answer = client.post("/api/songs", json={"prompt": prompt, "duration_s": 5})
    assert answer.status_code == 202
    return str(answer.json()["id"])


def _claimed(desk: Desk) -> Job:
    """The next job, as a worker takes it."""
    owner = Owner(server=this_process(), worker=this_process())
    job = desk.store.claim("model", owner)
    assert job is not None
    return job


def _heard(text: str) -> list[dict[str, Any]]:
    """Server-sent events as their fields."""
    blocks = [block for block in text.split("\n\n") if block and not block.startswith(":")]
    return [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]


def _until_closed(socket: WebSocketTestSession) -> tuple[list[dict[str, Any]], int]:
    """All messages of a websocket, and the code that it was closed with."""
    heard = []
    while True:
        try:
            heard.append(json.loads(socket.receive_text()))
        except WebSocketDisconnect as end:
            return heard, end.code


def test_list_shows_the_newest_first_in_pages(client: TestClient) -> None:
    made = [_song(client, f"song {number}") for number in range(5)]
    first = client.get("/api/jobs?limit=3").json()
    assert [job["id"] for job in first["jobs"]] == made[:1:-1]
    second = client.get("/api/jobs", params={"limit": 3, "before": first["next"]}).json()
    assert [job["id"] for job in second["jobs"]] == made[1::-1]
    assert second["next"] is None


def test_a_server_begins_without_the_jobs_of_long_ago(settings: Settings) -> None:
    few = settings.model_copy(update={"kept_jobs": 10})
    few.home.mkdir()
    with Store(few.database) as store:
        for number in range(12):
            store.cancel(store.add("generate", {}, lane="model", title=f"song {number}").id)
        waits = store.add("generate", {}, lane="model", title="waits")
    with TestClient(create_app(few, runner=False), base_url="http://127.0.0.1:7860") as client:
        jobs = client.get("/api/jobs").json()["jobs"]
    assert len(jobs) == 11
    assert jobs[0]["id"] == waits.id
    assert jobs[-1]["title"] == "song 2"


def test_lists_are_never_older_than_the_queue(client: TestClient) -> None:
    for _ in range(5):
        job = _song(client)
        assert client.get("/api/jobs").json()["jobs"][0]["id"] == job
        assert client.post(f"/api/jobs/{job}/cancel").json()["state"] == "stopped"
        assert client.get("/api/jobs").json()["jobs"][0]["state"] == "stopped"
        assert client.get(f"/api/jobs/{job}").json()["state"] == "stopped"
        assert client.delete(f"/api/jobs/{job}").status_code == 204
        assert client.get(f"/api/jobs/{job}").status_code == 404


def test_queue_is_put_in_another_order(client: TestClient) -> None:
    first, second, third = (_song(client) for _ in range(3))
    moved = client.post(f"/api/jobs/{third}/move", json={"before": first}).json()["jobs"]
    assert [job["id"] for job in moved] == [third, first, second]
    assert [job["position"] for job in moved] == [1, 2, 3]
    assert client.post(f"/api/jobs/{third}/move", json={}).json()["jobs"][-1]["id"] == third
    assert client.post(f"/api/jobs/{third}/move", json={"before": "nobody"}).status_code == 404


def test_what_cannot_be_done_now_is_a_conflict(client: TestClient) -> None:
    job = _song(client)
    assert client.post(f"/api/jobs/{job}/retry").status_code == 409  # it has not failed
    assert client.delete(f"/api/jobs/{job}").status_code == 409  # it is not over
    client.post(f"/api/jobs/{job}/cancel")
    assert client.post(f"/api/jobs/{job}/retry").json()["state"] == "queued"


def test_job_waits_for_others(client: TestClient) -> None:
    first = _song(client)
    later = client.post(f"/api/songs?after={first}", json={"prompt": "x"}).json()
    assert later["state"] == "waiting"
    assert later["after"] == [first]
    assert client.post("/api/songs?after=nobody", json={"prompt": "x"}).status_code == 404


def test_events_of_a_job_that_is_over_are_replayed_and_end(client: TestClient) -> None:
    job = _song(client)
    client.post(f"/api/jobs/{job}/cancel")
    told = _heard(client.get(f"/api/jobs/{job}/events", headers=SSE).text)
    assert told[-1]["event"] == "end"
    assert json.loads(told[-1]["data"])["data"] == {"state": "stopped"}
    numbers = [int(event["id"]) for event in told[:-1]]
    assert numbers == sorted(numbers)
    listed = client.get(f"/api/jobs/{job}/events").json()
    assert [event["number"] for event in listed["events"]] == numbers
    assert listed["state"] == "stopped"


def test_listener_goes_on_where_it_left(client: TestClient) -> None:
    job = _song(client)
    client.post(f"/api/jobs/{job}/cancel")
    first = _heard(client.get(f"/api/jobs/{job}/events", headers=SSE).text)[0]["id"]
    for again in (
        client.get(f"/api/jobs/{job}/events?after={first}", headers=SSE),
        client.get(f"/api/jobs/{job}/events", headers=SSE | {"last-event-id": first}),
    ):
        assert first not in [event.get("id") for event in _heard(again.text)]


def test_websocket_hears_what_happens_and_closes_with_the_job(
    client: TestClient, desk: Desk
) -> None:
    job = _song(client)
    taken = _claimed(desk)

    def work() -> None:
        time.sleep(0.3)
        desk.store.progress(taken, Progress(stage="Making", done=1, total=2))
        desk.store.emit(taken, "say", {"text": "<b>halfway</b>"})
        desk.store.finish(taken, {"song": "s"})

    threading.Thread(target=work).start()
    place = f"/api/jobs/{job}/events"
    with client.websocket_connect(place, headers={"host": "127.0.0.1:7860"}) as socket:
        heard, code = _until_closed(socket)
    assert code == 1000
    assert heard[-1] == {"kind": "end", "data": {"state": "done"}}
    assert {"text": "<b>halfway</b>"} in [event["data"] for event in heard]
    numbers = [event["number"] for event in heard[:-1]]
    assert numbers == sorted(set(numbers))


def test_websocket_of_an_unknown_job_is_refused(client: TestClient) -> None:
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("/api/jobs/nobody/events", headers={"host": "127.0.0.1"}),
    ):
        pass


def test_song_is_sent_while_it_grows(client: TestClient, desk: Desk) -> None:
    """The first bytes come before the last ones are made, and none is lost at the end."""
    job = _song(client)
    taken = _claimed(desk)
    path = making_path(desk.settings, job)
    sound = bytes(range(256)) * 100

    def work() -> None:
        path.parent.mkdir(parents=True)
        for part in range(4):
            time.sleep(0.15)
            with path.open("ab") as file:
                file.write(header(8_000, len(sound) // 2) if part == 0 else b"")
                file.write(sound[part * 6_400 : (part + 1) * 6_400])
        desk.store.finish(taken, {"song": "s"})

    threading.Thread(target=work).start()
    answer = client.get(f"/api/jobs/{job}/audio")
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.content == header(8_000, len(sound) // 2) + sound


@pytest.mark.parametrize("grows", [False, True])
def test_nobody_looks_for_the_sound_of_a_listener_who_has_gone(
    client: TestClient, desk: Desk, grows: bool
) -> None:
    job = _song(client)
    if grows:
        path = making_path(desk.settings, job)
        path.parent.mkdir(parents=True)
        path.write_bytes(header(8_000, 100) + bytes(20))
    messages = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        return messages.pop() if messages else {"type": "http.disconnect"}

    async def send(_message: Any) -> None:
        pass

    async def listen() -> None:
        host = ("127.0.0.1", 7860)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": "GET",
            "path": f"/api/jobs/{job}/audio",
            "raw_path": f"/api/jobs/{job}/audio".encode(),
            "root_path": "",
            "scheme": "http",
            "query_string": b"",
            "headers": [(b"host", b"127.0.0.1:7860")],
            "client": host,
            "server": host,
            "state": {},
        }
        await asyncio.wait_for(client.app(scope, receive, send), 15)

    assert client.portal is not None
    client.portal.call(listen)
    assert desk.job(job).state is JobState.QUEUED


def test_job_without_sound_says_so(client: TestClient) -> None:
    job = _song(client)
    client.post(f"/api/jobs/{job}/cancel")
    assert client.get(f"/api/jobs/{job}/audio").status_code == 404


def test_states_are_those_of_the_queue(client: TestClient) -> None:
    schema = client.get("/api/openapi.json").json()["components"]["schemas"]["JobState"]
    assert schema["enum"] == [str(state) for state in JobState]
