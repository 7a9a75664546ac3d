import pytest

from angen.jobs.job import Problem, Progress
from angen.jobs.store import Store
from angen.studio.desk import Desk
from angen.studio.requests.songs import AdapterUse, SongRequest
from angen.studio.settings import Settings
from angen.ui.live import Now
from angen.ui.stage import act_on_job, cancelled, draw_stage, kept_shown, stage_mark
from tests.ui.house import EVIL, add_adapter, add_song, begin, finish


def shown(desk: Desk, stage: dict[str, object] | None = None) -> str:
    return str(draw_stage(desk, now(desk, stage)))


def now(desk: Desk, stage: dict[str, object] | None = None) -> Now:
    return Now(jobs=tuple(desk.jobs()), mine={"stage": stage})


def test_an_empty_house_says_what_to_do(desk: Desk) -> None:
    assert "press Generate Music" in shown(desk)


def test_a_song_in_the_making_is_played_from_its_job(desk: Desk, store: Store) -> None:
    job = begin(store, desk.generate(SongRequest(prompt=EVIL, duration_s=12)))
    progress = Progress(stage="Making the song", done=1, total=4, seconds_left=75)
    store.progress(job, progress)
    page = shown(desk, {"job": job.id, "play": True})

    assert f'src="api/jobs/{job.id}/audio"' in page
    assert " autoplay" in page
    assert 'seconds="12.0"' in page
    assert "Making the song · 25 % · 1 min 15 s left" in page
    assert 'aria-valuenow="25"' in page
    assert "<script" not in page


def test_only_the_browser_that_asked_plays_by_itself(desk: Desk) -> None:
    desk.generate(SongRequest(prompt="rock"))

    assert " autoplay" not in shown(desk)


def test_the_player_stays_the_same_when_the_song_is_done(
    desk: Desk, store: Store, settings: Settings
) -> None:
    job = desk.generate(SongRequest(prompt="rock", seed=3))
    before = shown(desk)
    finish(store, job, {"song": add_song(settings, "rock_3", "rock", seed=3)})
    after = shown(desk)

    assert f'key="{job.id}"' in before
    assert f'key="{job.id}"' in after
    assert 'src="api/songs/rock_3/audio"' in after
    assert "seed 3" in after


def test_a_comparison_shows_both_players_in_one_group(
    desk: Desk, store: Store, settings: Settings
) -> None:
    add_adapter(settings, "jazz")
    uses = (AdapterUse(name="jazz"),)
    job = desk.compare(SongRequest(prompt="rock", adapters=uses))
    base = add_song(settings, "plain", "rock")
    adapted = add_song(settings, "with", "rock", adapters=uses)
    finish(store, job, {"base": base, "adapted": adapted})
    page = shown(desk)

    assert page.count("<angen-player") == 2
    assert page.count(f'group="{job.id}"') == 2
    assert page.index("Base model alone") < page.index("With adapters")
    assert "<h2>Compare: rock</h2>" in page


def test_a_failure_is_told_in_its_words_with_a_way_on(desk: Desk, store: Store) -> None:
    job = begin(store, desk.generate(SongRequest(prompt="rock")))
    store.fail(job, Problem(message=f"No memory {EVIL}", remedy="Lower the steps.", kind="memory"))
    page = shown(desk)

    assert "No memory &lt;script&gt;" in page
    assert "Lower the steps." in page
    assert 'data-action="retry"' in page


def test_a_song_chosen_in_the_history_goes_before_the_newest_job(
    desk: Desk, settings: Settings
) -> None:
    desk.generate(SongRequest(prompt="rock"))
    add_song(settings, "old", "old song")

    assert "old song" in shown(desk, {"song": "old"})


@pytest.mark.parametrize("how", ["chosen", "made"])
def test_when_its_song_is_deleted_the_stage_shows_the_newest_or_the_welcome(
    desk: Desk, store: Store, settings: Settings, how: str
) -> None:
    job = finish(store, desk.generate(SongRequest(prompt="rock")), {"song": "gone"})
    chosen: dict[str, object] = {"song": "gone"} if how == "chosen" else {"job": job.id}

    assert "press Generate Music" in shown(desk, chosen)
    add_song(settings, "left", "the song that is left")
    assert "the song that is left" in shown(desk, chosen)
    assert "There is no song" not in shown(desk, chosen)


def test_a_song_behind_a_training_says_how_long_it_waits(desk: Desk, store: Store) -> None:
    training = begin(store, store.add("train", {}, lane="model", title="Train my_band"))
    store.progress(training, Progress(stage="Training", done=1, total=4, seconds_left=250))
    job = desk.generate(SongRequest(prompt="rock"))
    page = shown(desk, {"job": job.id, "play": True})

    assert "Waits for Train my_band (Training · 25 % · 4 min 10 s left)." in page
    assert "Cancel that at the top of the page to go first." in page
    assert "<h2>Waiting its turn</h2>" in page
    assert "<angen-player" not in page
    assert "playing" not in page


def test_a_stage_that_waits_follows_what_it_waits_for(desk: Desk, store: Store) -> None:
    training = begin(store, store.add("train", {}, lane="model", title="Train my_band"))
    desk.generate(SongRequest(prompt="rock"))
    before = stage_mark(now(desk))
    store.progress(training, Progress(stage="Training", done=1, total=4))

    assert stage_mark(now(desk)) != before


def test_without_a_choice_the_song_that_is_made_goes_before_those_that_wait(
    desk: Desk, store: Store
) -> None:
    first, second = (desk.generate(SongRequest(prompt=name)) for name in ("first", "second"))
    assert kept_shown(now(desk)) == {"job": first.id, "play": False}

    finish(store, first, {"song": "gone"})
    assert kept_shown(now(desk)) == {"job": second.id, "play": False}
    desk.cancel(second.id)
    begin(store, desk.generate(SongRequest(prompt="third")))
    desk.generate(SongRequest(prompt="fourth"))
    assert "<h2>In the making</h2>" in shown(desk)
    assert 'caption="third"' in shown(desk)


def test_what_is_shown_stays_when_others_order_songs(desk: Desk) -> None:
    chosen: dict[str, object] = {"song": "old"}
    desk.generate(SongRequest(prompt="rock"))

    assert kept_shown(now(desk, chosen)) == chosen


def test_songs_that_are_on_their_way_besides_can_be_heard_or_cancelled(
    desk: Desk, store: Store
) -> None:
    first, second = (desk.generate(SongRequest(prompt=name)) for name in ("first", EVIL))
    begin(store, first)
    page = shown(desk, {"job": second.id, "play": True})
    on_stage, besides = page.split("Also on their way")

    assert "Waits for first (running). Cancel that to go first." in on_stage
    listen = 'data-action="choose" aria-label="Listen: first" title="Listen: first"'
    assert f'{listen} data-job="{first.id}"' in besides
    assert besides.count('data-action="cancel"') == 1
    assert second.id not in besides
    assert "<script" not in page


def test_one_song_on_its_way_is_on_the_stage_alone(desk: Desk, store: Store) -> None:
    begin(store, desk.generate(SongRequest(prompt="rock")))

    assert "Also on their way" not in shown(desk)


def test_a_song_that_is_stopped_says_that_nothing_is_kept(desk: Desk, store: Store) -> None:
    job = begin(store, desk.generate(SongRequest(prompt="rock")))
    told = cancelled(desk.cancel(job.id))
    assert told == "It stops at its next step. A song that is not finished is not kept."
    assert "saving its work" not in shown(desk)

    store.stopped(job, Problem(message="Stopped as asked.", kind="stopped"))
    page = shown(desk, {"job": job.id, "play": True})
    assert "<h2>Stopped</h2>" in page
    assert "Stopped as asked. A song that is not finished is not kept." in page


def test_a_song_that_had_not_begun_leaves_the_queue_and_a_training_keeps_its_work(
    desk: Desk, store: Store
) -> None:
    song = desk.generate(SongRequest(prompt="rock"))
    assert cancelled(desk.cancel(song.id)) == "It is out of the queue."

    training = begin(store, store.add("train", {}, lane="model", title="Train my_band"))
    assert "keeps its work" in cancelled(desk.cancel(training.id))


def test_the_stage_is_drawn_anew_only_when_its_job_changes(desk: Desk, store: Store) -> None:
    job = desk.generate(SongRequest(prompt="rock"))
    before = stage_mark(now(desk))

    assert stage_mark(now(desk)) == before
    begin(store, job)
    assert stage_mark(now(desk)) != before


def test_cancel_and_retry_reach_the_queue(desk: Desk) -> None:
    job = desk.generate(SongRequest(prompt="rock"))

    assert act_on_job(desk, "cancel", job.id)
    assert desk.job(job.id).state == "stopped"
    assert act_on_job(desk, "retry", job.id)
    assert desk.job(job.id).state == "queued"
    assert not act_on_job(desk, "repeat", job.id)
