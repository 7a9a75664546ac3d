import csv
import json
import unicodedata
from pathlib import Path

import pytest

from angen.data.manifest import ClipMetadata, Source
from angen.data.matching import fitting
from angen.data.tables import (
    Table,
    apply_table,
    cells,
    read_table,
    with_values,
    write_table,
)
from angen.errors import BadInput
from tests.data.test_manifest import a_clip, a_dataset

ONE = Source(file="one.wav", sha256="0" * 64)
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
    assert read_table(path).rows == {
        "a, b.wav": {"bpm": 96, "description": 'a "quoted" line\nand another'}
    }


@pytest.mark.parametrize(
    "data", [[{"file": "a.wav", "bpm": 96, "caption": "x"}], {"a.wav": {"bpm": 96, "caption": "x"}}]
)
def test_a_json_table_is_a_list_or_an_object_by_file(tmp_path: Path, data: object) -> None:
    path = tmp_path / "table.json"
    path.write_text(json.dumps(data))
    assert read_table(path).rows == {"a.wav": {"bpm": 96, "description": "x"}}


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("t.csv", "bpm\n1\n", "no column `file`: 'bpm'"),
        ("t.csv", "file,bpm\n,1\n", "row 1: no file name"),
        ("t.csv", "file,bpm\na.wav,1,2\n", "more cells than the header"),
        ("t.csv", "", "is empty"),
        ("t.csv", "file,bpm\n", "no row of it can be used"),
        ("t.csv", 'file,bpm\n"a.wav,1\n', "not a CSV table: line 2"),
        ("t.csv", "file," + "x," * 600 + "\n", "no column `file`"),
        ("t.json", "[" + "1," * 3_000_000 + "1]", "more than 2,000,000 values"),
        ("t.json", '{"a": 1}', "list of objects"),
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


@pytest.mark.parametrize(
    "text",
    [
        "file;genre;bpm\r\none.wav;jazz;92\r\n",
        "sep=;\r\nfile;genre;bpm\r\none.wav;jazz;92,0\r\n",
        "File Name\tGenre\tTempo (BPM)\none.wav\tjazz\t92\n",
        "audio_path|Genres|BPM\none.wav|jazz|92 bpm\n",
        "genre,BPM,filename,path\njazz,92,one.wav,music/one.wav\n",
        "file,genre,bpm,,\none.wav,jazz,92,,\n\n,,,,\n",
        "file,genre,bpm\rone.wav,jazz,92\r",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_spreadsheets_of_any_kind_are_read(tmp_path: Path, text: str, encoding: str) -> None:
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    ((name, values),) = read_table(tmp_path / "t.csv").rows.items()
    assert name.endswith("one.wav")
    assert values == {"genre": "jazz", "bpm": 92}


@pytest.mark.parametrize(
    "word", ["N/A", "None", "nan", "null", "#NAME?", "#REF!", "#N/A", "—", "?"]
)
def test_words_for_nothing_are_nothing(tmp_path: Path, word: str) -> None:
    fields = ("genre", "bpm", "key", "mood", "instruments", "description", "lyrics", "energy")
    lines = [",".join(("file", *fields)), ",".join(("None.wav", *[word] * len(fields)))]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    assert read_table(tmp_path / "t.csv").rows == {"None.wav": {}}
    (tmp_path / "t.json").write_text('[{"file": "a.wav", "bpm": NaN, "mood": NaN, "key": null}]')
    assert read_table(tmp_path / "t.json").rows == {"a.wav": {}}
    assert with_values(GUESS, dict.fromkeys(fields, word), "here") == GUESS


def test_unknown_fields_are_kept_and_listed(tmp_path: Path) -> None:
    row = {"audio_path": "./one.wav", "caption": "rock", "bpm": 140, "custom_tag": "x", "a": [1]}
    (tmp_path / "t.json").write_text(json.dumps([row]))
    table = read_table(tmp_path / "t.json")
    other = {"custom_tag": "x", "a": "[1]"}
    assert table.rows == {"./one.wav": {"description": "rock", "bpm": 140, "other": other}}
    assert [(p.file, p.left_out) for p in table.problems] == [("t.json", False)]
    assert "custom_tag, a" in table.problems[0].reason
    info, _ = apply_table(a_dataset(a_clip(1, source=ONE)), table, "t.json")
    assert info.clips[0].metadata.other == other


def test_rows_of_other_trainers_lists_are_read(tmp_path: Path) -> None:
    rows = [{"audio_path": "one.wav", "filename": "one.wav", "keyscale": "C major"}]
    (tmp_path / "t.json").write_text(json.dumps({"metadata": {"name": "x"}, "samples": rows}))
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n{\n")
    for name in ("t.json", "t.jsonl"):
        assert read_table(tmp_path / name).rows == {"one.wav": {"key": "C major"}}
    assert "row 2 is no object" in read_table(tmp_path / "t.jsonl").problems[0].reason


def test_a_value_that_does_not_fit_is_named_and_the_others_are_used(tmp_path: Path) -> None:
    rows = [
        {"file": "a.wav", "bpm": "fast", "genre": ["jazz", "N/A", "bop"], "mood": {"x": 1}},
        {"file": "b.wav", "bpm": True, "key": 7, "energy": "HIGH", "genre": "\ud800"},
    ]
    (tmp_path / "t.json").write_text(json.dumps([*rows, 3]))
    table = read_table(tmp_path / "t.json")
    assert table.rows == {"a.wav": {"genre": "jazz, bop"}, "b.wav": {"energy": "high"}}
    reasons = " ".join(problem.reason for problem in table.problems)
    for said in ("row 1: bpm is 'fast'", "row 1: mood is", "row 2: bpm is 'True'", "key is '7'"):
        assert said in reasons
    assert "genre is '?'" in reasons
    assert "row 3 is no object" in reasons


def test_a_row_that_lacks_cells_is_named_and_one_with_too_many_left_out(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("file,genre,bpm\na.wav,jazz\nb.wav,pop,92,93\n")
    table = read_table(tmp_path / "t.csv")
    assert table.rows == {"a.wav": {"genre": "jazz"}}
    assert [(p.file, p.left_out) for p in table.problems] == [
        ("t.csv, row 1", False),
        ("t.csv, row 2", True),
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.csv", "file,genre\na.wav,jazz\n./A.wav,rock\nb.wav,pop\n"),
        ("t.json", '{"a.wav": {"key": "C"}, "b.wav": {"genre": "pop"}, "a.wav": {"key": "D"}}'),
    ],
)
def test_of_two_rows_for_one_file_neither_is_used(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    table = read_table(tmp_path / name)
    assert table.rows == {"b.wav": {"genre": "pop"}}
    (problem,) = table.problems
    assert "row 1 and row" in problem.reason
    assert problem.left_out


def test_two_rows_that_say_the_same_are_one(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("file,genre\na.wav,jazz\na.wav, jazz\n")
    assert read_table(tmp_path / "t.csv") == Table(rows={"a.wav": {"genre": "jazz"}})


def test_a_field_that_is_given_twice_counts_unless_both_differ(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("file,bpm,tempo,key,keyscale\na.wav,92,93,C major,C major\n")
    table = read_table(tmp_path / "t.csv")
    assert table.rows == {"a.wav": {"key": "C major"}}
    assert "bpm is given twice, 92.0 and 93.0" in table.problems[0].reason


@pytest.mark.parametrize(
    "row",
    [
        *("disc 1/Käse.wav", "disc 1/Ka\u0308se.wav", "disc 1\\KÄSE.WAV", "./disc 1/Käse"),
        *("/home/me/music/disc 1/Käse.wav", "C:\\me\\disc 1\\Käse.wav"),
        *("disc%201/K%C3%A4se.wav", "file:///me/disc%201/K%C3%A4se.wav"),
    ],
)
def test_a_row_fits_its_recording_however_it_is_spelled(row: str) -> None:
    places = ["disc 1/Käse.wav", "disc 2/Käse.wav", "other.wav"]
    for name in (unicodedata.normalize("NFC", places[0]), unicodedata.normalize("NFD", places[0])):
        fits, problems = fitting({row: {"bpm": 1}}, [name, *places[1:]])
        assert fits == {name: (row, {"bpm": 1})}
        assert not problems


def test_a_row_that_fits_several_recordings_or_none_is_said() -> None:
    table = {"song.wav": {"bpm": 1}, "gone": {"bpm": 2}, "x": {"bpm": 3}, "x.wav": {"bpm": 4}}
    fits, problems = fitting(table, ["a/song.wav", "b/song.wav", "x.wav", "y.wav"])
    assert not fits
    said = {problem.file: problem.reason for problem in problems}
    assert "fits 2 recordings" in said["song.wav"]
    assert "fits no recording" in said["gone"]
    assert "several rows of the table fit it: " in said["x.wav"]


@pytest.mark.parametrize(
    "text",
    [
        *("=1+1", "+1", "-6 dB", "@x", "'=1", "''=1", "'tis", "''", "'", "'-", "a=1", "''''@"),
        '=cmd|" /C calc"!A0',
    ],
)
def test_no_cell_is_a_formula_and_each_comes_back_as_it_was(tmp_path: Path, text: str) -> None:
    said = ClipMetadata(genre=text, lyrics=f"{text}\r\n{text}", instruments=("a", text))
    info = a_dataset(a_clip(1, metadata=said), a_clip(2))
    write_table(info, tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(newline="") as file:
        written = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in written if cell[:1] and cell[0] in "=+-@\t\r"]
    assert apply_table(info, read_table(tmp_path / "t.csv"), "t.csv") == (info, [])
    other = a_dataset(a_clip(1), a_clip(2))
    fresh, _ = apply_table(other, read_table(tmp_path / "t.csv"), "t.csv")
    assert fresh.clips[0].metadata.genre == text
    assert fresh.clips[0].metadata.lyrics == said.lyrics


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
    assert [problem.file for problem in unused] == ["gone.wav"]


def test_cells_show_whole_tempi_without_a_fraction() -> None:
    assert cells(GUESS)["bpm"] == "120"
    assert cells(GUESS.model_copy(update={"bpm": 92.5}))["bpm"] == "92.5"
