"""Faults as RFC 9457 problem details: one shape for all of them, and the field that is to blame.

AngenError            status
Unknown               404   nothing of that name
Taken                 409   the name is taken, or the thing is in use
MissingWeights        409   fetch a model first
Incompatible          409   two things do not belong together
other BadInput        422
OutOfSpace            507
"""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from angen.errors import (
    AngenError,
    BadInput,
    Incompatible,
    MissingWeights,
    OutOfSpace,
    Taken,
    Unknown,
)
from angen.files import tells_full

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 50  # told at once
_STATUS: tuple[tuple[type[AngenError], int], ...] = (
    (Unknown, 404),
    (Taken, 409),
    (MissingWeights, 409),
    (Incompatible, 409),
    (BadInput, 422),
    (OutOfSpace, 507),
)
_UNREADABLE = "The body cannot be read: it is no JSON in UTF-8, or a form that was cut short."
_FULL = "The disk is full. Free some space on the server's disk, then try again."
_DETAILS = {
    404: "There is nothing here. The paths that exist are in /api/openapi.json.",
    405: "This path does not know that verb; the header Allow names those that it knows.",
    413: "The body is larger than this server takes.",
}


class FieldFault(BaseModel):
    """One field that cannot be used."""

    field: Annotated[
        str,
        Field(
            description="The field, with dots for nesting: `adapters.0.strength`.",
            examples=["epochs"],
        ),
    ]
    message: Annotated[str, Field(description="What is wrong with it, and what would be right.")]


class Problem(BaseModel):
    """What went wrong, by RFC 9457 (`application/problem+json`)."""

    model_config = ConfigDict(extra="forbid")

    type: Annotated[str, Field(description="Kind of problem.", examples=["about:blank"])]
    title: Annotated[str, Field(description="The same for each problem of this status.")]
    status: Annotated[int, Field(description="HTTP status.", ge=400, le=599)]
    detail: Annotated[str, Field(description="What was wrong this time, and what to do about it.")]
    instance: Annotated[str, Field(description="Path of the request.")]
    errors: Annotated[
        list[FieldFault], Field(description="The fields to blame; empty where there is none.")
    ] = []


def problem(
    status: int,
    detail: str,
    path: str,
    *,
    errors: Sequence[FieldFault] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """A fault as the answer to a request for ``path``."""
    body = Problem(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=_printable(detail),
        instance=_printable(path),
        errors=list(errors),
    )
    return JSONResponse(body.model_dump(), status, headers, media_type=MEDIA_TYPE)


def status_of(error: AngenError) -> int:
    """The HTTP status that tells of ``error``."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 409)


def install(app: FastAPI, home: str) -> None:
    """Answer every fault of ``app`` with a problem.

    home: where things lie; cut out of messages, which need not tell where that is.
    """

    def told(request: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, AngenError):
            raise error
        detail = str(error).replace(f"{home}/", "").replace(home, "ANGEN_HOME")
        return problem(status_of(error), detail, request.url.path)

    app.add_exception_handler(AngenError, told)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(OSError, _system_fault)
    app.add_exception_handler(Exception, _unexpected)


def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    faults = [_fault(fault) for fault in error.errors()]
    told = "; ".join(f"{f.field}: {f.message}" if f.field else f.message for f in faults[:3])
    more = f"; and {len(faults) - 3} more" if len(faults) > 3 else ""
    return problem(
        422, f"{told.removesuffix('.')}{more}.", request.url.path, errors=faults[:MAX_ERRORS]
    )


def _fault(fault: Mapping[str, Any]) -> FieldFault:
    place = fault["loc"]
    if fault["type"] == "json_invalid":
        reason = fault.get("ctx", {}).get("error", "")
        return FieldFault(field="", message=f"The body is not JSON: {reason}")
    if fault["type"] == "extra_forbidden":
        message = "There is no such field"
    else:
        message = str(fault["msg"]).removeprefix("Value error, ")
    named = place[1:] if place[:1] and place[0] in ("body", "query", "path", "header") else place
    name = ".".join(_printable(str(part))[:100] for part in named)
    return FieldFault(field=name, message=_printable(message)[:2_000])


def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == 400 and tells_full(error):
        return _full(request)
    if error.status_code == 400:  # FastAPI's word for bytes that are neither JSON nor a form
        known = str(error.detail)
        detail = _UNREADABLE if known.startswith("There was an error") else f"{known}."
        return problem(422, detail, request.url.path)
    if error.status_code == 405:
        allowed = {"allow": ", ".join(_allowed(request))}
        return problem(405, _DETAILS[405], request.url.path, headers=allowed)
    plain = error.detail == HTTPStatus(error.status_code).phrase
    detail = _DETAILS.get(error.status_code, error.detail) if plain else error.detail
    return problem(error.status_code, detail, request.url.path, headers=error.headers)


def _allowed(request: Request) -> list[str]:
    """Every verb of the path, whichever of its handlers was asked."""
    paths, path = request.app.state.paths, request.url.path
    same = [route for route in paths if route.path == path]  # goes before a name of that spelling
    same = same or [route for route in paths if route.path_regex.match(path)]
    return sorted({verb for route in same for verb in route.methods})


def _full(request: Request) -> JSONResponse:
    return problem(507, _FULL, request.url.path)


def _system_fault(request: Request, error: Exception) -> JSONResponse:
    if tells_full(error):
        return _full(request)
    logger.error("%s %s", request.method, request.url.path, exc_info=error)
    detail = f"{getattr(error, 'strerror', None) or 'The system refused'}. Check the server's disk."
    return problem(500, detail, request.url.path)


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    if tells_full(error):
        return _full(request)
    logger.error("%s %s", request.method, request.url.path, exc_info=error)
    detail = "This should not have happened. The server's log says more; please report it."
    return problem(500, detail, request.url.path)


def _printable(text: str) -> str:
    """Text as any JSON reader takes it: halves of characters are shown as such."""
    return text.encode("utf-8", "replace").decode()


def faults(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a path may answer instead of its result, for OpenAPI."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in sorted({401, 403, 422, 500, *statuses})
    }
