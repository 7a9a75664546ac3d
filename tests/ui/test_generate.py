from typing import Any

import gradio as gr
import pytest

from angen.errors import BadInput
from angen.jobs.store import Store
from angen.studio.desk import Desk
from angen.studio.requests.songs import MAX_ADAPTERS, AdapterUse, SongRequest
from angen.studio.settings import Settings
from angen.ui.form import INSTRUMENTAL, OWN_LYRICS, build_form, show_strengths
from angen.ui.generate import compare_songs, form_of, generate_song, song_request_of
from angen.ui.live import Live
from tests.ui.house import add_adapter, begin, finish


def fields(**changes: Any) -> list[Any]:
    """The form as it stands when the page opens, with a prompt."""
    values: dict[str, Any] = {
        "prompt": " calm jazz ",
        "kind": INSTRUMENTAL,
        "lyrics": "[verse]\nleft over",
        "duration": 20,
        "random": False,
        "seed": 7,
        "steps": 15,
        "guidance": 3.0,
        "base": "mini",
        "adapters": [],
        **{f"strength{number}": 1.0 for number in range(MAX_ADAPTERS)},
    }
    return list((values | changes).values())


def test_the_form_becomes_a_request() -> None:
    request = song_request_of(*fields())

    assert request == SongRequest(prompt="calm jazz", duration_s=20, seed=7, base="mini")


def test_lyrics_count_only_when_they_are_asked_for() -> None:
    assert song_request_of(*fields()).lyrics == ""
    assert song_request_of(*fields(kind=OWN_LYRICS)).lyrics == "[verse]\nleft over"


def test_each_adapter_gets_the_strength_of_its_slider() -> None:
    request = song_request_of(*fields(adapters=["a", "b"], strength0=0.5, strength1=1.5))

    assert [(use.name, use.strength) for use in request.adapters] == [("a", 0.5), ("b", 1.5)]


def test_a_random_seed_is_another_one_each_time() -> None:
    seeds = {song_request_of(*fields(random=True)).seed for _ in range(20)}

    assert len(seeds) == 20


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"prompt": " "}, "Describe the music first"),
        ({"duration": 10_000}, "give 1 to 600 seconds"),
        ({"duration": "long"}, "duration"),
        ({"guidance": -1}, "guidance=-1"),
        ({"kind": OWN_LYRICS, "lyrics": " \n"}, "Write some, or choose Instrumental"),
        ({"seed": -1}, "-1 is no seed: give a whole number from 0"),
        ({"seed": 2**53}, "is no seed"),
    ],
)
def test_what_cannot_be_made_is_said(change: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        song_request_of(*fields(**change))


def test_a_song_can_be_asked_for_again_from_its_request() -> None:
    request = SongRequest(
        prompt="rock",
        lyrics="[chorus]\nla",
        duration_s=33.5,
        seed=2**31,
        steps=20,
        guidance=4.5,
        base="mini",
        adapters=(AdapterUse(name="a", strength=0.25),),
    )
    form = form_of(request)
    strengths = [1.0 if isinstance(value, dict) else value for value in form[10:]]

    assert song_request_of(*form[:10], *strengths) == request


def test_generating_queues_a_song_and_follows_it(desk: Desk) -> None:
    follow, seed = generate_song(desk, None, *fields())
    (job,) = desk.jobs()

    assert follow == {"job": job.id, "play": True}
    assert (job.kind, job.arguments["prompt"], seed) == ("generate", "calm jazz", 7)


def test_comparing_wants_an_adapter(desk: Desk, settings: Settings) -> None:
    add_adapter(settings, "jazz")
    with pytest.raises(BadInput, match="Choose at least one adapter"):
        compare_songs(desk, None, *fields())

    compare_songs(desk, None, *fields(adapters=["jazz"]))
    assert [job.kind for job in desk.jobs()] == ["compare"]


def test_an_adapter_that_is_gone_is_said_by_name(desk: Desk) -> None:
    with pytest.raises(BadInput, match="'gone'"):
        generate_song(desk, None, *fields(adapters=["gone"]))


def test_a_song_that_is_heard_while_it_is_made_stays_on_the_stage(desk: Desk, store: Store) -> None:
    heard, _ = generate_song(desk, None, *fields())
    assert generate_song(desk, heard, *fields())[0] == heard

    finish(store, desk.job(heard["job"]), {"song": "one"})
    third, _ = generate_song(desk, heard, *fields())
    assert third == {"job": desk.jobs()[0].id, "play": True}


@pytest.mark.parametrize("shown", [{"song": "old"}, {"job": "gone", "play": True}])
def test_any_other_song_makes_room_for_the_new_one(desk: Desk, shown: dict[str, Any]) -> None:
    follow, _ = generate_song(desk, shown, *fields())

    assert follow["job"] == desk.jobs()[0].id


def test_a_song_that_is_being_stopped_makes_room_for_the_new_one(desk: Desk, store: Store) -> None:
    heard, _ = generate_song(desk, None, *fields())
    begin(store, desk.job(heard["job"]))
    desk.cancel(heard["job"])
    follow, _ = generate_song(desk, heard, *fields())

    assert follow["job"] == desk.jobs()[0].id != heard["job"]


def test_a_song_of_somebody_else_makes_room_for_the_new_one(desk: Desk) -> None:
    theirs = desk.generate(SongRequest(prompt="rock"))
    follow, _ = generate_song(desk, {"job": theirs.id, "play": False}, *fields())

    assert follow["job"] != theirs.id


def test_strengths_stay_with_their_adapters_when_one_is_gone(
    desk: Desk, settings: Settings
) -> None:
    add_adapter(settings, "stays")
    live = Live(desk)
    with gr.Blocks(analytics_enabled=False) as page:
        form = build_form(desk, live)
        live.start(page)
    strengths = [0.25, 1.5, *[1.0] * (MAX_ADAPTERS - 2)]
    drawn = live.look({}, ["gone", "stays"], *strengths, "mini")

    assert drawn[form.adapters]["value"] == ["stays"]
    assert drawn[form.strengths[0]] == 1.5


def test_there_is_a_slider_for_each_chosen_adapter() -> None:
    updates = show_strengths(["a", "b"])

    assert [update["visible"] for update in updates] == [True, True] + [False] * (MAX_ADAPTERS - 2)
    assert updates[1]["label"] == "Strength of b"
