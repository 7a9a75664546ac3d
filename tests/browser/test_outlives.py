"""A training goes on whatever happens to browser and server; so does what somebody writes."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.hands import Album, fold, open_tab, press, slide, until
from tests.browser.server import Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1200)]

DATASET, ADAPTER = "night", "night_lora"
STEPS, CHECKPOINT_EVERY = 60, 5
PROMPT, LYRICS = "folk, warm, fiddle & guitar, 100 BPM", "[verse]\nRain upon the roof\n"


def test_a_training_goes_on_after_the_browser_is_closed_and_the_server_is_killed(
    visit: Visit, server: Server, recordings: list[Path], artifacts: Path
) -> None:
    album = Album(artifacts, "outlives")
    dataset(server, recordings[:2])
    first, second = visit(), visit()
    start(first)
    write(second)
    for page in (first, second):
        open_tab(page, "training")
        expect(page.locator("#training-monitor h3").first).to_contain_text(ADAPTER)
    until(lambda: step_of(second) > CHECKPOINT_EVERY, 120, "a checkpoint is behind it")
    shown = step_of(second)
    until(lambda: step_of(first) >= shown, 20, "two browsers see the same")
    album.take(second, "before-the-kill")
    first.context.close()
    server.kill()
    server.start()
    job = server.newest("train")["id"]
    until(lambda: server.get(f"/api/jobs/{job}")["attempt"] == 2, 60, "it goes on by itself")
    until(lambda: shows_the_end(second), 120, "the browser that stayed shows the end")
    album.take(second, "after-the-kill")
    expect(second.locator("#prompt textarea")).to_have_value(PROMPT)
    expect(second.get_by_label("My own lyrics")).to_be_checked()
    expect(second.locator("#lyrics textarea")).to_have_value(LYRICS)
    assert server.get(f"/api/jobs/{job}")["state"] == "done"
    assert steps_of_attempt(server, job, 2)[0] > CHECKPOINT_EVERY, "it began anew"
    assert server.get(f"/api/training/lora-adapters/{ADAPTER}")["steps"] == STEPS
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
        ("batch-size", 1),
        ("max-clip-s", 4),
        ("validation-blocks", 1),
        ("max-steps", STEPS),
        ("checkpoint-every", CHECKPOINT_EVERY),
        ("log-every", 1),
        ("samples", 0),
    ):
        slide(page, f"train-{field}", value)
    page.get_by_label("Measure the effect afterwards").uncheck()
    press(page, "Start Training")


def write(page: Page) -> None:
    """Words for a song that nobody has asked for yet."""
    page.locator("#prompt textarea").fill(PROMPT)
    page.get_by_text("My own lyrics").click()
    page.locator("#lyrics textarea").fill(LYRICS)


def shows_the_end(page: Page) -> bool:
    """Whether the training is told to be done; a page that came anew is unfolded first."""
    if not page.locator("#training-tabs").is_visible():
        open_tab(page, "training")
    told: bool = page.locator("#training-monitor").get_by_text("is ready to play").is_visible()
    return told


def step_of(page: Page) -> int:
    """The step that the page shows; 0 before the first."""
    line = page.locator("#training-monitor .standing")
    found = re.search(r"Step (\d+)/", line.inner_text()) if line.count() else None
    return int(found[1]) if found else 0


def steps_of_attempt(server: Server, job: str, attempt: int) -> list[int]:
    """Steps that were told since a worker began for the nth time."""
    now, steps = 0, []
    for event in server.events(job):
        if event["kind"] == "state":
            now = event["data"].get("attempt", now)
        if now == attempt and "step" in event["data"]:
            steps.append(event["data"]["step"])
    return steps
