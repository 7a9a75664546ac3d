import errno
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from angen.audio.files import probe, read_audio
from angen.data.clips import Cutting, Names
from angen.data.manifest import load_info
from angen.data.prepare import PrepareConfig, prepare, require_space
from angen.data.scan import sha256_of
from angen.data.tables import Table
from angen.errors import BadInput, OutOfSpace, Stopped
from angen.studio.material.datasets import list_datasets, show_dataset
from angen.studio.settings import Settings
from tests.data.songs import RATE_HZ, piece, write_song

SHORT = Cutting(min_s=4, max_s=8)


def silent(done: int, total: int) -> None:
    """Progress that nobody watches."""


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Three songs."""
    for seed, name in enumerate(("one.flac", "two.wav", "deep/three.ogg")):
        write_song(tmp_path / "music" / name, 12, seed=seed, bpm=100 + 10 * seed)
    return tmp_path / "music"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "home/training_data"


@pytest.mark.parametrize("name", ["metadata.csv", "Songs.TSV", "rows.jsonl", "metadata.json"])
def test_a_table_beside_the_recordings_that_is_not_read_is_named(
    music: Path, root: Path, name: str
) -> None:
    (music / name).write_text("file,genre\none.flac,jazz\n")
    info = prepare([music], "demo", root, PrepareConfig(cutting=SHORT), silent)
    assert [(said.file, said.left_out) for said in info.problems] == [(name, False)]
    assert "--table" in info.problems[0].reason

    rows = Table(rows={"one.flac": {"genre": "jazz"}})
    config = PrepareConfig(cutting=SHORT, replace=True)
    assert not prepare([music], "demo", root, config, silent, table=rows).problems


def test_prepare_makes_a_dataset_of_all_the_music(music: Path, root: Path) -> None:
    info = prepare([music], "demo", root, PrepareConfig(cutting=SHORT), silent)
    assert load_info(root / "demo") == info
    assert info.songs == ("one", "two", "three")
    assert info.duration_s == pytest.approx(36, abs=0.01)
    for clip in info.clips:
        assert sha256_of(root / "demo" / clip.file) == clip.sha256
        assert 4 <= clip.duration_s <= 8
        assert clip.metadata.bpm == pytest.approx(
            {"one": 100, "two": 110, "three": 120}[clip.song], 0.02
        )
    assert {clip.file for clip in info.clips} == {
        path.relative_to(root / "demo").as_posix() for path in (root / "demo/clips").iterdir()
    }
    assert info.clips[0].file.endswith("_one_clip001.wav")
    assert len({clip.song for clip in info.side("validation")}) == 1


def test_the_clips_of_a_song_are_the_song(music: Path, root: Path) -> None:
    info = prepare([music], "demo", root, PrepareConfig(cutting=SHORT), silent)
    clips = [clip for clip in info.clips if clip.song == "two"]
    joined = np.concatenate(
        [read_audio(root / "demo" / clip.file).samples for clip in clips], axis=1
    )
    np.testing.assert_allclose(joined, read_audio(music / "two.wav").samples, atol=1e-4)
    assert [clip.ends_song for clip in clips] == [False] * (len(clips) - 1) + [True]


def test_preparing_again_gives_the_same_clips(music: Path, root: Path) -> None:
    config = PrepareConfig(cutting=SHORT)
    first = prepare([music], "a", root, config, silent)
    assert prepare([music], "b", root, config, silent).clips == first.clips


def test_uncut_files_are_clips(music: Path, root: Path) -> None:
    info = prepare([music], "demo", root, PrepareConfig(cutting=Cutting(cut=False)), silent)
    assert [clip.duration_s for clip in info.clips] == pytest.approx([12, 12, 12], abs=0.01)


def test_bad_files_are_named_and_the_others_go_on(music: Path, root: Path) -> None:
    (music / "empty.wav").write_bytes(b"")
    (music / "text.mp3").write_text("not music")
    soundfile.write(music / "silent.wav", np.zeros(10 * RATE_HZ), RATE_HZ)
    soundfile.write(music / "short.wav", piece(0.3), RATE_HZ)
    broken = piece(10)
    broken[50_000] = np.nan
    soundfile.write(music / "nan.wav", broken, RATE_HZ, subtype="FLOAT")
    whole = (music / "two.wav").read_bytes()
    (music / "cut off.wav").write_bytes(whole[: len(whole) // 2])
    info = prepare([music], "demo", root, PrepareConfig(cutting=SHORT), silent)
    reasons = {problem.file: problem.reason for problem in info.problems}
    assert "empty" in reasons["empty.wav"]
    assert "not sound" in reasons["text.mp3"]
    assert "silent" in reasons["silent.wav"]
    assert "0.30 s" in reasons["short.wav"]
    assert "short.wav" not in reasons["short.wav"]
    assert "not numbers" in reasons["nan.wav"]
    assert "end of the file is missing" in reasons["cut off.wav"]
    assert set(info.songs) == {"one", "two", "three", "cut-off"}
    assert not any(clip.ends_song for clip in info.clips if clip.song == "cut-off")


def test_silence_inside_a_song_is_left_out_and_said(tmp_path: Path, root: Path) -> None:
    song = np.concatenate([piece(9), np.zeros(12 * RATE_HZ), piece(9)])
    soundfile.write(tmp_path / "gap.wav", song, RATE_HZ)
    cutting = Cutting(min_s=3, max_s=6)
    info = prepare([tmp_path / "gap.wav"], "demo", root, PrepareConfig(cutting=cutting), silent)
    assert info.duration_s < 25
    assert any("left out: it is silent" in problem.reason for problem in info.problems)


@pytest.mark.parametrize(
    "name", ['it\'s "it".wav', "🎵 été.wav", "x" * 250 + ".wav", "夜曲" * 40 + ".wav"]
)
def test_odd_names_become_safe_ones(tmp_path: Path, root: Path, name: str) -> None:
    write_song(tmp_path / "music" / name, 12)
    info = prepare([tmp_path / "music"], "demo", root, PrepareConfig(cutting=SHORT), silent)
    assert info.clips[0].source.file == name
    for clip in info.clips:
        assert len(Path(clip.file).name.encode()) <= 140
        assert (root / "demo" / clip.file).is_file()


def test_one_name_in_two_folders_is_two_songs(tmp_path: Path, root: Path) -> None:
    write_song(tmp_path / "music/a/song.wav", 10, seed=1)
    write_song(tmp_path / "music/b/song.wav", 8, seed=2)
    info = prepare([tmp_path / "music"], "demo", root, PrepareConfig(cutting=SHORT), silent)
    assert info.songs == ("song", "song-2")
    assert [clip.source.file for clip in info.clips][-1] == "b/song.wav"


def test_one_song_alone_keeps_nothing_aside_and_says_so(tmp_path: Path, root: Path) -> None:
    path = write_song(tmp_path / "one.wav", 12)
    info = prepare([path], "demo", root, PrepareConfig(cutting=SHORT), silent)
    assert not info.side("validation")
    assert "Add a second song" in info.notes[0]


def test_a_single_clip_is_refused(tmp_path: Path, root: Path) -> None:
    path = write_song(tmp_path / "one.wav", 6)
    with pytest.raises(BadInput, match="give 1 clip; training needs 2"):
        prepare([path], "demo", root, PrepareConfig(cutting=SHORT), silent)
    assert not list(root.iterdir())


def test_only_bad_files_are_refused_with_all_their_reasons(tmp_path: Path, root: Path) -> None:
    (tmp_path / "music").mkdir()
    (tmp_path / "music/a.wav").write_bytes(b"")
    (tmp_path / "music/b.mp3").write_text("no")
    with pytest.raises(BadInput, match=r"no clips(.|\n)*a\.wav(.|\n)*b\.mp3"):
        prepare([tmp_path / "music"], "demo", root, PrepareConfig(), silent)


@pytest.mark.parametrize("name", ["../x", "", "nul", ".x", "a/b"])
def test_bad_names_are_refused(music: Path, root: Path, name: str) -> None:
    with pytest.raises(BadInput, match="dataset name"):
        prepare([music], name, root, PrepareConfig(), silent)


def test_a_taken_name_is_refused_unless_it_is_to_be_replaced(music: Path, root: Path) -> None:
    config = PrepareConfig(cutting=SHORT)
    before = prepare([music / "one.flac"], "demo", root, config, silent)
    with pytest.raises(BadInput, match="exists already"):
        prepare([music], "demo", root, config, silent)
    (root / "demo/latents").mkdir()
    after = prepare([music], "demo", root, PrepareConfig(cutting=SHORT, replace=True), silent)
    assert len(after.clips) > len(before.clips)
    assert (root / "demo/latents").is_dir()
    assert [path.name for path in root.iterdir()] == ["demo"]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Stopped("enough"), Stopped),
        (OutOfSpace("full"), OutOfSpace),
        (OSError(errno.EIO, "broken disk"), OSError),
    ],
)
def test_a_stop_or_fault_leaves_nothing_half_written(
    music: Path, root: Path, fault: Exception, expected: type[Exception]
) -> None:
    def stop(done: int, total: int) -> None:
        if done > total / 2:
            raise fault

    with pytest.raises(expected):
        prepare([music], "demo", root, PrepareConfig(cutting=SHORT), stop)
    assert not list(root.iterdir())


def test_a_killed_run_leaves_no_trace_after_the_next(music: Path, root: Path) -> None:
    (root / ".demo.killed.part/clips").mkdir(parents=True)
    (root / ".demo.running.part/clips").mkdir(parents=True)
    os.utime(root / ".demo.killed.part", (0, 0))
    info = prepare([music], "demo", root, PrepareConfig(cutting=SHORT), silent)
    assert len(list((root / "demo/clips").iterdir())) == len(info.clips)
    assert sorted(path.name for path in root.iterdir()) == [".demo.running.part", "demo"]


KILLED = """
import os, signal, sys
from pathlib import Path
from angen.data.clips import Cutting
from angen.data.prepare import PrepareConfig, prepare
music, root, at = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
def watch(event, args):
    global at
    if event == "os.rename" and Path(args[1]).parent == root:
        at -= 1
        if not at:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(watch)
config = PrepareConfig(cutting=Cutting(min_s=4, max_s=8), replace=True)
prepare([music], "demo", root, config, lambda done, total: None)
"""


def test_a_kill_at_any_renaming_loses_no_dataset_that_is_replaced(music: Path, root: Path) -> None:
    config = PrepareConfig(cutting=SHORT)
    before = prepare([music / "one.flac"], "demo", root, config, silent)
    latents = root / "demo/latents/x/y.safetensors"
    latents.parent.mkdir(parents=True)
    latents.write_bytes(b"numbers")
    settings, ended = Settings(home=root.parent), 0
    for at in range(1, 5):
        command = [sys.executable, "-c", KILLED, str(music / "two.wav"), str(root), str(at)]
        ended = subprocess.run(command, check=False).returncode
        found = show_dataset(settings, "demo")
        assert (found == before) == (at < 3)
        assert latents.read_bytes() == b"numbers"
        assert all((root / "demo" / clip.file).is_file() for clip in found.clips)
        assert [dataset.name for dataset in list_datasets(settings)] == ["demo"]
        assert not list(root.glob(".demo.*.old"))
    assert ended == 0  # old away, new in, old to be deleted: there is no fourth


def test_of_two_runs_of_one_name_the_first_to_end_stays(music: Path, root: Path) -> None:
    def another_run(done: int, total: int) -> None:
        if done == total:
            (root / "demo/clips").mkdir(parents=True, exist_ok=True)

    with pytest.raises(BadInput, match="Another run has made 'demo'"):
        prepare([music], "demo", root, PrepareConfig(cutting=SHORT), another_run)
    assert [path.name for path in root.iterdir()] == ["demo"]


def test_progress_counts_seconds_up_to_all_of_them(music: Path, root: Path) -> None:
    told: list[tuple[int, int]] = []
    prepare([music], "demo", root, PrepareConfig(cutting=SHORT), lambda *step: told.append(step))
    assert told == sorted(told)
    assert told[0] == (0, 36)
    assert told[-1] == (36, 36)


def test_what_a_person_says_goes_before_the_machine_and_a_row_before_a_note(
    music: Path, root: Path
) -> None:
    (music / "one.txt").write_text("genre: folk\nmood: calm\n")
    table = Table(rows={"one.flac": {"genre": "reel"}, "gone.wav": {"genre": "x"}})
    info = prepare([music], "demo", root, PrepareConfig(cutting=SHORT), silent, table=table)
    first = info.clips[0]
    assert (first.metadata.genre, first.metadata.mood) == ("reel", "calm")
    assert first.metadata.edited == ("genre", "mood")
    assert first.file == "clips/reel_one_clip001.wav"
    assert [p.file for p in info.problems if "row of the table" in p.reason] == ["gone.wav"]


def test_a_bad_field_of_a_note_costs_itself_alone_and_is_named(music: Path, root: Path) -> None:
    (music / "one.json").write_text('{"bpm": "fast", "genre": "reel", "artist": "x"}')
    (music / "two.json").write_text("[1")
    info = prepare([music], "demo", root, PrepareConfig(cutting=SHORT), silent)
    assert info.songs == ("one", "two", "three")
    first = info.clips[0].metadata
    assert (first.genre, first.edited, first.other) == ("reel", ("genre",), {"artist": "x"})
    said = {(problem.file, problem.reason, problem.left_out) for problem in info.problems}
    wanted = "bpm is 'fast': write beats per minute as a number, such as 92, at most 1000"
    assert ("one.json", wanted, False) in said
    assert ("one.json", "fields that are not known here are kept: artist", False) in said
    assert any(file == "two.json" and "is not JSON" in reason for file, reason, _ in said)


def test_lyrics_of_a_song_in_many_clips_are_left_out_and_said(music: Path, root: Path) -> None:
    (music / "one.lyrics.txt").write_text("la la la")
    info = prepare([music], "demo", root, PrepareConfig(cutting=SHORT), silent)
    assert all(not clip.metadata.lyrics for clip in info.clips)
    assert any("lyrics belong to" in problem.reason for problem in info.problems)
    whole = PrepareConfig(cutting=Cutting(cut=False))
    info = prepare([music], "whole", root, whole, silent)
    assert [clip.metadata.lyrics for clip in info.clips if clip.song == "one"] == ["la la la"]


def test_clips_that_do_not_fit_on_the_disk_are_refused_beforehand(music: Path, root: Path) -> None:
    info = replace(probe(music / "one.flac"), frames=10**16)
    with pytest.raises(OutOfSpace, match="need 20000 TB"):
        require_space(root, [info])
    assert not root.exists()


def test_high_rates_and_many_channels_are_brought_to_what_is_heard(
    tmp_path: Path, root: Path
) -> None:
    sound = np.repeat(piece(9)[:, None], 6, axis=1)
    soundfile.write(tmp_path / "surround.wav", np.repeat(sound, 12, axis=0), 192_000, "PCM_24")
    config = PrepareConfig(cutting=SHORT)
    info = prepare([tmp_path / "surround.wav"], "demo", root, config, silent)
    described = soundfile.info(root / "demo" / info.clips[0].file)
    assert (described.samplerate, described.channels) == (48_000, 1)


def test_clips_stems_and_copies_of_a_song_are_one_song() -> None:
    names = Names()
    assert names.song(Path("a/song.wav"), 60) == "song"
    assert names.song(Path("a/song.mp3"), 60.1) == "song"
    assert names.song(Path("a/song_vocals.wav"), 60) == "song"
    assert names.song(Path("b/song.wav"), 90) == "song-2"
    assert names.song(Path("c/pop_tune_clip001.wav"), 12) == "pop_tune"
    assert names.song(Path("c/pop_tune_clip002.wav"), 15) == "pop_tune"


@pytest.mark.parametrize(("shortest", "longest"), [(0.5, 30), (10, 15), (30, 10)])
def test_lengths_that_cannot_tile_are_refused(shortest: float, longest: float) -> None:
    with pytest.raises(BadInput, match="cannot tile"):
        Cutting(min_s=shortest, max_s=longest)


def test_names_in_latin_1_do_not_end_a_preparation(tmp_path: Path) -> None:
    music, root = tmp_path / "music", tmp_path / "data"
    for number, name in enumerate((b"Caf\xe9.wav", b"M\xfcll.wav")):
        song = write_song(tmp_path / "song.wav", 25, seed=number)
        music.mkdir(exist_ok=True)
        song.rename(os.fsdecode(os.fsencode(music) + b"/" + name))
    Path(os.fsdecode(os.fsencode(music) + b"/kaputt-\xf6.wav")).write_text("no sound")
    info = prepare([music], "demo", root, PrepareConfig(), lambda _done, _all: None)
    assert {clip.source.file for clip in info.clips} == {"Café.wav", "Müll.wav"}
    assert info.problems[0].file == "kaputt-ö.wav"
    assert "kaputt-ö.wav" in info.problems[0].reason
    assert load_info(root / "demo") == info


def test_songs_of_one_name_and_length_are_told_apart_by_their_sound(tmp_path: Path) -> None:
    names = Names()
    one = write_song(tmp_path / "one/song.wav", 20, seed=1)
    copy = write_song(tmp_path / "copies/song.flac", 20, seed=1)
    other = write_song(tmp_path / "two/song.wav", 20, seed=5)
    assert names.song(Path("one/song.wav"), 20, one) == "song"
    assert names.song(Path("two/song.wav"), 20, other) == "song-2"
    assert names.song(Path("copies/song.flac"), 20, copy) == "song"
    assert names.song(Path("two/song_vocals.wav"), 20, other) == "song-2"
    assert names.song(Path("one/song_vocals.wav"), 20, other) == "song"


def test_a_float_recording_above_full_scale_keeps_its_peaks(tmp_path: Path) -> None:
    loud = 4 * piece(30)
    path = tmp_path / "music/loud.wav"
    path.parent.mkdir()
    soundfile.write(path, loud, RATE_HZ, subtype="FLOAT")
    info = prepare([path], "demo", tmp_path, PrepareConfig(), lambda _done, _all: None)
    clips = [soundfile.read(tmp_path / "demo" / clip.file)[0] for clip in info.clips]
    joined = np.concatenate(clips)
    assert np.abs(joined - loud[: len(joined)] / np.abs(loud).max()).max() < 1e-3
    assert any("above full scale" in problem.reason for problem in info.problems)
