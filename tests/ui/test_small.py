"""Words, markup, curves, choices, faults: the small parts that all others are made of."""

import inspect
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from angen.errors import BadInput
from angen.jobs.store import Store
from angen.ui import curves, links, words
from angen.ui.choice import choice, kept
from angen.ui.curves import MOST_POINTS, draw_curves, thinned, ticks
from angen.ui.faults import bound
from angen.ui.files import uploaded
from angen.ui.markup import attributes, bar, button, chips, note, tag
from tests.ui.house import EVIL, begin


@pytest.mark.parametrize(
    ("seconds", "clock"), [(0, "0:00"), (59.6, "1:00"), (75, "1:15"), (3_725, "1:02:05")]
)
def test_times_read_as_people_write_them(seconds: float, clock: str) -> None:
    assert words.clock(seconds) == clock


def test_a_job_says_what_it_waits_for(store: Store) -> None:
    first, second = (store.add("generate", {}, lane="model", title=name) for name in ("a", "b"))

    assert words.waits([]) == "It begins in a moment."
    assert words.waits([begin(store, first)]) == "Waits for a (running). Cancel that to go first."
    assert words.waits([first, second]).startswith(
        "Waits for a (in the queue), and 1 more job. The"
    )


def test_days_and_ages() -> None:
    now = datetime.now(UTC)
    assert words.day("2026-11-22T15:04:05+00:00") == "2026-11-22 15:04"
    assert words.day("yesterday") == ""
    assert words.ago(now) == "just now"
    assert words.ago((now - timedelta(hours=3)).isoformat()) == "3 h ago"
    assert words.ago("yesterday") == ""


def test_what_people_write_stays_text() -> None:
    parts = (
        tag("p", EVIL, title=EVIL),
        button(EVIL, "show", label=EVIL, song=EVIL),
        chips([EVIL]),
        note(EVIL),
        bar(0.5, EVIL),
    )

    for part in parts:
        assert "<script" not in part
        assert '"blues"' not in part


def test_attributes_leave_out_what_is_not_there() -> None:
    found = attributes(class_="a", aria_label="b", hidden=True, lost=None, off=False, zero=0)

    assert found == ' class="a" aria-label="b" hidden zero="0"'


def test_a_bar_says_how_far_it_is_or_nothing() -> None:
    assert 'aria-valuenow="50"' in bar(0.5, "x")
    assert "aria-valuenow" not in bar(0, "x", busy=True)


def test_addresses_take_any_name() -> None:
    assert links.song_audio("a/b?ü") == "api/songs/a%2Fb%3F%C3%BC/audio"
    assert links.adapter_file("a b", "samples/step_1.wav") == (
        "api/training/lora-adapters/a%20b/files/samples/step_1.wav"
    )
    assert links.clip_audio("set", "clips/a.wav") == "api/training/datasets/set/clips/a.wav/audio"


def test_curves_end_where_the_training_will() -> None:
    svg = str(draw_curves({"loss": [(0, 2.0), (50, 1.0)], "none": []}, steps=100))

    left, right = (float(x) for x in (54, 760 - 12))
    half = (left + right) / 2
    assert f'points="{left},' in svg
    assert f" {half}," in svg
    assert "loss: 2 at step 0, 1 at step 50" in svg
    assert "none" not in svg


def test_steps_below_a_curve_begin_and_end_with_it() -> None:
    svg = str(draw_curves({"loss": [(0, 2.0), (31, 1.0)]}))
    styles = (Path(curves.__file__).parent / "static" / "style.css").read_text(encoding="utf-8")

    assert '<text x="748.0" y="222" text-anchor="end">31</text>' in svg
    assert f'<text x="{54 + 694 * 15 / 31:.1f}" y="222" text-anchor="middle">15</text>' in svg
    assert "text-anchor" not in styles  # it would go before the attribute


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0.389, 1.43, ["0.4", "0.6", "0.8", "1.0", "1.2", "1.4"]),
        (-0.1, 2.1, ["0.0", "0.5", "1.0", "1.5", "2.0"]),
        (3, 47, ["10", "20", "30", "40"]),
        (0.00021, 0.00039, ["0.00025", "0.00030", "0.00035"]),
    ],
)
def test_values_beside_a_curve_are_round(low: float, high: float, labels: list[str]) -> None:
    assert [label for _, label in ticks(low, high)] == labels


@pytest.mark.parametrize("size", [1e-6, 0.13, 1.0, 3.7, 8.2, 1e5])
def test_values_beside_a_curve_are_few_and_within_it(size: float) -> None:
    for low in (-size / 3, 0.0, size * 2.7):
        values = [value for value, _ in ticks(low, low + size)]
        assert 3 <= len(values) <= 8
        assert low - size / 1e6 <= values[0] < values[-1] <= low + size * (1 + 1e-6)


def test_curves_survive_a_single_point_and_none() -> None:
    assert "<circle" in draw_curves({"loss": [(1, 1.0)]})
    assert "first measured step" in draw_curves({"loss": []})


def test_long_curves_are_thinned_between_their_ends() -> None:
    points = [(step, float(step)) for step in range(5_000)]
    kept_points = thinned(points)

    assert len(kept_points) == MOST_POINTS
    assert (kept_points[0], kept_points[-1]) == (points[0], points[-1])


def test_a_choice_keeps_what_still_exists() -> None:
    assert kept(["a", "b"], "b")["value"] == "b"
    assert kept(["a", "b"], "c")["value"] is None
    assert kept(["a", "b"], "c", first=True)["value"] == "a"
    assert kept([("A", "a")], ["a", "b"])["value"] == ["a"]


def test_a_choice_hands_on_what_is_no_longer_there() -> None:
    assert choice("Adapters").preprocess("gone") == "gone"
    assert choice("Adapters", multiselect=True).preprocess(["gone"]) == ["gone"]


def test_a_fault_becomes_a_message_and_changes_nothing() -> None:
    def fails(_desk: str, name: str) -> str:
        raise BadInput(f"There is no {name}.")

    with pytest.warns(UserWarning, match="There is no &lt;b&gt;."):
        answer = bound(fails, "desk")("<b>")
    assert answer["__type__"] == "update"


def test_a_bound_handler_shows_gradio_only_what_is_left_to_give() -> None:
    def handler(_desk: str, name: str, event: Any = None) -> str:
        return name

    assert list(inspect.signature(bound(handler, "desk")).parameters) == ["name", "event"]
    assert bound(handler, "desk")("me") == "me"


def test_an_uploaded_file_does_not_stay(upload_folder: Path) -> None:
    path = upload_folder / "a.wav"
    path.write_bytes(b"sound")

    with uploaded(path) as own:
        assert own.read_bytes() == b"sound"
    assert not path.exists()


@pytest.mark.parametrize("how", ["outside", "by a link", "upwards", "no file"])
def test_a_file_that_was_not_uploaded_is_neither_read_nor_removed(
    tmp_path: Path, upload_folder: Path, how: str
) -> None:
    secret = tmp_path / "secret.wav"
    secret.write_bytes(b"secret")
    link = upload_folder / "link.wav"
    link.symlink_to(secret)
    path = {
        "outside": secret,
        "by a link": link,
        "upwards": upload_folder / ".." / "secret.wav",
        "no file": upload_folder,
    }[how]

    with pytest.raises(BadInput, match="was not uploaded"), uploaded(path):
        pass
    assert secret.read_bytes() == b"secret"
