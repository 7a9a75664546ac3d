from pathlib import Path

import pytest

from angen.errors import AngenError, BadInput
from angen.studio.desk import Desk
from angen.studio.settings import Settings
from angen.ui.form import usable
from angen.ui.tabs.adapters import (
    act_on_adapter,
    compare_loras,
    delete_lora,
    import_lora,
    refresh_lora_list,
    rename_lora,
    show_lora,
)
from angen.ui.tabs.card import COLUMNS
from tests.ui.house import add_adapter


@pytest.fixture
def library(desk: Desk, settings: Settings) -> Desk:
    add_adapter(settings, "jazz")
    add_adapter(settings, "unfinished", finished=False)
    return desk


def test_an_empty_library_says_so(desk: Desk) -> None:
    table, select, card = refresh_lora_list(desk)

    assert "No adapters yet" in table
    assert (select["choices"], select["value"], card) == ([], None, "")


def test_the_table_has_the_columns_of_the_mission_and_the_effect(library: Desk) -> None:
    table, select, _ = refresh_lora_list(library)

    assert COLUMNS == ("Name", "Created", "Training Steps", "Type", "Effect")
    for cell in ("jazz", "2026-11-22 15:04", "1,250", "user", "closer to its recordings by 61%"):
        assert cell in table
    assert "unfinished" in table
    assert select["value"] == "jazz"


def test_only_finished_adapters_can_be_played(library: Desk) -> None:
    assert usable(library) == ["jazz"]


def test_a_card_shows_facts_report_and_export(library: Desk) -> None:
    card = show_lora(library, "jazz")

    for fact in ("mini", "my_set: 10 clips, 3.0 min", "16 / 32", "1.5000 → 1.2500"):
        assert fact in card
    assert 'src="api/training/lora-adapters/jazz/files/report.html"' in card
    assert 'href="api/training/lora-adapters/jazz/export"' in card
    assert "<script" not in card


def test_a_card_of_an_unfinished_adapter_offers_no_export(library: Desk) -> None:
    card = show_lora(library, "unfinished")

    assert "no finished model" in card
    assert "/export" not in card


def test_deleting_removes_it_and_selects_another(library: Desk) -> None:
    table, select, _, asking = delete_lora(library, "jazz")

    assert [info.name for info in library.adapters()] == ["unfinished"]
    assert 'name="jazz"' not in table
    assert select["value"] == "unfinished"
    assert asking["visible"] is False


def test_deleting_wants_one_that_is_there(library: Desk) -> None:
    with pytest.raises(BadInput, match="Select an adapter"):
        delete_lora(library, None)
    with pytest.raises(AngenError, match="'gone'"):
        delete_lora(library, "gone")


def test_renaming_selects_the_new_name(library: Desk) -> None:
    select, name = rename_lora(library, "jazz", " cool jazz ")

    assert (select["value"], name) == ("cool jazz", "")
    with pytest.raises(AngenError, match="already"):
        rename_lora(library, "cool jazz", "unfinished")
    with pytest.raises(AngenError, match="contains"):
        rename_lora(library, "cool jazz", "<b>")


def test_names_of_any_script_work(library: Desk) -> None:
    rename_lora(library, "jazz", "爵士")

    assert "%E7%88%B5%E5%A3%AB/export" in show_lora(library, "爵士")


def test_adapters_are_compared_side_by_side(library: Desk) -> None:
    assert "two adapters" in compare_loras(library, ["jazz"])
    page = compare_loras(library, ["jazz", "unfinished"])

    assert page.index(">jazz<") < page.index(">unfinished<")
    for fact in ("61%", "0.50", "1,250", "0.0003"):
        assert fact in page


def test_measuring_and_going_on_are_jobs(library: Desk, settings: Settings) -> None:
    act_on_adapter(library, "measure", "jazz")
    act_on_adapter(library, "resume", "unfinished")

    assert [job.kind for job in library.jobs()] == ["train", "report"]


def test_an_archive_is_taken_in_by_a_job(desk: Desk, upload_folder: Path) -> None:
    archive = upload_folder / "jazz.zip"
    archive.write_bytes(b"PK")
    assert import_lora(desk, str(archive), "") == ""

    (job,) = desk.jobs()
    assert (job.kind, job.arguments["name"]) == ("import_adapter", None)
    assert not archive.exists()
    archive.write_bytes(b"PK")
    import_lora(desk, str(archive), " cool jazz ")
    assert desk.jobs()[0].arguments["name"] == "cool jazz"
