"""What became of an archive that was brought: said below the button that brought it."""

import gradio as gr
from markupsafe import Markup

from angen.jobs.job import Job, JobState
from angen.ui.live import Live, Now
from angen.ui.markup import NOTHING, joined, note, tag
from angen.ui.stage import job_line


def build_arrival(live: Live, kind: str, field: str) -> None:
    """Follow the newest job of this kind. field: label of the one for another name."""
    shown = gr.HTML(apply_default_css=False, elem_id=f"{kind}-outcome")
    live.panel(
        kind,
        [shown],
        lambda now: tuple((job.id, job.revision) for job in now.of(kind)[:1]),
        lambda now: {shown: str(draw_arrival(now, kind, field))},
    )


def draw_arrival(now: Now, kind: str, field: str) -> Markup:
    """How far the newest import is, what it brought, or why it brought nothing."""
    job = next(iter(now.of(kind)), None)
    if job is None:
        return NOTHING
    if not job.state.over:
        return tag("div", tag("p", job.title, class_="strong") + job_line(job), class_="doing")
    if job.state is JobState.DONE:
        result = job.result or {}
        name = result.get("adapter") or result.get("dataset")
        warnings = joined(note(str(text), "warning") for text in result.get("warnings", ()))
        return note(f"{name} is here: it is in the list.", "good") + warnings
    return note(_refusal(job, field), "error" if job.state is JobState.FAILED else "warning")


def _refusal(job: Job, field: str) -> str:
    problem = job.problem
    if problem is None:
        return f"{job.title}: it was stopped."
    remedy = problem.remedy
    if problem.kind == "taken":
        remedy = f"Type another name into {field!r}, then import it again."
    return f"{job.title}: {problem.message} {remedy}".rstrip()
