"""How long songs take, before they are made."""

import time
from pathlib import Path

import pytest
import torch

from angen.bundle import Bundle
from angen.training.evidence import EffectConfig, real_excerpts
from angen.training.song_time import PAGE_S, measure_songs, report_seconds
from angen.training.spaces import spaces_of
from tests.training.test_effect import SMALL, dataset, measured


def test_songs_take_longer_the_longer_they_are(tiny_bundle: Bundle) -> None:
    short, long = (
        measure_songs(tiny_bundle, 4, seconds, spaces=spaces_of(tiny_bundle, None))
        for seconds in (2, 40)
    )
    assert min(short.sampling, short.decoding, short.hearing) > 0
    assert long.sampling > 2 * short.sampling


def test_measuring_songs_changes_neither_model_nor_random_state(tiny_bundle: Bundle) -> None:
    weights = {name: t.clone() for name, t in tiny_bundle.dit.state_dict().items()}
    before = torch.random.get_rng_state()
    measure_songs(tiny_bundle, 2, 4)
    assert torch.equal(torch.random.get_rng_state(), before)
    after = tiny_bundle.dit.state_dict()
    assert all(torch.equal(weights[name], after[name]) for name in after)
    assert not tiny_bundle.dit.training


def test_the_time_of_a_report_is_that_which_it_then_takes(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    info = dataset(tmp_path)
    foretold = report_seconds(tiny_bundle, info, SMALL, spaces_of(tiny_bundle, None)) - PAGE_S
    began = time.monotonic()
    measured(tiny_bundle, tmp_path, info, size=1.0)
    assert 0.1 < foretold / (time.monotonic() - began) < 10  # other work shares the machine


def test_where_no_report_is_made_none_is_foretold(tiny_bundle: Bundle, tmp_path: Path) -> None:
    assert report_seconds(tiny_bundle, dataset(tmp_path), None, {}) == 0
    few = dataset(tmp_path, training=2, aside=1, seconds=3)
    assert real_excerpts(few, SMALL) < 2
    assert report_seconds(tiny_bundle, few, EffectConfig(songs=4, seconds=3.0), {}) == 0


@pytest.mark.parametrize("songs", [4, 17])
def test_more_songs_make_a_longer_report(tiny_bundle: Bundle, tmp_path: Path, songs: int) -> None:
    info = dataset(tmp_path)
    few = report_seconds(tiny_bundle, info, EffectConfig(songs=songs, seconds=3.0), {})
    many = report_seconds(tiny_bundle, info, EffectConfig(songs=20 * songs, seconds=3.0), {})
    assert many - PAGE_S > 1.5 * (few - PAGE_S) > 0
