"""Tempo and key in prompts, and what their codes have in common."""

import pytest
import torch

from angen.conditioning.codes import (
    key_codes,
    key_in,
    tempo_code,
    tempo_codes,
    tempo_in,
    text_codes,
    without_figures,
)


@pytest.mark.parametrize(
    ("text", "bpm"),
    [
        ("pop, 120 BPM", 120),
        ("around 97 bpm, since 1999", 97),
        ("drum and bass 174", 174),
        ("72.5 beats per minute", 72.5),
        ("90 synths at 128 bpm", 128),
        ("in 4/4, since 1999", None),
        ("80s synth, 8-bit", None),
        ("808 drums", None),
    ],
)
def test_a_tempo_is_read_from_a_prompt(text: str, bpm: float | None) -> None:
    assert tempo_in(text) == bpm


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("C major", 0),
        ("pop in A minor", 21),
        ("C# minor, 120 BPM", 13),
        ("the key of E flat major", 3),
        ("Bb minor", 22),
        ("F♯ major", 6),
        ("a minor key", None),
        ("major key", None),
        ("a minimal track", None),
    ],
)
def test_a_key_is_read_from_a_prompt(text: str, key: int | None) -> None:
    assert key_in(text) == key


def test_what_is_read_is_not_left_as_words() -> None:
    assert without_figures("pop, C# minor, 120 BPM").split() == ["pop,", "minor,"]


def test_neighbouring_tempi_have_neighbouring_codes() -> None:
    slow, near, fast = tempo_code(torch.tensor([100.0, 102.0, 160.0]))
    assert float(slow @ near) > 0.9
    assert float(slow @ fast) < 0.1


def test_every_tempo_and_key_has_a_code_of_its_own() -> None:
    assert torch.allclose(tempo_codes().norm(dim=1), torch.ones(80))
    likeness = key_codes() @ key_codes().T
    assert float((likeness - 2 * torch.eye(24)).max()) < 0.7
    relative, far = float(likeness[0, 21]), float(likeness[0, 6])
    assert relative > far  # C major and A minor share all notes, C and F sharp major two


def test_a_mode_alone_is_the_mean_of_its_keys() -> None:
    tempo, key = text_codes("sad, minor key")
    assert not tempo.any()
    assert torch.allclose(key, key_codes()[12:].mean(0))
