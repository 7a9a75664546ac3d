import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from angen.api.app import LANES as SERVED
from angen.errors import BadInput
from angen.hub import RemoteFile
from angen.jobs.owner import this_process
from angen.jobs.store import Store
from angen.studio.base import device_of, open_base
from angen.studio.desk import Desk
from angen.studio.models import fetch_model, list_models
from angen.studio.orders import LANES
from angen.studio.requests.models import FetchRequest
from angen.studio.settings import read_settings
from tests.jobs.scripted import outcome


class FakeHub:
    """A hub with one repository."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.fetched: list[str] = []

    def files(self, repo: str, revision: str | None) -> tuple[str, Sequence[RemoteFile]]:
        return "abc123", [RemoteFile(name=name, size_bytes=4) for name in self.names]

    def download(self, repo: str, revision: str, name: str, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(repo)
        self.fetched.append(name)


def ignore(done: int, total: int) -> None:
    pass


def test_stem_weights_are_fetched_without_pickles(tmp_path: Path) -> None:
    settings = read_settings({}, home=tmp_path)
    hub = FakeHub("htdemucs.yaml", "955717e8.safetensors", "955717e8.th", "README.md")
    place = fetch_model("htdemucs", settings, ignore, hub=hub)
    assert place == settings.demucs
    assert sorted(path.name for path in place.iterdir()) == [
        "955717e8.safetensors",
        "htdemucs.yaml",
    ]
    assert (place / "htdemucs.yaml").read_text() == "adefossez/HTDemucs"


def test_a_base_is_fetched_into_its_folder_and_listed(tmp_path: Path) -> None:
    settings = read_settings({}, home=tmp_path)
    style = ("style.json", "style.safetensors")
    hub = FakeHub(
        "model.json", "model.safetensors", "decoder.json", "decoder.bin", "evil.py", *style
    )
    place = fetch_model("somebody/theirs", settings, ignore, hub=hub)
    assert place.is_relative_to(settings.bundles)
    assert "evil.py" not in hub.fetched
    models = {model.name: model for model in list_models(settings)}
    assert models["somebody/theirs"].here
    assert not models["somebody/theirs"].trains
    assert "angen encoder fit --base somebody/theirs" in models["somebody/theirs"].remedy
    assert not models["ASLP-lab/DiffRhythm2"].here


@pytest.mark.parametrize(("name", "said"), [("mini", "part of the package"), ("x", "hub id")])
def test_what_cannot_be_fetched_is_told(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        fetch_model(name, read_settings({}, home=tmp_path), ignore)


def test_a_base_is_opened_from_a_folder(tiny_folder: Path, tmp_path: Path) -> None:
    settings = read_settings({}, home=tmp_path, base=str(tiny_folder), device="cpu")
    assert open_base(settings).folder == tiny_folder


def test_a_device_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such device"):
        device_of(read_settings({}, home=tmp_path, device="cuda:99"))
    assert device_of(read_settings({}, home=tmp_path, device="cpu")) == "cpu"


def test_a_fetch_waits_for_no_analysis_and_an_analysis_for_no_fetch(tmp_path: Path) -> None:
    """The lane of downloads has its own worker, which needs no torch."""
    assert {LANES["fetch"]}.isdisjoint(LANES[kind] for kind in LANES if kind != "fetch")
    assert set(SERVED) == set(LANES.values())
    environ = {"ANGEN_HOME": str(tmp_path)}
    settings = read_settings(environ)
    with Store(settings.database) as store:
        desk = Desk(settings, store)
        job = desk.fetch(FetchRequest(name="mini", accept_licence=True))
        worker = [sys.executable, "-X", "importtime", "-m", "angen.studio.worker", job.lane]
        done = subprocess.Popen(
            worker,
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | environ,
        )
        assert done.stdin is not None
        done.stdin.write(this_process().text() + "\n")
        done.stdin.flush()
        found = outcome(store, job)
        _, log = done.communicate()
    assert found.problem is not None
    assert "part of the package" in found.problem.message
    assert "angen.studio.models" in log
    assert "| torch" not in log
