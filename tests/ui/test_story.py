from datetime import UTC, datetime
from typing import Any

from angen.jobs.events import Event
from angen.ui.story import MAX_LINES, MAX_STORIES, Stories


class Book:
    """Events of jobs, and which were read."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.asked: list[int] = []

    def add(self, kind: str, **data: Any) -> None:
        number = len(self.events) + 1
        at = datetime.now(UTC)
        self.events.append(Event(job="j", number=number, at=at, kind=kind, data=data))

    def read(self, _job: str, after: int, limit: int) -> list[Event]:
        self.asked.append(after)
        return [event for event in self.events if event.number > after][:limit]


def test_a_training_is_gathered_from_its_events() -> None:
    book = Book()
    book.add("say", message="About 3 min")
    book.add("metrics", step=0, steps=20, epoch=1, epochs=2, loss=None, validation_loss=1.5)
    book.add("metrics", step=10, steps=20, epoch=1, epochs=2, loss=1.2, validation_loss=None)
    book.add("sample", step=10, audio="samples/step_000010.wav", adapter="a")
    story = Stories(book.read).of("j")

    assert (story.epoch, story.epochs, story.step, story.steps) == (1, 2, 10, 20)
    assert story.loss == [(10, 1.2)]
    assert story.validation == [(0, 1.5)]
    assert story.lines == ["About 3 min"]
    assert [sample["step"] for sample in story.samples] == [10]


def test_only_what_is_new_is_read() -> None:
    book = Book()
    stories = Stories(book.read)
    book.add("say", message="one")
    stories.of("j")
    book.asked.clear()
    book.add("say", message="two")

    assert stories.of("j").lines == ["one", "two"]
    assert book.asked == [1, 2]


def test_what_is_done_anew_after_a_crash_takes_the_place_of_what_was_lost() -> None:
    book = Book()
    for step, loss in ((10, 1.0), (20, 0.9), (30, 0.8)):
        book.add("metrics", step=step, steps=40, loss=loss)
    book.add("metrics", step=20, steps=40, loss=0.95)

    assert Stories(book.read).of("j").loss == [(10, 1.0), (20, 0.95)]


def test_a_sample_made_again_stands_once() -> None:
    book = Book()
    for _ in range(2):
        book.add("sample", step=10, audio="samples/step_000010.wav")

    assert len(Stories(book.read).of("j").samples) == 1


def test_a_long_log_keeps_its_end() -> None:
    book = Book()
    for number in range(MAX_LINES + 5):
        book.add("say", message=f"line {number}")
    lines = Stories(book.read).of("j").lines

    assert len(lines) == MAX_LINES
    assert lines[-1] == f"line {MAX_LINES + 4}"


def test_old_stories_are_forgotten() -> None:
    book = Book()
    book.add("say", message="one")
    stories = Stories(book.read)
    for job in range(MAX_STORIES + 1):
        stories.of(str(job))
    book.asked.clear()
    stories.of("0")

    assert book.asked[0] == 0
