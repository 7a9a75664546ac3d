"""What the DiT of ``mini`` learns from: latents, style vectors, tags. ``python -m mini.latents``.

A clip begins where a bar does, to the nearest frame: then the place in a clip of a steady piece and
the tempo in the prompt say where every beat falls, and a song's first two seconds are not a guess.

Shapes: P pieces, N latent frames, C latent channels, K wordings, W windows, E = 512.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from angen.conditioning.codes import text_codes
from angen.conditioning.instruments import instrument_code
from angen.conditioning.style import StyleEncoder
from angen.conditioning.tags import STOP, STRUCTURE_TAGS
from angen.conditioning.telling import clip_line
from angen.diffrhythm.objective import Batch, add_end
from angen.files import replacing
from mini.compose.form import BEATS
from mini.heard import Halves, Heard, fingerprint
from mini.loop import WORK
from mini.material import Entry
from mini.style import caption, judged, trained

log = logging.getLogger(__name__)
WORDINGS = 12  # prompts drawn for each piece
WINDOWS = 3  # stretches of each piece whose sound gives a style vector
FROM_WORDS = 0.75  # of the style vectors
TO_THE_END = 0.5  # of the clips of a piece that ends come to its end, where their length allows
NO_TAGS = 0.4  # of the other clips
NO_TIMELINE = 0.2  # of all clips
EARLY_S, LATE_S = 0.01, 0.09  # where in its first frame a clip's first bar may begin
RECORDED = 0.4  # of all clips
TEXT_TOKENS = 10  # longest list of tags, with a stop after each


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A clip of a piece."""

    latents: Tensor  # (N, C)
    tags: list[str]  # what its lyrics say
    first: int  # frame of the piece with which it begins
    ends: bool  # whether it comes to the end of the piece


@dataclass(frozen=True, kw_only=True)
class Latents:
    """A pool as the DiT sees it."""

    frames: Halves  # (sum of N, C), piece after piece
    starts: list[int]  # (P + 1) where each piece begins in ``frames``, and the end
    text: Tensor  # (P, K, E) float16, style vectors of captions
    sound: Tensor  # (P, W, E) float16, style vectors of stretches
    entries: list[Entry]

    def clip(self, piece: int, first: int, count: int) -> Tensor:
        """Frames (count, C) of a piece, float32."""
        start = self.starts[piece] + first
        return torch.from_numpy(np.array(self.frames[start : start + count], np.float32))


def cached(name: str, style: StyleEncoder) -> Latents:
    """A pool with its style vectors, from disk if the same encoder made them before."""
    heard = Heard(name)
    path = WORK / "latents" / f"{name}-{len(heard.entries)}-{_fingerprint(style, heard.entries)}.pt"
    if not path.exists():
        with replacing(path) as beside:
            torch.save(_vectors(heard, style), beside)
    vectors = torch.load(path, weights_only=True)
    return Latents(
        frames=heard.latents, starts=heard.latent_starts, entries=heard.entries, **vectors
    )


def learned(style: StyleEncoder) -> list[Latents]:
    """The pools that the DiT learns from: composed and recorded."""
    return [cached(name, style) for name in ("train", "real")]


def _fingerprint(style: StyleEncoder, entries: Sequence[Entry]) -> str:
    """A few letters that change with the encoder, and with what is read from the captions.

    Rounded: numbers next to nothing are nothing in a training, which flushes them to zero.
    """
    read = [
        torch.cat([instrument_code(text), *text_codes(text)]).mul(1e4).round()
        for entry in entries
        for text in entry.captions
    ]
    return fingerprint(style, nn.ParameterList(read))


@torch.no_grad()
def _vectors(heard: Heard, style: StyleEncoder) -> dict[str, Tensor]:
    rng = np.random.default_rng(0)
    text, sound = [], []
    for number, entry in enumerate(heard.entries):
        text.append(style.embed_text([caption(entry, rng) for _ in range(WORDINGS)]).half())
        crops = [heard.crop(number, 12 * heard.rate_hz, rng) for _ in range(WINDOWS)]
        sound.append(judged(style, torch.from_numpy(np.stack(crops)).float()).half())
    return {"text": torch.stack(text), "sound": torch.stack(sound)}


def bar_starts(entry: Entry, frames: int, rate_hz: float) -> list[int]:
    """Frames of a piece of ``frames`` in which a bar begins, not long after the frame does.

    All, where nobody knows the beats. A composed piece begins with a bar.
    """
    if not entry.beats:
        return list(range(frames))
    bars_s = np.array(entry.beats[:: BEATS[str(entry.labels["meter"])]])
    within_s = bars_s % (1 / rate_hz)
    at = bars_s[(within_s > EARLY_S) & (within_s < LATE_S)] * rate_hz
    first = 0 if entry.beats[0] < LATE_S else 1
    return [0] * (1 - first) + [int(frame) for frame in at if 1 <= frame < frames]


def sections_in(entry: Entry, start_s: float, stop_s: float) -> list[str]:
    """Tags of the sections of which more than a second lies between the two times."""
    return [
        str(tag)
        for tag, begins_s, ends_s in entry.labels.get("sections", ())
        if begins_s < stop_s - 1 and ends_s > start_s + 1
    ]


def tag_tokens(tags: list[str]) -> list[int]:
    """Structure tags as lyrics without words."""
    return [token for tag in tags for token in (STRUCTURE_TAGS[f"[{tag}]"], STOP)]


def _tags(
    entry: Entry, start_s: float, stop_s: float, ends: bool, rng: np.random.Generator
) -> list[str] | None:
    """What the lyrics of a clip say, often nothing; None for a clip that must not be learned.

    An outro is named in every clip that ends, and in no other: it is what makes a song end.
    """
    tags = sections_in(entry, start_s, stop_s)
    if ends:
        named = [tag for tag in tags if tag != "outro"]
        return [*named[-3:], "outro", *(["end"] if rng.random() < 0.5 else [])]
    if "outro" in tags:
        return None
    if rng.random() < NO_TAGS:
        return []
    return [*(["start"] if start_s == 0 and rng.random() < 0.3 else []), *tags[:4]]


def _clip(
    pool: Latents, i: int, size: int, block: int, rate_hz: float, rng: np.random.Generator
) -> Stretch | None:
    """A stretch of ``size`` frames of piece i, or None where there is none."""
    entry, length = pool.entries[i], pool.starts[i + 1] - pool.starts[i]
    starts = bar_starts(entry, length, rate_hz)
    if entry.ends and rng.random() < TO_THE_END:
        fitting = [first for first in starts if size - block <= length - first < size]
        if not fitting:
            return None
        first = fitting[int(rng.integers(len(fitting)))]
        tags = _tags(entry, first / rate_hz, length / rate_hz, True, rng)
        latents = add_end(pool.clip(i, first, length - first), block)
        return Stretch(latents=latents, tags=tags or [], first=first, ends=True)
    fitting = [first for first in starts if first + size <= length]
    if not fitting:
        return None
    first = fitting[0 if rng.random() < 0.3 else int(rng.integers(len(fitting)))]
    found = _tags(entry, first / rate_hz, (first + size) / rate_hz, False, rng)
    if found is None:
        return None
    return Stretch(latents=pool.clip(i, first, size), tags=found, first=first, ends=False)


def _line(pool: Latents, i: int, clip: Stretch, vector: Tensor, rate_hz: float) -> Tensor:
    """What frames of a stretch of piece i add to its vector (E,): (N, E).

    The true beats, so that a piece which slows down tells where it does; its end only where the
    stretch comes to it.
    """
    count = len(clip.latents) + 1
    times_s = torch.arange(clip.first, clip.first + count, dtype=torch.float64) / rate_hz
    end_s = (pool.starts[i + 1] - pool.starts[i]) / rate_hz if clip.ends else None
    beats_s = torch.tensor(pool.entries[i].beats, dtype=torch.float64)
    return clip_line(vector, times_s, beats_s=beats_s, end_s=end_s)


def draw(
    pools: Sequence[Latents],
    clips: int,
    blocks: int,
    block: int,
    rate_hz: float,
    rng: np.random.Generator,
) -> Batch:
    """A batch of stretches, each of ``blocks`` whole blocks, of composed and recorded music.

    Some come to the end of a piece, and close with end marks. The style vector is that of a
    caption or of a stretch of the same piece, in turns. Most have the timeline of their piece, and
    with it key and instruments told louder.
    """
    latents: list[Tensor] = []
    styles: list[Tensor] = []
    lines: list[Tensor] = []
    texts: list[list[int]] = []
    while len(latents) < clips:
        pool = pools[int(rng.random() < RECORDED)]
        i = int(rng.integers(len(pool.entries)))
        found = _clip(pool, i, blocks * block, block, rate_hz, rng)
        if found is None:
            continue
        latents.append(found.latents)
        texts.append(tag_tokens(found.tags)[:TEXT_TOKENS])
        timed = rng.random() >= NO_TIMELINE
        vectors = pool.text[i] if rng.random() < FROM_WORDS else pool.sound[i]
        style = vectors[int(rng.integers(len(vectors)))].float()
        lines.append(_line(pool, i, found, style, rate_hz) * timed)
        styles.append(style)
    text = torch.zeros(clips, TEXT_TOKENS, dtype=torch.long)  # one shape for the compiler
    for row, tokens in zip(text, texts, strict=True):
        row[: len(tokens)] = torch.tensor(tokens, dtype=torch.long)
    return Batch(
        text=text,
        text_lengths=torch.tensor([len(tokens) for tokens in texts]),
        latents=torch.stack(latents),
        frames=torch.full((clips,), blocks * block),
        style=torch.stack(styles),
        timeline=torch.stack(lines),
    )


def main() -> None:
    """Command line: style vectors before the training, so that its processes need not."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    for pool in learned(trained()):
        log.info("%d pieces, %d frames", len(pool.entries), len(pool.frames))


if __name__ == "__main__":
    main()
