"""An adapter on disk: PEFT's folder, ``adapter_config.json`` beside ``adapter_model.safetensors``.

Plain PEFT reads the folder. What PEFT has no field for, the base that it was trained on, stands in
the header of the safetensors file, so that it cannot get lost from the weights.
"""

import json
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model_state_dict, set_peft_model_state_dict
from peft.tuners.lora import LoraLayer
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from angen.adapters.attach import (
    TRAINED,
    check_strength,
    inject,
    set_strengths,
    slots,
    strengths_of,
)
from angen.adapters.library import CONFIG_FILE, WEIGHTS_FILE
from angen.errors import BadInput, Incompatible
from angen.files import replacing

PREFIX = "base_model.model."  # PEFT's, on every tensor name
_UPSTREAM_PREFIX = "transformer."  # on the released model's names; our DiT leaves it out
_PART = re.compile(r"(.+)\.lora_([AB])(?:\.default)?\.weight")


@dataclass(frozen=True, kw_only=True)
class AdapterFile:
    """An adapter as it lies on disk; nothing of it is in a model yet."""

    folder: Path
    config: dict[str, Any]  # adapter_config.json
    tensors: dict[str, Tensor] = field(repr=False)  # "<module>.lora_A.weight" -> (rank, in)
    base: str | None  # name of the base it was trained on; None when the file does not say
    base_fingerprint: str | None

    @property
    def modules(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(_split(name)[0] for name in self.tensors))

    @property
    def rank(self) -> int:
        """The largest of its layers' ranks."""
        return max(self.tensors[f"{m}.lora_A.weight"].shape[0] for m in self.modules)


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadReport:
    """What loading an adapter did."""

    slot: str  # to change its strength later
    folder: Path
    matched: int  # tensors that found their place: all of them, or loading has failed
    rank: int
    strength: float
    warnings: tuple[str, ...]


def save_adapter(
    model: nn.Module, folder: Path, *, base: str, base_fingerprint: str, slot: str = TRAINED
) -> None:
    """Write the adapter in ``slot`` to ``folder``, read it back and compare it bit for bit.

    Raises OutOfSpace when the disk is full, Incompatible when what was read back differs.
    """
    configs: dict[str, LoraConfig] = model.peft_config  # type: ignore[assignment]
    _write(folder, configs[slot], adapter_tensors(model, slot), base, base_fingerprint)


def write_adapter(
    folder: Path,
    tensors: dict[str, Tensor],
    *,
    rank: int,
    base: str | None,
    base_fingerprint: str | None,
) -> None:
    """Write tensors of one rank whose scale is already in them, as ``save_adapter`` does."""
    modules = sorted({_split(name)[0] for name in tensors})
    config = LoraConfig(r=rank, lora_alpha=rank, target_modules=modules)
    _write(folder, config, tensors, base, base_fingerprint)


def _write(
    folder: Path,
    config: LoraConfig,
    tensors: dict[str, Tensor],
    base: str | None,
    base_fingerprint: str | None,
) -> None:
    """Each file takes its place as a whole. The weights come last: they make the adapter usable."""
    header = {"format": "pt"}
    if base_fingerprint:
        header |= {"angen.base": base or "", "angen.base_fingerprint": base_fingerprint}
    named = {PREFIX + name: tensor for name, tensor in tensors.items()}
    data = _ordered(save(named, metadata=header))
    with replacing(folder / CONFIG_FILE) as path:
        path.write_text(_config_json(config, base), encoding="utf-8")
    with replacing(folder / WEIGHTS_FILE) as path:
        path.write_bytes(data)
        _compare(path, tensors)
    read_config(folder)


def _ordered(data: bytes) -> bytes:
    """A safetensors file with its header's facts in order: the same adapter is the same bytes."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode().ljust(length)
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


def _config_json(config: LoraConfig, base: str | None) -> str:
    fields: dict[str, Any] = config.to_dict()  # type: ignore[no-untyped-call]
    fields |= {"base_model_name_or_path": base, "inference_mode": True}
    plain = {k: sorted(v) if isinstance(v, set) else v for k, v in fields.items()}
    return json.dumps(plain, indent=2, sort_keys=True) + "\n"


def adapter_tensors(model: nn.Module, slot: str = TRAINED) -> dict[str, Tensor]:
    """A copy of the adapter's tensors on the CPU, by name without PEFT's prefix."""
    state = get_peft_model_state_dict(model, adapter_name=slot, save_embedding_layers=False)
    return {name: t.detach().to("cpu", copy=True).contiguous() for name, t in state.items()}


def restore_tensors(model: nn.Module, tensors: dict[str, Tensor], slot: str = TRAINED) -> None:
    """Put tensors from ``adapter_tensors`` back into ``slot``, all of them or ValueError."""
    ours = adapter_tensors(model, slot)
    shapes = {name: tuple(tensor.shape) for name, tensor in ours.items()}
    if shapes != {name: tuple(tensor.shape) for name, tensor in tensors.items()}:
        raise ValueError(f"these tensors do not fit the adapter in slot {slot!r}")
    set_peft_model_state_dict(model, tensors, adapter_name=slot)


def _compare(path: Path, tensors: dict[str, Tensor]) -> None:
    written, _ = _read_tensors(path)
    same = written.keys() == tensors.keys() and all(
        torch.equal(written[name], tensors[name]) for name in tensors
    )
    if not same:
        raise Incompatible(
            f"{path.parent / WEIGHTS_FILE} does not read back as it was written. "
            "Check that disk; the adapter was not saved."
        )


def read_config(folder: Path) -> dict[str, Any]:
    """``adapter_config.json`` of a plain LoRA.

    Raises BadInput when there is no adapter in ``folder``, Incompatible when it is of another kind.
    """
    path = folder / CONFIG_FILE
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput(f"{folder} holds no adapter: {CONFIG_FILE} is missing.") from None
    except (ValueError, RecursionError) as error:
        raise Incompatible(f"{path} is damaged: it is not JSON ({error}).") from error
    if not isinstance(config, dict) or config.get("peft_type") != "LORA":
        kind = config.get("peft_type") if isinstance(config, dict) else None
        raise Incompatible(f"{path} describes {kind or 'no adapter'}; only LoRA can be used here.")
    variants = [key for key in ("use_dora", "lora_bias", "modules_to_save") if config.get(key)]
    if variants or config.get("bias", "none") != "none":
        raise Incompatible(
            f"{path} asks for {', '.join(variants) or 'bias'}: only plain LoRA can be used here."
        )
    return config


def read_adapter(folder: Path) -> AdapterFile:
    """The adapter in ``folder``, checked for damage, not yet against any model.

    Raises BadInput when there is none, Incompatible when it is damaged or not a plain LoRA.
    """
    config = read_config(folder)
    path = folder / WEIGHTS_FILE
    if not path.is_file():
        pickled = next(
            (p for p in ("adapter_model.bin", "adapter_model.pt") if (folder / p).exists()), None
        )
        hint = (
            f"{pickled} is a pickle, which can run code: convert it to safetensors."
            if pickled
            else ""
        )
        raise BadInput(f"{folder} holds no adapter: {WEIGHTS_FILE} is missing. {hint}".rstrip())
    tensors, header = _read_tensors(path)
    _check_pairs(path, tensors)
    return AdapterFile(
        folder=folder,
        config=config,
        tensors=tensors,
        base=header.get("angen.base"),
        base_fingerprint=header.get("angen.base_fingerprint"),
    )


def _read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(path, framework="pt") as opened:
            header = opened.metadata() or {}
            tensors = {_plain(name): opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise Incompatible(
            f"{path} is damaged ({error}). Use another copy of the adapter, or train it again."
        ) from error
    return tensors, header


def _plain(name: str) -> str:
    name = name.removeprefix(PREFIX).removeprefix(_UPSTREAM_PREFIX)
    return name.replace(".default.weight", ".weight")


def _split(name: str) -> tuple[str, str]:
    match = _PART.fullmatch(name)
    if match is None:
        raise Incompatible(f"{name} is no tensor of a plain LoRA; only those can be used here.")
    return match[1], match[2]


def _check_pairs(path: Path, tensors: dict[str, Tensor]) -> None:
    """Each layer has an A (rank, in) and a B (out, rank), all numbers finite."""
    if not tensors:
        raise Incompatible(f"{path} holds no tensors. Use another copy of the adapter.")
    for name, tensor in tensors.items():
        module, part = _split(name)
        other = tensors.get(f"{module}.lora_{'B' if part == 'A' else 'A'}.weight")
        if other is None or tensor.ndim != 2 or other.ndim != 2:
            raise Incompatible(f"{path}: {module} has no pair of matrices lora_A and lora_B.")
        if part == "A" and tensor.shape[0] != other.shape[1]:
            raise Incompatible(f"{path}: the ranks of lora_A and lora_B of {module} differ.")
        if not bool(torch.isfinite(tensor).all()):
            raise Incompatible(f"{path}: {name} holds NaN or infinity. Train the adapter again.")


def load_adapter(
    model: nn.Module, folder: Path, *, strength: float = 1.0, base: str, base_fingerprint: str
) -> LoadReport:
    """Put the adapter of ``folder`` into ``model``, beside those already there.

    base, base_fingerprint: of ``model``. An adapter that names another base is refused; one that
    names none (made elsewhere) is taken when every tensor fits, and the report says so.

    Raises BadInput (no adapter there), Incompatible (damaged, or not for this base).
    """
    check_strength(strength)
    adapter = read_adapter(folder)
    if adapter.base_fingerprint not in (None, base_fingerprint):
        raise Incompatible(
            f"{folder} was trained on the base {adapter.base} ({adapter.base_fingerprint:.12}), "
            f"not on {base} ({base_fingerprint:.12}). Choose that base, or train the adapter again."
        )
    _check_fit(model, adapter, base)
    before = strengths_of(model)
    slot = f"adapter{len(slots(model))}"
    inject(model, _lora_config(adapter), slot)
    restore_tensors(model, adapter.tensors, slot)
    set_strengths(model, before | {slot: strength})
    foreign = "It does not say which base it was trained on; its tensors fit this one."
    return LoadReport(
        slot=slot,
        folder=folder,
        matched=len(adapter.tensors),
        rank=adapter.rank,
        strength=strength,
        warnings=() if adapter.base_fingerprint else (f"{folder}: {foreign}",),
    )


def _check_fit(model: nn.Module, adapter: AdapterFile, base: str) -> None:
    layers = {
        name: module.get_base_layer() if isinstance(module, LoraLayer) else module
        for name, module in model.named_modules()
    }
    unknown = [m for m in adapter.modules if not isinstance(layers.get(m), nn.Linear)]
    if unknown:
        total = len(adapter.modules)
        raise Incompatible(
            f"{adapter.folder} does not fit the base {base}: {total - len(unknown)} of its "
            f"{total} layers are there, {unknown[0]} is not. It was made for another model."
        )
    for module in adapter.modules:
        weight = layers[module].weight
        a, b = (adapter.tensors[f"{module}.lora_{part}.weight"] for part in "AB")
        if (b.shape[0], a.shape[1]) != tuple(weight.shape):  # type: ignore[arg-type]
            raise Incompatible(
                f"{adapter.folder} does not fit the base {base}: its {module} is "
                f"{b.shape[0]} x {a.shape[1]}, the base has {' x '.join(map(str, weight.shape))}."  # type: ignore[arg-type]
            )


def _lora_config(adapter: AdapterFile) -> LoraConfig:
    """The config with ranks and scales as the tensors and the file have them, layer by layer."""
    scales = layer_scales(adapter)
    ranks = {m: adapter.tensors[f"{m}.lora_A.weight"].shape[0] for m in adapter.modules}
    return LoraConfig(
        r=adapter.rank,
        lora_alpha=adapter.rank,
        rank_pattern=ranks,
        alpha_pattern={m: scales[m] * ranks[m] for m in adapter.modules},
        target_modules=list(adapter.modules),
        inference_mode=True,
    )


def layer_scales(adapter: AdapterFile) -> dict[str, float]:
    """What PEFT multiplies B A of each layer by: alpha / rank, or alpha / sqrt(rank) for rsLoRA.

    Raises Incompatible when the config gives no usable alpha.
    """
    config = adapter.config
    alphas, default = config.get("alpha_pattern") or {}, config.get("lora_alpha", 8)
    scales = {}
    for module in adapter.modules:
        rank = adapter.tensors[f"{module}.lora_A.weight"].shape[0]
        named = (v for key, v in alphas.items() if _names(key, module))
        alpha = next(named, default)
        if not isinstance(alpha, int | float) or not math.isfinite(alpha):
            raise Incompatible(
                f"{adapter.folder / CONFIG_FILE}: lora_alpha {alpha!r} is no number."
            )
        scales[module] = alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)
    return scales


def _names(key: str, module: str) -> bool:
    """PEFT takes the key for a regular expression; one from a stranger's file is never run."""
    key = _plain(key.lstrip("^").rstrip("$")).replace("\\.", ".")
    return module == key or module.endswith(f".{key}")
