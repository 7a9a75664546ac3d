"""Every style keeps its promises: the labels are what the notes do."""

import numpy as np
import pytest

from mini.compose.catalogue import ALL_STYLES
from mini.compose.composing import compose
from mini.compose.form import BEATS, sections_for
from mini.compose.instruments import DRUMS, INSTRUMENTS, KITS
from mini.compose.planning import Wishes
from mini.compose.score import Score, Track
from mini.compose.theory import scale_of

STYLES = tuple(ALL_STYLES)
SEEDS = range(4)


def scored(style: str, seed: int, seconds: float = 30, ends: bool = True) -> Score:
    wishes = Wishes(seconds=seconds, style=style, ends=ends)
    return compose(wishes, np.random.default_rng(seed))


def pitched(score: Score) -> list[Track]:
    return [track for track in score.tracks if track.sound in INSTRUMENTS]


def test_composer_knows_enough_styles_and_metres() -> None:
    assert len(STYLES) >= 15
    assert {meter for style in ALL_STYLES.values() for meter in style.meters} == set(BEATS)


@pytest.mark.parametrize("style", STYLES)
def test_compose_repeats_itself_for_a_seed_and_only_then(style: str) -> None:
    assert scored(style, 1).tracks == scored(style, 1).tracks
    assert scored(style, 1).tracks != scored(style, 2).tracks


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("ends", [True, False])
def test_labels_hold(style: str, ends: bool) -> None:
    for seed in SEEDS:
        score = scored(style, seed, ends=ends)
        labels = score.labels
        low, high = ALL_STYLES[style].bpm
        assert low <= labels.bpm <= high
        assert score.end_s <= 30
        assert ends or score.end_s == 30
        assert labels.sections[0][1] == 0
        assert labels.sections[-1][2] == score.end_s
        stops = [stop for _, _, stop in labels.sections[:-1]]
        assert stops == [start for _, start, _ in labels.sections[1:]]
        heard = {track.label for track in score.tracks if len(track.events) >= 3}
        assert set(labels.instruments) == heard
        assert labels.instruments


@pytest.mark.parametrize("style", STYLES)
def test_beats_are_a_beat_apart_and_bars_a_bar(style: str) -> None:
    for seed in SEEDS:
        score = scored(style, seed, ends=False)
        period = 60 / score.labels.bpm
        np.testing.assert_allclose(np.diff(score.beats), period, atol=1e-9)
        bar = period * BEATS[score.labels.meter]
        np.testing.assert_allclose(np.diff(score.downbeats), bar, atol=1e-9)
        assert score.beats[0] == score.downbeats[0] < 0.1


@pytest.mark.parametrize("style", STYLES)
def test_notes_are_in_the_key(style: str) -> None:
    if style == "gamelan":
        pytest.skip("its scale is not the diatonic one")
    for seed in SEEDS:
        score = scored(style, seed)
        inside = set(scale_of(score.labels.key, "diatonic"))
        lengths = {True: 0.0, False: 0.0}
        for track in pitched(score):
            for event in track.events:
                lengths[event.pitch % 12 in inside] += event.length_s * event.gain
        share = lengths[True] / (lengths[True] + lengths[False])
        assert share > (0.7 if style == "blues" else 0.85), (seed, score.labels.key)


@pytest.mark.parametrize("style", STYLES)
def test_notes_sound_within_the_piece_and_the_instrument(style: str) -> None:
    for seed in SEEDS:
        score = scored(style, seed)
        for track in score.tracks:
            keys = set(DRUMS.values()) if track.sound in KITS else range(20, 115)
            for event in track.events:
                assert 0 <= event.start_s < score.end_s
                assert event.pitch in keys
                assert 0 < event.gain < 2


def test_kick_of_house_is_on_the_beat() -> None:
    score = scored("house", 3, ends=False)
    drums = next(track for track in score.tracks if track.sound in KITS)
    kicks = [event.start_s for event in drums.events if event.pitch == DRUMS["kick"]]
    for kick in kicks:
        assert np.abs(score.beats - kick).min() < 1e-6


def test_swing_delays_the_offbeat() -> None:
    score = scored("jazz", 5, ends=False)
    drums = next(track for track in score.tracks if track.sound in KITS)
    rides = np.asarray([e.start_s for e in drums.events if e.pitch == DRUMS["ride"]])
    phases = (rides - score.beats[0]) * score.labels.bpm / 60 % 1
    between = phases[(phases > 0.2) & (phases < 0.85)]
    assert np.median(between) == pytest.approx(0.65, abs=0.03)


@pytest.mark.parametrize("style", STYLES)
def test_last_chord_is_the_tonic(style: str) -> None:
    for seed in SEEDS:
        score = scored(style, seed)
        tonic = scale_of(score.labels.key, "diatonic")[0]
        last = [event for track in pitched(score) for event in track.events[-6:]]
        start = max(event.start_s for event in last)
        final = {e.pitch % 12 for e in last if e.start_s > start - 0.9}
        assert tonic in final


def test_wishes_are_granted() -> None:
    wishes = Wishes(seconds=20, style="folk", ends=True, bpm=101, key="Db minor", meter="3/4")
    labels = compose(wishes, np.random.default_rng(0)).labels
    assert (labels.bpm, labels.key, labels.meter) == (101, "Db minor", "3/4")


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"style": "polka"}, "style='polka'"),
        ({"meter": "7/8"}, "is played in"),
        ({"energy": "huge"}, "energy='huge'"),
        ({"bpm": 3}, "bpm=3"),
        ({"seconds": 0.5}, "seconds=0.5"),
    ],
)
def test_wishes_refuse_what_cannot_be_played(wish: dict[str, object], message: str) -> None:
    fixed: dict[str, object] = {"seconds": 20.0, "style": "pop", "ends": True}
    with pytest.raises(ValueError, match=message):
        Wishes(**(fixed | wish))  # type: ignore[arg-type]


@pytest.mark.parametrize("bars", range(1, 60))
@pytest.mark.parametrize("ends", [True, False])
def test_sections_fill_the_bars_exactly(bars: int, ends: bool) -> None:
    for seed in range(5):
        sections = sections_for(bars, ends, np.random.default_rng(seed))
        assert sum(length for _, length in sections) == bars
        assert all(length > 0 for _, length in sections)
        assert not ends or bars < 3 or sections[-1][0] == "outro"
