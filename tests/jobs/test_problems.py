"""Faults in plain words, each with something to do about it."""

import errno
import signal

import pytest

from angen.errors import BadInput, Incompatible, MissingWeights, OutOfSpace, Stopped, Taken
from angen.jobs.problems import killed, no_worker, problem_of


class OutOfMemoryError(RuntimeError):
    """As one library calls it."""


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (BadInput("No such clip."), "input"),
        (Taken("There is one of that name."), "taken"),
        (MissingWeights("Fetch them."), "weights"),
        (Incompatible("Another base."), "incompatible"),
        (OutOfSpace("Full."), "disk"),
        (Stopped("Saved at step 3."), "stopped"),
        (MemoryError(), "memory"),
        (OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), "memory"),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to"), "memory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "memory"),
        (OSError(errno.ENOSPC, "No space left on device", "/x/song.wav"), "disk"),
        (OSError(errno.EMFILE, "Too many open files"), "fault"),
        (FileNotFoundError(errno.ENOENT, "No such file", "/x/clip.wav"), "fault"),
        (ZeroDivisionError("division by zero"), "fault"),
        (SystemExit(3), "fault"),
    ],
)
def test_each_fault_has_its_kind_and_words(error: BaseException, kind: str) -> None:
    problem = problem_of(error)
    assert problem.kind == kind
    assert problem.message
    told = ("input", "taken", "weights", "incompatible", "disk", "stopped")  # by the message
    assert problem.remedy or kind in told


def test_errors_for_people_keep_their_words() -> None:
    assert problem_of(BadInput("tempo=-3: expected 20 to 300")).message == (
        "tempo=-3: expected 20 to 300"
    )


def test_what_a_fault_was_raised_from_counts() -> None:
    outer = ValueError("in between")
    outer.__cause__ = MemoryError()
    assert problem_of(outer).kind == "memory"
    known = RuntimeError("wrapped")
    known.__cause__ = BadInput("Give a name.")
    assert problem_of(known).message == "Give a name."


def test_a_full_disk_names_the_file() -> None:
    problem = problem_of(OSError(errno.ENOSPC, "No space left on device", "/x/song.wav"))
    assert "/x/song.wav" in problem.message
    assert "Free some space" in problem.remedy


def test_an_unforeseen_fault_is_cut_short() -> None:
    assert len(problem_of(ValueError("x" * 10_000)).message) < 400


@pytest.mark.parametrize(
    ("code", "oom", "words"),
    [
        (-signal.SIGKILL, True, "Memory ran out and the system ended this job"),
        (-signal.SIGKILL, False, "probably memory ran out"),
        (None, False, "probably memory ran out"),
        (-signal.SIGSEGV, False, "SIGSEGV"),
        (-250, False, "signal 250"),
        (1, False, "exit status 1"),
    ],
)
def test_a_death_is_told_with_what_to_lower(code: int | None, oom: bool, words: str) -> None:
    problem = killed(code, oom=oom)
    assert words in problem.message
    assert "maller batch" in problem.remedy


def test_a_worker_that_does_not_start_is_told_by_its_status() -> None:
    assert "(exit status 127)" in no_worker(127).message
