import numpy as np
import pytest

from angen.audio.signal import Floats, Framer, hann, magnitudes


def framed(samples: Floats, block: int) -> Floats:
    framer = Framer(64, 16)
    parts = [framer.feed(samples[i : i + block]) for i in range(0, len(samples), block)]
    return np.concatenate([*parts, framer.finish()])


@pytest.mark.parametrize("block", [1, 7, 64, 1_000])
def test_frames_do_not_depend_on_how_the_stream_is_cut(block: int) -> None:
    samples = np.arange(1, 1_001, dtype=np.float32)
    assert np.array_equal(framed(samples, block), framed(samples, 10_000))


def test_frame_is_centred_on_its_time_and_every_sample_is_heard() -> None:
    samples = np.arange(1, 1_001, dtype=np.float32)
    frames = framed(samples, 100)
    assert frames[10, 32] == samples[160]
    assert set(samples) <= set(frames.ravel())


def test_magnitude_of_a_sine_is_its_amplitude() -> None:
    rate, size = 8_000, 800
    sine = 0.3 * np.sin(2 * np.pi * 1_000 * np.arange(8_000) / rate).astype(np.float32)
    framer = Framer(size, 400)
    found: list[Floats] = []
    magnitudes(framer.feed(sine), hann(size), found.append)
    spectra = np.concatenate(found)
    assert spectra[5].argmax() * rate / size == 1_000
    assert spectra[5].max() == pytest.approx(0.3, rel=1e-3)
