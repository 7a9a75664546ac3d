from dataclasses import replace

import pytest

from angen.training.verdict import (
    CHANCE,
    PLAIN_COPY,
    Effect,
    Memorisation,
    Verdict,
    copy_limit,
    judge,
    sentence,
)

GAIN = Effect(
    distance_base=0.4,
    distance_adapter=0.2,
    distance_real=0.01,
    reduction=0.5,
    reduction_interval=(0.41, 0.63),
    gain_interval=(0.1, 0.3),
    p_value=0.001,
    outputs_equal=False,
    frechet_base=1.0,
    frechet_adapter=0.6,
)
CLEAN = Memorisation(
    closest=0.4,
    base=0.3,
    reference=0.42,
    limit=0.71,
    per_song=(0.3, 0.4),
    song=1,
    song_s=2.0,
    clip="clips/a.wav",
    clip_s=4.0,
)


@pytest.mark.parametrize(
    ("effect", "memorisation", "verdict"),
    [
        (GAIN, CLEAN, Verdict.CLOSER),
        (replace(GAIN, gain_interval=(-0.1, 0.3)), CLEAN, Verdict.NO_EFFECT),
        (replace(GAIN, p_value=0.2), CLEAN, Verdict.NO_EFFECT),
        (replace(GAIN, gain_interval=(-0.3, -0.1), p_value=1.0), CLEAN, Verdict.FARTHER),
        (replace(GAIN, gain_interval=(-0.3, -0.1), p_value=0.5), CLEAN, Verdict.NO_EFFECT),
        (replace(GAIN, gain_interval=(-0.3, 0.1), p_value=1.0), CLEAN, Verdict.NO_EFFECT),
        (GAIN, replace(CLEAN, closest=0.9), Verdict.COPIES),
        (replace(GAIN, outputs_equal=True), replace(CLEAN, closest=0.9), Verdict.NO_EFFECT),
    ],
)
def test_verdict_follows_the_measurements(
    effect: Effect, memorisation: Memorisation, verdict: Verdict
) -> None:
    assert judge(effect, memorisation) is verdict
    said = sentence(verdict, effect, memorisation, "the recordings")
    assert said.endswith(".")
    assert "\n" not in said


@pytest.mark.parametrize(
    ("gain", "p_value", "verdict"),
    [
        ((0.1, 0.3), 0.049, Verdict.CLOSER),
        ((0.1, 0.3), 0.05, Verdict.NO_EFFECT),  # once in twenty is luck
        ((0.0, 0.3), 0.001, Verdict.NO_EFFECT),
        ((-0.3, -0.1), 0.951, Verdict.FARTHER),
        ((-0.3, -0.1), 0.95, Verdict.NO_EFFECT),
        ((-0.3, 0.0), 0.999, Verdict.NO_EFFECT),
    ],
)
def test_verdict_at_the_edge_of_luck(
    gain: tuple[float, float], p_value: float, verdict: Verdict
) -> None:
    assert judge(replace(GAIN, gain_interval=gain, p_value=p_value), CLEAN) is verdict


def test_a_song_at_the_limit_is_no_copy() -> None:
    assert judge(GAIN, replace(CLEAN, closest=CLEAN.limit)) is Verdict.CLOSER


def test_sentence_says_by_how_much() -> None:
    said = sentence(Verdict.CLOSER, GAIN, CLEAN, "20 excerpts kept aside")
    assert "50 % closer to 20 excerpts kept aside (95 % sure of 41 % to 63 %)" in said
    assert "copies none" in said


def test_sentence_never_promises_more_than_the_whole_way() -> None:
    said = sentence(Verdict.CLOSER, replace(GAIN, reduction=1.07), CLEAN, "them")
    assert "100 % closer" in said


def test_sentence_names_the_clip_that_is_copied() -> None:
    said = sentence(Verdict.COPIES, GAIN, replace(CLEAN, closest=0.9), "them")
    assert "clips/a.wav at 4 s" in said


def test_sentence_tells_when_the_base_is_already_there() -> None:
    there = replace(GAIN, distance_base=0.005, gain_interval=(-1, 1), reduction=None)
    assert "already" in sentence(Verdict.NO_EFFECT, there, CLEAN, "them")


@pytest.mark.parametrize(
    ("base", "real", "there"),
    [
        (0.01, 0.01, True),
        (0.0101, 0.01, False),
        (0.01, None, False),  # without other recordings only nought is there
        (0.0, None, True),
    ],
)
def test_the_base_is_there_when_it_is_as_near_as_other_recordings(
    base: float, real: float | None, there: bool
) -> None:
    effect = replace(GAIN, distance_base=base, distance_real=real, p_value=0.5)
    assert ("already" in sentence(Verdict.NO_EFFECT, effect, CLEAN, "them")) == there


def test_a_gain_without_an_interval_is_told_without_one() -> None:
    said = sentence(Verdict.CLOSER, replace(GAIN, reduction_interval=None), CLEAN, "them")
    assert said.startswith("The adapter brings new songs 50 % closer to them. It copies none")
    unknown = replace(GAIN, reduction=None)
    said = sentence(Verdict.CLOSER, unknown, CLEAN, "them")
    assert said.startswith("The adapter brings new songs closer to them. It copies none")


def test_copy_limit_lies_above_chance_and_above_what_cannot_be_a_copy_but_below_plain_copies() -> (
    None
):
    assert copy_limit(0.1, 0.2) == copy_limit(None, -0.1) == CHANCE
    assert copy_limit(0.3, 0.2) == copy_limit(None, 0.3) == pytest.approx(0.39)
    assert copy_limit(0.9, 0.2) == PLAIN_COPY
