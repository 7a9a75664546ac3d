"""The installed package, outside of its source: what it needs must lie in the wheel."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BUILD = (sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory")
BARE = """
import sys
sys.modules |= dict.fromkeys(("espeakng_loader", "janome", "demucs"))  # as if not installed
from angen.cli.main import run
import angen
assert angen.__file__.startswith(sys.argv[1]), angen.__file__
sys.exit(run(sys.argv[2:]))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the wheel's packages and nothing else."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([*BUILD, str(folder)], cwd=ROOT, check=True, capture_output=True, timeout=60)
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def start(site: Path, folder: Path, *arguments: str, base: str = "mini") -> subprocess.Popen[str]:
    """``angen`` as installed in ``site``, without any optional part, started in ``folder``."""
    known = {k: v for k, v in os.environ.items() if not k.startswith("ANGEN_")}
    ours = {"PYTHONPATH": str(site), "ANGEN_HOME": str(folder / "home"), "ANGEN_BASE": base}
    return subprocess.Popen(
        [sys.executable, "-P", "-c", BARE, str(site), *arguments],
        cwd=folder,
        env=known | ours,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_doctor_finds_no_fault_without_the_optional_parts(installed: Path, tmp_path: Path) -> None:
    with start(installed, tmp_path, "doctor", "--json") as process:
        said, faults = process.communicate(timeout=120)
    facts = {fact["name"]: fact for fact in json.loads(said)}
    assert facts["base mini"]["good"], facts
    assert facts["Japanese lyrics (optional)"]["remedy"] == "pip install 'angen[japanese]'"
    assert facts["stems (optional)"]["remedy"] == "angen models fetch spleeter"
    assert process.returncode == 0, faults


def test_demo_brings_its_own_songs(installed: Path, tmp_path: Path, tiny_folder: Path) -> None:
    with start(installed, tmp_path, "demo", base=str(tiny_folder)) as process:
        try:
            assert process.stderr is not None
            for line in process.stderr:  # ends with the process, should it fail
                if line.startswith("Encoding the clips"):
                    break
        finally:
            process.kill()
    info = json.loads((tmp_path / "home/training_data/demo/dataset_info.json").read_text("utf-8"))
    songs = {clip["source"]["file"] for clip in info["clips"]}
    assert songs == {path.name for path in (ROOT / "examples/songs").glob("*.ogg")}
