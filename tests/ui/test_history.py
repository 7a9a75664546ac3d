import pytest

from angen.audio.files import write_wav
from angen.errors import BadInput
from angen.studio.desk import Desk
from angen.studio.requests.songs import SongRequest
from angen.studio.settings import Settings
from angen.ui.history import draw_history, repeat_song
from tests.ui.house import EVIL, RATE_HZ, add_song, tone


def test_no_songs_yet() -> None:
    assert "No songs yet" in draw_history([])


def test_each_song_can_be_heard_repeated_fetched_and_deleted(
    desk: Desk, settings: Settings
) -> None:
    add_song(settings, "one", EVIL, seed=5)
    page = str(draw_history(desk.songs()))

    assert '<angen-play src="api/songs/one/audio"' in page
    assert 'download="one.wav"' in page
    assert {f'data-action="{action}"' in page for action in ("repeat", "delete", "show")} == {True}
    assert "data-confirm=" in page
    assert "seed 5" in page
    assert "<script" not in page


def test_a_foreign_file_cannot_be_repeated(desk: Desk, settings: Settings) -> None:
    settings.outputs.mkdir(parents=True)
    write_wav(settings.outputs / "foreign.wav", tone(), RATE_HZ)

    assert 'data-action="repeat"' not in draw_history(desk.songs())
    with pytest.raises(BadInput, match="holds no request"):
        repeat_song(desk, "foreign")


def test_repeating_fills_the_form(desk: Desk, settings: Settings) -> None:
    add_song(settings, "one", "calm jazz", seed=5, guidance=2.5)
    values = repeat_song(desk, "one")

    assert values[0] == "calm jazz"
    assert values[4:8] == [False, 5, SongRequest(prompt="x").steps, 2.5]
