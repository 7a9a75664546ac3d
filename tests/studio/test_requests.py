from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from angen.errors import BadInput
from angen.fitting.config import FIT_RANGES, FitConfig
from angen.studio.requests import encoder, material, models, songs, training
from angen.studio.requests.asking import asked
from angen.studio.requests.encoder import FitEncoderRequest
from angen.studio.requests.fields import Strict, check_id
from angen.studio.requests.material import AnalyzeRequest, MetadataEdit
from angen.studio.requests.songs import AdapterUse, SongRequest
from angen.studio.requests.training import Preset, TrainRequest
from angen.training.config import RANGES, TrainingConfig

MODULES = (encoder, material, models, songs, training)
KINDS = [
    kind
    for module in MODULES
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, Strict) and kind is not Strict
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_request_and_field_is_described(kind: type[BaseModel]) -> None:
    assert kind.__doc__
    if kind is MetadataEdit:
        return
    for name, field in kind.model_fields.items():
        assert field.description, f"{kind.__name__}.{name}"


OWN = TrainingConfig(learning_rate=9e-4, rank=8, least_steps=200)  # of some base


def test_a_training_without_wishes_follows_the_recipe_of_its_base() -> None:
    assert TrainRequest(name="a", dataset="b").config(OWN) == OWN


def test_what_is_wished_goes_before_the_recipe_of_the_base() -> None:
    wished = TrainRequest(name="a", dataset="b", rank=32, lora_dropout=0.1)

    assert wished.config(OWN) == replace(OWN, rank=32, lora_dropout=0.1)


def test_whoever_counts_epochs_gets_no_more_of_them() -> None:
    assert TrainRequest(name="a", dataset="b", epochs=3).config(OWN).least_steps == 0
    both = TrainRequest(name="a", dataset="b", epochs=3, least_steps=50)
    assert both.config(OWN).least_steps == 50


def test_the_recipe_of_the_documents_is_that_of_no_base() -> None:
    documents = TrainRequest(name="a", dataset="b", preset=Preset.DOCUMENTS)

    assert documents.config(OWN) == TrainingConfig()


def test_a_fit_without_wishes_is_the_recipe_of_the_command_line() -> None:
    assert FitEncoderRequest().config == FitConfig()


@pytest.mark.parametrize("name", sorted(FIT_RANGES))
def test_the_ranges_of_a_fit_are_those_of_its_recipe(name: str) -> None:
    low, high = FIT_RANGES[name]
    for value in (low, high):
        assert getattr(asked(FitEncoderRequest, {name: value}), name) == value
    for value in (low - 2, high + 2):
        with pytest.raises(BadInput, match=f"{name}=.* is outside {low:g} to"):
            asked(FitEncoderRequest, {name: value})


@pytest.mark.parametrize("name", sorted(RANGES))
def test_the_ranges_of_a_training_are_those_of_its_recipe(name: str) -> None:
    low, high = RANGES[name]
    for value in (low, high):
        assert (
            getattr(asked(TrainRequest, {"name": "a", "dataset": "b", name: value}), name) == value
        )
    with pytest.raises(BadInput, match=f"{name}=.* is outside {low:g} to"):
        asked(TrainRequest, {"name": "a", "dataset": "b", name: low - 1})


@pytest.mark.parametrize("name", ["", "../x", "a/b", "con", "-x", "x" * 101, "<script>", "a\0b"])
def test_names_that_are_no_names_are_refused_at_their_field(name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TrainRequest(name=name, dataset="d")
    assert [fault["loc"] for fault in caught.value.errors()] == [("name",)]


def test_names_of_any_script_are_names() -> None:
    assert TrainRequest(name="爵士 v1", dataset="ジャズ").name == "爵士 v1"


@pytest.mark.parametrize(
    ("kind", "values", "said"),
    [
        (SongRequest, {"prompt": "x", "colour": "red"}, "colour"),
        (SongRequest, {"prompt": "x", "guidance": float("nan")}, "guidance"),
        (SongRequest, {"prompt": "x", "adapters": [{"name": "a"}] * 9}, "adapters"),
        (AdapterUse, {"name": "a", "sha256": "zz"}, "sha256"),
        (AnalyzeRequest, {"files": []}, "files"),
        (AnalyzeRequest, {"files": ["../../etc/passwd"]}, "files.0"),
        (AnalyzeRequest, {"files": ["a"], "min_s": 0}, "min_s"),
        (SongRequest, {"prompt": ""}, r"^prompt is empty\. Write, for example: smooth jazz"),
        (SongRequest, {"prompt": " \n"}, r"^prompt is empty\. Write, for example: smooth jazz"),
        (SongRequest, {"prompt": "x", "seed": "y"}, "seed"),
        (TrainRequest, {"name": "a/b", "dataset": "c"}, r"^adapter name 'a/b' contains .*_v1\.$"),
    ],
)
def test_what_does_not_fit_is_named(kind: type[Strict], values: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        asked(kind, values)


@pytest.mark.parametrize("value", ["", "..", "a/b", "a.b", "x" * 65, "a\n"])
def test_ids_have_one_form(value: str) -> None:
    with pytest.raises(BadInput, match="is no upload"):
        check_id("upload", value)
