"""How well tempo, beats, bars, key and names are heard, on composed music whose truth is known.

    python -m benchmarks.listening --pieces 76            (with --librosa, librosa beside it)
    python -m benchmarks.listening --pieces 0 --songs FOLDER   (recordings of Frets on Fire)

The pieces are of seeds that nothing was fitted on. Tempo: Acc1 is within 4 %, Acc2 also allows
the half, the double, the third and the triple (Gouyon et al. 2006). Key: exact, and the MIREX
score, which gives part of the points to related keys. Beats and downbeats: F-measure within 70 ms.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import mir_eval
import numpy as np
from numpy.typing import NDArray

from angen.audio.listening import listen
from angen.data.clips import metadata_of
from mini.compose.catalogue import ALL_STYLES
from mini.fit_rhythm import songs
from mini.pieces import Piece, piece

FIRST_SEED = 90_000_000
RELATED = (1.0, 2.0, 0.5, 3.0, 1 / 3)
# Krumhansl and Kessler 1982, as most programs use them.
KRUMHANSL = (
    (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
)
TONICS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What one listener says of one piece, and the seconds it took."""

    bpm: float
    key: str
    beats: NDArray[np.float64]
    downbeats: NDArray[np.float64]
    seconds: float
    genre: str = ""
    instruments: tuple[str, ...] = ()
    energy: str = ""
    sure: tuple[float, float, float] = (0.0, 0.0, 0.0)  # of tempo, key, genre


def ours(made: Piece) -> Heard:
    """angen.audio, all questions at once."""
    start = time.process_time()
    heard = listen(made.audio[None], made.rate_hz)
    return Heard(
        bpm=heard.bpm or 0.0,
        key=heard.key or "C major",
        beats=heard.beats,
        downbeats=heard.downbeats,
        seconds=time.process_time() - start,
        genre=heard.genre,
        instruments=heard.instruments,
        energy=heard.energy,
        sure=(heard.confidence["bpm"], heard.confidence["key"], heard.confidence["genre"]),
    )


def librosa_plain(made: Piece) -> Heard:
    """librosa as it comes: beat_track, chroma_cqt with the profiles of Krumhansl and Kessler."""
    import librosa

    start = time.process_time()
    sound = librosa.resample(made.audio, orig_sr=made.rate_hz, target_sr=22_050)
    bpm, beats = librosa.beat.beat_track(y=sound, sr=22_050, units="time")
    notes = librosa.feature.chroma_cqt(y=sound, sr=22_050).mean(axis=1)
    fits = [
        [np.corrcoef(np.roll(profile, tonic), notes)[0, 1] for tonic in range(12)]
        for profile in KRUMHANSL
    ]
    mode, tonic = divmod(int(np.argmax(fits)), 12)
    return Heard(
        bpm=float(np.atleast_1d(bpm)[0]),
        key=f"{TONICS[tonic]} {('major', 'minor')[mode]}",
        beats=np.asarray(beats),
        downbeats=np.zeros(0),
        seconds=time.process_time() - start,
    )


def scores(made: Piece, heard: Heard) -> dict[str, float]:
    """Every measure of one answer."""
    ratio = heard.bpm / made.labels.bpm
    near = [abs(ratio / related - 1) <= 0.04 for related in RELATED]
    f_measure: Callable[..., float] = mir_eval.beat.f_measure
    trim: Callable[..., NDArray[np.float64]] = mir_eval.beat.trim_beats
    named, playing = set(heard.instruments), set(made.labels.instruments)
    return {
        "tempo Acc1": near[0],
        "tempo Acc2": any(near),
        "key exact": heard.key == made.labels.key,
        "key MIREX": mir_eval.key.weighted_score(made.labels.key, heard.key),
        "beats F": f_measure(trim(made.beats), trim(heard.beats)),
        "downbeats F": f_measure(trim(made.downbeats), trim(heard.downbeats)),
        "genre": heard.genre == made.labels.style,
        "energy": heard.energy == made.labels.energy,
        "instruments right": len(named & playing) / max(1, len(named)),
        "instruments found": len(named & playing) / max(1, len(playing)),
        "sure of tempo": heard.sure[0],
        "sure of key": heard.sure[1],
        "sure of genre": heard.sure[2],
        "s per minute": heard.seconds * 60 * made.rate_hz / len(made.audio),
    }


def reliability(said: Sequence[float], right: Sequence[float], bins: int = 5) -> list[str]:
    """Rows of a reliability table, and the expected calibration error below it."""
    sure, hit = np.array(said), np.array(right, float)
    place = np.minimum((sure * bins).astype(int), bins - 1)
    rows, error = [], 0.0
    for i in np.unique(place):
        some = place == i
        gap = abs(sure[some].mean() - hit[some].mean())
        error += some.mean() * gap
        rows.append(
            f"| {i / bins:.1f} to {(i + 1) / bins:.1f} | {some.sum()} | "
            f"{sure[some].mean():.2f} | {hit[some].mean():.2f} |"
        )
    return [*rows, f"| expected calibration error | {len(sure)} | | {error:.2f} |"]


def of_songs(folder: Path) -> None:
    """Print what is heard of recordings whose tempo and beats are known, as wholes and as clips."""
    print("| song | truth | whole | sure | clips of 20 s | beats F | downbeats F |")
    print("|---|---|---|---|---|---|---|")
    said, right = [], []
    for song in songs([folder]):
        heard = listen(song.audio[None], song.rate_hz)
        step = 20 * song.rate_hz
        clips = [song.audio[at : at + step] for at in range(0, len(song.audio) - step + 1, step)]
        parts = [listen(clip[None], song.rate_hz) for clip in clips]
        given = [metadata_of(heard, part).bpm for part in parts]
        right_clips = sum(abs((bpm or 0) / song.bpm - 1) <= 0.04 for bpm in given)
        for part in (heard, *parts):
            said.append(part.confidence["bpm"])
            right.append(abs((part.bpm or 0) / song.bpm - 1) <= 0.04)
        beats = np.arange(0, heard.duration_s, 60 / song.bpm)
        score: Callable[..., float] = mir_eval.beat.f_measure
        print(
            f"| {song.name} | {song.bpm:.0f} | {heard.bpm or 0:.0f} | "
            f"{heard.confidence['bpm']:.2f} | {right_clips} of {len(given)} | "
            f"{score(beats, heard.beats):.2f} | "
            f"{score(beats[:: song.beats_per_bar], heard.downbeats):.2f} |"
        )
    print("\n| said of tempo, wholes and clips alone | answers | said | right |\n|---|---|---|---|")
    print("\n".join(reliability(said, right)))


def main() -> None:
    """Print a table: a measure a row, a listener a column."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pieces", type=int, default=76)
    parser.add_argument("--seconds", type=float, default=45)
    parser.add_argument("--librosa", action="store_true")
    parser.add_argument("--songs", type=Path, help="folder with song.ogg, guitar.ogg, notes.mid")
    options = parser.parse_args()
    if options.songs:
        of_songs(options.songs)
    if not options.pieces:
        return
    listeners = {"angen": ours} | ({"librosa": librosa_plain} if options.librosa else {})
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in listeners}
    styles = tuple(ALL_STYLES)
    for i in range(options.pieces):
        made = piece(FIRST_SEED + i, seconds=options.seconds, style=styles[i % len(styles)])
        for name, listener in listeners.items():
            rows[name].append(scores(made, listener(made)))
    print("| | " + " | ".join(listeners) + " |")
    print("|---|" + "---|" * len(listeners))
    for measure in rows["angen"][0]:
        means = [np.mean([row[measure] for row in rows[name]]) for name in listeners]
        print(f"| {measure} | " + " | ".join(f"{mean:.2f}" for mean in means) + " |")
    for question, measure in (("tempo", "tempo Acc1"), ("key", "key exact"), ("genre", "genre")):
        said, right = (
            [row[name] for row in rows["angen"]] for name in (f"sure of {question}", measure)
        )
        print(f"\n| said of {question} | answers | said | right |\n|---|---|---|---|")
        print("\n".join(reliability(said, right)))


if __name__ == "__main__":
    main()
