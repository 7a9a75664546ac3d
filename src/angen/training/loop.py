"""Objective x data -> adapter: a training from its first check to its last file.

    check ─► lock the folder ─► attach ─► steps, each with what falls due ─► final model, metadata

A stop is heard between steps: a checkpoint is saved first, then Stopped goes on its way.
"""

import errno
import logging
import platform
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import torch

from angen.adapters.attach import detach, slots
from angen.adapters.library import BEST, CHECKPOINTS, FINAL
from angen.adapters.metadata import (
    AdapterMetadata,
    BaseFacts,
    Losses,
    read_metadata,
    refuse_if_finished,
    write_metadata,
)
from angen.adapters.status import training_lock
from angen.amounts import counted, duration_text
from angen.bundle import Bundle
from angen.errors import AngenError, BadInput, Incompatible, OutOfSpace, Stopped
from angen.training.checkpoint import Checkpoint, checkpoints, latest_checkpoint
from angen.training.config import (
    Precision,
    TrainingConfig,
    differences,
    from_recipe,
    recipe,
)
from angen.training.events import EventKind, OnEvent, silent
from angen.training.log import TrainingLog
from angen.training.material import TrainingData
from angen.training.plan import make_plan
from angen.training.run import Run, start
from angen.training.space import check_space, disk_bytes
from angen.training.validation import make_validation

logger = logging.getLogger(__name__)

EARLIER = ".replaced"  # in an adapter's folder: the adapter that gives way to a training
_LIBRARIES = ("angen", "torch", "peft", "safetensors", "numpy")


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingResult:
    """What a training left behind."""

    folder: Path
    best: Path  # PEFT folder; the final model when there is no validation
    final: Path
    steps: int
    seconds: float
    losses: Losses
    notes: tuple[str, ...]  # what a person should know


def train(
    bundle: Bundle,
    data: TrainingData,
    config: TrainingConfig,
    folder: Path,
    *,
    on_event: OnEvent = silent,
    resume: bool = False,
    overwrite: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> TrainingResult:
    """Train an adapter of ``bundle`` on ``data`` and leave it in ``folder``.

    folder: ``<loras>/<name>``. resume: go on from its newest checkpoint; the result is, on a CPU,
    bit for bit that of a training that was never interrupted. overwrite: what is there gives way.
    clock: seconds, for the time left and for checkpoints that are due by time.
    The bundle's model is without adapters afterwards, as it must be before.

    Raises BadInput (too few clips, a name that is taken, nothing to resume), Incompatible (a
    damaged checkpoint; another recipe, dataset or base than it was started with), OutOfSpace
    (earlier checkpoints stay whole), Stopped (a checkpoint was saved).
    """
    if slots(bundle.dit):
        raise ValueError("the model carries adapters; detach them before training")
    plan = make_plan(data.training, config)
    if resume and not folder.is_dir():
        raise BadInput(f"There is no adapter {folder.name!r} to go on with in {folder.parent}.")
    with training_lock(folder):
        checkpoint = _resumable(folder, bundle, data, config) if resume else None
        if not resume and not overwrite:
            _refuse_if_taken(folder)
        try:
            with in_precision(bundle, config.precision):
                run = start(
                    bundle,
                    data.training,
                    make_validation(data.validation, config, bundle.block),
                    config,
                    plan,
                    folder=folder,
                    dataset_fingerprint=data.facts.fingerprint,
                    checkpoint=checkpoint,
                    clock=clock,
                )
                trained = sum(parameter.numel() for parameter in run.parameters.values())
                check_space(folder, disk_bytes(trained, config, plan.steps))
                with _replaced_once_saved(folder):
                    if not resume:
                        _begin_anew(folder, _metadata(bundle, data, config, folder))
                    return _to_the_end(run, data, on_event)
        finally:
            detach(bundle.dit)
            bundle.dit.checkpointing = False
            bundle.dit.eval()


def _resumable(
    folder: Path, bundle: Bundle, data: TrainingData, config: TrainingConfig
) -> Checkpoint:
    """The checkpoint to go on from, once it is sure that the training is the same."""
    refuse_if_finished(folder)
    checkpoint = latest_checkpoint(folder / CHECKPOINTS)
    if checkpoint.base_fingerprint != bundle.fingerprint:
        raise Incompatible(
            f"{folder.name!r} was started on another base ({checkpoint.base_fingerprint:.12}) than "
            f"{bundle.name} ({bundle.fingerprint:.12}). Resume it on that base."
        )
    if checkpoint.dataset_fingerprint != data.facts.fingerprint:
        raise Incompatible(
            f"The dataset {data.facts.name!r} has changed since the training of {folder.name!r} "
            "was started. Put it back as it was, or start anew with --overwrite."
        )
    if changed := differences(from_recipe(checkpoint.recipe), config):
        raise Incompatible(
            f"{folder.name!r} was started with another recipe: {'; '.join(changed)}. "
            "Resume it without changes, or start anew with --overwrite."
        )
    return checkpoint


def _refuse_if_taken(folder: Path) -> None:
    if _visible(folder):
        raise BadInput(
            f"There is an adapter {folder.name!r} already. Choose another name, go on with "
            "--resume, or replace it with --overwrite."
        )


def _begin_anew(folder: Path, metadata: AdapterMetadata) -> None:
    """Make room for a new training; the lock file, which is ours, stays."""
    earlier = folder / EARLIER
    if earlier.is_dir():  # of a training that was killed before it had saved anything
        _clear(folder)
    earlier.mkdir(exist_ok=True)
    for path in _visible(folder):
        path.rename(earlier / path.name)
    write_metadata(folder, metadata)


@contextmanager
def _replaced_once_saved(folder: Path) -> Iterator[None]:
    """Keep the adapter that is replaced until the new one has saved something.

    When the block fails before that, the earlier adapter is back.
    """
    try:
        yield
    finally:
        earlier = folder / EARLIER
        saved = (folder / FINAL).is_dir() or checkpoints(folder / CHECKPOINTS)
        if earlier.is_dir() and not saved and any(earlier.iterdir()):
            _clear(folder)
            for path in earlier.iterdir():
                path.rename(folder / path.name)
        shutil.rmtree(earlier, ignore_errors=True)


def _clear(folder: Path) -> None:
    for path in _visible(folder):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _visible(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if not path.name.startswith(".")]


@contextmanager
def in_precision(bundle: Bundle, precision: Precision) -> Iterator[None]:
    """Within the block the base computes in ``precision``."""
    before = bundle.dtype
    if precision is not Precision.AUTO:
        bundle.dtype = torch.float32 if precision is Precision.FLOAT32 else torch.bfloat16
    try:
        yield
    finally:
        bundle.dtype = before


def _to_the_end(run: Run, data: TrainingData, on_event: OnEvent) -> TrainingResult:
    with TrainingLog(run.folder, run.progress.step) as log:
        event = run.event(EventKind.START, message=_opening(run))
        try:
            log.tell(event)
            on_event(event)
            run.begin()
            while run.progress.step < run.plan.steps:
                for event in run.advance(log):
                    log.tell(event)
                    on_event(event)
            result = _finish(run, data)
            event = run.event(EventKind.DONE, message=_closing(result))
            log.tell(event)
            log.status("done", event)
        except Stopped as stop:
            saved = run.checkpoint()
            message = (
                f"Stopped at step {run.progress.step} of {run.plan.steps}; all of it is saved. "
                f"Go on with: angen train --resume {run.folder.name!r}"
            )
            log.status("stopped", saved, message)
            raise Stopped(message) from stop
        except (OutOfSpace, OSError) as error:  # no space: not even why can be written down
            raise _space_told(error, run) from error
        except AngenError as error:
            log.status("failed", event, str(error))
            raise
    on_event(event)  # a stop comes too late: there is nothing left to go on with
    return result


def _space_told(error: OutOfSpace | OSError, run: Run) -> Exception:
    """What to do about a full disk; another fault of the system as it is."""
    if isinstance(error, OSError) and error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return error
    saved = checkpoints(run.folder / CHECKPOINTS)
    remedy = (
        f"go on from {saved[-1].name} with: angen train --resume {run.folder.name!r}"
        if saved
        else "start again"
    )
    return OutOfSpace(
        f"The disk of {run.folder} was full at step {run.progress.step}. What was saved before is "
        f"whole: free some space and {remedy}"
    )


def _opening(run: Run) -> str:
    verb = "Going on" if run.progress.step else "Training"
    return (
        f"{verb} with {counted(len(run.clips), 'clip')}: {counted(run.plan.steps, 'step')} in "
        + counted(run.plan.epochs, "epoch")
        + (f", from step {run.progress.step}" if run.progress.step else "")
    )


def _closing(result: TrainingResult) -> str:
    steps = counted(result.steps, "step")
    return f"Done: {steps} in {duration_text(result.seconds)}; {result.best}"


def _finish(run: Run, data: TrainingData) -> TrainingResult:
    """Save the final model and what is known of it all."""
    run.save_model(run.folder / FINAL)
    if run.progress.best_loss is None:
        run.save_model(run.folder / BEST)
    progress = run.progress
    losses = Losses(
        training=progress.training_loss,
        validation_base=progress.base_loss,
        validation_best=progress.best_loss,
        validation_final=progress.latest_loss,
        best_step=progress.best_step or progress.step,
        by_time=progress.by_time or {},
    )
    before = read_metadata(run.folder) or _metadata(run.bundle, data, run.config, run.folder)
    changes = {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "steps": progress.step,
        "epochs": run.plan.epochs,
        "seconds": round(progress.seconds, 1),
        "losses": losses,
        "notes": (*data.notes, *_notes(run)),
    }
    write_metadata(run.folder, before.model_copy(update=changes))
    return TrainingResult(
        folder=run.folder,
        best=run.folder / BEST,
        final=run.folder / FINAL,
        steps=progress.step,
        seconds=progress.seconds,
        losses=losses,
        notes=(*data.notes, *_notes(run)),
    )


def _notes(run: Run) -> tuple[str, ...]:
    progress, notes = run.progress, []
    if progress.best_loss is None or progress.base_loss is None or progress.latest_loss is None:
        notes.append("No clips were kept aside, so the best model is simply the last one.")
        return tuple(notes)
    if progress.best_loss >= progress.base_loss:
        notes.append(
            "The loss on clips kept aside never fell below that of the base: the adapter may not "
            "help. More recordings of one style, or more steps, may."
        )
    elif progress.latest_loss > 1.02 * progress.best_loss:
        notes.append(
            f"The loss on clips kept aside rose again after step {progress.best_step}: from there "
            "on the adapter learned the clips by heart. The best model is from that step."
        )
    return tuple(notes)


def _metadata(
    bundle: Bundle, data: TrainingData, config: TrainingConfig, folder: Path
) -> AdapterMetadata:
    return AdapterMetadata.model_validate(
        {
            "name": folder.name,
            "kind": data.kind,
            "base": BaseFacts(
                name=bundle.name,
                fingerprint=bundle.model_fingerprint,
                style=bundle.style_source,
            ),
            "dataset": data.facts,
            "recipe": recipe(config),
            "rank": config.rank,
            "alpha": config.alpha,
            "libraries": {name: version(name) for name in _LIBRARIES}
            | {"python": platform.python_version()},
            "device": _device_name(bundle.device),
        }
    )


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type}, {counted(torch.get_num_threads(), 'thread')}"
