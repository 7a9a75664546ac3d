"""What the words of ``angen.audio.tags`` are fitted with, on numbers that were made up."""

from dataclasses import replace

import numpy as np

from angen.audio.tags import chances
from mini.fit_tags import Example, fit, report

NUMBERS = 30  # of which 24 are bands, and the last is loudness
A, B = 26, 27


def made_up(count: int, seed: int, strangers: bool = False) -> list[Example]:
    """Pieces that have drums where one number is high, and a flute where just one of two is."""
    rng = np.random.default_rng(seed)
    found = []
    for piece in range(count):
        numbers = rng.standard_normal(NUMBERS) * 3
        playing = ["drums"] if numbers[A] > 0 else ["piano"]
        playing += ["flute"] if (numbers[A] > 0) != (numbers[B] > 0) else []
        found.append(
            Example(
                piece=piece,
                coded=False,
                strangers=strangers,
                numbers=numbers,
                genre="jazz" if numbers[B] > 0 else "rock",
                mood="happy",
                energy="low",
                instruments=tuple(playing),
            )
        )
    return found


def test_instruments_are_heard_that_no_sum_of_numbers_tells() -> None:
    classifier = fit(made_up(2000, 0), np.random.default_rng(0))
    unseen = made_up(300, 1)
    z = classifier.standard(np.stack([example.numbers for example in unseen]))
    head = classifier.heads["instruments"]
    named = chances(head, z) > head.threshold
    for i, label in enumerate(head.labels):
        true = np.array([label in example.instruments for example in unseen])
        assert np.mean(named[:, i] == true) > 0.75, label
    lines = report(classifier, unseen)
    assert lines[0].startswith("genre: ")
    assert int(lines[0].split()[1].rstrip("%")) > 85


def test_a_style_is_told_by_its_own_players_alone() -> None:
    odd = [replace(example, genre="waltz") for example in made_up(600, 2, strangers=True)]
    classifier = fit(made_up(600, 0) + odd, np.random.default_rng(0))
    line = report(classifier, made_up(300, 1))[0]
    assert int(line.split()[1].rstrip("%")) > 85


def test_how_loud_it_is_does_not_count() -> None:
    classifier = fit(made_up(200, 0), np.random.default_rng(0))
    z = np.zeros((2, NUMBERS))
    z[1, -1] = 4
    for question in ("genre", "mood", "instruments"):
        quiet, loud = chances(classifier.heads[question], z)
        assert np.array_equal(quiet, loud)


def test_the_same_pieces_give_the_same_classifier() -> None:
    first, again = (fit(made_up(200, 0), np.random.default_rng(0)) for _ in range(2))
    for question, head in first.heads.items():
        assert np.array_equal(head.weights, again.heads[question].weights)
