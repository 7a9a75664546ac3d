"""Files in and out: only those of ANGEN_HOME are handed out, and what comes in waits there."""

import shutil
import tempfile
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import Any, Literal

from fastapi import UploadFile
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from angen.adapters.packing import kind_of
from angen.api.problems import faults, problem
from angen.errors import OutOfSpace, Unknown
from angen.files import is_full
from angen.zips import opened

TYPES = {  # what a browser is told; nothing that it would run
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".opus": "audio/ogg",
    ".aiff": "audio/aiff",
    ".aif": "audio/aiff",
    ".m4a": "audio/mp4",
    ".mp4": "audio/mp4",
    ".aac": "audio/aac",
    ".webm": "audio/webm",
    ".png": "image/png",
    ".json": "application/json",
    ".zip": "application/zip",
    ".html": "text/html; charset=utf-8",
}
MAX_SHOWN = 200  # characters of a file's name
# A page of ours, made from names of others: it may show its sounds and pictures, and run nothing.
SANDBOX = (
    "sandbox allow-same-origin; default-src 'none'; img-src 'self' data:; media-src 'self'; "
    "style-src 'unsafe-inline'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)


class _Ranged(FileResponse):
    """A file, whole or by ranges; ranges that it does not have are a problem as any other."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = False

        async def sending(message: MutableMapping[str, Any]) -> None:
            nonlocal refused
            # RFC 9110, 15.5.17: 416 for ranges that are malformed too, where Starlette says 400.
            if message.get("status") in (400, 416):
                refused = True
                await self._refusal(scope["path"])(scope, receive, send)
            elif not refused:
                await send(message)

        await super().__call__(_of_known_unit(scope), receive, sending)

    def _refusal(self, path: str) -> Response:
        size = self.headers["content-length"]  # known by now: it was compared with the ranges
        detail = (
            f"The header Range asks for what this file of {size} bytes does not have. "
            "Write it as bytes=0-99, or leave it out."
        )
        return problem(416, detail, path, headers={"content-range": f"bytes */{size}"})


def _of_known_unit(scope: Scope) -> Scope:
    """``scope`` without a range in a unit other than bytes, which is to be ignored (RFC 9110)."""

    def known(name: bytes, value: bytes) -> bool:
        return name != b"range" or value.partition(b"=")[0].strip().lower() == b"bytes"

    return {**scope, "headers": [pair for pair in scope["headers"] if known(*pair)]}


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
    return _Ranged(
        real,
        media_type=TYPES.get(suffix, "application/octet-stream"),
        filename=name or path.name,
        content_disposition_type=show,
        headers=headers,
    )


def name_of(file: UploadFile) -> str:
    """What its owner calls an uploaded file: to be shown, never to be used as a path."""
    return PurePath((file.filename or "").replace("\\", "/")).name[:MAX_SHOWN] or "archive.zip"


@contextmanager
def received(file: UploadFile, incoming: Path, *, weights: bool = False) -> Iterator[Path]:
    """An uploaded archive as a file, to be moved away within the block.

    weights: a safetensors file will do as well.

    Raises BadInput for what is neither, OutOfSpace.
    """
    try:
        incoming.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=incoming, prefix=".") as folder:
            path = Path(folder) / "archive.zip"
            with path.open("xb") as target:
                shutil.copyfileobj(file.file, target, 2**20)
            if not (weights and kind_of(path) == "weights"):
                with opened(path, repr(name_of(file))):  # told now; what is in it, by a worker
                    pass
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
