"""What may be kept, and what may go."""

from itertools import pairwise
from pathlib import Path

import pytest

from angen.jobs.events import KEPT_PROGRESS, plain, superfluous


def test_plain_makes_json_of_what_handlers_say() -> None:
    said = {"a": (1, 2.5), 3: Path("x/y"), "none": None, "set": {True}, "nan": float("nan")}
    kept = {"a": [1, 2.5], "3": "x/y", "none": None, "set": [True], "nan": None}
    assert plain(said) == kept


def test_plain_refuses_what_nobody_could_read() -> None:
    with pytest.raises(ValueError, match="of type object cannot be kept"):
        plain({"thing": object()})


def test_few_events_of_progress_all_stay() -> None:
    assert superfluous([(n, "Training") for n in range(KEPT_PROGRESS)]) == []


@pytest.mark.parametrize("count", [101, 150, 1000, 9999])
def test_many_leave_an_even_choice_with_both_ends(count: int) -> None:
    gone = set(superfluous([(n, "Training") for n in range(count)]))
    kept = [n for n in range(count) if n not in gone]
    assert KEPT_PROGRESS / 2 <= len(kept) <= KEPT_PROGRESS + 1
    assert (kept[0], kept[-1]) == (0, count - 1)
    assert len({b - a for a, b in pairwise(kept[:-1])}) == 1


def test_stages_are_thinned_apart() -> None:
    stages = [(n, "Encoding" if n < 5 else "Training") for n in range(1000)]
    gone = superfluous(stages)
    assert min(gone) > 5
    assert 999 not in gone
