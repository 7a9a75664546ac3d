"""The page follows the server: once a second a browser asks what has changed, and gets only that.

A panel says on what it depends (cheaply), and how it is drawn. What a browser has seen is kept for
it, so a panel is drawn again only when what it depends on is another. All state that matters lies
on the server: a page that is loaded anew, or in another browser, shows the same.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from angen.jobs.job import PENDING, Job
from angen.studio.desk import Desk
from angen.ui.faults import QUIET, bound

EVERY_S = 1.0
JOBS = 100  # newest that the page looks at
_NEVER = object()  # mark of a panel that was not drawn yet


@dataclass(frozen=True, kw_only=True)
class Now:
    """What the page is drawn from: the jobs, and what this browser has chosen."""

    jobs: tuple[Job, ...]  # newest first
    mine: Mapping[str, Any]

    def find(self, identity: str | None) -> Job | None:
        """A job by its id, if it is among those looked at."""
        return next((job for job in self.jobs if job.id == identity), None)

    def of(self, *kinds: str) -> list[Job]:
        """Jobs of some kinds, newest first."""
        return [job for job in self.jobs if job.kind in kinds]

    def news(self, *kinds: str) -> tuple[tuple[str, str, int], ...]:
        """What tells that a job of these kinds came or ended."""
        return tuple((job.id, job.state.value, job.attempt) for job in self.of(*kinds))

    def ended(self, *kinds: str) -> tuple[tuple[str, int], ...]:
        """What tells that a job of these kinds left something behind."""
        over = [job for job in self.of(*kinds) if job.state.over]
        return tuple((job.id, job.attempt) for job in over)

    @property
    def busy(self) -> list[Job]:
        """Jobs that a worker has, then those that wait, in their order."""
        active = [job for job in self.jobs if job.state.active]
        waiting = [job for job in self.jobs if not job.state.active and not job.state.over]
        return active + sorted(waiting, key=lambda job: (job.lane, job.position or 10**9))

    def before(self, job: Job) -> list[Job]:
        """Jobs that go before one that waits: those that it needs, and those of its lane."""
        if job.state not in PENDING:
            return []
        return [
            other
            for other in self.busy
            if other.id in job.after
            or (other.lane == job.lane and (other.state.active or other.position < job.position))
        ]


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A part of the page that follows the server."""

    name: str
    depends: Callable[[Now], Hashable]
    draw: Callable[[Now], Mapping[Any, Any]]  # component -> value or update


class Live:
    """Panels, and the choices of a browser that they need."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._panels: list[Panel] = []
        self._outputs: list[Any] = []
        self._choices: dict[str, Any] = {}

    def choice(self, name: str, component: Any) -> None:
        """Panels may read what this browser has chosen in ``component`` as ``now.mine[name]``."""
        self._choices[name] = component

    def component(self, name: str) -> Any:
        """The component of a choice, for those who set it."""
        return self._choices[name]

    def panel(
        self,
        name: str,
        outputs: list[Any],
        depends: Callable[[Now], Hashable],
        draw: Callable[[Now], Mapping[Any, Any]],
    ) -> None:
        """Draw ``outputs`` anew whenever ``depends`` gives something else than before."""
        self._panels.append(Panel(name=name, depends=depends, draw=draw))
        self._outputs += [part for part in outputs if part not in self._outputs]

    def start(self, page: gr.Blocks, after: Any = None) -> None:
        """Begin to look; to be called once, when all panels are there.

        after: the event of the page's loading that sets the choices, if there is one.

        A tick only tells whether anything has changed. What has is drawn by an event of its own, so
        that in a quiet second next to nothing goes over the wire.
        """
        self.seen = gr.State({})
        mark = gr.Textbox(visible=False, elem_id="mark")
        choices = list(self._choices.values())
        drawn = [self.seen, *self._outputs]
        begin = page.load if after is None else after.then
        begin(bound(self.look), [self.seen, *choices], drawn, **QUIET)
        gr.Timer(EVERY_S).tick(bound(self.glance), [mark, self.seen, *choices], mark, **QUIET)
        mark.change(bound(self.look), [self.seen, *choices], drawn, **QUIET)

    def glance(self, mark: str, seen: dict[str, Hashable], *chosen: Any) -> Any:
        """A new mark if something has changed since ``seen``."""
        now = self._now(chosen)
        if all(seen.get(panel.name, _NEVER) == panel.depends(now) for panel in self._panels):
            return gr.skip()
        return str(int(mark or 0) + 1)

    def look(self, seen: dict[str, Hashable], *chosen: Any) -> Any:
        """Everything that has changed since ``seen``, by component."""
        now = self._now(chosen)
        changes: dict[Any, Any] = {}
        fresh = dict(seen)
        for panel in self._panels:
            mark = panel.depends(now)
            if fresh.get(panel.name, _NEVER) != mark:
                changes |= panel.draw(now)
                fresh[panel.name] = mark
        return changes | {self.seen: fresh}

    def _now(self, chosen: Sequence[Any]) -> Now:
        """How things stand for a browser with these choices."""
        mine = dict(zip(self._choices, chosen, strict=True))
        return Now(jobs=tuple(self.desk.jobs(limit=JOBS)), mine=mine)


def changed(folder: Path) -> int:
    """What tells that something came into a folder, left it, or got another name."""
    try:
        return folder.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
