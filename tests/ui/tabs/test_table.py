import json

import pytest

from angen.data.manifest import ClipMetadata
from angen.errors import BadInput
from angen.studio.settings import Settings
from angen.ui.tabs.table import COLUMNS, PAGE, chosen_of, draw_table, edits_of, shown, typed
from tests.ui.house import EVIL, HEARD, add_table


def test_the_columns_are_those_of_the_mission_and_two_more() -> None:
    assert COLUMNS == (
        "File",
        "Genre",
        "BPM",
        "Key",
        "Mood",
        "Instruments",
        "Description",
        "Lyrics",
        "Confidence",
    )


def test_each_row_can_be_heard_ticked_and_edited(settings: Settings) -> None:
    table = add_table(settings)
    page = str(draw_table(table))

    assert page.count("<angen-play") == page.count("data-choose=") == 2
    assert f'src="api/training/collections/{table.id}/rows/row0/audio"' in page
    assert 'aria-label="Genre of jazz_song_clip000.wav"' in page
    assert page.count('data-row="row0"') == 7
    assert "1:15 of song.wav, 10 s" in page


def test_the_prompt_that_the_model_will_see_is_shown(settings: Settings) -> None:
    table = add_table(settings)

    assert table.rows[0].prompt
    assert f"<q>{table.rows[0].prompt}</q>" in draw_table(table)


def test_doubts_and_stems_are_shown(settings: Settings) -> None:
    table = add_table(settings, rows=1, findings=("clips",), stems={"vocals": "v.wav"})
    page = draw_table(table)

    assert "clips" in table.rows[0].warnings
    assert '<span class="chip odd">clips</span>' in page
    assert "stem: vocals" in page


def test_what_people_wrote_stays_text(settings: Settings) -> None:
    metadata = HEARD.model_copy(update={"genre": EVIL, "lyrics": "</textarea>" + EVIL})
    page = str(draw_table(add_table(settings, EVIL, rows=1, metadata=metadata, source=EVIL)))

    assert "<script" not in page
    assert page.count("</textarea>") == 3


def test_confidence_is_that_of_the_machine_alone(settings: Settings) -> None:
    mine = HEARD.model_copy(update={"edited": ("bpm", "key")})
    page = draw_table(add_table(settings, rows=1, metadata=mine))

    assert 'class="chip good"' in page
    assert ">90%<" in page


def test_long_tables_come_in_pages(settings: Settings) -> None:
    table = add_table(settings, rows=PAGE + 1)

    assert draw_table(table).count("data-clip=") == PAGE
    assert draw_table(table, 1).count("data-clip=") == 1
    assert "Page 2 of 2" in draw_table(table, 1)


def test_no_table_says_what_to_do() -> None:
    assert "Analyze &amp; Generate Metadata" in draw_table(None)


def test_cells_show_values_as_they_are_typed() -> None:
    assert shown(HEARD, "bpm") == "120.5"
    assert shown(HEARD, "instruments") == "piano, double bass"
    assert shown(ClipMetadata(), "bpm") == ""


@pytest.mark.parametrize(
    ("text", "value"), [("120", 120.0), ("99,5", 99.5), ("", ""), ("fast", "fast")]
)
def test_a_tempo_is_a_number_where_it_is_one(text: str, value: object) -> None:
    assert typed({"bpm": text})["bpm"] == value


def test_an_emptied_cell_is_cleared_and_an_untouched_one_is_not() -> None:
    edits = edits_of(json.dumps({"row0": {"genre": ""}}))

    assert edits["row0"].given() == {"genre": ""}


@pytest.mark.parametrize("text", ["{", "[]", '{"row": 3}', '{"row": {"bpm": {}}}', '{"row": null}'])
def test_broken_edits_are_refused(text: str) -> None:
    with pytest.raises(BadInput):
        edits_of(text)


def test_broken_choices_are_refused() -> None:
    assert chosen_of("") == []
    with pytest.raises(BadInput):
        chosen_of("{")
