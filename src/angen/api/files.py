"""Files in and out: only those of ANGEN_HOME are handed out, and what comes in waits there."""

import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from fastapi import UploadFile
from starlette.responses import FileResponse

from angen.api.problems import faults
from angen.errors import BadInput, OutOfSpace, Unknown
from angen.files import is_full
from angen.names import safe

TYPES = {  # what a browser is told; nothing that it would run
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".opus": "audio/ogg",
    ".aiff": "audio/aiff",
    ".aif": "audio/aiff",
    ".png": "image/png",
    ".json": "application/json",
    ".zip": "application/zip",
    ".html": "text/html; charset=utf-8",
}
# A page of ours, made from names of others: it may show its sounds and pictures, and run nothing.
SANDBOX = (
    "sandbox allow-same-origin; default-src 'none'; img-src 'self' data:; media-src 'self'; "
    "style-src 'unsafe-inline'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)


def inside(home: Path, path: Path) -> Path:
    """``path`` without links, if it is a file that lies in ``home``. Raises Unknown."""
    real = path.resolve()
    if not real.is_relative_to(home.resolve()) or not real.is_file():
        raise Unknown(f"There is no file {path.name!r} here (any more).")
    return real


def served(
    home: Path,
    path: Path,
    *,
    name: str | None = None,
    show: Literal["inline", "attachment"] = "inline",
) -> FileResponse:
    """A file of ``home`` as an answer, whole or by ranges.

    name: what a download is called. Kinds that a browser could run are handed out as bytes.
    """
    real = inside(home, path)
    suffix = real.suffix.lower()
    headers = {"cache-control": "private, no-cache"}
    if suffix == ".html":
        headers["content-security-policy"] = SANDBOX
    return FileResponse(
        real,
        media_type=TYPES.get(suffix, "application/octet-stream"),
        filename=name or path.name,
        content_disposition_type=show,
        headers=headers,
    )


@contextmanager
def received(file: UploadFile, incoming: Path) -> Iterator[Path]:
    """An uploaded archive as a file of its own name, to be moved away within the block.

    Raises BadInput for what is no archive, OutOfSpace.
    """
    name = safe(Path((file.filename or "archive").replace("\\", "/")).stem, 80)
    try:
        incoming.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=incoming, prefix=".") as folder:
            path = Path(folder) / f"{name}.zip"
            with path.open("xb") as target:
                shutil.copyfileobj(file.file, target, 2**20)
            if not zipfile.is_zipfile(path):
                raise BadInput(f"{name!r} is no .zip archive. Export it again.")
            yield path
    except OSError as error:
        if not is_full(error):
            raise
        raise OutOfSpace("The disk is full. Free some space and send it again.") from error


def _answers(*kinds: str) -> dict[int | str, dict[str, Any]]:
    """What a path may answer that hands out files, for OpenAPI."""
    data = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in kinds}
    return {
        200: {"description": "The whole file.", "content": data},
        206: {"description": "The ranges that were asked for.", "content": data},
        **faults(404, 416),
    }


AUDIO = _answers(*sorted({kind for kind in TYPES.values() if kind.startswith("audio/")}))
ZIP = _answers("application/zip")
CHECK_MEDIA = _answers("text/html", "audio/wav", "application/json")
MEDIA = _answers("text/html", "image/png", "audio/wav", "application/json")
