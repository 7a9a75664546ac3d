"""A training goes on whatever happens to the browser, and to the server."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.hands import Album, fold, open_tab, press, slide, until
from tests.browser.server import Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1200)]

DATASET, ADAPTER = "night", "night_lora"
STEPS, CHECKPOINT_EVERY = 30, 5


def test_a_training_goes_on_after_the_browser_is_closed_and_the_server_is_killed(
    visit: Visit, server: Server, recordings: list[Path], artifacts: Path
) -> None:
    album = Album(artifacts, "outlives")
    dataset(server, recordings[:2])
    first, second = visit(), visit()
    start(first)
    for page in (first, second):
        open_tab(page, "training")
        expect(page.locator("#training-monitor h3").first).to_contain_text(ADAPTER)
    until(lambda: step_of(second) > CHECKPOINT_EVERY, 120, "a checkpoint is behind it")
    assert abs(step_of(first) - step_of(second)) <= 3, "two browsers see the same"
    album.take(second, "before-the-kill")
    first.context.close()
    server.kill()
    server.start()
    job = server.newest("train")["id"]
    until(lambda: server.get(f"/api/jobs/{job}")["attempt"] == 2, 60, "it goes on by itself")
    expect(second.locator("#training-monitor")).to_contain_text(
        f"{ADAPTER} is ready to play", timeout=120_000
    )
    album.take(second, "after-the-kill")
    assert server.get(f"/api/jobs/{job}")["state"] == "done"
    assert steps_of_attempt(server, job, 2)[0] > CHECKPOINT_EVERY, "it began anew"
    assert server.get(f"/api/training/lora-adapters/{ADAPTER}")["metadata"]["steps"] == STEPS
    third = visit()
    open_tab(third, "adapters")
    expect(third.locator("#adapter-table")).to_contain_text(ADAPTER)


def dataset(server: Server, recordings: list[Path]) -> None:
    """Prepare one without the page, which another story tells."""
    files = [server.upload(path) for path in recordings]
    job = server.post("/api/training/prepare-dataset", {"files": files, "name": DATASET})["id"]
    until(lambda: server.get(f"/api/jobs/{job}")["state"] == "done", 120, "it is prepared")


def start(page: Page) -> None:
    """A training without report and samples, with checkpoints often."""
    open_tab(page, "training")
    page.locator("#lora-name").locator("input, textarea").fill(ADAPTER)
    fold(page, "training-advanced")
    for field, value in (
        ("max-steps", STEPS),
        ("checkpoint-every", CHECKPOINT_EVERY),
        ("log-every", 1),
        ("samples", 0),
    ):
        slide(page, f"train-{field}", value)
    page.get_by_label("Measure the effect afterwards").uncheck()
    press(page, "Start Training")


def step_of(page: Page) -> int:
    """The step that the page shows; 0 before the first."""
    line = page.locator("#training-monitor .standing")
    found = re.search(r"Step (\d+)/", line.inner_text()) if line.count() else None
    return int(found[1]) if found else 0


def steps_of_attempt(server: Server, job: str, attempt: int) -> list[int]:
    """Steps that were told since a worker began for the nth time."""
    now, steps = 0, []
    for event in server.get(f"/api/jobs/{job}/events?limit=1000")["events"]:
        if event["kind"] == "state":
            now = event["data"].get("attempt", now)
        if now == attempt and "step" in event["data"]:
            steps.append(event["data"]["step"])
    return steps
