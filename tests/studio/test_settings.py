from pathlib import Path

import pytest

from angen.errors import BadInput
from angen.jobs.store import Store
from angen.studio.settings import read_settings


def test_settings_have_defaults_without_an_environment() -> None:
    settings = read_settings({})
    assert settings.home == Path.home() / "angen"
    assert (settings.device, settings.base, settings.threads) == ("auto", "mini", None)


def test_settings_come_from_the_environment(tmp_path: Path) -> None:
    settings = read_settings(
        {"ANGEN_HOME": str(tmp_path), "ANGEN_DEVICE": "cuda:1", "ANGEN_THREADS": "3", "PATH": "x"}
    )
    assert settings.home == tmp_path
    assert settings.device == "cuda:1"
    assert settings.threads == 3


def test_arguments_go_before_the_environment(tmp_path: Path) -> None:
    settings = read_settings({"ANGEN_HOME": "/elsewhere", "ANGEN_BASE": "a/b"}, home=tmp_path)
    assert settings.home == tmp_path
    assert settings.base == "a/b"


def test_an_empty_variable_counts_as_unset() -> None:
    assert read_settings({"ANGEN_DEVICE": ""}).device == "auto"


def test_folders_lie_where_the_design_says(tmp_path: Path) -> None:
    settings = read_settings({}, home=tmp_path)
    assert settings.loras == tmp_path / "models/loras"
    assert settings.datasets == tmp_path / "training_data"
    assert settings.clips == tmp_path / "training_data/user_uploads/clips"
    assert settings.stems == tmp_path / "training_data/user_uploads/stems"
    assert settings.outputs == tmp_path / "outputs"


def test_the_queue_lies_in_the_home_whatever_its_name(tmp_path: Path) -> None:
    home = tmp_path / "why? #1 100% 音 %41"
    with Store(read_settings({}, home=home).database):
        assert (home / "jobs.db").is_file()
    assert list(tmp_path.iterdir()) == [home]


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"ANGEN_DEVICE": "gpu"}, "device='gpu'"),
        ({"ANGEN_THREADS": "0"}, "threads='0'"),
        ({"ANGEN_DEVISE": "cpu"}, "ANGEN_DEVISE is no setting; known are ANGEN_HOME"),
    ],
)
def test_a_setting_that_cannot_be_is_named(environ: dict[str, str], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        read_settings(environ)
