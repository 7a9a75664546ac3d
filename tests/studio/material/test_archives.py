import hashlib
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

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


def damaged(raw: bytes, kind: str) -> bytes:
    """A valid archive with one thing in its records changed."""
    first, end = raw.find(b"PK\1\2"), raw.rfind(b"PK\5\6")
    places = {  # kind -> where, and what stands there instead
        "password": (first + 8, b"\1"),
        "method 99": (first + 10, b"\x63\0"),
        "LZMA of nothing": (first + 10, b"\x0e\0"),
        "bzip2 of nothing": (first + 10, b"\x0c\0"),
        "checksum": (first + 16, b"\0\0\0\0"),
        "sizes": (first + 20, b"\1\0\0\0\1\0\0\0"),
        "offset": (first + 42, b"\xff\xff\xff\x7f"),
        "version": (first + 6, b"\xff\xff"),
        "no magic": (first, b"XX"),
        "list too long": (end + 12, b"\xff\xff\xff\x7f"),
        "list elsewhere": (end + 16, b"\xff\xff\xff\x7f"),
    }
    if kind == "many disks":
        return raw[:end] + b"PK\6\7" + b"\7\0\0\0" + bytes(8) + b"\7\0\0\0" + raw[end:]
    if kind == "zip64 elsewhere":
        locator = b"PK\6\7" + bytes(4) + b"\xff" * 8 + b"\1\0\0\0"
        return raw[:end] + locator + raw[end:]
    if kind == "cut":
        return raw[: len(raw) // 2]
    if kind == "cut end":
        return raw[:-10]
    at, new = places[kind]
    return raw[:at] + new + raw[at + len(new) :]


DAMAGES = (
    *("password", "method 99", "LZMA of nothing", "bzip2 of nothing", "checksum", "sizes"),
    *("offset", "version", "no magic", "list too long", "list elsewhere", "many disks"),
    *("zip64 elsewhere", "cut", "cut end"),
)


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_archive_is_told_as_that(
    settings: Settings, archive: Path, tmp_path: Path, kind: str
) -> None:
    whole = packed(tmp_path / "bad.zip", dict(sorted(files_of(archive).items(), reverse=True)))
    whole.write_bytes(damaged(whole.read_bytes(), kind))
    with pytest.raises(BadInput, match=r"bad\.zip"):
        import_dataset(settings, whole, None, silent)
    assert list(settings.datasets.iterdir()) == []


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", ["mine/dataset_info.json", "mine/extra.txt"])
def test_two_files_of_one_name_are_refused(
    settings: Settings, archive: Path, tmp_path: Path, name: str
) -> None:
    bad = packed(tmp_path / "bad.zip", files_of(archive) | {name: b"{}"})
    with zipfile.ZipFile(bad, "a") as target:
        target.writestr(name, "{}")
    refused(settings, bad, f"'{name}' twice")


@pytest.mark.parametrize(
    "file", ["dataset_info.json/x.wav", "clips", "clips/" + "x" * 300 + ".wav", "clips/x\0.wav"]
)
def test_a_clip_under_a_name_that_no_file_can_have_is_refused(
    settings: Settings, archive: Path, tmp_path: Path, file: str
) -> None:
    files = files_of(archive)
    info = manifest(files)
    old = info.clips[0].file
    files["mine/dataset_info.json"] = files["mine/dataset_info.json"].replace(
        json.dumps(old).encode(), json.dumps(file).encode()
    )
    files[f"mine/{file}"] = files.pop(f"mine/{old}")
    with pytest.raises(BadInput):
        import_dataset(settings, packed(tmp_path / "bad.zip", files), None, silent)
    assert list(settings.datasets.iterdir()) == []


def test_a_list_of_more_than_it_can_hold_is_refused_unparsed(
    settings: Settings, archive: Path, tmp_path: Path
) -> None:
    values = b'{"clips":[' + b"{}," * 1_000_000 + b"{}]}"  # parsed, some 3 GB
    bomb = packed(tmp_path / "bomb.zip", {"mine/dataset_info.json": values})
    assert bomb.stat().st_size < 10_000
    refused(settings, bomb, "holds more than 1,200,000 values")


def test_many_names_of_one_sound_unpack_to_no_more_than_sound_can(
    settings: Settings, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MAX_CLIP_BYTES", 2_000_000)
    monkeypatch.setattr(archives, "MAX_RATIO", 1)
    files = files_of(archive)
    info = manifest(files)
    sound = io.BytesIO()
    soundfile.write(sound, np.zeros(900_000), 16_000, format="WAV")
    clip = info.clips[0].model_copy(
        update={"sha256": hashlib.sha256(sound.getvalue()).hexdigest(), "song": "a"}
    )
    clips = [clip.model_copy(update={"file": f"clips/{n}.wav"}) for n in range(3)]
    files = {f"mine/{each.file}": sound.getvalue() for each in clips}
    text = info.model_copy(update={"clips": tuple(clips)}).model_dump_json().encode()
    bad = packed(tmp_path / "bad.zip", files | {"mine/dataset_info.json": text})
    refused(settings, bad, "unpacks to more than")


def test_what_is_no_zip_is_told(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "bad.zip").write_bytes(io.BytesIO(b"PK no zip at all").getvalue())
    refused(settings, tmp_path / "bad.zip", "no .zip archive")
