"""Files out: only those of the home, by ranges, and nothing in them runs."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from angen.api.files import inside
from angen.errors import Unknown
from angen.studio.desk import Desk
from tests.api.sounds import wav


def test_file_outside_of_the_home_is_not_there(tmp_path: Path) -> None:
    home, secret = tmp_path / "home", tmp_path / "secret.wav"
    home.mkdir()
    secret.write_bytes(b"x")
    (home / "link.wav").symlink_to(secret)
    (home / "own.wav").write_bytes(b"x")
    (home / "folder.wav").mkdir()
    assert inside(home, home / "own.wav") == home / "own.wav"
    for path in ("link.wav", "../secret.wav", "folder.wav", "none.wav"):
        with pytest.raises(Unknown):
            inside(home, home / path)


def test_home_may_itself_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.wav").write_bytes(b"x")
    (tmp_path / "home").symlink_to(tmp_path / "real")
    assert inside(tmp_path / "home", tmp_path / "home" / "a.wav").read_bytes() == b"x"


@pytest.fixture
def song(desk: Desk) -> bytes:
    """A song in the history, called ``jazz-1``."""
    desk.settings.outputs.mkdir(parents=True)
    (desk.settings.outputs / "jazz-1.wav").write_bytes(wav())
    return wav()


def test_song_is_played_by_ranges(client: TestClient, song: bytes) -> None:
    path = "/api/songs/jazz-1/audio"
    whole = client.get(path)
    assert whole.content == song
    assert whole.headers["accept-ranges"] == "bytes"
    assert whole.headers["content-type"] == "audio/wav"
    part = client.get(path, headers={"range": "bytes=10-19"})
    assert part.status_code == 206
    assert part.content == song[10:20]
    assert part.headers["content-range"] == f"bytes 10-19/{len(song)}"
    assert client.get(path, headers={"range": "bytes=-5"}).content == song[-5:]


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=5-2", "bytes=abc", "bytes="])
def test_range_that_is_none_is_told_as_a_problem(
    client: TestClient, song: bytes, asked: str
) -> None:
    answer = client.get("/api/songs/jazz-1/audio", headers={"range": asked})
    assert answer.status_code == 416
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["content-range"] == f"bytes */{len(song)}"
    assert "content-disposition" not in answer.headers
    told = answer.json()
    assert told["status"] == 416
    assert told["instance"] == "/api/songs/jazz-1/audio"
    assert f"{len(song)} bytes" in told["detail"]


@pytest.mark.parametrize("asked", ["seconds=1-2", "x", ""])
def test_range_in_a_unit_that_is_not_known_is_passed_over(
    client: TestClient, song: bytes, asked: str
) -> None:
    answer = client.get("/api/songs/jazz-1/audio", headers={"range": asked})
    assert answer.status_code == 200
    assert answer.content == song


def test_song_is_downloaded_under_its_name(client: TestClient, song: bytes) -> None:
    shown = client.get("/api/songs/jazz-1/audio").headers["content-disposition"]
    saved = client.get("/api/songs/jazz-1/audio?download=true").headers["content-disposition"]
    assert shown == 'inline; filename="jazz-1.wav"'
    assert saved == 'attachment; filename="jazz-1.wav"'


def test_song_is_listed_shown_and_deleted(client: TestClient, song: bytes) -> None:
    listed = client.get("/api/songs").json()["songs"]
    assert [item["id"] for item in listed] == ["jazz-1"]
    assert client.get("/api/songs/jazz-1").json() == listed[0]
    assert client.delete("/api/songs/jazz-1").status_code == 204
    assert client.get("/api/songs/jazz-1").status_code == 404
    assert client.get("/api/songs").json() == {"songs": []}


def test_song_of_a_chinese_name_is_found(client: TestClient, desk: Desk, song: bytes) -> None:
    (desk.settings.outputs / "jazz-1.wav").rename(desk.settings.outputs / "爵士乐 1.wav")
    assert client.get("/api/songs/爵士乐 1/audio").content == song
    saved = client.get("/api/songs/爵士乐 1/audio?download=true").headers["content-disposition"]
    assert saved.startswith("attachment; filename*=utf-8''%E7%88%B5")


def test_report_shows_its_media_and_runs_nothing(client: TestClient, desk: Desk) -> None:
    folder = desk.settings.loras / "mine"
    (folder / "report").mkdir(parents=True)
    (folder / "report.html").write_text("<script>alert(1)</script>")
    (folder / "report.json").write_text('{"verdict": "none"}')
    (folder / "report" / "00-0.wav").write_bytes(wav())
    base = "/api/training/lora-adapters/mine"
    page = client.get(f"{base}/files/report.html")
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "allow-scripts" not in policy
    assert "script-src" not in policy
    assert client.get(f"{base}/files/report/00-0.wav").content == wav()
    assert client.get(f"{base}/files/metadata.json").status_code == 404
    assert client.get(f"{base}/files/report/../metadata.json").status_code == 404
    assert client.get(f"{base}/files/report/%2e%2e/metadata.json").status_code == 404
