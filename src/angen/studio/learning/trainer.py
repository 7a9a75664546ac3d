"""The job of a training: from its request to its report, or from where an attempt was cut short.

never begun ──► train ──► report ──► done
cut short, with a checkpoint of this very job ──► go on ──► report
cut short in the report ──────────────────────────────────► report
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from angen.adapters.library import BEST, CHECKPOINTS, FINAL, PAGE_FILE, adapter_folder
from angen.adapters.metadata import METADATA_FILE, is_finished, read_metadata
from angen.bundle import Bundle
from angen.data.manifest import DatasetInfo, load_info, prompt_of
from angen.errors import Incompatible, Stopped
from angen.jobs.context import Context
from angen.studio.learning import owned
from angen.studio.learning.progress import Curves, Samples
from angen.studio.learning.training import (
    TrainedLora,
    effect_of,
    report_effect,
    resume_training,
    train_lora,
)
from angen.studio.material.datasets import dataset_folder
from angen.studio.requests.training import ResumeRequest, TrainRequest
from angen.studio.settings import Settings
from angen.training.checkpoint import checkpoints
from angen.training.effect import EffectReport
from angen.training.events import TrainingEvent
from angen.training.evidence import EffectConfig
from angen.training.quote import Quote


def train_job(arguments: Mapping[str, Any], context: Context, settings: Settings) -> dict[str, Any]:
    """Do a job of kind ``train``; its result."""
    if arguments.get("resume"):
        values = {name: value for name, value in arguments.items() if name != "resume"}
        asked = ResumeRequest.model_validate(values)
        effect = None
        if asked.report:
            effect = EffectConfig(songs=asked.report_songs, seconds=asked.report_s)
        return _go_on(asked.name, effect, None, context, settings)
    request = TrainRequest.model_validate(arguments)
    folder = settings.loras / request.name
    if owned.is_of(folder, context.job.id):
        if _finished(folder) or checkpoints(folder / CHECKPOINTS):
            return _go_on(request.name, effect_of(request), request, context, settings)
        request = request.model_copy(update={"overwrite": True})  # our own beginnings
    return _begin(request, context, settings)


def _begin(request: TrainRequest, context: Context, settings: Settings) -> dict[str, Any]:
    info = load_info(dataset_folder(settings, request.dataset))
    with _Saved(request.name):
        trained = train_lora(
            request,
            settings,
            context,
            lambda quote: _tell_quote(quote, context),
            on_training=_told(request, info, settings, context),
            claim=lambda folder: _claim(folder, context),
        )
    return _result(trained, settings)


def _go_on(
    name: str,
    effect: EffectConfig | None,
    request: TrainRequest | None,
    context: Context,
    settings: Settings,
) -> dict[str, Any]:
    folder = adapter_folder(settings.loras, name)
    if _finished(folder) and owned.is_of(folder, context.job.id):
        return _report_only(name, effect, context, settings)
    info = None if request is None else load_info(dataset_folder(settings, request.dataset))
    with _Saved(name):
        trained = resume_training(
            name,
            settings,
            context,
            lambda quote: _tell_quote(quote, context),
            effect=effect,
            request=request,
            on_training=_told(request, info, settings, context),
            claim=lambda place: _claim(place, context),
        )
    return _result(trained, settings)


def _tell_quote(quote: Quote, context: Context) -> None:
    context.say(quote.message)
    context.emit("quote", quote_facts(quote))


def _report_only(
    name: str, effect: EffectConfig | None, context: Context, settings: Settings
) -> dict[str, Any]:
    """What is left of a training that was cut short after its last step."""
    folder = adapter_folder(settings.loras, name)
    metadata = read_metadata(folder)
    facts = {"steps": metadata.steps, "seconds": metadata.seconds} if metadata else {}
    result = {"adapter": name, "files": _files(folder, settings), **facts}
    if metadata is not None:
        result |= {"losses": metadata.losses.model_dump(), "notes": list(metadata.notes)}
    if effect is None:
        return result
    report, _ = report_effect(name, settings, context, effect)
    return result | verdict_facts(report) | {"files": _files(folder, settings)}


def _told(
    request: TrainRequest | None, info: DatasetInfo | None, settings: Settings, context: Context
) -> "_Told":
    if request is None or info is None:
        return _Told(Curves(context.emit), None)
    clips = info.side("validation") or info.clips
    prompt = request.sample_prompt or (prompt_of(clips[0].metadata) if clips else "music")
    samples = Samples(
        context.emit,
        context.say,
        settings.loras / request.name,
        settings,
        on_step=lambda *_: _heed(context),
        count=request.samples,
        prompt=prompt,
        seconds=request.sample_s,
        seed=request.sample_seed,
    )
    return _Told(Curves(context.emit), samples)


def _heed(context: Context) -> None:
    if context.stopping():
        raise Stopped("Stopped as asked.")


class _Told:
    """Curves and samples together."""

    def __init__(self, curves: Curves, samples: Samples | None) -> None:
        self._curves = curves
        self._samples = samples

    def __call__(self, event: TrainingEvent, bundle: Bundle) -> None:
        self._curves(event)
        if self._samples is not None:
            self._samples(event, bundle)


class _Saved:
    """Says how to go on after a stop, in the words of a page rather than of a command line."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Stopped):
            step = str(error).partition(";")[0].removesuffix(".")
            raise Stopped(
                f"{step}. What {self._name!r} has learned is saved: Try again goes on from there."
            ) from error


def _claim(folder: Path, context: Context) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    owned.mark(folder, context.job.id)


def _finished(folder: Path) -> bool:
    try:
        return is_finished(folder)
    except Incompatible:
        return False


def _result(trained: TrainedLora, settings: Settings) -> dict[str, Any]:
    result = trained.result
    found = {
        "adapter": trained.name,
        "steps": result.steps,
        "seconds": round(result.seconds, 1),
        "losses": result.losses.model_dump(),
        "notes": list(result.notes),
        "files": _files(trained.folder, settings),
    }
    return found if trained.report is None else found | verdict_facts(trained.report)


def verdict_facts(report: EffectReport) -> dict[str, Any]:
    """What a job tells of a report."""
    return {
        "verdict": report.verdict.value,
        "sentence": report.sentence,
        "reduction": report.effect.reduction,
    }


def _files(folder: Path, settings: Settings) -> dict[str, str]:
    """What the training left, relative to the home."""
    names = {"best": BEST, "final": FINAL, "metadata": METADATA_FILE, "report": PAGE_FILE}
    return {
        what: (folder / name).relative_to(settings.home).as_posix()
        for what, name in names.items()
        if (folder / name).exists()
    }


def quote_facts(quote: Quote) -> dict[str, Any]:
    """A quote as a job tells it; seconds, bytes."""
    return {
        "steps": quote.steps,
        "epochs": quote.epochs,
        "clips": quote.clips,
        "trained_parameters": quote.trained_parameters,
        "seconds": quote.seconds,
        "report_seconds": quote.report_seconds,
        "answer": quote.answer,
        "seconds_per_step": quote.seconds_per_step,
        "peak_memory_bytes": quote.peak_memory_bytes,
        "disk_bytes": quote.disk_bytes,
        "device": quote.device,
        "message": quote.message,
    }
