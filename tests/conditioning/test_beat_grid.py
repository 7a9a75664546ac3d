"""Beat grids: where frames lie among beats, and which tempo a style vector asks for."""

import math

import pytest
import torch

from angen.conditioning.beat_grid import CYCLES, beat_grid, steady_grid, tempo_of_code
from angen.conditioning.codes import TEMPO_CODE, tempo_code, tempo_codes
from angen.conditioning.style import MEANING, TEMPO_PLACES
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


def test_grid_and_codes_share_places_without_meeting() -> None:
    grid = beat_grid(torch.linspace(0, 7, 50), 0.4)
    assert float((grid @ tempo_codes().T).abs().max()) < 0.03 * float(grid.norm(dim=1).min())


def test_a_grid_comes_round_when_all_its_cycles_do() -> None:
    round_ = math.lcm(*(int(cycle) for cycle in CYCLES if cycle >= 1))  # beats
    beats = torch.linspace(0, 4, 9)
    torch.testing.assert_close(beat_grid(beats, 0.3), beat_grid(beats + round_, 0.3))
    assert not torch.allclose(beat_grid(beats, 0.3), beat_grid(beats + 1, 0.3), atol=0.1)


def test_frames_of_a_steady_tempo_move_by_their_share_of_a_beat() -> None:
    grid = steady_grid(150, 6, 5, first_beat_s=0)  # half a beat a frame
    torch.testing.assert_close(grid, beat_grid(torch.arange(6) / 2, 0.5))
    torch.testing.assert_close(steady_grid(150, 2, 5, first_beat_s=0, first=4), grid[4:])


def test_a_late_first_beat_moves_the_grid() -> None:
    torch.testing.assert_close(
        steady_grid(60, 3, 5, first_beat_s=0.4)[2], beat_grid(torch.zeros(1), 0.2)[0]
    )


def test_a_prompt_has_a_grid_in_its_tempo() -> None:
    style = tiny()
    (vector,) = style.embed_text(["waltz, 132 BPM"])
    assert style.tempo_of(vector) == pytest.approx(132, rel=1e-3)
    grid = style.beat_grid(vector, 10, 5)
    assert grid is not None
    torch.testing.assert_close(grid[:, TEMPO_PLACES], steady_grid(style.tempo_of(vector) or 0, 10, 5))
    assert not grid[:, :MEANING].any()
    assert not grid[:, TEMPO_PLACES.stop :].any()


def test_a_prompt_without_tempo_gets_what_is_usual() -> None:
    style = tiny()
    style.usual_tempo[-1] = math.log(90)
    (vector,) = style.embed_text(["waltz"])
    assert style.tempo_of(vector) == pytest.approx(90)
    style.usual_tempo[-1] = math.log(1000)
    assert style.tempo_of(vector) == 240


def test_nothing_asked_for_has_no_grid() -> None:
    assert tiny().tempo_of(torch.zeros(512)) is None
    assert tiny().beat_grid(torch.zeros(512), 10, 5) is None
