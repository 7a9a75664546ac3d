"""An adapter on disk: PEFT's folder, ``adapter_config.json`` beside ``adapter_model.safetensors``.

Plain PEFT reads the folder. What PEFT has no field for, the base that it was trained on, stands in
the header of the safetensors file, so that it cannot get lost from the weights.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model_state_dict, set_peft_model_state_dict
from peft.tuners.lora import LoraLayer
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
from angen.adapters.peft_config import PeftConfig, read_peft_config
from angen.adapters.spelling import PREFIX
from angen.adapters.weights import LoraTensors, read_lora
from angen.errors import BadInput, Incompatible
from angen.files import replacing
from angen.tensors import short

_A = re.compile(r"(.+)\.lora_A\.weight")
_MOST_CHANGE = 1e30  # of a weight of the base, whichever number it is


@dataclass(frozen=True, kw_only=True)
class AdapterFile:
    """An adapter as it lies on disk; nothing of it is in a model yet."""

    folder: Path
    tensors: dict[str, Tensor] = field(repr=False)  # "<module>.lora_A.weight" -> (rank, in)
    scales: dict[str, float] = field(repr=False)  # module -> what its B A is multiplied by
    config: PeftConfig
    prefix: str  # before the names of layers, in its files
    base: str | None  # name of the base it was trained on; None when the file does not say
    base_fingerprint: str | None

    @property
    def modules(self) -> tuple[str, ...]:
        return tuple(self.scales)

    @property
    def rank(self) -> int:
        """The largest of its layers' ranks."""
        return max(len(self.pair(module)[0]) for module in self.modules)

    def pair(self, module: str) -> tuple[Tensor, Tensor]:
        """A (rank, in) and B (out, rank) of a layer."""
        return self.tensors[f"{module}.lora_A.weight"], self.tensors[f"{module}.lora_B.weight"]

    def changes(self, strength: float = 1.0) -> bool:
        """Whether it changes any weight of its base."""
        return any(self._delta(m, strength).any() for m in self.modules)

    def _delta(self, module: str, strength: float) -> Tensor:
        a, b = (matrix.float() for matrix in self.pair(module))
        return b * (strength * self.scales[module]) @ a

    @property
    def idle(self) -> str:
        """Why it changes nothing, in words; empty where it changes something."""
        if self.changes():
            return ""
        if not any(self.scales.values()):
            why = "its lora_alpha is 0"
        elif not any(self.pair(module)[1].any() for module in self.modules):
            why = "all its matrices lora_B are zero, as before the first step of a training"
        else:
            why = "its matrices lora_A and lora_B give zero"
        return f"This adapter changes nothing: {why}. Songs with it are those of the base."


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
    base: str | None,
    base_fingerprint: str | None,
    alphas: Mapping[str, float] | None = None,
) -> None:
    """Write tensors of any ranks, as ``save_adapter`` does.

    alphas: of each layer; its rank where there is none, so that B A is what it adds.
    """
    ranks = {m[1]: len(t) for name, t in tensors.items() if (m := _A.fullmatch(name))}
    scaled = {module: (alphas or {}).get(module, rank) for module, rank in ranks.items()}
    _write(folder, _config(ranks, scaled), tensors, base, base_fingerprint)


def _config(ranks: Mapping[str, int], alphas: Mapping[str, float]) -> LoraConfig:
    """PEFT's configuration of exactly these layers: what most have, and what others have else."""
    rank = Counter(ranks.values()).most_common(1)[0][0]
    alpha = Counter(alphas.values()).most_common(1)[0][0]
    return LoraConfig(
        r=rank,
        lora_alpha=alpha,  # type: ignore[arg-type]
        rank_pattern={f"^{re.escape(m)}": r for m, r in ranks.items() if r != rank},
        alpha_pattern={f"^{re.escape(m)}": a for m, a in alphas.items() if a != alpha},
        target_modules=sorted(ranks),
    )


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
    written = read_lora(path).tensors
    same = written.keys() == tensors.keys() and all(
        torch.equal(written[name], tensors[name]) for name in tensors
    )
    if not same:
        raise Incompatible(
            f"{path.parent / WEIGHTS_FILE} does not read back as it was written. "
            "Check that disk; the adapter was not saved."
        )


def read_config(folder: Path) -> PeftConfig:
    """``adapter_config.json`` of a plain LoRA.

    Raises BadInput when there is no adapter in ``folder``, Incompatible when it is of another kind.
    """
    try:
        return read_peft_config(folder / CONFIG_FILE)
    except FileNotFoundError:
        raise BadInput(f"{folder} holds no adapter: {CONFIG_FILE} is missing.") from None


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
    lora = read_lora(path)
    if lora.alphas:
        raise Incompatible(
            f"{path} holds {next(iter(lora.alphas))}.alpha, and {CONFIG_FILE} beside it an alpha "
            "too: which of them holds is not clear. Import the file by itself, or remove one."
        )
    return AdapterFile(
        folder=folder,
        tensors=lora.tensors,
        scales=_scales(path, config, lora),
        config=config,
        prefix=_prefix(lora.modules),
        base=lora.header.get("angen.base"),
        base_fingerprint=lora.header.get("angen.base_fingerprint"),
    )


def _prefix(modules: Mapping[str, str]) -> str:
    """What the file writes before our names of layers."""
    module, given = next(iter(modules.items()))
    return given.removesuffix(module)


def _scales(path: Path, config: PeftConfig, lora: LoraTensors) -> dict[str, float]:
    """What PEFT multiplies B A of each layer by. Raises Incompatible where it would not load it."""
    scales = {}
    for module, given in lora.modules.items():
        config.check_target(given)
        a, b = (lora.tensors[f"{module}.lora_{part}.weight"] for part in "AB")
        if (rank := config.rank(given)) != len(a):
            raise Incompatible(
                f"{path}: {module} has rank {len(a)}, but {CONFIG_FILE} says {rank} (r, or "
                "rank_pattern). The two files are not of one adapter; use another copy."
            )
        scales[module] = config.scale(given)
        if float(a.abs().max()) * float(b.abs().max()) * rank * scales[module] > _MOST_CHANGE:
            raise Incompatible(
                f"{path}: the numbers of {module} are beyond all bounds. Train the adapter again."
            )
    return scales


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
    partial = _partial(model, adapter)
    before = strengths_of(model)
    slot = f"adapter{len(slots(model))}"
    inject(model, _lora_config(adapter), slot)
    restore_tensors(model, adapter.tensors, slot)
    set_strengths(model, before | {slot: strength if adapter.changes(strength) else 0.0})
    told = [text for text in (adapter.idle, partial) if text]
    if strength and not told and not adapter.changes(strength):
        told.append(f"At the strength {strength:g} it changes nothing.")
    if not adapter.base_fingerprint:
        told.append("It does not say which base it was trained on; its tensors fit this one.")
    return LoadReport(
        slot=slot,
        folder=folder,
        matched=len(adapter.tensors),
        rank=adapter.rank,
        strength=strength,
        warnings=tuple(f"{folder}: {text}" for text in told),
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
        a, b = adapter.pair(module)
        if (b.shape[0], a.shape[1]) != tuple(weight.shape):  # type: ignore[arg-type]
            raise Incompatible(
                f"{adapter.folder} does not fit the base {base}: its {module} is "
                f"{b.shape[0]} x {a.shape[1]}, the base has {' x '.join(map(str, weight.shape))}."  # type: ignore[arg-type]
            )


def _partial(model: nn.Module, adapter: AdapterFile) -> str:
    """What to know of layers that its configuration names and its weights lack.

    Raises Incompatible where PEFT would fill them with random numbers.
    """
    plain = (name for name, module in model.named_modules() if isinstance(module, nn.Linear))
    names = [name for name in plain if name not in adapter.scales and "lora_" not in name]
    names = [name.removesuffix(".base_layer") for name in names]
    lacking = [n for n in names if n not in adapter.scales]
    lacking = [n for n in lacking if adapter.config.targets(adapter.prefix + n)]
    if not lacking:
        return ""
    told = f"{len(lacking)} of the layers that its target_modules names have no tensors in it"
    if not adapter.config.starts_at_zero:
        raise Incompatible(
            f"{adapter.folder}: {told}, {lacking[0]} for one, and init_lora_weights="
            f"{short(adapter.config.values.get('init_lora_weights'))} does not start at zero. "
            "Use another copy of the adapter."
        )
    return f"{told}, {lacking[0]} for one: they stay as they are in the base."


def _lora_config(adapter: AdapterFile) -> LoraConfig:
    """The config with ranks and scales as the tensors and the file have them, layer by layer."""
    ranks = {module: len(adapter.pair(module)[0]) for module in adapter.modules}
    config = _config(ranks, {m: scale * ranks[m] for m, scale in adapter.scales.items()})
    config.target_modules = "|".join(map(re.escape, ranks))  # these, and none that ends alike
    config.inference_mode = True
    return config
