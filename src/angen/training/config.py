"""A training recipe: its defaults, the ranges within which it is taken, and that of a base.

The defaults are those of the documents. A bundle may say what works better for it, in
``recipe.json``: some of the fields.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from angen.adapters.shape import ATTENTION, MLP, LoraShape
from angen.data.style_source import StyleSource
from angen.errors import BadInput
from angen.jsons import read_object

RANGES: dict[str, tuple[float, float]] = {
    "batch_size": (1, 16),
    "learning_rate": (1e-5, 1e-3),
    "epochs": (1, 50),
    "max_steps": (1, 1_000_000),
    "least_steps": (0, 1_000_000),
    "rank": (4, 64),
    "alpha": (8, 128),
    "lora_dropout": (0, 0.5),
    "max_clip_s": (2, 600),
    "condition_dropout": (0, 1),
    "warmup_steps": (0, 10_000),
    "weight_decay": (0, 1),
    "clip_norm": (0.01, 100),
    "accumulation": (1, 64),
    "seed": (0, 2**32 - 1),
    "log_every": (1, 1_000_000),
    "checkpoint_every": (1, 1_000_000),
    "keep_checkpoints": (1, 1_000),
    "validation_blocks": (1, 100_000),
}
RECIPE_FILE = "recipe.json"  # of a bundle
# What may differ when a training is resumed: none of it reaches the weights.
FREE_TO_CHANGE = frozenset(
    {"log_every", "checkpoint_every", "keep_checkpoints", "gradient_checkpointing"}
)


class Precision(StrEnum):
    """In what the base computes; the adapter itself is always float32."""

    AUTO = "auto"  # as the bundle was loaded: bfloat16 where a GPU has it, else float32
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingConfig:
    """All that makes a training what it is, but the base and the dataset.

    Raises BadInput that names the value and its range.
    """

    batch_size: int = 4  # clips at once in memory
    accumulation: int = 1  # batches per step: a larger batch in the memory of a small one
    learning_rate: float = 3e-4  # at its height
    epochs: int = 10
    max_steps: int | None = None  # in place of epochs: exactly so many steps
    least_steps: int = 0  # more epochs are added until there are as many, where clips are few
    rank: int = 16
    alpha: int = 32
    targets: tuple[str, ...] = ATTENTION  # or ATTENTION + MLP
    lora_dropout: float = 0.0
    style: StyleSource = StyleSource.BOTH  # what tells the model a clip's style
    max_clip_s: float = 30.0  # longer clips are cropped, each epoch elsewhere
    condition_dropout: float = 0.1  # clips that lose lyrics and style, so that guidance works
    warmup_steps: int = 100  # at most a tenth of all steps
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    gradient_checkpointing: bool = False  # half the memory for a third more time
    precision: Precision = Precision.AUTO
    seed: int = 0
    log_every: int = 100  # steps
    checkpoint_every: int = 500  # steps; between them one is saved every few minutes
    keep_checkpoints: int = 3  # the newest of those by steps; older ones are removed
    validation_blocks: int = 32  # blocks (of 2 s) heard per validation, at least

    def __post_init__(self) -> None:
        faults = [
            fault
            for field in fields(self)
            if field.name in RANGES and (fault := _fault(field.name, getattr(self, field.name)))
        ]
        if unknown := sorted(set(self.targets) - {*ATTENTION, *MLP}) or not self.targets:
            faults.append(
                f"targets={list(self.targets)}: choose among {', '.join(ATTENTION + MLP)}"
                + (f", not {', '.join(unknown)}" if isinstance(unknown, list) else "")
            )
        if faults:
            raise BadInput("The training recipe cannot be used: " + "; ".join(faults) + ".")

    @property
    def shape(self) -> LoraShape:
        return LoraShape(
            rank=self.rank, alpha=self.alpha, targets=self.targets, dropout=self.lora_dropout
        )

    @property
    def clips_per_step(self) -> int:
        return self.batch_size * self.accumulation


def _fault(name: str, value: float | None) -> str | None:
    if value is None and name == "max_steps":
        return None
    low, high = RANGES[name]
    whole = isinstance(low, int) and isinstance(high, int) and name not in _FRACTIONS
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        return f"{name}={value!r} is not a {'whole ' if whole else ''}number"
    if not low <= value <= high or not math.isfinite(value):
        return f"{name}={value:g} is outside {low:g} to {high:g}"
    return None


_FRACTIONS = frozenset({"lora_dropout", "max_clip_s", "condition_dropout", "weight_decay"})


def recipe(config: TrainingConfig) -> dict[str, Any]:
    """``config`` as JSON can hold it."""
    words = {"precision": str(config.precision), "style": str(config.style)}
    return asdict(config) | words | {"targets": list(config.targets)}


def from_recipe(values: Mapping[str, Any]) -> TrainingConfig:
    """The config that ``recipe`` gave, or that a person wrote.

    Raises BadInput that names an unknown field, a value out of range or of the wrong kind.
    """
    known = {field.name for field in fields(TrainingConfig)}
    if unknown := sorted(set(values) - known):
        raise BadInput(
            f"The training recipe has unknown fields: {', '.join(unknown)}. "
            f"Known are: {', '.join(sorted(known))}."
        )
    given = dict(values)
    try:
        if "targets" in given:
            given["targets"] = tuple(given["targets"])
        if "precision" in given:
            given["precision"] = Precision(given["precision"])
        if "style" in given:
            given["style"] = StyleSource(given["style"])
    except (TypeError, ValueError) as error:
        raise BadInput(f"The training recipe cannot be used: {error}.") from error
    return TrainingConfig(**given)


def base_recipe(bundle: Path) -> TrainingConfig:
    """What adapters of the base in this folder are trained with, unless somebody says otherwise.

    Raises BadInput that names the file, when it holds anything but fields of a recipe.
    """
    path = bundle / RECIPE_FILE
    if not path.is_file():
        return TrainingConfig()
    try:
        return from_recipe(read_object(path))
    except (ValueError, BadInput) as error:
        raise BadInput(f"{path} is no training recipe: {error}") from error


def differences(old: TrainingConfig, new: TrainingConfig) -> list[str]:
    """What would make a resumed training another one, as ``field: old -> new``."""
    before, after = recipe(old), recipe(new)
    return [
        f"{name}: {before[name]} -> {after[name]}"
        for name in before
        if name not in FREE_TO_CHANGE and before[name] != after[name]
    ]
