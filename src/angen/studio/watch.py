"""How a use case tells whoever waits for it what it is doing."""

from collections.abc import Callable
from typing import Protocol

OnStep = Callable[[int, int], None]  # steps done, steps in all; may raise Stopped


class Watch(Protocol):
    """Somebody who waits: a terminal, a page, a test."""

    def stage(self, title: str) -> OnStep:
        """A new stage of the work begins; the earlier one is over. Returns where to count it."""

    def say(self, message: str) -> None:
        """A line worth keeping."""
