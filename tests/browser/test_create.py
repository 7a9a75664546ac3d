"""Making songs on the page: what is filled in stays, what plays goes on, what is wrong is said."""

import re
import shutil

import pytest
from playwright.sync_api import Locator, Page, expect

from angen.studio.settings import Settings
from tests.browser.conftest import Visit, Watch
from tests.browser.hands import choose, open_tab, press, slide, until
from tests.browser.server import Server
from tests.ui.house import add_adapter, add_song

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

KEPT, GONE = "kept_lora", "gone_lora"
OUTLINE = "getComputedStyle(document.activeElement).outline"
LONG_S = 300  # of a song that is still being made when others are ordered


def write(page: Page, prompt: str) -> None:
    page.locator("#prompt textarea").fill(prompt)


def number(page: Page, identity: str) -> Locator:
    return page.locator(f"#{identity} input[type=number]")


def test_what_is_filled_in_stays_when_the_page_is_loaded_anew(visit: Visit, server: Server) -> None:
    folders = {name: add_adapter(Settings(home=server.home), name) for name in (KEPT, GONE)}
    page = visit()
    write(page, "calm jazz")
    slide(page, "duration", 33)
    for name in (GONE, KEPT):
        choose(page, "adapters", name)
    page.keyboard.press("Escape")
    slide(page, "strength-1", 1.35)
    number(page, "seed").fill("77")
    expect(page.get_by_label("Random")).not_to_be_checked()
    page.goto("about:blank")
    shutil.rmtree(folders[GONE])
    page.goto(server.url)

    expect(page.locator("#prompt textarea")).to_have_value("calm jazz")
    expect(number(page, "duration")).to_have_value("33")
    expect(number(page, "seed")).to_have_value("77")
    expect(page.get_by_label("Random")).not_to_be_checked()
    expect(page.locator("#adapters")).to_contain_text(KEPT)
    expect(page.locator("#adapters")).not_to_contain_text(GONE)
    expect(page.locator("#strength-0")).to_contain_text(KEPT)
    expect(number(page, "strength-0")).to_have_value("1.35")


def test_escape_leaves_the_question_before_a_deletion(visit: Visit, server: Server) -> None:
    folder = add_adapter(Settings(home=server.home), "asked_about")
    page = visit()
    open_tab(page, "adapters")
    choose(page, "select-adapter", "asked_about")
    page.locator("#delete-adapter").click()
    question = page.locator("#delete-question")
    expect(question).to_contain_text("asked_about")
    page.keyboard.press("Escape")
    expect(question).not_to_be_visible()
    assert folder.is_dir()


def test_the_focus_is_seen_on_sliders_radios_and_ticks(visit: Visit) -> None:
    page = visit()
    for part in ("#duration input[type=range]", "#lyrics-kind input", "#random-seed input"):
        field = page.locator(part).first
        field.focus()
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Tab")
        assert field.evaluate("field => field === document.activeElement"), part
        assert "solid 3px" in page.evaluate(OUTLINE), part


def test_what_cannot_be_made_is_said_and_a_cleared_duration_is_the_default(
    visit: Visit, server: Server
) -> None:
    page, before = visit(), server.newest("generate").get("id")  # of another test
    message = page.locator(".toast-wrap")
    write(page, "calm jazz")
    number(page, "seed").fill("-1")
    press(page, "Generate Music")
    expect(message).to_contain_text("-1 is no seed: give a whole number from 0")
    number(page, "seed").fill("1")
    page.get_by_text("My own lyrics").click()
    press(page, "Generate Music")
    expect(message).to_contain_text("There are no lyrics yet")
    number(page, "duration").fill("")
    page.keyboard.press("Tab")
    expect(number(page, "duration")).to_have_value("20")
    assert server.newest("generate").get("id") == before


def test_a_song_goes_on_while_others_are_ordered(visit: Visit, server: Server) -> None:
    page = visit()
    stage = page.locator("#stage")
    slide(page, "duration", LONG_S)
    write(page, "ambient, the first")
    press(page, "Generate Music")
    until(lambda: page.evaluate("window.heard.since"), 60, "sound in the loudspeaker")
    slide(page, "duration", 2)
    write(page, "chiptune, the second")
    press(page, "Generate Music")
    expect(stage.locator("li.job")).to_contain_text("Waits for ambient, the first (Making")
    write(page, "rock, the third")
    press(page, "Generate Music")
    expect(stage.locator("li.job")).to_have_count(2)
    expect(stage.locator("angen-player")).to_have_attribute("caption", "ambient, the first")
    page.evaluate("window.heard.reset()")
    until(lambda: page.evaluate("window.heard.seconds") > 1, 30, "the first one goes on to sound")
    newcomer = visit().locator("#stage angen-player")
    expect(newcomer).to_have_attribute("caption", "ambient, the first")
    stage.get_by_role("button", name="Cancel rock").click()
    expect(stage.locator("li.job")).to_have_count(1)
    stage.get_by_role("button", name="Listen: chiptune").click()
    expect(stage.locator("h2")).to_have_text("Waiting its turn")
    stage.get_by_role("button", name="Cancel ambient").click()
    expect(page.locator(".toast-wrap")).to_contain_text("A song that is not finished is not kept")
    page.evaluate("window.heard.reset()")
    until(lambda: page.evaluate("window.heard.since"), 60, "the second one by itself")
    expect(stage.locator("h2")).to_have_text("Ready to hear")
    expect(stage.locator("angen-player")).to_have_attribute("caption", "chiptune, the second")


def test_when_its_song_is_deleted_the_stage_shows_the_newest(
    visit: Visit, server: Server, watch: Watch
) -> None:
    for name, prompt in (("94-BPM_1", "94 BPM, to be deleted"), ("left_1", "the newest then")):
        add_song(Settings(home=server.home), name, prompt)
    page = visit()
    stage = page.locator("#stage")
    page.get_by_role("button", name="Show 94 BPM").click()
    expect(stage.locator("angen-player")).to_have_attribute("caption", "94 BPM, to be deleted")
    page.get_by_role("button", name=re.compile("^Delete “94 BPM")).click()
    expect(stage.locator("angen-player")).to_have_attribute("caption", "the newest then")
    assert watch.questions == ["Delete the song “94 BPM, to be deleted” (0:00, seed 0)?"]
