from pathlib import Path

import pytest

from tests.fitting.tiny_fit import deaf_bundle


@pytest.fixture(scope="session")
def deaf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a base model without encoder; the songs of fits lie beside it."""
    folder = tmp_path_factory.mktemp("deaf") / "b"
    deaf_bundle(folder)
    return folder
