"""Base models: which there are, fetching one. Loads none, and needs no torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from angen.audio.demucs import DEFAULT_MODEL, repository
from angen.errors import BadInput
from angen.hub import Fetched, Hub, describe, fetch, fetch_files, fetched, folder_of
from angen.jobs.context import Context
from angen.parts import MINI, PACKAGED, RELEASED, find_bundle
from angen.studio.requests.models import FetchRequest
from angen.studio.settings import Settings
from angen.studio.style_weights import (
    MULAN_LICENCE,
    Accept,
    fetch_style,
    lacks_style,
    refuse,
    require_accepted,
)
from angen.studio.watch import OnStep
from angen.studio.wheels import WHEELS, fetch_weights
from angen.training.config import TrainingConfig, base_recipe


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """A base model as the list shows it."""

    name: str
    folder: Path
    here: bool  # its files are on this machine
    plays: bool  # it can make songs
    trains: bool  # adapters of it can be trained: it can turn recordings into latents
    megabytes: float
    remedy: str = ""  # what to do where something is missing


def list_models(settings: Settings) -> list[Model]:
    """The bundled model, those fetched, and the released one, fetched or not."""
    found = [describe(PACKAGED / MINI, MINI)] if (PACKAGED / MINI).is_dir() else []
    found += fetched(settings.bundles)
    models = [_model(item) for item in found]
    if RELEASED not in {model.name for model in models}:
        models.append(
            Model(
                name=RELEASED,
                folder=folder_of(RELEASED, settings.bundles),
                here=False,
                plays=False,
                trains=False,
                megabytes=0,
                remedy=f"angen models fetch {RELEASED}",
            )
        )
    return models


def _model(item: Fetched) -> Model:
    parts = set(item.parts)
    plays = {"model", "decoder", "style"} <= parts
    missing = sorted({"model", "decoder", "encoder", "style"} - parts)
    return Model(
        name=item.name,
        folder=item.folder,
        here=True,
        plays=plays,
        trains=plays and "encoder" in parts,
        megabytes=round(item.size_bytes / 1e6, 1),
        remedy="; ".join(
            _REMEDIES.get(part, f"without {part}").format(item.name) for part in missing
        ),
    )


_REMEDIES = {
    "style": "no style encoder: angen models fetch {}",
    "encoder": "cannot be trained yet: angen encoder fit --base {}",
}


def fetch_model(
    name: str,
    settings: Settings,
    on_step: OnStep,
    *,
    revision: str | None = None,
    hub: Hub | None = None,
    accept: Accept = refuse,
) -> Path:
    """A base model by its hub id, or other weights by their name: where they lie now.

    A base without a style encoder of its own gets the one that DiffRhythm 2 was trained with,
    once ``accept`` has agreed to its licence.

    Raises BadInput (also for a licence that is not accepted: then nothing is fetched),
    MissingWeights when the hub cannot be reached, OutOfSpace.
    """
    if name == MINI:
        raise BadInput("`mini` is part of the package: there is nothing to fetch.")
    if name.startswith("htdemucs"):
        return _fetch_stems(name, settings, on_step, hub)
    places = {"musicnn": settings.judge, "spleeter": settings.spleeter}
    if name in places:
        return fetch_weights(WHEELS[name], places[name], on_step)
    if "/" not in name:
        raise BadInput(
            f"{name!r} is not a base model. Give a hub id such as {RELEASED}, or spleeter or "
            f"{DEFAULT_MODEL} for separating stems, or musicnn, the outside judge."
        )
    wanting = lacks_style(name, settings.bundles, revision=revision, hub=hub)
    if wanting:
        require_accepted(MULAN_LICENCE, accept)
    place = fetch(name, settings.bundles, on_step, revision=revision, hub=hub)
    if wanting:
        fetch_style(place, on_step, hub=hub)
    return place


def fetch_job(settings: Settings, arguments: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Do a job of kind ``fetch``; its result."""
    request = FetchRequest.model_validate(arguments)
    on_step = context.stage(f"Fetching {request.name}")
    fetch_model(request.name, settings, on_step, accept=lambda _: request.accept_licence)
    return {"model": request.name}


def _fetch_stems(name: str, settings: Settings, on_step: OnStep, hub: Hub | None) -> Path:
    """The weights that separate stems: safetensors and what lists them, no pickles."""
    wanted = (f"{name}.yaml", ".safetensors")
    fetch_files(
        repository(name), settings.demucs, lambda file: file.endswith(wanted), on_step, hub=hub
    )
    return settings.demucs


def own_recipe(settings: Settings, base: str | None) -> TrainingConfig:
    """What adapters of a base model are trained with, unless somebody says otherwise."""
    return base_recipe(find_bundle(base or settings.base, settings.bundles))
