import json
from dataclasses import replace

import numpy as np
import pytest

from angen.audio.listening import facts_of
from angen.audio.tags import (
    Classifier,
    Head,
    Layer,
    chances,
    familiarity,
    from_json,
    name,
    probabilities,
    shipped,
    to_json,
)
from angen.audio.timbre import BANDS, TimbreListener, features, mel_bands
from tests.audio.sounds import MAJOR, band

RATE = 22_050


def test_the_shipped_words_fit_the_shipped_numbers() -> None:
    judge = shipped()
    size = len(features(facts_of(band(120, 0, MAJOR, 4, RATE), RATE)))
    assert judge.mean.shape == judge.spread.shape == (size,)
    for head in judge.heads.values():
        enter = size
        if head.hidden is not None:
            enter = len(head.hidden.bias)
            assert head.hidden.weights.shape == (size, enter)
        assert head.weights.shape == (enter, len(head.labels))
        assert len(set(head.labels)) == len(head.labels)
    assert set(judge.heads) == {"genre", "mood", "energy", "instruments"}
    assert judge.heads["energy"].labels == ("low", "medium", "high")


def test_probabilities_and_chances_are_what_logistic_regression_says() -> None:
    head = Head(labels=("a", "b"), weights=np.array([[0.0, np.log(3)]]), bias=np.zeros(2))
    assert probabilities(head, np.array([1.0])) == pytest.approx([0.25, 0.75])
    assert chances(head, np.array([1.0])) == pytest.approx([0.5, 0.75])


def test_a_hidden_layer_hears_what_no_sum_can() -> None:
    either = Layer(weights=np.array([[1.0, -1.0], [-1.0, 1.0]]), bias=np.zeros(2))
    head = Head(labels=("a",), weights=np.ones((2, 1)), bias=np.array([-0.5]), hidden=either)
    z = np.array([[0.0, 0.0], [1.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    assert (chances(head, z)[:, 0] > 0.5).tolist() == [False, False, True, True]
    assert chances(head, z[2]) == pytest.approx([1 / (1 + np.exp(-0.5))])


def test_a_classifier_survives_being_written() -> None:
    judge = shipped()
    again = from_json(json.loads(json.dumps(to_json(judge))))
    z = np.random.default_rng(0).standard_normal((20, len(judge.mean)))
    for question, head in judge.heads.items():
        assert again.heads[question].labels == head.labels
        assert np.allclose(again.heads[question].weights, head.weights, rtol=1e-3)
        assert np.allclose(chances(again.heads[question], z), chances(head, z), atol=5e-3)


def test_genre_does_not_depend_on_the_level() -> None:
    song = band(120, 0, MAJOR, 8, RATE)
    assert name(facts_of(song, RATE)).genre == name(facts_of(0.4 * song, RATE)).genre
    assert not shipped().heads["genre"].weights[-1].any()


def test_instruments_do_not_depend_on_the_level() -> None:
    hidden = shipped().heads["instruments"].hidden
    assert hidden is not None
    assert not hidden.weights[-1].any()


def test_what_is_unlike_all_that_was_learnt_is_not_believed() -> None:
    assert familiarity(np.ones(50)) == 1
    assert familiarity(np.full(50, 4.0)) < 0.05
    rng = np.random.default_rng(0)
    noise = name(facts_of(0.3 * rng.standard_normal((1, 8 * RATE)).astype(np.float32), RATE))
    assert noise.confidence["genre"] < 0.5


def test_at_least_one_instrument_is_named() -> None:
    facts = facts_of(band(120, 0, MAJOR, 4, RATE), RATE)
    size = len(features(facts))
    one = Head(labels=("x",), weights=np.zeros((size, 1)), bias=np.zeros(1))
    rare = Head(labels=("harp", "gong"), weights=np.zeros((size, 2)), bias=np.array([-3.0, -2.0]))
    heads = {"genre": one, "mood": one, "energy": one, "instruments": rare}
    judge = Classifier(mean=np.zeros(size), spread=np.full(size, 1e9), heads=heads)
    names = name(facts, judge)
    assert names.instruments == ("gong",)
    assert names.confidence["instruments"] == pytest.approx(1 / (1 + np.exp(2)))


def test_timbre_does_not_depend_on_how_the_stream_is_cut() -> None:
    spectra = np.random.default_rng(0).uniform(0, 0.1, (200, 513)).astype(np.float32)
    whole, cut = TimbreListener(), TimbreListener()
    whole.hear(spectra)
    for part in np.array_split(spectra, 7):
        cut.hear(part)
    a, b = whole.finish(), cut.finish()
    for field in ("mean", "spread", "motion", "shape"):
        assert np.allclose(getattr(a, field), getattr(b, field), rtol=1e-3, atol=1e-4)


def test_mel_bands_each_have_a_centre_and_sum_to_one() -> None:
    bands = mel_bands()
    assert bands.shape == (513, BANDS)
    assert bands.sum(axis=0) == pytest.approx(np.ones(BANDS), abs=1e-3)
    assert (np.diff(bands.argmax(axis=0)) > 0).all()


def test_of_recordings_unlike_composed_music_no_genre_is_claimed() -> None:
    """Whatever the head of genres says: features far on the recorded side are not believed."""
    judge = shipped()
    assert judge.known is not None
    z = 2 * judge.known.weights[:, 0] / np.abs(judge.known.weights).max()
    composed, recorded = (float(chances(judge.known, sign * z)[0]) for sign in (1, -1))
    assert composed > 0.99
    assert recorded < 0.01
    assert not judge.known.weights[-1].any()  # however loud


def test_names_are_believed_as_far_as_the_music_is_known() -> None:
    facts = facts_of(band(120, 0, MAJOR, 4, RATE), RATE)
    size = len(shipped().mean)

    def known(bias: float) -> dict[str, float]:
        head = Head(labels=("known",), weights=np.zeros((size, 1)), bias=np.array([bias]))
        return name(facts, replace(shipped(), known=head)).confidence

    sure, unsure = known(50.0), known(float(-np.log(9)))
    for question in ("genre", "mood", "instruments"):
        assert unsure[question] == pytest.approx(0.1 * sure[question])
    assert unsure["energy"] == sure["energy"]


def test_a_classifier_of_before_knows_all_music() -> None:
    old = to_json(shipped())
    del old["known"]
    assert from_json(old).known is None
