from angen.jobs.job import Problem, Progress
from angen.jobs.store import Store
from angen.studio.desk import Desk
from angen.studio.requests.songs import SongRequest
from angen.ui.queue import change_queue, draw_queue, draw_strip
from tests.ui.house import EVIL, begin


def three(desk: Desk) -> list[str]:
    return [desk.generate(SongRequest(prompt=f"song {n} {EVIL}")).id for n in range(3)]


def order(desk: Desk) -> list[str]:
    return [job.id for job in sorted(desk.jobs(), key=lambda job: job.position)]


def test_an_empty_queue_says_so() -> None:
    assert "The queue is empty" in draw_queue([], [])
    assert draw_strip([]) == ""


def test_queued_jobs_can_be_moved_up_and_down_within_reach(desk: Desk) -> None:
    first, second, third = three(desk)
    jobs = sorted(desk.jobs(), key=lambda job: job.position)
    page = str(draw_queue(jobs, []))

    assert page.count("↑") == 2
    assert page.count("↓") == 2
    assert "<script" not in page
    change_queue(desk, "move", third, second)
    assert order(desk) == [first, third, second]
    change_queue(desk, "move", first, "")
    assert order(desk) == [third, second, first]


def test_jobs_can_be_cancelled_retried_and_forgotten(desk: Desk) -> None:
    first, *_ = three(desk)

    change_queue(desk, "cancel", first)
    assert desk.job(first).state == "stopped"
    change_queue(desk, "retry", first)
    assert desk.job(first).state == "queued"
    change_queue(desk, "cancel", first)
    change_queue(desk, "forget", first)
    assert first not in [job.id for job in desk.jobs()]


def test_a_failed_job_says_why_and_offers_to_try_again(desk: Desk, store: Store) -> None:
    job = begin(store, desk.generate(SongRequest(prompt="rock")))
    store.fail(job, Problem(message="The disk is full.", remedy="Free some.", kind="disk"))
    page = str(draw_queue([], [desk.job(job.id)]))

    assert "The disk is full. Free some." in page
    assert 'data-action="retry"' in page
    assert ">Try again<" in page
    assert "Forget" in page


def test_the_strip_shows_what_runs_and_counts_what_waits(desk: Desk, store: Store) -> None:
    first, *_ = three(desk)
    job = begin(store, desk.job(first))
    store.progress(job, Progress(stage="Making the song", done=3, total=4))
    busy = sorted(desk.jobs(), key=lambda job: job.position)
    page = str(draw_strip(busy))

    assert "Making the song · 75 %" in page
    assert "2 jobs waiting" in page
