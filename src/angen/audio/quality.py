"""What is wrong with a recording as training material, before it costs hours."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from angen.audio.files import Sides, Sound, probe, stream
from angen.errors import BadInput

SHORTEST_S = 1.0
_SILENT_PEAK = 10 ** (-60 / 20)
_QUIET_DB = -45.0
_CLIP_LEVEL = 0.999
_CLIP_RUN = 3  # full-scale samples in a row: one alone may be honest
_CLIP_SHARE = 1e-4
_DC_SHARE = 0.1
_FLOATS = ("FLOAT", "DOUBLE", "PCM_F")
_SILENT_SHARE = 0.5
_SILENT_RUN_S = 4.0  # less is a rest, as between the strokes of a drum
_STEEP = 0.002  # how far below full scale a wave that was cut off is one sample before and after


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
    OPPOSITE = "opposite"
    OVER = "over"
    LOW_RATE = "low_rate"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing found. A fatal one makes the recording useless; others are worth a look."""

    fault: Fault
    fatal: bool
    message: str  # what, how much, and the remedy


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What was found in a file, and how its clips have to be scaled to fit into 16 bits."""

    findings: list[Finding]
    gain: float = 1.0


class Meter:
    """Takes the measures of a stream of blocks (channels, n)."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._samples = self._bad = self._clipped = self._silent = self._hush = 0
        self._sides = Sides()
        self.peak = 0.0
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
        self.peak = max(self.peak, float(size.max(initial=0)))
        self._rests(np.flatnonzero(size.max(axis=0, initial=0) >= _SILENT_PEAK), block.shape[1])
        self._clipped += _cut_off(size)
        self._sides.add(block)
        self._sums += block.sum(axis=1, dtype=np.float64)
        self._squares += (block.astype(np.float64) ** 2).sum(axis=1)

    def _rests(self, loud: NDArray[np.int64], size: int) -> None:
        """Count silence that lasts, given which of the next ``size`` samples are none."""
        rests = np.diff(loud, prepend=-1 - self._hush, append=size) - 1
        self._hush = int(rests[-1])  # may go on
        ended = rests[:-1]
        self._silent += int(ended[ended >= _SILENT_RUN_S * self._rate_hz].sum())

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
        elif self.peak < _SILENT_PEAK:
            found.append((Fault.SILENT, "it is silent. Check the recording, or leave it out."))
        return [Finding(fault=fault, fatal=True, message=text) for fault, text in found]

    def _doubts(self) -> list[Finding]:
        count = max(1, self._samples)
        rms = np.sqrt(self._squares / count)  # (channels,)
        level_db = 20 * float(np.log10(rms.max() + 1e-9))
        offset = float(np.max(np.abs(self._sums / count) / (rms + 1e-9)))
        clipped = self._clipped / (count * len(rms))
        rest = self._hush if self._hush >= _SILENT_RUN_S * self._rate_hz else 0
        silent = (self._silent + rest) / count
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
            "its channels cancel each other when mixed to one (opposite phase): the louder one "
            "alone is listened to. Turn the phase of one round and export it again.": (
                Fault.OPPOSITE,
                self._sides.lone is not None,
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
    return measure_file(path).findings


def measure_file(path: Path) -> Measured:
    """The same, and the gain that brings a file with peaks above full scale down to it."""
    info = probe(path)
    meter = Meter(info.rate_hz)
    for block in stream(path):
        meter.feed(block)
    found = meter.findings()
    fatal = [finding.message for finding in found if finding.fatal]
    if fatal:
        raise BadInput(f"{path}: {' Also, '.join(fatal)}")
    if meter.peak > 1 and info.encoding.startswith(_FLOATS):  # nothing is cut off in such a file
        found = [finding for finding in found if finding.fault is not Fault.CLIPPED]
        text = (
            f"it peaks {20 * np.log10(meter.peak):.1f} dB above full scale; its clips are that "
            "much softer, so that nothing is cut off."
        )
        found.append(Finding(fault=Fault.OVER, fatal=False, message=text))
    if info.warning:
        found.insert(0, Finding(fault=Fault.TRUNCATED, fatal=False, message=info.warning))
    return Measured(findings=found, gain=1 / max(1.0, meter.peak))


def _cut_off(size: Sound) -> int:
    """How many of magnitudes (channels, n) are in runs of `_CLIP_RUN` or more at full scale.

    A wave that was cut off comes to its run steeply and leaves it so; a deep note comes slowly.
    """
    edges = np.diff(np.pad(size >= _CLIP_LEVEL, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    channels, starts = np.nonzero(edges > 0)
    ends = np.nonzero(edges < 0)[1]
    around = np.pad(size, ((0, 0), (1, 1)))
    steep = np.maximum(around[channels, starts], around[channels, ends + 1]) < _CLIP_LEVEL - _STEEP
    lengths = ends - starts
    return int(lengths[(lengths >= _CLIP_RUN) & steep].sum())
