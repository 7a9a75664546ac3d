"""The judge against the numbers of the original, and on what it should know."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from angen.errors import Incompatible, MissingWeights
from angen.judge.judge import load_judge
from angen.judge.sound import RATE_HZ, patches
from angen.judge.vocabulary import VOCABULARIES
from angen.judge.weights import FILE, from_tensorflow
from tests.judge.original import GOLDEN
from tests.judge.signals import sung_and_struck

NETS = sorted(VOCABULARIES)


@pytest.fixture(scope="module")
def golden() -> dict[str, Any]:
    values: dict[str, Any] = json.loads(GOLDEN.read_text("utf-8"))
    return values


def test_the_mel_is_the_original_one(golden: dict[str, Any]) -> None:
    mel = np.concatenate([some.numpy() for some in patches(sung_and_struck(), RATE_HZ)])
    np.testing.assert_allclose(mel[:, ::40, ::12], golden["mel"], atol=2e-5)


@pytest.mark.parametrize("net", NETS)
def test_a_net_says_what_the_original_says(
    judge_folder: Path, golden: dict[str, Any], net: str
) -> None:
    heard = load_judge(judge_folder, net).hear(sung_and_struck(), RATE_HZ)
    np.testing.assert_allclose(heard.embedding[:, ::20], golden[net]["embedding"], atol=1e-4)
    np.testing.assert_allclose(heard.tags[:, ::5], golden[net]["tags"], atol=1e-5)


def test_tags_are_means_over_the_sound_under_their_names(judge_folder: Path) -> None:
    judge = load_judge(judge_folder, "mtt")
    tags = judge.tags(sung_and_struck(), RATE_HZ)
    assert tuple(tags) == VOCABULARIES["mtt"]
    assert tags["guitar"] == pytest.approx(judge.hear(sung_and_struck(), RATE_HZ).tags[:, 0].mean())
    assert len(judge.embed(sung_and_struck(), RATE_HZ)) == 2


def test_the_licence_lies_beside_the_weights(judge_folder: Path) -> None:
    said = (judge_folder / "LICENSE.md").read_text("utf-8")
    assert "Universitat Pompeu Fabra 2019" in said
    assert "this permission notice appear in all copies" in said


@pytest.mark.parametrize("net", NETS)
def test_a_vocabulary_has_fifty_different_tags(net: str) -> None:
    assert len(set(VOCABULARIES[net])) == len(VOCABULARIES[net]) == 50


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match="angen models fetch musicnn"):
        load_judge(tmp_path)
    with pytest.raises(ValueError, match="msd, mtt"):
        load_judge(tmp_path, "vgg")
    (tmp_path / FILE).write_bytes(b"{}")
    with pytest.raises(Incompatible, match="not a whole safetensors file"):
        load_judge(tmp_path)


def test_a_checkpoint_of_something_else_is_refused() -> None:
    with pytest.raises(Incompatible, match=r"none of musicnn.*batch_normalization"):
        from_tensorflow({"dense/kernel": np.zeros((2, 2), np.float32)})
