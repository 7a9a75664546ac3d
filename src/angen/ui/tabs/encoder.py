"""In tab 3: the encoder that a released base model lacks, fitted, checked and passed on.

Shown only where a base model is installed that an encoder can be fitted to.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from angen.errors import BadInput
from angen.fitting.config import FIT_RANGES
from angen.jobs.job import Job
from angen.studio.desk import Desk
from angen.studio.learning.encoders import EncoderInfo, EncoderKind
from angen.studio.requests.asking import asked
from angen.studio.requests.encoder import (
    CheckEncoderRequest,
    FitEncoderRequest,
    PublishEncoderRequest,
    QuoteEncoderRequest,
)
from angen.ui.choice import choice, kept
from angen.ui.faults import ACT, PRESS, bound, tell
from angen.ui.live import Live, Now, changed
from angen.ui.markup import ACTIONS, tag
from angen.ui.stage import act_on_job
from angen.ui.story import Stories
from angen.ui.tabs.fit import draw_fit, draw_fit_quote, draw_standing

TITLE = "Encoder of a released model"
WHY = (
    "A model that was released without its encoder makes songs, but cannot be trained on yours. "
    "Fit one to it, once: the model makes songs, and the encoder learns to hear them, and your "
    "recordings. On a graphics card that takes hours; estimate first."
)
JOBS = ("fit_encoder", "check_encoder", "publish_encoder")
NUMBERS = {  # field: (label, what it means)
    "steps": ("Steps of the fit", ""),
    "songs": ("Songs that the model makes", "To be learned from."),
    "song_s": ("Their length in seconds", ""),
    "clips": ("Clips in a step", "Of each kind."),
    "clip_frames": ("Latent frames of a clip", "Five a second."),
    "learning_rate": ("Learning rate of the fit", "At its height."),
    "clip_norm": ("Longest gradient of the fit", ""),
    "width": ("Width of the network", "Even."),
    "depth": ("Layers of the network", ""),
    "refine": ("Refinement", "Gradient steps on each clip that is encoded later: nearer, slower."),
    "save_every": ("Steps between savings", ""),
    "seed": ("Seed of the fit", ""),
    "pairs_weight": ("Say of the model's songs", "0: none."),
    "sound_weight": ("Say of your recordings", "0: fit without recordings."),
    "moments_weight": ("Say of their mean and deviation", "0: none."),
    "prior_weight": ("Say of how likely they are", "0: none."),
}


@dataclass(frozen=True, kw_only=True)
class FitForm:
    """Fields by their names in `FitEncoderRequest`."""

    fields: Mapping[str, Any]

    @property
    def components(self) -> list[Any]:
        return list(self.fields.values())

    def request(self, values: tuple[Any, ...]) -> FitEncoderRequest:
        """The request that the fields hold. Raises BadInput that names each value and its range."""
        given = dict(zip(self.fields, values, strict=True))
        if not given["base"]:
            raise BadInput("Choose a model to fit an encoder to.")
        return asked(
            FitEncoderRequest, {n: _plain(n, v) for n, v in given.items() if v is not None}
        )


def _plain(name: str, value: Any) -> Any:
    whole = isinstance(_default(name), int)
    return int(value) if whole and isinstance(value, float) and value.is_integer() else value


def _default(name: str) -> Any:
    return FitEncoderRequest.model_fields[name].default


def build_encoder(desk: Desk, live: Live) -> None:
    """Draw the section."""
    # Hidden until a browser asks: to know the bases, their decoders are read.
    with gr.Accordion(TITLE, open=False, visible=False, elem_id="encoder") as section:
        gr.HTML(str(tag("p", WHY, class_="soft")), apply_default_css=False)
        standing = gr.HTML(apply_default_css=False, elem_id="encoder-standing")
        form = build_fit_form(desk, live)
        _fitting(desk, live, form)
        _checking(desk, live, form.fields["base"])
        _publishing(desk, form.fields["base"])
    live.panel(
        "encoder",
        [section, standing],
        lambda now: encoders_mark(desk, now),
        lambda _now: dict(zip((section, standing), show_encoders(desk), strict=True)),
    )


def show_encoders(desk: Desk) -> tuple[Any, str]:
    """Whether the section is seen, and how the encoders stand."""
    found = fittable(desk)
    return gr.update(visible=bool(found)), str(draw_standing(found))


def fittable(desk: Desk) -> list[EncoderInfo]:
    """Base models to which an encoder can be fitted, or was; those without one first."""
    found = [info for info in desk.encoders() if info.fittable and info.kind is not EncoderKind.OWN]
    return sorted(found, key=lambda info: (info.kind is not EncoderKind.NONE, info.base))


def encoders_mark(desk: Desk, now: Now) -> tuple[object, ...]:
    """What tells that an encoder came, or something is known of one."""
    folders = (desk.settings.bundles, desk.settings.encoders)
    return (*(changed(folder) for folder in folders), now.ended(*JOBS, "fetch"))


def build_fit_form(desk: Desk, live: Live) -> FitForm:
    """Draw the fields."""
    with gr.Row(elem_classes="fields"):
        base = choice("Base model", elem_id="fit-base")
        table = choice("Metadata table to learn from", elem_id="fit-collection")
    files = _recordings(desk, live, "fit", "Recordings to learn from")
    fields: dict[str, Any] = {"base": base, "collection": table, "files": files}
    with gr.Accordion("Advanced settings of the fit", open=False, elem_id="fit-advanced"):
        with gr.Row(elem_classes="fields"):
            fields |= {name: _number(name, *words) for name, words in NUMBERS.items()}
        fields["restart"] = gr.Checkbox(
            False, label="An unfinished fit of other settings gives way", elem_id="fit-restart"
        )
        fields["overwrite"] = gr.Checkbox(
            False, label="Replace the encoder that the model has", elem_id="fit-overwrite"
        )
    live.choice("fit-base", base)
    live.choice("fit-collection", table)
    live.panel(
        "fit-base",
        [base],
        lambda now: encoders_mark(desk, now),
        lambda now: {
            base: kept([info.base for info in fittable(desk)], now.mine["fit-base"], first=True)
        },
    )
    live.panel(
        "fit-collection",
        [table],
        lambda now: (changed(desk.settings.collections), now.ended("analyze")),
        lambda now: {table: kept(_tables(desk), now.mine["fit-collection"])},
    )
    return FitForm(fields=fields)


def _recordings(desk: Desk, live: Live, name: str, label: str) -> gr.Dropdown:
    """A choice among the recordings that were brought, and a button that takes all."""
    with gr.Row(elem_classes="fields"):
        files = choice(label, value=[], multiselect=True, elem_id=f"{name}-files", scale=4)
        every = gr.Button("Choose all", size="sm", elem_id=f"{name}-all", scale=1)
    live.choice(f"{name}-files", files)
    live.panel(
        f"{name}-files",
        [files],
        lambda _now: changed(desk.settings.uploads),
        lambda now: {files: kept(_uploads(desk), now.mine[f"{name}-files"] or [])},
    )
    every.click(lambda: [value for _, value in _uploads(desk)], None, files, **ACT)
    return files


def _uploads(desk: Desk) -> list[tuple[str, str]]:
    return [(upload.name, upload.id) for upload in desk.uploads()]


def _tables(desk: Desk) -> list[tuple[str, str]]:
    return [(info.name, info.id) for info in desk.collections() if not info.problem]


def _number(name: str, label: str, info: str) -> gr.Number:
    low, high = FIT_RANGES[name]
    default = _default(name)
    return gr.Number(
        default,
        label=label,
        info=info or None,
        minimum=low,
        maximum=high,
        precision=0 if isinstance(default, int) else None,
        min_width=180,
        elem_id=f"fit-{name.replace('_', '-')}",
    )


# fit


def _fitting(desk: Desk, live: Live, form: FitForm) -> None:
    quote = gr.HTML(apply_default_css=False, elem_id="fit-quote")
    with gr.Row(elem_classes="actions"):
        estimate = gr.Button("Estimate the fit", elem_id="estimate-fit")
        start = gr.Button("Fit the encoder", variant="primary", elem_id="start-fit")
    shown = gr.HTML(js_on_load=ACTIONS, apply_default_css=False, elem_id="fit-monitor")
    stories = Stories(lambda job, after, limit: desk.events(job, after=after, limit=limit))

    def draw(now: Now) -> dict[Any, Any]:
        job = _newest(now, *JOBS)
        return {shown: "" if job is None else str(draw_fit(job, stories.of(job.id)))}

    for name, kinds, part, drawn in (
        ("fit-quote", ("quote_encoder",), quote, _quote_of(quote)),
        ("fit-monitor", JOBS, shown, draw),
    ):
        live.panel(name, [part], _mark_of(kinds), drawn)
    for pressed, handler in ((estimate, estimate_fit), (start, start_fit)):
        pressed.click(bound(_on_form(handler, desk, form)), form.components, None, **ACT)

    def press(event: gr.EventData) -> None:
        act_on_job(desk, event._data["action"], event._data["job"])

    shown.click(bound(press), None, None, **PRESS)


def _quote_of(part: gr.HTML) -> Any:
    return lambda now: {part: str(draw_fit_quote(_newest(now, "quote_encoder")))}


def _mark_of(kinds: tuple[str, ...]) -> Any:
    return lambda now: tuple((job.id, job.revision) for job in now.of(*kinds)[:1])


def _on_form(handler: Any, desk: Desk, form: FitForm) -> Any:
    def run(*values: Any) -> None:
        handler(desk, form, *values)

    return run


def _newest(now: Now, *kinds: str) -> Job | None:
    return next(iter(now.of(*kinds)), None)


def estimate_fit(desk: Desk, form: FitForm, *values: Any) -> None:
    """Measure what the fit of the form would take, as a job."""
    request = form.request(values)
    desk.quote_encoder(QuoteEncoderRequest.model_validate(request.model_dump()))


def start_fit(desk: Desk, form: FitForm, *values: Any) -> None:
    """Queue the fit of the form."""
    job = desk.fit_encoder(form.request(values))
    tell(f"{job.title}: it is in the queue. You may close this page: it goes on.")


# check and archive


def _checking(desk: Desk, live: Live, base: gr.Dropdown) -> None:
    gr.HTML("<h3>Is it good enough to train with?</h3>", apply_default_css=False)
    files = _recordings(desk, live, "check", "Recordings that it has not learned from")
    with gr.Row(elem_classes="fields"):
        refine = gr.Number(
            0,
            label="Refinement in the check",
            info="Gradient steps a clip; 0: as it was fitted.",
            minimum=0,
            maximum=FIT_RANGES["refine"][1],
            precision=0,
            elem_id="check-refine",
        )
        check = gr.Button("Check the encoder", size="sm", elem_id="check-encoder")
    check.click(bound(check_encoder, desk), [base, files, refine], None, **ACT)


def check_encoder(
    desk: Desk, base: str | None, files: list[str] | None, refine: float | None = None
) -> None:
    """Queue a check with these recordings."""
    given = {"base": base, "files": files or [], "refine": refine or None}
    desk.check_encoder(asked(CheckEncoderRequest, given))


def _publishing(desk: Desk, base: gr.Dropdown) -> None:
    gr.HTML("<h3>Pass it on</h3>", apply_default_css=False)
    with gr.Row(elem_classes="fields"):
        licence = gr.Textbox(
            PublishEncoderRequest.model_fields["licence"].default,
            label="Licence of its weights",
            info="As hubs write it.",
            max_length=64,
            elem_id="encoder-licence",
        )
        publish = gr.Button("Publish the encoder", size="sm", elem_id="publish-encoder")
    publish.click(bound(publish_encoder, desk), [base, licence], None, **ACT)


def publish_encoder(desk: Desk, base: str | None, licence: str) -> None:
    """Queue the making of the archive."""
    desk.publish_encoder(asked(PublishEncoderRequest, {"base": base, "licence": licence.strip()}))
