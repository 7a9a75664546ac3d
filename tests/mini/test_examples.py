"""The shipped songs: what the README of ``examples/songs`` says of them."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from mini.examples import FOLDER, SONGS, Song, write


def test_examples_are_five_and_small() -> None:
    files = sorted(FOLDER.glob("*.ogg"))
    assert [file.stem for file in files] == sorted(song.title for song in SONGS)
    assert sum(file.stat().st_size for file in files) < 2.5e6
    assert {"LICENSE", "README.md"} <= {file.name for file in FOLDER.iterdir()}


@pytest.mark.parametrize("song", SONGS, ids=lambda song: song.title)
def test_example_is_sound_of_the_stated_length(song: Song) -> None:
    sound, rate_hz = soundfile.read(FOLDER / f"{song.title}.ogg")
    assert 35 <= len(sound) / rate_hz <= 50
    assert 0.2 < np.abs(sound).max() < 1
    assert f"| {song.title} | {song.bpm:.0f} BPM | {song.key} |" in (
        (FOLDER / "README.md").read_text()
    )


def test_example_is_what_the_command_makes(tmp_path: Path) -> None:
    remade, rate_hz = soundfile.read(write(SONGS[3], tmp_path))
    shipped, shipped_hz = soundfile.read(FOLDER / f"{SONGS[3].title}.ogg")
    assert (rate_hz, remade.shape) == (shipped_hz, shipped.shape)
    assert np.corrcoef(remade[:, 0], shipped[:, 0])[0, 1] > 0.98
