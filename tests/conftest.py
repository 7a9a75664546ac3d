"""What the tests of several rooms share."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from angen.bundle import Bundle, load_bundle
from tests.tiny import write_tiny_bundle

torch.set_num_threads(1)  # tiny tensors: threads would only wait for each other


@pytest.fixture(autouse=True)
def same_numbers() -> None:
    """Whatever a test draws without a seed of its own is the same each time."""
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of random weights on disk. Read only: it is shared by all tests."""
    return write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")


@pytest.fixture
def tiny_bundle(tiny_folder: Path) -> Bundle:
    """The same, loaded anew for each test, so that adapters may be attached."""
    return load_bundle(tiny_folder)


@pytest.fixture(scope="session")
def make_bundle(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """Another bundle folder, by seed: for adapters that meet the wrong base."""

    def make(seed: int) -> Path:
        return write_tiny_bundle(tmp_path_factory.mktemp("bundles") / f"tiny{seed}", 10 * seed)

    return make
