"""Did the adapter learn a style, or a song? The closest match of a song to each training clip.

Shapes: S samples, B quarter tones, F frames of a picture, W frames of a window, M windows, K
frequencies of the transform along time, P pieces of training clips, N places within a piece.

A sound becomes a picture of how its pitches move: each quarter tone against the usual magnitude
around it, as log(1 + ratio), so that what lies below (noise, other music) hardly counts; less the
mean of its neighbours in pitch (an equaliser, a drum) and in time (a held note, a hum). Windows of
a song are laid over the pictures of all clips at every place, at seven tempos and nine pitches. The
match is the cosine of both: 1 for a copy, near 0.1 for other music; silence matches nothing.

`benchmarks/memorisation.py` measures what is found after which change of the sound.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from torch import Tensor
from torch.nn import functional

from angen.audio.signal import local_mean
from angen.mel import LogMel

RATE_HZ, HOP, FFT = 8_000, 400, 2_048
FRAMES_HZ = RATE_HZ / HOP
LOWEST, BANDS = 34, 108  # quarter tones above 55 Hz: from 147 Hz to 3.3 kHz
AROUND_BANDS = 8  # standard deviation, in quarter tones, of what counts as near in pitch
LOUDNESS_S, MOVEMENT_S = 3.0, 1.0  # what counts as near in time
TEMPOS = tuple(percent / 100 for percent in range(94, 107, 2))  # of the clip; the song's is 1
SHIFT = 4  # quarter tones, to either side
STILL = 0.3  # of the clips' typical movement; windows below it are nearly silent
STEP_S = 2.0  # from one window of a song to the next
PIECE = 512  # frames of a clip transformed at once
TOGETHER = 64  # pieces compared at once; bounds memory on large training sets


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """Where a song comes closest to one clip."""

    clip: int  # which
    similarity: float  # 1 for an exact copy
    start_s: float = 0.0  # of the window in the song
    clip_s: float = 0.0  # of the window in the clip


@dataclass(frozen=True, kw_only=True)
class _Pieces:
    """Stretches of clips, ready to be searched."""

    places: list[tuple[int, int]]  # of each piece: its clip, and the frame that it starts at
    spectra: Tensor  # (K, B, P) complex
    levels: Tensor  # (2 SHIFT + 1, P, N) of what a window covers, for each pitch


def picture(sound: NDArray[np.float32], rate_hz: int) -> Tensor:
    """How the pitches of a sound (S,) move: (B, F), whatever its level."""
    heard = soxr.resample(sound.astype(np.float32), rate_hz, RATE_HZ)
    level = float(np.sqrt(np.mean(np.square(heard, dtype=np.float64)))) if len(heard) else 0.0
    if level == 0:
        return torch.zeros(BANDS, max(1, len(heard) // HOP))
    log = _quarter_tones()(torch.from_numpy(heard / np.float32(level))[None])[0, LOWEST:]
    bands = log.exp().numpy()  # (B, F) magnitudes
    bands = np.log1p(bands / _over_time(_over_pitch(bands), LOUDNESS_S))
    bands = bands - _over_pitch(bands)
    return torch.from_numpy(bands - _over_time(bands, MOVEMENT_S))


def _over_pitch(bands: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean over neighbours in pitch."""
    mean: NDArray[np.float32] = gaussian_filter1d(bands, AROUND_BANDS, axis=0, mode="nearest")
    return mean


def _over_time(bands: NDArray[np.float32], seconds: float) -> NDArray[np.float32]:
    """Mean over neighbours in time."""
    return local_mean(bands.T, round(seconds * FRAMES_HZ)).T


def matches(songs: Sequence[Tensor], clips: Sequence[Tensor], window_s: float) -> list[list[Match]]:
    """The closest match of each song to each clip, all given by their pictures (B, F).

    window_s: how long a stretch is compared. A shorter copy counts less.

    Raises ValueError when there is no clip.
    """
    if not clips:
        raise ValueError("memorisation needs training clips to compare with")
    window = round(window_s * FRAMES_HZ)
    beside = [functional.pad(clip, (window // 3, window // 3)) for clip in clips]
    usual = torch.cat([_levels(clip, window)[SHIFT] for clip in beside]).median()
    floor = max(STILL * float(usual), 1e-6)
    best = [[Match(clip=index, similarity=0.0) for index in range(len(clips))] for _ in songs]
    for pieces in _pieces(beside, window, floor):
        for found, song in zip(best, songs, strict=True):
            for match in _search(song, pieces, window, floor):
                if match.similarity > found[match.clip].similarity:
                    found[match.clip] = match
    return best


@cache
def _quarter_tones() -> LogMel:
    return LogMel(
        rate_hz=RATE_HZ,
        fft_samples=FFT,
        hop_samples=HOP,
        bands=LOWEST + BANDS,
        quarter_tones=True,
    )


def _levels(clip: Tensor, window: int) -> Tensor:
    """Length of what a window covers at each place of ``clip`` (B, F): (2 SHIFT + 1, N).

    The window is as high as the picture less SHIFT at both ends, and lies at each pitch once.
    """
    missing = max(0, window - clip.shape[1])
    squares = functional.pad(clip.double() ** 2, (1, missing)).cumsum(1)
    covered = squares[:, window:] - squares[:, :-window]  # (B, N)
    height = BANDS - 2 * SHIFT
    return covered.unfold(0, height, 1).sum(2).clamp_min(0).sqrt().float()


def _pieces(clips: Sequence[Tensor], window: int, floor: float) -> Iterator[_Pieces]:
    """All clips in stretches of PIECE frames that overlap by a window, TOGETHER at a time."""
    step = PIECE - window + 1
    places = [
        (index, start)
        for index, clip in enumerate(clips)
        for start in range(0, max(1, clip.shape[1] - window + 1), step)
    ]
    for first in range(0, len(places), TOGETHER):
        some = places[first : first + TOGETHER]
        cut = [clips[index][:, start : start + PIECE] for index, start in some]
        full = torch.stack([functional.pad(part, (0, PIECE - part.shape[1])) for part in cut])
        yield _Pieces(
            places=some,
            spectra=torch.fft.rfft(full).permute(2, 1, 0).contiguous(),
            levels=torch.stack([_levels(part, window) for part in full], 1).clamp_min(floor),
        )


def _search(song: Tensor, pieces: _Pieces, window: int, floor: float) -> Iterator[Match]:
    """For each tempo, pitch and piece the closest place."""
    height, places = BANDS - 2 * SHIFT, PIECE - window + 1
    for tempo in TEMPOS:
        starts, windows = _windows(song, tempo, window, floor)
        asked = torch.fft.rfft(windows, n=PIECE).permute(2, 0, 1).conj().resolve_conj().contiguous()
        for shift in range(2 * SHIFT + 1):
            products = asked @ pieces.spectra[:, shift : shift + height]  # (K, M, P)
            similar = torch.fft.irfft(products.permute(2, 1, 0), n=PIECE)[..., :places]
            similar = similar / pieces.levels[shift][:, None]  # (P, M, N)
            highest, at = similar.flatten(1).max(1)
            for (clip, before), value, place in zip(
                pieces.places, highest.tolist(), at.tolist(), strict=True
            ):
                frame = before + place % places - window // 3
                yield Match(
                    clip=clip,
                    similarity=value,
                    start_s=starts[place // places] * tempo / FRAMES_HZ,
                    clip_s=max(0, frame) / FRAMES_HZ,
                )


def _windows(song: Tensor, tempo: float, window: int, floor: float) -> tuple[list[int], Tensor]:
    """Where windows start in ``song`` (B, F) at this tempo, and they themselves at length 1.

    Those of a song that fills no window are shorter: a moment alone is no copy.
    """
    frames = max(1, round(song.shape[1] / tempo))
    played = functional.interpolate(song[None], size=frames, mode="linear")[0, SHIFT:-SHIFT]
    played = functional.pad(played, (0, max(0, window - frames)))
    last = played.shape[1] - window
    starts = sorted({*range(0, last, round(STEP_S * FRAMES_HZ)), last})
    cut = torch.stack([played[:, start : start + window] for start in starts])  # (M, height, W)
    lengths = cut.flatten(1).norm(dim=1).clamp_min(floor) * max(1.0, window / frames) ** 0.5
    return starts, cut / lengths[:, None, None]
