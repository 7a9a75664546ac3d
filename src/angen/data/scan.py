"""Finding recordings: what lies in the given files and folders, and what has to stay out."""

import hashlib
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from angen.audio.files import SUFFIXES
from angen.audio.opening import READABLE
from angen.data.manifest import Problem
from angen.errors import BadInput, readable
from angen.names import about

_OTHERS = "aa aax ac3 avi dff dsf dts flv kar m4p mid midi mpc mpeg mpg ra rm shn tak"
_UNREAD = frozenset(f".{kind}" for kind in _OTHERS.split())


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A recording on disk."""

    path: Path
    label: str  # its path inside the folder that was given, with forward slashes
    sha256: str


def find_audio(sources: Sequence[Path]) -> tuple[list[Found], list[Problem]]:
    """All recordings in files and folders (searched through), sorted; and the files left out.

    Hidden files and folders are passed over. Links to folders are followed, each folder once; a
    linked file that leaves its folder is left out, as is a recording whose content was found
    before, and sound that cannot be read. Labels are readable whatever bytes the names have.

    Raises BadInput when nothing is found, or a source does not exist.
    """
    paths: dict[Path, str] = {}  # path -> label
    problems: list[Problem] = []
    for source in sources:
        if source.is_dir():
            inside, left_out = _in_folder(source)
            paths |= {path: readable(path.relative_to(source).as_posix()) for path in inside}
            problems += left_out
        elif source.exists() or source.is_symlink():
            paths.setdefault(source, readable(source.name))  # whatever it is: reading it tells
        else:
            raise BadInput(f"{source} does not exist. Check the name and the folder.")
    if not paths:
        names = ", ".join(str(source) for source in sources) or "nothing"
        reasons = "".join(f"\n  {about(problem.file, problem.reason)}" for problem in problems)
        raise BadInput(f"No recording in {names}. Give {READABLE} files.{reasons}")
    found, repeated = _without_repeats(paths)
    return found, problems + repeated


def _in_folder(folder: Path) -> tuple[list[Path], list[Problem]]:
    inside: list[Path] = []
    problems: list[Problem] = []

    def left_out(path: str | Path, reason: str) -> None:
        problems.append(Problem(file=readable(str(path)), reason=reason))

    def unreadable(error: OSError) -> None:
        left_out(error.filename, f"cannot be opened ({error.strerror})")

    roots = {folder.resolve()}
    for place, folders, names in os.walk(folder, onerror=unreadable, followlinks=True):
        folders[:] = [name for name in sorted(folders) if _to_enter(Path(place, name), roots)]
        for name in sorted(names):
            path = Path(place, name)
            if not name.startswith(".") and (reason := _unfit(path, roots)):
                left_out(path.name, reason)
            elif not name.startswith(".") and path.suffix.lower() in SUFFIXES:
                inside.append(path)
    return inside, problems


def _to_enter(folder: Path, roots: set[Path]) -> bool:
    """Whether to search a folder; one that is linked, only if no search comes to it otherwise."""
    if folder.name.startswith("."):
        return False
    if folder.is_symlink():
        real = folder.resolve()
        if any(real.is_relative_to(root) or root.is_relative_to(real) for root in roots):
            return False
        roots.add(real)
    return True


def _unfit(path: Path, roots: Collection[Path]) -> str:
    """Why a file is left out, or nothing."""
    if path.is_symlink() and not path.exists():
        return "is a link to what is not there (any more)"
    if path.suffix.lower() in _UNREAD:
        return f"is of a kind that is not read. Export it again as {READABLE}."
    if path.suffix.lower() in SUFFIXES and path.is_symlink():
        real = path.resolve()
        if not any(real.is_relative_to(root) for root in roots):
            return "is a link out of its folder; copy the file"
    return ""


def _without_repeats(paths: Mapping[Path, str]) -> tuple[list[Found], list[Problem]]:
    first: dict[str, str] = {}
    found: list[Found] = []
    problems: list[Problem] = []
    for path, label in paths.items():
        try:
            sha256 = sha256_of(path)
        except OSError as error:
            reason = f"cannot be opened ({error.strerror}). Give yourself the right to read it."
            problems.append(Problem(file=label, reason=reason))
            continue
        if sha256 in first and path.stat().st_size:
            reason = f"has the same content as {first[sha256]!r}; one of them is enough"
            problems.append(Problem(file=label, reason=reason))
        else:
            first.setdefault(sha256, label)
            found.append(Found(path=path, label=label, sha256=sha256))
    return found, problems


def sha256_of(path: Path) -> str:
    """sha256 of a file's content. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
