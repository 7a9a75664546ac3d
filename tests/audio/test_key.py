import numpy as np
import pytest

from angen.audio.key import NAMES, ChromaListener, Key, estimate_key, harmony_change
from tests.audio.sounds import MAJOR, MINOR, Sound, chords, sine

RATE = 22_050


def key_of(samples: Sound) -> Key | None:
    listener = ChromaListener()
    listener.feed(samples[0])
    return estimate_key(*listener.finish())


@pytest.mark.parametrize("tonic", range(12))
@pytest.mark.parametrize(("scale", "mode"), [(MAJOR, "major"), (MINOR, "minor")])
def test_each_key_is_found(tonic: int, scale: tuple[int, ...], mode: str) -> None:
    key = key_of(chords(tonic, scale, 8, RATE))
    assert key is not None
    assert key.name == f"{NAMES[tonic]} {mode}"


@pytest.mark.parametrize("cents", [-45, -30, 30, 45])
def test_key_is_found_out_of_tune(cents: float) -> None:
    key = key_of(chords(2, MAJOR, 8, RATE, cents=cents))
    assert key is not None
    assert key.name == "D major"


def test_chroma_of_one_note_is_its_pitch_class() -> None:
    listener = ChromaListener()
    listener.feed(sine(440, 3, RATE)[0])
    treble, bass = listener.finish()
    assert NAMES[int(treble.sum(axis=0).argmax())] == "A"
    assert bass.sum() < 0.01 * treble.sum()


def test_key_of_noise_and_silence() -> None:
    noise = np.random.default_rng(0).standard_normal((1, 8 * RATE)).astype(np.float32)
    key, clear = key_of(noise * 0.1), key_of(chords(0, MAJOR, 8, RATE))
    assert key is not None
    assert clear is not None
    assert key.confidence < 0.5 < clear.confidence
    assert key_of(np.zeros((1, 3 * RATE), np.float32)) is None


def test_harmony_changes_where_the_chord_does() -> None:
    listener = ChromaListener()
    listener.feed(chords(0, MAJOR, 16, RATE, bar_s=2)[0])
    treble, _ = listener.finish()
    times = np.arange(1, 15, 0.5)
    change = harmony_change(treble, times, 0.5)
    at_bars = change[(times % 2 == 0) & (times % 8 != 0)]  # bar 5 repeats the chord of bar 4
    assert at_bars.min() > change[times % 2 == 1].max()
