"""The measuring of mini: what counts as right, and that perfect copies are perfect."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from angen.audio.listening import Listening, listen
from mini.material import Entry
from mini.measure_codec import kept, onset_f, onsets, opus, stft_distance
from mini.measure_songs import (
    Verdict,
    change,
    exchanged,
    near_key,
    octave_free,
    seams,
    share_heard,
)


@pytest.mark.parametrize(
    ("ours", "near"),
    [("C major", True), ("A minor", True), ("G major", True), ("F major", True),
     ("D major", False), ("C minor", False), ("E minor", False), ("", False)],
)  # fmt: skip
def test_a_key_is_near_itself_its_relative_and_its_fifths(ours: str, near: bool) -> None:
    assert near_key(ours, "C major") is near


def test_tempi_may_be_an_octave_apart() -> None:
    assert octave_free(60, 120)
    assert octave_free(123, 120)
    assert not octave_free(90, 120)


def test_instruments_of_another_prompt_are_heard_where_styles_are_all_that_is_followed() -> None:
    bands = [
        *[("jazz", "piano", "drums"), ("jazz", "flute", "drums"), ("rock", "organ", "drums")],
        *[("folk", "harp", "flute")] * 3,
    ]
    entries = [asked_for(*band) for band in bands]
    heard = [verdict_of("piano", "drums"), verdict_of("flute"), verdict_of("organ", "drums")]
    heard += [verdict_of("harp"), verdict_of("harp", "flute"), verdict_of()]
    asked = [share_heard(one.heard, entry) for one, entry in zip(heard, entries, strict=True)]
    assert asked == [1, 0.5, 1, 0.5, 1, 0]
    # The pianist's song has the drums of the flutist's prompt, the flutist's nothing of the other;
    # whoever plays rock is alone; folk is asked for the same three times.
    assert exchanged(heard, entries) == pytest.approx((0.5 + 0 + 0.5 + 1 + 0) / 5)
    assert exchanged([None, *heard[1:]], entries) == pytest.approx((0 + 0 + 0.5 + 1 + 0) / 5)


def asked_for(style: str, *instruments: str) -> Entry:
    labels = {"instruments": list(instruments)}
    return Entry(
        seed=0, start=0, samples=0, style=style, captions=(), labels=labels, beats=(), ends=False
    )  # fmt: skip


def verdict_of(*heard: str) -> Verdict:
    names = frozenset(heard)
    return Verdict(
        style=True, cosine=1, tempo=True, key=True, near_key=True, heard=names, instruments=1
    )  # fmt: skip


def test_a_song_that_becomes_another_is_heard_where_it_does() -> None:
    noise = torch.randn(60 * 24_000, generator=torch.Generator().manual_seed(0)) * 0.1
    darker = torch.cat([noise[: 30 * 24_000], noise[30 * 24_000 :].view(-1, 8).mean(1, True)
                        .expand(-1, 8).reshape(-1)])  # fmt: skip
    assert seams(60.0, 20.0) == ([20.0, 30.0, 40.0, 50.0], [25.0, 35.0, 45.0])
    assert change(darker, 30.0) > 10 * change(darker, 20.0)
    assert change(darker, 30.0) > 10 * change(noise, 30.0)


def clicks(*at_s: float) -> torch.Tensor:
    wave = 1e-4 * torch.randn(72_000, generator=torch.Generator().manual_seed(0))
    for time_s in at_s:
        first = round(time_s * 24_000)
        fade = torch.exp(-torch.arange(4800) / 1200)
        wave[first : first + 4800] += 0.5 * torch.sin(torch.arange(4800) * 0.2) * fade
    return wave


def test_onsets_are_where_notes_begin() -> None:
    found = onsets(clicks(0.5, 1.2, 2.0))
    for true in (0.5, 1.2, 2.0):
        assert np.abs(found - true).min() < 0.03


def test_the_f_measure_counts_what_is_within_50_ms() -> None:
    true = clicks(0.5, 1.2, 2.0)
    assert onset_f(true, true) == 1
    assert onset_f(clicks(0.5, 1.2, 2.3), true) < 1


def test_a_copy_has_no_distance_and_silence_one() -> None:
    wave = clicks(0.5)[None]
    assert stft_distance(wave, wave) == 0
    assert stft_distance(0 * wave, wave) == pytest.approx(1)


def test_opus_takes_about_the_bits_that_it_is_given() -> None:
    back, kbps = opus(torch.stack([clicks(0.5, 1.0)] * 2), 24)
    assert back.shape == (2, 72_000)
    assert 10 < kbps < 60


@pytest.fixture(scope="module")
def heard() -> Listening:
    return replace(listen(clicks(0.5, 1.0, 1.5, 2.0, 2.5).numpy(), 24_000), bpm=120, key="C major")


@pytest.mark.parametrize(
    ("bpm", "tempo", "octaves"),
    [(120, 1, 1), (122, 1, 1), (123, 0, 0), (60, 0, 1), (None, 0, 0)],
)
def test_a_tempo_is_kept_within_2_percent(
    heard: Listening, bpm: float | None, tempo: bool, octaves: bool
) -> None:
    found = kept(replace(heard, bpm=bpm), heard)
    assert (found.tempo, found.octaves, found.key) == (tempo, octaves, True)


def test_of_music_without_a_tempo_none_is_kept(heard: Listening) -> None:
    still = replace(heard, bpm=None)
    assert kept(still, still).tempo
    assert not kept(heard, still).tempo


def test_the_original_says_where_ears_are_sure(heard: Listening) -> None:
    sure = replace(heard, confidence={"bpm": 0.4, "key": 0.39})
    found = kept(replace(heard, key="D major", confidence={"bpm": 0, "key": 1}), sure)
    assert (found.key, found.sure_of_tempo, found.sure_of_key) == (False, True, False)
