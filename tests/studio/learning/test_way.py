"""A bar that is at its end when training and report are."""

from dataclasses import replace

import pytest

from angen.studio.learning.way import UNKNOWN, Way, way_of
from angen.training.quote import Quote

QUOTE = Quote(
    steps=20,
    epochs=5,
    clips=10,
    trained_parameters=1000,
    seconds=10.0,
    seconds_per_step=0.5,
    peak_memory_bytes=10**9,
    disk_bytes=10**6,
    device="cpu",
    report_seconds=40.0,
)


def test_a_report_counts_as_many_steps_as_it_lasts() -> None:
    assert way_of(QUOTE) == Way(steps=20, report=80)
    assert way_of(replace(QUOTE, done=30)) == Way(steps=50, report=80)
    assert way_of(replace(QUOTE, report_seconds=0.0)) == Way(steps=20, report=0)
    assert way_of(replace(QUOTE, report_seconds=0.01)).report == 1


def test_a_training_without_steps_to_do_still_has_its_report_before_it() -> None:
    way = way_of(replace(QUOTE, steps=0, done=20, seconds=0.0))
    assert way == Way(steps=20, report=UNKNOWN)


@pytest.mark.parametrize("report", [80, 1, 0])
def test_the_bar_never_goes_back_and_never_changes_its_length(report: int) -> None:
    way, told = Way(steps=20, report=report), []

    def on_step(done: int, total: int) -> None:
        told.append((done, total))

    for step in range(21):
        way.training(on_step)(step, 20)
    way.arrived(on_step)(3, 3)
    for song in range(65):
        way.songs(on_step)(song, 64)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert {total for _, total in told} == {20 + report}
    assert told[20] == (20, 20 + report)


def test_the_songs_of_a_report_are_not_yet_its_page() -> None:
    told: list[tuple[int, int]] = []
    Way(steps=20, report=80).songs(lambda done, total: told.append((done, total)))(64, 64)
    assert told == [(92, 100)]
