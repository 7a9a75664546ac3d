"""What the DiT of ``mini`` learns from, made by ``python -m mini.latents``: latents, styles, tags.

Shapes: P pieces, T latent frames, C latent channels, K wordings, W windows, E = 512.
"""

import argparse
import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from angen.conditioning.style import StyleEncoder
from angen.conditioning.tags import STOP, STRUCTURE_TAGS
from angen.diffrhythm.objective import Batch, add_end
from angen.files import replacing
from angen.vocoder.encoder import Encoder
from mini.codec import trained_encoder
from mini.loop import WORK
from mini.material import Entry, Material, open_material
from mini.style import Heard, caption, judged, trained

log = logging.getLogger(__name__)
WORDINGS = 8  # prompts drawn for each piece
WINDOWS = 3  # stretches of each piece whose sound gives a style vector
END_SHARE = 0.15  # of clips that reach the end of their piece


@dataclass(frozen=True, kw_only=True)
class Latents:
    """A pool as the DiT sees it."""

    frames: Tensor  # (sum of T, C) float16, piece after piece
    starts: list[int]  # (P + 1) where each piece begins in ``frames``, and the end
    text: Tensor  # (P, K, E) float16, style vectors of captions
    sound: Tensor  # (P, W, E) float16, style vectors of stretches
    entries: list[Entry]

    def clip(self, piece: int, first: int, count: int) -> Tensor:
        """Frames (count, C) of a piece, float32."""
        start = self.starts[piece] + first
        return self.frames[start : start + count].float()


def cached(name: str, hours: float, encoder: Encoder, style: StyleEncoder) -> Latents:
    """Latents of so much of a pool, from disk if the same networks made them before."""
    material = open_material(name)
    heard = Heard(material, name, hours)
    path = WORK / "latents" / f"{name}-{len(heard.entries)}-{_fingerprint(encoder, style)}.pt"
    if not path.exists():
        _encode(material, heard, path, encoder, style)
    return Latents(entries=heard.entries, **torch.load(path, weights_only=True))


def _fingerprint(*networks: torch.nn.Module) -> str:
    digest = hashlib.sha256()
    for network in networks:
        for weights in network.state_dict().values():
            digest.update(weights.numpy().tobytes())
    return digest.hexdigest()[:12]


@torch.no_grad()
def _encode(
    material: Material, heard: Heard, path: Path, encoder: Encoder, style: StyleEncoder
) -> None:
    rng = np.random.default_rng(0)
    frames, text, sound, starts = [], [], [], [0]
    for number, entry in enumerate(heard.entries):
        wave = torch.from_numpy(material.piece(entry))
        latents = encoder(wave[None, None])[0].T  # (T, C)
        frames.append(latents.half())
        starts.append(starts[-1] + len(latents))
        wordings = [caption(entry, rng) for _ in range(WORDINGS)]
        text.append(style.embed_text(wordings).half())
        crops = [heard.crop(number, 12 * heard.rate_hz, rng) for _ in range(WINDOWS)]
        sound.append(judged(style, torch.from_numpy(np.stack(crops)).float()).half())
        if number % 100 == 0:
            log.info("%d of %d pieces encoded", number, len(heard.entries))
    stored = {
        "frames": torch.cat(frames),
        "starts": starts,
        "text": torch.stack(text),
        "sound": torch.stack(sound),
    }
    with replacing(path) as beside:
        torch.save(stored, beside)


def tag_tokens(
    entry: Entry, start_s: float, stop_s: float, ends: bool, rng: np.random.Generator
) -> list[int]:
    """Structure tags of a stretch of a piece, as lyrics without words; often none at all."""
    if rng.random() < 0.4:
        return []
    tags = [
        str(tag)
        for tag, begins_s, ends_s in entry.labels["sections"]
        if begins_s < stop_s - 1 and ends_s > start_s + 1
    ]
    if start_s == 0 and rng.random() < 0.5:
        tags.insert(0, "start")
    if ends:
        tags.append("end")
    return [token for tag in tags for token in (STRUCTURE_TAGS[f"[{tag}]"], STOP)]


def draw(
    pool: Latents, clips: int, blocks: int, block: int, rate_hz: float, rng: np.random.Generator
) -> Batch:
    """A batch of random stretches, each of ``blocks`` whole blocks.

    Some reach the end of a piece that ends, and close with end marks. The style vector is that
    of a caption or of a stretch of the same piece, in turns.
    """
    size = blocks * block
    latents: list[Tensor] = []
    styles: list[Tensor] = []
    texts: list[list[int]] = []
    while len(latents) < clips:
        i = int(rng.integers(len(pool.entries)))
        entry, length = pool.entries[i], pool.starts[i + 1] - pool.starts[i]
        if length < size:
            continue
        ends = entry.ends and rng.random() < 2 * END_SHARE
        marks = int(rng.integers(1, block + 1)) if ends else 0
        count = size - marks
        at_start = rng.random() < 0.2
        first = length - count if ends else 0 if at_start else rng.integers(length - count + 1)
        clip = pool.clip(i, int(first), count)
        latents.append(add_end(clip, block) if ends else clip)
        from_words = rng.random() < 0.6
        vectors = pool.text[i] if from_words else pool.sound[i]
        styles.append(vectors[int(rng.integers(len(vectors)))].float())
        texts.append(tag_tokens(entry, first / rate_hz, (first + count) / rate_hz, ends, rng))
    lengths = torch.tensor([len(text) for text in texts])
    text = torch.zeros(clips, int(lengths.max()), dtype=torch.long)
    for row, tokens in zip(text, texts, strict=True):
        row[: len(tokens)] = torch.tensor(tokens, dtype=torch.long)
    return Batch(
        text=text,
        text_lengths=lengths,
        latents=torch.stack(latents),
        frames=torch.full((clips,), size),
        style=torch.stack(styles),
    )


def main() -> None:
    """Command line: encode before the training, so that its processes need not each do so."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=8, help="of the pool to encode")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    cached("train", given.hours, trained_encoder(), trained())


if __name__ == "__main__":
    main()
