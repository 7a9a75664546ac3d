from typing import Any

import gradio as gr
import pytest

from angen.errors import AngenError, BadInput
from angen.jobs.job import Job, Problem, Progress
from angen.jobs.store import Store
from angen.studio.desk import Desk
from angen.studio.requests.encoder import FitEncoderRequest
from angen.studio.settings import Settings
from angen.ui.live import Live, Now
from angen.ui.story import Stories
from angen.ui.tabs.encoder import (
    FitForm,
    build_encoder,
    build_fit_form,
    check_encoder,
    encoders_mark,
    estimate_fit,
    fittable,
    publish_encoder,
    show_encoders,
    start_fit,
)
from angen.ui.tabs.fit import draw_fit, draw_fit_quote, draw_standing
from tests.api.sounds import wav
from tests.ui.house import add_deaf_base, add_encoder, begin, finish

BASE = "somebody/theirs"


@pytest.fixture
def upload(desk: Desk, settings: Settings) -> str:
    """A recording beside a base without encoder."""
    add_deaf_base(settings)
    path = settings.home / "one.wav"
    path.write_bytes(wav())
    with path.open("rb") as stream:
        return desk.save_upload("one.wav", stream).id


@pytest.fixture(scope="module")
def form(idle_desk: Desk) -> FitForm:
    with gr.Blocks(analytics_enabled=False):
        return build_fit_form(idle_desk, Live(idle_desk))


def values(form: FitForm, **changes: Any) -> list[Any]:
    """The form as it stands when the page opens, with a base."""
    stands = {name: field.value for name, field in form.fields.items()}
    return list((stands | {"base": BASE} | changes).values())


def drawn(desk: Desk, job: str) -> str:
    stories = Stories(lambda job, after, limit: desk.events(job, after=after, limit=limit))
    return str(draw_fit(desk.job(job), stories.of(job)))


def queued(desk: Desk, form: FitForm, upload: str) -> Job:
    start_fit(desk, form, *values(form, files=[upload]))
    return desk.jobs()[0]


def test_the_form_as_it_opens_is_the_default_fit(form: FitForm) -> None:
    assert form.request(tuple(values(form))) == FitEncoderRequest(base=BASE)


def test_every_setting_of_a_fit_is_on_the_page(form: FitForm) -> None:
    assert set(form.fields) == set(FitEncoderRequest.model_fields)


def test_the_section_is_there_once_a_base_needs_it(desk: Desk, settings: Settings) -> None:
    with gr.Blocks(analytics_enabled=False) as page:
        build_encoder(desk, Live(desk))
    parts = [part["props"] for part in page.get_config_file()["components"]]
    (section,) = (props for props in parts if props.get("elem_id") == "encoder")
    assert (section["visible"], section["open"]) == (False, False)
    before = encoders_mark(desk, Now(jobs=(), mine={}))
    assert show_encoders(desk)[0]["visible"] is False
    add_deaf_base(settings)
    assert show_encoders(desk)[0]["visible"] is True
    assert "somebody/theirs" in show_encoders(desk)[1]
    assert encoders_mark(desk, Now(jobs=(), mine={})) != before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"steps": -1}, "steps=-1 is outside 0 to"),
        ({"learning_rate": 1.0}, "learning_rate=1 is outside 1e-08 to 0.1"),
        ({"width": 17}, "width=17"),
        ({"clips": 1.5}, "clips=1.5"),
        ({"base": None}, "Choose a model"),
    ],
)
def test_a_value_that_does_not_fit_is_named(
    form: FitForm, change: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        form.request(tuple(values(form, **change)))


def test_a_fit_is_queued_once_however_often_it_is_pressed(
    desk: Desk, form: FitForm, upload: str
) -> None:
    estimate_fit(desk, form, *values(form, files=[upload], steps=100.0))
    job = queued(desk, form, upload)
    with pytest.raises(AngenError, match="is needed by 'Fit the encoder"):
        start_fit(desk, form, *values(form, files=[upload]))
    assert [job.kind for job in desk.jobs()] == ["fit_encoder", "quote_encoder"]
    assert job.arguments["files"] == [upload]
    assert desk.jobs()[1].arguments["steps"] == 100


def test_what_is_missing_is_said(desk: Desk, form: FitForm, upload: str) -> None:
    with pytest.raises(BadInput, match="Give recordings"):
        start_fit(desk, form, *values(form))
    with pytest.raises(AngenError, match="has no encoder"):
        check_encoder(desk, BASE, [upload])
    with pytest.raises(AngenError, match="has no encoder"):
        publish_encoder(desk, BASE, "mit")
    with pytest.raises(BadInput, match="licence"):
        publish_encoder(desk, BASE, "<script>")


def test_a_quote_tells_time_memory_and_disk(
    desk: Desk, store: Store, form: FitForm, upload: str
) -> None:
    estimate_fit(desk, form, *values(form, files=[upload]))
    job = desk.jobs()[0]
    assert "Estimate the encoder" in draw_fit_quote(job)
    facts = {"seconds": 7_500.0, "peak_memory_bytes": 2e9, "disk_bytes": 4e8, "device": "cpu"}
    page = draw_fit_quote(finish(store, job, facts | {"steps": 20_000, "songs": 400}))
    for fact in ("2 h 05 min", ">2 GB<", "memory on cpu", "400 MB", "20000", "400 songs"):
        assert fact in page
    assert draw_fit_quote(None) == ""


def test_a_fit_shows_progress_time_left_curves_and_log(
    desk: Desk, store: Store, form: FitForm, upload: str
) -> None:
    job = begin(store, queued(desk, form, upload))
    point = {"step": 50, "steps": 200, "loss": 0.7, "validation_loss": 0.9}
    store.emit(job, "metrics", point)
    store.emit(job, "say", {"message": "<script>said"})
    store.progress(job, Progress(stage="Fitting", done=50, total=200, seconds_left=600))
    page = drawn(desk, job.id)
    for fact in ("loss 0.7", "latent error, best so far 0.9", "10 min 00 s left", "Stop and save"):
        assert fact in page
    assert "&lt;script&gt;said" in page
    assert "<script" not in page


def test_a_stopped_fit_offers_to_go_on_and_a_finished_one_a_check(
    desk: Desk, store: Store, form: FitForm, upload: str
) -> None:
    job = begin(store, queued(desk, form, upload))
    desk.cancel(job.id)
    store.stopped(job, Problem(message="Saved.", kind="stopped"))
    assert "Try again" in drawn(desk, job.id)
    done = finish(store, desk.retry(job.id), {"latent_error": 0.25})
    assert "Latent error 0.250" in drawn(desk, done.id)


def test_the_standing_of_a_base_links_to_its_check_and_its_archive(
    desk: Desk, store: Store, settings: Settings, upload: str
) -> None:
    assert "no encoder" in draw_standing(fittable(desk))
    info = add_encoder(settings)
    page = draw_standing(fittable(desk))
    assert f'href="api/encoder/check/{info.id}/check.html"' in page
    assert f'href="api/encoder/{info.id}/export"' in page
    assert "check: doubtful" in page
    assert "levels are off" in page
    assert "<script" not in page
    check_encoder(desk, BASE, [upload], 0)
    assert desk.jobs()[0].arguments["refine"] is None
    result = {"answer": "bad", "sentence": "Do NOT train with it."}
    job = finish(store, desk.jobs()[0], result)
    assert "Bad. Do NOT train with it." in drawn(desk, job.id)
    publish_encoder(desk, BASE, " mit ")
    assert desk.jobs()[0].arguments["licence"] == "mit"
