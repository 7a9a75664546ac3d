from pathlib import Path

import numpy as np
import pytest

from angen.audio.quality import Fault, check, check_file, measure_file
from angen.errors import BadInput
from tests.audio.sounds import Sound, sine, write

RATE = 44_100


def faults(samples: Sound, rate_hz: int = RATE) -> list[Fault]:
    return [finding.fault for finding in check(samples, rate_hz)]


def test_a_good_recording_has_no_findings() -> None:
    rng = np.random.default_rng(0)
    assert faults((0.1 * rng.standard_normal((2, 5 * RATE))).astype(np.float32)) == []
    assert faults(sine(440, 5, RATE)) == []


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (np.zeros((2, 5 * RATE), np.float32), Fault.SILENT),
        (sine(440, 0.3, RATE), Fault.TOO_SHORT),
        (np.zeros((1, 0), np.float32), Fault.TOO_SHORT),
        (np.full((1, 5 * RATE), np.nan, np.float32), Fault.NOT_NUMBERS),
        (np.full((1, 5 * RATE), -np.inf, np.float32), Fault.NOT_NUMBERS),
    ],
)
def test_what_cannot_be_learnt_from_is_fatal(samples: Sound, expected: Fault) -> None:
    found = check(samples, RATE)
    assert found[0].fault is expected
    assert all(finding.fatal for finding in found)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (np.clip(4 * sine(440, 5, RATE), -1, 1), Fault.CLIPPED),
        (sine(440, 5, RATE) + 0.3, Fault.OFFSET),
        (0.005 * sine(440, 5, RATE), Fault.QUIET),
        (
            np.concatenate([sine(440, 2, RATE), np.zeros((1, 5 * RATE), np.float32)], axis=1),
            Fault.MOSTLY_SILENT,
        ),
        (
            np.concatenate([sine(440, 5, RATE), np.zeros((1, 5 * RATE), np.float32)]),
            Fault.ONE_SIDED,
        ),
    ],
)
def test_what_is_worth_a_look_is_told(samples: Sound, expected: Fault) -> None:
    found = check(samples, RATE)
    assert expected in [finding.fault for finding in found]
    assert not any(finding.fatal for finding in found)


def test_a_low_sample_rate_is_told() -> None:
    assert faults(sine(440, 5, 8_000), 8_000) == [Fault.LOW_RATE]


def test_full_scale_peaks_alone_are_not_clipping() -> None:
    samples = sine(440, 5, RATE)
    samples[:, ::100] = 1.0
    assert Fault.CLIPPED not in faults(samples)


def test_a_file_that_cannot_be_used_is_named_with_the_reason(tmp_path: Path) -> None:
    silent = write(tmp_path / "quiet room.wav", np.zeros((1, 5 * RATE), np.float32), RATE)
    short = write(tmp_path / "hit.flac", sine(440, 0.3, RATE), RATE)
    with pytest.raises(BadInput, match=r"quiet room\.wav: it is silent"):
        check_file(silent)
    with pytest.raises(BadInput, match=r"hit\.flac: it lasts 0\.30 s"):
        check_file(short)


def test_a_file_without_its_end_is_used_with_a_finding(tmp_path: Path) -> None:
    path = write(tmp_path / "x.wav", sine(440, 5, RATE), RATE)
    path.write_bytes(path.read_bytes()[:-RATE])
    (finding,) = check_file(path)
    assert finding.fault is Fault.TRUNCATED
    assert str(path) in finding.message


@pytest.mark.parametrize("every_s", [0.25, 0.5, 2.0])
def test_drums_alone_are_no_fault(every_s: float) -> None:
    times = np.arange(RATE // 2) / RATE
    drum = np.cos(2 * np.pi * 55 * times) * np.exp(-12 * times)  # at full scale, slowly turning
    samples = np.zeros((1, 20 * RATE), np.float32)
    for at in np.arange(0, 19, every_s):
        start = round(at * RATE)
        samples[0, start : start + len(drum)] += drum[: samples.shape[1] - start]
    assert faults(samples / np.abs(samples).max()) == []


def test_clipped_music_is_told_of_decoded_mp3_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    sound = 0.4 * rng.standard_normal((1, 5 * RATE)) + 1.5 * sine(220, 5, RATE)
    clipped = np.clip(sound, -1, 1).astype(np.float32)
    for name in ("x.wav", "x.mp3"):
        found = [finding.fault for finding in check_file(write(tmp_path / name, clipped, RATE))]
        assert Fault.CLIPPED in found


def test_peaks_above_full_scale_are_told_and_scaled(tmp_path: Path) -> None:
    path = write(tmp_path / "x.wav", 4 * sine(440, 5, RATE), RATE, subtype="FLOAT")
    measured = measure_file(path)
    assert [finding.fault for finding in measured.findings] == [Fault.OVER]
    assert "6.0 dB above full scale" in measured.findings[0].message
    assert measured.gain == pytest.approx(0.5, abs=1e-4)


@pytest.mark.parametrize("other", [-1.0, -0.8])
def test_opposite_phase_is_told(other: float) -> None:
    tone = sine(440, 5, RATE)
    assert faults(np.concatenate([tone, other * tone])) == [Fault.OPPOSITE]
    assert faults(np.concatenate([tone, sine(550, 5, RATE)])) == []
