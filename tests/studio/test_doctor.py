import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from angen.errors import BadInput, Incompatible, MissingWeights
from angen.parity import Row
from angen.studio.doctor import check_fixtures

FIXTURES = Path(__file__).parents[1] / "fixtures" / "diffrhythm2"


MODEL = ("model.json", "dit.safetensors", "cases.safetensors")
DECODER = ("decoder.json", "decoder.bin", "decoder_cases.safetensors")


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """A copy of the golden data of the transformer, for a test to damage."""
    for name in MODEL:
        shutil.copy(FIXTURES / name, tmp_path)
    return tmp_path


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    """The same of the vocoder, without the long cases."""
    for name in DECODER:
        shutil.copy(FIXTURES / name, tmp_path)
    path = tmp_path / DECODER[-1]
    short = {k: v for k, v in load_file(path).items() if not k.startswith(("decode_3", "decode_4"))}
    save_file(short, path)
    return tmp_path


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    """Files with the manifest that lists all of them, and no recordings to compute."""
    for path in FIXTURES.iterdir():
        if not path.name.endswith("cases.safetensors"):
            shutil.copy(path, tmp_path)
    return tmp_path


def failing(rows: list[Row]) -> list[str]:
    return [row.case for row in rows if not row.ok]


def change(path: Path, name: str) -> None:
    tensors = load_file(path)
    values = tensors[name]
    tensors[name] = ~values if values.dtype == torch.bool else values + 1
    save_file(tensors, path)


def test_all_recordings_of_the_released_model_are_met() -> None:
    rows = check_fixtures(FIXTURES)
    assert failing(rows) == []
    cases = {row.case for row in rows}
    recorded = load_file(FIXTURES / "cases.safetensors")
    recorded |= load_file(FIXTURES / "decoder_cases.safetensors")
    assert {name for name in recorded if name.endswith(("/out", "/audio"))} <= cases
    assert {"file/dit.safetensors", "full_state_dict_shapes", "full_decoder_shapes"} <= cases


@pytest.mark.parametrize(
    ("file", "name", "caught"),
    [
        ("cases.safetensors", "sample_cfg2/out", "sample_cfg2/out"),
        ("cases.safetensors", "sample_cfg2_notext/noise", "sample_cfg2_notext/out"),
        ("cases.safetensors", "eos_threshold/blocks_used", "eos_threshold/blocks_used"),
        ("cases.safetensors", "forward_train_layout/mask", "forward_train_layout/mask"),
        ("cases.safetensors", "cached/text_v_1", "cached/text_v_1"),
        ("dit.safetensors", "transformer.proj_out.bias", "forward_random_mask/out"),
    ],
)
def test_a_changed_number_fails_its_case(
    recordings: Path, file: str, name: str, caught: str
) -> None:
    change(recordings / file, name)
    assert caught in failing(check_fixtures(recordings))


@pytest.mark.parametrize("name", ["decode_20/audio", "amp/out", "fake_stereo/out", "act/filter"])
def test_a_changed_sound_fails_its_case(sounds: Path, name: str) -> None:
    change(sounds / "decoder_cases.safetensors", name)
    assert name in failing(check_fixtures(sounds))


def test_a_single_changed_byte_fails_the_manifest(listed: Path) -> None:
    path = listed / "phoneme_vocab.json"
    path.write_bytes(path.read_bytes().replace(b"1", b"2", 1))
    assert "file/phoneme_vocab.json" in failing(check_fixtures(listed))


def test_a_file_that_the_manifest_lists_must_be_there(listed: Path) -> None:
    (listed / "full_decoder_shapes.json").unlink()
    assert "file/full_decoder_shapes.json" in failing(check_fixtures(listed))


def test_a_case_without_a_check_is_not_passed_over(recordings: Path) -> None:
    path = recordings / "cases.safetensors"
    save_file({**load_file(path), "mystery/out": torch.zeros(2)}, path)
    assert failing(check_fixtures(recordings)) == ["mystery/"]


def test_nan_is_never_near_enough(recordings: Path) -> None:
    path = recordings / "cases.safetensors"
    tensors = load_file(path)
    tensors["block0/out"][0, 0, 0] = float("nan")
    save_file(tensors, path)
    assert failing(check_fixtures(recordings)) == ["block0/out"]


def test_a_weight_too_few_is_named(recordings: Path) -> None:
    path = recordings / "dit.safetensors"
    tensors = load_file(path)
    del tensors["transformer.norm_out.linear.bias"]
    save_file(tensors, path)
    with pytest.raises(Incompatible, match=r"missing: transformer\.norm_out\.linear\.bias"):
        check_fixtures(recordings)


def test_cases_without_weights_say_what_is_missing(sounds: Path) -> None:
    (sounds / "decoder.bin").unlink()
    with pytest.raises(MissingWeights, match="decoder"):
        check_fixtures(sounds)


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="holds no recordings"):
        check_fixtures(tmp_path)
