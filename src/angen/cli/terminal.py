"""How commands speak: tables, progress with time left, JSON, one clear sentence for a fault.

Answers go to standard output, everything else (progress, notes, faults) to standard error, so that
``angen ... --json | jq`` works.
"""

import json
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from enum import Enum, IntEnum
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from angen.errors import Stopped

OnStep = Callable[[int, int], None]

WIDE = 2_000  # columns in a file or a pipe: a row stays a line
REPEAT_S = 10.0  # without a terminal, progress is a line in so many seconds


class ExitCode(IntEnum):
    """What the shell gets."""

    OK = 0
    FAULT = 1  # something that a person can put right; the message says how
    USAGE = 2  # a command or option that does not exist
    NO_EFFECT = 3  # the adapter does not bring songs closer to the recordings
    SKIPPED = 4  # done, but some inputs were left out
    STOPPED = 130  # by the user; what was done is saved


@dataclass(slots=True)
class StopSign:
    """Set by Ctrl-C or a polite kill; heard at the next step of the work."""

    asked: bool = False
    heard_by_work: bool = False  # something is under way that will look at it

    def check(self) -> None:
        """Raise Stopped if a stop was asked for."""
        if self.asked:
            raise Stopped("Stopped.")


SIGN = StopSign()


@contextmanager
def stop_signals() -> Iterator[None]:
    """Within the block, SIGINT and SIGTERM stop the work at its next step; a second one at once."""

    def asked(_number: int, _frame: FrameType | None) -> None:
        if SIGN.asked or not SIGN.heard_by_work:
            raise Stopped("Stopped.")
        SIGN.asked = True
        say("Stopping after this step, to save what is done ... (again to stop at once)")

    SIGN.asked = SIGN.heard_by_work = False
    before = {number: signal.signal(number, asked) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def out() -> Console:
    """Standard output, as it is now."""
    return _console(sys.stdout)


def err() -> Console:
    """Standard error, as it is now."""
    return _console(sys.stderr)


def _console(file: TextIO) -> Console:
    width = None if file.isatty() else WIDE
    return Console(file=file, width=width, soft_wrap=True, highlight=False)


def say(message: str) -> None:
    """A note for the person in front of the screen."""
    err().print(escape(message))


def fault(message: str) -> None:
    """What was wrong and what to do."""
    err().print(f"[bold red]Error:[/] {escape(message)}")


def tell(message: str) -> None:
    """The answer of a command."""
    out().print(escape(message))


def tell_json(value: object) -> None:
    """The answer of a command, for programs."""
    sys.stdout.write(json.dumps(plain(value), ensure_ascii=False, indent=1) + "\n")


def tell_table(columns: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> None:
    """The answer of a command as a table; ``empty`` when there is nothing to show."""
    if not rows:
        tell(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(escape("" if cell is None else str(cell)) for cell in row))
    out().print(table)


def plain(value: object) -> Any:
    """Any result as JSON can hold it."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    if (isinstance(value, float) and value != value) or value in (float("inf"), float("-inf")):
        return None
    return value


class Waiting:
    """Somebody at a terminal: stages as progress bars with time left, or lines in a log."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = err()
        self._quiet = quiet
        self._live = self._console.is_terminal and not quiet
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._live,
        )
        self._said = 0.0

    def __enter__(self) -> "Waiting":
        SIGN.heard_by_work = True
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()
        SIGN.heard_by_work = False

    def stage(self, title: str) -> OnStep:
        """Show a new stage; its steps are counted by what comes back, which may raise Stopped."""
        SIGN.check()
        for task in self._progress.task_ids:
            self._progress.remove_task(task)
        task = self._progress.add_task(title, total=None)
        self._said = time.monotonic()
        first: list[tuple[float, int]] = []  # time and count: work that goes on begins in its midst
        if not self._live and not self._quiet:
            self._console.print(f"{title} ...")

        def on_step(done: int, total: int) -> None:
            SIGN.check()
            self._progress.update(task, completed=done, total=total)
            if not first:
                first.append((time.monotonic(), done))
            if not self._live and not self._quiet:
                self._line(title, done, total, *first[0])

        return on_step

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Within the block the screen is free for a question, and Ctrl-C ends at once."""
        self._progress.stop()
        SIGN.heard_by_work = False
        try:
            yield
        finally:
            SIGN.heard_by_work = True
            self._progress.start()

    def say(self, message: str) -> None:
        """A line that stays."""
        if not self._quiet:
            self._progress.console.print(escape(message))

    def _line(self, title: str, done: int, total: int, since: float, first: int) -> None:
        now = time.monotonic()
        if now - self._said < REPEAT_S or not first < done < total:
            return
        self._said = now
        left = (now - since) / (done - first) * (total - done)
        self._console.print(f"{title}: {100 * done // total} %, {left:.0f} s left")
