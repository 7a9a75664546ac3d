import json
from pathlib import Path

import pytest

from angen.data.manifest import ClipMetadata
from angen.data.tables import (
    apply_table,
    cells,
    read_notes,
    read_table,
    values_for,
    with_values,
    write_table,
)
from angen.errors import BadInput
from tests.data.test_manifest import a_clip, a_dataset

GUESS = ClipMetadata(genre="rock", bpm=120, key="C major", confidence={"genre": 0.4, "bpm": 0.9})


def test_a_persons_values_replace_guesses_and_are_marked() -> None:
    said = with_values(GUESS, {"genre": "folk", "instruments": "fiddle, whistle"}, "here")
    assert said.genre == "folk"
    assert said.instruments == ("fiddle", "whistle")
    assert said.bpm == 120
    assert said.edited == ("genre", "instruments")


def test_an_empty_value_leaves_the_guess_and_a_dash_clears_it() -> None:
    assert with_values(GUESS, {"genre": "", "bpm": None}, "here") == GUESS
    cleared = with_values(GUESS, {"genre": "-", "bpm": "-"}, "here")
    assert (cleared.genre, cleared.bpm, cleared.edited) == ("", None, ("genre", "bpm"))


def test_a_value_that_does_not_fit_is_named_with_its_place() -> None:
    with pytest.raises(BadInput, match=r"table\.csv, row 3: bpm is 'fast': .*number"):
        with_values(GUESS, {"bpm": "fast"}, "table.csv, row 3")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"bpm": 4_000}, "bpm is '4000': write beats per minute as a number, such as 92, at most"),
        ({"energy": "huge"}, "energy is 'huge': write low, medium or high."),
        ({"genre": "x" * 501}, "write 500 characters at most."),
        ({"mood": {"calm": 1}}, "write it as text."),
        ({"bpm": "abc", "instruments": 3}, "; instruments is '3': write names with commas"),
    ],
)
def test_what_would_fit_is_said_plainly(values: dict[str, object], said: str) -> None:
    with pytest.raises(BadInput) as refusal:
        with_values(GUESS, values, "one.wav")
    assert said in str(refusal.value)
    assert "Input should" not in str(refusal.value)


def test_a_csv_table_is_read_with_its_columns_in_any_case_and_order(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(
        'BPM,Filename,Description\n96,"a, b.wav","a ""quoted"" line\nand another"\n',
        encoding="utf-8-sig",
    )
    assert read_table(path) == {
        "a, b.wav": {"bpm": "96", "description": 'a "quoted" line\nand another'}
    }


@pytest.mark.parametrize(
    "data", [[{"file": "a.wav", "bpm": 96, "caption": "x"}], {"a.wav": {"bpm": 96, "caption": "x"}}]
)
def test_a_json_table_is_a_list_or_an_object_by_file(tmp_path: Path, data: object) -> None:
    path = tmp_path / "table.json"
    path.write_text(json.dumps(data))
    assert read_table(path) == {"a.wav": {"bpm": 96, "description": "x"}}


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("t.csv", "file,tempoo\na.wav,1\n", "row 1: unknown column 'tempoo'"),
        ("t.csv", "bpm\n1\n", "row 1: no file name"),
        ("t.csv", "file,bpm\na.wav,1,2\n", "more cells than the header"),
        ("t.json", "{", "not JSON"),
        ("t.json", "[1]", "list of objects"),
        ("t.json", "[" * 100_000, "not JSON"),
    ],
)
def test_a_table_that_cannot_be_understood_is_refused(
    tmp_path: Path, name: str, text: str, reason: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(BadInput, match=reason):
        read_table(tmp_path / name)


def test_a_table_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"file\n\xff\xfe")
    with pytest.raises(BadInput, match="not UTF-8"):
        read_table(tmp_path / "t.csv")


def test_notes_beside_a_recording_are_read(tmp_path: Path) -> None:
    song = tmp_path / "song.wav"
    assert read_notes(song) == {}
    (tmp_path / "song.txt").write_text("a slow air, for fiddle\n")
    (tmp_path / "song.lyrics.txt").write_text("[verse]\nla la\n")
    (tmp_path / "song.json").write_text('{"genre": "folk", "bpm": 96}')
    assert read_notes(song) == {
        "description": "a slow air, for fiddle",
        "lyrics": "[verse]\nla la",
        "genre": "folk",
        "bpm": 96,
    }


def test_a_note_may_be_lines_of_fields(tmp_path: Path) -> None:
    (tmp_path / "song.txt").write_text("genre: folk\nbpm: 96\n\ncaption: note: by the sea\n")
    assert read_notes(tmp_path / "song.wav") == {
        "genre": "folk",
        "bpm": "96",
        "description": "note: by the sea",
    }


def test_a_row_is_found_by_path_name_or_stem() -> None:
    table = {"disc 1/song.wav": {"bpm": 1}, "other": {"bpm": 2}}
    assert values_for(table, Path("album/disc 1/song.wav")) == ("disc 1/song.wav", {"bpm": 1})
    assert values_for(table, Path("album/disc 2/song.wav")) is None
    assert values_for(table, Path("x/other.flac")) == ("other", {"bpm": 2})


def test_a_written_table_read_back_changes_nothing(tmp_path: Path) -> None:
    info = a_dataset(a_clip(1, metadata=GUESS), a_clip(2))
    write_table(info, tmp_path / "t.csv")
    again, unused = apply_table(info, read_table(tmp_path / "t.csv"), "t.csv")
    assert again == info
    assert not unused


def test_an_edited_table_changes_and_marks_the_edited_cells_alone(tmp_path: Path) -> None:
    info = a_dataset(a_clip(1, metadata=GUESS), a_clip(2))
    write_table(info, tmp_path / "t.csv")
    text = (tmp_path / "t.csv").read_text().replace("rock", "folk")
    (tmp_path / "t.csv").write_text(text + "gone.wav,x,,,,,,,\n")
    again, unused = apply_table(info, read_table(tmp_path / "t.csv"), "t.csv")
    assert again.clips[0].metadata == GUESS.model_copy(
        update={"genre": "folk", "edited": ("genre",)}
    )
    assert again.clips[1] == info.clips[1]
    assert unused == ["gone.wav"]


def test_cells_show_whole_tempi_without_a_fraction() -> None:
    assert cells(GUESS)["bpm"] == "120"
    assert cells(GUESS.model_copy(update={"bpm": 92.5}))["bpm"] == "92.5"
