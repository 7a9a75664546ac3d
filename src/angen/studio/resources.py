"""What each kind of job needs and makes, as the queue keeps it: see ``jobs/uses.py``.

``adapter:<name>``, ``dataset:<name>``, ``collection:<id>``, ``upload:<id>``, ``base:<name>``,
``encoder:<base>``. Names are compared without case, as some file systems do.
"""

import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from angen.adapters.metadata import read_metadata
from angen.errors import AngenError
from angen.jobs.uses import NOTHING, Uses
from angen.names import safe
from angen.studio.settings import Settings

Arguments = Mapping[str, Any]


def uses_of(settings: Settings, kind: str, arguments: Arguments, job: str) -> Uses:
    """What the job ``job`` of that kind uses.

    An import that has no name yet, and the clips of a song, are told by nobody: they are new.
    """
    told = _USES.get(kind)
    return NOTHING if told is None else told(settings, arguments, job)


def adapter(name: str) -> str:
    return f"adapter:{_same(name)}"


def dataset(name: str) -> str:
    return f"dataset:{_same(name)}"


def collection(id: str) -> str:
    return f"collection:{id}"


def upload(id: str) -> str:
    return f"upload:{id}"


def base(settings: Settings, name: str | None) -> str:
    return f"base:{name or settings.base}"


def encoder(settings: Settings, name: str | None) -> str:
    return f"encoder:{name or settings.base}"


def archive_name(arguments: Arguments) -> str:
    """The name of an adapter that an archive brings."""
    return str(arguments.get("name") or safe(Path(str(arguments["called"])).stem, 60))


def _same(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _song(settings: Settings, arguments: Arguments, _job: str) -> Uses:
    used = tuple(adapter(use["name"]) for use in arguments.get("adapters", ()))
    return Uses(reads=(base(settings, arguments.get("base")), *used))


def _train(settings: Settings, arguments: Arguments, _job: str) -> Uses:
    name = str(arguments["name"])
    if arguments.get("resume"):
        return Uses(reads=_origin(settings, name), writes=(adapter(name),))
    return Uses(reads=_quote(settings, arguments, _job).reads, writes=(adapter(name),))


def _quote(settings: Settings, arguments: Arguments, _job: str) -> Uses:
    name = arguments.get("base")
    reads = (dataset(arguments["dataset"]), base(settings, name), encoder(settings, name))
    return Uses(reads=reads)


def _report(settings: Settings, arguments: Arguments, _job: str) -> Uses:
    name, other = str(arguments["adapter"]), arguments.get("dataset")
    named = () if other is None else (dataset(other),)
    return Uses(reads=(adapter(name), *named, *_origin(settings, name)))


def _origin(settings: Settings, name: str) -> tuple[str, ...]:
    """Base and dataset that an adapter was trained on."""
    try:
        facts = read_metadata(settings.loras / name)
    except (AngenError, OSError, ValueError):
        return ()
    if facts is None:
        return ()
    found = [] if facts.dataset is None else [dataset(facts.dataset.name)]
    if facts.dataset is not None and facts.dataset.folder:
        found.append(dataset(Path(facts.dataset.folder).name))
    if facts.base is not None:
        found += [base(settings, facts.base.name), encoder(settings, facts.base.name)]
    return tuple(dict.fromkeys(found))


def _merge(_settings: Settings, arguments: Arguments, _job: str) -> Uses:
    parts = tuple(adapter(use["name"]) for use in arguments["adapters"])
    return Uses(reads=parts, writes=(adapter(arguments["name"]),))


def _import_adapter(_settings: Settings, arguments: Arguments, _job: str) -> Uses:
    return Uses(writes=(adapter(archive_name(arguments)),))


def _import_dataset(_settings: Settings, arguments: Arguments, _job: str) -> Uses:
    name = arguments.get("name")
    return Uses(writes=(dataset(name),)) if name else NOTHING


def _recordings(_settings: Settings, arguments: Arguments, _job: str) -> Uses:
    table = arguments.get("collection")
    reads = tuple(upload(id) for id in arguments.get("files", ()))
    return Uses(reads=reads if table is None else (*reads, collection(table)))


def _analyze(settings: Settings, arguments: Arguments, job: str) -> Uses:
    new = () if arguments.get("collection") else (collection(job),)
    return Uses(reads=_recordings(settings, arguments, job).reads, writes=new)


def _prepare(settings: Settings, arguments: Arguments, job: str) -> Uses:
    name = arguments.get("name")
    made = (dataset(name),) if name else ()
    return Uses(reads=_recordings(settings, arguments, job).reads, writes=made)


def _quote_encoder(settings: Settings, arguments: Arguments, job: str) -> Uses:
    reads = _recordings(settings, arguments, job).reads
    return Uses(reads=(*reads, base(settings, arguments.get("base"))))


def _fit_encoder(settings: Settings, arguments: Arguments, job: str) -> Uses:
    made = encoder(settings, arguments.get("base"))
    return Uses(reads=_quote_encoder(settings, arguments, job).reads, writes=(made,))


def _check_encoder(settings: Settings, arguments: Arguments, job: str) -> Uses:
    reads = _quote_encoder(settings, arguments, job).reads
    return Uses(reads=(*reads, encoder(settings, arguments.get("base"))))


def _fetch(settings: Settings, arguments: Arguments, _job: str) -> Uses:
    return Uses(writes=(base(settings, arguments["name"]),))


_USES: Mapping[str, Callable[[Settings, Arguments, str], Uses]] = {
    "generate": _song,
    "compare": _song,
    "train": _train,
    "quote": _quote,
    "report": _report,
    "merge": _merge,
    "import_adapter": _import_adapter,
    "import_dataset": _import_dataset,
    "analyze": _analyze,
    "fill": _recordings,
    "split": _recordings,
    "stems": _recordings,
    "prepare": _prepare,
    "fit_encoder": _fit_encoder,
    "quote_encoder": _quote_encoder,
    "check_encoder": _check_encoder,
    "publish_encoder": _check_encoder,
    "fetch": _fetch,
}
