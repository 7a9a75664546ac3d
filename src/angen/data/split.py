"""Which clips are kept aside: whole songs only, so that no song is on both sides."""

import hashlib
import math
from collections import Counter
from collections.abc import Sequence

from angen.data.manifest import Clip

NOTE_ONE_SONG = (
    "All clips come from one song, and clips of one song never go on both sides: nothing is kept "
    "aside, so validation and the effect report cannot judge this training. Add a second song."
)


def assign_split(clips: Sequence[Clip], fraction: float = 0.1, seed: int = 0) -> list[Clip]:
    """``clips`` in their order, each with its side; about ``fraction`` of them for validation.

    Songs are taken in an order drawn from ``seed`` and the songs' names, as long as they fit.
    Should none fit, the smallest song is kept aside, so that two songs always give both sides. One
    song alone trains whole: see ``NOTE_ONE_SONG``.

    Raises ValueError unless 0 <= fraction < 1.
    """
    if not 0 <= fraction < 1:
        raise ValueError(f"fraction={fraction}: the share kept aside is from 0 to below 1")
    aside = _songs_aside(Counter(clip.song for clip in clips), fraction, seed)
    return [
        clip.model_copy(update={"split": "validation" if clip.song in aside else "train"})
        for clip in clips
    ]


def _songs_aside(sizes: Counter[str], fraction: float, seed: int) -> set[str]:
    if len(sizes) < 2 or fraction == 0:
        return set()
    order = sorted(sizes, key=lambda song: hashlib.sha256(f"{seed}/{song}".encode()).digest())
    room = math.floor(fraction * sizes.total() + 0.5)
    aside: set[str] = set()
    for song in order:
        if sizes[song] <= room and len(aside) < len(sizes) - 1:
            aside.add(song)
            room -= sizes[song]
    return aside or {min(order, key=lambda song: sizes[song])}
