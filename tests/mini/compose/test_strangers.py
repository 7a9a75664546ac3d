"""Music of a style by players of any."""

import numpy as np
import pytest

from mini.compose.catalogue import ALL_STYLES
from mini.compose.composing import compose
from mini.compose.instruments import INSTRUMENTS, KITS
from mini.compose.planning import Wishes
from mini.compose.score import Score
from mini.compose.strangers import BASSES, CHORDAL, MELODIC, by_strangers

SEEDS = range(12)


def score_of(style: str, seed: int, strangers: bool) -> Score:
    wishes = Wishes(seconds=16.0, style=style, ends=False, strangers=strangers)
    return compose(wishes, np.random.default_rng(seed))


def players(style: str, strangers: bool) -> set[str]:
    scores = [score_of(style, seed, strangers) for seed in SEEDS]
    return {name for score in scores for name in score.labels.instruments}


@pytest.mark.parametrize("style", ["jazz", "techno", "orchestral march"])
def test_players_come_from_other_styles_too(style: str) -> None:
    own = players(style, strangers=False)
    assert len(players(style, strangers=True) - own) > 8


@pytest.mark.parametrize("style", list(ALL_STYLES))
def test_a_style_keeps_what_is_not_its_players(style: str) -> None:
    for seed in SEEDS:
        usual, other = (score_of(style, seed, strangers) for strangers in (False, True))
        assert (usual.labels.bpm, usual.labels.key) == (other.labels.bpm, other.labels.key)
        assert np.array_equal(usual.beats, other.beats)


@pytest.mark.parametrize("style", list(ALL_STYLES))
def test_nobody_plays_more_than_an_octave_out_of_reach(style: str) -> None:
    for seed in SEEDS:
        for track in score_of(style, seed, strangers=True).tracks:
            if track.sound in KITS:
                continue
            each = INSTRUMENTS[track.sound]
            for event in track.events:
                assert each.low - 12 <= event.pitch <= each.high + 12, track.sound


def test_roles_are_of_instruments_that_exist() -> None:
    for role in (BASSES, CHORDAL, MELODIC):
        assert set(role) <= set(INSTRUMENTS)
        assert len(set(role)) == len(role)


def test_parts_with_few_notes_keep_their_player() -> None:
    bass = by_strangers(ALL_STYLES["gamelan"]).bass
    assert bass is not None
    assert bass.instruments == ("gong",)
