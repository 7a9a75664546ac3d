"""Recordings as they come from phones, crashed recorders and programs that join files."""

import struct
from pathlib import Path

import av
import numpy as np
import soundfile

from tests.audio.sounds import Sound, sine

RATE_HZ = 44_100


def two_tones(seconds: float = 4, rate_hz: int = RATE_HZ, channels: int = 1) -> Sound:
    """Half of it a tone of 440 Hz, the rest one of 660: (channels, n)."""
    halves = [sine(hz, seconds / 2, rate_hz, 0.3) for hz in (440, 660)]
    return np.repeat(np.concatenate(halves, axis=1), channels, axis=0)


def encoded(path: Path, codec: str, container: str | None = None, rate_hz: int = RATE_HZ) -> Path:
    """The two tones as FFmpeg encodes them."""
    sound = np.ascontiguousarray(two_tones(rate_hz=rate_hz, channels=2))
    with av.open(str(path), "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate_hz, layout="stereo")
        assert isinstance(stream, av.AudioStream)
        stream.bit_rate = 128_000
        resampler = av.AudioResampler(format=stream.format, layout="stereo", rate=rate_hz)
        for start in range(0, sound.shape[1], 1_024):
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(sound[:, start : start + 1_024]), "fltp", "stereo"
            )
            frame.sample_rate = rate_hz
            frame.pts = start
            for fitting in resampler.resample(frame):
                out.mux(stream.encode(fitting))
        out.mux(stream.encode(None))
    return path


def mp3(path: Path, seconds: float = 4, rate_hz: int = RATE_HZ, channels: int = 1) -> bytearray:
    """The two tones as MP3 of a bit rate that varies, with a header that holds its length."""
    with soundfile.SoundFile(
        path, "w", rate_hz, channels, format="MP3", bitrate_mode="VARIABLE", compression_level=0.5
    ) as file:
        file.write(two_tones(seconds, rate_hz, channels).T)
    return bytearray(path.read_bytes())


def xing(data: bytearray) -> int:
    """Where the header with the length is."""
    return max(data.find(b"Xing"), data.find(b"Info"))


def wav(path: Path, kind: str = "WAV") -> bytearray:
    """The two tones, uncompressed."""
    soundfile.write(path, two_tones()[0], RATE_HZ, format=kind, subtype="PCM_16")
    return bytearray(path.read_bytes())


def without_size(data: bytearray, field: int, layout: str, size: int = 0) -> bytearray:
    """A header whose length of the sound was never written."""
    struct.pack_into(layout, data, field, size)
    return data
