import errno
from collections.abc import Sequence
from pathlib import Path

import pytest
from httpx2 import ConnectError

from angen.bundle import load_bundle
from angen.errors import BadInput, MissingWeights, OutOfSpace
from angen.hub import RemoteFile, fetch, fetched, folder_of
from angen.parts import RELEASED
from tests.tiny import write_tiny_bundle


def silent(done: int, total: int) -> None:
    """Progress that nobody watches."""


class FolderHub:
    """A hub whose repositories are a folder."""

    def __init__(self, folder: Path, fault: Exception | None = None, fault_at: int = 0) -> None:
        self.folder = folder
        self.fault = fault
        self.fault_at = fault_at
        self.downloads: list[str] = []

    def files(self, repo: str, revision: str | None) -> tuple[str, Sequence[RemoteFile]]:
        if self.fault and not self.fault_at:
            raise self.fault
        names = sorted(self.folder.iterdir())
        return "0123456789abcdef", [
            RemoteFile(name=path.name, size_bytes=path.stat().st_size) for path in names
        ]

    def download(self, repo: str, revision: str, name: str, folder: Path) -> None:
        self.downloads.append(name)
        if self.fault and len(self.downloads) == self.fault_at:
            raise self.fault
        (folder / name).write_bytes((self.folder / name).read_bytes())


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    folder = write_tiny_bundle(tmp_path / "remote", encoder=False)
    (folder / "LICENSE").write_text("Apache-2.0")
    (folder / "run_me.py").write_text("raise SystemExit")
    return folder


def test_a_fetched_bundle_loads(remote: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    place = fetch(RELEASED, models, silent, hub=FolderHub(remote))
    assert place == models / "ASLP-lab--DiffRhythm2"
    assert load_bundle(RELEASED, fetched=models).fingerprint == load_bundle(remote).fingerprint
    assert not (place / "run_me.py").exists()
    (found,) = fetched(models)
    assert (found.name, found.parts) == (RELEASED, ("model", "decoder", "style"))
    assert found.revision == "0123456789abcdef"


def test_what_is_there_is_not_fetched_again(remote: Path, tmp_path: Path) -> None:
    fetch(RELEASED, tmp_path / "models", silent, hub=FolderHub(remote))
    hub = FolderHub(remote)
    fetch(RELEASED, tmp_path / "models", silent, hub=hub)
    assert not hub.downloads


def test_a_fetch_that_broke_off_goes_on(remote: Path, tmp_path: Path) -> None:
    broken = FolderHub(remote, ConnectError("reset"), fault_at=3)
    with pytest.raises(MissingWeights, match="that came whole are kept"):
        fetch(RELEASED, tmp_path / "models", silent, hub=broken)
    assert not fetched(tmp_path / "models")
    hub = FolderHub(remote)
    fetch(RELEASED, tmp_path / "models", silent, hub=hub)
    assert not {*broken.downloads[:2]} & {*hub.downloads}
    assert fetched(tmp_path / "models")


def test_what_was_added_to_an_older_revision_stays_whole_beside_the_new_one(
    remote: Path, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    place = fetch(RELEASED, models, silent, hub=FolderHub(remote))
    (place / "encoder.json").write_text("{}")
    (place / "muq-mulan").mkdir()
    (place / "muq-mulan" / "config.json").write_text("{}")
    before = {path: path.stat().st_ino for path in sorted(place.rglob("*")) if path.is_file()}
    broken = FolderHub(remote, ConnectError("reset"), fault_at=2)
    with pytest.raises(MissingWeights, match="reset"):
        fetch(RELEASED, models, silent, revision="other", hub=broken)
    assert {path: path.stat().st_ino for path in before} == before
    assert fetch(RELEASED, models, silent, revision="other", hub=FolderHub(remote)) == place
    assert (place / "encoder.json").read_text() == "{}"
    assert (place / "muq-mulan" / "config.json").read_text() == "{}"


def test_a_base_whose_replacement_was_cut_short_is_back(remote: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    place = fetch(RELEASED, models, silent, hub=FolderHub(remote))
    place.rename(models / f".{place.name}.abcd1234.old")
    assert [item.name for item in fetched(models)] == [RELEASED]
    place.rename(models / f".{place.name}.abcd1234.old")
    assert fetch(RELEASED, models, silent, hub=FolderHub(tmp_path / "nowhere")) == place


def test_no_network_says_what_else_to_do(remote: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match="copy its files into a folder"):
        fetch(RELEASED, tmp_path, silent, hub=FolderHub(remote, ConnectError("no route")))


def test_a_full_disk_is_told(remote: Path, tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(OutOfSpace, match="No space left to fetch"):
        fetch(RELEASED, tmp_path, silent, hub=FolderHub(remote, full, fault_at=1))


def test_a_model_that_does_not_fit_on_the_disk_is_refused_beforehand(
    remote: Path, tmp_path: Path
) -> None:
    class Huge(FolderHub):
        def files(self, repo: str, revision: str | None) -> tuple[str, Sequence[RemoteFile]]:
            exact, files = super().files(repo, revision)
            return exact, [RemoteFile(name=file.name, size_bytes=10**17) for file in files]

    with pytest.raises(OutOfSpace, match=r"needs .* GB"):
        fetch(RELEASED, tmp_path / "models", silent, hub=Huge(remote))


def test_a_repository_without_a_bundle_is_refused(remote: Path, tmp_path: Path) -> None:
    (remote / "decoder.json").unlink()
    with pytest.raises(MissingWeights, match=r"is not a bundle: it has no decoder\.json"):
        fetch("someone/something", tmp_path / "models", silent, hub=FolderHub(remote))


@pytest.mark.parametrize("repo", ["mini", "", "a/b/c", "../x", "a/", "/etc/passwd", "a/.."])
def test_what_is_no_hub_id_is_refused(repo: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is not a hub id"):
        folder_of(repo, tmp_path)


def test_progress_ends_with_all(remote: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    fetch(RELEASED, tmp_path, lambda *step: told.append(step), hub=FolderHub(remote))
    assert told[0][0] == 0
    assert told[-1][0] == told[-1][1]
