"""The server's life: one home, one port, a page that may be late, and an orderly end."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.responses import StreamingResponse

from angen.api.app import create_app
from angen.cli import serving
from angen.cli.main import run
from angen.cli.serving import claimed, hand_on, listening, with_page
from angen.errors import BadInput, Taken
from angen.jobs.job import JobState
from angen.jobs.store import Store
from angen.studio.desk import Desk
from angen.studio.settings import Settings
from tests.api.live import LiveServer

HEAVY = ("torch", "gradio", "peft", "transformers", "matplotlib", "librosa")


def test_server_loads_nothing_heavy_before_it_answers() -> None:
    code = (
        "import sys, angen.api.app, angen.cli.serving, angen.cli.studio; "
        f"sys.exit(','.join(m for m in {HEAVY!r} if m in sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.stderr.strip() == ""


def test_gradio_is_imported_without_writing_stubs() -> None:
    code = (
        "import inspect; from angen.cli.serving import without_stubs\n"
        "find = inspect.getfile\n"
        "with without_stubs(): import gradio as gr\n"
        "assert inspect.getfile is find and callable(gr.Button.click)\n"
        "make = lambda: type('Mine', (gr.Button,), {'__module__': 'gradio.components.button'})\n"
        "with without_stubs(): make()\n"
        "try: make()\n"
        "except ValueError: print('it looked for the source')"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ran.stdout.strip(), ran.stderr) == ("it looked for the source", "")


def test_home_belongs_to_one_server(tmp_path: Path) -> None:
    with claimed(tmp_path) as note:
        note("http://127.0.0.1:7860")
        with (
            pytest.raises(Taken, match=r"already works on .*, at http://127.0.0.1:7860"),
            claimed(tmp_path),
        ):
            pass
    with claimed(tmp_path):
        pass


def test_port_of_another_program_is_told() -> None:
    with listening("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with (
            pytest.raises(BadInput, match=rf"Port {port} is taken.*--port {port + 1}"),
            listening("127.0.0.1", port),
        ):
            pass
    with pytest.raises(BadInput, match="address of this machine"), listening("192.0.2.1", 0):
        pass


def test_open_pages_end_without_a_word_and_other_faults_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, servers = create_app(Settings(home=tmp_path), runner=False), []

    async def beat() -> AsyncIterator[str]:
        while True:
            yield "still here"
            await asyncio.sleep(3600)

    def broken() -> None:
        raise RuntimeError("no music today")

    def build(_desk: Desk) -> FastAPI:
        page = FastAPI()
        page.get("/open")(lambda: StreamingResponse(beat()))
        page.get("/broken")(broken)
        return page

    class Seen(serving.Server):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            servers.append(self)

    monkeypatch.setattr(serving, "Server", Seen)
    monkeypatch.setattr(serving, "CLOSING_S", 0.2)
    with_page(app, build)
    with listening("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=serving.serve, args=(app, listener, lambda: None))
        thread.start()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            assert httpx.get(f"{address}/broken").status_code == 500
            with httpx.stream("GET", f"{address}/open") as answer:
                words = answer.iter_text()  # held: the connection closes with it
                assert next(words) == "still here"
                servers[0].should_exit = True
                thread.join(20)
        finally:
            servers[0].should_exit = True
            thread.join()
    assert "no music today" in caplog.text
    assert serving.LET_GO not in caplog.text
    assert "Cancelled" not in caplog.text


def test_workers_get_the_settings_but_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANGEN_AUTH", "me:long enough")
    hand_on(Settings(home=Path("/somewhere"), threads=3))
    assert os.environ["ANGEN_HOME"] == "/somewhere"
    assert os.environ["ANGEN_THREADS"] == "3"
    assert "ANGEN_AUTH" not in os.environ
    for name in list(os.environ):
        if name.startswith("ANGEN_"):
            monkeypatch.delenv(name)


def test_requests_for_the_page_wait_until_it_is_built(tmp_path: Path) -> None:
    build_now = threading.Event()

    def build(desk: Desk) -> FastAPI:
        build_now.wait(10)
        page = FastAPI()
        page.get("/")(lambda: str(desk.settings.home.name))
        return page

    app = create_app(Settings(home=tmp_path / "home"), runner=False)
    with_page(app, build)
    with TestClient(app, base_url="http://localhost") as client:
        assert client.get("/api/health").status_code == 200  # while nothing is built
        threading.Timer(0.2, build_now.set).start()
        assert client.get("/").json() == "home"
        assert client.get("/api/nothing").json()["status"] == 404  # the API's own paths stay its


def test_page_that_cannot_be_built_is_told_and_leaves_the_api(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def build(desk: Desk) -> FastAPI:
        raise RuntimeError("no page today")

    app = create_app(Settings(home=tmp_path / "home"), runner=False)
    with_page(app, build)
    with TestClient(app, base_url="http://localhost") as client:
        assert client.get("/").status_code == 503
        assert client.get("/api/health").status_code == 200
    assert "no page today" in caplog.text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--host", "0.0.0.0"], "a password is needed"),
        (["--auth", "me:short"], "8 letters or more"),
        (["--auth", "me:long enough", "--auth-file", "x"], "not both"),
        (["--auth-file", "no/such/file"], "cannot be read"),
        (["--allow-origin", "studio.example.org"], "no origin"),
    ],
)
def test_command_refuses_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    assert run(["--home", str(tmp_path), "studio", *arguments]) == 1
    assert told in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_server_from_start_to_end(tmp_path: Path) -> None:
    """One life: page behind a password, a second server, a job that outlives Ctrl-C."""
    home = tmp_path / "home"
    password = tmp_path / "password"
    password.write_text("me:a long password\n")
    with LiveServer(home, "--auth-file", str(password)) as server:
        auth = ("me", "a long password")
        assert httpx.get(server.url).status_code == 401
        page = httpx.get(server.url, auth=auth, timeout=100)
        assert page.status_code == 200
        assert not _fetched_from_elsewhere(page.text)
        assert httpx.get(f"{server.url}/config", auth=auth, timeout=100).status_code == 200
        second = LiveServer(home)
        assert second.process.wait(100) == 1
        second.stop()
        assert f"already works on {home}, at {server.url}" in "".join(second.log).replace("\n", " ")
        song = {"prompt": "slow rock", "duration_s": 600}
        job = httpx.post(f"{server.url}/api/songs", json=song, auth=auth).json()["id"]
        _wait_for(server, job, auth, "running")
        beats = f"{server.url}/gradio_api/heartbeat/of_an_open_page"
        with httpx.stream("GET", beats, auth=auth, timeout=100) as answer:
            heard = answer.iter_raw()  # held: the connection closes with it
            assert next(heard)
            assert server.stop(signal.SIGINT) == 0
    with Store(f"sqlite:///{home / 'jobs.db'}") as store:
        left = store.get(job)
    assert left.state is JobState.QUEUED
    assert left.attempt == 1
    assert "goes on at the next start" in "".join(server.log)
    assert "Traceback" not in "".join(server.log)


def _fetched_from_elsewhere(page: str) -> list[str]:
    """Addresses of other machines that a browser would fetch for this page."""
    return re.findall(r"""(?:src|href)=["']?(?:https?:)?//(?!127\.0\.0\.1)[^"'\s>]+""", page)


def _wait_for(server: LiveServer, job: str, auth: tuple[str, str], state: str) -> None:
    for _ in range(600):
        found = httpx.get(f"{server.url}/api/jobs/{job}", auth=auth, timeout=30).json()
        if found["state"] == state:
            return
        time.sleep(0.2)
    raise AssertionError(f"the job is {found}:\n" + "".join(server.log))
