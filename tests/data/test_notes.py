import unicodedata
from pathlib import Path

import pytest

from angen.data.notes import read_notes


def test_notes_beside_a_recording_are_read(tmp_path: Path) -> None:
    song = tmp_path / "song.wav"
    assert read_notes(song).values == {}
    (tmp_path / "song.txt").write_text("a slow air, for fiddle\n")
    (tmp_path / "song.lyrics.txt").write_text("[verse]\nla la\n")
    (tmp_path / "song.json").write_text('{"genre": "folk", "bpm": 96}')
    notes = read_notes(song)
    assert notes.problems == ()
    assert notes.values == {
        "description": "a slow air, for fiddle",
        "lyrics": "[verse]\nla la",
        "genre": "folk",
        "bpm": 96,
    }


TAGGED = "[Verse 1]\nUnder the yellow lamp\nWe danced in slow\n\n[Chorus]\nOh stay"
LONG = f"{'x' * 99}.\n{'y' * 99}."
SIDE_STEP = f"caption: slow\nsignature: 4/4\nbpm: 92\nlyrics:\n{TAGGED}"


@pytest.mark.parametrize(
    ("name", "text", "values", "remark"),
    [
        ("song.txt", TAGGED, {"lyrics": TAGGED}, ""),
        ("song.txt", "(Chorus)\nla", {"lyrics": "(Chorus)\nla"}, ""),
        ("song.txt", "【Verse】la", {"lyrics": "【Verse】la"}, ""),
        ("song.txt", "【副歌】\n啦", {"lyrics": "【副歌】\n啦"}, ""),
        ("song.txt", "[00:12.30]la", {"lyrics": "[00:12.30]la"}, ""),
        ("song.txt", "One line\nand two", {"lyrics": "One line\nand two"}, "taken as lyrics"),
        ("song.txt", "jazz, slow, piano", {"description": "jazz, slow, piano"}, ""),
        ("song.txt", LONG, {"description": LONG.replace("\n", " ")}, "style prompt"),
        ("song.txt", "genre: folk\nbpm: 96\n\n", {"genre": "folk", "bpm": 96}, ""),
        ("song.txt", "caption: note: by the sea", {"description": "note: by the sea"}, ""),
        ("song.txt", "key: C\nby: X", {"key": "C", "other": {"by": "X"}}, "kept: by"),
        (
            "song.txt",
            SIDE_STEP,
            {"description": "slow", "bpm": 92, "lyrics": TAGGED, "other": {"signature": "4/4"}},
            "kept: signature",
        ),
        ("song.txt", '{"tags": "a", "x": 1}', {"description": "a", "other": {"x": "1"}}, "x"),
        ("song.txt", '{"caption": ', {}, "not JSON"),
        ("song.txt", "N/A", {}, ""),
        ("song.caption.txt", "dreamy", {"description": "dreamy"}, ""),
        ("song.prompt.txt", "dreamy", {"description": "dreamy"}, ""),
        ("song.tags.txt", "a, b", {"description": "a, b"}, ""),
        ("song.caption", "dreamy", {"description": "dreamy"}, ""),
        ("song_prompt.txt", "dreamy", {"description": "dreamy"}, ""),
        ("song_lyrics.txt", "la", {"lyrics": "la"}, ""),
        ("song.lrc", "[00:01.00]la", {"lyrics": "[00:01.00]la"}, ""),
        ("song.wav.txt", "dreamy", {"description": "dreamy"}, ""),
        ("SONG.TXT", "dreamy", {"description": "dreamy"}, ""),
        ("song.json", '[{"audio_path": "./song.wav", "bpm": "120,5"}]', {"bpm": 120.5}, ""),
        ("song.json", '["x"]', {}, "no JSON object"),
        ("song.json", '{"bpm": [92], "key": "C"}', {"key": "C"}, "bpm is"),
    ],
)
def test_each_kind_of_note_is_what_its_trainer_means(
    tmp_path: Path, name: str, text: str, values: dict[str, object], remark: str
) -> None:
    (tmp_path / name).write_text(text)
    notes = read_notes(tmp_path / "song.wav")
    assert notes.values == values
    assert [problem.file for problem in notes.problems] == ([name] if remark else [])
    assert all(remark in problem.reason for problem in notes.problems)


def test_notes_that_differ_are_said_and_the_more_telling_one_is_used(tmp_path: Path) -> None:
    (tmp_path / "song.txt").write_text("jazz, slow")
    (tmp_path / "song.caption.txt").write_text("slow jazz")
    (tmp_path / "song.json").write_text('{"caption": "slow jazz"}')
    notes = read_notes(tmp_path / "song.wav")
    assert notes.values == {"description": "slow jazz"}
    (problem,) = notes.problems
    assert problem.reason == "says another description than song.txt, and goes before it"


def test_a_note_that_is_no_text_costs_no_other(tmp_path: Path) -> None:
    (tmp_path / "song.txt").write_bytes(b"caf\xe9")
    (tmp_path / "song.lyrics.txt").write_text("la", encoding="utf-16")
    notes = read_notes(tmp_path / "song.wav")
    assert notes.values == {"lyrics": "la"}
    (problem,) = notes.problems
    assert "not UTF-8" in problem.reason
    assert problem.left_out


def test_a_note_is_found_in_either_form_of_unicode(tmp_path: Path) -> None:
    (tmp_path / f"{unicodedata.normalize('NFD', 'Käse')}.txt").write_text("dreamy")
    song = tmp_path / f"{unicodedata.normalize('NFC', 'Käse')}.wav"
    assert read_notes(song).values == {"description": "dreamy"}
