import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from angen.audio.listening import listen, listen_file
from angen.errors import BadInput
from tests.audio.sounds import MAJOR, MINOR, band, sine, write

RATE = 22_050
QUESTIONS = {"bpm", "downbeats", "key", "energy", "genre", "mood", "instruments", "description"}


def test_every_answer_has_a_confidence() -> None:
    heard = listen(band(100, 9, MINOR, 12, 44_100), 44_100)
    assert heard.key == "A minor"
    assert heard.bpm == pytest.approx(100, rel=0.02)
    assert heard.duration_s == pytest.approx(12, abs=0.01)
    assert set(heard.confidence) == QUESTIONS
    assert all(0 <= value <= 1 for value in heard.confidence.values())
    assert heard.genre
    assert heard.mood
    assert heard.instruments
    assert heard.energy in ("low", "medium", "high")
    assert "A minor" in heard.description


def test_a_file_and_its_samples_sound_the_same(tmp_path: Path) -> None:
    song = np.repeat(band(120, 2, MAJOR, 15, 44_100), 2, axis=0)
    path = write(tmp_path / "x.wav", song, 44_100, subtype="FLOAT")
    from_file, from_samples = listen_file(path), listen(song, 44_100)
    assert (from_file.bpm, from_file.key) == (from_samples.bpm, from_samples.key)
    assert np.allclose(from_file.beats, from_samples.beats)
    part = listen_file(path, start_s=5, duration_s=6)
    assert part.duration_s == pytest.approx(6, abs=0.01)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros((1, 5 * RATE), np.float32), "is silent"),
        (sine(440, 0.3, RATE), r"lasts 0\.30 s"),
    ],
)
def test_what_holds_no_music_is_refused_by_name(
    samples: np.ndarray, message: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "strange.wav", samples, RATE)
    with pytest.raises(BadInput, match=rf"strange\.wav {message}"):
        listen_file(path)


def test_samples_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="not all numbers"):
        listen(np.full((1, RATE), np.nan, np.float32), RATE)


def test_music_without_beats_or_notes_is_still_heard() -> None:
    drone = listen(sine(220, 6, RATE), RATE)
    assert drone.confidence["bpm"] < 0.5 or drone.bpm is None
    noise = 0.1 * np.random.default_rng(0).standard_normal((1, 6 * RATE)).astype(np.float32)
    assert listen(noise, RATE).confidence["key"] < 0.5


LISTEN = """
import json, sys
from pathlib import Path
from angen.audio.listening import listen_file
from angen.audio.segment import cut

def peak_mb():  # not getrusage: it counts the process that started this one
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))

before = peak_mb()
heard = listen_file(Path(sys.argv[1]))
print(json.dumps([heard.duration_s, len(cut(heard)), peak_mb() - before]))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads its memory from /proc")
def test_an_hour_is_heard_in_bounded_memory(tmp_path: Path) -> None:
    minute = np.repeat(band(120, 0, MAJOR, 60, 16_000), 2, axis=0)
    path = tmp_path / "long.flac"
    with soundfile.SoundFile(path, "w", 16_000, 2) as file:
        for _ in range(60):
            file.write(minute.T)
    run = subprocess.run(
        [sys.executable, "-c", LISTEN, str(path)], capture_output=True, text=True, check=True
    )
    duration_s, clips, megabytes = json.loads(run.stdout)
    assert duration_s == pytest.approx(3_600, abs=1)
    assert 120 <= clips <= 360
    assert megabytes < 133  # the sound itself would take 317 MB
