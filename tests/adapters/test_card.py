"""The adapter's card."""

from pathlib import Path

import pytest

from angen.adapters.card import card, write_card
from angen.adapters.metadata import (
    AdapterMetadata,
    BaseFacts,
    DatasetFacts,
    Losses,
    write_metadata,
)
from angen.errors import BadInput

METADATA = AdapterMetadata(
    name="folk",
    base=BaseFacts(name="mini", fingerprint="0" * 64),
    dataset=DatasetFacts(
        name="village",
        fingerprint="1" * 64,
        training_clips=18,
        validation_clips=2,
        minutes=5.25,
        licences=("CC0-1.0",),
    ),
    recipe={"rank": 16, "learning_rate": 3e-4, "targets": ["q_proj", "v_proj"]},
    steps=300,
    losses=Losses(training=0.5, validation_base=0.75, validation_best=0.625, best_step=240),
    notes=("A note.",),
)
REPORT = {
    "verdict": "closer",
    "effect": {"distance_base": 0.5, "distance_adapter": 0.25, "reduction": 0.5},
    "memorisation": {"closest": 0.8, "reference": 0.9},
}


def test_the_card_names_recipe_dataset_licences_and_figures() -> None:
    text = card(METADATA, REPORT)
    assert text.startswith("---\nlibrary_name: peft\n")
    for fact in (
        "20 clips, 5.2 minutes",
        "2 clips kept aside",
        "CC0-1.0",
        "Verdict: **closer**",
        "| effect, reduction | 0.5 |",
        "| memorisation, closest | 0.8 |",
        "| kept-aside clips, best (step 240) | 0.625 |",
        "| targets | q_proj, v_proj |",
        "| steps | 300 |",
        "- A note.",
    ):
        assert fact in text


def test_the_card_says_when_nothing_was_measured() -> None:
    assert "Not measured." in card(AdapterMetadata(name="a", kind="imported"), None)


def test_write_card_needs_metadata(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no metadata"):
        write_card(tmp_path)
    write_metadata(tmp_path, METADATA)
    assert write_card(tmp_path).read_text().count("# folk") == 1
