import json
import logging
import os
import struct
import tempfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from angen.audio.files import probe, read_audio, read_comment, stream, write_wav
from angen.errors import BadInput
from tests.audio.sounds import sine, write
from tests.nobody import as_nobody

FORMATS = {
    "a.wav": {},
    "b.flac": {},
    "c.mp3": {},
    "d.ogg": {},
    "e.opus": {"format": "OGG", "subtype": "OPUS"},
    "f.aiff": {},
}


def frequency(samples: np.ndarray, rate_hz: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(spectrum.argmax() * rate_hz / len(samples))


@pytest.mark.parametrize(("name", "options"), FORMATS.items())
def test_each_format_gives_back_its_tone(
    name: str, options: dict[str, str], tmp_path: Path
) -> None:
    tone = np.repeat(sine(440, 2, 48_000), 2, axis=0)
    path = write(tmp_path / name, tone, 48_000, **options)
    info, audio = probe(path), read_audio(path)
    assert (info.rate_hz, info.channels, info.warning) == (48_000, 2, "")
    assert info.duration_s == pytest.approx(2, abs=0.06)
    assert audio.samples.dtype == np.float32
    assert audio.samples.shape == (2, info.frames)
    assert frequency(audio.samples[0], 48_000) == pytest.approx(440, abs=1)


@pytest.mark.parametrize(
    ("rate_hz", "channels", "subtype"),
    [(8_000, 1, "PCM_16"), (192_000, 2, "PCM_24"), (48_000, 6, "FLOAT"), (11_025, 1, "PCM_U8")],
)
def test_any_rate_depth_and_channels(
    rate_hz: int, channels: int, subtype: str, tmp_path: Path
) -> None:
    tone = np.repeat(sine(440, 1, rate_hz), channels, axis=0)
    path = write(tmp_path / "x.wav", tone, rate_hz, subtype=subtype)
    audio = read_audio(path, rate_hz=22_050, mono=True)
    assert audio.samples.shape == (1, 22_050)
    assert frequency(audio.samples[0], 22_050) == pytest.approx(440, abs=1)
    assert np.abs(audio.samples).max() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "ogg"])
def test_a_part_is_the_same_as_in_the_whole(suffix: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, (1, 5 * 44_100)).astype(np.float32)
    path = write(tmp_path / f"x.{suffix}", noise, 44_100)
    whole = read_audio(path).samples
    part = read_audio(path, start_s=2, duration_s=1.5).samples
    assert np.abs(part - whole[:, 88_200 : 88_200 + 66_150]).max() < 1e-4


def test_stream_joins_to_the_whole_at_another_rate(tmp_path: Path) -> None:
    path = write(tmp_path / "x.wav", sine(440, 10, 44_100), 44_100)
    blocks = list(stream(path, rate_hz=16_000))
    assert max(block.shape[1] for block in blocks) < 16_000
    joined = np.concatenate(blocks, axis=1)
    assert joined.shape == (1, 160_000)
    assert np.array_equal(joined, read_audio(path, rate_hz=16_000).samples)


def test_read_past_the_end_says_so(tmp_path: Path) -> None:
    path = write(tmp_path / "x.wav", sine(440, 1, 8_000), 8_000)
    with pytest.raises(BadInput, match=r"no sound at 5\.00 s"):
        read_audio(path, start_s=5)


def test_written_wav_carries_a_comment_of_any_length(tmp_path: Path) -> None:
    comment = json.dumps({"lyrics": "Füße 词 🎵\n" * 2_000, "seed": 7}, ensure_ascii=False)
    path = tmp_path / "out" / "song.wav"
    tone = sine(440, 0.5, 24_000)
    write_wav(path, tone, 24_000, comment)
    assert read_comment(path) == comment
    assert np.abs(read_audio(path).samples - tone).max() < 1 / 32_000
    assert probe(path).warning == ""
    assert list(path.parent.iterdir()) == [path]


def test_read_comment_reads_what_other_programs_wrote(tmp_path: Path) -> None:
    path = tmp_path / "x.flac"
    with soundfile.SoundFile(path, "w", 8_000, 1) as file:
        file.comment = "from elsewhere"
        file.write(np.zeros(8_000, np.float32))
    assert read_comment(path) == "from elsewhere"
    assert read_comment(write(tmp_path / "y.wav", sine(440, 1, 8_000), 8_000)) is None


def test_read_comment_distrusts_lengths(tmp_path: Path) -> None:
    path = write(tmp_path / "x.wav", sine(440, 1, 8_000), 8_000)
    data = path.read_bytes() + b"LIST" + struct.pack("<I", 0xFFFFFF00) + b"INFOICMT\xff\xff\xff\xff"
    path.write_bytes(data)
    assert read_comment(path) is None
    assert probe(path).frames == 8_000


def test_write_wav_refuses_what_is_no_number_and_keeps_the_old_file(tmp_path: Path) -> None:
    path = write(tmp_path / "x.wav", sine(440, 1, 8_000), 8_000)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="not all numbers"):
        write_wav(path, np.full((1, 100), np.nan, np.float32), 8_000)
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["a b 'c' \"d\".wav", "🎸 음악.wav", "x" * 250 + ".wav"])
def test_any_file_name_works(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    write_wav(path, sine(440, 1, 8_000), 8_000, "kept")
    assert read_audio(path).duration_s == 1
    assert read_comment(path) == "kept"


def broken_files(folder: Path) -> dict[str, Path]:
    """Files that hold no sound, by what is said of them."""
    made = {
        "empty": folder / "empty.wav",
        "not sound that can be read": folder / "text.wav",
        "a folder": folder,
        "does not exist": folder / "nowhere.wav",
        "not a regular file": folder / "pipe.wav",
        "holds no sound": folder / "none.wav",
    }
    made["empty"].write_bytes(b"")
    made["not sound that can be read"].write_text("These are words.\n" * 100)
    os.mkfifo(made["not a regular file"])
    write(made["holds no sound"], np.zeros((1, 0), np.float32), 8_000)
    return made


def test_what_cannot_be_read_is_named_with_a_remedy(tmp_path: Path) -> None:
    for words, path in broken_files(tmp_path).items():
        for call in (probe, lambda p: list(stream(p)) or probe(p), read_comment):
            if call is read_comment and words == "holds no sound":
                continue
            with pytest.raises(BadInput, match=words) as caught:
                call(path)
            assert str(path) in str(caught.value)


def test_zero_channels_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "x.wav", sine(440, 1, 8_000), 8_000)
    data = bytearray(path.read_bytes())
    data[22:24] = struct.pack("<H", 0)
    path.write_bytes(data)
    with pytest.raises(BadInput, match="not sound that can be read"):
        probe(path)


@pytest.mark.parametrize("closed", ["file", "folder"])
def test_a_file_without_the_right_to_read_it(closed: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = write(folder / "x.wav", sine(440, 1, 8_000), 8_000)
        path.chmod(0 if closed == "file" else 0o644)
        folder.chmod(0o755 if closed == "file" else 0)
        with as_nobody(), pytest.raises(BadInput, match=r"x\.wav cannot be opened"):
            probe(path)
        folder.chmod(0o755)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_no_numbers_are_refused_with_their_place(
    value: float, tmp_path: Path
) -> None:
    samples = sine(440, 10, 8_000)
    samples[0, 60_000] = value
    path = write(tmp_path / "x.wav", samples, 8_000, subtype="FLOAT")
    with pytest.raises(
        BadInput, match=r"x\.wav has samples that are not numbers .* about [67]\.\d s"
    ):
        read_audio(path)
    assert read_audio(path, duration_s=2).duration_s == 2


@pytest.mark.parametrize("name", FORMATS)
def test_a_lost_end_is_told_and_the_rest_is_read(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rng = np.random.default_rng(0)
    noise = (0.1 * rng.standard_normal((1, 8 * 48_000))).astype(np.float32)
    path = write(tmp_path / name, noise, 48_000, **FORMATS[name])
    whole = read_audio(path).samples
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    info = probe(path)
    assert "the end of the file is missing" in info.warning
    assert 2 < info.duration_s < 5
    with caplog.at_level(logging.WARNING):
        part = read_audio(path).samples
    assert part.shape[1] == info.frames
    assert np.abs(part[:, :96_000] - whole[:, :96_000]).max() < 1e-3


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_cut_down_to_its_header_is_refused_or_told(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / name, sine(440, 4, 48_000), 48_000, **FORMATS[name])
    path.write_bytes(path.read_bytes()[:60])
    try:
        info = probe(path)
    except BadInput as error:
        said, seconds = str(error), 0.0
    else:
        said, seconds = info.warning, info.duration_s
    assert str(path) in said
    assert seconds < 0.1


def test_a_stream_written_without_lengths_is_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "x.wav", sine(440, 2, 8_000), 8_000)
    data = bytearray(path.read_bytes())
    at = data.index(b"data")
    data[at + 4 : at + 8] = data[4:8] = b"\xff\xff\xff\xff"
    path.write_bytes(data)
    info = probe(path)
    assert info.duration_s == 2
    assert info.warning == ""


def test_a_flac_written_without_its_length_is_read_to_the_last_sample(tmp_path: Path) -> None:
    noise = (0.1 * np.random.default_rng(0).standard_normal((1, 50_001))).astype(np.float32)
    path = write(tmp_path / "x.flac", noise, 44_100)
    data = bytearray(path.read_bytes())
    data[21] &= 0xF0  # the 36 bits of the number of samples in STREAMINFO, RFC 9639
    data[22:26] = b"\0\0\0\0"
    path.write_bytes(data)
    info = probe(path)
    assert (info.frames, info.warning) == (50_001, "")
    assert np.abs(read_audio(path).samples - noise).max() < 1e-4
