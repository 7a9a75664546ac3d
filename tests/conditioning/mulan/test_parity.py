import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from angen.conditioning.mulan.parity import check_folder
from angen.studio.doctor import check_fixtures
from tests.conditioning.mulan.released import FIXTURES

KEPT = ("wav.wodd",)


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """Variant b with a single waveform's cases, for a test to damage."""
    shutil.copytree(FIXTURES / "b", tmp_path / "b")
    inputs = load_file(FIXTURES / "inputs.safetensors")
    kept = {name: t for name, t in inputs.items() if not name.startswith("wav.") or name in KEPT}
    save_file(kept, tmp_path / "inputs.safetensors")
    expected = load_file(FIXTURES / "b" / "expected.safetensors")
    fewer = ("text.", "debug.", "audio.wodd.")
    save_file(
        {name: t for name, t in expected.items() if name.startswith(fewer)},
        tmp_path / "b" / "expected.safetensors",
    )
    return tmp_path


def change(path: Path, name: str, by: float = 1e-3) -> None:
    tensors = load_file(path)
    old = tensors[name]
    tensors[name] = old + by * old.norm() if old.is_floating_point() else old + 1
    save_file(tensors, path)


def failing(folder: Path) -> list[str]:
    return [row.case for row in check_folder(folder) if not row.ok]


def test_all_recordings_of_the_style_encoder_are_met() -> None:
    rows = check_fixtures(FIXTURES)
    assert [row for row in rows if not row.ok] == []
    cases = {row.case for row in rows}
    for variant in ("a", "b"):
        recorded = load_file(FIXTURES / variant / "expected.safetensors")
        assert {f"{variant}/{name}" for name in recorded} <= cases
    assert {"full_mulan_shapes", "file/a/MuQ-MuLan-tiny/model.safetensors"} <= cases


@pytest.mark.parametrize(
    ("file", "name", "caught"),
    [
        ("expected.safetensors", "audio.wodd.embedding", "b/audio.wodd.embedding"),
        ("expected.safetensors", "audio.wodd.n_clips", "b/audio.wodd.n_clips"),
        (
            "MuQ-MuLan-tiny/model.safetensors",
            "mulan.audio.model.model.conformer.layers.1.conv_module.batch_norm.running_var",
            "b/audio.wodd.embedding",
        ),
        (
            "MuQ-MuLan-tiny/model.safetensors",
            "mulan.text.transformer.layers.0.0.k_scale",
            "b/text.single0.embedding",
        ),
    ],
)
def test_a_changed_number_fails_its_case(
    recordings: Path, file: str, name: str, caught: str
) -> None:
    change(recordings / "b" / file, name)
    assert caught in failing(recordings)


def test_a_case_without_a_check_is_not_passed_over(recordings: Path) -> None:
    path = recordings / "b" / "expected.safetensors"
    save_file({**load_file(path), "mystery": torch.zeros(2)}, path)
    assert failing(recordings) == ["b/mystery"]
