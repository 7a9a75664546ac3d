"""What is written is what sounds. Only formula sounds, so that no soundfont is needed."""

import numpy as np
import pytest
from numpy.typing import NDArray

from mini.bank import FOLDER, RATE_HZ, note
from mini.compose.instruments import DRUMS, INSTRUMENTS
from mini.pieces import HELD_OUT_STYLES, STYLES, Piece, piece, stream
from mini.render import CEILING, bent, loudness

FORMULA = [each.name for each in INSTRUMENTS.values() if each.programme < 0]
needs_bank = pytest.mark.skipif(
    not (FOLDER / "bank.json").exists(), reason="no note bank: `python -m mini.bank` records it"
)


def pulse_of(audio: NDArray[np.float32]) -> NDArray[np.float64]:
    """Rises of the loudness, 200 a second."""
    hop = RATE_HZ // 200
    frames = audio[: len(audio) // hop * hop].reshape(-1, hop)
    level = np.log10(1e-3 + np.sqrt((frames.astype(np.float64) ** 2).mean(axis=1)))
    rises = np.maximum(0, np.diff(level))
    return np.asarray(rises - rises.mean())


def autocorrelation(curve: NDArray[np.float64], lag: float) -> float:
    """At the best of the whole lags within 1 % of ``lag``, over that at lag 0."""
    lags = range(int(0.99 * lag), int(1.01 * lag) + 2)
    return max(float((curve[:-k] * curve[k:]).sum()) for k in lags) / float((curve**2).sum())


def check(made: Piece, seconds: float) -> None:
    assert made.audio.dtype == np.float32
    assert np.isfinite(made.audio).all()
    assert 0.1 < np.abs(made.audio).max() <= CEILING
    assert len(made.audio) <= round(seconds * RATE_HZ)
    assert -24 < loudness(made.audio) < -13
    assert abs(float(made.audio.mean())) < 1e-3


@pytest.mark.parametrize("style", HELD_OUT_STYLES)
def test_piece_of_a_held_out_style_is_sound_without_clipping(style: str) -> None:
    check(piece(1, seconds=12, style=style), 12)


@needs_bank
@pytest.mark.parametrize("style", STYLES)
def test_piece_of_a_base_style_is_sound_without_clipping(style: str) -> None:
    check(piece(1, seconds=12, style=style), 12)


@pytest.mark.parametrize("seed", range(3))
def test_piece_pulses_at_its_labelled_tempo(seed: int) -> None:
    made = piece(seed, seconds=16, style="chiptune", ends=False)
    curve = pulse_of(made.audio)
    beat = 200 * 60 / made.labels.bpm
    assert autocorrelation(curve, beat) > 0.1
    assert autocorrelation(curve, beat) > 2 * autocorrelation(curve, 1.13 * beat)


def test_piece_is_loudest_at_the_pitches_of_its_key() -> None:
    made = piece(4, seconds=20, style="music box", ends=False, key="D major")
    spectrum = np.abs(np.fft.rfft(made.audio))
    hz = np.fft.rfftfreq(len(made.audio), 1 / RATE_HZ)
    kept = (hz > 200) & (hz < 2000)
    pitch = np.round(12 * np.log2(hz[kept] / 440) + 69).astype(int) % 12
    chroma = np.bincount(pitch, spectrum[kept], minlength=12)
    loudest = set(np.argsort(chroma)[-5:].tolist())
    assert loudest <= {2, 4, 6, 7, 9, 11, 1}
    assert 2 in loudest


def test_piece_repeats_itself_bit_for_bit() -> None:
    first, second = (piece(9, seconds=6, style="gamelan") for _ in range(2))
    np.testing.assert_array_equal(first.audio, second.audio)
    assert first.labels == second.labels
    assert first.captions == second.captions


def test_piece_has_the_asked_length_when_it_is_cut() -> None:
    made = piece(2, seconds=7.5, style="chiptune", ends=False)
    assert len(made.audio) == 7.5 * RATE_HZ
    assert not made.ends


def test_piece_that_ends_dies_away() -> None:
    for seed in range(4):
        made = piece(seed, seconds=15, style="chiptune", ends=True)
        tail = np.abs(made.audio[-RATE_HZ // 50 :]).max()
        assert tail < 0.05 * np.abs(made.audio).max()


def test_stream_takes_styles_in_turn_and_repeats_itself() -> None:
    def styles(seed: int) -> list[tuple[str, str]]:
        pieces = stream(seed, seconds=4, styles=HELD_OUT_STYLES)
        return [(p.labels.style, p.labels.key) for p, _ in zip(pieces, range(6), strict=False)]

    assert styles(1) == styles(1)
    assert styles(1) != styles(2)
    assert {style for style, _ in styles(1)[:3]} == set(HELD_OUT_STYLES)


@pytest.mark.parametrize("name", FORMULA)
def test_formula_note_sounds_at_its_pitch(name: str) -> None:
    instrument = INSTRUMENTS[name]
    pitch = (instrument.low + instrument.high) // 2
    sound = note(name, pitch).astype(np.float64)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 1 << 18))
    hz = 440 * 2 ** ((pitch - 69) / 12)
    bins = round(hz * (1 << 18) / RATE_HZ)
    near = spectrum[int(bins * 0.98) : int(bins * 1.02) + 2].max()
    assert near > 0.12 * spectrum.max()
    assert np.isfinite(sound).all()


@pytest.mark.parametrize("drum", DRUMS.values(), ids=DRUMS)
def test_noise_kit_has_every_drum(drum: int) -> None:
    assert 0 < np.abs(note("noise", drum)).max() < 4


def test_note_of_a_sampled_instrument_at_another_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="piano is recorded at 24000 Hz"):
        note("piano", 60, 44100)


@pytest.mark.parametrize("rate_hz", [24000, 48000])
def test_loudness_of_a_full_sine_of_997_hz_is_minus_3_lufs(rate_hz: int) -> None:
    t = np.arange(5 * rate_hz) / rate_hz
    sine = np.sin(2 * np.pi * 997 * t).astype(np.float32)
    assert loudness(sine, rate_hz) == pytest.approx(-3.01, abs=0.1)


def test_loudness_of_silence_is_the_floor() -> None:
    assert loudness(np.zeros(RATE_HZ, np.float32)) == -70


def test_bent_leaves_quiet_samples_and_keeps_loud_ones_under_the_ceiling() -> None:
    made = bent(np.linspace(-5, 5, 1001, dtype=np.float32))
    quiet = np.linspace(-0.6, 0.6, 101, dtype=np.float32)
    assert np.abs(made).max() <= CEILING + 1e-6
    assert (np.diff(made) >= 0).all()
    np.testing.assert_array_equal(bent(quiet.copy()), quiet)
