import json
from pathlib import Path

import pytest

from angen.adapters.library import BEST, WEIGHTS_FILE
from angen.adapters.status import TrainingStatus, write_status
from angen.api.views import AdapterDetail, AdapterView
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


def test_a_report_without_its_page_is_not_framed(desk: Desk, settings: Settings) -> None:
    """As an export brings it: the frame would show what REST says of a file that is not there."""
    (add_adapter(settings, "brought") / "report.html").unlink()
    card = show_lora(desk, "brought")

    assert "<iframe" not in card
    assert "report.html" not in card
    assert "figures alone" in card
    assert "61 % closer" in card


@pytest.mark.parametrize("state", ["stopped", "failed", "interrupted"])
def test_a_training_that_did_not_come_to_its_end_looks_so(
    desk: Desk, settings: Settings, state: str
) -> None:
    folder = add_adapter(settings, "half", finished=False)
    (folder / BEST / WEIGHTS_FILE).write_bytes(b"weights")
    written = "running" if state == "interrupted" else state
    write_status(folder, TrainingStatus(state=written, step=40, steps=1_200))  # type: ignore[arg-type]
    (info,) = desk.adapters()
    told = f"{state} at step 40 of 1,200"

    assert info.usable
    assert told in info.unfinished
    assert told in show_lora(desk, "half")
    assert "unfinished" in refresh_lora_list(desk)[0]
    assert "unfinished" in compare_loras(desk, ["half", "half"])
    assert told in AdapterView.of(info).unfinished


@pytest.mark.parametrize("kind", ["merged", "imported"])
def test_what_was_not_trained_here_is_not_unfinished(
    desk: Desk, settings: Settings, kind: str
) -> None:
    add_adapter(settings, "whole", kind=kind, finished=None)
    assert not desk.adapter("whole").unfinished


@pytest.mark.parametrize(
    "report",
    [
        {"effect": [1], "memorisation": "x", "verdict": ["a"], "sentence": {}},
        {"effect": {"reduction": "x", "distance_base": [], "distance_adapter": 1e300}},
        {"effect": {"reduction": None}, "memorisation": {"closest": True}},
        {"version": 1, "effect": {"p_value": 0.1, "frechet_base": 1.0, "outputs_equal": False}},
    ],
)
def test_a_report_of_a_stranger_breaks_no_page(
    desk: Desk, settings: Settings, report: dict[str, object]
) -> None:
    recipe = {"learning_rate": [1], "batch_size": {"a": 1}, "dataset": "x", "rank": "y"}
    folder = add_adapter(settings, "odd", recipe=recipe, dataset=None, alpha=None, rank=None)
    (folder / "report.json").write_text(json.dumps(report))

    assert "Effect" in compare_loras(desk, ["odd", "odd"])
    assert "<h3>odd</h3>" in show_lora(desk, "odd")
    assert AdapterDetail.of(desk.adapter("odd")).model_dump_json()


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
