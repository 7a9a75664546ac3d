"""The reader of TensorFlow checkpoints against tables written by hand."""

import numpy as np
import pytest

from angen.errors import Incompatible
from angen.tf_checkpoint import read_checkpoint
from tests.tables import Tensor, checkpoint


def some_tensors() -> dict[str, Tensor]:
    rng = np.random.default_rng(0)
    shapes = {
        "conv2d/kernel": (7, 38, 1, 4),
        "conv2d/bias": (4,),
        "conv2d_1/kernel": (7, 67, 1, 4),
        "conv2d_1/bias": (300,),
        "beta1_power": (),
        "Variable": (2, 3),
    }
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


@pytest.mark.parametrize("per_block", [1, 2, 100])
def test_each_tensor_is_read_with_its_name_shape_and_numbers(per_block: int) -> None:
    tensors = some_tensors()
    found = read_checkpoint(*checkpoint(tensors, per_block=per_block))
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert found[name].shape == tensor.shape
        np.testing.assert_array_equal(found[name], tensor)


def test_numbers_of_another_type_are_passed_over() -> None:
    assert read_checkpoint(*checkpoint(some_tensors(), dtype=9)) == {}


@pytest.mark.parametrize(
    ("index", "numbers", "said"),
    [
        (b"", b"", "no table"),
        (b"x" * 100, b"", "no table"),
        (checkpoint(some_tensors())[0][:-1], b"", "no table"),
        (checkpoint(some_tensors())[0], b"\0" * 100, "does not fit"),
        (checkpoint(some_tensors())[0][600:], b"", "beyond the end|goes beyond|damaged"),
        (*checkpoint(some_tensors(), compressed=True), "compressed"),
    ],
)
def test_a_damaged_checkpoint_is_told(index: bytes, numbers: bytes, said: str) -> None:
    with pytest.raises(Incompatible, match=said):
        read_checkpoint(index, numbers)


def test_whatever_byte_is_wrong_nothing_but_incompatible_is_raised() -> None:
    index, numbers = checkpoint(some_tensors())
    told = 0
    for at in range(len(index)):
        for wrong in (0x00, 0x7F, 0xFF):
            damaged = index[:at] + bytes([wrong]) + index[at + 1 :]
            try:
                found = read_checkpoint(damaged, numbers)
            except Incompatible:
                told += 1
            else:
                assert sum(tensor.nbytes for tensor in found.values()) <= 2 * len(numbers)
    assert told > len(index) / 2
