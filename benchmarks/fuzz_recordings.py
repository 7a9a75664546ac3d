"""Damaged recordings of all formats, read through the public functions.

    python -m benchmarks.fuzz_recordings --count 2500 --seed 1

Each file is either read as far as it can be, or told to be unusable (an AngenError). Nothing else
may come out: no other exception, no samples that are not numbers, no length that differs from what
`probe` says, nothing slower than the limit. Exits 1 when something else came out.
"""

import argparse
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import soundfile

from angen.audio.files import cancels, probe, read_audio
from angen.audio.listening import listen_file
from angen.audio.quality import check_file
from angen.errors import AngenError

SECONDS, RATE_HZ = 3, 44_100
LIMIT_S = 20.0
LISTENED = 8  # one in so many is listened to as well
OUTCOMES = ("ok", "warned", "told", "crash", "too slow", "nonsense")
SNDFILE = {
    "wav": "WAV", "float.wav": "WAV", "rf64": "RF64", "w64": "W64", "aiff": "AIFF", "au": "AU",
    "caf": "CAF", "flac": "FLAC", "mp3": "MP3", "ogg": "OGG", "opus": "OGG",
}  # fmt: skip
FFMPEG = {
    "m4a": ("aac", "ipod"), "alac.m4a": ("alac", "ipod"), "aac": ("aac", "adts"),
    "wma": ("wmav2", "asf"), "webm": ("libopus", "webm"), "mka": ("flac", "matroska"),
    "mp3.wav": ("libmp3lame", "wav"),
}  # fmt: skip
SUBTYPES = {"float.wav": "FLOAT", "opus": "OPUS"}
Damage = Callable[[bytearray, random.Random, list[bytes]], bytes | bytearray]


def sounds(folder: Path) -> dict[str, bytes]:
    """A whole file of each format."""
    times = np.arange(SECONDS * 48_000) / 48_000
    tone = (0.3 * np.sin(2 * np.pi * 330 * times) * (1 + np.sin(4 * np.pi * times)) / 2)[:, None]
    sound = np.repeat(tone, 2, axis=1).astype(np.float32)
    made = {}
    for suffix, kind in SNDFILE.items():
        path = folder / f"x.{suffix}"
        soundfile.write(path, sound, 48_000, format=kind, subtype=SUBTYPES.get(suffix))
        made[suffix] = path.read_bytes()
    for suffix, (codec, container) in FFMPEG.items():
        path = folder / f"x.{suffix}"
        with av.open(str(path), "w", format=container) as out:
            stream = out.add_stream(codec, rate=48_000, layout="stereo")
            assert isinstance(stream, av.AudioStream)
            stream.bit_rate = 128_000
            fit = av.AudioResampler(format=stream.format.name, layout="stereo", rate=48_000)
            for start in range(0, len(sound), 1_024):
                block = np.ascontiguousarray(sound[start : start + 1_024].T)
                frame = av.AudioFrame.from_ndarray(block, "fltp", "stereo")
                frame.sample_rate, frame.pts = 48_000, start
                for fitting in fit.resample(frame):
                    out.mux(stream.encode(fitting))
            out.mux(stream.encode(None))
        made[suffix] = path.read_bytes()
    return made


def flipped(data: bytearray, dice: random.Random, within: int) -> bytearray:
    """Some bytes of the first ``within`` changed."""
    for _ in range(dice.choice((1, 2, 5, 20, 100))):
        data[dice.randrange(min(len(data), within))] = dice.choice((0, 0xFF, dice.randrange(256)))
    return data


def swapped(data: bytearray, dice: random.Random, _: list[bytes]) -> bytearray:
    """Two stretches in each other's place."""
    size = dice.choice((4, 64, 1_000, 10_000))
    a, b = (dice.randrange(max(1, len(data) - size)) for _ in range(2))
    data[a : a + size], data[b : b + size] = data[b : b + size], data[a : a + size]
    return data


DAMAGES: dict[str, Damage] = {
    "cut": lambda data, dice, _: data[: dice.randrange(1, len(data))],
    "beginning cut": lambda data, dice, _: data[dice.randrange(1, len(data)) :],
    "header changed": lambda data, dice, _: flipped(data, dice, 120),
    "bytes changed": lambda data, dice, _: flipped(data, dice, len(data)),
    "a hole": lambda data, dice, _: data.replace(
        data[(at := dice.randrange(len(data))) : at + 2_000], bytes(2_000), 1
    ),
    "stretches swapped": swapped,
    "joined": lambda data, dice, others: data + dice.choice(others),
    "junk before": lambda data, dice, _: dice.randbytes(dice.choice((1, 7, 500, 70_000))) + data,
    "junk after": lambda data, dice, _: data + dice.randbytes(dice.choice((1, 500, 70_000))),
    "another name": lambda data, _, __: data,
}


def outcome(path: Path, listen: bool) -> str:
    """What comes of reading a file."""
    began = time.monotonic()
    try:
        info = probe(path)
        samples = read_audio(path).samples
        part = read_audio(path, start_s=info.duration_s / 2, duration_s=0.2).samples
        cancels(path)
        wrong = samples.shape != (info.channels, info.frames) or not np.isfinite(part).all()
        if listen:
            check_file(path)
            listen_file(path)
        found = "nonsense" if wrong else "warned" if info.warning else "ok"
    except AngenError as error:
        found = "told" if path.name in str(error) else "nonsense"
    except Exception:
        traceback.print_exc()
        found = "crash"
    return "too slow" if time.monotonic() - began > LIMIT_S else found


def main() -> int:
    """Damage, read, count; a table on stdout."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2_500)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    dice, counts = random.Random(options.seed), Counter[tuple[str, str]]()
    with tempfile.TemporaryDirectory() as name:
        whole = sounds(Path(name))
        others = list(whole.values())
        for number in range(options.count):
            suffix, damage = dice.choice(list(whole)), dice.choice(list(DAMAGES))
            data = DAMAGES[damage](bytearray(whole[suffix]), dice, others)
            other = dice.choice(list(whole)) if damage == "another name" else suffix
            path = Path(name, f"{number}.{other}")
            path.write_bytes(data)
            found = outcome(path, number % LISTENED == 0)
            counts[damage, found] += 1
            if found in OUTCOMES[3:]:
                print(f"{number}: {suffix}, {damage}: {found}", file=sys.stderr)
            path.unlink()
    print(f"| damage | {' | '.join(OUTCOMES)} |\n|---|{'---|' * len(OUTCOMES)}")
    for damage in (*DAMAGES, "all"):
        row = [sum(n for (d, f), n in counts.items() if d in (damage, "all") and f == found)
               if damage != "all" else sum(n for (_, f), n in counts.items() if f == found)
               for found in OUTCOMES]  # fmt: skip
        print(f"| {damage} | {' | '.join(map(str, row))} |")
    return int(any(found in OUTCOMES[3:] for _, found in counts))


if __name__ == "__main__":
    sys.exit(main())
