"""The note bank: every note of every sampled instrument, recorded once; rendering only adds.

Sampled notes come from the FluidR3 GM soundfont (MIT licence) through the fluidsynth program;
notes made by formula are added on demand (``mini.synth``). The bank is one flat int16 file that
processes share through the page cache, and one JSON that says where each note lies.
"""

import json
import shutil
import struct
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from angen.errors import MissingWeights
from angen.files import replacing
from mini import synth
from mini.compose.instruments import DRUMS, INSTRUMENTS, KITS, Instrument

RATE_HZ = 24000
FOLDER = Path(__file__).parent / "work" / "bank"
SOUNDFONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
TAIL_S = 0.4  # recorded after note-off, so that the release of the sample is heard
TICKS = 480  # per second: the MIDI files are written at 60 BPM
SILENT = 60  # int16 steps: about -55 dB; notes are cut where nothing louder follows
FULL = 0.25  # target loudness of a note: RMS of its loudest 100 ms

Note = NDArray[np.float32]


@lru_cache(maxsize=1)
def _opened(folder: Path) -> tuple[NDArray[np.int16], dict[str, list[float]]]:
    index, samples = folder / "bank.json", folder / "bank.npy"
    if not index.exists() or not samples.exists():
        build(folder)
    return np.load(samples, mmap_mode="r"), json.loads(index.read_text())


@lru_cache(maxsize=1500)
def note(name: str, pitch: int, rate_hz: int = RATE_HZ) -> Note:
    """The samples of one note of an instrument, or one drum hit of a kit: (S,) at ``rate_hz``.

    The note is as long as the instrument allows and fades by itself; cut it shorter as needed.
    For a kit, ``pitch`` is the General MIDI key of the drum.

    Raises ValueError for a sampled sound at any rate but RATE_HZ.
    """
    formula = INSTRUMENTS[name].programme < 0 if name in INSTRUMENTS else KITS[name].programme < 0
    if formula:
        return synth.note(name, pitch, rate_hz)
    if rate_hz != RATE_HZ:
        raise ValueError(
            f"{name} is recorded at {RATE_HZ} Hz; only formula sounds come at {rate_hz}"
        )
    samples, index = _opened(FOLDER)
    start, length, scale = index[f"{name}:{pitch}"]
    return np.asarray(samples[int(start) : int(start + length)], np.float32) * np.float32(scale)


def build(folder: Path = FOLDER, soundfont: Path = SOUNDFONT) -> None:
    """Record all sampled notes into ``folder``: about two minutes, 200 MB.

    Raises MissingWeights when fluidsynth or the soundfont is not installed.
    """
    if shutil.which("fluidsynth") is None or not soundfont.exists():
        raise MissingWeights(
            f"The note bank needs the fluidsynth program and {soundfont}. "
            "Install both: apt-get install fluidsynth fluid-soundfont-gm"
        )
    parts: list[NDArray[np.int16]] = []
    index: dict[str, list[float]] = {}
    end = 0
    for name, notes in _recordings(soundfont):
        for pitch, samples in notes.items():
            index[f"{name}:{pitch}"] = [end, len(samples), _scale(samples)]
            parts.append(samples)
            end += len(samples)
    with replacing(folder / "bank.npy") as path:
        np.save(path, np.concatenate(parts))
    with replacing(folder / "bank.json") as path:
        path.write_text(json.dumps(index))


def _recordings(soundfont: Path) -> list[tuple[str, dict[int, NDArray[np.int16]]]]:
    made = []
    for each in INSTRUMENTS.values():
        if each.programme >= 0:
            pitches = list(range(each.low, each.high + 1))
            made.append((each.name, _record(each, pitches, each.programme, 0, soundfont)))
    for kit in KITS.values():
        if kit.programme >= 0:
            drum = Instrument(name=kit.name, programme=0, low=0, high=127, hold_s=2.0, velocity=110)
            keys = list(DRUMS.values())
            made.append((kit.name, _record(drum, keys, kit.programme, 9, soundfont)))
    return made


def _record(
    instrument: Instrument, pitches: list[int], programme: int, channel: int, soundfont: Path
) -> dict[int, NDArray[np.int16]]:
    """Play each pitch once, well apart, and cut the recording into notes."""
    step_s = instrument.hold_s + TAIL_S + 0.6
    with tempfile.TemporaryDirectory() as folder:
        midi, wav = Path(folder) / "notes.mid", Path(folder) / "notes.wav"
        midi.write_bytes(_midi(instrument, pitches, programme, channel, step_s))
        options = ["-ni", "-q", "-R", "0", "-C", "0", "-g", "0.5", "-r", str(RATE_HZ)]
        command = ["fluidsynth", *options, "-F", str(wav), str(soundfont), str(midi)]
        subprocess.run(command, check=True, timeout=300, capture_output=True)
        stereo, _ = soundfile.read(wav, dtype="float32", always_2d=True)
    mono = stereo.mean(axis=1)  # (S,)
    return {
        pitch: _cut(mono, round(i * step_s * RATE_HZ), instrument.hold_s + TAIL_S)
        for i, pitch in enumerate(pitches)
    }


def _cut(mono: Note, start: int, length_s: float) -> NDArray[np.int16]:
    """One note from the recording, trimmed where it has died away, faded where it has not."""
    samples = mono[start : start + round(length_s * RATE_HZ)]
    samples = samples * (0.9 / max(1e-6, float(np.abs(samples).max())))
    heard = np.flatnonzero(np.abs(samples) > SILENT / 32767)
    samples = samples[: int(heard[-1]) + 1 if len(heard) else 1].copy()
    ringing = len(samples) >= 0.98 * length_s * RATE_HZ
    fade = min(len(samples), RATE_HZ // (3 if ringing else 50))
    samples[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return (samples * 32767).astype(np.int16)


def _scale(samples: NDArray[np.int16]) -> float:
    """What brings a note to the common loudness: RMS of its loudest 100 ms is FULL."""
    window = RATE_HZ // 10
    energy = np.cumsum(np.concatenate([np.zeros(window), (samples / 32767.0) ** 2]))
    loudest = float(np.max(energy[window:] - energy[:-window])) / window
    return FULL / max(1e-3, float(np.sqrt(loudest))) / 32767


def _midi(
    instrument: Instrument, pitches: list[int], programme: int, channel: int, step_s: float
) -> bytes:
    """A type 0 MIDI file that plays each pitch for the instrument's longest note."""
    events = b"\x00\xff\x51\x03" + (1_000_000).to_bytes(3, "big")
    events += b"\x00" + bytes([0xC0 | channel, programme])
    hold, rest = round(instrument.hold_s * TICKS), round((step_s - instrument.hold_s) * TICKS)
    for i, pitch in enumerate(pitches):
        events += _delta(rest if i else 0) + bytes([0x90 | channel, pitch, instrument.velocity])
        events += _delta(hold) + bytes([0x80 | channel, pitch, 0])
    events += _delta(rest) + b"\xff\x2f\x00"
    header = b"MThd" + struct.pack(">IHHH", 6, 0, 1, TICKS)
    return header + b"MTrk" + struct.pack(">I", len(events)) + events


def _delta(ticks: int) -> bytes:
    """A MIDI variable-length number."""
    groups = [ticks & 0x7F]
    while ticks := ticks >> 7:
        groups.append(0x80 | (ticks & 0x7F))
    return bytes(reversed(groups))


if __name__ == "__main__":
    build()
