import json
from pathlib import Path
from typing import Any

import pytest

from angen.fitting.check import Answer, judged
from angen.fitting.page import card, write_check

FIGURES: dict[str, Any] = {
    "recordings": 2,
    "mel": 0.5,
    "own_mel": 0.4,
    "spectral": 0.6,
    "loudness_db": 1.0,
    "style": 0.9,
    "tempo": 1.0,
    "key": None,
    "mean_off": 0.1,
    "deviation": 1.0,
    "unlikely": 1.1,
    "own_unlikely": 1.0,
    "latent_error": 0.2,
}

# As measured on mini by benchmarks/encoder_fit: its own encoder, with which adapters work, and one
# fitted from recordings alone, whose latents say nothing.
TRUE: dict[str, Any] = {
    "mel": 0.280,
    "own_mel": 0.154,
    "unlikely": 0.894,
    "own_unlikely": 0.469,
    "loudness_db": 0.89,
    "style": 0.994,
}
EMPTY: dict[str, Any] = {
    "mel": 1.281,
    "own_mel": 0.801,
    "unlikely": 0.036,
    "own_unlikely": 0.469,
    "loudness_db": 7.95,
    "style": 0.371,
}


@pytest.mark.parametrize(
    ("changes", "answer", "said"),
    [
        ({}, Answer.GOOD, []),
        ({"style": None}, Answer.GOOD, []),
        ({"mel": 0.9}, Answer.DOUBTFUL, ["mel distance of 0.90"]),
        ({"unlikely": float("nan")}, Answer.DOUBTFUL, ["error of nan"]),
        ({"unlikely": 0.1}, Answer.DOUBTFUL, ["so little is left"]),
        (TRUE, Answer.GOOD, []),
        (EMPTY, Answer.BAD, ["mel distance of 1.28", "so little", "8.0 dB", "agree to 0.37"]),
        ({"loudness_db": 9.0, "style": 0.1}, Answer.BAD, ["9.0 dB", "agree to 0.10"]),
    ],
)
def test_the_verdict_names_each_fault(
    changes: dict[str, Any], answer: Answer, said: list[str]
) -> None:
    report = judged(FIGURES | changes)
    assert report.answer is answer
    assert len(report.faults) == len(said)
    for fault, words in zip(report.faults, said, strict=True):
        assert words in fault


def test_the_page_and_the_card_say_what_was_measured(tmp_path: Path) -> None:
    report = judged(FIGURES | {"mel": 0.9})
    page = write_check(report, [], tmp_path, 8_000, "<b>base</b>")
    text = page.read_text("utf-8")
    assert "doubtful" in text
    assert "&lt;b&gt;base" in text
    assert "mel distance of 0.90" in text
    values = {"decoder": "abc", "fit": {"recordings": 3, "recipe": {"steps": 5}}}
    told = card("owner/base", values, json.loads((tmp_path / "check.json").read_text()), "mit")
    for part in ("license: mit", "`abc`", "| steps | 5 |", "0.900", "with doubts"):
        assert part in told
    assert "Not measured" in card("owner/base", values, None, "mit")
