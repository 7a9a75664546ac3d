"""Train the style encoder of ``mini``: ``python -m mini.style``.

Two towers, one for sentences and one for sound, learn to give a clip and its caption the same
direction and all other pairs of the batch different ones. Two small heads that name the style
from either vector are trained along and then thrown away.

The encoder hears the held-out styles too: it is also the measuring device of the effect report,
which must be able to tell them apart. The DiT does not.

Shapes: B clips, S samples, E = 512.
"""

import argparse
import copy
import logging
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from angen.conditioning.style import STYLE_WIDTH, StyleConfig, StyleEncoder
from angen.files import replacing
from mini.bank import RATE_HZ
from mini.loop import WORK, Budget, join, load_state, rank, run
from mini.material import Entry, Material, open_material

log = logging.getLogger(__name__)
CHECKPOINT = WORK / "style.pt"
CONFIG = StyleConfig(
    rate_hz=RATE_HZ,
    fft_samples=2048,
    hop_samples=480,
    bands=128,
    audio_width=112,
    audio_strides=(2, 2, 2, 2),
    text_buckets=3072,
    text_width=64,
    text_hidden=192,
)


class Heads(nn.Module):
    """What only training needs: the temperature, and a namer of styles for each tower."""

    def __init__(self, styles: int) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(math.log(14.0)))
        self.from_text = nn.Linear(STYLE_WIDTH, styles)
        self.from_audio = nn.Linear(STYLE_WIDTH, styles)

    def contrast(self, text: Tensor, audio: Tensor) -> Tensor:
        """Symmetric cross entropy of matching unit vectors (B, E) to unit vectors (B, E)."""
        logits = self.log_scale.exp().clamp_max(60) * text @ audio.T
        true = torch.arange(len(text))
        one = functional.cross_entropy(logits, true, label_smoothing=0.02)
        other = functional.cross_entropy(logits.T, true, label_smoothing=0.02)
        return (one + other) / 2

    def naming(self, text: Tensor, audio: Tensor, styles: Tensor) -> Tensor:
        """Cross entropy of naming ``styles`` (B,) from either vector."""
        scale = math.sqrt(STYLE_WIDTH)
        by_text = functional.cross_entropy(self.from_text(scale * text), styles)
        return (by_text + functional.cross_entropy(self.from_audio(scale * audio), styles)) / 2


def tags(entry: Entry, rng: np.random.Generator) -> str:
    """A prompt as the studio writes it from a table of facts, with some facts left out."""
    labels = entry.labels
    instruments = [str(name) for name in labels["instruments"]]
    parts = [
        str(labels["mood"]),
        *(instruments if rng.random() < 0.6 else instruments[:2]),
        f"{labels['energy']} energy",
        f"{float(labels['bpm']):.0f} BPM",
        str(labels["key"]),
    ]
    share = rng.choice([0.0, 0.3, 0.8, 1.0], p=[0.15, 0.2, 0.45, 0.2])
    kept = [part for part in parts if rng.random() < share]
    return ", ".join([entry.style] * (not kept or rng.random() < 0.9) + kept)


def caption(entry: Entry, rng: np.random.Generator) -> str:
    """A sentence or a list of tags for a piece, another one each time."""
    if rng.random() < 0.45 or not entry.captions:
        return tags(entry, rng)
    return entry.captions[int(rng.integers(len(entry.captions)))]


class Heard:
    """What the audio tower hears of a pool, computed once: log-mels and pitch classes."""

    def __init__(self, material: Material, name: str, hours: float) -> None:
        self.rate_hz = CONFIG.rate_hz // CONFIG.hop_samples
        self.entries: list[Entry] = []
        self.starts = [0]  # first frame of each piece, and the end
        for entry in material.entries:
            if self.starts[-1] > hours * 3600 * self.rate_hz:
                break
            self.entries.append(entry)
            self.starts.append(self.starts[-1] + -(-entry.samples // CONFIG.hop_samples))
        path = WORK / "heard" / f"{name}-{len(self.entries)}.npy"
        if not path.exists():
            self._listen(material, path)
        self.frames = np.load(path, mmap_mode="r")  # (frames, bands + 12)

    def _listen(self, material: Material, path: Path) -> None:
        tower = StyleEncoder(CONFIG).audio
        frames = np.zeros((self.starts[-1], CONFIG.bands + 12), np.float16)
        for i, entry in enumerate(self.entries):
            with torch.no_grad():
                mel, pitches = tower.hear(torch.from_numpy(material.piece(entry))[None])
            both = torch.cat([mel, pitches], dim=1)[0].T  # (T, bands + 12)
            frames[self.starts[i] : self.starts[i + 1]] = both.half().numpy()
        with replacing(path) as beside:
            np.save(beside, frames)

    def crop(self, piece: int, count: int, rng: np.random.Generator) -> NDArray[np.float16]:
        """A random stretch (count, bands + 12) of a piece, repeated where the piece is shorter."""
        start, length = self.starts[piece], self.starts[piece + 1] - self.starts[piece]
        first = start + int(rng.integers(0, max(1, length - count + 1)))
        found = self.frames[first : first + min(count, length)]
        return np.asarray(np.resize(found, (count, found.shape[1])))


def pairs(
    pools: Sequence[Heard], count: int, seconds: float, rng: np.random.Generator
) -> tuple[Tensor, list[str], list[str]]:
    """What is heard (B, T, bands + 12), a caption for each, and the name of its style."""
    sizes = np.array([len(pool.entries) for pool in pools])
    heard, texts, styles = [], [], []
    for _ in range(count):
        pool = pools[int(rng.choice(len(pools), p=sizes / sizes.sum()))]
        piece = int(rng.integers(len(pool.entries)))
        heard.append(pool.crop(piece, round(seconds * pool.rate_hz), rng))
        texts.append(caption(pool.entries[piece], rng))
        styles.append(pool.entries[piece].style)
    return torch.from_numpy(np.stack(heard)).float(), texts, styles


def judged(style: StyleEncoder, heard: Tensor) -> Tensor:
    """Style vectors (B, E) of crops (B, T, bands + 12)."""
    frames = heard.transpose(1, 2)  # (B, bands + 12, T)
    mel, pitches = frames[:, : CONFIG.bands], frames[:, CONFIG.bands :]
    return functional.normalize(style.audio.judge(mel, pitches), dim=1)


def train(budget: Budget, batch: int, hours: float, seed: int) -> None:
    """Train until the budget is used up; what is learned lies in ``CHECKPOINT``."""
    join()
    torch.manual_seed(seed)
    rng = np.random.default_rng([seed, rank()])
    pools = [Heard(open_material(name), name, hours) for name in ("train", "held_out")]
    names = sorted({entry.style for pool in pools for entry in pool.entries})
    style = StyleEncoder(CONFIG)
    heads = Heads(len(names))
    average = copy.deepcopy(style).eval()

    def step_losses(step: int, progress: float) -> dict[str, Tensor]:
        del step, progress
        heard, texts, styles = pairs(pools, batch, rng.choice([4.0, 8.0, 12.0]), rng)
        room = 0.2 * torch.randn(len(heard), 1, CONFIG.bands)  # another room, another speaker
        heard[:, :, : CONFIG.bands] += room
        audio = judged(style, heard)
        text = functional.normalize(style.text(texts), dim=1)
        contrast = heads.contrast(text, audio)
        naming = heads.naming(text, audio, torch.tensor([names.index(name) for name in styles]))
        return {"total": contrast + 0.3 * naming, "contrast": contrast, "naming": naming}

    models: dict[str, nn.Module] = {"style": style, "heads": heads}
    run(models, {"style": average}, step_losses, budget, CHECKPOINT, average_keep=0.99)


def trained() -> StyleEncoder:
    """The style encoder of the last checkpoint, ready for use."""
    style = StyleEncoder(CONFIG)
    style.load_state_dict(load_state(CHECKPOINT)["averages"]["style"])
    return style.eval().requires_grad_(False)


def retrieval(style: StyleEncoder, material: Material, count: int, seed: int) -> dict[str, float]:
    """How well clips find their caption among ``count``, and styles their name, on a pool."""
    rng = np.random.default_rng(seed)
    chosen = [material.entries[i] for i in rng.permutation(len(material.entries))[:count]]
    texts, styles = [caption(entry, rng) for entry in chosen], [entry.style for entry in chosen]
    with torch.no_grad():
        sounds = [material.crop_of(entry, 10 * RATE_HZ, rng) for entry in chosen]
        audio = torch.stack([style.embed_audio(sound, RATE_HZ) for sound in sounds])
        text = style.embed_text(texts)
        names = sorted(set(styles))
        named = style.embed_text(names)
    ranks = (audio @ text.T > (audio * text).sum(1, keepdim=True)).sum(1)  # better captions
    best = (audio @ named.T).argmax(1).tolist()
    return {
        "caption in top 1": float((ranks < 1).float().mean()),
        "caption in top 5": float((ranks < 5).float().mean()),
        "style named": float(np.mean([names[i] == s for i, s in zip(best, styles, strict=True)])),
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--hours", type=float, default=4, help="of the pool to hear")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    budget = Budget(steps=given.steps, minutes=given.minutes, rate=given.rate)
    train(budget, given.batch, given.hours, given.seed)
    if rank():
        return
    log.info("on unseen pieces: %s", retrieval(trained(), open_material("unseen"), 100, 1))


if __name__ == "__main__":
    main()
