"""All that is heard in a recording: the metadata table of a training set, filled in by machine.

Each answer comes with a confidence from 0 to 1, so that a person knows where to look again.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from angen.audio import key as keys
from angen.audio import tags, tempo
from angen.audio.beats import Bars, find_bars, one_pulse
from angen.audio.description import describe, is_sure
from angen.audio.files import Sound, resampled, stream, to_mono
from angen.audio.loudness import SILENCE_LUFS, LoudnessListener
from angen.audio.quality import SHORTEST_S
from angen.audio.signal import LISTENING_RATE_HZ, Floats, Framer, hann, magnitudes
from angen.audio.tags import Energy
from angen.audio.timbre import Facts, TimbreListener
from angen.errors import BadInput

BEATS_EAR = 2  # to be raised when `beats_of` hears otherwise: beats that are kept are heard anew
_SURE, _SURE_OF_BARS = 0.5, 0.6  # confidences below which no beats are told


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
    return _listen(_mono(samples, rate_hz), "This recording")


def facts_of(samples: Sound, rate_hz: int) -> Facts:
    """What the names of `listen` are drawn from, for those who fit or study them."""
    return _conclude(_hear(_mono(samples, rate_hz))).facts


def onsets_and_chroma(samples: Sound, rate_hz: int) -> tuple[Floats, Floats, Floats]:
    """Onset strength (F, 4), and chroma (F', 12) of all and of the bass, for those who fit."""
    ear = _hear(_mono(samples, rate_hz))
    ear.finish()
    return ear.onsets.finish(), *ear.chroma.finish()


def _mono(samples: Sound, rate_hz: int) -> Iterator[Sound]:
    """Samples (channels, n) or (n,) as blocks (1, n) at `LISTENING_RATE_HZ`."""
    if not np.isfinite(samples).all():
        raise ValueError("samples are not all numbers; check them with angen.audio.quality first")
    mono = to_mono(samples)
    if rate_hz == LISTENING_RATE_HZ:
        return iter([mono])
    return resampled(iter([mono]), rate_hz, LISTENING_RATE_HZ)


def beats_of(samples: Sound, rate_hz: int, bpm: float) -> NDArray[np.float64]:
    """Beat times (N,) in seconds, ascending, of music of a known tempo; the first begins a bar.

    None at all, N = 0, where the ear is not sure of pulse and bars, or hears a pulse that is no
    level of ``bpm``: to learn from wrong beats is worse than to learn without.

    Raises ValueError for samples that are not numbers.
    """
    flux, *chroma = onsets_and_chroma(samples, rate_hz)
    heard = tempo.estimate_tempo(flux)
    if heard is None or heard.confidence < _SURE or not one_pulse(heard.bpm, bpm):
        return np.zeros(0)
    pulse = _pulse(flux, replace(heard, bpm=bpm), *chroma)
    if pulse.confidence < _SURE_OF_BARS:
        return np.zeros(0)
    return pulse.beats[pulse.beats >= pulse.downbeats[:1]]


def listen_file(path: Path, *, start_s: float = 0, duration_s: float | None = None) -> Listening:
    """Listen to a file, or to a part of it. Memory stays bounded: hours may be given.

    Raises BadInput where it cannot be read, is silent, or is under a second long.
    """
    blocks = stream(
        path, rate_hz=LISTENING_RATE_HZ, mono=True, start_s=start_s, duration_s=duration_s
    )
    return _listen(blocks, str(path))


def _listen(blocks: Iterator[Sound], name: str) -> Listening:
    """Hear it, refuse what cannot be music, give it names."""
    ear = _hear(blocks)
    duration_s = ear.heard / LISTENING_RATE_HZ
    if duration_s < SHORTEST_S:
        raise BadInput(
            f"{name} lasts {duration_s:.2f} s. Give at least {SHORTEST_S:.0f} s of music."
        )
    heard = _conclude(ear)
    if heard.facts.loudness.lufs <= SILENCE_LUFS:
        raise BadInput(f"{name} is silent. Check the recording, or leave it out.")
    return _named(heard, duration_s)


def _hear(blocks: Iterator[Sound]) -> "_Ear":
    """Every listener hears every block of mono sound once."""
    ear = _Ear()
    for block in blocks:
        ear.feed(block[0])
    return ear


class _Ear:
    """The listeners, and the spectra that they share."""

    def __init__(self) -> None:
        self.heard = 0
        self.loudness = LoudnessListener(LISTENING_RATE_HZ)
        self.onsets = tempo.OnsetListener()
        self.timbre = TimbreListener()
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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Heard:
    """What the listeners found, before it is given names."""

    pace: tempo.Tempo | None
    pulse: Bars
    key: keys.Key | None
    facts: Facts


def _conclude(ear: _Ear) -> _Heard:
    """From what the listeners collected to tempo, beats, bars and key."""
    ear.finish()
    flux = ear.onsets.finish()  # (F, bands)
    treble, bass = ear.chroma.finish()  # (F', 12) each
    pace = tempo.estimate_tempo(flux)
    pulse = _pulse(flux, pace, treble, bass)
    key = keys.estimate_key(treble, bass)
    facts = Facts(
        timbre=ear.timbre.finish(),
        flux=flux,
        treble=treble,
        change=_mean_change(treble, pulse.beats),
        bpm=pace.bpm if pace else 0.0,
        triple=pulse.beats_per_bar == 3,
        minor=bool(key and key.name.endswith("minor")),
        loudness=ear.loudness.finish(),
    )
    return _Heard(pace=pace, pulse=pulse, key=key, facts=facts)


def _pulse(flux: Floats, pace: tempo.Tempo | None, treble: Floats, bass: Floats) -> Bars:
    """Beats and bars of onset strength (F, 4) and chroma (F', 12) at a tempo; none without one."""
    if pace is None:
        return Bars(beats=np.zeros(0), downbeats=np.zeros(0), beats_per_bar=4, confidence=0.0)
    changes = (partial(keys.harmony_change, treble), partial(keys.harmony_change, bass))
    return find_bars(flux, pace, changes)


def _mean_change(treble: Floats, beats: NDArray[np.float64]) -> float:
    """How much the harmony changes from beat to beat, 0..1."""
    if len(beats) < 2:
        return 0.0
    return float(keys.harmony_change(treble, beats, float(np.median(np.diff(beats)))).mean())


def _named(heard: _Heard, duration_s: float) -> Listening:
    """What was heard, in the words of the metadata table."""
    names = tags.name(heard.facts)
    pace, pulse, key = heard.pace, heard.pulse, heard.key
    bpm, key_name = pace.bpm if pace else None, key.name if key else None
    confidence = {
        "bpm": pace.confidence if pace else 0.0,
        "downbeats": pulse.confidence if pace else 0.0,
        "key": key.confidence if key else 0.0,
        **names.confidence,
    }
    confidence["description"] = min(confidence[part] for part in ("genre", "mood", "instruments"))
    return Listening(
        duration_s=duration_s,
        bpm=bpm,
        bpm_alternatives=pace.alternatives if pace else (),
        beats=pulse.beats[pulse.beats < duration_s],
        downbeats=pulse.downbeats[pulse.downbeats < duration_s],
        beats_per_bar=pulse.beats_per_bar,
        key=key_name,
        energy=names.energy,
        genre=names.genre,
        mood=names.mood,
        instruments=names.instruments,
        description=describe(
            genre=names.genre if is_sure(confidence, "genre") else "",
            mood=names.mood if is_sure(confidence, "mood") else "",
            instruments=names.instruments if is_sure(confidence, "instruments") else (),
            energy=names.energy if is_sure(confidence, "energy") else None,
            bpm=bpm if is_sure(confidence, "bpm") else None,
            key=key_name if is_sure(confidence, "key") else None,
        ),
        loudness_lufs=heard.facts.loudness.lufs,
        levels_db=heard.facts.loudness.levels_db,
        confidence={name: round(float(value), 3) for name, value in confidence.items()},
    )
