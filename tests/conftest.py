"""What the tests of several rooms share."""

import atexit
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

# Each worker of pytest-xdist has a core to itself, and so have the programs that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch

from angen.audio import spleeter_weights
from angen.bundle import Bundle, load_bundle
from angen.judge import weights as judge_weights
from tests.tiny import write_tiny_bundle

torch.set_num_threads(1)  # tiny tensors: threads would only wait for each other

# Of a person's or a CI's environment tests get this alone: no settings of ours, of Gradio or of the
# hub, no proxies, colours or width of a terminal; and a home of their own, which is empty.
_KEPT = ("PATH", "LANG", "TMPDIR", "TZ", "USER", "LOGNAME", "SHELL", "DYLD_LIBRARY_PATH")
_KEPT_KINDS = ("ANGEN_TEST_", "LC_", "LD_", "PYTHON", "PYTEST_", "OMP_", "MKL_", "CUDA_", "NVIDIA_")
_home = tempfile.TemporaryDirectory(prefix="angen-tests-home-")
atexit.register(_home.cleanup)
for _name in set(os.environ) - {*_KEPT}:
    if not _name.startswith(_KEPT_KINDS):
        del os.environ[_name]
os.environ["HOME"] = _home.name
os.umask(0o022)


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


@pytest.fixture(scope="session")
def judge_folder() -> Path:
    """The weights of the outside judge, as ``make test`` fetches them."""
    return _fetched("JUDGE", "judge/musicnn", judge_weights.FILE)


@pytest.fixture(scope="session")
def spleeter_folder() -> Path:
    """The weights of Spleeter, as ``make test`` fetches them."""
    return _fetched("SPLEETER", "separators/spleeter", spleeter_weights.FILE)


def _fetched(name: str, place: str, file: str) -> Path:
    given = os.environ.get(f"ANGEN_TEST_{name}")
    folder = Path(given) if given else Path(sys.prefix) / "home" / "models" / place
    if not (folder / file).is_file():
        pytest.skip(
            f"no {file} in {folder}: `make test` fetches it where PyPI can be reached, "
            f"ANGEN_TEST_{name} names another folder"
        )
    return folder
