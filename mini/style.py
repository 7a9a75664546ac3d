"""Train the style encoder of ``mini``: ``python -m mini.style``.

Two towers, one for sentences and one for sound, learn to give a clip and its caption the same
direction and all other pairs of the batch different ones. Heads that name style, instruments and
energy from either meaning are trained along and then thrown away: they keep the meaning about
music. Tempo, key and instruments are also read from the text by rule, and the sound learns to
answer the same.

Of recordings nobody knows style and instruments for certain; there the meaning must say what a
tagger heard that others trained on other recordings (musicnn's MagnaTagATune net; its sibling
that judges songs is never asked).

The encoder hears the held-out styles too: it is also the measuring device of the effect report,
which must be able to tell them apart. The DiT does not.

Shapes: B clips, S samples, E = 512.
"""

import argparse
import copy
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from angen.conditioning.codes import tempo_code, tempo_places
from angen.conditioning.figures import key_in, without_figures
from angen.conditioning.instruments import INSTRUMENT_CODE, INSTRUMENT_NAMES
from angen.conditioning.style import Answers, StyleEncoder
from angen.conditioning.vector import MEANING
from angen.judge.vocabulary import VOCABULARIES
from mini.bank import RATE_HZ
from mini.heard import STYLE, Heard
from mini.loop import WORK, Budget, device, join, load_state, rank, repeatable, run
from mini.material import Entry, Material, open_material

log = logging.getLogger(__name__)
CHECKPOINT = WORK / "style.pt"
ENERGIES = ("low", "medium", "high")
NAMING = 10.0  # weight of the mean error of naming an instrument beside that of tempo and key
RIDGE = 1.0  # beside the squares of as many unit vectors as there are pieces
HELD_OUT_TIMES = 6  # a piece of the held-out styles is heard so often beside another
RECORDED = 0.3  # of the clips of a batch
UNKNOWN = -100  # in place of a number; such are passed over by torch's cross entropy
TAGS = VOCABULARIES["mtt"]  # of recordings, as a tagger that was trained on others hears them
TAGGING = 5.0  # weight of the mean error of a tag beside that of naming a style


class Heads(nn.Module):
    """What only training needs: the temperature, and what both meanings must say in plain words."""

    def __init__(self, styles: int) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(math.log(14.0)))
        self.styles = nn.Linear(MEANING, styles)
        self.instruments = nn.Linear(MEANING, INSTRUMENT_CODE)
        self.energies = nn.Linear(MEANING, len(ENERGIES))
        self.tags = nn.Linear(MEANING, len(TAGS))

    def contrast(self, text: Tensor, audio: Tensor) -> Tensor:
        """Symmetric cross entropy of matching unit vectors (B, E) to unit vectors (B, E)."""
        logits = self.log_scale.exp().clamp_max(60) * text @ audio.T
        true = torch.arange(len(text), device=text.device)
        one = functional.cross_entropy(logits, true, label_smoothing=0.02)
        other = functional.cross_entropy(logits.T, true, label_smoothing=0.02)
        return (one + other) / 2

    def naming(self, vector: Tensor, facts: "Facts") -> Tensor:
        """Errors of naming style, instruments and energy from vectors (B, E)."""
        meaning = functional.normalize(vector[:, :MEANING], dim=1) * math.sqrt(MEANING)
        by_style = named(self.styles(meaning), facts.styles)
        sounding = told(self.instruments(meaning), facts.instruments)
        tagged = told(self.tags(meaning), facts.tags)
        by_energy = named(self.energies(meaning), facts.energies)
        return by_style + 3 * sounding + 0.3 * by_energy + TAGGING * tagged


def named(scores: Tensor, true: Tensor) -> Tensor:
    """Cross entropy of scores (B, N) where the number (B,) is known, as a share of the batch."""
    return functional.cross_entropy(scores, true, reduction="sum") / len(true)


def told(odds: Tensor, true: Tensor) -> Tensor:
    """Binary cross entropy of log-odds (B, N) where the chances (B, N) are known, not NaN."""
    known = true.isfinite()
    error = functional.binary_cross_entropy_with_logits(
        odds, torch.where(known, true, 0.0), reduction="none"
    )
    return (error * known).mean()


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is true of B clips; what nobody knows is ``UNKNOWN`` or NaN."""

    styles: Tensor  # (B,) numbers of names
    instruments: Tensor  # (B, INSTRUMENT_CODE) 0 or 1
    energies: Tensor  # (B,)
    bpm: Tensor  # (B,)
    keys: Tensor  # (B,) as in ``codes``
    tags: Tensor  # (B, TAGS) chances


def facts_of(entries: Sequence[Entry], styles: list[str]) -> Facts:
    """The labels of pieces as numbers."""
    labels = [entry.labels for entry in entries]
    sounding = [
        [name in label["instruments"] for name in INSTRUMENT_NAMES]
        if "instruments" in label
        else [math.nan] * INSTRUMENT_CODE
        for label in labels
    ]
    tagged = [[label.get("tags", {}).get(tag, math.nan) for tag in TAGS] for label in labels]
    return Facts(
        styles=torch.tensor([styles.index(e.style) if e.style else UNKNOWN for e in entries]),
        instruments=torch.tensor(sounding, dtype=torch.float32),
        energies=torch.tensor(
            [ENERGIES.index(label["energy"]) if "energy" in label else UNKNOWN for label in labels]
        ),
        bpm=torch.tensor([float(label.get("bpm", math.nan)) for label in labels]),
        keys=torch.tensor(
            [key_in(label["key"]) if "key" in label else UNKNOWN for label in labels]
        ),
        tags=torch.tensor(tagged, dtype=torch.float32),
    )


def hearing(answers: Answers, facts: Facts) -> Tensor:
    """Errors of hearing tempi, keys and instruments."""
    timed = facts.bpm.isfinite()
    near = tempo_code(facts.bpm[timed]).square()  # (of B, TEMPO_CODE) sums to 1
    by_tempo = functional.cross_entropy(answers.tempo[timed], near, reduction="sum")
    by_tempo = by_tempo / len(facts.bpm)
    players = told(answers.instruments, facts.instruments)
    return by_tempo + named(answers.key, facts.keys) + NAMING * players


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
    if entry.style and (rng.random() < 0.45 or not entry.captions):
        return tags(entry, rng)
    return entry.captions[int(rng.integers(len(entry.captions)))]


def pairs(
    pools: Sequence[Heard], count: int, seconds: float, rng: np.random.Generator
) -> tuple[Tensor, list[str], list[Entry]]:
    """What is heard (B, T, bands + 12), a caption for each, and the pieces they are of.

    pools: composed, of the held-out styles, and recorded.
    """
    sizes = np.array([len(pool.entries) for pool in pools], float)
    sizes[1] *= HELD_OUT_TIMES
    sizes[2] = sizes[:2].sum() * RECORDED / (1 - RECORDED)
    heard, texts, entries = [], [], []
    for _ in range(count):
        pool = pools[int(rng.choice(len(pools), p=sizes / sizes.sum()))]
        piece = int(rng.integers(len(pool.entries)))
        heard.append(pool.crop(piece, round(seconds * pool.rate_hz), rng))
        texts.append(caption(pool.entries[piece], rng))
        entries.append(pool.entries[piece])
    return torch.from_numpy(np.stack(heard)).float(), texts, entries


def split(heard: Tensor) -> tuple[Tensor, Tensor]:
    """Crops (B, T, bands + 12) as log-mels (B, bands, T) and pitch classes (B, 12, T)."""
    frames = heard.transpose(1, 2)
    return frames[:, : STYLE.bands], frames[:, STYLE.bands :]


def judged(style: StyleEncoder, heard: Tensor) -> Tensor:
    """Style vectors (B, E) of crops (B, T, bands + 12)."""
    return functional.normalize(style.audio.judge(*split(heard)), dim=1)


def train(budget: Budget, batch: int, seed: int) -> None:
    """Train until the budget is used up; what is learned lies in ``CHECKPOINT``."""
    join()
    torch.manual_seed(seed)
    rng = np.random.default_rng([seed, rank()])
    pools = [Heard(name) for name in ("train", "held_out", "real")]
    entries = [entry for pool in pools for entry in pool.entries]
    names = sorted({entry.style for entry in entries if entry.style})
    where = device()
    style = StyleEncoder(STYLE).to(where)
    heads = Heads(len(names)).to(where)
    average = copy.deepcopy(style).eval()

    @repeatable
    def drawn() -> tuple[Tensor, list[str], list[Entry]]:
        heard, texts, chosen = pairs(pools, batch, rng.choice([5.0, 8.0, 12.0]), rng)
        room = 0.2 * torch.randn(len(heard), 1, STYLE.bands)  # another room, another speaker
        heard[:, :, : STYLE.bands] += room
        return heard, texts, chosen

    def step_losses(step: int) -> dict[str, Tensor]:
        heard, texts, chosen = drawn(step)
        facts = moved(facts_of(chosen, names), where)
        answers = style.audio.answers(*split(heard.to(where)))
        audio = functional.normalize(style.audio.vector(answers), dim=1)
        text = functional.normalize(style.text(texts), dim=1)
        losses = {
            "contrast": heads.contrast(text, audio),
            "text": heads.naming(text, facts),
            "audio": heads.naming(audio, facts),
            "hearing": hearing(answers, facts),
        }
        total = losses["contrast"] + 0.3 * (losses["text"] + losses["audio"] + losses["hearing"])
        return {"total": total, **losses}

    models: dict[str, nn.Module] = {"style": style, "heads": heads}
    run(models, {"style": average}, step_losses, budget, CHECKPOINT, average_keep=0.98)


def moved(facts: Facts, where: torch.device) -> Facts:
    """The same facts on another device."""
    return Facts(**{field.name: getattr(facts, field.name).to(where) for field in fields(facts)})


def trained() -> StyleEncoder:
    """The style encoder of the last checkpoint, ready for use."""
    style = StyleEncoder(STYLE)
    style.load_state_dict(load_state(CHECKPOINT)["averages"]["style"])
    return style.eval().requires_grad_(False)


@torch.no_grad()
def fit_usual_tempo(style: StyleEncoder, entries: Sequence[Entry]) -> None:
    """Learn which tempo captions that name none mean, by ridge regression on its logarithm."""
    rng = np.random.default_rng(0)
    entries = [entry for entry in entries if "bpm" in entry.labels]
    texts = [without_figures(caption(entry, rng)) for entry in entries]
    meaning = functional.normalize(style.embed_text(texts)[:, :MEANING], dim=1).double()
    wanted = torch.tensor([math.log(float(entry.labels["bpm"])) for entry in entries]).double()
    centre = meaning.mean(0)
    away = meaning - centre
    ridge = RIDGE * torch.eye(MEANING, dtype=torch.float64)
    weight = torch.linalg.solve(away.T @ away + ridge, away.T @ (wanted - wanted.mean()))
    bias = (wanted.mean() - centre @ weight)[None]
    style.usual_tempo.copy_(torch.cat([weight, bias]))


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


def readable(style: StyleEncoder, pool: Heard, seed: int) -> dict[str, float]:
    """How often the sound tower's own answers are right on a pool, octaves of tempo apart."""
    rng = np.random.default_rng(seed)
    tempi, keys, shared, named = [], [], 0, 0
    for number, entry in enumerate(pool.entries):
        crop = torch.from_numpy(pool.crop(number, 12 * pool.rate_hz, rng)).float()[None]
        with torch.no_grad():
            answers = style.audio.answers(*split(crop))
        true = tempo_places(torch.tensor([float(entry.labels["bpm"])]))
        tempi.append(abs(float(answers.tempo.argmax()) - float(true)) < 2)  # steps of 2.3 %
        keys.append(int(answers.key.argmax()) == key_in(entry.labels["key"]))
        likely = {
            INSTRUMENT_NAMES[i] for i in (answers.instruments[0] > 0).nonzero().flatten().tolist()
        }
        shared += len(likely & set(entry.labels["instruments"]))
        named += len(likely) + len(entry.labels["instruments"])
    return {
        "tempo": float(np.mean(tempi)),
        "key": float(np.mean(keys)),
        "instruments (F1)": 2 * shared / named,
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    train(Budget(steps=given.steps, rate=given.rate), given.batch, given.seed)
    if rank():
        return
    log.info("on unseen pieces: %s", retrieval(trained(), open_material("unseen"), 100, 1))
    log.info("heard in unseen pieces: %s", readable(trained(), Heard("unseen"), 1))


if __name__ == "__main__":
    main()
