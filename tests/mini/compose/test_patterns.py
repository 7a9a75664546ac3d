import numpy as np
import pytest

from mini.compose.catalogue import ALL_STYLES
from mini.compose.form import STEPS
from mini.compose.instruments import DRUMS, INSTRUMENTS, KITS
from mini.compose.patterns import Step, into, read, suiting
from mini.compose.styles import Style

PARTS = {
    "bass": set("R5378 4aw-.".replace(" ", "")),
    "chords": set("CB123456-."),
    "lead": set("x-."),
}


def test_read_gives_places_and_lengths() -> None:
    assert read("x--.x-") == [Step("x", 0, 3), Step("x", 4, 2)]
    assert read("..--") == []


def test_suiting_is_sparser_for_low_energy_than_for_high() -> None:
    patterns = ("x---", "x-x-", "xxxx")
    rng = np.random.default_rng(0)
    assert {suiting(patterns, "low", rng) for _ in range(50)} == {"x---", "x-x-"}
    assert {suiting(patterns, "high", rng) for _ in range(50)} == {"x-x-", "xxxx"}


def test_into_moves_by_octaves() -> None:
    assert into(20, 40, 60) == 44
    assert into(85, 40, 60) == 49


@pytest.mark.parametrize("style", ALL_STYLES.values(), ids=ALL_STYLES)
def test_every_pattern_is_one_bar_of_known_symbols(style: Style) -> None:
    roles = [("chords", part) for part in style.parts]
    roles += [(role, part) for role, part in (("bass", style.bass), ("lead", style.lead)) if part]
    for role, part in roles:
        assert all(name in INSTRUMENTS for name in part.instruments)
        for meter, patterns in part.patterns.items():
            for pattern in patterns:
                assert len(pattern) == STEPS[meter], (style.name, pattern)
                assert set(pattern) <= PARTS[role], (style.name, pattern)
    assert all(kit in KITS for kit in style.kits)
    for meter, grooves in style.drums.items():
        for groove in grooves:
            assert set(groove) <= set(DRUMS)
            assert {len(pattern) for pattern in groove.values()} == {STEPS[meter]}
            assert set("".join(groove.values())) <= set("Xxo.")


@pytest.mark.parametrize("style", ALL_STYLES.values(), ids=ALL_STYLES)
def test_every_metre_has_something_to_play(style: Style) -> None:
    for meter in set(style.meters):
        assert any(meter in part.patterns for part in style.parts)
        assert style.lead is None or meter in style.lead.patterns
        assert not style.drums or meter in style.drums
