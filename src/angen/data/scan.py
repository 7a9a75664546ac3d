"""Finding recordings: what lies in the given files and folders, and what has to stay out."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from angen.audio.files import SUFFIXES
from angen.data.manifest import Problem
from angen.errors import BadInput
from angen.names import about

READABLE = "WAV, FLAC, MP3, OGG, Opus or AIFF"


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A recording on disk."""

    path: Path
    label: str  # its path inside the folder that was given, with forward slashes
    sha256: str


def find_audio(sources: Sequence[Path]) -> tuple[list[Found], list[Problem]]:
    """All recordings in files and folders (searched through), sorted; and the files left out.

    Hidden files and folders are passed over; a link that leaves its folder is left out, as is a
    recording whose content was found before.

    Raises BadInput when nothing is found, or a source does not exist.
    """
    paths: dict[Path, str] = {}  # path -> label
    problems: list[Problem] = []
    for source in sources:
        if source.is_dir():
            inside, left_out = _in_folder(source)
            paths |= {path: path.relative_to(source).as_posix() for path in inside}
            problems += left_out
        elif source.exists() or source.is_symlink():
            paths.setdefault(source, source.name)  # whatever it is: reading it tells
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

    def unreadable(error: OSError) -> None:
        problems.append(
            Problem(file=str(error.filename), reason=f"cannot be opened ({error.strerror})")
        )

    root = folder.resolve()
    for place, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(place, name)
            if name.startswith(".") or path.suffix.lower() not in SUFFIXES:
                continue
            if path.is_symlink() and not path.resolve().is_relative_to(root):
                problems.append(
                    Problem(file=path.name, reason="is a link out of its folder; copy the file")
                )
            else:
                inside.append(path)
    return inside, problems


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
