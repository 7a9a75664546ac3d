"""Several adapters as one."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from angen.adapters.attach import detach, slots
from angen.adapters.merge import merge_adapters, merge_into_base
from angen.adapters.shape import MLP, LoraShape
from angen.bundle import Bundle, load_bundle
from angen.errors import BadInput, Incompatible
from tests.adapters.fill import velocity, written
from tests.adapters.test_files import change, load

ODD = LoraShape(rank=6, alpha=3, targets=("q_proj", *MLP))


def test_a_merged_adapter_does_what_its_parts_do(tiny_bundle: Bundle, tmp_path: Path) -> None:
    one = written(tiny_bundle, tmp_path / "one", seed=1)
    two = written(tiny_bundle, tmp_path / "two", seed=2, shape=ODD)
    load(tiny_bundle, one, 0.8)
    load(tiny_bundle, two, 1.7)
    together = velocity(tiny_bundle.dit)
    detach(tiny_bundle.dit)
    merged = merge_adapters([(one, 0.8), (two, 1.7)], tmp_path / "merged")
    assert merged.rank == 4 + 6
    assert load(tiny_bundle, tmp_path / "merged").warnings == ()
    torch.testing.assert_close(velocity(tiny_bundle.dit), together, rtol=1e-5, atol=1e-6)


def test_merged_into_the_base_no_adapter_is_left(tiny_bundle: Bundle, tmp_path: Path) -> None:
    load(tiny_bundle, written(tiny_bundle, tmp_path / "one", seed=1), 0.8)
    load(tiny_bundle, written(tiny_bundle, tmp_path / "two", seed=2, shape=ODD), 0.0)
    sounding = velocity(tiny_bundle.dit)
    merge_into_base(tiny_bundle.dit)
    assert slots(tiny_bundle.dit) == ()
    torch.testing.assert_close(velocity(tiny_bundle.dit), sounding, rtol=1e-5, atol=1e-6)


def test_adapters_of_two_bases_cannot_be_merged(
    tiny_bundle: Bundle, make_bundle: Callable[[int], Path], tmp_path: Path
) -> None:
    one = written(tiny_bundle, tmp_path / "one")
    two = written(load_bundle(make_bundle(4)), tmp_path / "two")
    with pytest.raises(Incompatible, match="Only adapters of the same base"):
        merge_adapters([(one, 1.0), (two, 1.0)], tmp_path / "merged")


def test_with_a_stranger_among_them_the_result_names_no_base(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    one = written(tiny_bundle, tmp_path / "one")
    two = written(tiny_bundle, tmp_path / "two", seed=2)
    change(two, lambda tensors: None)
    merged = merge_adapters([(one, 1.0), (two, 1.0)], tmp_path / "merged")
    assert merged.base_fingerprint is None


def test_one_adapter_is_no_merger(tiny_bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="at least two"):
        merge_adapters([(written(tiny_bundle, tmp_path / "one"), 1.0)], tmp_path / "merged")
