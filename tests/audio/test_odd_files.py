"""Odd files: as long as they sound, wherever their headers are wrong."""

import re
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from angen.audio.ffmpeg import FfmpegDecoder, Undecodable
from angen.audio.files import cancels, probe, read_audio, stream, write_wav
from angen.audio.listening import listen_file
from angen.audio.sources import Part, examine
from angen.errors import BadInput
from tests.audio.odd import RATE_HZ, encoded, mp3, two_tones, wav, without_size, xing
from tests.audio.sounds import MAJOR, band, sine, write

ID3 = b"ID3\x04\0\0\0\0\x03\x74" + bytes(500)


def pitch_of_the_end(path: Path) -> int:
    samples = read_audio(path).samples[0][-RATE_HZ:-4_000]
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), RATE_HZ))
    return int(spectrum.argmax())


def require_whole(path: Path, seconds: float = 4, warning: str = "") -> None:
    """The file is as long as it sounds, to its last note, and is read as long as it says."""
    info = probe(path)
    assert info.duration_s == pytest.approx(seconds, abs=0.09)
    assert read_audio(path).samples.shape[1] == info.frames
    assert abs(pitch_of_the_end(path) - 660) <= 1
    assert warning in info.warning
    assert bool(info.warning) == bool(warning)


MP3S: dict[str, Callable[[bytearray], bytes | bytearray]] = {
    "two ID3 tags": lambda data: ID3 * 2 + data,
    "no header, two tags": lambda data: ID3 * 2 + data[xing(data) + 200 :],
    "zeros": lambda data: bytes(100_000) + data,
    "a line of HTML": lambda data: b"<html><body>Moved</body></html>\r\n" + data,
    "a tag and zeros": lambda data: ID3 + bytes(3_000) + data,
    "no count": lambda data: without_size(data, xing(data) + 4, ">I", 0x0E),
    "a count too small": lambda data: without_size(data, xing(data) + 8, ">I", 40),
    "a count too large": lambda data: without_size(data, xing(data) + 8, ">I", 9_999),
}


@pytest.mark.parametrize("what", MP3S)
def test_an_mp3_of_an_odd_beginning_is_read_to_its_end(what: str, tmp_path: Path) -> None:
    path = tmp_path / "x.mp3"
    path.write_bytes(MP3S[what](mp3(path)))
    require_whole(path)


def test_joined_mp3s_are_one_recording(tmp_path: Path) -> None:
    one = mp3(tmp_path / "x.mp3")
    path = tmp_path / "joined.mp3"
    path.write_bytes(one + ID3 + one + one[xing(one) + 200 :])  # the last without a header
    assert probe(path).duration_s == pytest.approx(12, abs=0.15)
    assert probe(path).warning == ""
    part, whole = read_audio(path, start_s=5, duration_s=1).samples, read_audio(path).samples
    assert np.abs(part - whole[:, 5 * RATE_HZ : 6 * RATE_HZ]).max() < 1e-4


@pytest.mark.parametrize(("rate_hz", "channels"), [(48_000, 1), (RATE_HZ, 2)])
def test_a_joined_mp3_of_another_format_is_told(
    rate_hz: int, channels: int, tmp_path: Path
) -> None:
    one, other = mp3(tmp_path / "x.mp3"), mp3(tmp_path / "y.mp3", 4, rate_hz, channels)
    for second in (other, other[xing(other) + 200 :]):
        path = tmp_path / "joined.mp3"
        path.write_bytes(one + second)
        assert "another sample rate or number of channels" in probe(path).warning
        assert probe(path).duration_s == pytest.approx(4, abs=0.09)


def test_a_part_of_a_varied_mp3_is_the_same_as_in_the_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.mp3"
    data = mp3(path, 8)
    for content in (data, data[xing(data) + 200 :]):
        path.write_bytes(content)
        whole = read_audio(path).samples
        part = read_audio(path, start_s=5, duration_s=1).samples
        assert np.abs(part - whole[:, 5 * RATE_HZ : 6 * RATE_HZ]).max() < 1e-4


@pytest.mark.parametrize(
    ("suffix", "options"),
    [("ogg", {}), ("opus", {"format": "OGG", "subtype": "OPUS"}), ("flac", {}), ("wav", {})],
)
def test_chains_are_one_recording(suffix: str, options: dict[str, str], tmp_path: Path) -> None:
    path = write(tmp_path / f"x.{suffix}", two_tones(4, 48_000), 48_000, **options)
    path.write_bytes(path.read_bytes() * 2)
    info = probe(path)
    assert info.duration_s == pytest.approx(8, abs=0.02)
    assert info.warning == ""
    whole = read_audio(path).samples
    assert whole.shape[1] == info.frames
    part = read_audio(path, start_s=5, duration_s=0.5).samples
    assert np.abs(part - whole[:, 5 * 48_000 : round(5.5 * 48_000)]).max() < 1e-4


def bw64(data: bytearray) -> bytearray:
    return bytearray(b"BW64" + data[4:])


CRASHED: dict[str, tuple[str, Callable[[bytearray], bytearray]]] = {
    "WAV, both lengths 0": ("WAV", lambda d: without_size(without_size(d, 4, "<I"), 40, "<I")),
    "WAV, as it began": ("WAV", lambda d: without_size(without_size(d, 4, "<I", 36), 40, "<I")),
    "RF64": ("RF64", lambda d: without_size(without_size(d, 20, "<Q"), 28, "<Q")),
    "BW64": ("RF64", lambda d: without_size(without_size(bw64(d), 20, "<Q"), 28, "<Q")),
    "AU": ("AU", lambda d: without_size(d, 8, ">I")),
    "W64": ("W64", lambda d: without_size(d, d.find(b"data") + 16, "<Q")),
    "CAF": ("CAF", lambda d: without_size(d, d.find(b"data") + 4, ">Q")),
    "AIFF": ("AIFF", lambda d: without_size(without_size(d, 4, ">I"), d.find(b"SSND") + 4, ">I")),
}


@pytest.mark.parametrize("what", CRASHED)
def test_what_a_recorder_wrote_before_it_crashed_is_read(what: str, tmp_path: Path) -> None:
    kind, broken = CRASHED[what]
    path = tmp_path / "x.wav"
    path.write_bytes(broken(wav(path, kind)))
    require_whole(path, warning="header was never finished")


@pytest.mark.parametrize("kind", ["W64", "AU", "CAF", "RF64"])
def test_more_formats_are_read_and_a_lost_end_is_told(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    data = wav(path, kind)
    require_whole(path)
    path.write_bytes(data[: len(data) // 2])
    assert "the end of the file is missing" in probe(path).warning
    assert probe(path).duration_s == pytest.approx(2, abs=0.05)


def test_bw64_and_open_lengths_are_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(bw64(wav(path, "RF64")))
    require_whole(path)
    data = wav(path, "CAF")
    path.write_bytes(without_size(data, data.find(b"data") + 4, ">Q", 2**64 - 1))
    require_whole(path)


def test_an_empty_wav_with_a_text_after_it_is_no_crash(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    write_wav(path, np.zeros((1, 0), np.float32), 8_000, "no sound")
    with pytest.raises(BadInput, match="holds no sound"):
        probe(path)


FFMPEG = {
    "song.m4a": ("aac", "ipod"),
    "lossless.m4a": ("alac", "ipod"),
    "video.mp4": ("aac", "mp4"),
    "phone.aac": ("aac", "adts"),
    "aac-named.mp3": ("aac", "adts"),
    "m4a-named.wav": ("aac", "ipod"),
    "x.wma": ("wmav2", "asf"),
    "x.webm": ("libopus", "webm"),
    "x.mka": ("flac", "matroska"),
    "x.caf": ("alac", "caf"),
}


@pytest.mark.parametrize("name", FFMPEG)
def test_what_phones_record_is_read(name: str, tmp_path: Path) -> None:
    codec, container = FFMPEG[name]
    rate_hz = 48_000 if codec == "libopus" else RATE_HZ
    path = encoded(tmp_path / name, codec, container, rate_hz)
    info, samples = probe(path), read_audio(path).samples
    assert (info.rate_hz, info.channels, info.warning) == (rate_hz, 2, "")
    assert info.duration_s == pytest.approx(4, abs=0.09)
    assert samples.shape == (2, info.frames)
    assert np.abs(samples).max() == pytest.approx(0.3, abs=0.06)
    part = read_audio(path, start_s=2.5, duration_s=1).samples  # AAC fills gaps with new noise
    start = round(2.5 * rate_hz)
    assert np.abs(part - samples[:, start : start + rate_hz]).max() < 0.02


def test_mp3_in_wav_is_whole(tmp_path: Path) -> None:
    path = encoded(tmp_path / "x.wav", "libmp3lame", "wav")
    assert probe(path).encoding == "MPEG_LAYER_III"
    require_whole(path)


def test_damage_in_the_middle_is_told_with_its_place(tmp_path: Path) -> None:
    path = encoded(tmp_path / "x.m4a", "aac", "ipod")
    data = bytearray(path.read_bytes())
    middle = (data.find(b"mdat") + data.find(b"moov")) // 2
    data[middle : middle + 1_500] = b"\xff" * 1_500
    path.write_bytes(data)
    info = probe(path)
    assert re.search(r"m4a: at (1\.9|2\.0|2\.1) s it is damaged", info.warning)
    assert read_audio(path).samples.shape[1] == info.frames > 3 * RATE_HZ


def test_a_cut_m4a_is_told(tmp_path: Path) -> None:
    path = encoded(tmp_path / "x.m4a", "aac", "ipod")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])  # its index was at the end
    with pytest.raises(BadInput, match=r"x\.m4a is not sound that can be read"):
        probe(path)


PLAYLISTS = {
    "list.m3u8": b"#EXTM3U\n#EXTINF:4,\nx.wav\n",
    "list.ffconcat": b"ffconcat version 1.0\nfile x.wav\n",
    "list.sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n",
}


@pytest.mark.parametrize("name", PLAYLISTS)
def test_playlists_are_not_followed(name: str, tmp_path: Path) -> None:
    wav(tmp_path / "x.wav")
    path = tmp_path / name
    path.write_bytes(PLAYLISTS[name])
    with pytest.raises(BadInput, match="not sound that can be read"):
        probe(path)


def test_a_file_without_sound_is_no_recording(tmp_path: Path) -> None:
    path = tmp_path / "x.m4a"
    path.write_bytes(struct.pack(">I4s4sI4s", 20, b"ftyp", b"M4A ", 0, b"M4A "))
    with pytest.raises(Undecodable):
        FfmpegDecoder(path, Part(start=0, end=20), "MPEG-4")
    with pytest.raises(BadInput, match="not sound"):
        probe(path)


def test_the_kind_is_told_by_content(tmp_path: Path) -> None:
    path = encoded(tmp_path / "x.mp3", "aac", "adts")
    assert examine(path).kind == "AAC"
    assert probe(path).format == "AAC"


@pytest.mark.parametrize("other", [-1.0, -0.9])
def test_channels_of_opposite_phase_are_heard(other: float, tmp_path: Path) -> None:
    sound = band(120, 0, MAJOR, 14, 22_050)
    sound = np.concatenate([sound, other * sound])
    path = write(tmp_path / "x.wav", sound, 22_050)
    plain = write(tmp_path / "y.wav", sound[:1], 22_050)
    assert cancels(path)
    heard, known = listen_file(path), listen_file(plain)
    assert (heard.key, heard.bpm) == (known.key, known.bpm)
    mono = np.concatenate(list(stream(path, mono=True)), axis=1)
    assert np.array_equal(mono, read_audio(plain).samples)


def test_a_wide_stereo_is_mixed_as_ever(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    sound = (0.1 * rng.standard_normal((2, 22_050))).astype(np.float32)
    path = write(tmp_path / "x.wav", sound, 22_050, subtype="FLOAT")
    assert not cancels(path)
    assert np.array_equal(read_audio(path, mono=True).samples[0], sound.mean(axis=0))


def test_a_pack_of_silence_that_lasts_for_days_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.flac"
    soundfile.write(path, np.zeros(1_000 * 25 * 3_600, np.int16), 1_000)
    with pytest.raises(BadInput, match="over 24 hours"):
        probe(path)


def test_a_tone_of_the_same_pitch_is_no_chain(tmp_path: Path) -> None:
    path = write(tmp_path / "x.ogg", sine(440, 2, RATE_HZ), RATE_HZ)
    assert len(examine(path).parts) == 1


@pytest.mark.parametrize("name", ["x.au", "x.snd", "x.vox"])
def test_bytes_without_a_header_are_no_sound_whatever_their_name(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(np.random.default_rng(0).bytes(50_000))
    with pytest.raises(BadInput, match="not sound that can be read"):
        probe(path)


def test_a_damaged_mp3_is_as_long_as_what_is_left_of_it(tmp_path: Path) -> None:
    path = tmp_path / "x.mp3"
    data = mp3(path)
    data[len(data) // 2 : len(data) // 2 + 1_000] = bytes(1_000)
    path.write_bytes(data)
    assert read_audio(path).samples.shape[1] == probe(path).frames
