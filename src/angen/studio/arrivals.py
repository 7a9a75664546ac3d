"""Archives that were brought, taken in by a worker.

    incoming/<random>.zip ─► unpacked beside, marked with its job ─► renamed to its place

An attempt that was cut short has either done nothing or everything, and the next one can tell.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from angen.adapters.archive import import_adapter
from angen.data.manifest import DatasetInfo, load_info
from angen.errors import BadInput, OutOfSpace, Stopped
from angen.jobs.context import Context
from angen.studio.learning import owned
from angen.studio.material.archives import import_dataset
from angen.studio.resources import archive_name
from angen.studio.settings import Settings

Arguments = Mapping[str, Any]
_BEFORE = "It was taken in already, by an attempt that was cut short after its work."


def take_in_dataset(arguments: Arguments, context: Context, settings: Settings) -> DatasetInfo:
    """The training set of an archive, in its place. Raises as ``import_dataset`` does."""
    on_step = context.stage("Unpacking")
    archive = _Archive(settings, arguments)
    if made := owned.found(settings.datasets, context.job.id):
        context.say(_BEFORE)
        archive.discard()
        return load_info(made)
    with archive as path:
        return import_dataset(
            settings,
            path,
            arguments.get("name"),
            on_step,
            called=archive.called,
            mark=partial(owned.mark, job=context.job.id),
        )


def take_in_adapter(arguments: Arguments, context: Context, settings: Settings) -> dict[str, Any]:
    """The adapter of an archive, in its place: its name, and what was said of it.

    Raises as ``import_adapter`` does.
    """
    context.stage("Unpacking")
    archive = _Archive(settings, arguments)
    if made := owned.found(settings.loras, context.job.id):
        context.say(_BEFORE)
        archive.discard()
        return {"adapter": made.name, "ignored": [], "warnings": []}
    with archive as path:
        taken = import_adapter(
            settings.loras,
            path,
            archive_name(arguments),
            called=archive.called,
            mark=partial(owned.mark, job=context.job.id),
        )
    return {"adapter": taken.name, "ignored": list(taken.ignored), "warnings": list(taken.warnings)}


class _Archive:
    """The archive that was brought; gone afterwards, unless another attempt may need it."""

    def __init__(self, settings: Settings, arguments: Arguments) -> None:
        self._path = settings.incoming / Path(str(arguments["archive"])).name
        self.called = repr(str(arguments["called"]))

    def __enter__(self) -> Path:
        if not self._path.is_file():
            raise BadInput(f"The archive {self.called} is gone. Bring it again.")
        return self._path

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, OutOfSpace | Stopped | OSError):
            self.discard()

    def discard(self) -> None:
        self._path.unlink(missing_ok=True)
