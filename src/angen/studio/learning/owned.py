"""Whose work a folder is: a job that is tried again knows what it has made itself."""

from pathlib import Path

from angen.files import replacing

JOB_FILE = ".job"


def mark(folder: Path, job: str) -> None:
    """Note that the job ``job`` makes what is in ``folder``."""
    with replacing(folder / JOB_FILE) as path:
        path.write_text(job, encoding="utf-8")


def found(root: Path, job: str) -> Path | None:
    """The folder of ``root`` that the job ``job`` has made, whatever it is called by now."""
    folders = root.iterdir() if root.is_dir() else ()
    return next((path for path in folders if path.name[0] != "." and is_of(path, job)), None)


def is_of(folder: Path, job: str) -> bool:
    """Whether the job ``job`` has made what is in ``folder``."""
    try:
        return (folder / JOB_FILE).read_text(encoding="utf-8") == job
    except (FileNotFoundError, NotADirectoryError, UnicodeDecodeError):
        return False
