"""From recordings to a song in their style, by a real browser on a studio that really runs."""

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.hands import (
    Album,
    choose,
    fold,
    no_error,
    open_tab,
    press,
    rising,
    show,
    slide,
    until,
)
from tests.browser.server import Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1500)]

GENRE = "arcade pop"
DATASET = "arcade"
ADAPTER, RENAMED = "arcade_lora", "second_lora"
SECONDS = 20
QUICK_MS = 240_000  # for a job of a few seconds: two cores may be busy
TRAINING_S = 600


@pytest.fixture(scope="module")
def album(artifacts: Path) -> Album:
    return Album(artifacts, "story")


def test_from_recordings_to_a_song_in_their_style(
    visit: Visit,
    server: Server,
    recordings: list[Path],
    album: Album,
    tmp_path: Path,
) -> None:
    page = visit()
    album.take(page, "studio")
    upload(page, recordings, album)
    analyze(page, server, recordings, album)
    edit(page, server, album)
    prepare(page, album)
    train(page, server, album)
    look_at_the_adapter(page, album)
    hear_a_song_while_it_is_made(page, server, album)
    compare(page, server, album)
    pass_the_adapter_on(page, server, album, tmp_path)
    compare_the_adapters(page, album)
    delete_the_adapters(page, server, album)
    no_error(page)


def upload(page: Page, recordings: list[Path], album: Album) -> None:
    open_tab(page, "audio")
    page.locator("#upload-audio input[type=file]").set_input_files(recordings)
    expect(page.locator("#uploads li")).to_have_count(len(recordings), timeout=QUICK_MS)
    expect(page.locator("#uploads li input:checked")).to_have_count(len(recordings))
    album.take(page, "upload")


def analyze(page: Page, server: Server, recordings: list[Path], album: Album) -> None:
    press(page, "Analyze & Generate Metadata")
    rows = page.locator("#clips tr[data-clip]")
    rows.first.wait_for(timeout=QUICK_MS)
    until(lambda: server.newest("analyze")["state"] == "done", QUICK_MS / 1000, "all is heard")
    table = server.get("/api/training/collections")["collections"][0]
    assert table["clips"] >= len(recordings), "each recording gives a clip at least"
    expect(rows).to_have_count(table["clips"])
    for name in ("Genre", "BPM", "Key", "Mood", "Instruments", "Description"):
        expect(page.get_by_label(re.compile(f"^{name} of ")).first).not_to_have_value("")
    show(page, "clips")
    album.take(page, "metadata")


def edit(page: Page, server: Server, album: Album) -> None:
    genre = page.get_by_label(re.compile("^Genre of ")).first
    genre.fill(GENRE)
    expect(page.locator("#unsaved")).to_contain_text("1")
    press(page, "Save Metadata")
    told = page.locator("#clips tr.under").first
    expect(told).to_contain_text(GENRE)
    table = server.get("/api/training/collections")["collections"][0]["id"]
    row = server.get(f"/api/training/collections/{table}")["rows"][0]
    assert row["metadata"]["genre"] == GENRE
    assert "genre" in row["metadata"]["edited"]
    show(page, "clips")
    album.take(page, "edited")


def prepare(page: Page, album: Album) -> None:
    page.locator("#dataset-name input, #dataset-name textarea").fill(DATASET)
    press(page, "Prepare Training Dataset")
    ready = page.get_by_text(f"The dataset {DATASET} is ready")
    ready.wait_for(timeout=QUICK_MS)
    album.take(page, "prepared")


def train(page: Page, server: Server, album: Album) -> None:
    open_tab(page, "training")
    page.locator("#lora-name input, #lora-name textarea").fill(ADAPTER)
    choose(page, "train-dataset", DATASET)
    expect(page.locator("#train-base input")).to_have_value("mini")
    slide(page, "train-epochs", 4)
    slide(page, "train-batch-size", 2)
    fold(page, "training-advanced")
    slide(page, "train-max-clip-s", 8)
    slide(page, "train-report-songs", 4)
    slide(page, "train-samples", 1)
    slide(page, "train-sample-s", 4)
    fold(page, "training-advanced")
    album.take(page, "configuration")
    press(page, "Start Training")
    page.locator("#training-monitor").evaluate("part => part.scrollIntoView()")
    monitor = page.locator("#training-monitor")
    seen = rising(
        monitor.locator(".standing"),
        until_there=monitor.get_by_text(f"{ADAPTER} is ready to play"),
        within_s=TRAINING_S,
        at=(40, lambda: album.take(page, "training")),
    )
    assert len(seen) >= 4, f"the bar did not move: {seen}"
    assert seen == sorted(seen)
    job = server.newest("train")
    assert job["state"] == "done"
    assert job["attempt"] == 1
    show(page, "training-monitor")
    album.take(page, "trained")


def look_at_the_adapter(page: Page, album: Album) -> None:
    open_tab(page, "adapters")
    row = page.locator("#adapter-table tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text(ADAPTER)
    expect(page.locator("#adapter-card")).to_contain_text(DATASET)
    show(page, "adapter-table")
    album.take(page, "adapters")


def hear_a_song_while_it_is_made(page: Page, server: Server, album: Album) -> None:
    page.locator("#prompt textarea").scroll_into_view_if_needed()
    page.locator("#prompt textarea").fill("chiptune, playful, square lead, 150 BPM")
    slide(page, "duration", SECONDS)
    choose(page, "adapters", ADAPTER)
    page.evaluate("window.heard.reset()")
    pressed = time.time()
    press(page, "Generate Music")
    since = until(lambda: page.evaluate("window.heard.since"), 60, "sound in the loudspeaker")
    job = server.newest("generate")
    assert job["state"] == "running", "the song was heard only when it was done"
    assert [used["name"] for used in job["arguments"]["adapters"]] == [ADAPTER]
    album.note("seconds from the press to the first sound", since / 1000 - pressed)
    until(lambda: page.evaluate("window.heard.seconds") > 1, 30, "a second has sounded")
    album.take(page, "heard-while-made")
    until(lambda: server.newest("generate")["state"] == "done", 90, "the song is done")
    made_s = server.newest("generate")["result"]["duration_s"]  # the model may end it early
    until(lambda: page.evaluate("window.heard.seconds") > made_s / 3, 60, "it goes on to sound")
    assert page.evaluate("window.heard.loudest") > 0.01
    expect(page.locator("#history li")).to_have_count(1)
    with page.expect_download() as saved:
        page.locator("#stage").get_by_role("link", name="Download WAV").click()
    assert saved.value.path().read_bytes()[:4] == b"RIFF"
    album.take(page, "song")


def compare(page: Page, server: Server, album: Album) -> None:
    slide(page, "duration", 4)
    press(page, "A/B: with and without adapters")
    players = page.locator("#stage angen-player")
    expect(players).to_have_count(2, timeout=QUICK_MS)
    assert server.newest("compare")["state"] == "done"
    expect(page.locator("#stage h2")).to_have_text(re.compile("^Compare: chiptune"))
    sides = (players.first, players.last)
    for playing, silent in (sides, sides[::-1]):  # the second time while the first one plays
        playing.get_by_role("button", name=re.compile("^Play")).click()
        expect(playing).to_have_attribute("data-state", "playing")
        expect(silent).not_to_have_attribute("data-state", "playing")
        page.evaluate("window.heard.reset()")
        until(lambda: page.evaluate("window.heard.seconds") > 0.3, 20, "this side sounds")
    album.take(page, "compared")


def pass_the_adapter_on(page: Page, server: Server, album: Album, folder: Path) -> None:
    """Out as a file, another name for the one that is here, and the file in again."""
    open_tab(page, "adapters")
    with page.expect_download() as saved:
        page.locator("#export-adapter").click()
    assert saved.value.suggested_filename == f"{ADAPTER}.zip"
    saved.value.save_as(folder / f"{ADAPTER}.zip")
    page.locator("#new-adapter-name").locator("input, textarea").fill(RENAMED)
    page.locator("#rename-adapter").click()
    rows = page.locator("#adapter-table tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text(RENAMED)
    expect(page.locator("#adapter-card")).to_contain_text(RENAMED)
    assert adapters(server) == [RENAMED]
    with page.expect_file_chooser() as chooser:
        page.locator("#import-adapter").click()
    chooser.value.set_files(folder / f"{ADAPTER}.zip")
    expect(rows).to_have_count(2, timeout=QUICK_MS)
    assert adapters(server) == [ADAPTER, RENAMED]
    show(page, "adapter-table")
    album.take(page, "passed-on")


def compare_the_adapters(page: Page, album: Album) -> None:
    fold(page, "compare-adapters")
    for name in (ADAPTER, RENAMED):
        choose(page, "compared", name)
    page.keyboard.press("Escape")
    heads = page.locator("#comparison thead th[scope=col]")
    expect(heads).to_have_text(["", ADAPTER, RENAMED])
    for row in page.locator("#comparison tbody tr").all():  # a file loses nothing on its way
        one, other = row.locator("td").all_inner_texts()
        assert one == other, row.inner_text()
    album.take(page, "side-by-side")
    fold(page, "compare-adapters")


def delete_the_adapters(page: Page, server: Server, album: Album) -> None:
    page.locator("#delete-adapter").scroll_into_view_if_needed()
    page.locator("#delete-adapter").click()
    question = page.locator("#delete-question")
    expect(question).to_contain_text(RENAMED)
    album.take(page, "asked-first")
    press(page, "Keep it")
    expect(question).not_to_be_visible()
    assert adapters(server) == [ADAPTER, RENAMED]
    for name, left in ((RENAMED, [ADAPTER]), (ADAPTER, [])):
        page.locator("#delete-adapter").click()
        expect(question).to_contain_text(name)
        press(page, "Delete for good")
        expect(question).not_to_be_visible()
        expect(page.locator("#adapter-table")).not_to_contain_text(name)
        assert adapters(server) == left
    expect(page.locator("#adapter-table")).to_contain_text("No adapters yet")


def adapters(server: Server) -> list[str]:
    """Names in the library."""
    return [found["name"] for found in server.get("/api/training/lora-adapters")["adapters"]]
