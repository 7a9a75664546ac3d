"""What is wrong with a recording as training material, before it costs hours."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from angen.audio.files import Sound, probe, stream
from angen.errors import BadInput

SHORTEST_S = 1.0
_SILENT_PEAK = 10 ** (-60 / 20)
_QUIET_DB = -45.0
_CLIP_LEVEL = 0.999
_CLIP_RUN = 3  # full-scale samples in a row: one alone may be honest
_CLIP_SHARE = 1e-4
_DC_SHARE = 0.1
_SILENT_SHARE = 0.5


class Fault(StrEnum):
    """Kinds of finding."""

    NOT_NUMBERS = "not_numbers"
    TOO_SHORT = "too_short"
    SILENT = "silent"
    TRUNCATED = "truncated"
    MOSTLY_SILENT = "mostly_silent"
    CLIPPED = "clipped"
    OFFSET = "offset"
    QUIET = "quiet"
    ONE_SIDED = "one_sided"
    LOW_RATE = "low_rate"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing found. A fatal one makes the recording useless; others are worth a look."""

    fault: Fault
    fatal: bool
    message: str  # what, how much, and the remedy


class Meter:
    """Takes the measures of a stream of blocks (channels, n)."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._samples = self._bad = self._clipped = self._silent = 0
        self._peak = 0.0
        self._sums: NDArray[np.float64] = np.zeros(0)
        self._squares: NDArray[np.float64] = np.zeros(0)

    def feed(self, block: Sound) -> None:
        """Measure a block; samples that are not numbers count once and then as silence."""
        numbers = np.isfinite(block)
        if not numbers.all():
            self._bad += int(np.count_nonzero(~numbers))
            block = np.where(numbers, block, np.float32(0))
        if len(self._sums) != len(block):
            self._sums, self._squares = np.zeros(len(block)), np.zeros(len(block))
        size = np.abs(block)
        self._samples += block.shape[1]
        self._peak = max(self._peak, float(size.max(initial=0)))
        self._silent += int(np.count_nonzero(size.max(axis=0, initial=0) < _SILENT_PEAK))
        self._clipped += _runs(size >= _CLIP_LEVEL)
        self._sums += block.sum(axis=1, dtype=np.float64)
        self._squares += (block.astype(np.float64) ** 2).sum(axis=1)

    def findings(self) -> list[Finding]:
        """What was found, the fatal first."""
        seconds = self._samples / self._rate_hz
        fatal = self._fatal(seconds)
        return fatal if fatal else self._doubts()

    def _fatal(self, seconds: float) -> list[Finding]:
        found = []
        if self._bad:
            text = f"{self._bad} samples are not numbers (NaN or infinite)"
            found.append((Fault.NOT_NUMBERS, f"{text}. Export it again as 24-bit WAV or FLAC."))
        if seconds < SHORTEST_S:
            text = f"it lasts {seconds:.2f} s, too short to learn from"
            found.append((Fault.TOO_SHORT, f"{text}. Give {SHORTEST_S:.0f} s at the least."))
        elif self._peak < _SILENT_PEAK:
            found.append((Fault.SILENT, "it is silent. Check the recording, or leave it out."))
        return [Finding(fault=fault, fatal=True, message=text) for fault, text in found]

    def _doubts(self) -> list[Finding]:
        count = max(1, self._samples)
        rms = np.sqrt(self._squares / count)  # (channels,)
        level_db = 20 * float(np.log10(rms.max() + 1e-9))
        offset = float(np.max(np.abs(self._sums / count) / (rms + 1e-9)))
        clipped = self._clipped / (count * len(rms))
        silent = self._silent / count
        half = self._rate_hz // 2
        checks = {
            f"{clipped:.2%} of its samples are clipped. Use a master with headroom.": (
                Fault.CLIPPED,
                clipped > _CLIP_SHARE,
            ),
            f"{silent:.0%} of it is silence. Trim it.": (
                Fault.MOSTLY_SILENT,
                silent > _SILENT_SHARE,
            ),
            f"it is very soft ({level_db:.0f} dB). Raise its level.": (
                Fault.QUIET,
                level_db < _QUIET_DB,
            ),
            f"its wave is off centre by {offset:.0%} of its level. Remove the DC offset.": (
                Fault.OFFSET,
                offset > _DC_SHARE,
            ),
            "only one of its two channels sounds. Export it as mono.": (
                Fault.ONE_SIDED,
                len(rms) == 2 and bool(rms.min() < 0.01 * rms.max()),
            ),
            f"at {self._rate_hz} Hz all above {half} Hz is missing. Find a better copy.": (
                Fault.LOW_RATE,
                half < 8_000,
            ),
        }
        return [
            Finding(fault=fault, fatal=False, message=text)
            for text, (fault, there) in checks.items()
            if there
        ]


def check(samples: Sound, rate_hz: int) -> list[Finding]:
    """Findings about samples (channels, n) or (n,), the fatal first; empty when all is well."""
    return measure([np.atleast_2d(samples)], rate_hz)


def measure(blocks: Iterable[Sound], rate_hz: int) -> list[Finding]:
    """Findings about a stream of blocks (channels, n)."""
    meter = Meter(rate_hz)
    for block in blocks:
        meter.feed(block)
    return meter.findings()


def check_file(path: Path) -> list[Finding]:
    """Findings about a file that can be used, in bounded memory.

    Raises BadInput, naming the file and the remedy, for one that cannot be.
    """
    info = probe(path)
    found = measure(stream(path), info.rate_hz)
    fatal = [finding.message for finding in found if finding.fatal]
    if fatal:
        raise BadInput(f"{path}: {' Also, '.join(fatal)}")
    if info.warning:
        found.insert(0, Finding(fault=Fault.TRUNCATED, fatal=False, message=info.warning))
    return found


def _runs(full: NDArray[np.bool_]) -> int:
    """How many of full (channels, n) are in runs of `_CLIP_RUN` or more."""
    edges = np.diff(np.pad(full, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    lengths = np.nonzero(edges < 0)[1] - np.nonzero(edges > 0)[1]
    return int(lengths[lengths >= _CLIP_RUN].sum())
