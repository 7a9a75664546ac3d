import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from angen.diffrhythm.config import DiTConfig
from angen.diffrhythm.dit import DiT
from angen.diffrhythm.weights import expected_shapes, load_dit, save_dit
from angen.errors import Incompatible, MissingWeights
from tests.diffrhythm.tiny import TINY, random_dit

FIXTURES = Path(__file__).parents[1] / "fixtures" / "diffrhythm2"
RELEASED = {
    "dim": 2048,
    "depth": 16,
    "heads": 16,
    "ff_mult": 4,
    "mel_dim": 64,
    "text_num_embeds": 1000,
    "block_size": 10,
    "repa_depth": 6,
    "repa_dims": [1024, 768],
    "use_flex_attn": True,
}


def test_full_size_has_exactly_the_released_names_and_shapes() -> None:
    stored = json.loads((FIXTURES / "full_state_dict_shapes.json").read_text())
    shapes = expected_shapes(DiTConfig.from_json(RELEASED))
    assert {name: list(shape) for name, shape in shapes.items()} == stored
    assert sum(torch.Size(shape).numel() for shape in shapes.values()) == 1_136_249_664


def test_what_is_saved_loads_bit_for_bit(tmp_path: Path) -> None:
    dit = random_dit()
    save_dit(dit, tmp_path)
    again = load_dit(tmp_path)
    assert again.config == dit.config
    for name, tensor in dit.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name
    assert all(parameter.requires_grad for parameter in again.parameters())
    assert not again.training


def test_half_precision_files_load_in_the_dtype_asked_for(tmp_path: Path) -> None:
    save_dit(random_dit(), tmp_path, torch.float16)
    stored = load_file(tmp_path / "model.safetensors")
    assert {tensor.dtype for tensor in stored.values()} == {torch.float16}
    assert load_dit(tmp_path).dtype == torch.float32
    assert load_dit(tmp_path, dtype=torch.bfloat16).dtype == torch.bfloat16


def test_rotary_tables_of_older_exports_are_passed_over(tmp_path: Path) -> None:
    save_dit(random_dit(), tmp_path)
    path = tmp_path / "model.safetensors"
    stored = load_file(path)
    stored["transformer.transformer_blocks.0.self_attn.rotary_emb.inv_freq"] = torch.ones(4)
    stored["transformer.rotary_embed.inv_freq"] = torch.ones(4)
    save_file(stored, path)
    load_dit(tmp_path)


@pytest.mark.parametrize("fault", ["missing", "unexpected", "of another shape"])
def test_a_tensor_that_does_not_fit_is_named(tmp_path: Path, fault: str) -> None:
    save_dit(random_dit(), tmp_path)
    path = tmp_path / "model.safetensors"
    stored = load_file(path)
    name = "transformer.proj_out.bias"
    if fault == "missing":
        del stored[name]
    elif fault == "unexpected":
        name = "transformer.surplus.weight"
        stored[name] = torch.zeros(3)
    else:
        stored[name] = torch.zeros(TINY.mel_dim + 1)
    save_file(stored, path)
    with pytest.raises(Incompatible, match=f"{fault}: {name}"):
        load_dit(tmp_path)


def test_projectors_may_only_be_absent_when_the_configuration_has_none(tmp_path: Path) -> None:
    dit = DiT(DiTConfig.from_json({**TINY.to_json(), "repa_depth": 1, "repa_dims": [6]}))
    save_dit(dit, tmp_path)
    path = tmp_path / "model.safetensors"
    save_file({k: t for k, t in load_file(path).items() if "projectors" not in k}, path)
    with pytest.raises(Incompatible, match=r"missing: transformer\.projectors\.0\.0\.weight"):
        load_dit(tmp_path)


def test_a_missing_file_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match=r"model\.json is missing\. Fetch"):
        load_dit(tmp_path)


def test_a_truncated_file_is_called_damaged(tmp_path: Path) -> None:
    save_dit(random_dit(), tmp_path)
    path = tmp_path / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(Incompatible, match="not a whole safetensors file"):
        load_dit(tmp_path)


def test_a_file_that_is_no_json_is_named(tmp_path: Path) -> None:
    save_dit(random_dit(), tmp_path)
    (tmp_path / "model.json").write_text("dim: 2048")
    with pytest.raises(Incompatible, match=r"model\.json is not JSON"):
        load_dit(tmp_path)


def test_a_model_with_foreign_parts_is_not_saved(tmp_path: Path) -> None:
    dit = random_dit()
    dit.add_module("lora", torch.nn.Linear(2, 2))
    with pytest.raises(Incompatible, match=r"unexpected: transformer\.lora\.weight"):
        save_dit(dit, tmp_path)
    assert list(tmp_path.iterdir()) == []
