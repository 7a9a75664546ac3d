"""Tab 3, Training Configuration: what to train and how, what it takes, and how it goes."""

from typing import Any

import gradio as gr
from markupsafe import Markup

from angen.amounts import counted, duration_text, size_text
from angen.errors import BadInput
from angen.jobs.job import Job
from angen.studio.desk import Desk
from angen.studio.requests.asking import asked
from angen.studio.requests.training import QuoteRequest, ResumeRequest
from angen.ui import words
from angen.ui.choice import choice, kept
from angen.ui.faults import ACT, PRESS, bound, tell
from angen.ui.form import bases, models_mark
from angen.ui.live import Live, Now
from angen.ui.markup import note, tag
from angen.ui.queue import build_queue
from angen.ui.stage import failure, job_line
from angen.ui.story import Stories
from angen.ui.tabs.datasets import datasets_mark
from angen.ui.tabs.encoder import build_encoder
from angen.ui.tabs.monitor import draw_monitor, watched
from angen.ui.tabs.recipe import Recipe, build_recipe


def build_training(desk: Desk, live: Live) -> None:
    """Draw the tab."""
    with gr.Row(elem_classes="fields"):
        name = gr.Textbox(
            label="LoRA Name", placeholder="my_jazz_lora_v1", max_length=100, elem_id="lora-name"
        )
        dataset = choice("Dataset", elem_id="train-dataset")
        base = choice("Base model", elem_id="train-base")
        refresh = gr.Button("🔄 Refresh datasets", size="sm", elem_id="refresh-datasets")
    recipe = build_recipe(desk, name, dataset, base)
    live.choice("dataset", dataset)
    live.choice("train-base", base)
    live.panel(
        "train-base",
        [base],
        lambda now: models_mark(desk, now),
        lambda now: {base: kept(trainers(desk), now.mine["train-base"], first=True)},
    )
    live.panel(
        "train-dataset",
        [dataset],
        lambda now: datasets_mark(desk, now),
        lambda now: {dataset: refresh_dataset_list(desk, now.mine["dataset"])},
    )
    refresh.click(bound(refresh_dataset_list, desk), dataset, dataset, **ACT)
    _controls(desk, live, recipe)
    _monitor(desk, live)
    gr.HTML("<h3>Queue</h3>", apply_default_css=False)
    build_queue(desk, live)
    build_encoder(desk, live)


def refresh_dataset_list(desk: Desk, chosen: str | None = None) -> Any:
    """The datasets that can be trained on."""
    names = [dataset.name for dataset in desk.datasets() if not dataset.problem]
    return kept(names, chosen, first=True)


def trainers(desk: Desk) -> list[str]:
    """Names of the base models of which adapters can be trained, that of the settings first."""
    return bases(desk, lambda model: model.trains)


def _controls(desk: Desk, live: Live, recipe: Recipe) -> None:
    quote = gr.HTML(apply_default_css=False, elem_id="quote")
    with gr.Row(elem_classes="actions"):
        estimate = gr.Button("Estimate time and memory", elem_id="estimate")
        start = gr.Button("🚀 Start Training", variant="primary", elem_id="start-training")
        stop = gr.Button("⏹️ Stop Training", variant="stop", elem_id="stop-training")
    live.panel(
        "quote",
        [quote],
        lambda now: tuple((job.id, job.revision) for job in now.of("quote")[:1]),
        lambda now: {quote: str(draw_quote(next(iter(now.of("quote")), None)))},
    )

    def estimated(*values: Any) -> None:
        estimate_training(desk, recipe, *values)

    def started(*values: Any) -> None:
        start_lora_training(desk, recipe, *values)

    for pressed, handler in ((estimate, estimated), (start, started)):
        pressed.click(bound(handler), recipe.components, None, **ACT)
    stop.click(bound(stop_lora_training, desk), None, None, **ACT)


def estimate_training(desk: Desk, recipe: Recipe, *values: Any) -> None:
    """Measure what the training of the form would take, as a job."""
    request = _asked_for(recipe, values, unnamed="this recipe")
    desk.quote(QuoteRequest.model_validate(request.model_dump()))


def start_lora_training(desk: Desk, recipe: Recipe, *values: Any) -> None:
    """Queue the training of the form."""
    request = _asked_for(recipe, values)
    desk.train(request)
    tell(f"{request.name} is in the queue. You may close this page: it goes on.")


def _asked_for(recipe: Recipe, values: tuple[Any, ...], unnamed: str = "") -> Any:
    given = dict(zip(recipe.fields, values, strict=True))
    if not given["dataset"]:
        raise BadInput("Choose a dataset. There is none yet? Prepare one in User Audio Training.")
    name = (given["name"] or "").strip() or unnamed
    if not name:
        raise BadInput("Give the adapter a name, for example my_jazz_lora_v1.")
    return recipe.request(tuple((given | {"name": name}).values()))


def stop_lora_training(desk: Desk) -> None:
    """Stop the training that runs; a checkpoint is saved first."""
    job = desk.stop_training()
    tell(f"{job.title} stops at its next step and saves a checkpoint.")


def draw_quote(job: Job | None) -> Markup:
    """What a training would take."""
    if job is None:
        return tag("p", "Estimate first: a few real steps tell how long it takes.", class_="soft")
    if not job.state.over:
        return tag("div", tag("p", job.title, class_="strong") + job_line(job), class_="doing")
    if job.result is None:
        return failure(job)
    facts, asked_for = job.result, job.arguments
    report = float(facts.get("report_seconds") or 0)
    cards = [
        (duration_text(float(facts["seconds"])), "for the training"),
        *([(duration_text(report), "for the report")] if report else []),
        (size_text(float(facts["peak_memory_bytes"])), f"memory on {facts['device']}"),
        (size_text(float(facts["disk_bytes"])), "disk"),
        (f"{facts['steps']}", f"steps over {counted(int(facts['clips']), 'clip')}"),
    ]
    figures = Markup("").join(
        tag("div", tag("strong", value) + tag("span", name, class_="soft"), class_="figure")
        for value, name in cards
    )
    basis = (
        f"For {asked_for.get('dataset')}, "
        f"{counted(int(asked_for.get('epochs') or 0), 'epoch')}, batch size "
        f"{asked_for.get('batch_size')}, rank {asked_for.get('rank')}; measured "
        f"{words.ago(job.ended) if job.ended else ''}. Other settings: estimate again. "
        f"{facts.get('answer') or ''}"
    )
    return tag("div", figures, class_="figures") + tag("p", basis, class_="soft")


def _monitor(desk: Desk, live: Live) -> None:
    """How the training goes."""
    stories = Stories(lambda job, after, limit: desk.events(job, after=after, limit=limit))
    shown = gr.HTML(
        js_on_load=_MONITOR_PRESSES, apply_default_css=False, elem_id="training-monitor"
    )

    def depends(now: Now) -> object:
        job = watched(now)
        return None if job is None else (job.id, job.revision)

    def draw(now: Now) -> dict[Any, Any]:
        job = watched(now)
        if job is None:
            return {shown: str(note("No training yet. Its progress appears here."))}
        return {shown: str(draw_monitor(job, stories.of(job.id)))}

    live.panel("monitor", [shown], depends, draw)

    def press(event: gr.EventData) -> None:
        data = event._data
        if data["action"] == "resume":
            desk.resume(asked(ResumeRequest, {"name": data["name"]}))
        else:
            desk.retry(data["job"])

    shown.click(bound(press), None, None, **PRESS)


_MONITOR_PRESSES = """
element.addEventListener('click', (event) => {
  const pressed = event.target.closest('[data-action]');
  if (pressed) trigger('click', {...pressed.dataset});
});
const log = () => element.querySelector('.log');
watch('value', () => { const lines = log(); if (lines) lines.scrollTop = lines.scrollHeight; });
"""
