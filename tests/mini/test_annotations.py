"""Labels and captions of real recordings: what is uncertain is left out."""

import numpy as np
import pytest

from angen.audio.listening import Listening, listen
from mini.annotations import SLOW_BPM, Samples, annotate, bar_beats, captions, energy, named_tags
from mini.bank import RATE_HZ
from mini.pieces import piece


def silent_tagger(samples: Samples, rate_hz: int) -> dict[str, float]:
    return {"drums": 0.0}


def heard(beats: list[float], downbeats: list[float], confidence: float) -> Listening:
    noise = np.random.default_rng(0).normal(0, 0.1, 2 * RATE_HZ).astype(np.float32)
    known = listen(noise, RATE_HZ)
    fields = {name: getattr(known, name) for name in Listening.__slots__}
    fields |= {"beats": np.array(beats), "downbeats": np.array(downbeats), "beats_per_bar": 4}
    return Listening(**{**fields, "confidence": {**known.confidence, "downbeats": confidence}})


def test_tags_of_one_meaning_count_once_and_voices_need_more() -> None:
    tags = {
        "classic": 0.3,
        "classical": 0.5,
        "drums": 0.6,
        "vocal": 0.3,
        "no vocals": 0.9,
        "harp": 0.1,
    }
    assert named_tags(tags) == ["drums", "classical"]
    assert named_tags({"woman": 0.5}) == ["female vocals"]


@pytest.mark.parametrize(
    ("lufs", "words", "name"),
    [
        (-30.0, {"piano"}, "low"),
        (-30.0, {"battle"}, None),
        (-18.0, {"slow"}, "medium"),
        (-10.0, {"rock"}, "high"),
        (-10.0, {"ambient"}, None),
    ],
)
def test_energy_follows_loudness_unless_words_contradict_it(
    lufs: float, words: set[str], name: str | None
) -> None:
    assert energy(lufs, words) == name


def test_beats_begin_with_a_bar_and_are_left_out_where_bars_are_uncertain_or_broken() -> None:
    beats = [0.5 * i for i in range(12)]
    assert bar_beats(heard(beats, [1.0, 3.0, 5.0], 0.9)).tolist() == beats[2:]
    assert not len(bar_beats(heard(beats, [1.0, 3.0, 5.0], 0.2)))
    assert not len(bar_beats(heard(beats, [1.0, 3.0, 4.5], 0.9)))
    assert not len(bar_beats(heard(beats, [], 0.9)))


def test_captions_name_what_is_known_and_nothing_else() -> None:
    labels = {"words": ["dark"], "energy": "low"}
    made = captions(labels, ["piano"], np.random.default_rng(0))
    assert made[0] == "dark, piano, low energy"
    assert made[1] == "Dark, with piano, low energy"
    assert len(made) >= 4
    assert not any("BPM" in text or "major" in text or "minor" in text for text in made)
    full = captions({**labels, "bpm": 120.2, "key": "A minor"}, [], np.random.default_rng(0))
    assert captions({"words": []}, [], np.random.default_rng(0)) == ("Music",)
    assert full[0] == "dark, low energy, 120 BPM, A minor"


def test_a_piece_of_known_tempo_and_key_is_labelled_with_them_and_noise_is_not() -> None:
    made = piece(5, seconds=20, style="chiptune", ends=False)
    known = annotate(made.audio, RATE_HZ, ["chiptune"], silent_tagger, np.random.default_rng(0))
    assert known.labels["bpm"] == pytest.approx(made.labels.bpm, rel=0.02)
    assert len(known.beats) > 20
    assert known.labels["meter"] == made.labels.meter == "4/4"
    assert known.labels["key"] == made.labels.key
    noise = np.random.default_rng(0).normal(0, 0.1, 20 * RATE_HZ).astype(np.float32)
    unknown = annotate(noise, RATE_HZ, [], silent_tagger, np.random.default_rng(0))
    assert not {"bpm", "meter"} & set(unknown.labels)
    assert not len(unknown.beats)


def test_a_tempo_that_contradicts_the_tags_is_left_out() -> None:
    made = piece(7, seconds=20, style="chiptune", ends=False)
    sure = annotate(made.audio, RATE_HZ, [], silent_tagger, np.random.default_rng(0))
    assert sure.labels["bpm"] > SLOW_BPM
    slow = annotate(made.audio, RATE_HZ, [], lambda *_: {"slow": 0.9}, np.random.default_rng(0))
    assert "bpm" not in slow.labels
    assert not len(slow.beats)
