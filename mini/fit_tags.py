"""Fit the words of ``angen.audio.tags`` on composed music, and say how well they fit unseen music.

    python -m mini.fit_tags --pieces 380

Writes ``src/angen/audio/tags.json``. About a minute and a half on one
core, most of it rendering and listening.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from angen.audio.listening import facts_of
from angen.audio.tags import WEIGHTS, Classifier, Head, chances, probabilities, to_json
from angen.audio.timbre import BANDS, features
from angen.files import replacing
from mini.compose.catalogue import ALL_STYLES
from mini.pieces import piece

FIRST_SEED = 70_000_000  # far from the seeds that the bundled model is trained on
ENERGIES = ("low", "medium", "high")
PENALTIES = {"genre": 3e-3, "mood": 1e-2, "energy": 3e-3, "instruments": 3e-3}
STRANGE = 0.5
TILT, ROOM = 0.15, 0.7  # recordings differ from ours in colour: slope a band, and free bends

# The composer has over sixty words for moods; ears tell a dozen apart at most.
MOODS: dict[str, tuple[str, ...]] = {
    "happy": ("happy", "bright", "cheerful", "joyful", "sunny", "playful", "innocent"),
    "uplifting": ("uplifting", "euphoric", "adventurous", "shimmering"),
    "energetic": ("energetic", "powerful", "rebellious", "driving", "aggressive", "gritty"),
    "groovy": ("groovy", "cool", "sassy", "soulful", "deep", "hypnotic"),
    "triumphant": ("triumphant", "heroic", "majestic", "proud", "ceremonial", "epic"),
    "relaxed": ("relaxed", "laid-back", "chill", "cozy", "smooth", "warm", "rustic"),
    "calm": ("calm", "peaceful", "serene", "gentle", "dreamy", "ethereal", "sweet"),
    "romantic": ("romantic", "elegant", "graceful", "tender", "intimate", "sophisticated"),
    "melancholic": (
        "melancholic",
        "sad",
        "lonesome",
        "wistful",
        "nostalgic",
        "bittersweet",
        "emotional",
    ),
    "dark": (
        "dark",
        "mysterious",
        "eerie",
        "tense",
        "intense",
        "dramatic",
        "brooding",
        "moody",
        "smoky",
        "solemn",
        "serious",
    ),
}
_FAMILY = {word: family for family, words in MOODS.items() for word in words}

Doubles = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Example:
    """Features (N,) of a piece, and what is true of it."""

    numbers: Doubles
    genre: str
    mood: str
    energy: str
    instruments: tuple[str, ...]


def examples(count: int, seconds: float, first_seed: int = FIRST_SEED) -> Iterator[Example]:
    """Pieces of all styles in turn."""
    styles = tuple(ALL_STYLES)
    for i in range(count):
        made = piece(first_seed + i, seconds=seconds, style=styles[i % len(styles)])
        facts = facts_of(made.audio[None], made.rate_hz)
        labels = made.labels
        yield Example(
            numbers=features(facts),
            genre=labels.style,
            mood=_FAMILY[labels.mood],
            energy=labels.energy,
            instruments=labels.instruments,
        )


def fit(known: Sequence[Example], rng: np.random.Generator) -> Classifier:
    """A classifier of what is known; a fifth of it decides how sure it may be."""
    numbers = np.stack([example.numbers for example in known])  # (songs, N)
    mean, spread = numbers.mean(axis=0), numbers.std(axis=0) + 1e-6
    kept = np.arange(len(known)) % 5 == 0
    bent = np.concatenate([numbers[~kept]] + [_recoloured(numbers[~kept], rng) for _ in range(3)])
    blank = Classifier(mean=mean, spread=spread, heads={})
    z = _elsewhere(blank.standard(bent), rng)
    z_kept = _elsewhere(blank.standard(_recoloured(numbers[kept], rng)), rng)
    heads = {}
    for question, labels, truth in _questions(known):
        several = question == "instruments"
        heard = np.ones(z.shape[1])
        heard[-1] = question == "energy"  # how loud it is says nothing of what it is
        head = _head(z * heard, np.tile(truth[~kept], (4, 1)), labels, several, PENALTIES[question])
        heads[question] = _calibrated(head, z_kept, truth[kept], several)
    return Classifier(mean=mean, spread=spread, heads=heads)


def _questions(known: Sequence[Example]) -> Iterator[tuple[str, tuple[str, ...], Doubles]]:
    """Each question with its labels (L) and the truth (songs, L)."""
    for question, order in (
        ("genre", tuple(ALL_STYLES)),
        ("mood", tuple(MOODS)),
        ("energy", ENERGIES),
    ):
        answers = [getattr(example, question) for example in known]
        labels = tuple(label for label in order if label in answers)
        yield question, labels, np.array([[a == label for label in labels] for a in answers], float)
    named = [set(example.instruments) for example in known]
    every = sorted({name for names in named for name in names})
    labels = tuple(name for name in every if sum(name in names for names in named) >= 8)
    yield "instruments", labels, np.array([[n in names for n in labels] for names in named], float)


def _recoloured(numbers: Doubles, rng: np.random.Generator) -> Doubles:
    """Features (songs, N) as if recorded with other microphones, rooms and masters."""
    place = np.linspace(-1, 1, BANDS)
    slope = rng.normal(0, TILT * BANDS / 2, (len(numbers), 1)) * place
    knots = rng.normal(0, ROOM, (len(numbers), 5))
    bends = np.stack([np.interp(place, np.linspace(-1, 1, 5), row) for row in knots])
    bent = numbers.copy()
    bent[:, :BANDS] += slope + bends
    bent[:, -1] += rng.normal(0, 3, len(numbers))  # loudness is the mastering engineer's
    return bent


def _elsewhere(z: Doubles, rng: np.random.Generator) -> Doubles:
    """z-scores (songs, N) as of music made by others: every number a little off.

    Without it, the classifier is as sure of a stranger's recordings as of our own.
    """
    return np.clip(z + rng.normal(0, STRANGE, z.shape), -4, 4)


def _head(
    z: Doubles, truth: Doubles, labels: tuple[str, ...], several: bool, penalty: float
) -> Head:
    """Logistic regression of truth (songs, L) on z (songs, N)."""
    size = (z.shape[1] + 1, len(labels))
    padded = np.concatenate([z, np.ones((len(z), 1))], axis=1)

    def loss(flat: Doubles) -> tuple[float, Doubles]:
        weights = flat.reshape(size)
        scores = padded @ weights
        if several:
            chance = 1 / (1 + np.exp(-scores))
            miss = np.logaddexp(0, scores) - truth * scores
        else:
            scores = scores - scores.max(axis=1, keepdims=True)
            chance = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
            miss = -truth * np.log(chance + 1e-12)
        slope = padded.T @ (chance - truth) / len(z)
        slope[:-1] += 2 * penalty * weights[:-1]
        return float(miss.sum() / len(z) + penalty * (weights[:-1] ** 2).sum()), slope.ravel()

    best = minimize(
        loss, np.zeros(size).ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 150}
    )
    weights = best.x.reshape(size)
    return Head(labels=labels, weights=weights[:-1], bias=weights[-1])


def _calibrated(head: Head, z: Doubles, truth: Doubles, several: bool) -> Head:
    """The same head, its scores scaled so that it is right as often as it says it is."""

    def at(scale: float) -> Head:
        return Head(labels=head.labels, weights=head.weights * scale, bias=head.bias * scale)

    def cost(scale: float) -> float:
        chance = (chances if several else probabilities)(at(scale), z)
        right = truth * np.log(chance + 1e-9)
        wrong = (1 - truth) * np.log(1 - chance + 1e-9) if several else 0.0
        return float(-(right + wrong).sum())

    scaled = at(min(np.linspace(0.3, 2.0, 35), key=cost))
    threshold = max(np.linspace(0.2, 0.6, 17), key=lambda t: _f1(chances(scaled, z) > t, truth))
    return Head(
        labels=head.labels,
        weights=scaled.weights,
        bias=scaled.bias,
        threshold=float(threshold) if several else 0.5,
    )


def _f1(named: NDArray[np.bool_], truth: Doubles) -> float:
    return float(2 * (named * truth).sum() / (named.sum() + truth.sum() + 1e-9))


def report(classifier: Classifier, unseen: Sequence[Example]) -> list[str]:
    """How often each answer is right on music that was not fitted, and how sure it said it was."""
    z = classifier.standard(np.stack([example.numbers for example in unseen]))
    lines = []
    for question in ("genre", "mood", "energy"):
        head = classifier.heads[question]
        chance = probabilities(head, z)
        answers = [head.labels[i] for i in chance.argmax(axis=1)]
        right = np.array([a == getattr(e, question) for a, e in zip(answers, unseen, strict=True)])
        usual = max(
            np.mean([getattr(e, question) == label for e in unseen]) for label in head.labels
        )
        lines.append(
            f"{question}: {right.mean():.0%} right (always the same answer: {usual:.0%}), "
            f"said {chance.max(axis=1).mean():.0%}"
        )
    head = classifier.heads["instruments"]
    named = chances(head, z) > head.threshold
    truth = np.array([[n in example.instruments for n in head.labels] for example in unseen], float)
    precision = (named * truth).sum() / max(1, named.sum())
    recall = (named * truth).sum() / truth.sum()
    lines.append(
        f"instruments: {precision:.0%} of those named play, {recall:.0%} of those playing are named"
    )
    return lines


def main() -> None:
    """Render, fit, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pieces", type=int, default=380)
    parser.add_argument("--seconds", type=float, default=16)
    options = parser.parse_args()
    known = list(examples(options.pieces, options.seconds))
    classifier = fit(known, np.random.default_rng(0))
    unseen = list(examples(options.pieces // 4, options.seconds, FIRST_SEED + 10_000_000))
    for line in report(classifier, unseen):
        print(line)
    with replacing(WEIGHTS) as path:
        path.write_text(json.dumps(to_json(classifier), separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
