"""Amounts as a person reads them."""

import pytest

from angen.amounts import counted, duration_text, size_text


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 clips"), (1, "1 clip"), (2, "2 clips"), (1_500, "1,500 clips")]
)
def test_counts(count: int, said: str) -> None:
    assert counted(count, "clip") == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (59.6, "1 min 00 s"), (75, "1 min 15 s"), (3_725, "1 h 02 min"), (-1, "0 s")],
)
def test_durations(seconds: float, said: str) -> None:
    assert duration_text(seconds) == said


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 bytes"), (1_500, "1.5 kB"), (2e9, "2 GB"), (123_456_789, "123 MB")]
)
def test_sizes(count: float, said: str) -> None:
    assert size_text(count) == said
