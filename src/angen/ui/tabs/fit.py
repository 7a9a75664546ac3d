"""How the encoders of released models stand, and how a fit goes, as HTML."""

from collections.abc import Sequence

from markupsafe import Markup

from angen.amounts import counted, duration_text, size_text
from angen.jobs.job import Job
from angen.studio.learning.encoders import EncoderInfo, EncoderKind
from angen.ui import links, words
from angen.ui.curves import draw_curves
from angen.ui.markup import NOTHING, attributes, button, chips, joined, note, tag
from angen.ui.stage import failure, job_line
from angen.ui.story import Story

ANSWERS = {"good": "good", "doubtful": "odd", "bad": "bad"}  # of a check, and how they look
LINES = 20  # of the log that are shown


def draw_standing(found: Sequence[EncoderInfo]) -> Markup:
    """Each base model: whether it has an encoder, how good, and what can be taken away."""
    return tag("ul", joined(_standing(info) for info in found), class_="sets", aria_live="polite")


def _standing(info: EncoderInfo) -> Markup:
    lacks = info.kind is EncoderKind.NONE
    state = chips(["no encoder"], "odd") if lacks else chips(["encoder fitted"], "good")
    line = tag("div", tag("strong", info.base) + " " + state + _verdict(info), class_="line")
    return tag("li", line + _begun(info) + _found(info) + _links(info))


def _verdict(info: EncoderInfo) -> Markup:
    if info.check is None or info.kind is EncoderKind.NONE:
        return NOTHING
    return " " + chips([f"check: {info.check.answer}"], ANSWERS.get(info.check.answer, "odd"))


def _begun(info: EncoderInfo) -> Markup:
    """How far a fit is that did not end."""
    fit = info.fit
    if fit is None or fit.finished:
        return NOTHING
    far = f"{fit.songs_made} of {fit.songs} songs are made, {fit.step} of {fit.steps} steps done"
    said = f"A fit was begun: {far}. The same settings and recordings go on with it."
    return tag("p", said, class_="soft")


def _found(info: EncoderInfo) -> Markup:
    if info.kind is EncoderKind.NONE:
        return NOTHING
    if info.check is None:
        return tag("p", "Not checked yet.", class_="soft")
    faults = joined(tag("p", f"– {fault}", class_="soft") for fault in info.check.faults)
    return tag("p", info.check.sentence) + faults


def _links(info: EncoderInfo) -> Markup:
    parts = []
    if info.check is not None:
        page = attributes(href=links.encoder_check(info.id), target="_blank", rel="noopener")
        parts.append(Markup('<a class="mini"{}>Open the check, with sounds</a>').format(page))
    if info.published:
        archive = attributes(href=links.encoder_export(info.id), download=True)
        parts.append(Markup('<a class="mini strong"{}>Download (.zip)</a>').format(archive))
    return tag("div", joined(parts), class_="split") if parts else NOTHING


def draw_fit_quote(job: Job | None) -> Markup:
    """What a fit would take."""
    if job is None:
        return NOTHING
    if not job.state.over:
        return tag("div", tag("p", job.title, class_="strong") + job_line(job), class_="doing")
    if job.result is None:
        return failure(job)
    facts = job.result
    cards = [
        (duration_text(float(facts["seconds"])), "time"),
        (size_text(float(facts["peak_memory_bytes"])), f"memory on {facts['device']}"),
        (size_text(float(facts["disk_bytes"])), "disk"),
        (f"{facts['steps']}", f"steps after {counted(int(facts['songs']), 'song')}"),
    ]
    figures = joined(
        tag("div", tag("strong", value) + tag("span", name, class_="soft"), class_="figure")
        for value, name in cards
    )
    basis = f"{job.title}; measured {words.ago(job.ended) if job.ended else ''}."
    return tag("div", figures, class_="figures") + tag("p", basis, class_="soft")


def draw_fit(job: Job, story: Story) -> Markup:
    """The newest job of an encoder: how far it is, or what came of it."""
    parts = [tag("h3", job.title), _now(job)]
    if job.kind == "fit_encoder":
        drawn = draw_curves(
            {"loss": story.loss, "latent error, best so far": story.validation}, story.steps
        )
        parts += [drawn, _log(story)]
    return joined(parts)


def _now(job: Job) -> Markup:
    if not job.state.over:
        stop = button(
            "Stop and save", "cancel", look="danger", job=job.id, label=f"Stop {job.title}"
        )
        return tag("div", job_line(job) + stop, class_="split")
    if job.result is None:
        return failure(job)
    if job.kind == "check_encoder":
        answer = str(job.result.get("answer", ""))
        said = f"{answer.capitalize()}. {job.result.get('sentence', '')}"
        return note(said, "good" if answer == "good" else "warning")
    if job.kind == "publish_encoder":
        return note("The archive is ready to be downloaded above.", "good")
    error = job.result.get("latent_error")
    told = f" Latent error {error:.3f}; 1 is as good as the mean." if error is not None else ""
    return note(f"Done: the model has an encoder now.{told} Check it before you train.", "good")


def _log(story: Story) -> Markup:
    lines = "\n".join(story.lines[-LINES:]) or "Nothing yet."
    return tag("pre", lines, class_="log", tabindex="0", aria_label="Log of the fit")
