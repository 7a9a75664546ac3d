"""Adapters in and out as one file; most archives here are meant harm."""

import io
import json
import stat
import zipfile
from pathlib import Path

import pytest

from angen.adapters.archive import import_adapter
from angen.adapters.library import list_adapters
from angen.adapters.metadata import AdapterMetadata, read_metadata, write_metadata
from angen.adapters.packing import export_adapter
from angen.bundle import Bundle
from angen.errors import BadInput, Incompatible
from tests.adapters.fill import written
from tests.adapters.test_files import load
from tests.studio.material.test_archives import DAMAGES, damaged

WEIGHTS = "best_model/adapter_model.safetensors"


@pytest.fixture
def loras(tiny_bundle: Bundle, tmp_path: Path) -> Path:
    """A library with one adapter, ``folk``."""
    folder = tmp_path / "loras" / "folk"
    written(tiny_bundle, folder / "best_model")
    written(tiny_bundle, folder / "final_model", seed=1)
    write_metadata(folder, AdapterMetadata(name="folk", steps=12))
    (folder / "report.json").write_text('{"verdict": "closer"}')
    (folder / "README.md").write_text("# folk")
    (folder / "checkpoints" / "checkpoint_step_5").mkdir(parents=True)
    (folder / "checkpoints" / "checkpoint_step_5" / "optimizer.safetensors").write_bytes(b"-")
    return tmp_path / "loras"


def rezipped(source: Path, target: Path, extra: dict[str, bytes]) -> Path:
    """A copy of an archive with more in it."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.infolist():
            new.writestr(entry, old.read(entry))
        for name, data in extra.items():
            new.writestr(name, data)
    return target


def test_export_and_import_give_the_same_adapter(
    loras: Path, tmp_path: Path, tiny_bundle: Bundle
) -> None:
    archive = export_adapter(loras, "folk", tmp_path)
    assert archive == tmp_path / "folk.zip"
    taken = import_adapter(tmp_path / "elsewhere", archive)
    assert (taken.name, taken.ignored, taken.warnings) == ("folk", (), ())
    assert not (taken.folder / "checkpoints").exists()
    for name in (WEIGHTS, "final_model/adapter_model.safetensors", "README.md", "report.json"):
        assert (taken.folder / name).read_bytes() == (loras / "folk" / name).read_bytes()
    assert load(tiny_bundle, taken.folder / "best_model").matched == 16


def test_import_takes_another_name(loras: Path, tmp_path: Path) -> None:
    taken = import_adapter(loras, export_adapter(loras, "folk", tmp_path / "x.zip"), "folk 2")
    metadata = read_metadata(taken.folder)
    assert metadata is not None
    assert (metadata.name, metadata.steps) == ("folk 2", 12)


def test_import_refuses_a_taken_name(loras: Path, tmp_path: Path) -> None:
    archive = export_adapter(loras, "folk", tmp_path)
    with pytest.raises(BadInput, match="'folk' already"):
        import_adapter(loras, archive)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_plain_peft_folder_is_imported(
    loras: Path, tmp_path: Path, tiny_bundle: Bundle, zipped: bool
) -> None:
    source = loras / "folk" / "best_model"
    if zipped:
        with zipfile.ZipFile(tmp_path / "plain.zip", "w") as archive:
            for path in source.iterdir():
                archive.write(path, path.name)
        source = tmp_path / "plain.zip"
    taken = import_adapter(tmp_path / "elsewhere", source, "plain")
    assert load(tiny_bundle, taken.folder / "best_model").matched == 16
    metadata = read_metadata(taken.folder)
    assert metadata is not None
    assert (metadata.kind, metadata.rank, metadata.alpha) == ("imported", 4, 8)
    assert metadata.base is not None
    assert metadata.base.fingerprint == tiny_bundle.model_fingerprint


def test_export_needs_a_finished_model(loras: Path, tmp_path: Path) -> None:
    (loras / "half").mkdir()
    with pytest.raises(BadInput, match="no finished model"):
        export_adapter(loras, "half", tmp_path)
    assert not list(tmp_path.glob("*.zip"))


def test_litter_is_ignored_and_named(loras: Path, tmp_path: Path) -> None:
    archive = export_adapter(loras, "folk", tmp_path)
    litter = {"__MACOSX/folk/._x": b"", "folk/.DS_Store": b"", "folk/report.html": b"<script>"}
    taken = import_adapter(tmp_path / "new", rezipped(archive, tmp_path / "l.zip", litter), "folk")
    assert set(taken.ignored) == set(litter)
    assert not list(taken.folder.rglob("*.html"))


@pytest.mark.parametrize(
    "name", ["../../evil", "/etc/evil", "folk/../../evil", "..\\evil", "C:evil", "folk/..\\x"]
)
def test_a_path_that_leaves_the_folder_is_refused(loras: Path, tmp_path: Path, name: str) -> None:
    archive = export_adapter(loras, "folk", tmp_path)
    bad = rezipped(archive, tmp_path / "bad.zip", {name: b"x"})
    with pytest.raises(BadInput, match="outside of the adapter's folder"):
        import_adapter(tmp_path / "new", bad)
    assert list((tmp_path / "new").iterdir()) == []


def test_a_link_is_refused(loras: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.zip"
    with zipfile.ZipFile(bad, "w") as archive:
        link = zipfile.ZipInfo("best_model/adapter_config.json")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(BadInput, match="outside of the adapter's folder"):
        import_adapter(tmp_path / "new", bad)


@pytest.mark.parametrize("name", ["folk/best_model.pt", "x.BIN", "a/b/c.pkl"])
def test_pickles_are_never_taken(loras: Path, tmp_path: Path, name: str) -> None:
    archive = export_adapter(loras, "folk", tmp_path)
    beside = rezipped(archive, tmp_path / "beside.zip", {name: b"x"})
    taken = import_adapter(tmp_path / "new", beside)
    assert taken.ignored == (name,)
    with zipfile.ZipFile(tmp_path / "alone.zip", "w") as alone:
        alone.writestr(name, b"x")
    with pytest.raises(BadInput, match=r"holds no adapter.*can run code"):
        import_adapter(tmp_path / "new", tmp_path / "alone.zip")


def test_a_bomb_is_refused_by_what_it_unpacks_to(loras: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bad, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("best_model/adapter_config.json", bytes(2**21))
        archive.writestr(WEIGHTS, b"")
    raw = bad.read_bytes()
    lie = (10).to_bytes(4, "little")
    bad.write_bytes(raw.replace((2**21).to_bytes(4, "little"), lie))  # headers that lie
    with pytest.raises(BadInput, match=r"more than 1 MB|Bad CRC-32"):
        import_adapter(tmp_path / "new", bad)
    honest = tmp_path / "honest.zip"
    with zipfile.ZipFile(honest, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("best_model/adapter_config.json", bytes(2**21))
        archive.writestr(WEIGHTS, b"")
    with pytest.raises(BadInput, match="more than 1 MB"):
        import_adapter(tmp_path / "new", honest)
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_archive_is_told_as_that(loras: Path, tmp_path: Path, kind: str) -> None:
    archive = export_adapter(loras, "folk", tmp_path)
    archive.write_bytes(damaged(archive.read_bytes(), kind))
    with pytest.raises(BadInput, match=r"folk\.zip"):
        import_adapter(tmp_path / "new", archive)
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_are_refused(loras: Path, tmp_path: Path) -> None:
    archive = export_adapter(loras, "folk", tmp_path)
    with zipfile.ZipFile(archive, "a") as packed:
        packed.writestr("folk/" + WEIGHTS, b"others")
    with pytest.raises(BadInput, match=r"safetensors' twice"):
        import_adapter(tmp_path / "new", archive)


@pytest.mark.parametrize("name", ["metadata.json", "report.json"])
def test_values_without_number_are_left_out_unparsed(
    loras: Path, tmp_path: Path, name: str
) -> None:
    (loras / "folk" / name).write_text('{"notes": [' + "1," * 4_000_000 + "1]}")
    taken = import_adapter(tmp_path / "new", export_adapter(loras, "folk", tmp_path))
    assert "it holds more than" in taken.warnings[0]


def test_thousands_of_files_are_refused(tmp_path: Path) -> None:
    bad = tmp_path / "many.zip"
    with zipfile.ZipFile(bad, "w") as archive:
        for n in range(1_001):
            archive.writestr(f"a/{n}", b"")
    with pytest.raises(BadInput, match="1001 files"):
        import_adapter(tmp_path / "new", bad)


def test_text_renamed_zip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_text("no archive")
    with pytest.raises(BadInput, match=r"a\.zip is no \.zip archive that can be read"):
        import_adapter(tmp_path / "new", tmp_path / "a.zip")


def test_a_cut_archive_is_refused(loras: Path, tmp_path: Path) -> None:
    archive = export_adapter(loras, "folk", tmp_path)
    raw = bytearray(archive.read_bytes())
    raw[200:260] = bytes(60)  # within the first file's packed data
    archive.write_bytes(raw)
    with pytest.raises((BadInput, Incompatible)):
        import_adapter(tmp_path / "new", archive)
    assert list((tmp_path / "new").iterdir()) == []


def test_an_archive_without_an_adapter_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("README.md", "hello")
    with pytest.raises(BadInput, match="holds no adapter"):
        import_adapter(tmp_path / "new", tmp_path / "a.zip")


def test_unreadable_metadata_are_left_out_with_a_warning(loras: Path, tmp_path: Path) -> None:
    (loras / "folk" / "metadata.json").write_text(json.dumps({"version": 99}))
    taken = import_adapter(tmp_path / "new", export_adapter(loras, "folk", tmp_path))
    assert "Left out" in taken.warnings[0]
    metadata = read_metadata(taken.folder)
    assert metadata is not None
    assert metadata.kind == "imported"


def test_an_export_that_fails_leaves_nothing(loras: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        export_adapter(loras, "nobody", tmp_path / "x.zip")
    assert not (tmp_path / "x.zip").exists()
    assert [info.name for info in list_adapters(loras)] == ["folk"]


def test_an_archive_in_memory_order_does_not_matter(loras: Path, tmp_path: Path) -> None:
    archive = export_adapter(loras, "folk", tmp_path)
    buffer = io.BytesIO()
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(buffer, "w") as new:
        for entry in reversed(old.infolist()):
            new.writestr(entry, old.read(entry))
    (tmp_path / "back.zip").write_bytes(buffer.getvalue())
    assert import_adapter(tmp_path / "new", tmp_path / "back.zip").name == "back"
