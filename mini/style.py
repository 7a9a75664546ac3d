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

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from angen.conditioning.style import STYLE_WIDTH, StyleConfig, StyleEncoder
from mini.loop import WORK, Budget, load_state, run
from mini.material import RATE_HZ, Entry, Material, open_material

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


def pairs(
    materials: Sequence[Material], count: int, seconds: float, rng: np.random.Generator
) -> tuple[Tensor, list[str], list[str]]:
    """Clips (B, S), a caption for each, and the name of its style."""
    samples = round(seconds * RATE_HZ)
    sizes = np.array([len(material.entries) for material in materials])
    sounds, texts, styles = [], [], []
    for _ in range(count):
        material = materials[int(rng.choice(len(materials), p=sizes / sizes.sum()))]
        entry = material.entries[int(rng.integers(len(material.entries)))]
        sound = material.crop_of(entry, samples, rng)
        if rng.random() < 0.3:
            sound = sound + rng.uniform(0, 0.01) * rng.standard_normal(len(sound))
        sounds.append(sound.astype(np.float32))
        texts.append(caption(entry, rng))
        styles.append(entry.style)
    return torch.from_numpy(np.stack(sounds)), texts, styles


def train(budget: Budget, batch: int, seed: int) -> None:
    """Train until the budget is used up; what is learned lies in ``CHECKPOINT``."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    materials = [open_material("train"), open_material("held_out")]
    names = sorted({entry.style for material in materials for entry in material.entries})
    style = StyleEncoder(CONFIG)
    heads = Heads(len(names))
    average = copy.deepcopy(style).eval()

    def step_losses(step: int, progress: float) -> dict[str, Tensor]:
        del step, progress
        sounds, texts, styles = pairs(materials, batch, rng.choice([4.0, 8.0, 12.0]), rng)
        with torch.autocast("cpu", torch.bfloat16):
            heard = style.audio(sounds)
        audio = functional.normalize(heard.float(), dim=1)
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
    sounds, texts, styles = pairs([material], count, 10.0, rng)
    with torch.no_grad():
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
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    budget = Budget(steps=given.steps, minutes=given.minutes, rate=given.rate)
    train(budget, given.batch, given.seed)
    log.info("on unseen pieces: %s", retrieval(trained(), open_material("unseen"), 100, 1))


if __name__ == "__main__":
    main()
