"""Answers that every page asks for: made once, given up as soon as something has changed."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from angen.api.answers import PATHS, Answers, Kept
from angen.api.app import create_app
from angen.jobs.store import Store
from angen.studio.desk import Desk
from angen.studio.settings import Settings

SONGS = "/api/songs"


class App:
    """Counts how often it is asked."""

    def __init__(self, status: int = 200, first_s: float = 0.01) -> None:
        """first_s: how long the first answer takes."""
        self.status, self.asked, self.first_s = status, 0, first_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked += 1
        count = self.asked
        await asyncio.sleep(self.first_s if count == 1 else 0.01)
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(count).encode()})


async def ask(answers: Answers, path: str = SONGS, method: str = "GET", query: bytes = b"") -> int:
    got: list[Message] = []

    async def send(message: Message) -> None:
        message["seen"] = True  # as those do who add headers
        got.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {"type": "http", "method": method, "path": path, "query_string": query}
    await answers(scope, receive, send)
    return int(got[-1]["body"])


async def all_of(answers: Answers, paths: Sequence[str]) -> list[int]:
    return [await ask(answers, path) for path in paths]


def test_the_same_question_is_answered_once_for_a_while() -> None:
    answers = Answers(App(), Kept(60, 60))
    assert asyncio.run(all_of(answers, [SONGS, SONGS, "/api/jobs", SONGS])) == [1, 1, 2, 1]
    assert asyncio.run(ask(answers, query=b"limit=3")) == 3


@pytest.mark.parametrize("path", [SONGS, "/api/jobs"])
@pytest.mark.parametrize("old", [False, True])
def test_an_answer_grows_old_at_its_own_pace(path: str, old: bool) -> None:
    mine, other = (0.05, 60.0) if old else (60.0, 0.05)
    keep_s, shelf_keep_s = (other, mine) if path == SONGS else (mine, other)
    expected = [1, 2] if old else [1, 1]

    async def twice() -> list[int]:
        answers = Answers(App(), Kept(keep_s, shelf_keep_s))
        first = await ask(answers, path)
        await asyncio.sleep(0.06)
        return [first, await ask(answers, path)]

    assert asyncio.run(twice()) == expected


def test_many_who_ask_at_once_cost_one_answer() -> None:
    async def crowd() -> list[int]:
        answers = Answers(App(), Kept(60, 60))
        return list(await asyncio.gather(*(ask(answers) for _ in range(9))))

    assert asyncio.run(crowd()) == [1] * 9


@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH", "PUT"])
def test_whoever_has_changed_something_sees_it(method: str) -> None:
    async def change() -> list[int]:
        answers = Answers(App(), Kept(60, 60))
        return [await ask(answers), await ask(answers, method=method), await ask(answers)]

    assert asyncio.run(change()) == [1, 2, 3]


def test_news_of_the_queue_count_at_once() -> None:
    kept, orders = Kept(60, 60), [1]
    kept.news = lambda: orders[0]
    answers = Answers(App(), kept)
    assert asyncio.run(all_of(answers, [SONGS, SONGS])) == [1, 1]
    orders[0] += 1
    assert asyncio.run(ask(answers)) == 2


def test_an_answer_that_was_begun_before_a_change_is_not_kept() -> None:
    async def change() -> int:
        answers = Answers(App(first_s=0.2), Kept(60, 60))
        slow = asyncio.create_task(ask(answers))
        await asyncio.sleep(0)
        await ask(answers, method="POST")
        await slow
        return await ask(answers)

    assert asyncio.run(change()) == 3


def test_faults_and_other_paths_are_asked_anew() -> None:
    assert asyncio.run(all_of(Answers(App(404), Kept(60, 60)), [SONGS, SONGS])) == [1, 2]
    other = f"{SONGS}/jazz-1"
    assert asyncio.run(all_of(Answers(App(), Kept(60, 60)), [other, other])) == [1, 2]


@pytest.mark.parametrize("path", ["/api/jobs/a/events", "/api/songs/x/audio", "/api/openapi.json"])
def test_streams_and_sounds_pass(path: str) -> None:
    assert not PATHS.fullmatch(path)


def app_that_keeps(home: Path) -> FastAPI:
    return create_app(Settings(home=home), runner=False, kept=Kept(60, 60))


def test_what_the_page_removes_is_gone_from_answers_that_were_kept(tmp_path: Path) -> None:
    app = app_that_keeps(tmp_path)
    with TestClient(app, base_url="http://127.0.0.1:7860") as client:

        def listed() -> list[str]:
            return [str(job["id"]) for job in client.get("/api/jobs").json()["jobs"]]

        desk: Desk = app.state.desk
        job = desk.store.add("generate", {}, lane="model", title="A song")
        desk.cancel(job.id)
        assert listed() == [job.id]
        desk.store.forget(job.id)
        assert listed() == [job.id]  # kept: nobody has told
        again = desk.store.add("generate", {}, lane="model", title="Another")
        desk.cancel(again.id)
        assert listed() == [again.id]
        desk.forget(again.id)
        assert listed() == []


def test_who_learns_of_an_end_finds_what_was_made(tmp_path: Path) -> None:
    app = app_that_keeps(tmp_path)
    with (
        TestClient(app, base_url="http://127.0.0.1:7860") as client,
        Store(app.state.desk.settings.database) as worker,  # as in a process of its own
    ):
        job = app.state.desk.store.add("generate", {}, lane="model", title="A song")
        asked: list[int] = []

        def songs(limit: int) -> list[Any]:
            asked.append(limit)
            return []

        app.state.desk.songs = songs
        for _ in range(2):
            client.get("/api/songs")
        assert len(asked) == 1
        worker.cancel(job.id)
        assert client.get(f"/api/jobs/{job.id}").json()["state"] == "stopped"
        client.get("/api/songs")
        assert len(asked) == 2


def test_a_fault_of_the_server_is_a_problem_on_paths_that_are_kept_too(tmp_path: Path) -> None:
    app = app_that_keeps(tmp_path)
    with TestClient(app, "http://127.0.0.1:7860", raise_server_exceptions=False) as client:
        app.state.desk.songs = None
        answer = client.get("/api/songs")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"
