"""The encoders of the base models: which lack one, how their fits stand, what the check found.

models/encoders/<id>/    <base>-<decoder>: songs, recipe and state of a fit
  check/                 the page of the newest check, with its sounds
  published.zip          what was made to be passed on

Loads no model and needs no torch, so it answers at once.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from angen.errors import MissingWeights, Unknown
from angen.names import safe
from angen.parts import MINI, PARTS, find_bundle, fingerprint, has_part
from angen.studio.models import list_models
from angen.studio.settings import Settings

CHECK, PUBLISHED = "check", "published.zip"
PAGE_FILE, REPORT_FILE = "check.html", "check.json"
STATE_FILE, RECIPE_FILE = "state.safetensors", "recipe.json"
_SHOWN = re.compile(r"check\.(html|json)|sounds/\d{1,4}_(original|returned)\.wav")


class EncoderKind(StrEnum):
    """Whose encoder a base model has."""

    NONE = "none"  # it cannot be trained yet
    OWN = "own"  # it came with the base
    FITTED = "fitted"  # it was fitted to the decoder of the base


@dataclass(frozen=True, kw_only=True, slots=True)
class FitInfo:
    """How far a fit is, finished or not."""

    step: int  # finished steps
    steps: int
    songs_made: int
    songs: int
    error: float | None  # of latents, at the best step; 1 is as good as always saying the mean
    best_step: int
    recipe: dict[str, Any]

    @property
    def finished(self) -> bool:
        return self.step >= self.steps


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckInfo:
    """What the newest check of an encoder found."""

    created: str  # ISO 8601, UTC
    answer: str  # good, doubtful or bad
    sentence: str
    faults: tuple[str, ...]
    figures: dict[str, float | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class EncoderInfo:
    """A base model, as far as its encoder goes."""

    id: str  # fit for addresses
    base: str
    folder: Path
    work: Path
    kind: EncoderKind
    fittable: bool  # it is not the package's own, and makes songs
    fit: FitInfo | None
    check: CheckInfo | None
    published: bool


def list_encoders(settings: Settings) -> list[EncoderInfo]:
    """Each base model that is here, with its encoder; that of the settings among them."""
    names = [model.name for model in list_models(settings) if model.here]
    if settings.base not in names:
        names.append(settings.base)
    found = []
    for name in names:
        try:
            found.append(encoder_of(settings, name))
        except MissingWeights:
            continue  # its model or decoder is not here: `GET /api/models` says so
    return found


def encoder_of(settings: Settings, base: str | None) -> EncoderInfo:
    """The encoder of a base model; of that of the settings when None.

    Raises MissingWeights when model or decoder are not here.
    """
    name = base or settings.base
    folder = find_bundle(name, settings.bundles)
    work = work_folder(settings, name, folder)
    return EncoderInfo(
        id=work.name,
        base=name,
        folder=folder,
        work=work,
        kind=encoder_kind(folder),
        fittable=name != MINI and has_part(folder, "style"),
        fit=read_fit(work),
        check=_read_check(work / CHECK / REPORT_FILE),
        published=(work / PUBLISHED).is_file(),
    )


def find_encoder(settings: Settings, identity: str) -> EncoderInfo:
    """The same by id. Raises Unknown."""
    for info in list_encoders(settings):
        if info.id == identity:
            return info
    raise Unknown(f"There is no base model whose encoder is called {identity[:200]!r}.")


def work_folder(settings: Settings, name: str, folder: Path) -> Path:
    """Where the fits to the decoder in ``folder`` lie; name: of the base model."""
    base = Path(name).name if Path(name).is_dir() else name
    decoder = _fingerprint(folder, _state(folder))
    return settings.encoders / f"{safe(base.replace('/', '--'), 60)}-{decoder[:12]}"


def encoder_kind(folder: Path) -> EncoderKind:
    """Whose encoder lies in the folder of a base model."""
    if not has_part(folder, "encoder"):
        return EncoderKind.NONE
    learned = _json(folder / "encoder.json").get("kind") == "learned"
    return EncoderKind.FITTED if learned else EncoderKind.OWN


def check_file(settings: Settings, identity: str, file: str) -> Path:
    """The page of a check, its figures, or one of its sounds, by the path in the check's folder.

    Raises Unknown for any other.
    """
    folder = find_encoder(settings, identity).work / CHECK
    path = folder / file
    inside = _SHOWN.fullmatch(file) is not None and path.resolve().is_relative_to(folder.resolve())
    if not (inside and path.is_file()):
        raise Unknown(f"The check of {identity!r} has no file {file[:200]!r}.")
    return path


def published_file(settings: Settings, identity: str) -> Path:
    """The archive to pass on. Raises Unknown while there is none."""
    path = find_encoder(settings, identity).work / PUBLISHED
    if not path.is_file():
        raise Unknown(f"{identity!r} is not published yet: POST /api/encoder/publish makes it.")
    return path


def read_fit(work: Path) -> FitInfo | None:
    """How far the fit in ``work`` is; None where none was begun."""
    recipe = _json(work / RECIPE_FILE)
    try:
        steps, songs = int(recipe["steps"]), int(recipe["songs"])
        made = work / songs_name(int(recipe["seed"]), float(recipe["song_s"]))
    except (KeyError, TypeError, ValueError):
        return None
    step, error, best_step = _facts(work / STATE_FILE)
    return FitInfo(
        step=step,
        steps=steps,
        songs_made=min(songs, sum(1 for _ in made.glob("[0-9]*.safetensors"))),
        songs=songs,
        error=error,
        best_step=best_step,
        recipe=recipe,
    )


def songs_name(seed: int, song_s: float) -> str:
    """The folder of the songs that a base model made for a fit."""
    return f"songs_{seed}_{song_s:g}"


def _facts(path: Path) -> tuple[int, float | None, int]:
    """Step, error and best step of a saved fit; zeros before its first saving."""
    try:
        with safe_open(path, "np") as file:
            step, error, best_step = (float(fact) for fact in file.get_tensor("facts"))
    except (FileNotFoundError, SafetensorError, ValueError):
        return 0, None, 0  # a damaged one is told of by the fit itself
    return int(step), error, int(best_step)


def _read_check(path: Path) -> CheckInfo | None:
    values = _json(path)
    try:
        created = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        return CheckInfo(
            created=created.isoformat(timespec="seconds"),
            answer=str(values.pop("answer")),
            sentence=str(values.pop("sentence")),
            faults=tuple(str(fault) for fault in values.pop("faults")),
            figures={name: None if v is None else float(v) for name, v in values.items()},
        )
    except (OSError, KeyError, TypeError, ValueError):
        return None


def _json(path: Path) -> dict[str, Any]:
    """The object in a file of ours; empty where there is none that can be read."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


def differing(recipe: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """What another recipe has otherwise than the one of a fit under way, in words."""
    return [
        f"{name} was {recipe.get(name)}, now {value}"
        for name, value in sorted(wanted.items())
        if recipe.get(name) != value
    ]


def _state(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """What tells that the files of a decoder are others than before."""
    found = ((name, folder / name) for name in PARTS["decoder"])
    return tuple(
        (name, path.stat().st_size, path.stat().st_mtime_ns)
        for name, path in found
        if path.is_file()
    )


@lru_cache(maxsize=64)
def _fingerprint(folder: Path, _state: tuple[tuple[str, int, int], ...]) -> str:
    """Of a decoder, remembered: the list of encoders is asked for often."""
    return fingerprint(folder, ("decoder",))


def require_listening(settings: Settings, base: str | None) -> None:
    """Raise MissingWeights for a base model that lacks an encoder: it cannot be trained."""
    name = base or settings.base
    if not has_part(find_bundle(name, settings.bundles), "encoder"):
        raise MissingWeights(lacking(name))


def lacking(name: str) -> str:
    """What to tell of a base model without encoder, and where to get one."""
    return (
        f"{name} has no encoder: it cannot turn recordings into latents, so it cannot be trained "
        "on them. Fit one once: on the page under Training Configuration, “Encoder of a released "
        f"model”; by POST /api/encoder/fit; or by angen encoder fit --base {name} RECORDINGS."
    )
