from typing import Any

import gradio as gr

from angen.jobs.store import Store
from angen.studio.desk import Desk
from angen.studio.requests.songs import SongRequest
from angen.ui.live import Live, Now, changed
from tests.ui.house import begin


def live_page(desk: Desk) -> tuple[Live, gr.Textbox, list[int]]:
    """A page that counts its jobs, and how often it was drawn."""
    drawn: list[int] = []
    live = Live(desk)
    with gr.Blocks(analytics_enabled=False) as page:
        count = gr.Textbox()

        def draw(now: Now) -> dict[Any, Any]:
            drawn.append(len(now.jobs))
            return {count: str(len(now.jobs))}

        live.panel(
            "count",
            [count],
            lambda now: tuple((job.id, job.revision) for job in now.jobs),
            draw,
        )
        live.start(page)
    return live, count, drawn


def is_skip(answer: Any) -> bool:
    return isinstance(answer, dict) and answer.get("__type__") == "update"


def test_a_panel_is_drawn_once_until_what_it_shows_changes(desk: Desk, store: Store) -> None:
    live, count, drawn = live_page(desk)
    first = live.look({})
    seen = first[live.seen]

    assert first[count] == "0"
    assert is_skip(live.glance("", seen))
    job = desk.generate(SongRequest(prompt="rock"))
    assert live.glance("", seen) == "1"
    assert live.glance("1", seen) == "2"
    seen = live.look(seen)[live.seen]
    begin(store, job)
    assert live.glance("2", seen) == "3"
    assert live.look(seen)[count] == "1"
    assert drawn == [0, 1, 1]


def test_what_goes_before_a_job_is_its_lane_and_what_it_needs(desk: Desk, store: Store) -> None:
    runs = begin(store, store.add("train", {}, lane="model", title="runs"))
    waits = store.add("generate", {}, lane="model", title="waits")
    needed = store.add("prepare", {}, lane="desk", title="needed")
    store.add("prepare", {}, lane="desk", title="elsewhere")
    last = store.add("train", {}, lane="model", title="last", after=(needed.id,))
    now = Now(jobs=tuple(desk.jobs()), mine={})

    assert {job.title for job in now.before(store.get(last.id))} == {"runs", "waits", "needed"}
    assert [job.title for job in now.before(store.get(waits.id))] == ["runs"]
    assert now.before(store.get(runs.id)) == []


def test_a_server_that_was_started_anew_draws_all_again(desk: Desk) -> None:
    live, count, _ = live_page(desk)
    live.look({})

    assert live.look({})[count] == "0"


def test_choices_of_the_browser_reach_the_panels(desk: Desk) -> None:
    live = Live(desk)
    with gr.Blocks(analytics_enabled=False) as page:
        name, shown = gr.Textbox(), gr.Textbox()
        live.choice("name", name)
        live.panel(
            "shown", [shown], lambda now: now.mine["name"], lambda now: {shown: now.mine["name"]}
        )
        live.start(page)

    assert live.look({}, "me")[shown] == "me"


def test_a_folder_changes_when_something_comes(tmp_path: Any) -> None:
    folder = tmp_path / "folder"
    assert changed(folder) == 0
    folder.mkdir()
    before = changed(folder)
    assert before > 0
