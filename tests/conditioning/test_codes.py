"""What the codes of tempi and keys have in common."""

import torch

from angen.conditioning.codes import (
    key_codes,
    tempo_code,
    tempo_codes,
    text_codes,
)


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
