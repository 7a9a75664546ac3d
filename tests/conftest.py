"""What the tests of several rooms share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

if TYPE_CHECKING:
    from angen.bundle import Bundle

torch.set_num_threads(1)  # tiny tensors: threads would only wait for each other


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of random weights on disk. Read only: it is shared by all tests."""
    from tests.tiny import write_tiny_bundle

    return write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")


@pytest.fixture
def tiny_bundle(tiny_folder: Path) -> Bundle:
    """The same, loaded anew for each test, so that adapters may be attached."""
    from angen.bundle import load_bundle

    return load_bundle(tiny_folder)


@pytest.fixture(scope="session")
def make_bundle(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """Another bundle folder, by seed: for adapters that meet the wrong base."""
    from tests.tiny import write_tiny_bundle

    def make(seed: int) -> Path:
        return write_tiny_bundle(tmp_path_factory.mktemp("bundles") / f"tiny{seed}", 10 * seed)

    return make
