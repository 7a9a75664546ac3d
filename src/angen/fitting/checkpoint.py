"""A fit at rest: one file with all that it takes to go on as if nothing had happened.

The step fixes the learning rate and every random number, so no more than weights and moments are
kept. The recipe, and whose decoder it is, lie beside it and have to be the same to go on.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from angen.errors import BadInput, Incompatible
from angen.files import replacing
from angen.tensors import read_tensors, write_tensors

STATE_FILE, RECIPE_FILE = "state.safetensors", "recipe.json"
_ENCODER, _BEST, _MOMENTS = "encoder.", "best.", "moments."


@dataclass(frozen=True, kw_only=True)
class FitState:
    """How far a fit is."""

    step: int  # finished steps
    error: float  # of the latents of songs kept aside, at the best step
    best_step: int
    encoder: dict[str, Tensor]
    best: dict[str, Tensor]  # the encoder at its best step
    moments: dict[str, Tensor]  # of the optimiser


def save_state(folder: Path, state: FitState) -> None:
    """Write the state, wholly or not at all. Raises OutOfSpace."""
    facts = torch.tensor([state.step, state.error, state.best_step], dtype=torch.float64)
    tensors = {"facts": facts}
    for prefix, part in (
        (_ENCODER, state.encoder),
        (_BEST, state.best),
        (_MOMENTS, state.moments),
    ):
        tensors |= {prefix + name: tensor.clone() for name, tensor in part.items()}
    write_tensors(folder / STATE_FILE, tensors)


def read_state(folder: Path) -> FitState | None:
    """The state in ``folder``, None where there is none. Raises Incompatible for a damaged one."""
    path = folder / STATE_FILE
    if not path.is_file():
        return None
    try:
        tensors = read_tensors(path)
        step, error, best_step = tensors["facts"].tolist()
    except (Incompatible, KeyError, ValueError) as fault:
        raise Incompatible(
            f"{path} is damaged. Remove it to fit again from the songs that are made."
        ) from fault

    def part(prefix: str) -> dict[str, Tensor]:
        return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}

    return FitState(
        step=int(step),
        error=error,
        best_step=int(best_step),
        encoder=part(_ENCODER),
        best=part(_BEST),
        moments=part(_MOMENTS),
    )


def settle_recipe(folder: Path, recipe: Mapping[str, Any], *, restart: bool) -> bool:
    """Write the recipe of a fit into ``folder``; true when an unfinished one is gone on with.

    Raises BadInput, naming what differs, when the fit there has another recipe.
    """
    path = folder / RECIPE_FILE
    wanted = json.loads(json.dumps(recipe))
    if path.is_file() and not restart:
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            found = {}
        differing = sorted(n for n in wanted.keys() | found.keys() if wanted.get(n) != found.get(n))
        if differing:
            told = ", ".join(f"{n} was {found.get(n)}, now {wanted.get(n)}" for n in differing)
            raise BadInput(
                f"A fit with another recipe is under way in {folder}: {told}. Give the same "
                "values to go on with it, or begin anew (restart, --restart)."
            )
        return (folder / STATE_FILE).is_file()
    (folder / STATE_FILE).unlink(missing_ok=True)
    with replacing(path) as beside:
        beside.write_text(json.dumps(wanted, indent=1) + "\n", encoding="utf-8")
    return False
