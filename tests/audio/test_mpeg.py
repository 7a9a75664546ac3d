from pathlib import Path

import numpy as np
import pytest
import soundfile

from angen.audio.files import probe, read_audio
from angen.audio.mpeg import parse, with_length


def varied_mp3(path: Path, seconds: float = 12) -> np.ndarray:
    """A tone that gives way to noise, in MP3 of a bit rate that varies; what it decodes to."""
    rate = 44_100
    rng = np.random.default_rng(0)
    half = round(seconds * rate / 2)
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(half) / rate)
    sound = np.concatenate([0.3 * rng.standard_normal(half), tone]).astype(np.float32)
    with soundfile.SoundFile(
        path, "w", rate, 1, format="MP3", bitrate_mode="VARIABLE", compression_level=0.5
    ) as file:
        file.write(sound)
    return np.asarray(soundfile.read(path, dtype="float32")[0])


def without_length(path: Path, tag: bytes = b"") -> Path:
    """The same file without the frame that holds its length, a tag before it instead."""
    data = path.read_bytes()
    start = data.index(b"\xff\xfb")
    first = parse(data[start : start + 4])
    assert first is not None
    bare = path.with_name("bare.mp3")
    bare.write_bytes(tag + data[start + first.size :])
    return bare


@pytest.mark.parametrize("tag", [b"", b"ID3\x04\0\0\0\0\x02\x00" + b"\0" * 256])
def test_an_mp3_without_its_length_is_read_to_its_end(tag: bytes, tmp_path: Path) -> None:
    whole = varied_mp3(tmp_path / "x.mp3")
    path = without_length(tmp_path / "x.mp3", tag)
    with soundfile.SoundFile(path) as plain:
        assert abs(plain.frames - len(whole)) > 20_000  # libsndfile's guess, the reason for this
    info = probe(path)
    assert info.warning == ""
    assert info.frames == pytest.approx(len(whole), abs=3_000)  # the encoder's delay and padding
    samples = read_audio(path).samples[0]
    assert len(samples) == info.frames
    tail = np.abs(np.fft.rfft(samples[-44_100:] * np.hanning(44_100)))
    assert tail.argmax() == 440


@pytest.mark.parametrize("bare", [True, False])
def test_a_part_of_a_varied_mp3_is_the_same_as_in_the_whole(bare: bool, tmp_path: Path) -> None:
    path = tmp_path / "x.mp3"
    varied_mp3(path)
    path = without_length(path) if bare else path
    whole = read_audio(path).samples
    part = read_audio(path, start_s=8, duration_s=1).samples
    assert np.abs(part - whole[:, 8 * 44_100 : 9 * 44_100]).max() < 1e-4


def test_files_that_know_their_length_are_left_alone(tmp_path: Path) -> None:
    varied_mp3(tmp_path / "x.mp3")
    assert with_length(tmp_path / "x.mp3") is None
    wav = tmp_path / "x.wav"
    soundfile.write(wav, np.zeros(8_000), 8_000)
    assert with_length(wav) is None


def test_frame_headers_are_read_as_the_standard_has_them() -> None:
    frame = parse(bytes.fromhex("fffb9064"))  # MPEG 1 layer III, 128 kbit/s, 44.1 kHz, joint stereo
    assert frame is not None
    assert (frame.kbps, frame.size, frame.side_info) == (128, 417, 32)
    low = parse(bytes.fromhex("fff340c4"))  # MPEG 2, 32 kbit/s, 22.05 kHz, mono
    assert low is not None
    assert (low.kbps, low.size, low.side_info) == (32, 104, 9)
    for wrong in ("fff9906f", "00fb9064", "fffbf064", "fffb0064", "fffb9c64", "fffb"):
        assert parse(bytes.fromhex(wrong)) is None


def test_blocks_of_a_varied_mp3_have_no_gaps(tmp_path: Path) -> None:
    at_once = varied_mp3(tmp_path / "x.mp3")  # read by one call, where soundfile does not seek
    assert np.abs(read_audio(tmp_path / "x.mp3").samples[0] - at_once).max() < 1e-4
