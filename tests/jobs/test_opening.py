"""A queue that cannot be opened says so in a sentence, and that nothing else is lost."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from angen.errors import AngenError
from angen.jobs.store import Store


def text_file(path: Path) -> None:
    path.write_text("this is no database, whatever its name says. " * 100)


def damaged_head(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[:16] = bytes(16)
    path.write_bytes(data)


def damaged_pages(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * len(data[4096:])
    path.write_bytes(data)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5_000])


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as queue, queue:
        queue.execute("UPDATE angen_clock SET schema = 99")


def of_something_else(path: Path) -> None:
    with closing(sqlite3.connect(path)) as queue, queue:
        queue.execute("DROP TABLE angen_clock")
        queue.execute("CREATE TABLE angen_clock (moon TEXT)")


FAULTS: dict[Callable[[Path], None], str] = {
    text_file: "the file is damaged",
    damaged_head: "the file is damaged",
    damaged_pages: "the file is damaged",
    cut_short: "the file is damaged",
    folder: "a folder is in its place",
    newer: "another version of angen",
    of_something_else: "cannot be opened",
}


def queue_of(home: Path) -> Path:
    path = home / "jobs.db"
    with Store(f"sqlite:///{path}") as store:
        for n in range(200):
            store.add("k", {"n": n}, lane="a", title=f"a job with a title of its own {n}")
    return path


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_it_says_what_is_wrong_that_the_rest_is_safe_and_what_to_do(
    tmp_path: Path, fault: Callable[[Path], None]
) -> None:
    path = queue_of(tmp_path)
    fault(path)

    def use() -> None:
        with Store(f"sqlite:///{path}") as store:
            store.verify()

    with pytest.raises(AngenError, match=FAULTS[fault]) as told:
        use()
    assert "Songs, adapters and datasets are safe" in str(told.value)
    assert "move jobs.db, jobs.db-wal and jobs.db-shm away" in str(told.value)
    for name in ("jobs.db", "jobs.db-wal", "jobs.db-shm"):  # and doing so helps
        if (tmp_path / name).exists():
            (tmp_path / name).rename(tmp_path / f"away-{name}")
    use()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
@pytest.mark.parametrize("file", [True, False])
def test_a_queue_that_may_not_be_written_is_told(tmp_path: Path, file: bool) -> None:
    path = queue_of(tmp_path)
    place = path if file else tmp_path
    place.chmod(0o400 if file else 0o500)
    try:
        with pytest.raises(AngenError, match="may be read and written") as told:
            Store(f"sqlite:///{path}")
    finally:
        place.chmod(0o700)
    assert "are safe" in str(told.value)


@pytest.mark.parametrize("fault", [text_file, damaged_pages, folder, newer])
def test_the_server_ends_with_that_sentence_and_no_traceback(
    tmp_path: Path, fault: Callable[[Path], None]
) -> None:
    fault(queue_of(tmp_path))
    command = [sys.executable, "-m", "angen", "studio", "--no-browser", "--port", "0"]
    ended = subprocess.run(
        [*command, "--home", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 1
    said = " ".join((ended.stderr + ended.stdout).split())
    assert "are safe" in said
    assert "Traceback" not in said
    assert len(said) < 900
