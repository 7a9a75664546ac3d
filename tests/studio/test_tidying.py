"""A home does not grow for ever by what killed runs, downloads and imports leave."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from angen.files import held
from angen.jobs.job import Problem
from angen.jobs.owner import Owner, this_process
from angen.jobs.store import Store
from angen.studio.desk import Desk
from angen.studio.settings import Settings
from angen.studio.tidying import tidy_home

HOUR_S, DAY_S = 3600, 24 * 3600


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    settings = Settings(home=tmp_path)
    with Store(settings.database) as store:
        yield Desk(settings, store)


def made(path: Path, age_s: float, *, folder: bool = False) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir() if folder else path.write_bytes(b"x")
    if folder:
        (path / "file").write_bytes(b"x")
    when = time.time() - age_s
    os.utime(path, (when, when))
    return path


def test_what_is_left_behind_goes_in_time_and_what_is_in_use_stays(desk: Desk) -> None:
    settings = desk.settings
    gone, stays = [], []
    for root, name, age in (
        (settings.exports, "blues.zip", DAY_S),
        (settings.exports, "mine.dataset.zip", DAY_S),
        (settings.incoming, "0123456789abcdef.zip", HOUR_S),
        (settings.incoming, ".0123.zip.part", HOUR_S),
        (settings.making, "somejob.wav", DAY_S),
        (settings.making, "somejob-base.place", DAY_S),
    ):
        gone.append(made(root / name, age + 60))
        stays.append(made(root / f"{name[:-4]}x{name[-4:]}", age - 60))
    for root, name, age in (
        (settings.incoming, ".tmpfolder", HOUR_S),
        (settings.datasets, ".mine.abc.part", 0),
        (settings.datasets, ".import-abc", 0),
        (settings.loras, ".import-abc", 0),
        (settings.uploads, ".0123.part", 7 * DAY_S),
        (settings.clips, ".0123.part", 7 * DAY_S),
        (settings.bundles, ".owner--name.abc.part", 30 * DAY_S),
        (settings.datasets, ".mine.abc.deleted", 0),
    ):
        gone.append(made(root / name, age + 60, folder=True))
    stays.append(made(settings.bundles / ".owner--other.abc.part", 7 * DAY_S, folder=True))
    stays.append(made(settings.datasets / ".other.abc.part", 0, folder=True))
    at_work = made(settings.datasets / ".third.abc.part", DAY_S, folder=True)
    stays.append(made(settings.loras / "blues", 400 * DAY_S, folder=True))
    stays.append(made(settings.outputs / "song.wav", 400 * DAY_S))
    with held(at_work):
        tidy_home(desk.store, settings)
        assert at_work.exists()
    tidy_home(desk.store, settings)
    assert not at_work.exists()
    assert [path for path in gone if path.exists()] == []
    assert [path for path in stays if not path.exists()] == []


def test_an_archive_stays_while_a_job_needs_it_and_a_week_for_another_try(desk: Desk) -> None:
    incoming = desk.settings.incoming
    jobs = [
        desk.import_adapter(made(desk.settings.home / f"{n}.zip", 0), f"a{n}") for n in range(3)
    ]
    waits, failed, done = (incoming / job.arguments["archive"] for job in jobs)
    owner = Owner(worker=this_process(), server=None)
    for _ in range(3):
        claimed = desk.store.claim("desk", owner)
        assert claimed is not None
        if claimed.id == jobs[0].id:
            desk.store.cancel(jobs[0].id)  # which it does not heed: it is not over
            break
    for job in jobs[1:]:
        desk.store.cancel(job.id)
    for path in (waits, failed, done):
        os.utime(path, (time.time() - 6 * DAY_S,) * 2)
    desk.store.forget(jobs[2].id)
    tidy_home(desk.store, desk.settings)
    assert waits.exists()
    assert failed.exists()
    assert not done.exists()
    for path in (waits, failed):
        os.utime(path, (time.time() - 8 * DAY_S,) * 2)
    tidy_home(desk.store, desk.settings)
    assert waits.exists()
    assert not failed.exists()
    claimed = desk.store.get(jobs[0].id)
    assert desk.store.stopped(claimed, Problem(message="", kind="stopped"))
    tidy_home(desk.store, desk.settings)
    assert not waits.exists()


def test_a_song_in_the_making_stays_while_its_job_is_not_over(desk: Desk) -> None:
    job = desk.store.add("generate", {}, lane="model", title="t")
    paths = [
        made(desk.settings.making / name, 2 * DAY_S)
        for name in (f"{job.id}.wav", f"{job.id}.place", f"{job.id}-base.place")
    ]
    tidy_home(desk.store, desk.settings)
    assert all(path.exists() for path in paths)
    desk.store.cancel(job.id)
    tidy_home(desk.store, desk.settings)
    assert not any(path.exists() for path in paths)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may delete anything")
def test_what_cannot_be_removed_keeps_nothing_else(desk: Desk) -> None:
    stuck = made(desk.settings.incoming / "a.zip", 2 * HOUR_S)
    goes = made(desk.settings.exports / "b.zip", 2 * DAY_S)
    stuck.parent.chmod(0o500)
    try:
        tidy_home(desk.store, desk.settings)
    finally:
        stuck.parent.chmod(0o700)
    assert stuck.exists()
    assert not goes.exists()
