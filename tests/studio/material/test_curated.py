from pathlib import Path

from angen.data.prepare import PrepareConfig, prepare
from angen.studio.material.curated import curated_sets
from angen.studio.settings import Settings
from tests.data.songs import write_song


def test_what_is_not_here_is_said_plainly(tmp_path: Path) -> None:
    found = curated_sets(Settings(home=tmp_path))
    assert [(each.title, each.kind) for each in found] == [
        ("OpenSinger", "vocal"),
        ("M4Singer", "vocal"),
        ("CC Mixter", "vocal"),
        ("Lakh MIDI", "symbolic"),
        ("Mutopia", "symbolic"),
    ]
    for each in found:
        assert (each.here, each.dataset, each.clips) == (False, None, 0)
        assert each.status.startswith("Not on this machine. Downloading it is not built yet")
        assert each.licence


def test_a_set_that_is_here_can_be_trained_on(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    songs = [write_song(tmp_path / "songs" / f"{n}.wav", 12, seed=n) for n in range(2)]
    prepare(songs, "vocal_opensinger", settings.datasets, PrepareConfig(), lambda done, total: None)
    (settings.datasets / "symbolic_lakh").mkdir()
    opensinger, *_, lakh, _ = curated_sets(settings)
    assert (opensinger.here, opensinger.dataset, opensinger.clips) == (True, "vocal_opensinger", 2)
    assert "Train on 'vocal_opensinger'" in opensinger.status
    assert not lakh.here
    assert "cannot be used" in lakh.status
