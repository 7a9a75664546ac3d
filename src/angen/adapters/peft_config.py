"""``adapter_config.json``: what its fields mean, as PEFT reads them, and which are refused.

An adapter gets the weights that PEFT itself would give it, or none: so each field of PEFT's
``LoraConfig`` stands in one of the three lists below, and a test asks for the same of the next
release of PEFT. Patterns of strangers are matched with a limit on time.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import regex

from angen.errors import Incompatible
from angen.jsons import read_object
from angen.tensors import short

READ = frozenset({
    "peft_type", "r", "lora_alpha", "use_rslora", "rank_pattern", "alpha_pattern", "target_modules",
    "exclude_modules", "layers_to_transform", "layers_pattern", "init_lora_weights", "bias",
})  # fmt: skip
IDLE = frozenset({  # they change no weight of an adapter that is loaded to be played
    "task_type", "auto_mapping", "peft_version", "base_model_name_or_path", "revision",
    "inference_mode", "lora_dropout", "fan_in_fan_out", "megatron_core", "qalora_group_size",
    "runtime_config", "loftq_config", "eva_config", "corda_config", "lora_ga_config",
})  # fmt: skip
OFF = frozenset({  # they make more of it than plain LoRA: refused unless they are off
    "modules_to_save", "megatron_config", "trainable_token_indices", "use_dora", "velora_config",
    "alora_invocation_tokens", "use_qalora", "monteclora_config", "layer_replication", "lora_bias",
    "target_parameters", "use_bdlora", "arrow_config", "kasa_config", "ensure_weight_tying",
})  # fmt: skip

MOST_BYTES = 1_000_000
MOST_ALPHA = 1e6
MOST_RANK = 16_384
_HARMLESS_STARTS = (None, True, False, "gaussian", "eva", "orthogonal", "mica")
_PLAIN = "Only plain LoRA can be used here"
_PATTERN_S = 3.0  # for all patterns of a file
_LONGEST_PATTERN = 2_000
_LAYER = r".*?\.[^.]*\.(?P<idx>\d+)\."  # PEFT's, where layers_pattern is not given


def read_peft_config(path: Path) -> "PeftConfig":
    """The configuration of a plain LoRA.

    Raises FileNotFoundError, Incompatible that names the field: damaged, or another kind of
    adapter.
    """
    try:
        values = read_object(path, MOST_BYTES)
    except ValueError as error:
        raise Incompatible(
            f"{path} is damaged ({error}). Use another copy of the adapter."
        ) from error
    return PeftConfig(path, values)


@dataclass
class PeftConfig:
    """The fields of a plain LoRA, checked. ``module`` is a layer as the file's tensors name it.

    Raises Incompatible that names the field, its value and what to do.
    """

    path: Path
    values: Mapping[str, Any]

    def __post_init__(self) -> None:
        self._until = math.inf
        kind = self.values.get("peft_type")
        if kind != "LORA":
            kind_text = short(kind) if kind else "no adapter"
            raise Incompatible(f"{self.path} describes {kind_text}; only LoRA can be used here.")
        self._refuse_variants()
        self._refuse_unknown()
        self._check_numbers()
        self._check_lists()

    @property
    def alpha(self) -> float:
        """Of layers that no pattern names."""
        return float(self.values.get("lora_alpha", 8))

    def rank(self, module: str) -> int:
        """Of a layer."""
        return int(self._by_pattern("rank_pattern", "r", 8, module))

    def scale(self, module: str) -> float:
        """What B A of a layer is multiplied by."""
        alpha, rank = self._by_pattern("alpha_pattern", "lora_alpha", 8, module), self.rank(module)
        return alpha / (math.sqrt(rank) if self.values.get("use_rslora") else rank)

    def targets(self, module: str) -> bool:
        """Whether PEFT would put the adapter into this layer."""
        try:
            self.check_target(module)
        except Incompatible:
            return False
        return True

    @property
    def starts_at_zero(self) -> bool:
        """Whether PEFT leaves the base as it is where a layer's tensors are missing."""
        return self.values.get("init_lora_weights", True) in (True, "gaussian", "eva")

    def check_target(self, module: str) -> None:
        """Nothing when PEFT would put the adapter into this layer."""
        if self._listed("exclude_modules", module):
            raise self._unwanted("exclude_modules", module, "leaves out")
        targets = self.values.get("target_modules")
        if targets == "all-linear":
            return
        if not self._listed("target_modules", module):
            raise self._unwanted("target_modules", module, "does not name")
        by_ending = not isinstance(targets, str) and module not in (targets or ())
        if by_ending and not self._in_layers(module):
            raise self._unwanted("layers_to_transform", module, "leaves out")

    def _unwanted(self, field: str, module: str, does: str) -> Incompatible:
        return Incompatible(
            f"{self.path}: {field}={short(self.values.get(field))} {does} {module}, whose tensors "
            "are in the file: PEFT would not use them. Use another copy of the adapter, or correct "
            f"{field}."
        )

    def _refuse_variants(self) -> None:
        on = [name for name in sorted(OFF) if self.values.get(name) not in (None, False, [], {})]
        if (bias := self.values.get("bias", "none")) != "none":
            raise self._fault("bias", bias, _PLAIN, "train it again with bias='none'")
        if on:
            raise self._fault(on[0], self.values[on[0]], _PLAIN, f"train it again without {on[0]}")
        start = self.values.get("init_lora_weights", True)
        if not any(start is known or (isinstance(start, str) and start == known)
                   for known in _HARMLESS_STARTS):  # fmt: skip
            raise self._fault(
                "init_lora_weights",
                start,
                "Such a start may change the base's weights, and PEFT changes them again when it "
                "loads the adapter; here the base stays as it is",
                "save it as plain LoRA (PEFT's save_pretrained with "
                "path_initial_model_for_weight_conversion), or train it again with another start",
            )

    def _refuse_unknown(self) -> None:
        for name in sorted(self.values.keys() - READ - IDLE - OFF):
            if self.values[name] not in (None, False, "", [], {}):
                raise self._fault(
                    name,
                    self.values[name],
                    "No such field is known here: it may change what the adapter does",
                    "use a newer Angen Studio, or take the field out if it stands for nothing",
                )

    def _check_numbers(self) -> None:
        values = self.values
        self._check_number("r", values.get("r", 8))
        self._check_number("lora_alpha", values.get("lora_alpha", 8))
        for field in ("rank_pattern", "alpha_pattern"):
            patterns = values.get(field)
            if patterns is not None and not isinstance(patterns, dict):
                raise self._fault(field, patterns, "Names of layers and numbers were expected")
            for value in (patterns or {}).values():
                self._check_number(field, value)
        if not isinstance(rslora := values.get("use_rslora", False), bool):
            raise self._fault("use_rslora", rslora, "true or false was expected")

    def _check_number(self, field: str, value: object) -> None:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if field in ("r", "rank_pattern"):
            if type(value) is not int or not 1 <= value <= MOST_RANK:
                raise self._fault(field, value, f"A whole number, 1 to {MOST_RANK:,}, was expected")
        elif not number or not 0 <= value <= MOST_ALPHA:  # type: ignore[operator]
            raise self._fault(field, value, f"A number, 0 to {MOST_ALPHA:,.0f}, was expected")

    def _check_lists(self) -> None:
        for field in ("target_modules", "exclude_modules", "layers_pattern"):
            value = self.values.get(field)
            if not (value is None or isinstance(value, str) or _is_list_of(str, value)):
                raise self._fault(field, value, "A list of names, or a pattern, was expected")
        layers = self.values.get("layers_to_transform")
        if not (layers is None or type(layers) is int or _is_list_of(int, layers)):
            raise self._fault("layers_to_transform", layers, "Numbers of layers were expected")

    def _fault(self, field: str, value: object, why: str, remedy: str = "") -> Incompatible:
        remedy = remedy or "use another copy of the adapter"
        return Incompatible(
            f"{self.path}: {field}={short(value)}. {why}. {remedy[0].upper()}{remedy[1:]}."
        )

    def _listed(self, field: str, module: str) -> bool:
        wanted = self.values.get(field)
        if isinstance(wanted, str):
            return bool(wanted) and self._matches(regex.fullmatch, field, wanted, module)
        return any(module == name or module.endswith(f".{name}") for name in wanted or ())

    def _in_layers(self, module: str) -> bool:
        layers = self.values.get("layers_to_transform")
        if layers is None or layers == []:
            return True
        patterns = self.values.get("layers_pattern")
        patterns = [patterns] if isinstance(patterns, str) else patterns
        wanted = [rf"(?:^|.*?\.){name}\.(?P<idx>\d+)\." for name in patterns or ()] or [_LAYER]
        for pattern in wanted:
            if match := self._match(regex.match, "layers_pattern", pattern, module):
                index = int(match["idx"])
                return index == layers if isinstance(layers, int) else index in layers
        return False

    def _by_pattern(self, field: str, default: str, fallback: int, module: str) -> float:
        patterns = self.values.get(field) or {}
        for key, value in patterns.items():
            if self._matches(regex.match, field, rf"(.*\.)?({key})$", module):
                return float(value)
        return float(self.values.get(default, fallback))

    def _matches(self, how: Callable[..., Any], field: str, pattern: str, module: str) -> bool:
        return self._match(how, field, pattern, module) is not None

    def _match(self, how: Callable[..., Any], field: str, pattern: str, module: str) -> Any:
        if self._until == math.inf:
            self._until = time.monotonic() + _PATTERN_S
        try:
            if len(pattern) > _LONGEST_PATTERN:
                raise TimeoutError
            return how(pattern, module, timeout=max(self._until - time.monotonic(), 0.001))
        except TimeoutError:
            why = "This pattern, or all of them together, would take too long to read"
        except (regex.error, RecursionError, OverflowError, MemoryError) as error:
            why = f"This is no pattern that can be read ({error})"
        raise self._fault(field, pattern, why, "name the layers in full instead")


def _is_list_of(kind: type, value: object) -> bool:
    return isinstance(value, list) and all(type(item) is kind for item in value)
