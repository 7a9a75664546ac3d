from typing import Any

import gradio as gr
import pytest

from angen.adapters.shape import ATTENTION, MLP
from angen.errors import AngenError, BadInput
from angen.jobs.job import Problem, Progress
from angen.jobs.store import Store
from angen.studio.desk import Desk
from angen.studio.requests.training import Preset, TrainRequest
from angen.studio.settings import Settings
from angen.training.config import TrainingConfig
from angen.ui.choice import choice
from angen.ui.live import Now
from angen.ui.story import Stories
from angen.ui.tabs.monitor import draw_monitor, standing, watched
from angen.ui.tabs.recipe import Recipe, build_recipe
from angen.ui.tabs.training import (
    draw_quote,
    estimate_training,
    refresh_dataset_list,
    start_lora_training,
    stop_lora_training,
    trainers,
)
from tests.ui.house import EVIL, add_dataset, begin, finish

QUOTE = {
    "seconds": 754.0,
    "peak_memory_bytes": 1.2e9,
    "disk_bytes": 3e6,
    "device": "cpu",
    "steps": 250,
    "clips": 90,
}


@pytest.fixture
def recipe(desk: Desk) -> Recipe:
    with gr.Blocks(analytics_enabled=False):
        name, dataset, base = gr.Textbox(label="LoRA Name"), choice("Dataset"), choice("Base model")
        return build_recipe(desk, name, dataset, base)


def values(recipe: Recipe, **changes: Any) -> list[Any]:
    """The form as it stands when the page opens, with name and dataset."""
    stands = {name: field.value for name, field in recipe.fields.items()}
    return list((stands | {"name": "jazz", "dataset": "my_set"} | changes).values())


def story_of(desk: Desk, job: str) -> Any:
    stories = Stories(lambda job, after, limit: desk.events(job, after=after, limit=limit))
    return stories.of(job)


def test_the_form_as_it_opens_is_what_works_for_the_base(recipe: Recipe, desk: Desk) -> None:
    own = desk.recipe(None, Preset.BASE)
    request = recipe.request(tuple(values(recipe)))

    assert own.targets == ATTENTION + MLP
    assert request.config(TrainingConfig()) == own


def test_the_form_can_be_filled_with_the_recipe_of_the_documents(desk: Desk) -> None:
    with gr.Blocks(analytics_enabled=False) as page:
        name, dataset, base = gr.Textbox(label="LoRA Name"), choice("Dataset"), choice("Base model")
        recipe = build_recipe(desk, name, dataset, base)
    (filling,) = page.fns.values()
    filled = filling.fn(None, "documents")
    changed = {
        field: update["value"]
        for field, component in recipe.fields.items()
        for output, update in zip(filling.outputs, filled, strict=True)
        if output is component
    }

    request = recipe.request(tuple(values(recipe, **changed)))

    assert request.config(desk.recipe(None, Preset.BASE)) == TrainingConfig()


def test_every_setting_of_a_training_is_on_the_page(recipe: Recipe) -> None:
    assert set(TrainRequest.model_fields) == set(recipe.fields)


def test_base_length_of_the_report_and_seed_of_the_samples_reach_the_request(
    recipe: Recipe,
) -> None:
    chosen = values(recipe, base=" mini ", report_s=12, sample_seed=7.0)
    request = recipe.request(tuple(chosen))

    assert (request.base, request.report_s, request.sample_seed) == ("mini", 12.0, 7)


def test_bases_that_can_be_trained_are_offered_that_of_the_settings_first(
    settings: Settings, store: Store
) -> None:
    assert trainers(Desk(settings, store)) == ["mini"]
    own = settings.model_copy(update={"base": "/my/base"})
    assert trainers(Desk(own, store)) == ["/my/base", "mini"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"batch_size": 17}, "batch_size=17 is outside 1 to 16"),
        ({"learning_rate": 0.1}, "learning_rate=0.1 is outside 1e-05 to 0.001"),
        ({"epochs": 1.5}, "epochs=1.5"),
        ({"name": "../up"}, "name"),
        ({"targets": []}, "targets"),
    ],
)
def test_a_value_out_of_its_range_is_named(
    recipe: Recipe, change: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        recipe.request(tuple(values(recipe, **change)))


def test_starting_queues_the_training_of_the_form(
    desk: Desk, settings: Settings, recipe: Recipe
) -> None:
    add_dataset(settings, "my_set")
    start_lora_training(desk, recipe, *values(recipe, name=" jazz ", epochs=3.0, max_steps=0))
    (job,) = desk.jobs()

    assert (job.kind, job.title) == ("train", "Train jazz")
    assert (job.arguments["epochs"], job.arguments["max_steps"]) == (3, None)


def test_a_double_click_trains_once(desk: Desk, settings: Settings, recipe: Recipe) -> None:
    add_dataset(settings, "my_set")
    start_lora_training(desk, recipe, *values(recipe))

    with pytest.raises(AngenError, match="is needed by"):
        start_lora_training(desk, recipe, *values(recipe))
    assert len(desk.jobs()) == 1


def test_what_is_missing_is_said(desk: Desk, settings: Settings, recipe: Recipe) -> None:
    with pytest.raises(BadInput, match="Choose a dataset"):
        start_lora_training(desk, recipe, *values(recipe, dataset=None))
    with pytest.raises(BadInput, match="Give the adapter a name"):
        start_lora_training(desk, recipe, *values(recipe, name="  "))
    with pytest.raises(BadInput, match="no dataset 'gone'"):
        start_lora_training(desk, recipe, *values(recipe, dataset="gone"))


def test_an_estimate_needs_no_name(desk: Desk, settings: Settings, recipe: Recipe) -> None:
    add_dataset(settings, "my_set")
    estimate_training(desk, recipe, *values(recipe, name=""))

    assert [job.kind for job in desk.jobs()] == ["quote"]


def test_a_quote_tells_time_memory_and_disk(
    desk: Desk, store: Store, settings: Settings, recipe: Recipe
) -> None:
    add_dataset(settings, "my_set")
    estimate_training(desk, recipe, *values(recipe))
    page = draw_quote(finish(store, desk.jobs()[0], QUOTE))

    for fact in ("12 min 34 s", "1.2 GB", "memory on cpu", ">3 MB<", "250", "90 clips", "my_set"):
        assert fact in page
    assert "Estimate first" in draw_quote(None)


def test_a_quote_tells_the_report_apart(
    desk: Desk, store: Store, settings: Settings, recipe: Recipe
) -> None:
    add_dataset(settings, "my_set")
    estimate_training(desk, recipe, *values(recipe))
    page = draw_quote(
        finish(store, desk.jobs()[0], QUOTE | {"report_seconds": 42.0, "answer": "Few."})
    )

    assert '12 min 34 s</strong><span class="soft">for the training' in page
    assert '42 s</strong><span class="soft">for the report' in page
    assert "estimate again. Few." in page


def test_stopping_wants_a_training_that_runs(
    desk: Desk, store: Store, settings: Settings, recipe: Recipe
) -> None:
    with pytest.raises(AngenError, match="No training is running"):
        stop_lora_training(desk)

    add_dataset(settings, "my_set")
    start_lora_training(desk, recipe, *values(recipe))
    job = begin(store, desk.jobs()[0])
    stop_lora_training(desk)
    assert desk.job(job.id).state == "stopping"


def test_datasets_are_listed_and_the_first_is_chosen(desk: Desk, settings: Settings) -> None:
    assert refresh_dataset_list(desk, "gone")["value"] is None
    add_dataset(settings, "a")
    add_dataset(settings, "b")

    assert refresh_dataset_list(desk)["value"] == "a"
    assert refresh_dataset_list(desk, "b")["value"] == "b"


@pytest.fixture
def training(desk: Desk, store: Store, settings: Settings, recipe: Recipe) -> Any:
    """A training that has made some steps."""
    add_dataset(settings, "my_set")
    start_lora_training(desk, recipe, *values(recipe))
    job = begin(store, desk.jobs()[0])
    point = {"epoch": 3, "epochs": 10, "step": 50, "steps": 200}
    store.emit(job, "metrics", point | {"loss": 0.2341, "validation_loss": None})
    store.emit(job, "metrics", point | {"step": 60, "loss": None, "validation_loss": 0.3})
    store.emit(job, "say", {"message": f"Checkpoint saved {EVIL}"})
    sample = {"adapter": "jazz", "audio": "samples/step_000050.wav", "step": 50, "prompt": EVIL}
    store.emit(job, "sample", sample)
    store.progress(job, Progress(stage="Training", done=60, total=200, seconds_left=600))
    return job


def test_a_training_shows_where_it_is(desk: Desk, training: Any) -> None:
    job = desk.job(training.id)

    assert standing(job, story_of(desk, job.id)) == (
        "Epoch 3/10 | Step 60/200 | Loss: 0.2341 | Validation: 0.3000 | 30 % | running"
    )


def test_a_training_is_not_done_before_its_report(desk: Desk, store: Store, training: Any) -> None:
    last = {"epoch": 10, "epochs": 10, "step": 200, "steps": 200, "loss": 0.2}
    store.emit(training, "metrics", last)
    making = Progress(stage="Making songs", done=215, total=260, seconds_left=30)
    store.progress(training, making)
    said = standing(desk.job(training.id), story_of(desk, training.id))
    assert said.endswith("| 83 % | running")

    store.progress(training, Progress(stage="Writing the report", done=0, total=0))
    said = standing(desk.job(training.id), story_of(desk, training.id))
    assert said.startswith("Epoch 10/10 | Step 200/200")
    assert "%" not in said


def test_what_comes_before_the_steps_is_no_share_of_the_training(
    desk: Desk, store: Store, training: Any
) -> None:
    store.emit(training, "state", {"state": "running", "attempt": 2})
    store.progress(training, Progress(stage="Encoding the clips", done=1, total=2))
    said = standing(desk.job(training.id), story_of(desk, training.id))
    assert said.startswith("Epoch 3/10 | Step 60/200")
    assert "%" not in said

    point = {"epoch": 3, "epochs": 10, "step": 61, "steps": 200}
    store.emit(training, "metrics", point | {"loss": 0.2, "validation_loss": None})
    store.progress(training, Progress(stage="Training", done=61, total=260))
    assert "| 23 % |" in standing(desk.job(training.id), story_of(desk, training.id))


def test_a_training_shows_curves_samples_log_and_time_left(desk: Desk, training: Any) -> None:
    page = str(draw_monitor(desk.job(training.id), story_of(desk, training.id)))

    assert "training loss 0.2341" in page
    assert "validation loss 0.3" in page
    assert "lora-adapters/jazz/files/samples/step_000050.wav" in page
    assert "Checkpoint saved &lt;script&gt;" in page
    assert "10 min 00 s left" in page
    assert "<script" not in page


def test_a_finished_training_shows_its_verdict(desk: Desk, store: Store, training: Any) -> None:
    store.finish(training, {"adapter": "jazz", "sentence": "61 % closer."})
    page = draw_monitor(desk.job(training.id), story_of(desk, training.id))

    assert "Done: jazz is ready to play. 61 % closer." in page


def test_a_failed_training_says_why(desk: Desk, store: Store, training: Any) -> None:
    problem = Problem(message="Out of memory.", remedy="Lower the batch size.", kind="memory")
    store.fail(training, problem)

    page = draw_monitor(desk.job(training.id), story_of(desk, training.id))
    assert "Out of memory. Lower the batch size." in page


def test_the_running_training_is_watched_before_others(
    desk: Desk, store: Store, settings: Settings, recipe: Recipe, training: Any
) -> None:
    start_lora_training(desk, recipe, *values(recipe, name="later"))
    found = watched(Now(jobs=tuple(desk.jobs()), mine={}))

    assert found is not None
    assert found.id == training.id
