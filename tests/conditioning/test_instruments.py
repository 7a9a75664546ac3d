"""Instruments in prompts, and their places in style vectors."""

import pytest
import torch

from angen.conditioning.instruments import INSTRUMENTS, NAMES, instrument_code, instruments_in
from angen.conditioning.style import INSTRUMENT_PLACES, PLAYER, composed
from mini.compose.instruments import INSTRUMENTS as COMPOSED
from mini.compose.instruments import KITS


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("rock, distorted guitar, organ", {"distorted guitar", "organ"}),
        ("Electric-Piano and saxes", {"electric piano", "saxophone"}),
        ("two violins, a string section", {"violin", "strings"}),
        ("harpsichord, harp", {"harpsichord", "harp"}),
        ("808s and a bass guitar", {"drum machine", "electric bass"}),
        ("a brass section with no drums or piano, banjo", {"brass section", "banjo"}),
        ("without drums but with brushed drums", {"brushed drums"}),
        ("drum and bass, 174 BPM", set()),
        ("pianissimo, harpy, glassy", set()),
        ("", set()),
    ],
)
def test_instruments_are_read_from_a_prompt(text: str, names: set[str]) -> None:
    assert instruments_in(text) == dict.fromkeys(names, 1.0)


def test_a_word_for_several_is_shared_out() -> None:
    shares = instruments_in("guitars and a nylon guitar")
    assert shares["nylon guitar"] == 1
    assert shares["electric guitar"] == shares["acoustic guitar"] == pytest.approx(0.25)
    assert instruments_in("bass")["double bass"] == pytest.approx(0.25)


def test_each_name_has_its_own_place_and_means_itself() -> None:
    codes = torch.stack([instrument_code(f"jazz, {name}, 90 BPM") for name in NAMES])
    assert torch.equal(codes, torch.eye(INSTRUMENTS))


def test_whatever_the_composer_plays_has_a_place() -> None:
    assert set(NAMES) == {*COMPOSED, *(kit.label for kit in KITS.values())}


def test_a_code_lies_in_its_places_of_a_style_vector() -> None:
    code = instrument_code("oboe")[None]
    vector = composed(torch.randn(1, 325), torch.zeros(1, 80), torch.zeros(1, 48), code)
    assert vector.shape == (1, 512)
    assert torch.equal(vector[:, INSTRUMENT_PLACES], PLAYER * code)
