"""Adapters on disk, written and read by us and by plain PEFT."""

import copy
import json
from collections.abc import Callable
from pathlib import Path

import peft
import pytest
import torch
from safetensors.torch import load_file, save_file

from angen.adapters.attach import detach, set_strengths, strengths_of
from angen.adapters.files import LoadReport, load_adapter, read_adapter, save_adapter
from angen.adapters.shape import ATTENTION, MLP, LoraShape
from angen.bundle import Bundle, load_bundle
from angen.diffrhythm.dit import DiT
from angen.errors import BadInput, Incompatible
from tests.adapters.fill import filled, velocity, written
from tests.tiny import tiny_dit

WEIGHTS = "adapter_model.safetensors"


def load(bundle: Bundle, folder: Path, strength: float = 1.0) -> LoadReport:
    return load_adapter(
        bundle.dit,
        folder,
        strength=strength,
        base=bundle.name,
        base_fingerprint=bundle.model_fingerprint,
    )


def change(folder: Path, edit: Callable[[dict[str, torch.Tensor]], object]) -> None:
    """Edit the tensors of an adapter; its header is lost, as in files made elsewhere."""
    tensors = load_file(folder / WEIGHTS)
    edit(tensors)
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})


@pytest.mark.parametrize("targets", [ATTENTION, ATTENTION + MLP])
def test_plain_peft_loads_what_we_save(
    tiny_bundle: Bundle, tmp_path: Path, targets: tuple[str, ...]
) -> None:
    filled(tiny_bundle.dit, shape=LoraShape(rank=4, alpha=8, targets=targets))
    ours = velocity(tiny_bundle.dit)
    save_adapter(tiny_bundle.dit, tmp_path, base="tiny", base_fingerprint="0" * 64)
    plain = tiny_dit()
    assert not torch.equal(velocity(plain), ours)
    loaded = peft.PeftModel.from_pretrained(plain, str(tmp_path))
    assert isinstance(loaded.base_model.model, DiT)
    assert torch.equal(velocity(loaded.base_model.model), ours)


def test_we_load_what_plain_peft_saves(tiny_bundle: Bundle, tmp_path: Path) -> None:
    config = peft.LoraConfig(
        r=3, lora_alpha=5, target_modules=["q_proj", "up_proj"], use_rslora=True,
        rank_pattern={"up_proj": 2}, alpha_pattern={"q_proj": 7}, init_lora_weights=False,
    )  # fmt: skip
    model = peft.get_peft_model(copy.deepcopy(tiny_bundle.dit), config)
    model.save_pretrained(str(tmp_path))
    assert isinstance(model.base_model.model, DiT)
    report = load(tiny_bundle, tmp_path)
    assert report.matched == 2 * 2 * 2  # blocks, layers, A and B
    assert "does not say which base" in report.warnings[0]
    torch.testing.assert_close(
        velocity(tiny_bundle.dit), velocity(model.base_model.model), rtol=1e-5, atol=1e-6
    )


def test_load_counts_the_tensors_that_matched(tiny_bundle: Bundle, tmp_path: Path) -> None:
    report = load(tiny_bundle, written(tiny_bundle, tmp_path / "a"), strength=0.5)
    assert (report.matched, report.rank, report.strength) == (16, 4, 0.5)
    assert report.warnings == ()
    assert strengths_of(tiny_bundle.dit) == {report.slot: 0.5}


def test_a_loaded_adapter_sounds_as_when_it_was_saved(tiny_bundle: Bundle, tmp_path: Path) -> None:
    filled(tiny_bundle.dit)
    sounding = velocity(tiny_bundle.dit)
    save_adapter(
        tiny_bundle.dit,
        tmp_path,
        base=tiny_bundle.name,
        base_fingerprint=tiny_bundle.model_fingerprint,
    )
    detach(tiny_bundle.dit)
    load(tiny_bundle, tmp_path)
    assert torch.equal(velocity(tiny_bundle.dit), sounding)


def test_adapters_stack_in_any_order_of_loading(tiny_bundle: Bundle, tmp_path: Path) -> None:
    one = written(tiny_bundle, tmp_path / "one", seed=1)
    mlp = LoraShape(rank=8, alpha=4, targets=MLP)
    two = written(tiny_bundle, tmp_path / "two", seed=2, shape=mlp)
    load(tiny_bundle, one, 0.5)
    load(tiny_bundle, two, 1.5)
    both = velocity(tiny_bundle.dit)
    detach(tiny_bundle.dit)
    second = load(tiny_bundle, two, 1.5)
    first = load(tiny_bundle, one, 1.0)
    set_strengths(tiny_bundle.dit, {first.slot: 0.5, second.slot: 1.5})
    torch.testing.assert_close(velocity(tiny_bundle.dit), both)


def test_another_base_is_refused_by_name(
    tiny_bundle: Bundle, make_bundle: Callable[[int], Path], tmp_path: Path
) -> None:
    folder = written(tiny_bundle, tmp_path / "a")
    other = load_bundle(make_bundle(3))
    with pytest.raises(Incompatible, match=r"a was trained on the base .*tiny.* not on .*tiny3"):
        load(other, folder)
    assert strengths_of(other.dit) == {}


def test_an_adapter_of_which_nothing_matches_is_refused(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    folder = written(tiny_bundle, tmp_path / "a")

    def rename(tensors: dict[str, torch.Tensor]) -> None:
        for name in list(tensors):
            tensors[name.replace("transformer_blocks", "layers")] = tensors.pop(name)

    change(folder, rename)
    with pytest.raises(Incompatible, match=r"0 of its 8 layers are there, layers\.0"):
        load(tiny_bundle, folder)


def test_names_of_the_released_checkpoint_are_understood(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    folder = written(tiny_bundle, tmp_path / "a")

    def rename(tensors: dict[str, torch.Tensor]) -> None:
        for name in list(tensors):
            changed = name.replace("base_model.model.", "base_model.model.transformer.")
            tensors[changed] = tensors.pop(name)

    change(folder, rename)
    assert load(tiny_bundle, folder).matched == 16


def test_a_width_that_does_not_fit_is_refused_by_layer(tmp_path: Path, tiny_bundle: Bundle) -> None:
    wide = tiny_dit(dim=48)
    filled(wide)
    save_adapter(wide, tmp_path, base="wide", base_fingerprint=tiny_bundle.model_fingerprint)
    with pytest.raises(Incompatible, match=r"self_attn\.\w_proj is 48 x 48, the base has 32 x 32"):
        load(tiny_bundle, tmp_path)


def test_a_cut_file_is_refused_by_name(tiny_bundle: Bundle, tmp_path: Path) -> None:
    folder = written(tiny_bundle, tmp_path / "a")
    raw = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(raw[: len(raw) // 2])
    with pytest.raises(Incompatible, match=rf"{WEIGHTS} is damaged"):
        load(tiny_bundle, folder)


def test_nan_is_refused(tiny_bundle: Bundle, tmp_path: Path) -> None:
    folder = written(tiny_bundle, tmp_path / "a")
    change(folder, lambda tensors: next(iter(tensors.values())).fill_(float("nan")))
    with pytest.raises(Incompatible, match="NaN"):
        load(tiny_bundle, folder)


def test_a_lone_matrix_is_refused(tiny_bundle: Bundle, tmp_path: Path) -> None:
    folder = written(tiny_bundle, tmp_path / "a")
    change(folder, lambda tensors: tensors.pop(next(name for name in tensors if "_B" in name)))
    with pytest.raises(Incompatible, match="no pair"):
        read_adapter(folder)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="holds no adapter"):
        read_adapter(tmp_path)


def test_pickled_weights_are_refused(tiny_bundle: Bundle, tmp_path: Path) -> None:
    folder = written(tiny_bundle, tmp_path / "a")
    (folder / WEIGHTS).rename(folder / "adapter_model.bin")
    with pytest.raises(BadInput, match="pickle"):
        read_adapter(folder)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"peft_type": "LOHA"}, "describes 'LOHA'"),
        ({"use_dora": True}, "use_dora"),
        ({"bias": "all"}, "bias"),
        ({"lora_alpha": "much"}, "lora_alpha"),
    ],
)
def test_other_kinds_of_adapters_are_refused_by_name(
    tiny_bundle: Bundle, tmp_path: Path, changes: dict[str, object], match: str
) -> None:
    folder = written(tiny_bundle, tmp_path / "a")
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(Incompatible, match=match):
        load(tiny_bundle, folder)


def test_a_pattern_from_a_strangers_file_is_never_run(tiny_bundle: Bundle, tmp_path: Path) -> None:
    folder = written(tiny_bundle, tmp_path / "a")
    path = folder / "adapter_config.json"
    trap = {"(((a|a)*)*)*b": 3, "transformer_blocks": 5}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"alpha_pattern": trap}))
    assert load(tiny_bundle, folder).matched == 16


def test_saving_over_an_adapter_replaces_it(tiny_bundle: Bundle, tmp_path: Path) -> None:
    written(tiny_bundle, tmp_path / "a", seed=1)
    written(tiny_bundle, tmp_path / "a", seed=2)
    written(tiny_bundle, tmp_path / "b", seed=2)
    assert (tmp_path / "a" / WEIGHTS).read_bytes() == (tmp_path / "b" / WEIGHTS).read_bytes()
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [
        "adapter_config.json",
        WEIGHTS,
    ]
