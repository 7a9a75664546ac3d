"""The adapters of a house."""

from pathlib import Path

import pytest

from angen.adapters.library import (
    adapter_folder,
    delete_adapter,
    list_adapters,
    new_folder,
    playable,
    read_report,
    rename_adapter,
    show_adapter,
)
from angen.adapters.metadata import AdapterMetadata, read_metadata, update_metadata, write_metadata
from angen.adapters.status import training_lock
from angen.bundle import Bundle
from angen.errors import BadInput, Incompatible
from tests.adapters.fill import written


def adapter(bundle: Bundle, loras: Path, name: str, steps: int = 12) -> Path:
    written(bundle, loras / name / "best_model")
    write_metadata(loras / name, AdapterMetadata(name=name, steps=steps, rank=4))
    return loras / name


def test_list_is_empty_without_a_library(tmp_path: Path) -> None:
    assert list_adapters(tmp_path / "loras") == []


def test_list_shows_name_steps_kind_size_and_hides_what_is_hidden(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    adapter(tiny_bundle, tmp_path, "Zither")
    adapter(tiny_bundle, tmp_path, "accordion", steps=7)
    (tmp_path / ".gone.deleted").mkdir()
    first, second = list_adapters(tmp_path)
    assert (first.name, second.name) == ("accordion", "Zither")
    assert first.metadata is not None
    assert (first.metadata.steps, first.metadata.kind) == (7, "user")
    assert first.usable
    assert first.problem == ""
    assert first.size_bytes == sum(p.stat().st_size for p in first.folder.rglob("*.*"))


def test_list_goes_on_past_a_damaged_adapter_and_says_why(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    adapter(tiny_bundle, tmp_path, "good")
    (adapter(tiny_bundle, tmp_path, "bad") / "metadata.json").write_text("{")
    (tmp_path / "empty").mkdir()
    bad, empty, good = list_adapters(tmp_path)
    assert "metadata.json cannot be read" in bad.problem
    assert bad.usable
    assert "no finished model" in empty.problem
    assert not empty.usable
    assert good.usable


def test_an_unknown_name_lists_those_there_are(tiny_bundle: Bundle, tmp_path: Path) -> None:
    adapter(tiny_bundle, tmp_path, "folk")
    with pytest.raises(BadInput, match=r"no adapter 'fork' .*There are: folk\."):
        show_adapter(tmp_path, "fork")


@pytest.mark.parametrize("name", ["../x", "", "best_model", "a/b", "con", ".hidden", "x" * 300])
def test_unfit_names_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="adapter name"):
        new_folder(tmp_path, name)
    with pytest.raises(BadInput, match="adapter name"):
        adapter_folder(tmp_path, name)


def test_a_taken_name_is_refused_whatever_its_case(tiny_bundle: Bundle, tmp_path: Path) -> None:
    adapter(tiny_bundle, tmp_path, "Folk")
    with pytest.raises(BadInput, match=r"'Folk' already\. [^-]*\(overwrite\)"):
        new_folder(tmp_path, "folk")


def test_a_taken_name_may_be_overwritten_but_not_an_unfit_one(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    folder = adapter(tiny_bundle, tmp_path, "Folk")
    assert new_folder(tmp_path, "folk", overwrite=True) == folder
    with pytest.raises(BadInput, match="adapter name"):
        new_folder(tmp_path, "../x", overwrite=True)


def test_the_best_model_is_played_else_the_final_one(tiny_bundle: Bundle, tmp_path: Path) -> None:
    folder = adapter(tiny_bundle, tmp_path, "a")
    written(tiny_bundle, folder / "final_model")
    assert playable(folder) == folder / "best_model"
    (folder / "best_model" / "adapter_model.safetensors").unlink()
    assert playable(folder) == folder / "final_model"


def test_delete_removes_all_of_it_and_nothing_else(tiny_bundle: Bundle, tmp_path: Path) -> None:
    adapter(tiny_bundle, tmp_path, "a")
    adapter(tiny_bundle, tmp_path, "b")
    delete_adapter(tmp_path, "a")
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_an_adapter_whose_replacement_was_cut_short_is_back(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    written(tiny_bundle, tmp_path / ".my blues.x1_y2z3a.old" / "best_model")
    assert [info.name for info in list_adapters(tmp_path)] == ["my blues"]
    (tmp_path / "my blues").rename(tmp_path / ".my blues.x1_y2z3a.old")
    assert show_adapter(tmp_path, "my blues").usable


def test_an_adapter_in_training_is_neither_deleted_nor_renamed(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    adapter(tiny_bundle, tmp_path, "a")
    with training_lock(tmp_path / "a"):
        with pytest.raises(BadInput, match="being trained"):
            delete_adapter(tmp_path, "a")
        with pytest.raises(BadInput, match="being trained"):
            rename_adapter(tmp_path, "a", "b")
    assert show_adapter(tmp_path, "a").usable


def test_rename_moves_it_and_tells_its_metadata(tiny_bundle: Bundle, tmp_path: Path) -> None:
    adapter(tiny_bundle, tmp_path, "a")
    folder = rename_adapter(tmp_path, "a", "b")
    metadata = read_metadata(folder)
    assert metadata is not None
    assert metadata.name == "b"
    assert [info.name for info in list_adapters(tmp_path)] == ["b"]
    assert rename_adapter(tmp_path, "b", "B").name == "B"


def test_rename_refuses_a_taken_name(tiny_bundle: Bundle, tmp_path: Path) -> None:
    adapter(tiny_bundle, tmp_path, "a")
    adapter(tiny_bundle, tmp_path, "b")
    with pytest.raises(BadInput, match="'b' already"):
        rename_adapter(tmp_path, "a", "b")


def test_metadata_survive_the_round_trip_and_take_changes(tmp_path: Path) -> None:
    before = AdapterMetadata(name="a", recipe={"rank": 4, "targets": ["q_proj"]}, rank=4)
    write_metadata(tmp_path, before)
    assert read_metadata(tmp_path) == before
    changed = update_metadata(tmp_path, {"effect": {"verdict": "closer"}})
    assert changed == before.model_copy(update={"effect": {"verdict": "closer"}})
    assert read_metadata(tmp_path) == changed


def test_unknown_metadata_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "metadata.json").write_text('{"name": "a", "colour": 3}')
    with pytest.raises(Incompatible, match="colour"):
        read_metadata(tmp_path)


def test_a_damaged_report_is_named(tmp_path: Path) -> None:
    assert read_report(tmp_path) is None
    (tmp_path / "report.json").write_text("no")
    with pytest.raises(Incompatible, match=r"report\.json is damaged"):
        read_report(tmp_path)
