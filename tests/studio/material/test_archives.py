import io
import json
import zipfile
from pathlib import Path

import pytest

from angen.data.manifest import DatasetInfo
from angen.data.prepare import PrepareConfig, prepare
from angen.errors import AngenError, BadInput, Taken
from angen.studio.material import archives
from angen.studio.material.archives import export_dataset, import_dataset
from angen.studio.material.datasets import list_datasets, show_dataset
from angen.studio.settings import Settings
from tests.data.songs import write_song

Files = dict[str, bytes]


def silent(done: int, total: int) -> None:
    pass


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training set of two songs, exported."""
    home = tmp_path_factory.mktemp("home")
    settings = Settings(home=home)
    songs = [write_song(home / "songs" / f"{n}.wav", 12, seed=n) for n in range(2)]
    prepare(songs, "mine", settings.datasets, PrepareConfig(), silent)
    return export_dataset(settings, "mine")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


def files_of(archive: Path) -> Files:
    with zipfile.ZipFile(archive) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def packed(path: Path, files: Files) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in files.items():
            target.writestr(name, data)
    return path


def refused(settings: Settings, path: Path, said: str) -> None:
    with pytest.raises(AngenError, match=said):
        import_dataset(settings, path, None, silent)
    assert list_datasets(settings) == []
    assert list(settings.datasets.iterdir()) == []


def test_what_goes_out_comes_in(settings: Settings, archive: Path) -> None:
    info = import_dataset(settings, archive, None, silent)
    assert info == show_dataset(settings, "mine")
    assert [clip.sha256 for clip in info.clips] == [
        clip.sha256 for clip in manifest(files_of(archive)).clips
    ]
    assert (settings.datasets / "mine" / info.clips[0].file).is_file()


def manifest(files: Files) -> DatasetInfo:
    return DatasetInfo.model_validate_json(files["mine/dataset_info.json"])


def test_a_name_that_is_taken_is_refused_and_another_will_do(
    settings: Settings, archive: Path
) -> None:
    import_dataset(settings, archive, None, silent)
    with pytest.raises(Taken, match="mine"):
        import_dataset(settings, archive, None, silent)
    assert import_dataset(settings, archive, "yours", silent).name == "yours"
    with pytest.raises(BadInput, match="dataset name"):
        import_dataset(settings, archive, "../yours", silent)


@pytest.mark.parametrize("name", ["../evil.wav", "/etc/evil", "mine/../../evil", "C:evil", "a\\b"])
def test_an_archive_that_would_leave_its_folder_is_refused(
    settings: Settings, archive: Path, tmp_path: Path, name: str
) -> None:
    bad = packed(tmp_path / "bad.zip", files_of(archive) | {name: b"x"})
    refused(settings, bad, "outside of the dataset")


def test_a_link_is_refused(settings: Settings, archive: Path, tmp_path: Path) -> None:
    bad = packed(tmp_path / "bad.zip", files_of(archive))
    with zipfile.ZipFile(bad, "a") as target:
        link = zipfile.ZipInfo("mine/clips/link.wav")
        link.external_attr = 0o120777 << 16
        target.writestr(link, "/etc/passwd")
    refused(settings, bad, "outside of the dataset")


def test_only_what_the_list_names_is_written(
    settings: Settings, archive: Path, tmp_path: Path
) -> None:
    more = packed(tmp_path / "more.zip", files_of(archive) | {"mine/run.py": b"evil"})
    info = import_dataset(settings, more, None, silent)
    written = {p.name for p in (settings.datasets / "mine").rglob("*") if p.is_file()}
    assert written == {"dataset_info.json", *(Path(clip.file).name for clip in info.clips)}


def test_a_list_that_names_paths_outside_is_refused(
    settings: Settings, archive: Path, tmp_path: Path
) -> None:
    files = files_of(archive)
    text = json.loads(files["mine/dataset_info.json"])
    text["clips"][0]["file"] = "../../evil.wav"
    files["mine/dataset_info.json"] = json.dumps(text).encode()
    refused(settings, packed(tmp_path / "bad.zip", files), "not a path inside")


def test_a_bomb_is_stopped_while_it_unpacks(
    settings: Settings, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MAX_CLIP_BYTES", 1_000_000)
    files = files_of(archive)
    clip = manifest(files).clips[0].file
    bomb = packed(tmp_path / "bomb.zip", files | {f"mine/{clip}": bytes(64 * 2**20)})
    assert bomb.stat().st_size < 2**21
    refused(settings, bomb, "unpacks to more than 1 MB")


def test_a_clip_that_is_another_is_refused(
    settings: Settings, archive: Path, tmp_path: Path
) -> None:
    files = files_of(archive)
    first, second, *_ = (f"mine/{clip.file}" for clip in manifest(files).clips)
    swapped = files | {first: files[second]}
    refused(settings, packed(tmp_path / "bad.zip", swapped), "not the sound that the list")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda files: {}, "no training set"),
        (lambda files: {"mine/dataset_info.json": b"{"}, "not a valid manifest"),
        (
            lambda files: {"mine/dataset_info.json": files["mine/dataset_info.json"]},
            "lacks 'clips/",
        ),
        (lambda files: files | {"b/dataset_info.json": b"{}"}, "no training set"),
    ],
)
def test_what_is_no_training_set_is_told(
    settings: Settings, archive: Path, tmp_path: Path, change: object, said: str
) -> None:
    files = change(files_of(archive))  # type: ignore[operator]
    refused(settings, packed(tmp_path / "bad.zip", files), said)


def test_what_is_no_zip_is_told(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "bad.zip").write_bytes(io.BytesIO(b"PK no zip at all").getvalue())
    refused(settings, tmp_path / "bad.zip", "no .zip archive")
