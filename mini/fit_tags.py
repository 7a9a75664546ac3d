"""Fit the words of ``angen.audio.tags`` on composed music, and say how well they fit unseen music.

    python -m mini.fit_tags --pieces 3000                (--report FILE ...: hear only)
    python -m mini.fit_tags --pieces 152 --known FOLDER ...

Writes ``src/angen/audio/tags.json``. Each piece is heard twice, as it is and as it comes out of the
codec of ``mini``: whoever listens only to clean sound does not know an instrument in coded sound. A
third are played by instruments of any style: else an instrument is known by the company it keeps.
About twenty minutes on two cores, most of it rendering, coding and listening.

``--known`` fits one thing alone: what tells composed music from recordings, some of each folder's.
It learns no name of theirs, only that the names above are not to be trusted there.
"""

import argparse
import json
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import nn
from torch.nn import functional

from angen.audio.files import read_audio
from angen.audio.listening import facts_of
from angen.audio.tags import (
    WEIGHTS,
    Classifier,
    Head,
    Layer,
    chances,
    from_json,
    labels_of,
    probabilities,
    shipped,
    to_json,
)
from angen.audio.timbre import BANDS, features
from angen.bundle import Bundle, load_bundle
from angen.files import replacing
from angen.parts import MINI
from mini.compose.catalogue import ALL_STYLES
from mini.pieces import piece

FIRST_SEED = 70_000_000  # far from the seeds that the bundled model is trained on
ENERGIES = ("low", "medium", "high")
PENALTIES = {"genre": 3e-3, "mood": 1e-2, "energy": 3e-3}
KNOWN_PENALTY = 0.015
AUDIO, LEAST_BYTES = (".ogg", ".opus", ".mp3"), 400_000
STRANGE = 0.5
HIDDEN, BATCH, EPOCHS, DROPOUT = 192, 128, 60, 0.2  # of the instruments' layer
QUIETER_DB = 18.0  # at most: bands that are empty lie at a floor, however loud the others are
RARE = 8  # an instrument that fewer pieces have is not named
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

    piece: int
    coded: bool  # heard as it comes out of the codec
    strangers: bool  # played by any instruments, not by those of its style
    numbers: Doubles
    genre: str
    mood: str
    energy: str
    instruments: tuple[str, ...]


def examples(
    count: int, seconds: float, first_seed: int = FIRST_SEED, workers: int = 2
) -> Iterator[Example]:
    """Pieces of all styles in turn, each plain and coded; a third of them by strangers."""
    jobs = [(i, first_seed + i, seconds) for i in range(count)]
    began = time.monotonic()
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        for done, heard in enumerate(pool.imap(_heard, jobs, chunksize=8), start=1):
            yield from heard
            if done % 200 == 0:
                left = (time.monotonic() - began) / done * (count - done) / 60
                print(f"{done} of {count} pieces heard, {left:.1f} min left", flush=True)


def _heard(job: tuple[int, int, float]) -> list[Example]:
    number, seed, seconds = job
    styles = tuple(ALL_STYLES)
    strangers = number // len(styles) % 3 == 2
    made = piece(seed, seconds=seconds, style=styles[number % len(styles)], strangers=strangers)
    labels, found, rng = made.labels, [], np.random.default_rng(seed)
    for coded, audio in enumerate((made.audio, _through_codec(made.audio, made.rate_hz))):
        level = np.float32(10 ** (-rng.uniform(0, QUIETER_DB) / 20))
        found.append(
            Example(
                piece=number,
                coded=bool(coded),
                strangers=strangers,
                numbers=features(facts_of(level * audio[None], made.rate_hz)),
                genre=labels.style,
                mood=_FAMILY[labels.mood],
                energy=labels.energy,
                instruments=labels.instruments,
            )
        )
    return found


@torch.inference_mode()
def _through_codec(audio: NDArray[np.float32], rate_hz: int) -> NDArray[np.float32]:
    """Sound (S,) as the decoder makes it of the encoder's latents."""
    bundle = _bundle()
    latents = bundle.encode_audio(torch.from_numpy(audio), rate_hz)
    return np.asarray(bundle.decode(latents)[: len(audio)].numpy())


@cache
def _bundle() -> Bundle:
    torch.set_num_threads(1)  # as many processes as cores
    return load_bundle(MINI)


def fit(known: Sequence[Example], rng: np.random.Generator) -> Classifier:
    """A classifier of what is known; a fifth of it decides how sure it may be."""
    numbers = np.stack([example.numbers for example in known])  # (songs, N)
    mean, spread = numbers.mean(axis=0), numbers.std(axis=0) + 1e-6
    kept = np.array([example.piece % 5 == 0 for example in known])
    at_home = np.array([not example.strangers for example in known])
    blank = Classifier(mean=mean, spread=spread, heads={})
    bent = np.concatenate([numbers[~kept]] + [_recoloured(numbers[~kept], rng) for _ in range(3)])
    z = blank.standard(bent)
    z_kept = _elsewhere(blank.standard(_recoloured(numbers[kept], rng)), rng)
    heads = {}
    for question, labels, truth in _questions(known):
        several = question == "instruments"
        heard = np.ones(z.shape[1])
        heard[-1] = question == "energy"  # how loud it is says nothing of what it is
        # What a style is, is told by its own players; what an instrument is, by all of them.
        asked = np.ones(len(known), bool) if several else at_home
        here, true = np.tile(asked[~kept], 4), np.tile(truth[~kept], (4, 1))
        if several:
            head = _network(z * heard, true, labels, int(rng.integers(2**31)))
        else:
            head = _head(_elsewhere(z, rng)[here] * heard, true[here], labels, PENALTIES[question])
        judges = asked[kept]
        heads[question] = _calibrated(head, z_kept[judges], truth[kept][judges], several)
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
    labels = tuple(name for name in every if sum(name in names for names in named) >= 2 * RARE)
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


def _head(z: Doubles, truth: Doubles, labels: tuple[str, ...], penalty: float) -> Head:
    """Logistic regression of truth (songs, L), one label each, on z (songs, N)."""
    size = (z.shape[1] + 1, len(labels))
    padded = np.concatenate([z, np.ones((len(z), 1))], axis=1)

    def loss(flat: Doubles) -> tuple[float, Doubles]:
        weights = flat.reshape(size)
        scores = padded @ weights
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


def _network(z: Doubles, truth: Doubles, labels: tuple[str, ...], seed: int) -> Head:
    """A hidden layer between z (songs, N) and truth (songs, L), any number of labels each."""
    torch.manual_seed(seed)
    sound, true = torch.from_numpy(z).float(), torch.from_numpy(truth).float()
    enter, leave = nn.Linear(z.shape[1], HIDDEN), nn.Linear(HIDDEN, len(labels))
    network = nn.Sequential(enter, nn.ReLU(), nn.Dropout(DROPOUT), leave)
    # ``z`` holds each example four times, once for each colour: an epoch is a fourth of it.
    steps = max(1, EPOCHS * len(z) // (4 * BATCH))
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    for _ in range(steps):
        which = torch.randint(len(sound), (BATCH,))
        strange = STRANGE * torch.randn(BATCH, z.shape[1])
        strange[:, -1] = 0  # loudness, which is not heard here
        scores = network(sound[which] + strange)
        loss = functional.binary_cross_entropy_with_logits(scores, true[which])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    weights = _numbers(enter.weight.T)
    weights[-1] = 0  # its input was always 0: what stands there is chance
    hidden = Layer(weights=weights, bias=_numbers(enter.bias))
    return Head(
        labels=labels, weights=_numbers(leave.weight.T), bias=_numbers(leave.bias), hidden=hidden
    )


def _numbers(weights: torch.Tensor) -> Doubles:
    return weights.detach().double().numpy().copy()


def _calibrated(head: Head, z: Doubles, truth: Doubles, several: bool) -> Head:
    """The same head, its scores scaled so that it is right as often as it says it is."""

    def at(scale: float) -> Head:
        return replace(head, weights=head.weights * scale, bias=head.bias * scale)

    def cost(scale: float) -> float:
        chance = (chances if several else probabilities)(at(scale), z)
        right = truth * np.log(chance + 1e-9)
        wrong = (1 - truth) * np.log(1 - chance + 1e-9) if several else 0.0
        return float(-(right + wrong).sum())

    scaled = at(min(np.linspace(0.3, 2.0, 35), key=cost))
    threshold = max(np.linspace(0.2, 0.6, 17), key=lambda t: _f1(chances(scaled, z) > t, truth))
    return replace(scaled, threshold=float(threshold) if several else 0.5)


def _f1(named: NDArray[np.bool_], truth: Doubles) -> float:
    return float(2 * (named * truth).sum() / (named.sum() + truth.sum() + 1e-9))


def fit_known(classifier: Classifier, composed: Doubles, recorded: Doubles) -> Head:
    """Logistic regression of composed features (songs, N) against recorded ones, sides even."""
    sides = [classifier.standard(numbers) for numbers in (composed, recorded)]
    most = max(map(len, sides))
    z = np.concatenate([np.resize(side, (most, side.shape[1])) for side in sides])
    z[:, -1] = 0  # loudness is the mastering engineer's
    truth = np.repeat(np.eye(2), most, axis=0)
    head = _head(z, truth, ("composed", "recorded"), KNOWN_PENALTY)
    return Head(
        labels=("known",),
        weights=head.weights[:, :1] - head.weights[:, 1:],
        bias=head.bias[:1] - head.bias[1:],
    )


def recordings(folders: Sequence[Path]) -> Iterator[Doubles]:
    """Features (N,) of 15 s of up to six recordings of each folder."""
    for folder in folders:
        found = [p for p in sorted(folder.rglob("*")) if p.suffix.lower() in AUDIO]
        long = [path for path in found if path.stat().st_size > LEAST_BYTES]
        for path in np.random.default_rng(0).permutation(np.array(long, object))[:6]:
            audio = read_audio(path, start_s=10, duration_s=15)
            yield features(facts_of(audio.samples, audio.rate_hz))


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
    named = [labels_of(classifier.heads["instruments"], row) for row in z]
    true = [set(example.instruments) for example in unseen]
    hits = sum(len(set(names) & plays) for (names, _), plays in zip(named, true, strict=True))
    lines.append(
        f"instruments: {hits / sum(len(names) for names, _ in named):.0%} of those named play "
        f"(said {np.mean([sure for _, sure in named]):.0%}), "
        f"{hits / sum(map(len, true)):.0%} of those playing are named"
    )
    return lines


def reports(classifier: Classifier, unseen: Sequence[Example]) -> Iterator[str]:
    """The report of each kind of music."""
    for strangers, players in enumerate(("players of the style", "players of any style")):
        for coded, sound in enumerate(("as composed", "through the codec")):
            asked = [e for e in unseen if (e.strangers, e.coded) == (bool(strangers), bool(coded))]
            yield from (f"{players}, {sound}: {line}" for line in report(classifier, asked))


def main() -> None:
    """Render, fit, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pieces", type=int, default=3000)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--report", type=Path, nargs="+", default=[], help="fit nothing: what ears of files hear"
    )
    parser.add_argument("--known", type=Path, nargs="+", default=[], help="folders of recordings")
    options = parser.parse_args()
    if options.known:
        ears_now = shipped()
        known = [
            each for each in examples(options.pieces, 15, workers=options.workers) if not each.coded
        ]
        numbers = np.stack([each.numbers for each in known])
        head = fit_known(ears_now, numbers, np.stack(list(recordings(options.known))))
        _write(replace(ears_now, known=head))
        return
    seconds, workers = options.seconds, options.workers
    if options.report:
        ears = {str(path): from_json(json.loads(path.read_text())) for path in options.report}
    else:
        known = list(examples(options.pieces, seconds, workers=workers))
        ears = {"fitted": fit(known, np.random.default_rng(0))}
    count, first = max(60, options.pieces // 6), FIRST_SEED + 10_000_000
    unseen = list(examples(count, seconds, first, workers))
    for name, classifier in ears.items():
        for line in reports(classifier, unseen):
            print(f"{name}: {line}")
    if not options.report:
        _write(replace(ears["fitted"], known=shipped().known))


def _write(classifier: Classifier) -> None:
    with replacing(WEIGHTS) as path:
        path.write_text(json.dumps(to_json(classifier), separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
