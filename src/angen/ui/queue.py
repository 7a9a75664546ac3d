"""The queue: what runs, what waits and what ended, with the means to change it."""

from collections.abc import Sequence

import gradio as gr
from markupsafe import Markup

from angen.amounts import counted, duration_text
from angen.jobs.job import Job, JobState
from angen.studio.desk import Desk
from angen.ui import words
from angen.ui.faults import PRESS, bound
from angen.ui.live import Live, Now
from angen.ui.markup import ACTIONS, NOTHING, button, chips, empty, joined, note, tag
from angen.ui.stage import act_on_job, job_line
from angen.ui.words import MAKING

ENDED = 8  # ended jobs that are shown


def build_strip(desk: Desk, live: Live) -> gr.HTML:
    """What runs right now, at the top of the page, wherever it was started."""
    strip = gr.HTML(js_on_load=ACTIONS, apply_default_css=False, elem_id="strip")
    live.panel(
        "strip",
        [strip],
        lambda now: tuple((job.id, job.revision) for job in _elsewhere(now)),
        lambda now: {strip: str(draw_strip(_elsewhere(now)))},
    )
    _wire(desk, strip)
    return strip


def _elsewhere(now: Now) -> list[Job]:
    """Jobs that are under way, but for songs: those are on the stage."""
    return [job for job in now.busy if job.kind not in MAKING]


def draw_strip(busy: Sequence[Job]) -> Markup:
    """Running jobs in a line each; how many wait."""
    running = [job for job in busy if job.state.active]
    lines = [
        tag(
            "div",
            tag("span", job.title, class_="job-name") + job_line(job) + _cancel(job),
            class_="strip-job",
        )
        for job in running
    ]
    if waiting := len(busy) - len(running):
        lines.append(tag("p", f"{counted(waiting, 'job')} waiting", class_="soft"))
    return tag("div", joined(lines), class_="strip", aria_live="off") if lines else NOTHING


def build_queue(desk: Desk, live: Live) -> gr.HTML:
    """All jobs with cancel, try again, up and down."""
    queue = gr.HTML(js_on_load=ACTIONS, apply_default_css=False, elem_id="queue")
    live.panel(
        "queue",
        [queue],
        lambda now: tuple((job.id, job.revision) for job in now.jobs[:60]),
        lambda now: {
            queue: str(draw_queue(now.busy, [job for job in now.jobs if job.state.over][:ENDED]))
        },
    )
    _wire(desk, queue)
    return queue


def draw_queue(busy: Sequence[Job], ended: Sequence[Job]) -> Markup:
    """Jobs in their order, then those that ended."""
    if not busy and not ended:
        return empty("The queue is empty", "Whatever takes longer than a second appears here.")
    queued = [job for job in busy if job.state is JobState.QUEUED]
    items = [_queued(job, queued) for job in busy] + [_ended(job) for job in ended]
    return tag("ul", joined(items), class_="jobs")


def _queued(job: Job, queued: Sequence[Job]) -> Markup:
    lane = [other for other in queued if other.lane == job.lane]
    moves = NOTHING
    if job in lane:
        at = lane.index(job)
        if at > 0:
            moves += _move("↑", "up", job, lane[at - 1].id)
        if at + 1 < len(lane):
            after_next = lane[at + 2].id if at + 2 < len(lane) else ""
            moves += _move("↓", "down", job, after_next)
    name = tag("span", job.title, class_="job-name")
    tools = tag("div", moves + _cancel(job), class_="tools")
    return tag("li", name + job_line(job) + tools, class_=f"job {job.state.value}")


def _move(sign: str, way: str, job: Job, before: str) -> Markup:
    return button(sign, "move", job=job.id, before=before, label=f"Move {job.title} {way}")


def _cancel(job: Job) -> Markup:
    if job.state is JobState.STOPPING:
        return NOTHING
    return button("Cancel", "cancel", look="danger", job=job.id, label=f"Cancel {job.title}")


def _ended(job: Job) -> Markup:
    took = ""
    if job.started and job.ended:
        took = f"took {duration_text((job.ended - job.started).total_seconds())}"
    facts = chips([words.STATES[job.state], took, words.ago(job.ended) if job.ended else ""])
    text = tag("span", job.title, class_="job-name") + tag("div", facts, class_="facts")
    if job.problem is not None:
        said = f"{job.problem.message} {job.problem.remedy}".strip()
        text += note(said, "error" if job.state is JobState.FAILED else "warning")
    tools = NOTHING
    if job.state is not JobState.DONE:
        tools = button("Try again", "retry", job=job.id, label=f"Try {job.title} again")
    tools += button("Forget", "forget", job=job.id, label=f"Remove {job.title} from the list")
    return tag(
        "li",
        tag("div", text, class_="grow") + tag("div", tools, class_="tools"),
        class_=f"job {job.state.value}",
    )


def _wire(desk: Desk, part: gr.HTML) -> None:
    def press(event: gr.EventData) -> None:
        change_queue(desk, event._data["action"], event._data["job"], event._data.get("before"))

    part.click(bound(press), None, None, **PRESS)


def change_queue(desk: Desk, action: str, job: str, before: str | None = None) -> None:
    """Cancel, retry, move or forget a job."""
    if act_on_job(desk, action, job):
        return
    if action == "move":
        desk.move(job, before or None)
    elif action == "forget":
        desk.forget(job)
