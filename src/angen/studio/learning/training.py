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
from angen.errors import BadInput, Stopped
from angen.studio.base import OpenBundle, open_base
from angen.studio.learning.encoder import require_encoder, tell_refining
from angen.studio.material.datasets import dataset_folder
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
    bundle, data = _open(settings, request.base, place, request.config, watch)
    _offer(bundle, data, request.config, watch, on_quote)
    claim(folder)
    result = train(
        bundle,
        data,
        request.config,
        folder,
        on_event=_telling(watch, bundle, on_training),
        overwrite=request.overwrite,
    )
    return _with_report(bundle, place, folder, result, effect_of(request), watch)


def effect_of(request: TrainRequest) -> EffectConfig | None:
    """How the effect is measured after a training; None when it is not."""
    if not request.report:
        return None
    return EffectConfig(songs=request.report_songs, seconds=request.report_s)


def resume_training(
    name: str,
    settings: Settings,
    watch: Watch,
    on_quote: OnQuote | None,
    *,
    effect: EffectConfig | None,
    on_training: OnTraining = _unseen,
    claim: Claim = _unclaimed,
) -> TrainedLora:
    """Go on with a training that was stopped or killed, from its newest checkpoint.

    on_quote: None when nobody wants to know before how long it will take.

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
    if on_quote is not None:
        _offer(bundle, data, config, watch, on_quote, done)
    claim(folder)
    on_event = _telling(watch, bundle, on_training)
    result = train(bundle, data, config, folder, on_event=on_event, resume=True)
    return _with_report(bundle, place, folder, result, effect, watch)


def quote_training(
    request: TrainRequest,
    settings: Settings,
    watch: Watch,
    *,
    open_bundle: OpenBundle = open_base,
) -> Quote:
    """What a training would take, from a few measured steps; nothing is kept but the latents."""
    place = dataset_folder(settings, request.dataset)
    bundle, data = _open(settings, request.base, place, request.config, watch, open_bundle)
    watch.stage("Measuring the speed")
    return quote(bundle, data, request.config)


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
    return _report(open_bundle(settings, base), place, folder, effect, watch, target)


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


def _offer(
    bundle: Bundle,
    data: TrainingData,
    config: TrainingConfig,
    watch: Watch,
    on_quote: OnQuote,
    done: int = 0,
) -> None:
    """Tell what the training will take, before it takes it; of its steps some are done."""
    watch.stage("Measuring the speed")
    on_quote(quote(bundle, data, config, done=done))


def _telling(watch: Watch, bundle: Bundle, on_training: OnTraining) -> OnEvent:
    """Events of the training as steps and lines of a watch."""
    steps: list[OnStep] = []
    next_line = 0

    def tell(event: TrainingEvent) -> None:
        nonlocal next_line
        on_training(event, bundle)
        if event.kind is EventKind.START:
            steps.append(watch.stage("Training"))
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
    watch: Watch,
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
        report, page = _report(bundle, place, folder, effect, watch, folder)
    except Stopped as stop:
        raise Stopped(
            f"Stopped. The adapter {folder.name!r} is trained and saved; its effect is not "
            f"measured yet: angen report {folder.name!r}"
        ) from stop
    return replace(trained, report=report, page=page)


def _report(
    bundle: Bundle, place: Path, folder: Path, effect: EffectConfig, watch: Watch, target: Path
) -> tuple[EffectReport, Path]:
    """Measure the adapter in ``folder`` on the dataset in ``place``; write into ``target``."""
    info = load_info(place)
    encoded = encode_dataset(info, place, bundle, watch.stage("Encoding the clips"))
    report, seen = measure_effect(
        bundle,
        playable(folder),
        info,
        place,
        encoded.latents_of,
        effect,
        watch.stage("Making songs with and without the adapter"),
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
