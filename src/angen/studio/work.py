"""What each kind of job does: its arguments into a use case, what came of it into its result."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from angen.data.manifest import DatasetInfo, load_info
from angen.data.prepare import PrepareConfig, prepare, prepare_clips
from angen.errors import AngenError
from angen.jobs.context import Context
from angen.studio.arrivals import take_in_adapter, take_in_dataset
from angen.studio.base import open_separator
from angen.studio.learning import fitter, owned
from angen.studio.learning.exchange import merge_lora_adapters
from angen.studio.learning.trainer import quote_facts, train_job, verdict_facts
from angen.studio.learning.training import quote_training, report_effect
from angen.studio.material.analysis import analyze, clips_of, fill, stems_of
from angen.studio.material.collections import get_collection
from angen.studio.material.listening import Written, separate_vocal_stems, split_audio_to_clips
from angen.studio.material.uploads import get_upload, upload_path
from angen.studio.models import fetch_job
from angen.studio.orders import check_names
from angen.studio.playing.making import making_path
from angen.studio.playing.shelf import Shelf
from angen.studio.playing.songs import MadeSong, OnSound, free_place, generate_song
from angen.studio.playing.streaming import GrowingWav
from angen.studio.requests.encoder import (
    CheckEncoderRequest,
    FitEncoderRequest,
    PublishEncoderRequest,
    QuoteEncoderRequest,
)
from angen.studio.requests.material import (
    AnalyzeRequest,
    FillRequest,
    PrepareRequest,
    SplitRequest,
    StemsRequest,
)
from angen.studio.requests.songs import SongRequest
from angen.studio.requests.training import MergeRequest, QuoteRequest, ReportRequest
from angen.studio.settings import Settings
from angen.training.evidence import EffectConfig

Arguments = Mapping[str, Any]
Result = dict[str, Any]
Handler = Callable[[Arguments, Context], Result]

KEPT_MAKING = 20  # files of songs in the making that stay for late listeners


@dataclass(frozen=True, kw_only=True, slots=True)
class Workplace:
    """What a worker works with."""

    settings: Settings
    shelf: Shelf


def handlers(settings: Settings, shelf: Shelf) -> dict[str, Handler]:
    """What to do, by kind of job."""
    place = Workplace(settings=settings, shelf=shelf)
    return {kind: partial(_guarded, do, place) for kind, do in _WORK.items()}


def _guarded(
    do: Callable[[Workplace, Arguments, Context], Result],
    place: Workplace,
    arguments: Arguments,
    context: Context,
) -> Result:
    try:
        return do(place, arguments, context)
    except AngenError:
        raise
    except BaseException:  # out of memory, say: what is held may be broken, or in the way
        place.shelf.let_go()
        raise


# songs


def _generate(place: Workplace, arguments: Arguments, context: Context) -> Result:
    request = _song(arguments)
    settings, job = place.settings, context.job.id
    _sweep(settings.making)
    out = _reserved(settings, job, request)
    with GrowingWav(making_path(settings, job), request.duration_s) as growing:

        def on_sound(sound: Any, rate_hz: int) -> None:
            ready = growing.write(sound, rate_hz)
            facts = {"seconds_ready": ready, "seconds_asked": request.duration_s}
            context.emit("audio", facts)

        made = _made(place, request, context, out, on_sound)
    return _song_facts(made)


def _compare(place: Workplace, arguments: Arguments, context: Context) -> Result:
    request = _song(arguments)
    plain = request.model_copy(update={"adapters": ()})
    job = context.job.id
    context.say("First without adapters")
    out = _reserved(place.settings, f"{job}-base", plain, "_base")
    base = _made(place, plain, context, out)
    context.say("Now with them")
    out = _reserved(place.settings, f"{job}-adapted", request, "_adapted")
    adapted = _made(place, request, context, out)
    return {
        "base": base.path.stem,
        "adapted": adapted.path.stem,
        "warnings": list(dict.fromkeys((*base.warnings, *adapted.warnings))),
    }


def _song(arguments: Arguments) -> SongRequest:
    """What a job asks for; a path, as the command line takes it, is no adapter to a server."""
    request = SongRequest.model_validate(arguments)
    check_names(request.adapters)
    return request


def _made(
    place: Workplace,
    request: SongRequest,
    context: Context,
    out: Path,
    on_sound: OnSound | None = None,
) -> MadeSong:
    made = generate_song(
        request,
        place.settings,
        context,
        out=out,
        open_bundle=place.shelf.open,
        on_sound=on_sound,
    )
    for warning in made.warnings:
        context.say(warning)
    return made


def _song_facts(made: MadeSong) -> Result:
    return {
        "song": made.path.stem,
        "duration_s": made.duration_s,
        "rate_hz": made.rate_hz,
        "warnings": list(made.warnings),
        "request": made.request.model_dump(mode="json"),
    }


def _reserved(settings: Settings, job: str, request: SongRequest, ending: str = "") -> Path:
    """Where the song of a job goes: the same place when it is tried again."""
    note = settings.making / f"{job}.place"
    if note.is_file():
        return settings.outputs / Path(note.read_text(encoding="utf-8")).name
    settings.making.mkdir(parents=True, exist_ok=True)
    others = [path.read_text(encoding="utf-8") for path in settings.making.glob("*.place")]
    out = free_place(settings.outputs, request, ending, others)
    note.write_text(out.name, encoding="utf-8")
    return out


def _sweep(making: Path) -> None:
    """Forget the oldest songs in the making."""
    if not making.is_dir():
        return
    found = [(path.stat().st_mtime, path) for path in making.iterdir()]
    for _, path in sorted(found, reverse=True)[2 * KEPT_MAKING :]:
        path.unlink(missing_ok=True)


# recordings


def _analyze(place: Workplace, arguments: Arguments, context: Context) -> Result:
    request = AnalyzeRequest.model_validate(arguments)
    job = context.job
    found = analyze(request, place.settings, context, job.id, again=job.attempt > 1)
    return {
        "collection": found.id,
        "rows": len(found.rows),
        "skipped": [item.model_dump() for item in found.skipped],
        "notes": list(found.notes),
    }


def _fill(place: Workplace, arguments: Arguments, context: Context) -> Result:
    found = fill(FillRequest.model_validate(arguments), place.settings, context)
    return {"collection": found.id, "rows": len(found.rows)}


def _split(place: Workplace, arguments: Arguments, context: Context) -> Result:
    request = SplitRequest.model_validate(arguments)
    settings = place.settings
    written = split_audio_to_clips(
        _paths(request.files, settings),
        settings.clips,
        context.stage("Cutting"),
        min_s=request.min_s,
        max_s=request.max_s,
        overlap_s=request.overlap_s,
    )
    return _written(written, settings)


def _stems(place: Workplace, arguments: Arguments, context: Context) -> Result:
    request = StemsRequest.model_validate(arguments)
    settings = place.settings
    written = separate_vocal_stems(
        _paths(request.files, settings),
        settings.stems,
        open_separator(settings, request.model),
        context.stage("Separating stems"),
    )
    return _written(written, settings)


def _paths(files: tuple[str, ...], settings: Settings) -> list[Path]:
    return [upload_path(settings, get_upload(settings, file)) for file in dict.fromkeys(files)]


def _written(written: Written, settings: Settings) -> Result:
    files = {
        Path(source).name: [path.relative_to(settings.home).as_posix() for path in paths]
        for source, paths in written.files.items()
    }
    skipped = [{"file": Path(i.file).name, "reason": i.reason} for i in written.skipped]
    return {"files": files, "skipped": skipped}


# training sets


def _prepare(place: Workplace, arguments: Arguments, context: Context) -> Result:
    request = PrepareRequest.model_validate(arguments)
    settings, job = place.settings, context.job
    name = request.name or f"user_dataset_{int(job.created.timestamp())}"
    folder = settings.datasets / name
    if owned.is_of(folder, job.id):  # an earlier attempt was cut short after its work
        return _dataset_facts(load_info(folder))
    config = PrepareConfig(held_out=request.held_out, seed=request.seed, replace=request.overwrite)
    mark = partial(owned.mark, job=job.id)
    if request.collection is None:
        on_step = context.stage("Listening and cutting")
        paths = _paths(request.files, settings)
        info = prepare(paths, name, settings.datasets, config, on_step, mark=mark)
    else:
        collection = get_collection(settings, request.collection)
        info = prepare_clips(
            clips_of(collection, settings, request.licence),
            name,
            settings.datasets,
            config,
            context.stage("Copying the clips"),
            problems=collection.skipped,
            stems=stems_of(collection, settings),
            separators=[row.separator for row in collection.used if row.stems],
            mark=mark,
        )
    return _dataset_facts(info)


def _dataset_facts(info: DatasetInfo) -> Result:
    return {
        "dataset": info.name,
        "clips": len(info.clips),
        "training_clips": len(info.side("train")),
        "validation_clips": len(info.side("validation")),
        "minutes": round(info.duration_s / 60, 2),
        "stems": len(info.stems),
        "problems": [problem.model_dump() for problem in info.problems],
        "notes": list(info.notes),
    }


def _import_dataset(place: Workplace, arguments: Arguments, context: Context) -> Result:
    return _dataset_facts(take_in_dataset(arguments, context, place.settings))


# training


def _train(place: Workplace, arguments: Arguments, context: Context) -> Result:
    place.shelf.let_go()
    return train_job(arguments, context, place.settings)


def _quote(place: Workplace, arguments: Arguments, context: Context) -> Result:
    request = QuoteRequest.model_validate(arguments)
    return quote_facts(
        quote_training(request, place.settings, context, open_bundle=place.shelf.open)
    )


def _report(place: Workplace, arguments: Arguments, context: Context) -> Result:
    request = ReportRequest.model_validate(arguments)
    effect = EffectConfig(songs=request.songs, seconds=request.song_s)
    report, page = report_effect(
        request.adapter,
        place.settings,
        context,
        effect,
        dataset=request.dataset,
        open_bundle=place.shelf.open,
    )
    folder = place.settings.loras / request.adapter
    return {
        "adapter": request.adapter,
        "page": page.relative_to(folder).as_posix(),
        **verdict_facts(report),
    }


# the encoder that a released base model lacks


def _fit_encoder(place: Workplace, arguments: Arguments, context: Context) -> Result:
    place.shelf.let_go()  # also because what it holds lacks the encoder that is made now
    return fitter.fit_job(FitEncoderRequest.model_validate(arguments), context, place.settings)


def _quote_encoder(place: Workplace, arguments: Arguments, context: Context) -> Result:
    request = QuoteEncoderRequest.model_validate(arguments)
    return fitter.quote_fit_job(request, context, place.settings, place.shelf.open)


def _check_encoder(place: Workplace, arguments: Arguments, context: Context) -> Result:
    place.shelf.let_go()  # a check refines as it is told, which a song must not inherit
    return fitter.check_job(CheckEncoderRequest.model_validate(arguments), context, place.settings)


def _publish_encoder(place: Workplace, arguments: Arguments, context: Context) -> Result:
    request = PublishEncoderRequest.model_validate(arguments)
    return fitter.publish_job(request, context, place.settings)


# adapters


def _merge(place: Workplace, arguments: Arguments, context: Context) -> Result:
    request = MergeRequest.model_validate(arguments)
    check_names(request.adapters)
    settings, job = place.settings, context.job.id
    context.stage("Merging")
    if made := owned.found(settings.loras, job):  # an earlier attempt was cut short after its work
        return {"adapter": made.name}
    mark = partial(owned.mark, job=job)
    return {"adapter": merge_lora_adapters(settings, request.adapters, request.name, mark).name}


def _import_adapter(place: Workplace, arguments: Arguments, context: Context) -> Result:
    return take_in_adapter(arguments, context, place.settings)


def _fetch(place: Workplace, arguments: Arguments, context: Context) -> Result:
    return fetch_job(place.settings, arguments, context)


_WORK: dict[str, Callable[[Workplace, Arguments, Context], Result]] = {
    "generate": _generate,
    "compare": _compare,
    "analyze": _analyze,
    "fill": _fill,
    "split": _split,
    "stems": _stems,
    "prepare": _prepare,
    "import_dataset": _import_dataset,
    "train": _train,
    "quote": _quote,
    "report": _report,
    "fit_encoder": _fit_encoder,
    "quote_encoder": _quote_encoder,
    "check_encoder": _check_encoder,
    "publish_encoder": _publish_encoder,
    "merge": _merge,
    "import_adapter": _import_adapter,
    "fetch": _fetch,
}
