"""Stems that were separated go along into the dataset, which says where they are and what for."""

import zipfile
from pathlib import Path

import pytest

from angen.data.manifest import DatasetInfo, load_info
from angen.data.prepare import PrepareConfig, prepare_clips
from angen.data.scan import sha256_of
from angen.studio.material.analysis import clips_of, stems_of
from angen.studio.material.archives import export_dataset, import_dataset
from angen.studio.material.collections import Collection, save_collection
from angen.studio.settings import Settings
from tests.data.songs import write_song
from tests.ui.house import add_table

STEMS = ("drums", "vocals")


def silent(done: int, total: int) -> None:
    pass


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def table(settings: Settings) -> Collection:
    """Two recordings of the same name, taken apart, with two clips each."""
    made = add_table(settings, rows=4)
    rows = []
    for number, row in enumerate(made.rows):
        path = write_song(settings.home / row.audio, 2, seed=number)
        upload = f"up{number // 2}"
        stems = {}
        for stem in STEMS:
            file = settings.stems / made.id / upload / f"song_{stem}.wav"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(f"{upload} {stem}".encode())
            stems[stem] = file.relative_to(settings.home).as_posix()
        changes = {"upload": upload, "song": "song", "sha256": sha256_of(path), "stems": stems}
        changes["separator"] = "Spleeter"
        rows.append(row.model_copy(update=changes))
    return save_collection(settings, made.model_copy(update={"rows": tuple(rows)}))


def prepared(settings: Settings, table: Collection) -> DatasetInfo:
    return prepare_clips(
        clips_of(table, settings),
        "mine",
        settings.datasets,
        PrepareConfig(held_out=0),
        silent,
        stems=stems_of(table, settings),
        separators=[row.separator for row in table.used],
    )


def test_stems_are_carried_into_the_dataset_once_each(
    settings: Settings, table: Collection
) -> None:
    info = prepared(settings, table)
    folder = settings.datasets / "mine"
    texts = {file: (folder / file).read_text() for file in info.stems}
    assert texts == {
        "stems/song_drums.wav": "up0 drums",
        "stems/song_vocals.wav": "up0 vocals",
        "stems/song_drums-2.wav": "up1 drums",
        "stems/song_vocals-2.wav": "up1 vocals",
    }
    assert any("taken apart by Spleeter. Training" in note for note in info.notes)
    assert load_info(folder) == info
    for path in settings.stems.rglob("*.wav"):  # as when the table is deleted
        path.unlink()
    assert all((folder / file).is_file() for file in info.stems)


def test_stems_change_nothing_of_what_is_trained_on(settings: Settings, table: Collection) -> None:
    info = prepared(settings, table)
    assert info.model_copy(update={"stems": ()}).fingerprint == info.fingerprint


def test_a_stem_that_is_gone_is_told_and_the_dataset_stands(
    settings: Settings, table: Collection
) -> None:
    (settings.home / table.rows[0].stems["vocals"]).unlink()
    info = prepared(settings, table)
    assert "stems/song_vocals.wav" not in info.stems
    assert len(info.stems) == 3
    (problem,) = info.problems
    assert problem.file == "stems/song_vocals.wav"
    assert "gone" in problem.reason


def test_a_dataset_without_stems_speaks_of_none(settings: Settings, table: Collection) -> None:
    rows = tuple(row.model_copy(update={"stems": {}}) for row in table.rows)
    info = prepared(settings, table.model_copy(update={"rows": rows}))
    assert info.stems == ()
    assert info.notes == (info.notes[0],)  # that it is one song
    assert not (settings.datasets / "mine" / "stems").exists()


def test_an_archive_carries_the_clips_alone_and_says_so(
    settings: Settings, table: Collection, tmp_path: Path
) -> None:
    info = prepared(settings, table)
    archive = export_dataset(settings, "mine")
    with zipfile.ZipFile(archive) as packed:
        listed = DatasetInfo.model_validate_json(packed.read("mine/dataset_info.json"))
        assert len(packed.namelist()) == 1 + len(info.clips)
    assert listed.stems == ()
    assert not [note for note in listed.notes if "stems/" in note]
    taken = import_dataset(settings, archive, "yours", silent)
    assert (taken.stems, [note for note in taken.notes if "stems/" in note]) == ((), [])
