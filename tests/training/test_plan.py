"""Which clips each step sees."""

from itertools import chain

import pytest

from angen.errors import BadInput
from angen.training.config import TrainingConfig
from angen.training.plan import Plan, make_plan
from tests.training.examples import MemoryClips


def plan(blocks: tuple[int, ...], **changes: int) -> Plan:
    return make_plan(MemoryClips(blocks), TrainingConfig(**changes))  # type: ignore[arg-type]


def seen(made: Plan, epoch: int) -> list[int]:
    first = (epoch - 1) * made.steps_per_epoch + 1
    steps = range(first, first + made.steps_per_epoch)
    return list(chain.from_iterable(chain.from_iterable(made.batches(step) for step in steps)))


def test_every_clip_is_seen_once_an_epoch_each_time_in_another_order() -> None:
    made = plan((1, 2, 3) * 7, batch_size=4)
    assert (made.steps_per_epoch, made.epochs, made.steps) == (6, 10, 60)
    assert sorted(seen(made, 1)) == sorted(seen(made, 2)) == list(range(21))
    assert seen(made, 1) != seen(made, 2)


def test_a_step_is_the_same_whatever_was_asked_before() -> None:
    one, other = plan((1, 2, 3) * 7), plan((1, 2, 3) * 7)
    forwards = [one.batches(step) for step in range(1, 61)]
    backwards = [other.batches(step) for step in range(60, 0, -1)]
    assert forwards == backwards[::-1]


def test_accumulation_divides_a_step_into_batches() -> None:
    batches = plan((1,) * 20, batch_size=2, accumulation=3).batches(1)
    assert [len(batch) for batch in batches] == [2, 2, 2]


def test_max_steps_takes_the_place_of_epochs() -> None:
    made = plan((1,) * 8, batch_size=4, max_steps=301)
    assert (made.steps, made.epochs) == (301, 151)
    assert [step for step in range(1, 302) if made.ends_epoch(step)][-2:] == [300, 301]


def test_few_clips_are_heard_more_often_where_a_recipe_wants_so_many_steps() -> None:
    assert plan((1,) * 8, batch_size=4, least_steps=301).steps == 301
    assert plan((1,) * 8, batch_size=4, least_steps=19).steps == 20
    assert plan((1,) * 8, batch_size=4, least_steps=301, max_steps=4).steps == 4


def test_validations_to_come_are_those_at_the_ends_of_epochs_and_of_the_base() -> None:
    made = plan((1,) * 7, batch_size=3, max_steps=10)
    assert [made.validations_after(step) for step in (0, 1, 3, 9, 10)] == [5, 4, 3, 1, 0]


def test_epochs_begin_where_the_last_one_ended() -> None:
    made = plan((1,) * 9, batch_size=4)
    assert [made.epoch_of(step) for step in (0, 1, 3, 4, 6, 7)] == [1, 1, 1, 2, 2, 3]


def test_clips_of_like_length_share_a_step() -> None:
    blocks = (1, 15) * 20
    made = plan(blocks, batch_size=4)
    for step in range(1, made.steps_per_epoch + 1):
        assert len({blocks[clip] for clip in made.batches(step)[0]}) == 1


def test_company_changes_between_epochs() -> None:
    made = plan((5,) * 12, batch_size=4)
    steps = range(1, 1 + 2 * made.steps_per_epoch)
    assert len({frozenset(made.batches(step)[0]) for step in steps}) == len(steps)


@pytest.mark.parametrize(
    ("blocks", "told"), [((), "0 training clips;"), ((1,), "1 training clip;")]
)
def test_fewer_than_two_clips_are_refused(blocks: tuple[int, ...], told: str) -> None:
    with pytest.raises(BadInput, match=told):
        plan(blocks)
