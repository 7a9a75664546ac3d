import os
import tempfile
from pathlib import Path

import pytest

from angen.data.scan import find_audio
from angen.errors import BadInput
from tests.nobody import as_nobody


def touch(path: Path, content: str | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(str(path) if content is None else content)
    return path


def labels(*sources: Path) -> list[str]:
    return [found.label for found in find_audio(sources)[0]]


def test_recordings_are_found_in_all_folders_in_order(tmp_path: Path) -> None:
    for name in ("b.flac", "a.WAV", "deep/er/c.mp3", "d.opus", "e.aiff", "f.ogg", "notes.txt"):
        touch(tmp_path / name)
    touch(tmp_path / ".hidden/x.wav")
    touch(tmp_path / "._a.wav")
    assert labels(tmp_path) == ["a.WAV", "b.flac", "d.opus", "e.aiff", "f.ogg", "deep/er/c.mp3"]


@pytest.mark.parametrize("name", ["my song.wav", 'it\'s "it".wav', "🎵.flac", "x" * 250 + ".wav"])
def test_odd_names_are_found(tmp_path: Path, name: str) -> None:
    touch(tmp_path / name)
    assert labels(tmp_path) == [name]


def test_one_name_in_two_folders_is_two_recordings(tmp_path: Path) -> None:
    touch(tmp_path / "a/song.wav")
    touch(tmp_path / "b/song.wav")
    assert labels(tmp_path) == ["a/song.wav", "b/song.wav"]


def test_the_same_content_is_taken_once_and_said(tmp_path: Path) -> None:
    touch(tmp_path / "a.wav", "same")
    touch(tmp_path / "b.wav", "same")
    found, problems = find_audio([tmp_path])
    assert [item.label for item in found] == ["a.wav"]
    assert problems[0].file == "b.wav"
    assert "same content as 'a.wav'" in problems[0].reason


def test_a_file_given_twice_is_taken_once_without_a_word(tmp_path: Path) -> None:
    path = touch(tmp_path / "a.wav")
    found, problems = find_audio([path, tmp_path])
    assert len(found) == 1
    assert not problems


def test_a_link_out_of_its_folder_is_left_out(tmp_path: Path) -> None:
    outside = touch(tmp_path / "outside/secret.wav")
    inside = touch(tmp_path / "music/a.wav").parent
    (inside / "b.wav").symlink_to(outside)
    found, problems = find_audio([inside])
    assert [item.label for item in found] == ["a.wav"]
    assert "link out of its folder" in problems[0].reason


def test_a_folder_without_recordings_says_what_it_wants(tmp_path: Path) -> None:
    touch(tmp_path / "notes.txt")
    with pytest.raises(BadInput, match=r"No recording in .* WAV, FLAC"):
        find_audio([tmp_path])


def test_a_source_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"gone\.wav does not exist"):
        find_audio([tmp_path / "gone.wav"])


def test_a_file_that_may_not_be_read_is_left_out_and_named() -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own is closed to others
        folder = Path(name)
        folder.chmod(0o755)
        touch(folder / "a.wav")
        touch(folder / "b.wav").chmod(0)
        touch(folder / "c.wav")
        with as_nobody():
            found, problems = find_audio([folder])
    assert [item.label for item in found] == ["a.wav", "c.wav"]
    assert [problem.file for problem in problems] == ["b.wav"]
    assert "cannot be opened (Permission denied)" in problems[0].reason


def test_a_broken_link_is_left_out(tmp_path: Path) -> None:
    touch(tmp_path / "a.wav")
    (tmp_path / "b.wav").symlink_to(tmp_path / "gone.wav")
    found, problems = find_audio([tmp_path])
    assert [item.label for item in found] == ["a.wav"]
    assert problems[0].file == "b.wav"


def test_a_linked_album_is_searched_once_and_cycles_end(tmp_path: Path) -> None:
    album = touch(tmp_path / "elsewhere/album/a.wav").parent
    music = touch(tmp_path / "music/own/b.wav").parent.parent
    (music / "linked").symlink_to(album)
    (music / "again").symlink_to(album)
    (music / "own alias").symlink_to(music / "own")
    (album / "back").symlink_to(music)
    (music / "lost").symlink_to(tmp_path / "unplugged")
    found, problems = find_audio([music])
    assert sorted(item.label for item in found) == ["again/a.wav", "own/b.wav"]
    assert [problem.file for problem in problems] == ["lost"]


def test_sound_of_other_kinds_is_found_or_named(tmp_path: Path) -> None:
    for name in ("a.m4a", "b.aac", "c.WMA", "d.webm", "e.caf", "f.w64", "g.au", "h.mp4", "i.mid"):
        touch(tmp_path / name)
    found, problems = find_audio([tmp_path])
    assert len(found) == 8
    assert [problem.file for problem in problems] == ["i.mid"]
    assert "Export it again as WAV" in problems[0].reason


def test_names_in_latin_1_are_readable(tmp_path: Path) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    Path(os.fsdecode(os.fsencode(folder) + b"/Caf\xe9 \x96 1.wav")).write_text("x")
    found, _ = find_audio([folder])
    assert found[0].label == "Café – 1.wav"
    assert found[0].path.exists()
