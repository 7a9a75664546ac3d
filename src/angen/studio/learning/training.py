"""Training an adapter: the quote, the training, and the measured answer whether it worked."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from angen.adapters.card import write_card
from angen.adapters.library import CHECKPOINTS, adapter_folder, new_folder, playable
from angen.adapters.metadata import (
    AdapterMetadata,
    read_metadata,
    refuse_if_finished,
    update_metadata,
)
from angen.bundle import Bundle
from angen.data.latents import encode_dataset
from angen.data.manifest import load_info
from angen.errors import BadInput, MissingWeights, Stopped
from angen.judge.judge import Judge, load_judge
from angen.studio.base import OpenBundle, open_base, playing_threads
from angen.studio.learning.encoder import require_encoder, tell_refining
from angen.studio.learning.progress import sampled_steps
from angen.studio.learning.way import Way, way_of
from angen.studio.material.datasets import dataset_folder
from angen.studio.models import own_recipe
from angen.studio.requests.training import TrainRequest
from angen.studio.settings import Settings
from angen.studio.watch import OnStep, Watch
from angen.training.checkpoint import steps_saved
from angen.training.config import TrainingConfig, from_recipe
from angen.training.effect import EffectReport, measure_effect
from angen.training.events import EventKind, OnEvent, TrainingEvent
from angen.training.evidence import MIN_EXCERPTS, EffectConfig, real_excerpts
from angen.training.loop import TrainingResult, train
from angen.training.material import TrainingData, training_data
from angen.training.quote import Quote, quote
from angen.training.report import write_report
from angen.training.song_time import measure_songs, report_seconds
from angen.training.spaces import spaces_of
from angen.training.verdict import answer_of

VALIDATION_LINES = 15  # at most, told of a training; small datasets have hundreds of epochs
OTHERS = "reports"  # folder of the reports against other datasets than the adapter's own

OnQuote = Callable[[Quote], None]  # sees what it will take; may raise Stopped
OnTraining = Callable[[TrainingEvent, Bundle], None]  # may raise Stopped: it is saved first
Claim = Callable[[Path], None]


def _unseen(event: TrainingEvent, bundle: Bundle) -> None:
    """For those who need no more than the watch tells."""


def _unclaimed(folder: Path) -> None:
    """For those who need no mark on the adapter's folder."""


@dataclass(frozen=True, kw_only=True)
class TrainedLora:
    """What a training left in the library."""

    name: str
    folder: Path
    result: TrainingResult
    report: EffectReport | None
    page: Path | None  # of the report


def train_lora(
    request: TrainRequest,
    settings: Settings,
    watch: Watch,
    on_quote: OnQuote,
    *,
    on_training: OnTraining = _unseen,
    claim: Claim = _unclaimed,
) -> TrainedLora:
    """Train an adapter on a dataset, and measure what it does.

    on_training: sees every piece of news, with the model as it is then. claim: is told the
    adapter's folder before anything is written there.

    Raises BadInput (name taken, unknown dataset, a recipe outside its ranges, too few clips),
    MissingWeights, Incompatible, OutOfSpace; Stopped, with all work saved.
    """
    folder = new_folder(settings.loras, request.name, overwrite=request.overwrite)
    place = dataset_folder(settings, request.dataset)
    config = config_of(request, settings)
    bundle, data = _open(settings, request.base, place, config, watch)
    offer = _measured(bundle, data, place, config, effect_of(request), request, settings, watch)
    on_quote(offer)
    way = way_of(offer)
    claim(folder)
    result = train(
        bundle,
        data,
        config,
        folder,
        on_event=_telling(watch, bundle, on_training, way),
        overwrite=request.overwrite,
    )
    return _with_report(bundle, place, folder, result, effect_of(request), settings, watch, way)


def effect_of(request: TrainRequest) -> EffectConfig | None:
    """How the effect is measured after a training; None when it is not."""
    if not request.report:
        return None
    return EffectConfig(songs=request.report_songs, seconds=request.report_s)


def resume_training(
    name: str,
    settings: Settings,
    watch: Watch,
    on_quote: OnQuote,
    *,
    effect: EffectConfig | None,
    request: TrainRequest | None = None,
    on_training: OnTraining = _unseen,
    claim: Claim = _unclaimed,
) -> TrainedLora:
    """Go on with a training that was stopped or killed, from its newest checkpoint.

    request: that it was begun with, if it makes samples still.

    Raises BadInput when there is nothing to go on with, Incompatible when its base or dataset
    has changed.
    """
    folder = adapter_folder(settings.loras, name)
    metadata = _metadata(folder)
    refuse_if_finished(folder)
    done = steps_saved(folder / CHECKPOINTS)
    config = from_recipe(metadata.recipe)
    place = _dataset_of(metadata, settings)
    base = metadata.base.name if metadata.base else None
    bundle, data = _open(settings, base, place, config, watch)
    offer = _measured(bundle, data, place, config, effect, request, settings, watch, done)
    on_quote(offer)
    way = way_of(offer)
    claim(folder)
    on_event = _telling(watch, bundle, on_training, way)
    result = train(bundle, data, config, folder, on_event=on_event, resume=True)
    return _with_report(bundle, place, folder, result, effect, settings, watch, way)


def quote_training(
    request: TrainRequest,
    settings: Settings,
    watch: Watch,
    *,
    open_bundle: OpenBundle = open_base,
) -> Quote:
    """What a training would take, from a few measured steps; nothing is kept but the latents."""
    place = dataset_folder(settings, request.dataset)
    config = config_of(request, settings)
    bundle, data = _open(settings, request.base, place, config, watch, open_bundle)
    return _measured(bundle, data, place, config, effect_of(request), request, settings, watch)


def config_of(request: TrainRequest, settings: Settings) -> TrainingConfig:
    """The recipe of a training: what was asked for, and else what works for its base.

    Raises BadInput for layers that do not exist, MissingWeights for a base that is not here.
    """
    return request.config(own_recipe(settings, request.base))


def report_effect(
    name: str,
    settings: Settings,
    watch: Watch,
    effect: EffectConfig,
    *,
    dataset: str | None = None,
    open_bundle: OpenBundle = open_base,
) -> tuple[EffectReport, Path]:
    """Measure the effect of a trained adapter anew; the report, and its page.

    dataset: another one to measure against than it was trained on; that report does not take the
    place of its own, but lies in ``reports/<dataset>``.
    """
    folder = adapter_folder(settings.loras, name)
    playable(folder)
    metadata = read_metadata(folder)
    own = metadata.dataset.name if metadata and metadata.dataset else None
    if dataset is not None and dataset != own:
        place = dataset_folder(settings, dataset)
        target = folder / OTHERS / place.name
    else:
        place, target = _dataset_of(_metadata(folder), settings), folder
    watch.stage("Loading the model")
    base = metadata.base.name if metadata and metadata.base else None
    bundle = open_bundle(settings, base)
    return _report(bundle, place, folder, effect, settings, watch, target)


def _open(
    settings: Settings,
    base: str | None,
    place: Path,
    config: TrainingConfig,
    watch: Watch,
    open_bundle: OpenBundle = open_base,
) -> tuple[Bundle, TrainingData]:
    """The base, and the dataset as it sees it."""
    info = load_info(place)
    watch.stage("Loading the model")
    bundle = open_bundle(settings, base)
    require_encoder(bundle, watch)
    tell_refining(bundle, watch)
    data = training_data(info, place, bundle, config, watch.stage("Encoding the clips"))
    for note in data.notes:
        watch.say(note)
    return bundle, data


def _measured(
    bundle: Bundle,
    data: TrainingData,
    place: Path,
    config: TrainingConfig,
    effect: EffectConfig | None,
    request: TrainRequest | None,
    settings: Settings,
    watch: Watch,
    done: int = 0,
) -> Quote:
    """What the training will take with its samples and its report; of its steps some are done."""
    watch.stage("Measuring the speed")
    found = quote(bundle, data, config, done=done)
    sampling = 0.0
    if request is not None and request.samples:
        with playing_threads(bundle, settings):
            sampling = _samples_seconds(bundle, request, done + found.steps, done)
    info = load_info(place)
    lasts = report_seconds(bundle, info, effect, spaces_of(bundle, _judge(settings)))
    return replace(
        found,
        seconds=found.seconds + sampling,
        report_seconds=lasts,
        answer=answer_of(len(info.songs)) if lasts else "",
    )


def _judge(settings: Settings) -> Judge | None:
    """The outside judge, where it was fetched. Raises Incompatible when it is damaged."""
    try:
        return load_judge(settings.judge)
    except MissingWeights:
        return None


def _samples_seconds(bundle: Bundle, request: TrainRequest, steps: int, done: int) -> float:
    """What the samples take that are still to be made."""
    due = [step for step in sampled_steps(steps, request.samples) if step > done or not done]
    each = measure_songs(bundle, 1, request.sample_s)
    return len(due) * (each.sampling + each.decoding)


def _telling(watch: Watch, bundle: Bundle, on_training: OnTraining, way: Way) -> OnEvent:
    """Events of the training as steps and lines of a watch."""
    steps: list[OnStep] = []
    next_line = 0

    def tell(event: TrainingEvent) -> None:
        nonlocal next_line
        on_training(event, bundle)
        if event.kind is EventKind.START:
            steps.append(way.training(watch.stage("Training")))
        if event.kind is EventKind.VALIDATION and event.step < next_line:
            return
        if event.kind is EventKind.VALIDATION:
            next_line = event.step + event.steps // VALIDATION_LINES
        if event.message:
            watch.say(event.message)
        if event.kind in (EventKind.START, EventKind.STEP):
            steps[-1](event.step, event.steps)

    return tell


def _with_report(
    bundle: Bundle,
    place: Path,
    folder: Path,
    result: TrainingResult,
    effect: EffectConfig | None,
    settings: Settings,
    watch: Watch,
    way: Way,
) -> TrainedLora:
    write_card(folder)
    trained = TrainedLora(name=folder.name, folder=folder, result=result, report=None, page=None)
    if effect is None:
        return trained
    count = real_excerpts(load_info(place), effect)
    if count < MIN_EXCERPTS:
        watch.say(
            f"No effect report: the clips kept aside give {count} excerpt of {effect.seconds:g} s, "
            f"and a comparison needs {MIN_EXCERPTS}. The adapter is saved. Prepare more songs, "
            f"then: angen report {folder.name!r} --dataset NAME"
        )
        return trained
    try:
        report, page = _report(bundle, place, folder, effect, settings, watch, folder, way)
    except Stopped as stop:
        raise Stopped(
            f"Stopped. The adapter {folder.name!r} is trained and saved; its effect is not "
            f"measured yet: angen report {folder.name!r}"
        ) from stop
    return replace(trained, report=report, page=page)


def _report(
    bundle: Bundle,
    place: Path,
    folder: Path,
    effect: EffectConfig,
    settings: Settings,
    watch: Watch,
    target: Path,
    way: Way | None = None,
) -> tuple[EffectReport, Path]:
    """Measure the adapter in ``folder`` on the dataset in ``place``; write into ``target``.

    way: that of a training that has just ended.
    """
    info = load_info(place)
    on_clip = watch.stage("Encoding the clips")
    encoded = encode_dataset(info, place, bundle, way.arrived(on_clip) if way else on_clip)
    on_song = watch.stage("Making songs with and without the adapter")
    report, seen = measure_effect(
        bundle,
        playable(folder),
        info,
        place,
        encoded.latents_of,
        effect,
        spaces_of(bundle, _judge(settings)),
        way.songs(on_song) if way else on_song,
        name=folder.name,
    )
    watch.stage("Writing the report")
    page = write_report(report, seen, target, place)
    if target == folder:
        update_metadata(folder, {"effect": _summary(report)})
        write_card(folder)
    return report, page


def _summary(report: EffectReport) -> dict[str, object]:
    """What the library shows of a report."""
    return {
        "verdict": report.verdict.value,
        "sentence": report.sentence,
        "reduction": report.effect.reduction,
        "closest": report.memorisation.closest,
        "dataset": report.dataset["name"],
        "created": report.created,
    }


def _metadata(folder: Path) -> AdapterMetadata:
    metadata = read_metadata(folder)
    if metadata is None or metadata.dataset is None:
        raise BadInput(
            f"{folder.name!r} does not say what it was trained on: it was imported or merged. "
            f"Name a dataset to measure against: angen report {folder.name!r} --dataset NAME"
        )
    return metadata


def _dataset_of(metadata: AdapterMetadata, settings: Settings) -> Path:
    """Where the dataset of a training lies: as before, or by its name in this home."""
    facts = metadata.dataset
    if facts is None:
        raise ValueError("metadata without a dataset; check first")
    if facts.folder and (Path(facts.folder) / "dataset_info.json").is_file():
        return Path(facts.folder)
    return dataset_folder(settings, facts.name)
