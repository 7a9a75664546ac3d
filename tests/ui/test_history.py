import pytest

from angen.audio.files import write_wav
from angen.errors import BadInput
from angen.studio.desk import Desk
from angen.studio.requests.songs import SongRequest
from angen.studio.settings import Settings
from angen.ui.history import NAMED, draw_history, repeat_song
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
    assert "seed 5" in page
    assert "<script" not in page


def test_it_is_asked_by_its_words_whether_a_song_shall_go(desk: Desk, settings: Settings) -> None:
    add_song(settings, "94-BPM_543057853", "94 BPM, chiptune", seed=543)
    add_song(settings, "long_1", "x" * 500, seed=1)
    page = str(draw_history(desk.songs()))

    assert 'data-confirm="Delete the song “94 BPM, chiptune” (0:00, seed 543)?"' in page
    assert f"Delete the song “{'x' * NAMED}…” (" in page


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
