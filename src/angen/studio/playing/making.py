"""A song in the making, as those see it who listen while it is made.

The worker writes ``outputs/.making/<job>.wav`` as the blocks come: 16-bit WAV whose header claims
the length that was asked for. It grows until it is complete; a song may end before its time.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

from angen.errors import Unknown
from angen.jobs.job import Job
from angen.studio.requests.fields import check_id
from angen.studio.settings import Settings

KINDS = ("generate",)  # jobs that can be listened to
HEADER_BYTES = 44
SAMPLE_BYTES = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class JobAudio:
    """The sound of a song in the making, as far as it is."""

    path: Path | None  # None: nothing sounds yet
    rate_hz: int
    seconds_ready: float
    seconds_asked: float
    finished: bool  # no more will come
    song: str | None  # id of the song in the history, once it is there


def making_path(settings: Settings, job: str) -> Path:
    """Where the song of a job grows."""
    return settings.making / f"{check_id('job', job)}.wav"


def header(rate_hz: int, samples: int) -> bytes:
    """The header of a mono 16-bit WAV file of so many samples."""
    data = samples * SAMPLE_BYTES
    form = struct.pack("<HHIIHH", 1, 1, rate_hz, rate_hz * SAMPLE_BYTES, SAMPLE_BYTES, 16)
    riff = b"RIFF" + struct.pack("<I", 36 + data)
    return riff + b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", data)


def ready(path: Path) -> tuple[int, float, float]:
    """Rate in Hz, seconds that are there, and seconds that the header claims; zeros for none."""
    try:
        with path.open("rb") as file:
            head = file.read(HEADER_BYTES)
        size = path.stat().st_size
    except FileNotFoundError:
        return 0, 0.0, 0.0
    if len(head) < HEADER_BYTES:
        return 0, 0.0, 0.0
    (rate_hz,) = struct.unpack_from("<I", head, 24)
    (data,) = struct.unpack_from("<I", head, 40)
    per_second = rate_hz * SAMPLE_BYTES
    return rate_hz, (size - HEADER_BYTES) / per_second, data / per_second


def job_audio(settings: Settings, job: Job) -> JobAudio:
    """What of a job's song can be heard. Raises Unknown for a job that makes no song."""
    if job.kind not in KINDS:
        raise Unknown(f"{job.title!r} makes no song that could be heard.")
    path = making_path(settings, job.id)
    rate_hz, seconds, asked = ready(path)
    song = (job.result or {}).get("song")
    return JobAudio(
        path=path if rate_hz else None,
        rate_hz=rate_hz,
        seconds_ready=seconds,
        seconds_asked=asked,
        finished=job.state.over,
        song=song,
    )
