"""How much cleaner is a voice after separation than in the mixture?

    angen models fetch spleeter
    python -m benchmarks.stems --voices FOLDER --music FOLDER FOLDER ... [--model spleeter]

Each recording of music, from its twentieth second on, is mixed with voices at the same power (0 dB,
and -6 and 6 dB for every fourth). Of the vocals stem and of the rest: the scale-invariant ratio of
signal to distortion (Le Roux et al. 2019), less that of the mixture. Prints Markdown tables.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from angen.audio.files import Sound, read_audio, to_mono
from angen.audio.stems import Separator, separate
from angen.data.scan import find_audio
from angen.studio.base import open_separator
from angen.studio.settings import read_settings

START_S, LENGTH_S = 20.0, 11.5  # one patch of Spleeter


def si_sdr(estimate: Sound, reference: Sound) -> float:
    """Scale-invariant ratio of signal to distortion, in dB, over all channels together."""
    heard, wanted = (x.astype(np.float64).ravel() - x.mean() for x in (estimate, reference))
    target = wanted * (heard @ wanted) / (wanted @ wanted)
    return float(10 * np.log10((target @ target) / ((heard - target) @ (heard - target))))


def gains(voice: Sound, music: Sound, db: float, separator: Separator) -> tuple[float, float]:
    """By how many dB voice and music are cleaner in their stems; db: of the voice over the music.

    voice, music: (channels, n) at the separator's rate.
    """
    n = min(voice.shape[1], music.shape[1])
    voice, music = voice[:, :n], music[:, :n]
    voice = voice * float(10 ** (db / 20) * np.sqrt((music**2).mean() / (voice**2).mean()))
    mix = (voice + music).astype(np.float32)
    stems = separate(mix, separator.rate_hz, separator)
    vocals = stems.pop("vocals")
    rest = np.sum(list(stems.values()), axis=0)
    return si_sdr(vocals, voice) - si_sdr(mix, voice), si_sdr(rest, music) - si_sdr(mix, music)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--voices", type=Path, required=True, help="folder of spoken or sung voice")
    parser.add_argument("--music", type=Path, nargs="+", required=True, help="folders of music")
    parser.add_argument("--model", help="spleeter or a Demucs model")
    args = parser.parse_args()
    separator = open_separator(read_settings(), args.model)
    rate, began, heard_s = separator.rate_hz, time.process_time(), 0.0
    voices = _voices(args.voices, rate)
    print(f"{separator.name}; voices of {voices.shape[1] / rate:.0f} s\n")
    found: dict[tuple[str, float], list[tuple[float, float]]] = {}
    for folder in args.music:
        for i, item in enumerate(find_audio([folder])[0]):
            music = _stereo(item.path, rate, START_S, LENGTH_S)
            if music.shape[1] < 5 * rate or not music.any():
                continue
            voice = np.roll(voices, -i * 7 * rate, axis=1)
            for db in (-6.0, 0.0, 6.0) if i % 4 == 0 else (0.0,):
                pair = gains(voice, music, db, separator)
                found.setdefault((folder.name, db), []).append(pair)
                heard_s += LENGTH_S
    print("\n".join(table(found)))
    taken = (time.process_time() - began) / heard_s
    print(f"\n{taken:.2f} s of processor time for a second of sound")


def table(found: dict[tuple[str, float], list[tuple[float, float]]]) -> list[str]:
    """Lines of Markdown: median, least, and how many of the vocals gained 5 dB."""
    lines = [
        "| music | voice over music | mixtures | vocals gain: median | least | at least 5 dB | "
        "rest gains: median | least |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (name, db), pairs in found.items():
        vocals, rest = np.array(pairs).T
        share = f"{(vocals >= 5).sum()} of {len(vocals)}"
        values = (
            f"{np.median(vocals):.1f} dB | {vocals.min():.1f} dB | {share} | "
            f"{np.median(rest):.1f} dB | {rest.min():.1f} dB"
        )
        lines.append(f"| {name} | {db:+.0f} dB | {len(pairs)} | {values} |")
    return lines


def _voices(folder: Path, rate_hz: int) -> Sound:
    return np.concatenate([_stereo(i.path, rate_hz) for i in find_audio([folder])[0]], 1)


def _stereo(path: Path, rate_hz: int, start_s: float = 0.0, length_s: float | None = None) -> Sound:
    """(2, n); mono lies in the middle."""
    sound = read_audio(path, rate_hz=rate_hz, start_s=start_s, duration_s=length_s).samples
    return sound if len(sound) == 2 else np.repeat(to_mono(sound), 2, axis=0)


if __name__ == "__main__":
    main()
