"""What PEFT's fields mean: the weights of PEFT's own loading, or a refusal that names the field."""

import dataclasses
import json
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
from peft.tuners.lora import LoraLayer
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from angen.adapters.files import load_adapter, read_adapter
from angen.adapters.peft_config import IDLE, OFF, READ
from angen.bundle import Bundle
from angen.errors import Incompatible
from tests.adapters.fill import written
from tests.tiny import tiny_dit

WEIGHTS = "adapter_model.safetensors"
REGEX = r".*\.(q_proj|k_proj|v_proj|o_proj)"
LAYERS = ["q_proj", "k_proj", "v_proj", "o_proj"]

# Of each field: changes of the configuration, and whether the weights shall be PEFT's. False: it is
# refused, by name. A field of the next PEFT has no entry, and fails until somebody decides.
CASES: dict[str, list[tuple[dict[str, Any], bool]]] = {
    "task_type": [({"task_type": "FEATURE_EXTRACTION"}, True)],
    "peft_type": [({"peft_type": "LOHA"}, False), ({"peft_type": None}, False)],
    "auto_mapping": [({"auto_mapping": {"base_model_class": "DiT"}}, True)],
    "peft_version": [({"peft_version": "0.1.0"}, True)],
    "base_model_name_or_path": [({"base_model_name_or_path": "some/where"}, True)],
    "revision": [({"revision": "main"}, True)],
    "inference_mode": [({"inference_mode": False}, True)],
    "r": [({"r": value}, False) for value in (8, 0, -1, 4.0, True, "4", [4], 10**9)],
    "target_modules": [
        ({"target_modules": REGEX}, True),
        ({"target_modules": [*LAYERS, "nowhere"]}, True),
        ({"target_modules": ["q_proj"]}, False),
        ({"target_modules": []}, False),
        ({"target_modules": None}, False),
        ({"target_modules": r".*\.q_proj"}, False),
        ({"target_modules": "("}, False),
        ({"target_modules": {"q_proj": 1}}, False),
        ({"target_modules": [1]}, False),
    ],
    "exclude_modules": [
        ({"exclude_modules": ["mlp", "up_proj"]}, True),
        ({"exclude_modules": r".*mlp.*"}, True),
        ({"exclude_modules": ["q_proj"]}, False),
        ({"exclude_modules": r".*blocks\.0.*"}, False),
    ],
    "lora_alpha": [
        *(({"lora_alpha": value}, True) for value in (0, 1, 5, 2.5, 1e5)),
        *(
            ({"lora_alpha": value}, False)
            for value in (1e30, -1, "8", [8], True, None, {"a": 1}, 10**20)
        ),
    ],
    "lora_dropout": [({"lora_dropout": 0.5}, True)],
    "fan_in_fan_out": [({"fan_in_fan_out": True}, True)],
    "bias": [({"bias": value}, False) for value in ("all", "lora_only", None, 1)],
    "use_rslora": [
        ({"use_rslora": True}, True),
        ({"use_rslora": True, "alpha_pattern": {"q_proj": 3}}, True),
        ({"use_rslora": "false"}, False),
        ({"use_rslora": 1}, False),
    ],
    "modules_to_save": [
        ({"modules_to_save": ["proj_out"]}, False),
        ({"modules_to_save": []}, True),
    ],
    "init_lora_weights": [
        *(
            ({"init_lora_weights": value}, True)
            for value in (True, False, "gaussian", "orthogonal", "mica")
        ),
        *(
            ({"init_lora_weights": value}, False)
            for value in ("pissa", "pissa_niter_4", "olora", "corda", "loftq", "lora_ga", "new", 1)
        ),
    ],
    "layers_to_transform": [
        ({"layers_to_transform": [0, 1], "layers_pattern": "transformer_blocks"}, True),
        ({"layers_to_transform": [0], "layers_pattern": "transformer_blocks"}, False),
        ({"layers_to_transform": 1, "layers_pattern": ["transformer_blocks"]}, False),
        ({"layers_to_transform": [0, 1]}, False),  # PEFT finds no number where blocks are outermost
        ({"layers_to_transform": []}, True),
        ({"layers_to_transform": "0"}, False),
    ],
    "layers_pattern": [
        ({"layers_to_transform": [0, 1], "layers_pattern": ["nowhere", ".*blocks"]}, True),
        ({"layers_to_transform": [0, 1], "layers_pattern": 3}, False),
    ],
    "rank_pattern": [
        ({"rank_pattern": {"q_proj": 4, ".*": 4}, "r": 9}, True),
        ({"rank_pattern": {"q_proj": 8}}, False),
        ({"rank_pattern": {"q_proj": 0}}, False),
        ({"rank_pattern": {"q_proj": [4]}}, False),
        ({"rank_pattern": ["q_proj"]}, False),
    ],
    "alpha_pattern": [
        ({"alpha_pattern": {"q_proj": 3}}, True),
        ({"alpha_pattern": {r"blocks\.0\..*": 3, "q_proj": 5}}, True),
        ({"alpha_pattern": {"q_proj": 5, r".*blocks\.0\..*": 3}}, True),
        ({"alpha_pattern": {r"^transformer_blocks.[1-9].self_attn.(q|k)_proj": 3}}, True),
        ({"alpha_pattern": {"roj": 3, "self_attn": 4, "^q_proj": 7}}, True),  # fit no layer
        ({"alpha_pattern": {"q_proj": "3"}}, False),
        ({"alpha_pattern": {"q_proj": float("inf")}}, False),
        ({"alpha_pattern": {"[": 3}}, False),
    ],
    "megatron_config": [({"megatron_config": {"a": 1}}, False)],
    "megatron_core": [({"megatron_core": "elsewhere"}, True)],
    "trainable_token_indices": [({"trainable_token_indices": [1]}, False)],
    "loftq_config": [({"loftq_config": {"loftq_bits": 4}}, True)],
    "eva_config": [({"eva_config": {"rho": 2.0}}, True)],
    "corda_config": [({"corda_config": {"corda_method": "ipm"}}, True)],
    "lora_ga_config": [({"lora_ga_config": {"direction": "ArB2r"}}, True)],
    "use_dora": [({"use_dora": True}, False), ({"use_dora": "false"}, False)],
    "velora_config": [({"velora_config": {"a": 1}}, False)],
    "alora_invocation_tokens": [({"alora_invocation_tokens": [1, 2]}, False)],
    "use_qalora": [({"use_qalora": True}, False)],
    "qalora_group_size": [({"qalora_group_size": 32}, True)],
    "monteclora_config": [({"monteclora_config": {"a": 1}}, False)],
    "layer_replication": [({"layer_replication": [[0, 2], [0, 2]]}, False)],
    "runtime_config": [({"runtime_config": {"ephemeral_gpu_offload": True}}, True)],
    "lora_bias": [({"lora_bias": True}, False)],
    "target_parameters": [({"target_parameters": ["proj_out.weight"]}, False)],
    "use_bdlora": [({"use_bdlora": {"a": 1}}, False)],
    "arrow_config": [({"arrow_config": {"a": 1}}, False)],
    "kasa_config": [({"kasa_config": {"a": 1}}, False)],
    "ensure_weight_tying": [({"ensure_weight_tying": True}, False)],
}


def changed(folder: Path, changes: Mapping[str, Any]) -> Path:
    """The adapter with other fields in its configuration."""
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return folder


def effective(model: nn.Module) -> dict[str, Tensor]:
    """The weight of each layer with what all adapters add to it."""
    found = {}
    for name, module in model.named_modules():
        if isinstance(module, LoraLayer):
            weight = module.get_base_layer().get_parameter("weight").detach()
            for slot in module.active_adapters:
                weight = weight + module.get_delta_weight(slot).detach()  # type: ignore[attr-defined]
            found[name.removeprefix("base_model.model.")] = weight
    return found


def of_peft(folder: Path) -> dict[str, Tensor]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return effective(peft.PeftModel.from_pretrained(tiny_dit(), str(folder)))


def of_ours(bundle: Bundle, folder: Path) -> dict[str, Tensor]:
    load_adapter(bundle.dit, folder, base="tiny", base_fingerprint=bundle.model_fingerprint)
    weights = {name: m.weight for name, m in bundle.dit.named_modules() if isinstance(m, nn.Linear)}
    return {n: w.detach() for n, w in weights.items() if "lora_" not in n} | effective(bundle.dit)


def test_each_field_of_this_peft_is_decided_on() -> None:
    fields = {field.name for field in dataclasses.fields(peft.LoraConfig)}
    assert fields == CASES.keys()
    assert fields == READ | IDLE | OFF
    assert len(READ) + len(IDLE) + len(OFF) == len(fields)


@pytest.mark.parametrize(
    ("field", "changes", "same"),
    [(field, *case) for field, cases in CASES.items() for case in cases],
)
def test_a_field_gives_the_weights_of_peft_or_is_refused_by_name(
    tiny_bundle: Bundle, tmp_path: Path, field: str, changes: dict[str, Any], same: bool
) -> None:
    folder = changed(written(tiny_bundle, tmp_path / "a"), changes)
    if not same:
        told = "describes" if field == "peft_type" else "damaged" if "Infinity" in (
            folder / "adapter_config.json"
        ).read_text() else field if field != "r" else r"\br\b"  # fmt: skip
        with pytest.raises(Incompatible, match=told):
            load_adapter(
                tiny_bundle.dit, folder, base="tiny",
                base_fingerprint=tiny_bundle.model_fingerprint,
            )  # fmt: skip
        return
    expected, ours = of_peft(folder), of_ours(tiny_bundle, folder)
    assert len(expected) == 8
    for name, weight in expected.items():
        torch.testing.assert_close(ours[name], weight, rtol=1e-5, atol=1e-6)


def test_peft_starts_that_leave_the_base_alone_do(tiny_bundle: Bundle, tmp_path: Path) -> None:
    """The other half of the table: what the refused ones would do to the base."""
    folder = written(tiny_bundle, tmp_path / "a")
    plain = of_peft(folder)
    for start in ("pissa", "olora"):
        other = of_peft(changed(folder, {"init_lora_weights": start}))
        name = next(iter(plain))
        assert (other[name] - plain[name]).norm() > 0.1 * plain[name].norm()


@pytest.mark.parametrize("value", [None, False, [], {}, ""])
def test_a_field_of_another_peft_is_passed_over_where_it_is_off(
    tiny_bundle: Bundle, tmp_path: Path, value: object
) -> None:
    folder = changed(written(tiny_bundle, tmp_path / "a"), {"use_marvel": value})
    assert len(read_adapter(folder).modules) == 8


@pytest.mark.parametrize("value", [True, 16, "x", [1], {"a": None}])
def test_a_field_of_another_peft_is_refused_by_name_where_it_is_on(
    tiny_bundle: Bundle, tmp_path: Path, value: object
) -> None:
    folder = changed(written(tiny_bundle, tmp_path / "a"), {"use_marvel": value})
    with pytest.raises(Incompatible, match="use_marvel="):
        read_adapter(folder)


def test_a_pattern_of_a_stranger_takes_no_longer_than_it_may(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    trap = r"(?:\w|\w\w|\w\w\w|\.)+(?<!j)"  # every way to cut up a name that ends in j
    folder = changed(written(tiny_bundle, tmp_path / "a"), {"alpha_pattern": {trap: 3}})
    begun = time.monotonic()
    with pytest.raises(Incompatible, match=r"alpha_pattern=.*too long"):
        read_adapter(folder)
    assert time.monotonic() - begun < 30


def test_patterns_hold_for_the_names_that_the_file_uses(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    folder = written(tiny_bundle, tmp_path / "a")
    tensors = load_file(folder / WEIGHTS)
    inner = {n.replace("model.model.", "model.model.transformer."): t for n, t in tensors.items()}
    save_file(inner, folder / WEIGHTS, metadata={"format": "pt"})
    pattern = {r"transformer\.transformer_blocks\.0\..*": 3}
    changed(folder, {"alpha_pattern": pattern, "layers_to_transform": [0, 1]})
    scales = read_adapter(folder).scales
    assert scales["transformer_blocks.0.self_attn.q_proj"] == 3 / 4
    assert scales["transformer_blocks.1.self_attn.q_proj"] == 8 / 4


def test_layers_without_tensors_stay_as_in_the_base_and_are_told(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    folder = written(tiny_bundle, tmp_path / "a")
    tensors = {n: t for n, t in load_file(folder / WEIGHTS).items() if "blocks.1" not in n}
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    expected, ours = of_peft(folder), of_ours(tiny_bundle, folder)
    assert len(expected) == 8
    for name, weight in expected.items():
        torch.testing.assert_close(ours[name], weight, rtol=1e-5, atol=1e-6)
    changed(folder, {"init_lora_weights": False})  # PEFT leaves random numbers there
    with pytest.raises(Incompatible, match="4 of the layers that its target_modules names"):
        of_ours(tiny_bundle, folder)
