"""The verdict: who must agree, how far is far enough, and which remedy is named."""

from dataclasses import replace

import numpy as np
import pytest

from angen.training.distance import Measure, compare
from angen.training.verdict import (
    CHANCE,
    FIRM_SONGS,
    PLAIN,
    PLAIN_COPY,
    Findings,
    Memorisation,
    Verdict,
    answer_of,
    copy_limit,
    judge,
    sentence,
)

GAIN = Measure(
    distance_base=0.4,
    distance_adapter=0.2,
    distance_codec=0.1,
    reduction=0.5,
    reduction_interval=(0.41, 0.63),
    gain_interval=(0.1, 0.3),
    unseen=0.4,
)
NONE = replace(GAIN, distance_adapter=0.39, reduction=0.02, gain_interval=(-0.1, 0.12))
LOSS = replace(GAIN, distance_adapter=0.6, reduction=-0.5, gain_interval=(-0.3, -0.1))
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


def found(effect: Measure, *beside: Measure, **changes: object) -> Findings:
    plain = Findings(
        effect=effect,
        beside={f"space{i}": measure for i, measure in enumerate(beside)},
        memorisation=CLEAN,
        outputs_equal=False,
        songs=FIRM_SONGS,
        all_layers=True,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("effect", "beside", "verdict"),
    [
        (GAIN, (GAIN, GAIN), Verdict.CLOSER),
        (GAIN, (GAIN, LOSS), Verdict.CLOSER),  # one other is enough
        (GAIN, (NONE, GAIN), Verdict.CLOSER),
        (GAIN, (NONE, NONE), Verdict.NO_EFFECT),  # the main space alone is not
        (GAIN, (LOSS, NONE), Verdict.NO_EFFECT),
        (NONE, (GAIN, GAIN), Verdict.NO_EFFECT),  # nor are the others without it
        (LOSS, (GAIN, GAIN), Verdict.NO_EFFECT),
        (LOSS, (LOSS, GAIN), Verdict.FARTHER),
        (LOSS, (NONE, NONE), Verdict.NO_EFFECT),
        (NONE, (LOSS, LOSS), Verdict.NO_EFFECT),
    ],
)
def test_the_main_measure_and_one_other_must_agree(
    effect: Measure, beside: tuple[Measure, ...], verdict: Verdict
) -> None:
    findings = found(effect, *beside)
    assert judge(findings) is verdict
    said = sentence(verdict, findings)
    assert said.endswith(".")
    assert "\n" not in said


@pytest.mark.parametrize(
    ("share", "verdict"),
    [
        (PLAIN, Verdict.CLOSER),
        (PLAIN - 0.001, Verdict.SLIGHT),
        (0.01, Verdict.SLIGHT),
        (None, Verdict.CLOSER),
    ],
)
def test_a_small_part_of_the_way_is_slight(share: float | None, verdict: Verdict) -> None:
    assert judge(found(replace(GAIN, reduction=share), GAIN)) is verdict


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.0, 0.3, Verdict.NO_EFFECT),
        (1e-9, 0.3, Verdict.CLOSER),
        (-0.3, 0.0, Verdict.NO_EFFECT),
        (-0.3, -1e-9, Verdict.FARTHER),
    ],
)
def test_an_interval_that_touches_nought_is_no_effect(
    low: float, high: float, verdict: Verdict
) -> None:
    measure = replace(GAIN, gain_interval=(low, high))
    assert judge(found(measure, measure)) is verdict


def test_a_copy_outweighs_a_gain_and_equal_songs_outweigh_a_copy() -> None:
    copy = replace(CLEAN, closest=0.9)
    assert judge(found(GAIN, GAIN, memorisation=copy)) is Verdict.COPIES
    assert judge(found(GAIN, GAIN, memorisation=copy, outputs_equal=True)) is Verdict.NO_EFFECT


def test_a_song_at_the_limit_is_no_copy() -> None:
    at = replace(CLEAN, closest=CLEAN.limit)
    assert judge(found(GAIN, GAIN, memorisation=at)) is Verdict.CLOSER


@pytest.mark.parametrize("odd", [3.0, 30.0, 300.0])
def test_one_odd_recording_never_makes_songs_farther(odd: float) -> None:
    rng = np.random.default_rng(1)
    for songs in (2, 3, 5, 9):
        real = rng.normal(size=(songs, 6)) * 0.3
        real[0] = -odd
        noise = rng.normal(size=(16, 1, 6)) * 0.3
        recordings = {f"song{i}": song[None] for i, song in enumerate(real)}
        measure = compare(
            list(noise + 1.5), list(noise + 0.5), recordings, {}, ["song0"], seed=0, draws=500
        )
        assert judge(found(measure, measure)) is not Verdict.FARTHER


def test_the_sentence_says_how_far_on_the_way() -> None:
    said = sentence(Verdict.CLOSER, found(GAIN, GAIN))
    assert "50 % of the way from the base to the 8 recordings (95 % sure of 41 % to 63 %)" in said
    assert "copies none" in said


def test_the_sentence_never_promises_more_than_the_whole_way() -> None:
    said = sentence(Verdict.CLOSER, found(replace(GAIN, reduction=1.07), GAIN))
    assert "100 % of the way" in said


def test_the_sentence_names_the_clip_that_is_copied() -> None:
    copy = replace(CLEAN, closest=0.9)
    said = sentence(Verdict.COPIES, found(GAIN, memorisation=copy))
    assert "clips/a.wav at 4 s" in said


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [
        ({"all_layers": False}, "--mlp"),
        ({"songs": FIRM_SONGS - 1}, f"{FIRM_SONGS} songs or more"),
        ({}, "more steps, or with a higher rank"),
    ],
)
@pytest.mark.parametrize("effect", [NONE, replace(GAIN, reduction=0.2), GAIN])
def test_the_sentence_names_the_remedy_that_is_left(
    changes: dict[str, object], remedy: str, effect: Measure
) -> None:
    findings = found(effect, effect, **changes)
    assert remedy in sentence(judge(findings), findings)


def test_the_sentence_says_when_the_codec_is_the_limit() -> None:
    """Its floor is at 75 %: from 60 % on nothing else is worth a try."""
    near = sentence(Verdict.CLOSER, found(replace(GAIN, reduction=0.61), GAIN))
    assert "Nearer than 75 % this base cannot sound" in near
    assert "codec" not in sentence(Verdict.CLOSER, found(replace(GAIN, reduction=0.59), GAIN))


def test_the_sentence_tells_when_the_base_is_already_there() -> None:
    there = replace(NONE, distance_base=-0.01, reduction=None, reduction_interval=None)
    assert "already" in sentence(Verdict.NO_EFFECT, found(there, there))


def test_the_sentence_tells_of_measures_that_do_not_agree() -> None:
    said = sentence(Verdict.NO_EFFECT, found(GAIN, NONE))
    assert "closer to the 8 recordings by one measure only" in said
    assert "farther from" in sentence(Verdict.NO_EFFECT, found(LOSS, NONE))


def test_a_gain_without_an_interval_is_told_without_one() -> None:
    bare = replace(GAIN, reduction_interval=None)
    assert sentence(Verdict.CLOSER, found(bare)).startswith(
        "The adapter brings new songs 50 % of the way from the base to the 8 recordings."
    )


def test_how_firm_an_answer_will_be_is_said_by_the_number_of_songs() -> None:
    assert "firm answer" in answer_of(FIRM_SONGS)
    assert f"1 song, which gives a rough answer; {FIRM_SONGS} or more" in answer_of(1)
    assert "rough" in answer_of(FIRM_SONGS - 1)


def test_copy_limit_lies_above_chance_and_above_what_cannot_be_a_copy_but_below_plain_copies() -> (
    None
):
    assert copy_limit(0.1, 0.2) == copy_limit(None, -0.1) == CHANCE
    assert copy_limit(0.3, 0.2) == copy_limit(None, 0.3) == pytest.approx(0.39)
    assert copy_limit(0.9, 0.2) == PLAIN_COPY
