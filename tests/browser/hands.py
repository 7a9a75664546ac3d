"""What a musician's hands do on the page, each as one step."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

TAB_OF = {
    "sets": "Dataset Training",
    "audio": "User Audio Training",
    "training": "Training Configuration",
    "adapters": "Manage LoRA Adapters",
}


class Album:
    """Pictures of the steps, numbered as they were taken."""

    def __init__(self, folder: Path, story: str) -> None:
        self._folder = folder
        self._story = story
        self._taken = 0

    def take(self, page: Page, name: str, *, whole: bool = False) -> None:
        """A picture of what is seen, or of the whole page."""
        self._taken += 1
        path = self._folder / f"{self._story}-{self._taken:02d}-{name}.png"
        page.screenshot(path=path, full_page=whole, animations="disabled")


def until(what: Callable[[], Any], within_s: float, told: str) -> Any:
    """The first answer that is not empty. For what the page itself cannot tell."""
    ends = time.monotonic() + within_s
    while not (answer := what()):
        assert time.monotonic() < ends, f"after {within_s:g} s still not: {told}"
        time.sleep(0.1)
    return answer


def open_tab(page: Page, name: str) -> None:
    """Unfold the training part if it is folded, and show one of its tabs."""
    title = page.get_by_role("tab", name=TAB_OF[name])
    if not title.is_visible():
        fold(page, "lora-training")
    title.click()
    title.scroll_into_view_if_needed()


def fold(page: Page, identity: str) -> None:
    """Open an accordion that is closed, and the other way round."""
    page.locator(f"#{identity} > button").click()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()


def slide(page: Page, identity: str, value: float) -> None:
    """Give a slider a value by its number field."""
    field = page.locator(f"#{identity} input[type=number]")
    field.fill(f"{value:g}")
    field.press("Tab")


def choose(page: Page, identity: str, option: str) -> None:
    """Pick an entry of a drop-down list."""
    page.locator(f"#{identity} input").click()
    page.get_by_role("option", name=re.compile(f"^{re.escape(option)}")).click()


def rising(
    standing: Locator, *, until_there: Locator, within_s: float, at: tuple[int, Callable[[], None]]
) -> list[int]:
    """The percentages that a line showed, each once, until something else is there.

    at: a percentage, and what to do when it is reached.
    """
    seen: list[int] = []
    level, act = at
    ends = time.monotonic() + within_s
    while not until_there.is_visible():
        assert time.monotonic() < ends, f"after {within_s:g} s at {seen} %"
        found = re.search(r"(\d+) %", standing.inner_text() if standing.count() else "")
        if found and int(found[1]) not in seen[-1:]:
            seen.append(int(found[1]))
            if seen[-1] >= level and (len(seen) == 1 or seen[-2] < level):
                act()
        time.sleep(0.1)
    return seen


def no_error(page: Page) -> None:
    """Nothing on the page complains."""
    expect(page.locator(".toast-wrap .error, .note.error")).to_have_count(0)
