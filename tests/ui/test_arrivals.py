from pathlib import Path

from angen.errors import BadInput, Taken
from angen.jobs.job import Job
from angen.jobs.problems import problem_of
from angen.jobs.store import Store
from angen.studio.desk import Desk
from angen.ui.arrivals import draw_arrival
from angen.ui.live import Now
from tests.ui.house import EVIL, begin, finish


def outcome(desk: Desk) -> str:
    return str(draw_arrival(Now(jobs=tuple(desk.jobs()), mine={}), "import_adapter", "New name"))


def brought(desk: Desk, folder: Path) -> Job:
    archive = folder / "jazz.zip"
    archive.write_bytes(b"PK")
    return desk.import_adapter(archive)


def test_an_import_is_followed_until_it_is_here(desk: Desk, store: Store, tmp_path: Path) -> None:
    assert outcome(desk) == ""
    job = brought(desk, tmp_path)
    assert "in the queue" in outcome(desk)
    finish(store, job, {"adapter": "jazz", "warnings": [EVIL]})
    page = outcome(desk)

    assert "jazz is here" in page
    assert 'class="note good"' in page
    assert "<script" not in page
    assert page.count('class="note') == 2


def test_why_an_import_failed_is_said_and_what_to_do(
    desk: Desk, store: Store, tmp_path: Path
) -> None:
    job = begin(store, brought(desk, tmp_path))
    store.fail(job, problem_of(BadInput("It holds no adapter.")))
    page = outcome(desk)

    assert 'class="note error"' in page
    assert "Import jazz.zip: It holds no adapter." in page
    assert "another name" not in page

    job = begin(store, brought(desk, tmp_path))
    store.fail(job, problem_of(Taken("There is one already.")))
    assert "There is one already. Type another name into &#39;New name&#39;" in outcome(desk)


def test_an_import_that_was_stopped_is_said(desk: Desk, tmp_path: Path) -> None:
    desk.cancel(brought(desk, tmp_path).id)

    assert 'class="note warning"' in outcome(desk)
