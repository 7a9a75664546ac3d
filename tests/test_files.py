"""Folders that take the place of others: whole or not at all, whatever comes in between."""

import errno
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from angen.errors import Taken
from angen.files import Rename, put_in_place, remove, restore_replaced, set_aside

KILLED = """
import os, signal, sys
from pathlib import Path
from angen.files import put_in_place
root, at = Path(sys.argv[1]), int(sys.argv[2])
calls = 0
def rename(source, target):
    global calls
    calls += 1
    if calls == at:
        os.kill(os.getpid(), signal.SIGKILL)
    os.rename(source, target)
put_in_place(root / ".new.part", root / "set", replace=True, rename=rename)
os.kill(os.getpid(), signal.SIGKILL)
"""


def made(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "file").write_text(text)
    return folder


def text(root: Path) -> str:
    return (root / "set" / "file").read_text()


def visible(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir())


def failing(at: int, back: bool = False) -> Rename:
    """A system that refuses the ``at``-th renaming, and the way back as well."""
    calls = 0

    def rename(source: Path, target: Path) -> None:
        nonlocal calls
        calls += 1
        if calls == at or (back and calls > at):
            raise OSError(errno.EIO, "the disk is ill")
        source.rename(target)

    return rename


def test_a_folder_takes_the_place_of_another(tmp_path: Path) -> None:
    made(tmp_path / "set", "old")
    put_in_place(made(tmp_path / ".new.part", "new"), tmp_path / "set", replace=True)
    assert text(tmp_path) == "new"
    assert visible(tmp_path) == ["set"]


@pytest.mark.parametrize("at", [1, 2])
def test_the_old_one_stays_when_a_renaming_fails(tmp_path: Path, at: int) -> None:
    made(tmp_path / "set", "old")
    new = made(tmp_path / ".new.part", "new")
    with pytest.raises(OSError, match="ill"):
        put_in_place(new, tmp_path / "set", replace=True, rename=failing(at))
    assert text(tmp_path) == "old"
    assert (new / "file").read_text() == "new"
    assert visible(tmp_path) == [".new.part", "set"]


def test_the_old_one_comes_back_when_it_could_not_be_put_back_at_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made(tmp_path / "set", "old")
    new = made(tmp_path / ".new.part", "new")
    with pytest.raises(OSError, match="ill"):
        put_in_place(new, tmp_path / "set", replace=True, rename=failing(2, back=True))
    assert not (tmp_path / "set").exists()
    with caplog.at_level(logging.WARNING):
        restore_replaced(tmp_path)
    assert text(tmp_path) == "old"
    assert "cut short; the earlier one is back" in caplog.text


@pytest.mark.parametrize(("at", "left"), [(1, "old"), (2, "old"), (3, "new")])
def test_a_kill_between_two_steps_loses_neither(tmp_path: Path, at: int, left: str) -> None:
    made(tmp_path / "set", "old")
    made(tmp_path / ".new.part", "new")
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(at)], check=False)
    assert killed.returncode == -signal.SIGKILL
    restore_replaced(tmp_path)
    assert text(tmp_path) == left
    assert not list(tmp_path.glob(".set.*"))


def test_what_an_earlier_version_left_between_two_steps_is_found(tmp_path: Path) -> None:
    made(tmp_path / ".my set.v1.x3k_9abc.old", "old")
    restore_replaced(tmp_path)
    assert (tmp_path / "my set.v1" / "file").read_text() == "old"


def test_a_leftover_is_deleted_once_the_new_one_stands(tmp_path: Path) -> None:
    made(tmp_path / ".set.abcd.old", "old")
    made(tmp_path / "set", "new")
    restore_replaced(tmp_path)
    assert text(tmp_path) == "new"
    assert visible(tmp_path) == ["set"]


def test_what_was_deleted_does_not_come_back(tmp_path: Path) -> None:
    made(tmp_path / ".set.abcd.old", "older")
    made(tmp_path / "set", "old")
    doomed = set_aside(tmp_path / "set")
    restore_replaced(tmp_path)  # another process, before this one has deleted it
    remove(doomed)
    assert visible(tmp_path) == []


@pytest.mark.parametrize("replace", [False, True])
def test_what_is_in_the_way_stays(tmp_path: Path, replace: bool) -> None:
    new = made(tmp_path / ".new.part", "new")
    if replace:  # somebody who knows nothing of locks makes it between the two renamings
        made(tmp_path / "set", "old")

        def rename(source: Path, target: Path) -> None:
            source.rename(target)
            if source.name == "set":
                made(tmp_path / "set", "a stranger's")

        with pytest.raises(Taken, match="Another run has made 'set'"):
            put_in_place(new, tmp_path / "set", replace=True, rename=rename)
        assert text(tmp_path) == "a stranger's"
        (old,) = tmp_path.glob(".set.*.old")
        assert (old / "file").read_text() == "old"
    else:
        made(tmp_path / "set", "old")
        with pytest.raises(Taken, match="Another run has made 'set'"):
            put_in_place(new, tmp_path / "set")
        assert text(tmp_path) == "old"
    assert (new / "file").read_text() == "new"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_stays_as_it_is(tmp_path: Path) -> None:
    root = tmp_path / "root"
    made(root / "set", "old")
    new = made(tmp_path / "new", "new")
    root.chmod(0o500)
    try:
        with pytest.raises(PermissionError):
            put_in_place(new, root / "set", replace=True)
        restore_replaced(root)
    finally:
        root.chmod(0o700)
    assert text(root) == "old"


def test_a_link_gives_way_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    made(tmp_path / "elsewhere", "theirs")
    (tmp_path / "set").symlink_to(tmp_path / "elsewhere")
    put_in_place(made(tmp_path / ".new.part", "new"), tmp_path / "set", replace=True)
    assert text(tmp_path) == "new"
    assert (tmp_path / "elsewhere" / "file").read_text() == "theirs"
    assert visible(tmp_path) == ["elsewhere", "set"]
