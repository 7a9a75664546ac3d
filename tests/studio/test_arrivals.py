"""Archives that were brought, taken in by jobs: hostile, damaged, or cut short on the way."""

import os
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from angen.bundle import Bundle
from angen.data.prepare import PrepareConfig, prepare
from angen.errors import AngenError
from angen.jobs.job import Job, Problem
from angen.studio.requests.songs import AdapterUse
from angen.studio.requests.training import MergeRequest
from tests.adapters.fill import written
from tests.data.songs import write_song
from tests.studio.working import Studio, result_of

CALLED = "Meine Lieder, Nº 1.zip"  # as a person calls it


@pytest.fixture
def studio(tmp_path: Path, tiny_folder: Path) -> Iterator[Studio]:
    made = Studio(tmp_path / "home", tiny_folder)
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory, tiny_folder: Path) -> bytes:
    """An exported dataset that calls itself ``mine``."""
    studio = Studio(tmp_path_factory.mktemp("dataset") / "home", tiny_folder)
    songs = [write_song(studio.settings.home / f"{n}.wav", 12, seed=n) for n in range(2)]
    prepare(songs, "mine", studio.settings.datasets, PrepareConfig(), lambda done, total: None)
    archive = studio.desk.export_dataset("mine").read_bytes()
    studio.store.close()
    return archive


@pytest.fixture
def adapter(studio: Studio, tiny_bundle: Bundle) -> bytes:
    """An exported adapter, which is not in the library any more."""
    written(tiny_bundle, studio.settings.loras / "folk" / "best_model")
    archive = studio.desk.export_adapter("folk").read_bytes()
    studio.desk.delete_adapter("folk")
    return archive


def brought(studio: Studio, kind: str, data: bytes, name: str | None = None) -> Job:
    path = studio.settings.home / "brought.zip"
    path.write_bytes(data)
    take = studio.desk.import_dataset if kind == "dataset" else studio.desk.import_adapter
    return take(path, name, called=CALLED)


def refusal(studio: Studio, kind: str, data: bytes) -> str:
    """What the job says of a bad archive, which is nowhere afterwards."""
    job, context = studio.begin(brought(studio, kind, data))
    with pytest.raises(AngenError) as caught:
        studio.handlers[job.kind](job.arguments, context)
    assert not list(studio.settings.incoming.iterdir())
    return str(caught.value)


def packed(tmp_path: Path, files: dict[str, bytes]) -> bytes:
    path = tmp_path / "packed.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path.read_bytes()


def test_weights_by_themselves_are_imported_under_their_name(
    studio: Studio, adapter: bytes, tmp_path: Path
) -> None:
    (tmp_path / "a.zip").write_bytes(adapter)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        data = archive.read("folk/best_model/adapter_model.safetensors")
    (tmp_path / "x").write_bytes(data)
    job, context = studio.begin(studio.desk.import_adapter(tmp_path / "x", called="Öl.safetensors"))
    result = studio.handlers[job.kind](job.arguments, context)
    assert result is not None
    assert result["adapter"] == "Öl"
    assert "does not say its alpha" in result["warnings"][0]


FOLDER = {"best_model/adapter_config.json": b"{", "best_model/adapter_model.safetensors": b"x"}


@pytest.mark.parametrize(
    ("kind", "files", "said"),
    [
        ("adapter", {"../evil": b"x"}, "outside of the adapter's folder"),
        ("adapter", {"a/model.pkl": b"x"}, "can run code"),
        ("adapter", {"README.md": b"x"}, "holds no adapter"),
        ("adapter", FOLDER, "best_model/adapter_config.json is damaged"),
        ("dataset", {"../evil": b"x"}, "outside of the dataset's folder"),
        ("dataset", {"README.md": b"x"}, "no training set"),
        ("dataset", {"a/dataset_info.json": b"{"}, "dataset_info.json is not a valid manifest"),
    ],
)
def test_a_refused_archive_is_called_as_its_owner_calls_it(
    studio: Studio, tmp_path: Path, kind: str, files: dict[str, bytes], said: str
) -> None:
    message = refusal(studio, kind, packed(tmp_path, files))
    assert said in message
    assert repr(CALLED) in message
    assert str(tmp_path) not in message
    assert ".import-" not in message


@pytest.mark.parametrize("kind", ["adapter", "dataset"])
def test_a_file_that_is_no_archive_is_called_so_too(
    studio: Studio, tmp_path: Path, kind: str
) -> None:
    message = refusal(studio, kind, b"no zip at all")
    assert "archive" in message
    assert repr(CALLED) in message
    assert str(tmp_path) not in message


def cut_short(studio: Studio, job: Job) -> None:
    """An attempt whose process dies right after its work, before it could tell."""
    claimed, context = studio.begin(job)
    studio.handlers[claimed.kind](claimed.arguments, context)
    assert studio.store.release(claimed, Problem(message="", kind="killed"))


@pytest.mark.parametrize("name", [None, "yours"])
def test_a_dataset_that_was_cut_short_in_coming_is_there_once(
    studio: Studio, dataset: bytes, name: str | None
) -> None:
    job = brought(studio, "dataset", dataset, name)
    cut_short(studio, job)
    result = result_of(studio.done(studio.desk.job(job.id)))
    assert result["dataset"] == (name or "mine")
    assert result["clips"] > 1
    assert len(studio.desk.datasets()) == 1
    assert not list(studio.settings.incoming.iterdir())


@pytest.mark.parametrize("name", [None, "friends"])
def test_an_adapter_that_was_cut_short_in_coming_is_there_once(
    studio: Studio, adapter: bytes, name: str | None
) -> None:
    job = brought(studio, "adapter", adapter, name)
    cut_short(studio, job)
    result = result_of(studio.done(studio.desk.job(job.id)))
    assert [info.name for info in studio.desk.adapters()] == [result["adapter"]]
    assert result["adapter"] == (name or "Meine-Lieder-Nº-1")
    assert not list(studio.settings.incoming.iterdir())


def test_what_another_job_has_brought_is_still_taken(studio: Studio, dataset: bytes) -> None:
    studio.done(brought(studio, "dataset", dataset))
    assert "already" in refusal(studio, "dataset", dataset)


def test_a_merge_that_was_cut_short_is_there_once(studio: Studio, tiny_bundle: Bundle) -> None:
    for seed, name in enumerate("ab"):
        written(tiny_bundle, studio.settings.loras / name / "best_model", seed=seed)
    uses = (AdapterUse(name="a"), AdapterUse(name="b"))
    job = studio.desk.merge_adapters(MergeRequest(name="both", adapters=uses))
    cut_short(studio, job)
    assert result_of(studio.done(studio.desk.job(job.id)))["adapter"] == "both"
    assert [info.name for info in studio.desk.adapters()] == ["a", "b", "both"]


def test_what_a_killed_import_left_is_swept_away_in_time(studio: Studio, adapter: bytes) -> None:
    old, fresh = (studio.settings.loras / f".import-{name}" for name in ("old", "fresh"))
    for folder in (old, fresh):
        (folder / "adapter").mkdir(parents=True)
    os.utime(old, (time.time() - 2 * 24 * 3600,) * 2)
    studio.done(brought(studio, "adapter", adapter))
    assert not old.exists()
    assert fresh.exists()  # its import may still be at it
