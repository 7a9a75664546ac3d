import json
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
    """The manifest with some of the files that it lists."""
    for name in ("manifest.json", "phoneme_vocab.json", "model.json"):
        shutil.copy(FIXTURES / name, tmp_path)
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
    assert "file/model.json" not in failing(check_fixtures(listed))
    (listed / "model.json").unlink()
    assert "file/model.json" in failing(check_fixtures(listed))


@pytest.mark.parametrize("name", ["g2p.json", "lyrics.json"])
def test_one_wrong_token_fails_its_line(tmp_path: Path, name: str) -> None:
    cases = json.loads((FIXTURES / name).read_text("utf-8"))[:1]
    path = tmp_path / name
    path.write_text(json.dumps(cases), "utf-8")
    assert failing(check_fixtures(tmp_path)) == []
    cases[0]["tokens"][2] += 1
    path.write_text(json.dumps(cases), "utf-8")
    (row,) = check_fixtures(tmp_path)
    assert not row.ok
    assert "token 2 is" in row.note


def test_a_name_that_the_full_model_lacks_is_told(tmp_path: Path) -> None:
    shapes = json.loads((FIXTURES / "full_state_dict_shapes.json").read_text())
    shapes["transformer.proj_out.bias"] = [65]
    (tmp_path / "full_state_dict_shapes.json").write_text(json.dumps(shapes))
    (row,) = check_fixtures(tmp_path)
    assert (row.error, row.ok, row.note) == (1, False, "differ: transformer.proj_out.bias")


def test_recordings_that_are_no_json_are_named(tmp_path: Path) -> None:
    (tmp_path / "g2p.json").write_text("[{")
    with pytest.raises(BadInput, match=r"g2p\.json is not JSON"):
        check_fixtures(tmp_path)


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
