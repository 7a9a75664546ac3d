"""A song written while it is made: 16-bit WAV that others read as it grows (see ``making``)."""

from pathlib import Path
from types import TracebackType
from typing import Self

import torch
from torch import Tensor

from angen.studio.playing.making import header

LOUDEST = 0.99  # of full scale
FULL_SCALE = 32_767
RAMP_S = 0.05  # over which the sound is turned down when it would clip


class GrowingWav:
    """The file of a song in the making. Its header claims ``seconds``; it may end before."""

    def __init__(self, path: Path, seconds: float) -> None:
        self._path = path
        self._seconds = seconds
        self._gain = 1.0
        self._rate_hz = 0
        self._samples = 0
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # who reads an earlier attempt keeps that file
        self._file = path.open("xb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def write(self, sound: Tensor, rate_hz: int) -> float:
        """Append sound (S,); the seconds that are there now.

        The song as a whole is brought under full scale when it is finished; until then, from the
        first moment that would clip on, it is turned down.
        """
        if not self._rate_hz:
            self._rate_hz = rate_hz
            self._file.write(header(rate_hz, round(self._seconds * rate_hz)))
        loud = self._turned_down(sound.float())
        whole = (loud.clamp(-1, 1) * FULL_SCALE).round().to(torch.int16)
        self._file.write(whole.numpy().astype("<i2").tobytes())
        self._file.flush()
        self._samples += len(whole)
        return self._samples / rate_hz

    def _turned_down(self, sound: Tensor) -> Tensor:
        peak = float(sound.abs().max()) if len(sound) else 0.0
        before = self._gain
        if peak * before > LOUDEST:
            self._gain = LOUDEST / peak
        if self._gain == before:
            return sound * before
        ramp = min(len(sound), round(RAMP_S * self._rate_hz))
        gains = torch.full((len(sound),), self._gain)
        gains[:ramp] = torch.linspace(before, self._gain, ramp)
        return sound * gains
