from pathlib import Path

import numpy as np
import pytest

from angen.audio.quality import Fault, check, check_file
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
