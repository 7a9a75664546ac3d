"""The page follows the server: once a second each browser asks what has changed, and gets only that.

A panel says on what it depends (cheaply), and how it is drawn. What a browser has seen is kept for
it, so a panel is drawn again only when what it depends on is another. All state that matters lies
on the server: a page that is loaded anew, or in another browser, shows the same.
"""

import logging
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from angen.jobs.job import Job, JobState
from angen.studio.desk import Desk
from angen.ui.faults import bound

logger = logging.getLogger(__name__)

EVERY_S = 1.0
JOBS = 100  # newest that the page looks at


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

    def start(self, page: gr.Blocks) -> None:
        """Begin to look; to be called once, when all panels are there."""
        seen = gr.State({})
        timer = gr.Timer(EVERY_S)
        wiring: dict[str, Any] = {
            "fn": bound(self.look),
            "inputs": [seen, *self._choices.values()],
            "outputs": [seen, *self._outputs],
            "show_progress": "hidden",
            "queue": False,
            "api_visibility": "private",
        }
        page.load(**wiring)
        timer.tick(**wiring)
        self.seen = seen

    def look(self, seen: dict[str, Hashable], *chosen: Any) -> Any:
        """Everything that has changed since ``seen``, by component."""
        now = self.now(dict(zip(self._choices, chosen, strict=True)))
        changes: dict[Any, Any] = {}
        fresh = dict(seen or {})
        for panel in self._panels:
            mark = panel.depends(now)
            if panel.name in fresh and fresh[panel.name] == mark:
                continue
            changes |= panel.draw(now)
            fresh[panel.name] = mark
        if fresh == seen:
            return gr.skip()
        return changes | {self.seen: fresh}

    def now(self, mine: Mapping[str, Any] | None = None) -> Now:
        """How things stand."""
        return Now(jobs=tuple(self.desk.jobs(limit=JOBS)), mine=mine or {})


def settled(job: Job | None) -> bool:
    """Whether nothing will change about a job, or there is none."""
    return job is None or job.state in (JobState.DONE, JobState.FAILED, JobState.STOPPED)


def changed(folder: Path) -> int:
    """What tells that something came into a folder, left it, or got another name."""
    try:
        return folder.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
