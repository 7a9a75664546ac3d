"""Timelines: where frames lie among beats, how far the end is, and in which tempo."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from angen.conditioning.codes import TEMPO_CODE, tempo_code, tempo_codes, tempo_of_code
from angen.conditioning.style import StyleEncoder, load_style, save_style
from angen.conditioning.telling import LEARNED, LOUD, Loudness, clip_line
from angen.conditioning.timeline import CYCLES, beat_grid, beats_passed, countdown, timeline
from angen.conditioning.vector import INSTRUMENT_PLACES, KEY_PLACES, MEANING, TEMPO_PLACES, placed
from tests.conditioning.test_style import tiny


def code_of(bpm: float) -> torch.Tensor:
    return tempo_code(torch.tensor([bpm]))[0]


@pytest.mark.parametrize("bpm", [40.0, 61.5, 97.0, 120.0, 199.0, 240.0])
@pytest.mark.parametrize("length", [0.35, 1.0])
def test_a_code_says_its_tempo(bpm: float, length: float) -> None:
    assert tempo_of_code(length * code_of(bpm)) == pytest.approx(bpm, rel=1e-4)


def test_of_two_tempi_the_likelier_counts() -> None:
    assert tempo_of_code(0.6 * code_of(80) + 0.4 * code_of(160)) == pytest.approx(80, rel=1e-3)


def test_an_empty_code_says_none() -> None:
    assert tempo_of_code(torch.zeros(TEMPO_CODE)) is None


def test_timeline_and_codes_share_places_without_meeting() -> None:
    beats = beat_grid(torch.linspace(0, 7, 51))
    left = countdown(torch.linspace(20, -1, 50))
    for line in (beats, left):
        met = line @ tempo_codes()[3:-3].T  # those at the ends are cut off, and not as smooth
        assert float(met.abs().max()) < 0.04 * float(line.norm(dim=1).min())
    assert float((beats @ left.T).abs().max()) < 1e-4


def test_a_grid_comes_round_when_all_its_cycles_do() -> None:
    round_ = math.lcm(*(int(cycle) for cycle in CYCLES if cycle >= 1))  # beats
    beats = torch.linspace(0, 4, 9)
    torch.testing.assert_close(beat_grid(beats), beat_grid(beats + round_))
    assert not torch.allclose(beat_grid(beats), beat_grid(beats + 1), atol=0.1)


def test_frames_of_a_steady_tempo_move_by_their_share_of_a_beat() -> None:
    line = timeline(6, 5, bpm=150, first_beat_s=0)  # half a beat a frame
    torch.testing.assert_close(line, beat_grid(torch.arange(7) / 2))
    torch.testing.assert_close(timeline(2, 5, bpm=150, first_beat_s=0, first=4), line[4:])


def test_a_late_first_beat_moves_the_grid() -> None:
    torch.testing.assert_close(
        timeline(3, 5, bpm=60, first_beat_s=0.4)[2], beat_grid(torch.tensor([0, 0.2]))[0]
    )


def test_beats_of_music_that_slows_down_are_where_they_fall() -> None:
    beats_s = torch.tensor([0.0, 0.5, 1.0, 2.0])
    passed = beats_passed(beats_s, torch.tensor([-0.25, 0.0, 0.25, 1.0, 1.5, 2.0, 3.0]))
    torch.testing.assert_close(passed, torch.tensor([-0.5, 0, 0.5, 2, 2.5, 3, 4]).double())


def test_the_end_comes_nearer_and_then_it_is_over() -> None:
    line = timeline(10, 5, bpm=None, end_s=1.0)
    torch.testing.assert_close(line, countdown(1 - torch.arange(10) / 5))
    steps = line.diff(dim=0).norm(dim=1)
    assert (steps[:4] > 0.05).all()  # each frame is told from the next
    assert torch.equal(line[5:], line[5].expand(5, -1))
    assert not timeline(3, 5, bpm=None).any()


def test_an_end_is_told_when_it_is_near_enough() -> None:
    line = timeline(500, 5, bpm=None, end_s=60.0)
    assert not line[:200].any()  # more than 20 s are left
    assert line[200:].any(dim=1).all()
    assert torch.isfinite(line).all()
    assert torch.equal(line[-1], line[300])


def test_a_prompt_has_a_timeline_in_its_tempo() -> None:
    style = tiny()
    (vector,) = style.embed_text(["waltz, harp, 132 BPM, D minor"])
    tempo = style.tempo_of(vector)
    assert tempo == pytest.approx(132, rel=1e-3)
    for frames, ends, end_s in ((30, False, None), (30, True, 6.0), (27, True, 5.4)):
        line = style.timeline(vector, frames, 5, rows=30, ends=ends)
        assert line is not None
        torch.testing.assert_close(line[:, TEMPO_PLACES], timeline(30, 5, bpm=tempo, end_s=end_s))


@pytest.mark.parametrize(
    ("seconds", "at_s", "loudness"),
    [
        *((60, 0, LOUD), (60, 39.8, LOUD), (60, 40, LEARNED), (60, 59.8, LEARNED)),
        *((24, 9.8, LOUD), (24, 10, LEARNED), (6, 2.8, LOUD), (6, 3, LEARNED)),
        *((60.2, 40, LOUD), (60.2, 40.2, LEARNED)),  # its last block is longer than the song
    ],
)
def test_all_but_the_closing_is_told_more_loudly(
    seconds: float, at_s: float, loudness: Loudness
) -> None:
    (vector,) = tiny().embed_text(["waltz, harp, 132 BPM, D minor"])
    frames = round(5 * seconds)
    line = tiny().timeline(vector, frames, 5, rows=-(-frames // 10) * 10)
    assert line is not None
    told = (vector + line)[round(at_s * 5)]
    for places, times in (
        (slice(0, MEANING), loudness.meaning),
        (KEY_PLACES, loudness.key),
        (INSTRUMENT_PLACES, loudness.instruments),
    ):
        assert vector[places].any()
        torch.testing.assert_close(told[places], times * vector[places])


def test_a_clip_is_told_the_beats_and_the_end_that_are_known() -> None:
    (vector,) = tiny().embed_text(["waltz, harp, 132 BPM, D minor"])
    times_s = 3 + torch.arange(21).double() / 5
    for beats_s in (None, torch.zeros(0), torch.tensor([0.5])):  # one beat has no tempo
        line = clip_line(vector, times_s, beats_s=beats_s, end_s=None)
        torch.testing.assert_close(line, LEARNED.added(vector).expand(20, -1))
    beats_s = 0.25 + torch.arange(40).double() / 2
    line = clip_line(vector, times_s, beats_s=beats_s, end_s=6.4)
    as_song = timeline(20, 5, bpm=120, first_beat_s=0.25, first=15, end_s=6.4)
    torch.testing.assert_close(line, placed(as_song) + LEARNED.added(vector))


def test_many_instruments_are_together_no_louder_than_allowed() -> None:
    one, many = tiny().embed_text(["jazz, harp", "jazz, harp, oboe, piano, flute, drums, banjo"])
    loud = Loudness(instruments=8.0, loudest=3.0)
    told = torch.stack([one, many]) + loud.added(torch.stack([one, many]))
    assert float(told[0, INSTRUMENT_PLACES].norm()) == pytest.approx(
        8 * float(one[INSTRUMENT_PLACES].norm())
    )
    assert float(told[1, INSTRUMENT_PLACES].norm()) == pytest.approx(3.0)


def test_told_as_loud_as_it_is_a_vector_gains_nothing() -> None:
    assert not Loudness().added(torch.randn(2, 512)).any()


def test_a_prompt_without_tempo_gets_what_is_usual() -> None:
    style = tiny()
    style.usual_tempo[-1] = math.log(90)
    (vector,) = style.embed_text(["waltz"])
    assert style.tempo_of(vector) == pytest.approx(90)
    style.usual_tempo[-1] = math.log(1000)
    assert style.tempo_of(vector) == 240


def test_nothing_asked_for_has_no_beats() -> None:
    style = tiny()
    assert style.tempo_of(torch.zeros(512)) is None
    line = style.timeline(torch.zeros(512), 10, 5)
    assert line is not None
    assert not line.any()


def test_what_is_usual_is_saved_along(tmp_path: Path) -> None:
    style = tiny()
    style.usual_tempo[-1] = math.log(90)
    save_style(style, tmp_path)
    (vector,) = style.embed_text(["waltz"])
    assert load_style(tmp_path).tempo_of(vector) == pytest.approx(90)


def test_an_encoder_may_have_no_timelines(tmp_path: Path) -> None:
    save_style(StyleEncoder(replace(tiny().config, timeline=False)), tmp_path)
    style = load_style(tmp_path)
    assert style.timeline(style.embed_text(["waltz, 90 BPM"])[0], 10, 5) is None
