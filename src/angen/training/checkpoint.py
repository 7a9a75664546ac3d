"""A training at rest: all that it takes to go on as if nothing had happened.

    checkpoint_step_500/
      adapter_config.json, adapter_model.safetensors   the adapter, readable by PEFT
      optimizer.safetensors                            AdamW's moments
      state.json                                       step, best so far, recipe, whose it is

The step fixes the learning rate, the position in the data and every random number, so no more of
those is kept. The folder is written beside and renamed when complete. ``state.json`` holds the hash
of each file and of itself: a damaged checkpoint is found out before anything of it is used.

One is saved every so many steps, and the newest few of those are kept. Between them one is saved by
time (and when a training is stopped), so that a power cut costs minutes; the next takes its place.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from angen.adapters.files import AdapterFile, read_adapter, save_adapter
from angen.adapters.library import CONFIG_FILE, WEIGHTS_FILE
from angen.bundle import Bundle
from angen.errors import AngenError, BadInput, Incompatible
from angen.files import put_in_place, replacing, restore_replaced

OPTIMIZER_FILE = "optimizer.safetensors"
STATE_FILE = "state.json"
_NAME = re.compile(r"checkpoint_step_(\d+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far a training is, apart from the weights."""

    step: int = 0  # finished steps
    best_loss: float | None = None  # of validation
    best_step: int | None = None
    base_loss: float | None = None  # of validation, before the first step
    latest_loss: float | None = None  # of validation
    by_time: dict[str, float] | None = None
    epoch_loss: float = 0.0  # sum of the losses of the running epoch's steps
    epoch_steps: int = 0
    training_loss: float | None = None  # mean over the last full epoch
    seconds: float = 0.0  # spent so far, over all sittings


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A checkpoint read and found whole."""

    folder: Path
    progress: Progress
    recipe: dict[str, Any]
    dataset_fingerprint: str
    base_fingerprint: str  # of the whole bundle: its encoder made the data
    adapter: AdapterFile
    moments: dict[str, Tensor]


def save_checkpoint(
    folder: Path,
    bundle: Bundle,
    *,
    progress: Progress,
    moments: Mapping[str, Tensor],
    recipe: Mapping[str, Any],
    dataset_fingerprint: str,
) -> Path:
    """Write ``folder/checkpoint_step_<n>`` from the adapter being trained; its path.

    Raises OutOfSpace when the disk is full; earlier checkpoints stay as they are.
    """
    target = folder / f"checkpoint_step_{progress.step}"
    beside = folder / f".{target.name}.part"
    shutil.rmtree(beside, ignore_errors=True)
    try:
        save_adapter(
            bundle.dit, beside, base=bundle.name, base_fingerprint=bundle.model_fingerprint
        )
        with replacing(beside / OPTIMIZER_FILE) as path:
            path.write_bytes(save(dict(moments), metadata={"format": "pt"}))
        state = {
            "version": 1,
            "progress": asdict(progress),
            "recipe": dict(recipe),
            "dataset_fingerprint": dataset_fingerprint,
            "base_fingerprint": bundle.fingerprint,
            "files": {name: _sha256(beside / name) for name in _HASHED},
        }
        with replacing(beside / STATE_FILE) as path:
            path.write_text(json.dumps(state | {"digest": _digest(state)}, indent=2) + "\n")
        _settle(*beside.iterdir(), beside)
        put_in_place(beside, target, replace=True)
        _settle(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return target


def _settle(*paths: Path) -> None:
    """Wait until files and folders lie on the disk: the older checkpoint goes after this one."""
    for path in paths:
        opened = os.open(path, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


_HASHED = (CONFIG_FILE, WEIGHTS_FILE, OPTIMIZER_FILE)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _digest(state: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints in ``folder``, oldest first."""
    restore_replaced(folder)
    there = folder.iterdir() if folder.is_dir() else ()
    found = [path for path in there if _NAME.fullmatch(path.name) and path.is_dir()]
    return sorted(found, key=_step)


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("_")[2])


def _some(folder: Path) -> list[Path]:
    """``checkpoints``, of which there must be one. Raises BadInput."""
    found = checkpoints(folder)
    if not found:
        raise BadInput(
            f"{folder.parent.name!r} has no checkpoint to go on from. "
            "Start it anew, with --overwrite."
        )
    return found


def forget_old(folder: Path, keep: int, every: int) -> None:
    """Remove all but the newest ``keep`` of the checkpoints that were due at a step.

    One that was saved between those steps stays only as long as it is the newest of all.
    """
    found = checkpoints(folder)
    due = [path for path in found if _step(path) % every == 0][-keep:]
    for path in found[:-1]:
        if path not in due:
            shutil.rmtree(path)


def steps_saved(folder: Path) -> int:
    """The step of the newest checkpoint, of which nothing is read. Raises BadInput without one."""
    return _step(_some(folder)[-1])


def latest_checkpoint(folder: Path) -> Checkpoint:
    """The newest checkpoint, whole.

    Raises BadInput when there is none, Incompatible when it is damaged: then the message says which
    file, and where the training can go on from instead.
    """
    *earlier, newest = _some(folder)
    try:
        return read_checkpoint(newest)
    except Incompatible as error:
        remedy = (
            f"go on from {earlier[-1].name}" if earlier else "start the training anew, --overwrite"
        )
        raise Incompatible(f"{error} Remove the folder {newest} to {remedy}.") from error


def read_checkpoint(folder: Path) -> Checkpoint:
    """A checkpoint, every file checked against its hash.

    Raises Incompatible that names the damaged or missing file.
    """
    state = _read_state(folder / STATE_FILE)
    for name in _HASHED:
        path = folder / name
        if not path.is_file():
            raise Incompatible(f"Damaged checkpoint: {path} is missing.")
        if _sha256(path) != state["files"][name]:
            raise Incompatible(f"Damaged checkpoint: {path} is not as it was written.")
    try:
        adapter = read_adapter(folder)
        moments = load((folder / OPTIMIZER_FILE).read_bytes())
    except (SafetensorError, AngenError) as error:
        raise Incompatible(f"Damaged checkpoint: {folder}: {error}") from error
    known = {field.name for field in fields(Progress)}
    return Checkpoint(
        folder=folder,
        progress=Progress(**{k: v for k, v in state["progress"].items() if k in known}),
        recipe=state["recipe"],
        dataset_fingerprint=state["dataset_fingerprint"],
        base_fingerprint=state["base_fingerprint"],
        adapter=adapter,
        moments=moments,
    )


def _read_state(path: Path) -> dict[str, Any]:
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
        digest = state.pop("digest")
    except FileNotFoundError:
        raise Incompatible(f"Damaged checkpoint: {path} is missing.") from None
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise Incompatible(f"Damaged checkpoint: {path} cannot be read.") from error
    if digest != _digest(state):
        raise Incompatible(f"Damaged checkpoint: {path} is not as it was written.")
    if state["version"] != 1:
        raise Incompatible(f"{path} is from another version of angen; use that one to go on.")
    assert isinstance(state, dict)
    return state
