import io
import json
from pathlib import Path

import pytest
import soundfile

from angen.errors import BadInput
from angen.jobs.job import Progress
from angen.jobs.store import Store
from angen.studio.desk import Desk
from angen.studio.settings import Settings
from angen.ui.live import Now
from angen.ui.tabs.audio import (
    ALL_ROWS,
    CHOSEN_ROWS,
    ai_generate_all_metadata,
    analyze_user_audio,
    draw_progress,
    leave_out,
    prepare_user_training_dataset,
    save_metadata,
    set_column,
    tables,
)
from angen.ui.tabs.recordings import draw_uploads, heard, take_uploads
from tests.ui.house import RATE_HZ, add_table, begin, finish, tone


def now(desk: Desk, **mine: object) -> Now:
    return Now(jobs=tuple(desk.jobs()), mine=mine)


def recording(seconds: float = 1.5) -> io.BytesIO:
    sound = io.BytesIO()
    soundfile.write(sound, tone(seconds), RATE_HZ, format="WAV")
    sound.seek(0)
    return sound


def test_recordings_are_kept_and_what_is_none_is_said(desk: Desk, upload_folder: Path) -> None:
    good, bad = upload_folder / "good.wav", upload_folder / "bad.wav"
    good.write_bytes(recording().read())
    bad.write_bytes(b"no sound")

    with pytest.warns(UserWarning, match="bad.wav"):
        take_uploads(desk, [str(bad), str(good)])
    assert [upload.name for upload in desk.uploads()] == ["good.wav"]
    assert not good.exists()
    assert not bad.exists()


def test_new_recordings_are_ticked_and_analysed_ones_are_not(desk: Desk) -> None:
    first = desk.save_upload("first.wav", recording(1.2))
    desk.save_upload("<b>second.wav", recording(1.4))
    analyze_user_audio(desk, json.dumps([first.id]), True, False)
    page = str(draw_uploads(desk.uploads(), heard(now(desk))))

    assert page.count("data-tick") == 2
    assert page.count(" checked") == 1
    assert f'<angen-play src="api/uploads/{first.id}/audio"' in page
    assert "<b>" not in page


def test_analysing_is_a_job_with_the_boxes_of_the_page(desk: Desk) -> None:
    with pytest.raises(BadInput, match="Upload recordings"):
        analyze_user_audio(desk, "[]", True, False)

    upload = desk.save_upload("one.wav", recording())
    analyze_user_audio(desk, json.dumps([upload.id]), False, True)
    (job,) = desk.jobs()
    assert job.kind == "analyze"
    assert job.arguments["files"] == [upload.id]
    assert (job.arguments["auto_split"], job.arguments["separate_stems"]) == (False, True)


def test_a_running_analysis_shows_how_far_it_is(desk: Desk, store: Store) -> None:
    upload = desk.save_upload("one.wav", recording())
    analyze_user_audio(desk, json.dumps([upload.id]), True, False)
    job = begin(store, desk.jobs()[0])
    store.progress(job, Progress(stage="Listening", done=1, total=2, seconds_left=9))

    assert "Listening · 50 % · 9 s left" in draw_progress(now(desk))


def test_saving_keeps_what_was_changed_and_nothing_else(desk: Desk, settings: Settings) -> None:
    table = add_table(settings)
    edits = {"row1": {"genre": "rock", "bpm": "99,5", "instruments": "guitar, drums"}}
    page = save_metadata(desk, table.id, json.dumps(edits), "[]", 0)
    first, second = desk.collection(table.id).rows

    assert first.metadata.edited == ()
    assert (second.metadata.genre, second.metadata.bpm) == ("rock", 99.5)
    assert second.metadata.instruments == ("guitar", "drums")
    assert 'value="99.5"' in page


def test_a_value_that_does_not_fit_is_said_and_nothing_is_saved(
    desk: Desk, settings: Settings
) -> None:
    table = add_table(settings)
    edits = {"row0": {"genre": "rock"}, "row1": {"bpm": "fast"}}

    with pytest.raises(BadInput, match="bpm"):
        save_metadata(desk, table.id, json.dumps(edits), "[]", 0)
    assert desk.collection(table.id).rows[0].metadata.genre == "jazz"


def test_a_column_is_set_in_all_rows_or_in_ticked_ones(desk: Desk, settings: Settings) -> None:
    table = add_table(settings, rows=3)
    set_column(desk, table.id, "{}", '["row1"]', "Mood", "wild", CHOSEN_ROWS, 0)
    moods = [row.metadata.mood for row in desk.collection(table.id).rows]
    assert moods == ["calm", "wild", "calm"]

    unsaved = json.dumps({"row2": {"key": "A minor"}})
    set_column(desk, table.id, unsaved, "[]", "BPM", "140", ALL_ROWS, 0)
    rows = desk.collection(table.id).rows
    assert [row.metadata.bpm for row in rows] == [140, 140, 140]
    assert rows[2].metadata.key == "A minor"
    with pytest.raises(BadInput, match="Tick at least one row"):
        set_column(desk, table.id, "{}", "[]", "Mood", "wild", CHOSEN_ROWS, 0)


def test_ticked_rows_are_left_out_and_brought_back(desk: Desk, settings: Settings) -> None:
    table = add_table(settings, rows=3)
    unsaved = json.dumps({"row0": {"genre": "rock"}})
    page = leave_out(desk, True, table.id, unsaved, '["row1", "row2"]', 0)

    assert [row.id for row in desk.collection(table.id).used] == ["row0"]
    assert desk.collection(table.id).rows[0].metadata.genre == "rock"
    assert "3 clips · 30 s · 2 left out" in page
    assert page.count("training sets do without this clip") == 2
    page = leave_out(desk, False, table.id, "{}", '["row2"]', 0)
    assert "1 left out" in page
    with pytest.raises(BadInput, match="Tick at least one row"):
        leave_out(desk, True, table.id, "{}", "[]", 0)


def test_filling_saves_first_and_asks_for_the_ticked_rows(desk: Desk, settings: Settings) -> None:
    table = add_table(settings)
    edits = json.dumps({"row0": {"genre": "rock"}})
    ai_generate_all_metadata(desk, table.id, edits, '["row1"]', 0)
    (job,) = desk.jobs()

    assert desk.collection(table.id).rows[0].metadata.edited == ("genre",)
    assert (job.kind, job.arguments["rows"]) == ("fill", ["row1"])


def test_preparing_saves_first_and_names_the_dataset(desk: Desk, settings: Settings) -> None:
    table = add_table(settings)
    edits = json.dumps({"row0": {"genre": "rock"}})
    prepare_user_training_dataset(desk, table.id, edits, "[]", " my_set ", 0)
    (job,) = desk.jobs()

    assert desk.collection(table.id).rows[0].metadata.genre == "rock"
    assert (job.arguments["collection"], job.arguments["name"]) == (table.id, "my_set")


@pytest.mark.parametrize("name", ["../up", "<script>", "con"])
def test_a_name_that_is_no_folder_is_refused(desk: Desk, settings: Settings, name: str) -> None:
    table = add_table(settings)
    with pytest.raises(BadInput, match="name"):
        prepare_user_training_dataset(desk, table.id, "{}", "[]", name, 0)


def test_without_a_table_the_page_says_what_comes_first(desk: Desk) -> None:
    with pytest.raises(BadInput, match="Analyze recordings first"):
        save_metadata(desk, None, "{}", "[]", 0)


def test_a_ready_dataset_is_announced(desk: Desk, store: Store, settings: Settings) -> None:
    table = add_table(settings)
    prepare_user_training_dataset(desk, table.id, "{}", "[]", "my_set", 0)
    finish(store, desk.jobs()[0], {"dataset": "my_set", "notes": ["Few clips."]})
    page = draw_progress(now(desk))

    assert "The dataset my_set is ready" in page
    assert "Few clips." in page


def test_a_table_that_has_just_been_made_is_chosen(desk: Desk, settings: Settings) -> None:
    old = add_table(settings, "old")
    update, newest = tables(desk, now(desk, collection=None, newest=None))
    assert (update["value"], newest) == (old.id, old.id)

    again, _ = tables(desk, now(desk, collection=old.id, newest=old.id))
    assert again["value"] == old.id
