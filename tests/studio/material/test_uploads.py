import io
from pathlib import Path

import pytest

from angen.errors import BadInput, Unknown
from angen.studio.material.uploads import (
    delete_upload,
    get_upload,
    list_uploads,
    save_upload,
    upload_path,
)
from angen.studio.settings import Settings
from tests.audio.odd import encoded
from tests.data.songs import RATE_HZ, write_song


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def song(tmp_path: Path) -> bytes:
    return write_song(tmp_path / "song.wav", 2).read_bytes()


def nothing_stays(settings: Settings) -> bool:
    return not settings.uploads.exists() or list(settings.uploads.iterdir()) == []


def test_an_upload_is_kept_byte_for_byte_and_described(settings: Settings, song: bytes) -> None:
    upload = save_upload(settings, "My song.WAV", io.BytesIO(song))
    assert (upload.name, upload.rate_hz, upload.channels) == ("My song.WAV", RATE_HZ, 1)
    assert upload.duration_s == pytest.approx(2)
    assert upload.size_bytes == len(song)
    assert upload_path(settings, upload).read_bytes() == song
    assert list_uploads(settings) == [upload]
    assert get_upload(settings, upload.id) == upload


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../../etc/evil.wav", "evil.wav"),
        ("C:\\music\\evil.wav", "evil.wav"),
        ("<script>alert(1)</script>.wav", "script>.wav"),
        ("歌曲.wav", "歌曲.wav"),
        ("a\nb\x00.wav", "a-b-.wav"),
        (".hidden.wav", ".hidden.wav"),
        ("x" * 5_000 + ".wav", "x" * 150 + ".wav"),
    ],
)
def test_any_name_gives_a_file_inside_its_own_folder(
    settings: Settings, song: bytes, name: str, shown: str
) -> None:
    upload = save_upload(settings, name, io.BytesIO(song))
    path = upload_path(settings, upload)
    assert upload.name == shown
    assert path.resolve().parent == (settings.uploads / upload.id).resolve()
    assert path.is_file()


def test_the_same_content_twice_is_told(settings: Settings, song: bytes) -> None:
    first = save_upload(settings, "a.wav", io.BytesIO(song))
    second = save_upload(settings, "b.wav", io.BytesIO(song))
    assert first.warnings == ()
    assert second.warnings == ("It has the same content as 'a.wav', which is here already.",)


def test_what_a_phone_recorded_is_kept(settings: Settings, tmp_path: Path) -> None:
    path = encoded(tmp_path / "Memo.m4a", "aac", "ipod")
    upload = save_upload(settings, path.name, io.BytesIO(path.read_bytes()))
    assert (upload.name, upload.channels, upload.warnings) == ("Memo.m4a", 2, ())
    assert upload.duration_s == pytest.approx(4, abs=0.1)


def test_a_recording_whose_end_is_missing_is_told(settings: Settings, song: bytes) -> None:
    upload = save_upload(settings, "cut.wav", io.BytesIO(song[: len(song) // 2]))
    assert upload.duration_s == pytest.approx(1, abs=0.1)
    assert "'cut.wav': the end of the file is missing" in upload.warnings[0]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("notes.txt", b"words", r"no recording that can be read. Bring one of: .*aif"),
        ("noise.wav", b"no sound at all", "noise.wav"),
        ("empty.wav", b"", "is empty"),
        ("noname", b"RIFF", "no recording"),
    ],
)
def test_what_is_no_recording_is_refused_and_leaves_nothing(
    settings: Settings, name: str, content: bytes, said: str
) -> None:
    with pytest.raises(BadInput, match=said) as caught:
        save_upload(settings, name, io.BytesIO(content))
    assert str(settings.home) not in str(caught.value)
    assert nothing_stays(settings)


def test_too_large_an_upload_is_cut_off(settings: Settings, song: bytes) -> None:
    class Endless(io.RawIOBase):
        read_bytes = 0

        def read(self, size: int = -1) -> bytes:
            self.read_bytes += size
            return b"x" * size

    stream = Endless()
    small = settings.model_copy(update={"max_upload_mb": 3})
    with pytest.raises(BadInput, match="larger than 3 MB"):
        save_upload(small, "endless.wav", stream)  # type: ignore[arg-type]
    assert stream.read_bytes <= 5 * 2**20
    assert nothing_stays(settings)


def test_so_many_uploads_and_no_more(settings: Settings, song: bytes) -> None:
    few = settings.model_copy(update={"max_uploads": 1})
    save_upload(few, "a.wav", io.BytesIO(song))
    with pytest.raises(BadInput, match="as many as are kept"):
        save_upload(few, "b.wav", io.BytesIO(song))


def test_a_broken_off_upload_leaves_nothing(settings: Settings) -> None:
    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        save_upload(settings, "half.wav", Broken())  # type: ignore[arg-type]
    assert nothing_stays(settings)


def test_what_is_deleted_is_gone(settings: Settings, song: bytes) -> None:
    upload = save_upload(settings, "a.wav", io.BytesIO(song))
    delete_upload(settings, upload.id)
    assert nothing_stays(settings)
    for ask in (get_upload, delete_upload):
        with pytest.raises(Unknown):
            ask(settings, upload.id)
