"""The page itself: by eye, by ear, by keyboard, wide and narrow, light and dark."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from angen.studio.settings import Settings
from tests.browser.conftest import WIDE, Visit, Watch
from tests.browser.hands import TAB_OF, Album, fold, open_tab, press, until
from tests.browser.server import Server
from tests.ui.house import add_adapter

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

NARROW = {"width": 390, "height": 844}
SPOKEN = frozenset(
    {"button", "checkbox", "combobox", "link", "listbox", "menuitem", "option", "radio"}
    | {"searchbox", "slider", "spinbutton", "switch", "tab", "textbox"}
)
EVIL = '<img src=x onerror="window.ran=1"><script>window.ran=1;alert(1)</script>{{constructor}}'
FOCUSED = """() => {
  let element = document.activeElement;
  while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
  return element?.closest('[id]')?.id ?? '';
}"""


def unnamed(page: Page) -> list[str]:
    """What a screen reader would call just "button", in the browser's own accessibility tree."""
    wire = page.context.new_cdp_session(page)
    wire.send("DOM.enable")
    nodes = wire.send("Accessibility.getFullAXTree")["nodes"]
    found = []
    for node in nodes:
        if node.get("ignored") or node["role"]["value"] not in SPOKEN:
            continue
        if not node.get("name", {}).get("value", "").strip():
            element = {"backendNodeId": node["backendDOMNodeId"]}
            found.append(wire.send("DOM.getOuterHTML", element)["outerHTML"][:300])
    wire.detach()
    return found


def sticking_out(page: Page) -> list[str]:
    """Visible things that reach over the right edge, where nothing scrolls; the innermost."""
    result: list[str] = page.evaluate(
        """() => {
          const width = document.documentElement.clientWidth;
          const scrolls = (e) => e && (
            (/auto|scroll|hidden/.test(getComputedStyle(e).overflowX)
              && e.getBoundingClientRect().right <= width + 1) || scrolls(e.parentElement));
          const over = [...document.querySelectorAll('.gradio-container *')].filter((e) =>
            e.getBoundingClientRect().width && e.getBoundingClientRect().right > width + 1
            && e.checkVisibility({ visibilityProperty: true }) && !scrolls(e.parentElement));
          const inner = over.filter((e) => !over.some((o) => o !== e && e.contains(o)));
          return inner.slice(0, 5).map((e) =>
            `${Math.round(e.getBoundingClientRect().right)}: ${e.outerHTML.slice(0, 200)}`);
        }"""
    )
    return result


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_the_page_fits_and_every_control_has_a_name(
    visit: Visit, artifacts: Path, size: dict[str, int], scheme: str
) -> None:
    page = visit(viewport=size, color_scheme=scheme)
    assert page.evaluate("document.body.classList.contains('dark')") == (scheme == "dark")
    album = Album(artifacts, f"page-{size['width']}-{scheme}")
    page.get_by_text("My own lyrics").click()
    page.locator("#lyrics textarea").wait_for()
    fold(page, "advanced")
    page.evaluate("window.scrollTo(0, 0)")
    album.take(page, "create")
    wide = page.locator("#create").evaluate("part => part.getBoundingClientRect().width")
    assert wide > (0.4 if size is WIDE else 0.85) * size["width"], "the form has too little room"
    faults: dict[str, Any] = {}
    for name in TAB_OF:
        open_tab(page, name)
        page.wait_for_timeout(300)
        album.take(page, name, whole=True)
        faults |= {f"{name}, no name": unnamed(page), f"{name}, too wide": sticking_out(page)}
    assert {what: found for what, found in faults.items() if found} == {}


def test_a_phone_shows_titles_and_names_whole(
    visit: Visit, server: Server, recordings: list[Path], artifacts: Path, tmp_path: Path
) -> None:
    long = tmp_path / "the quiet evening of a long summer.ogg"
    long.write_bytes(recordings[0].read_bytes())
    server.upload(long)
    add_adapter(Settings(home=server.home), "jazz_of_a_long_night_v1")
    page = visit(viewport=NARROW)
    album = Album(artifacts, "phone")
    open_tab(page, "audio")
    expect(page.locator("#training-tabs [role=tab]")).to_have_count(len(TAB_OF))
    for tab in page.locator("#training-tabs [role=tab]").all():
        box = tab.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= NARROW["width"]
        assert tab.evaluate("title => title.scrollWidth <= title.clientWidth")
    name = page.locator("#uploads .file", has_text="quiet evening")
    album.take(page, "recordings")
    assert lines(name) <= 3
    arrow, value = page.locator("#collection .icon-wrap"), page.locator("#collection input")
    room = value.evaluate("box => parseFloat(getComputedStyle(box).paddingRight)")
    assert room >= arrow.evaluate("icon => icon.getBoundingClientRect().width")
    open_tab(page, "adapters")
    row = page.locator("#adapter-table tr", has_text="jazz_of_a_long_night_v1")
    album.take(page, "adapters")
    assert lines(row.locator("th button")) == 1
    assert lines(row.locator(".chip")) == 1


def lines(text: Locator) -> int:
    """In how many lines it is written."""
    found = text.evaluate("""part => {
      const range = document.createRange();
      range.selectNodeContents(part);
      return new Set([...range.getClientRects()].map(box => Math.round(box.top))).size;
    }""")
    return int(found)


def test_a_song_is_made_by_keyboard_alone(visit: Visit, server: Server) -> None:
    page = visit()
    keys = page.keyboard
    walk(page, "prompt")
    keys.type("ambient, soft synth pads")
    walk(page, "duration")
    keys.press("Control+A")
    keys.type("4")
    walk(page, "generate")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert float(outline.removesuffix("px")) >= 2, "the focus cannot be seen"
    page.evaluate("window.heard.reset()")
    keys.press("Enter")
    until(lambda: page.evaluate("window.heard.since"), 60, "sound in the loudspeaker")
    until(lambda: server.newest("generate")["state"] == "done", 60, "the song is done")
    assert server.newest("generate")["arguments"]["duration_s"] == 4


def walk(page: Page, identity: str, most: int = 60) -> None:
    """Press Tab until something inside of the element with this id has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        inside = f"document.getElementById({identity!r}).contains(document.activeElement)"
        if page.evaluate(inside):
            return
    raise AssertionError(f"{identity} is not reached by {most} tabs")


def test_what_a_person_writes_is_never_run(
    visit: Visit, server: Server, watch: Watch, recordings: list[Path], tmp_path: Path
) -> None:
    evil_file = tmp_path / "<img src=x onerror=alert(1)> & 'song' 音乐.ogg"
    evil_file.write_bytes(recordings[0].read_bytes())
    page = visit()
    page.locator("#prompt textarea").fill(EVIL)
    press(page, "Generate Music")
    until(lambda: server.newest("generate").get("state") == "done", 60, "the song is done")
    expect(page.locator("#history")).to_contain_text("onerror")
    open_tab(page, "audio")
    page.locator("#upload-audio input[type=file]").set_input_files(evil_file)
    expect(page.locator("#uploads")).to_contain_text("音乐")
    press(page, "Analyze & Generate Metadata")
    page.locator("#clips tr[data-clip]").first.wait_for(timeout=60_000)
    page.get_by_label("Genre of ").first.fill(EVIL[:80])
    page.locator("#dataset-name").locator("input, textarea").fill(EVIL[:60])
    press(page, "Prepare Training Dataset")
    expect(page.locator(".toast-wrap")).to_contain_text("onerror")
    other = visit()
    open_tab(other, "audio")
    expect(other.locator("#clips")).to_contain_text("onerror")
    for shown in (page, other):
        assert shown.evaluate("window.ran") is None
    assert watch.alerts == []
