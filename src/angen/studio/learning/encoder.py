"""The encoder that a released base model lacks: fitting one, checking it, publishing it.

models/encoders/<base>-<decoder>/    songs, recipe and state of a fit, and the check of it
"""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import torch
from torch import Tensor

from angen.amounts import duration_text
from angen.audio.files import probe, read_audio
from angen.bundle import Bundle
from angen.data.scan import find_audio
from angen.errors import BadInput, MissingWeights
from angen.files import replacing
from angen.fitting.check import EncoderReport, check_encoder
from angen.fitting.checkpoint import FitState, settle_recipe
from angen.fitting.config import FitConfig
from angen.fitting.fit import Fit, OnLosses, run, silent
from angen.fitting.network import network_for
from angen.fitting.page import card, write_check
from angen.fitting.pairs import missing_pairs
from angen.fitting.prepare import prepare_fit, recordings_for
from angen.fitting.quote import FitQuote, quote_fit, refining_s
from angen.fitting.recordings import Recordings
from angen.fitting.team import Team
from angen.names import about
from angen.parts import MINI
from angen.studio.base import OpenBundle, device_of, open_base
from angen.studio.learning import encoders
from angen.studio.learning.encoders import CHECK, PUBLISHED, REPORT_FILE, EncoderKind, songs_name
from angen.studio.settings import Settings
from angen.studio.watch import OnStep, Watch
from angen.tensors import read_json
from angen.training.space import check_space
from angen.vocoder.learned import LearnedEncoder
from angen.vocoder.weights import ENCODER_CONFIG, ENCODER_FILE, save_learned_encoder

OnQuote = Callable[[FitQuote], None]  # sees what it will take; may raise Stopped
Claim = Callable[[Path], None]

CHECKED = 8  # recordings of a check
CHECK_S = 10.0  # of each, from its middle
CARD_FILE = "README.md"


@dataclass(frozen=True, kw_only=True)
class FitRequest:
    """What to fit an encoder with."""

    base: str | None = None  # else that of the settings
    recordings: tuple[Path, ...] = ()
    config: FitConfig = field(default_factory=FitConfig)
    restart: bool = False  # an unfinished fit of another recipe gives way
    overwrite: bool = False  # the encoder that the base has gives way


def _unclaimed(folder: Path) -> None:
    """For those who need no mark on the folder of the fit."""


class _Mute:
    """The watch of a process that only helps: it can be stopped, and says nothing."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def stage(self, title: str) -> OnStep:
        return self._watch.stage(title)

    def say(self, message: str) -> None:
        """Nothing."""


@dataclass(frozen=True, kw_only=True)
class FittedEncoder:
    """An encoder that the studio now finds by itself."""

    folder: Path  # of the base, where it lies
    work: Path  # where songs and state lie
    state: FitState
    leads: bool = True  # false in the processes that only helped


def fit_encoder(
    request: FitRequest,
    settings: Settings,
    watch: Watch,
    on_quote: OnQuote,
    *,
    on_losses: OnLosses = silent,
    claim: Claim = _unclaimed,
) -> FittedEncoder:
    """Fit an encoder to the decoder of a base model, and put it beside that decoder.

    An interrupted fit is gone on with. on_losses: hears of every step. claim: is told the folder
    of the fit once it holds nothing but this fit.

    Raises BadInput (the base has an encoder, nothing usable among the recordings, another recipe
    under way), MissingWeights, OutOfSpace; Stopped, with all work saved.
    """
    team = Team(device_of(settings))  # before the model: it chooses this process's GPU
    watch = watch if team.leads else _Mute(watch)
    watch.stage("Loading the model")
    bundle, config = open_base(settings, request.base), request.config
    _require_room(bundle, request.overwrite)
    recordings = _recordings(request, config, bundle, watch)
    work = work_folder(settings, bundle)
    going_on = _settled(work, request, recordings, team)
    claim(work)
    songs = work / songs_name(config.seed, config.song_s)
    watch.stage("Measuring the speed")
    missing = len(missing_pairs(songs, config))
    quote = quote_fit(bundle, config, songs=missing, recordings=recordings is not None)
    check_space(work, quote.disk_bytes)
    on_quote(quote)
    if going_on:
        watch.say("Going on with the fit that was begun.")
    fit = prepare_fit(
        bundle,
        config,
        work,
        songs,
        recordings,
        watch.stage("Making songs"),
        team=team,
        clips_at_once=quote.clips_at_once,
    )
    state = run(fit, watch.stage("Fitting"), _telling(watch, on_losses))
    if team.leads:
        _put_in_place(bundle, fit, state)
    team.wait()  # none goes on before the encoder lies there
    return FittedEncoder(folder=bundle.folder, work=work, state=state, leads=team.leads)


def quote_encoder(
    request: FitRequest, settings: Settings, watch: Watch, *, open_bundle: OpenBundle = open_base
) -> FitQuote:
    """What a fit would take, from a few measured pieces of it; nothing is kept.

    Songs that an earlier fit has made are not counted. Raises as ``fit_encoder`` does.
    """
    watch.stage("Loading the model")
    bundle = open_bundle(settings, request.base)
    network_for(bundle, request.config)
    songs = work_folder(settings, bundle) / songs_name(request.config.seed, request.config.song_s)
    watch.stage("Measuring the speed")
    return quote_fit(
        bundle,
        request.config,
        songs=len(missing_pairs(songs, request.config)),
        recordings=bool(request.recordings),
    )


def work_folder(settings: Settings, bundle: Bundle) -> Path:
    """Where the fits to this decoder lie."""
    return encoders.work_folder(settings, bundle.name, bundle.folder)


def fit_cost(bundle: Bundle) -> FitQuote:
    """What a fit by the usual recipe would take on this machine, reckoned from its smallest step.

    Nothing is kept.
    """
    usual = FitConfig()
    smallest = replace(usual, clips=1, clip_frames=bundle.block)
    cost = quote_fit(bundle, smallest)
    times = usual.clips * max(1, usual.clip_frames // bundle.block)
    return replace(cost, steps_s=cost.steps_s * times)


def require_encoder(bundle: Bundle, watch: Watch) -> None:
    """Raises MissingWeights for a base that cannot be trained, with what a fit would cost here."""
    if bundle.listens:
        return
    watch.stage("Measuring what an encoder would cost")
    cost = fit_cost(bundle)
    raise MissingWeights(
        f"{encoders.lacking(bundle.name)} On this machine that takes: {cost.message}."
    )


def tell_refining(bundle: Bundle, watch: Watch) -> None:
    """Say what it costs where encoding takes gradient steps."""
    if bundle.refining:
        cost = duration_text(refining_s(bundle, bundle.refining))
        watch.say(
            f"Recordings are encoded with {bundle.refining} steps of refinement: about {cost} for "
            "each minute of audio, once."
        )


def check_fitted(
    sources: Sequence[Path],
    settings: Settings,
    watch: Watch,
    *,
    base: str | None = None,
    refine: int | None = None,
) -> tuple[EncoderReport, Path]:
    """Whether the encoder of a base is good enough to train with: the report, and its page.

    refine: gradient steps a clip; as the encoder says when None.

    Raises BadInput for no usable recordings, MissingWeights for a base without encoder.
    """
    watch.stage("Loading the model")
    bundle = open_base(settings, base)
    if not bundle.listens:
        raise MissingWeights(encoders.lacking(bundle.name))
    bundle.refine_with(refine)
    sounds = _middles(sources, bundle, watch)
    report, heard = check_encoder(bundle, sounds, watch.stage("Encoding and decoding"))
    folder = work_folder(settings, bundle) / CHECK
    return report, write_check(report, heard, folder, bundle.sample_rate_hz, bundle.name)


def publish_encoder(
    out: Path, settings: Settings, *, base: str | None = None, licence: str = "apache-2.0"
) -> Path:
    """A folder that is ready for a hub: the fitted encoder and its card.

    Raises BadInput when ``out`` is not empty or the base has no fitted encoder.
    """
    info = encoders.encoder_of(settings, base)
    if info.kind is not EncoderKind.FITTED:
        raise BadInput(f"{info.base} has no fitted encoder. Fit one first.")
    if out.exists() and any(out.iterdir()):
        raise BadInput(f"{out} is not empty. Name a new folder.")
    out.mkdir(parents=True, exist_ok=True)
    for name in (ENCODER_CONFIG, ENCODER_FILE):
        shutil.copyfile(info.folder / name, out / name)
    report = info.work / CHECK / REPORT_FILE
    check = json.loads(report.read_text(encoding="utf-8")) if report.is_file() else None
    with replacing(out / CARD_FILE) as beside:
        text = card(info.base, read_json(info.folder / ENCODER_CONFIG), check, licence)
        beside.write_text(text, encoding="utf-8")
    return out


def _require_room(bundle: Bundle, overwrite: bool) -> None:
    if bundle.name == MINI:
        raise BadInput("`mini` belongs to the package and has its own encoder.")
    if bundle.listens and not overwrite:
        raise BadInput(
            f"{bundle.name} has an encoder: {bundle.folder / ENCODER_FILE}. To fit another, ask "
            "for it (overwrite, --overwrite); it is replaced when the new one is ready."
        )


def _recordings(
    request: FitRequest, config: FitConfig, bundle: Bundle, watch: Watch
) -> Recordings | None:
    found = recordings_for(bundle, config, request.recordings)
    if found is None and config.steps:
        watch.say(
            "Without recordings the encoder learns from the model's own songs alone. Give some: "
            "it will then hear real music better."
        )
    if found is None:
        return None
    for problem in found.problems:
        watch.say(f"Left out: {about(problem.file, problem.reason)}")
    if not found.learned:
        raise BadInput("None of the recordings can be learned from.")
    watch.say(f"{found.minutes:.1f} minutes of recordings to learn from.")
    return found


def _settled(work: Path, request: FitRequest, recordings: Recordings | None, team: Team) -> bool:
    """Whether a fit of this very recipe is gone on with."""
    learned = sorted(item.sha256[:12] for item in recordings.learned) if recordings else []
    recipe = request.config.to_json() | {"recordings": learned}
    work.mkdir(parents=True, exist_ok=True)
    going_on = settle_recipe(work, recipe, restart=request.restart) if team.leads else False
    team.wait()
    return going_on


def _telling(watch: Watch, on_losses: OnLosses) -> OnLosses:
    def tell(step: int, losses: dict[str, float]) -> None:
        on_losses(step, losses)
        if "error" in losses:
            told = ", ".join(f"{name} {value:.3f}" for name, value in losses.items())
            watch.say(f"Step {step}: {told}")

    return tell


def _put_in_place(bundle: Bundle, fit: Fit, state: FitState) -> None:
    """Put the best encoder beside its decoder; what was said of an earlier one is no longer so."""
    shutil.rmtree(fit.folder / CHECK, ignore_errors=True)
    (fit.folder / PUBLISHED).unlink(missing_ok=True)
    encoder = LearnedEncoder(
        fit.encoder.config, decoder=fit.encoder.decoder, refine=fit.config.refine
    )
    encoder.load_state_dict(state.best)
    recordings = fit.recordings
    facts = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "base": bundle.name,
        "best_step": state.best_step,
        "latent_error": round(state.error, 4),
        "recordings": len(recordings.learned) if recordings else 0,
        "minutes": round(recordings.minutes, 1) if recordings else 0.0,
        "style": bundle.style_source,
        "recipe": fit.config.to_json(),
    }
    save_learned_encoder(encoder, bundle.folder, facts)


def _middles(sources: Sequence[Path], bundle: Bundle, watch: Watch) -> list[tuple[str, Tensor]]:
    """Title and sound of the middle of some recordings."""
    found, problems = find_audio(sources)
    sounds = []
    for item in found[:CHECKED]:
        try:
            start_s = max(0.0, (probe(item.path).duration_s - CHECK_S) / 2)
            sound = read_audio(
                item.path,
                rate_hz=bundle.sample_rate_hz,
                mono=True,
                start_s=start_s,
                duration_s=CHECK_S,
            )
        except BadInput as error:
            watch.say(f"Left out: {about(item.label, str(error))}")
            continue
        sounds.append((item.label, torch.from_numpy(sound.samples[0].copy())))
    for problem in problems:
        watch.say(f"Left out: {about(problem.file, problem.reason)}")
    return sounds
