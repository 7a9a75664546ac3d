"""All that is heard in a recording: the metadata table of a training set, filled in by machine.

Each answer comes with a confidence from 0 to 1, so that a person knows where to look again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from angen.audio import key as keys
from angen.audio import tags, tempo
from angen.audio.files import Sound, resampled, stream
from angen.audio.loudness import SILENCE_LUFS, Loudness, LoudnessListener
from angen.audio.signal import LISTENING_RATE_HZ, Floats, Framer, hann, magnitudes
from angen.errors import BadInput

Energy = Literal["low", "medium", "high"]
_SHORTEST_S = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Listening:
    """What was heard. Times are seconds from the start.

    confidence has the keys bpm, downbeats, key, energy, genre, mood, instruments, description.
    """

    duration_s: float
    bpm: float | None  # None where nothing beats
    bpm_alternatives: tuple[float, ...]  # half, double and others, likeliest first
    beats: NDArray[np.float64]
    downbeats: NDArray[np.float64]
    beats_per_bar: int
    key: str | None  # "A minor"; None where no note sounds
    energy: Energy
    genre: str
    mood: str
    instruments: tuple[str, ...]
    description: str
    loudness_lufs: float
    levels_db: Floats  # RMS of each 100 ms
    confidence: dict[str, float]


def listen(samples: Sound, rate_hz: int) -> Listening:
    """Listen to samples (channels, n) or (n,).

    Raises ValueError for samples that are not numbers, BadInput for under a second or silence.
    """
    if not np.isfinite(samples).all():
        raise ValueError("samples are not all numbers; check them with angen.audio.quality first")
    mono = np.atleast_2d(samples).mean(axis=0, keepdims=True, dtype=np.float32)
    if rate_hz != LISTENING_RATE_HZ:
        mono = np.concatenate(list(resampled(iter([mono]), rate_hz, LISTENING_RATE_HZ)), axis=1)
    return _listen(iter([mono]), "This recording")


def listen_file(path: Path, *, start_s: float = 0, duration_s: float | None = None) -> Listening:
    """Listen to a file, or to a part of it. Memory stays bounded: hours may be given.

    Raises BadInput where it cannot be read, is silent, or is under a second long.
    """
    blocks = stream(
        path, rate_hz=LISTENING_RATE_HZ, mono=True, start_s=start_s, duration_s=duration_s
    )
    return _listen(blocks, str(path))


def _listen(blocks: Iterator[Sound], name: str) -> Listening:
    """Every listener hears every block of mono sound once."""
    ear = _Ear()
    for block in blocks:
        ear.feed(block[0])
    duration_s = ear.heard / LISTENING_RATE_HZ
    if duration_s < _SHORTEST_S:
        raise BadInput(
            f"{name} lasts {duration_s:.2f} s. Give at least {_SHORTEST_S:.0f} s of music."
        )
    loudness = ear.loudness.finish()
    if loudness.lufs <= SILENCE_LUFS:
        raise BadInput(f"{name} is silent. Check the recording, or leave it out.")
    return _conclude(ear, loudness, duration_s)


class _Ear:
    """The listeners, and the spectra that they share."""

    def __init__(self) -> None:
        self.heard = 0
        self.loudness = LoudnessListener(LISTENING_RATE_HZ)
        self.onsets = tempo.OnsetListener()
        self.timbre = tags.TimbreListener()
        self.chroma = keys.ChromaListener()
        self._framer = Framer(tempo.FRAME_SIZE, tempo.FRAME_HOP)
        self._window = hann(tempo.FRAME_SIZE)

    def feed(self, block: Floats) -> None:
        """Hear a block (S,) at `LISTENING_RATE_HZ`."""
        self.heard += len(block)
        self.loudness.feed(block)
        self.chroma.feed(block)
        magnitudes(self._framer.feed(block), self._window, self._spectra)

    def finish(self) -> None:
        """Hear the last, incomplete frames."""
        magnitudes(self._framer.finish(), self._window, self._spectra)

    def _spectra(self, spectra: Floats) -> None:
        self.onsets.hear(spectra)
        self.timbre.hear(spectra)


def _conclude(ear: _Ear, loudness: Loudness, duration_s: float) -> Listening:
    """From what the listeners collected to what a person would call it."""
    ear.finish()
    flux = ear.onsets.finish()  # (F, bands)
    treble, bass = ear.chroma.finish()  # (F', 12) each
    curve = tempo.onset_curve(flux)
    pace = tempo.estimate_tempo(flux)
    beats = tempo.track_beats(curve, pace.bpm) if pace else np.zeros(0)
    beats = tempo.settle_phase(beats, flux, partial(keys.harmony_change, treble))
    downbeats, bar, bar_confidence = tempo.find_downbeats(
        beats, flux, keys.harmony_change(treble, beats), keys.harmony_change(bass, beats)
    )
    key = keys.estimate_key(treble, bass)
    facts = tags.Facts(
        timbre=ear.timbre.finish(),
        flux=flux,
        treble=treble,
        bpm=pace.bpm if pace else 0.0,
        minor=bool(key and key.name.endswith("minor")),
        loudness=loudness,
    )
    heard = tags.name(facts)
    confidence = {
        "bpm": pace.confidence if pace else 0.0,
        "downbeats": bar_confidence if pace else 0.0,
        "key": key.confidence if key else 0.0,
        **heard.confidence,
    }
    confidence["description"] = min(confidence[part] for part in ("genre", "mood", "instruments"))
    return Listening(
        duration_s=duration_s,
        bpm=pace.bpm if pace else None,
        bpm_alternatives=pace.alternatives if pace else (),
        beats=beats[beats < duration_s],
        downbeats=downbeats[downbeats < duration_s],
        beats_per_bar=bar,
        key=key.name if key else None,
        energy=heard.energy,
        genre=heard.genre,
        mood=heard.mood,
        instruments=heard.instruments,
        description=describe(heard, pace.bpm if pace else None, key.name if key else None),
        loudness_lufs=loudness.lufs,
        levels_db=loudness.levels_db,
        confidence={name: round(float(value), 3) for name, value in confidence.items()},
    )


def describe(heard: tags.Names, bpm: float | None, key: str | None) -> str:
    """One sentence for the metadata table, such as a person would write."""
    pace = "" if bpm is None else f" at {bpm:.0f} BPM"
    mode = "" if key is None else f" in {key}"
    players = _joined(heard.instruments)
    with_players = f", with {players}" if players else ""
    sentence = f"{heard.mood} {heard.genre}{mode}{pace}{with_players}, {heard.energy} energy"
    return sentence[:1].upper() + sentence[1:]


def _joined(names: tuple[str, ...]) -> str:
    """Names as English lists them."""
    if len(names) < 2:
        return "".join(names)
    return ", ".join(names[:-1]) + " and " + names[-1]
