"""A browser that is there already, a studio that really runs, and what must never happen in either.

The browser is Debian's Chromium, or the one that ANGEN_TEST_BROWSER names. Pictures of each step
go to the folder that ANGEN_TEST_ARTIFACTS names, else to artifacts/browser.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.browser.hearing import SCRIPT
from tests.browser.server import Server

if find_spec("playwright") is None:  # the extra "browser": make test brings it
    collect_ignore_glob = ["test_*.py"]
else:
    from playwright.sync_api import Browser, BrowserContext, Dialog, Page, expect, sync_playwright

ROOT = Path(__file__).parents[2]
SONGS = ROOT / "examples" / "songs"
GAME_MUSIC = ("defeat2.ogg", "victory2.ogg")  # short ones of Debian's wesnoth-1.16-music
LAUNCH = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
WIDE = {"width": 1280, "height": 900}
PATIENCE_MS = 120_000  # for what should be there at once; two cores may be busy


@pytest.fixture(scope="session")
def artifacts() -> Path:
    """Where pictures and the server's log go."""
    folder = Path(os.environ.get("ANGEN_TEST_ARTIFACTS") or ROOT / "artifacts" / "browser")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def recordings() -> list[Path]:
    """Music to bring: the example songs, and game music where it is there."""
    found = sorted(SONGS.glob("*.ogg"))
    folder = os.environ.get("ANGEN_TEST_RECORDINGS")
    if folder:
        found += [path for name in GAME_MUSIC if (path := Path(folder, name)).is_file()]
    return found


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, artifacts: Path, request: pytest.FixtureRequest
) -> Iterator[Server]:
    """A studio in a home of its own."""
    story = request.module.__name__.rpartition("test_")[2]
    server = Server(tmp_path_factory.mktemp("home"), artifacts / f"{story}.log")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """One process for all; each visitor has a context of his own in it."""
    named = os.environ.get("ANGEN_TEST_BROWSER") or shutil.which("chromium")
    if named is None:
        pytest.fail("No browser: install Debian's chromium, or name one in ANGEN_TEST_BROWSER.")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=named, args=list(LAUNCH))
        yield browser
        browser.close()


class Watch:
    """What pages did that they must not do."""

    def __init__(self) -> None:
        self.left_host: list[str] = []
        self.alerts: list[str] = []
        self.errors: list[str] = []
        self.questions: list[str] = []
        self.answer = True  # to questions that a page asks

    def over(self, context: "BrowserContext") -> None:
        """Watch all pages of a visitor."""
        context.on("request", lambda request: self._request(request.url))
        context.on("dialog", self._dialog)
        context.on("weberror", lambda error: self.errors.append(str(error.error)))

    def _request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and parts.hostname != "127.0.0.1":
            self.left_host.append(url)

    def _dialog(self, dialog: "Dialog") -> None:
        (self.questions if dialog.type == "confirm" else self.alerts).append(dialog.message)
        if self.answer:
            dialog.accept()
        else:
            dialog.dismiss()


@pytest.fixture(scope="module")
def watch() -> Iterator[Watch]:
    """Over all visitors of a module; asked once they have gone."""
    watch = Watch()
    yield watch
    assert watch.left_host == [], "a page asked other hosts"
    assert watch.alerts == [], "a page ran what a person wrote"
    assert watch.errors == [], "a script of the page failed"


Visit = Callable[..., "Page"]


@pytest.fixture(scope="module")
def visit(browser: "Browser", server: Server, watch: Watch) -> Iterator[Visit]:
    """Open the studio as a visitor who shares nothing with the others."""
    contexts: list[BrowserContext] = []

    def come(**options: Any) -> Page:
        asked: dict[str, Any] = {"viewport": WIDE, "accept_downloads": True} | options
        context = browser.new_context(**asked)
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(SCRIPT)
        contexts.append(context)
        watch.over(context)
        page = context.new_page()
        page.goto(server.url)
        page.locator("#generate").wait_for()
        page.locator("#history h2").wait_for()  # the first look at the server has come
        return page

    yield come
    for context in contexts:
        context.close()
