"""The jobs of an encoder: its quote, its fit (or what is left of it), its check, its archive.

never begun ──► songs ──► steps ──► in place ──► done
cut short ────► the songs and steps that are missing ──► in place
cut short when in place ──────────────────────► done
"""

import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from angen.errors import Stopped
from angen.files import replacing
from angen.fitting.quote import FitQuote
from angen.jobs.context import Context
from angen.studio.base import OpenBundle
from angen.studio.learning import encoders, owned
from angen.studio.learning.encoder import (
    FitRequest,
    check_fitted,
    fit_encoder,
    publish_encoder,
    quote_encoder,
)
from angen.studio.learning.encoders import PUBLISHED
from angen.studio.learning.progress import BETWEEN_S, POINTS
from angen.studio.material.collections import get_collection, row_path
from angen.studio.material.uploads import get_upload, upload_path
from angen.studio.requests.encoder import (
    CheckEncoderRequest,
    FitEncoderRequest,
    PublishEncoderRequest,
    QuoteEncoderRequest,
)
from angen.studio.settings import Settings

Emit = Callable[[str, Mapping[str, Any]], None]
Result = dict[str, Any]


def fit_job(request: FitEncoderRequest, context: Context, settings: Settings) -> Result:
    """Do a job of kind ``fit_encoder``; its result."""
    job = context.job.id
    before = encoders.encoder_of(settings, request.base)
    restart, overwrite = request.restart, request.overwrite
    if owned.is_of(before.work, job):  # what lies there is an earlier attempt's
        restart = False
        overwrite = overwrite or (before.fit is not None and before.fit.finished)

    def quoted(quote: FitQuote) -> None:
        context.say(quote.message)
        context.emit("quote", fit_quote_facts(quote))

    try:
        fitted = fit_encoder(
            replace(_asked(request, settings), restart=restart, overwrite=overwrite),
            settings,
            context,
            quoted,
            on_losses=LossCurve(context.emit, request.steps),
            claim=lambda folder: owned.mark(folder, job),
        )
    except Stopped as stop:
        raise Stopped(
            "Stopped. Songs and steps of the encoder are saved: Try again goes on from there."
        ) from stop
    return {
        "base": before.base,
        "encoder": before.id,
        "steps": fitted.state.step,
        "best_step": fitted.state.best_step,
        "latent_error": fitted.state.error,
    }


def quote_fit_job(
    request: QuoteEncoderRequest, context: Context, settings: Settings, open_bundle: OpenBundle
) -> Result:
    """Do a job of kind ``quote_encoder``; its result."""
    quote = quote_encoder(_asked(request, settings), settings, context, open_bundle=open_bundle)
    return fit_quote_facts(quote)


def check_job(request: CheckEncoderRequest, context: Context, settings: Settings) -> Result:
    """Do a job of kind ``check_encoder``; its result."""
    info = encoders.encoder_of(settings, request.base)
    sources = _sources(request.files, request.collection, settings)
    report, page = check_fitted(
        sources, settings, context, base=request.base, refine=request.refine
    )
    facts = asdict(report)
    return {
        "base": info.base,
        "encoder": info.id,
        "page": page.name,
        "answer": report.answer.value,
        "sentence": report.sentence,
        "faults": list(report.faults),
        "figures": {n: v for n, v in facts.items() if n not in ("answer", "sentence", "faults")},
    }


def publish_job(request: PublishEncoderRequest, context: Context, settings: Settings) -> Result:
    """Do a job of kind ``publish_encoder``; its result."""
    info = encoders.encoder_of(settings, request.base)
    on_step = context.stage("Packing")
    info.work.mkdir(parents=True, exist_ok=True)
    target = info.work / PUBLISHED
    with TemporaryDirectory(dir=info.work, prefix=".") as folder:
        out = publish_encoder(
            Path(folder) / info.id, settings, base=request.base, licence=request.licence
        )
        files = sorted(out.iterdir())
        with replacing(target) as path, zipfile.ZipFile(path, "w") as archive:
            for done, file in enumerate(files):
                on_step(done, len(files))
                archive.write(file, f"{info.id}/{file.name}")
    on_step(len(files), len(files))
    return {"base": info.base, "encoder": info.id, "size_bytes": target.stat().st_size}


def fit_quote_facts(quote: FitQuote) -> Result:
    """A quote as a job tells it; seconds, bytes."""
    return asdict(quote) | {"seconds": quote.seconds, "message": quote.message}


class LossCurve:
    """Tells the points of a fit's curves as events ``metrics``, as a training does."""

    def __init__(self, emit: Emit, steps: int, now: Callable[[], float] = time.monotonic) -> None:
        self._emit, self._steps, self._now = emit, steps, now
        self._told_step, self._told_at = 0, float("-inf")

    def __call__(self, step: int, losses: Mapping[str, float]) -> None:
        apart = step - self._told_step >= max(1, self._steps // POINTS)
        due = apart and self._now() - self._told_at >= BETWEEN_S
        if not (due or "error" in losses):
            return
        self._told_step, self._told_at = step, self._now()
        teachers = {name: value for name, value in losses.items() if name != "error"}
        self._emit(
            "metrics",
            {
                "step": step,
                "steps": self._steps,
                "percent": 100 * step / self._steps,
                "loss": sum(teachers.values()),
                "losses": teachers,
                "validation_loss": losses.get("error"),
            },
        )


def _asked(request: FitEncoderRequest, settings: Settings) -> FitRequest:
    return FitRequest(
        base=request.base or None,
        recordings=tuple(_sources(request.files, request.collection, settings)),
        config=request.config,
        restart=request.restart,
        overwrite=request.overwrite,
    )


def _sources(files: tuple[str, ...], collection: str | None, settings: Settings) -> list[Path]:
    """Where uploads lie, and the clips of a table. Raises Unknown for what has been deleted."""
    uploads = (get_upload(settings, file) for file in dict.fromkeys(files))
    paths = [upload_path(settings, upload) for upload in uploads]
    if collection is not None:
        rows = get_collection(settings, collection).used
        paths += [row_path(settings, row) for row in rows]
    return paths
