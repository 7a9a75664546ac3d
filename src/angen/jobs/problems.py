"""What goes wrong with a job, in plain words.

kinds
├── input         what was asked for cannot be done as it is
├── taken         the same, because a name is taken or a thing in use
├── weights       a model part is not on this machine
├── incompatible  two things do not belong together
├── disk          no space left
├── memory        more was asked for than there is
├── killed        the system or somebody ended the worker, more than once at the same place
├── needs         a job that this one waited for did not end well
├── stopped       somebody asked it to stop
└── fault         a mistake of the program
"""

import errno
import signal
import traceback

from angen.errors import (
    AngenError,
    BadInput,
    Incompatible,
    MissingWeights,
    OutOfSpace,
    Stopped,
    Taken,
)
from angen.files import tells_full
from angen.jobs.job import Job, JobState, Problem

LOWER = "Ask for less at once: a smaller batch, a lower rank, shorter clips or a shorter song"
_KINDS: tuple[tuple[type[AngenError], str], ...] = (
    (MissingWeights, "weights"),
    (Incompatible, "incompatible"),
    (OutOfSpace, "disk"),
    (Stopped, "stopped"),
    (Taken, "taken"),
    (BadInput, "input"),
)
_NO_MEMORY = ("out of memory", "not enough memory", "cannot allocate memory", "bad_alloc")
_TOO_MANY_FILES = (errno.EMFILE, errno.ENFILE)
MAX_DETAIL = 300  # characters of an error that nobody foresaw


def problem_of(error: BaseException) -> Problem:
    """Why a handler failed, for a person."""
    chain = _chain(error)
    for link in chain:
        if isinstance(link, AngenError):
            kind = next((name for cls, name in _KINDS if isinstance(link, cls)), "input")
            return Problem(message=str(link) or "Stopped as asked.", kind=kind)
    if any(_is_no_memory(link) for link in chain):
        return Problem(
            message="There was not enough memory for this.",
            remedy=f"{LOWER}; or close other programs, then try again.",
            kind="memory",
        )
    if tells_full(error):
        where = next((_where(link) for link in chain if isinstance(link, OSError)), "")
        return Problem(
            message=f"The disk is full{where}.",
            remedy="Free some space on that disk, then try again.",
            kind="disk",
        )
    return _unforeseen(error)


def killed(code: int | None, *, oom: bool) -> Problem:
    """Why a job was given up whose worker died again and again.

    code: exit status of the latest worker, negative for a signal; None: not known.
    oom: the system has ended processes for want of memory in that time.
    """
    again = "again and again without getting any further"
    if oom:
        return Problem(
            message=f"Memory ran out and the system ended this job, {again}.",
            remedy=f"{LOWER}; or close other programs, then try again.",
            kind="memory",
        )
    if code is None or code == -signal.SIGKILL:
        return Problem(
            message=f"The system ended this job, {again}: probably memory ran out.",
            remedy=f"{LOWER}; or close other programs, then try again.",
            kind="killed",
        )
    return Problem(
        message=f"The process that did this job broke down, {again} ({_ending(code)}).",
        remedy="The log of the server says more. If memory is short: "
        f"{LOWER[0].lower()}{LOWER[1:]}.",
        kind="killed",
    )


def no_worker(code: int) -> Problem:
    """Why a job was given up although nobody began it.

    code: how the process ended that should have done it.
    """
    return Problem(
        message=f"The process that should do this job does not start ({_ending(code)}).",
        remedy="The log of the server says why. When that is put right, try again.",
        kind="fault",
    )


def needs(other: Job) -> Problem:
    """Why a job will not be done that waited for ``other``."""
    how = "failed" if other.state is JobState.FAILED else "was stopped"
    return Problem(
        message=f"This needs {other.title!r}, which {how}.",
        remedy=f"Try {other.title!r} again; this then follows by itself.",
        kind="needs",
    )


def _unforeseen(error: BaseException) -> Problem:
    line = "".join(traceback.format_exception_only(error)).strip()
    remedy = "The log of the server says more. Try again; if it comes back, please report it."
    if isinstance(error, OSError) and error.errno in _TOO_MANY_FILES:
        remedy = "Allow more open files (ulimit -n), then start the server again."
    elif isinstance(error, OSError) and error.filename:
        remedy = f"Look whether {error.filename} is there and may be read and written."
    return Problem(
        message=f"Something broke that should not: {line[:MAX_DETAIL]}", remedy=remedy, kind="fault"
    )


def _chain(error: BaseException) -> list[BaseException]:
    """The error and what it was raised from, latest first."""
    links: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in links:
        links.append(link)
        link = link.__cause__
    return links


def _is_no_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    # By name and text, since this room does not know the library that raises it.
    text = str(error).casefold()
    return type(error).__name__ == "OutOfMemoryError" or (
        isinstance(error, RuntimeError) and any(words in text for words in _NO_MEMORY)
    )


def _where(error: OSError) -> str:
    return f" ({error.filename})" if error.filename else ""


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit status {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"
