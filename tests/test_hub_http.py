"""Fetching over HTTP, from a hub on this machine."""

from pathlib import Path

import pytest

from angen.errors import BadInput, MissingWeights
from angen.hub import HuggingFace, fetch, fetch_files, fetched
from angen.parts import RELEASED
from tests.hub_server import NEWEST, LocalHub
from tests.tiny import write_tiny_bundle

LARGE = 12 << 20  # more than is received at once: the rest can be asked for


def silent(done: int, total: int) -> None:
    """Progress that nobody watches."""


def always(name: str) -> bool:
    return True


def test_a_bundle_arrives_whole_and_says_its_revision(tmp_path: Path) -> None:
    remote = write_tiny_bundle(tmp_path / "remote" / RELEASED, encoder=False)
    with LocalHub(tmp_path / "remote") as hub:
        place = fetch(RELEASED, tmp_path / "models", silent, hub=HuggingFace(hub.url))
    (found,) = fetched(tmp_path / "models")
    assert found.revision == NEWEST
    for path in remote.iterdir():
        assert (place / path.name).read_bytes() == path.read_bytes()


def large_file(remote: Path) -> Path:
    path = remote / "owner" / "name" / "weights.safetensors"
    path.parent.mkdir(parents=True)
    path.write_bytes(bytes(range(256)) * (LARGE // 256))
    return path


def test_a_connection_that_breaks_is_taken_up_where_it_broke(tmp_path: Path) -> None:
    source = large_file(tmp_path / "remote")
    with LocalHub(tmp_path / "remote") as hub:
        hub.cut = LARGE - 1_000
        mirror = HuggingFace(hub.url)
        (got,) = fetch_files("owner/name", tmp_path / "here", always, silent, hub=mirror)
    assert got.read_bytes() == source.read_bytes()
    (rest,) = [asked for asked in hub.asked if "bytes=" in asked]
    assert int(rest.rpartition("=")[2].rstrip("-")) > LARGE // 2


def test_half_a_file_is_no_file_and_whole_ones_are_kept(tmp_path: Path) -> None:
    source = large_file(tmp_path / "remote")
    first = source.with_name("config.json")
    first.write_text("{}")
    with LocalHub(tmp_path / "remote") as hub:
        hub.cut, hub.gone, mirror = LARGE - 1_000, True, HuggingFace(hub.url)
        with pytest.raises(MissingWeights, match="that came whole are kept"):
            fetch_files("owner/name", tmp_path / "here", always, silent, hub=mirror)
        assert (tmp_path / "here" / first.name).exists()
        assert not (tmp_path / "here" / source.name).exists()
        hub.mend()
        before = len(hub.asked)
        fetch_files("owner/name", tmp_path / "here", always, silent, hub=mirror)
    assert (tmp_path / "here" / source.name).read_bytes() == source.read_bytes()
    assert not any(first.name in asked for asked in hub.asked[before:])


def test_a_damaged_file_is_refused_and_fetched_anew(tmp_path: Path) -> None:
    write_tiny_bundle(tmp_path / "remote" / RELEASED, encoder=False)
    with LocalHub(tmp_path / "remote") as hub:
        hub.damaged, mirror = "model.safetensors", HuggingFace(hub.url)
        with pytest.raises(MissingWeights, match=r"model\.safetensors .* arrived damaged"):
            fetch(RELEASED, tmp_path / "models", silent, hub=mirror)
        assert not fetched(tmp_path / "models")
        hub.mend()
        fetch(RELEASED, tmp_path / "models", silent, hub=mirror)
    assert fetched(tmp_path / "models")


def test_what_the_hub_does_not_have_is_named(tmp_path: Path) -> None:
    (tmp_path / "remote").mkdir()
    with (
        LocalHub(tmp_path / "remote") as hub,
        pytest.raises(BadInput, match="The hub has no owner/none"),
    ):
        fetch("owner/none", tmp_path / "models", silent, hub=HuggingFace(hub.url))
