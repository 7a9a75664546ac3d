"""How a training goes: where it is, its curves, its samples, its log."""

from markupsafe import Markup

from angen.jobs.job import Job
from angen.ui import links, words
from angen.ui.curves import draw_curves
from angen.ui.live import Now
from angen.ui.markup import NOTHING, joined, note, play, tag
from angen.ui.stage import failure, job_line
from angen.ui.story import Story

LINES = 60  # of the log that are shown


def watched(now: Now) -> Job | None:
    """The training that runs, else the newest that ended, else the next."""
    trainings = now.of("train")
    running = [job for job in trainings if job.state.active]
    over = [job for job in trainings if job.state.over]
    return next(iter([*running, *over, *reversed(trainings)]), None)


def draw_monitor(job: Job, story: Story) -> Markup:
    """The training as HTML."""
    parts = [
        tag("h3", job.title),
        tag("p", standing(job, story), class_="standing", role="status"),
        NOTHING if job.state.over else job_line(job),
        _ended(job),
        draw_curves(
            {"training loss": story.loss, "validation loss": story.validation}, story.steps
        ),
        _samples(story),
        _log(story),
    ]
    return joined(parts)


def standing(job: Job, story: Story) -> str:
    """``Epoch 3/10 | Step 1250/4000 | Loss: 0.2340 | 31 % | 12 min 03 s left``."""
    parts = []
    if story.epochs:
        parts.append(f"Epoch {story.epoch}/{story.epochs}")
    if story.steps:
        parts.append(f"Step {story.step}/{story.steps}")
    if story.latest is not None:
        parts.append(f"Loss: {story.latest:.4f}")
    if story.validation:
        parts.append(f"Validation: {story.validation[-1][1]:.4f}")
    if share := _share(job, story):
        parts.append(share)
    parts.append(words.STATES[job.state])
    return " | ".join(parts)


def _share(job: Job, story: Story) -> str:
    """How far it is, with the report that follows the last step; empty where that is not known.

    Before its steps the job counts what else it does, such as clips that are encoded.
    """
    if job.state.active:
        known = story.stepping and job.progress is not None and job.progress.total > 0
        return f"{words.percent(job):.0f} %" if known else ""
    return f"{100 * story.step / story.steps:.0f} %" if story.steps else ""


def _ended(job: Job) -> Markup:
    if not job.state.over:
        return NOTHING
    if job.problem is not None or job.result is None:
        return failure(job)
    verdict = job.result.get("sentence") or job.result.get("verdict")
    said = f"Done: {job.result.get('adapter')} is ready to play."
    return note(f"{said} {verdict}" if verdict else said, "good")


def _samples(story: Story) -> Markup:
    """Songs made along the way with one prompt and seed, oldest first."""
    heard = [sample for sample in story.samples if sample.get("audio")]
    if not heard:
        return NOTHING
    items = [
        tag(
            "li",
            play(
                links.adapter_file(str(sample.get("adapter", "")), str(sample["audio"])),
                f"sample of step {sample.get('step')}",
            )
            + tag("span", f"step {sample.get('step')}" if sample.get("step") else "before"),
            class_="sample",
        )
        for sample in heard
    ]
    told = f"Same prompt, same seed: {heard[-1].get('prompt', '')}"
    return (
        tag("h3", "Audio samples")
        + tag("p", told, class_="soft")
        + tag("ul", joined(items), class_="samples")
    )


def _log(story: Story) -> Markup:
    lines = "\n".join(story.lines[-LINES:]) or "Nothing yet."
    log = tag("pre", lines, class_="log", tabindex="0", aria_label="Training log")
    return tag("h3", "Training log") + log
