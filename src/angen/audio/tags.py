"""Genre, mood, instruments and energy: names for what was heard, each as sure as it has proved.

Linear classifiers on the numbers of ``timbre``; for instruments, whose traces mix, with a hidden
layer. Weights and vocabulary lie in ``tags.json`` beside this file, fitted by ``mini/fit_tags.py``
on composed music, whose labels are known. How far a recording is such music says a further one: of
other recordings genre, mood and instruments are hardly believed.

Shapes: N features, H hidden numbers, L labels.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from angen.audio.timbre import Facts, features

WEIGHTS = Path(__file__).with_name("tags.json")
Energy = Literal["low", "medium", "high"]
_MOST_INSTRUMENTS = 5
_USUAL_DISTANCE = 1.2  # root mean square z-score up to which music is like what was learnt from

Doubles = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """What lies between features and labels: numbers below 0 become 0."""

    weights: Doubles  # (N, H)
    bias: Doubles  # (H,)


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """One question: its labels, and the weights that answer it."""

    labels: tuple[str, ...]
    weights: Doubles  # (N, L), or (H, L) behind a hidden layer
    bias: Doubles  # (L,)
    threshold: float = 0.5  # from which probability an instrument is named
    hidden: Layer | None = None

    def scores(self, z: Doubles) -> Doubles:
        """z-scores (..., N) -> logits (..., L)."""
        if self.hidden is not None:
            z = np.maximum(0, z @ self.hidden.weights + self.hidden.bias)
        return np.asarray(z @ self.weights + self.bias)


@dataclass(frozen=True, kw_only=True, slots=True)
class Classifier:
    """All questions, on features brought to the mean and spread of the music learnt from."""

    mean: Doubles  # (N,)
    spread: Doubles  # (N,)
    heads: dict[str, Head]  # genre, mood, energy: one label each; instruments: any number
    known: Head | None = None  # whether it is music such as was learnt from, or a recording

    def standard(self, numbers: Doubles) -> Doubles:
        """Features (N,) or (songs, N) as z-scores, none wilder than 4."""
        return np.clip((numbers - self.mean) / self.spread, -4, 4)


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """What a person would call it; confidence has energy, genre, mood and instruments."""

    energy: Energy
    genre: str
    mood: str
    instruments: tuple[str, ...]  # the surest first
    confidence: dict[str, float]


def name(facts: Facts, classifier: Classifier | None = None) -> Names:
    """Name what the facts describe, with the classifier that ships unless another is given."""
    judge = classifier or shipped()
    z = judge.standard(features(facts))
    near = familiarity(z)
    known = near * (1.0 if judge.known is None else float(chances(judge.known, z)[0]))
    genre, genre_sure = _one(judge.heads["genre"], z)
    mood, mood_sure = _one(judge.heads["mood"], z)
    energy, energy_sure = _one(judge.heads["energy"], z)
    instruments, instruments_sure = labels_of(judge.heads["instruments"], z)
    return Names(
        energy=cast(Energy, energy),
        genre=genre,
        mood=mood,
        instruments=instruments,
        confidence={
            "energy": energy_sure * near,  # loud is loud, in recordings too
            "genre": genre_sure * known,
            "mood": mood_sure * known,
            "instruments": instruments_sure * known,
        },
    )


def familiarity(z: Doubles) -> float:
    """1 for music like that learnt from, falling to 0 the further z-scores (N,) lie from it."""
    distance = float(np.sqrt((z**2).mean()))
    return float(np.exp(-1.5 * max(0.0, distance - _USUAL_DISTANCE)))


def probabilities(head: Head, z: Doubles) -> Doubles:
    """Probability (..., L) of each label of a question with one answer."""
    scores = head.scores(z)
    odds = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=-1, keepdims=True))


def chances(head: Head, z: Doubles) -> Doubles:
    """Probability (..., L) of each label of a question with any number of answers."""
    return np.asarray(1 / (1 + np.exp(-head.scores(z))))


def labels_of(head: Head, z: Doubles) -> tuple[tuple[str, ...], float]:
    """Labels above the threshold for z-scores (N,), the surest first, and how sure they are.

    At least one, at most five.
    """
    chance = chances(head, z)
    order = np.argsort(chance)[::-1][:_MOST_INSTRUMENTS]
    named = [int(i) for i in order if chance[i] >= head.threshold] or [int(order[0])]
    return tuple(head.labels[i] for i in named), float(np.mean(chance[named]))


@lru_cache(maxsize=1)
def shipped() -> Classifier:
    """The classifier that comes with the package."""
    return from_json(json.loads(WEIGHTS.read_text()))


def from_json(data: dict[str, Any]) -> Classifier:
    """A classifier from what `to_json` gave."""
    return Classifier(
        mean=np.array(data["mean"]),
        spread=np.array(data["spread"]),
        heads={question: _head(head) for question, head in data["heads"].items()},
        known=_head(data["known"]) if "known" in data else None,
    )


def to_json(classifier: Classifier) -> dict[str, Any]:
    """A classifier as plain numbers, to four digits."""
    written = {
        "mean": _rounded(classifier.mean),
        "spread": _rounded(classifier.spread),
        "heads": {question: _plain(head) for question, head in classifier.heads.items()},
    }
    return written | ({"known": _plain(classifier.known)} if classifier.known else {})


def _head(data: dict[str, Any]) -> Head:
    return Head(
        labels=tuple(data["labels"]),
        weights=np.array(data["weights"]),
        bias=np.array(data["bias"]),
        threshold=float(data["threshold"]),
        hidden=_layer(data.get("hidden")),
    )


def _plain(head: Head) -> dict[str, Any]:
    plain = {
        "labels": list(head.labels),
        "weights": _rounded(head.weights),
        "bias": _rounded(head.bias),
        "threshold": round(head.threshold, 3),
    }
    if head.hidden is None:
        return plain
    layer = {"weights": _rounded(head.hidden.weights), "bias": _rounded(head.hidden.bias)}
    return plain | {"hidden": layer}


def _layer(data: dict[str, Any] | None) -> Layer | None:
    if data is None:
        return None
    return Layer(weights=np.array(data["weights"]), bias=np.array(data["bias"]))


def _one(head: Head, z: Doubles) -> tuple[str, float]:
    chance = probabilities(head, z)
    best = int(chance.argmax())
    return head.labels[best], float(chance[best])


def _rounded(numbers: Doubles) -> Any:
    return json.loads(
        json.dumps(numbers.tolist()), parse_float=lambda text: float(f"{float(text):.4g}")
    )
