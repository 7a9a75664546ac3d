"""Training recipes: the mission's defaults and ranges."""

import json
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from angen.errors import BadInput
from angen.training.config import (
    RANGES,
    Precision,
    TrainingConfig,
    base_recipe,
    differences,
    from_recipe,
    recipe,
)


def test_the_defaults_are_those_of_the_mission() -> None:
    config = TrainingConfig()
    assert (config.batch_size, config.learning_rate, config.epochs) == (4, 3e-4, 10)
    assert (config.rank, config.alpha) == (16, 32)
    assert (config.log_every, config.checkpoint_every) == (100, 500)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("batch_size", 0, "batch_size=0 is outside 1 to 16"),
        ("batch_size", 17, "batch_size=17 is outside 1 to 16"),
        ("batch_size", 2.5, "batch_size=2.5 is not a whole number"),
        ("learning_rate", 9e-6, "learning_rate=9e-06 is outside 1e-05 to 0.001"),
        ("learning_rate", 2e-3, "learning_rate=0.002 is outside 1e-05 to 0.001"),
        ("learning_rate", float("nan"), "learning_rate=nan is outside"),
        ("epochs", 51, "epochs=51 is outside 1 to 50"),
        ("rank", 3, "rank=3 is outside 4 to 64"),
        ("rank", 65, "rank=65 is outside 4 to 64"),
        ("rank", True, "rank=True is not a whole number"),
        ("rank", "16", "rank='16' is not a whole number"),
        ("alpha", 7, "alpha=7 is outside 8 to 128"),
        ("alpha", 129, "alpha=129 is outside 8 to 128"),
        ("max_steps", 0, "max_steps=0 is outside 1 to 1e+06"),
        ("condition_dropout", 1.5, "condition_dropout=1.5 is outside 0 to 1"),
        ("targets", ("attention",), "not attention"),
        ("targets", (), "choose among"),
    ],
)
def test_a_value_out_of_range_is_named_with_its_range(name: str, value: Any, told: str) -> None:
    with pytest.raises(BadInput, match=re.escape(told)):
        TrainingConfig(**{name: value})


def test_the_ends_of_the_ranges_are_taken() -> None:
    for name, ends in RANGES.items():
        for value in ends:
            config = from_recipe({name: value})
            assert getattr(config, name) == value


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(BadInput, match=r"batch_size=0 .*; rank=1 "):
        TrainingConfig(batch_size=0, rank=1)


def test_a_recipe_survives_json() -> None:
    config = TrainingConfig(rank=8, targets=("q_proj",), precision=Precision.BFLOAT16, max_steps=5)
    assert from_recipe(json.loads(json.dumps(recipe(config)))) == config
    assert recipe(config).keys() == {field.name for field in fields(TrainingConfig)}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"rnak": 4}, "unknown fields: rnak"),
        ({"precision": "int3"}, "int3"),
        ({"style": "smell"}, "smell"),
        ({"targets": 3}, "recipe cannot be used"),
    ],
)
def test_a_recipe_with_a_fault_is_refused(values: dict[str, Any], told: str) -> None:
    with pytest.raises(BadInput, match=told):
        from_recipe(values)


def test_differences_are_those_that_reach_the_weights() -> None:
    config = TrainingConfig()
    assert differences(config, replace(config, log_every=1, keep_checkpoints=9)) == []
    assert differences(config, replace(config, seed=3, rank=8)) == ["rank: 16 -> 8", "seed: 0 -> 3"]


def test_a_base_without_a_recipe_is_trained_on_by_the_documents(tmp_path: Path) -> None:
    assert base_recipe(tmp_path) == TrainingConfig()


def test_a_base_may_say_what_works_for_it(tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text('{"learning_rate": 5e-4, "targets": ["up_proj"]}')

    assert base_recipe(tmp_path) == TrainingConfig(learning_rate=5e-4, targets=("up_proj",))


@pytest.mark.parametrize("text", ["[1]", "{", '{"rank": 1000}', '{"rang": 8}'])
def test_what_is_no_recipe_of_a_base_is_refused_by_its_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "recipe.json").write_text(text)

    with pytest.raises(BadInput, match=r"recipe\.json is no training recipe: "):
        base_recipe(tmp_path)
