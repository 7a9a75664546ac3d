"""What should never happen, does: each path says what was wrong, and nothing is broken by it."""

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from angen.studio.settings import Settings
from tests.api.sounds import wav
from tests.studio.material.test_archives import damaged

SCRIPT = "<script>alert(1)</script>"
OUTSIDE = ("..%2F..%2Fetc%2Fpasswd", "%2e%2e", "..", "a%00b", "%ff", SCRIPT.replace("/", "%2F"))
JSON_PATHS = (
    ("POST", "/api/training/analyze-audio", "files"),
    ("POST", "/api/training/split-audio", "files"),
    ("POST", "/api/training/separate-stems", "files"),
    ("POST", "/api/training/prepare-dataset", "held_out"),
    ("POST", "/api/training/quote", "epochs"),
    ("POST", "/api/training/train-lora", "epochs"),
    ("POST", "/api/training/resume-training", "name"),
    ("POST", "/api/training/stop-training", "job"),
    ("POST", "/api/training/collections/abc/fill", "rows"),
    ("PATCH", "/api/training/collections/abc/rows", "rows"),
    ("PATCH", "/api/training/datasets/abc", "clips"),
    ("PATCH", "/api/training/lora-adapters/abc", "name"),
    ("POST", "/api/training/lora-adapters/abc/report", "songs"),
    ("POST", "/api/training/lora-adapters/merge", "adapters"),
    ("POST", "/api/songs", "prompt"),
    ("POST", "/api/songs/compare", "prompt"),
    ("POST", "/api/models/fetch", "name"),
    ("POST", "/api/encoder/quote", "steps"),
    ("POST", "/api/encoder/fit", "files"),
    ("POST", "/api/encoder/check", "refine"),
    ("POST", "/api/encoder/publish", "licence"),
    ("POST", "/api/jobs/abc/move", "before"),
)
NAMED_PATHS = (
    ("GET", "/api/uploads/{}"),
    ("GET", "/api/uploads/{}/audio"),
    ("DELETE", "/api/uploads/{}"),
    ("GET", "/api/training/collections/{}"),
    ("DELETE", "/api/training/collections/{}"),
    ("GET", "/api/training/collections/{}/rows/r/audio"),
    ("GET", "/api/training/datasets/{}"),
    ("DELETE", "/api/training/datasets/{}"),
    ("GET", "/api/training/datasets/{}/export"),
    ("GET", "/api/training/datasets/d/clips/{}/audio"),
    ("GET", "/api/training/lora-adapters/{}"),
    ("DELETE", "/api/training/lora-adapters/{}"),
    ("GET", "/api/training/lora-adapters/{}/export"),
    ("GET", "/api/training/lora-adapters/{}/report"),
    ("GET", "/api/training/lora-adapters/a/files/{}"),
    ("GET", "/api/encoder/check/{}/check.html"),
    ("GET", "/api/encoder/check/e/{}"),
    ("GET", "/api/encoder/{}/export"),
    ("GET", "/api/songs/{}"),
    ("GET", "/api/songs/{}/audio"),
    ("DELETE", "/api/songs/{}"),
    ("GET", "/api/jobs/{}"),
    ("DELETE", "/api/jobs/{}"),
    ("GET", "/api/jobs/{}/events"),
    ("GET", "/api/jobs/{}/audio"),
    ("POST", "/api/jobs/{}/cancel"),
    ("POST", "/api/jobs/{}/retry"),
)


def _problem(answer: Any, *statuses: int) -> dict[str, Any]:
    """The problem that an answer tells; every one of them has this shape."""
    assert answer.status_code in statuses, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert set(told) == {"type", "title", "status", "detail", "instance", "errors"}
    assert told["status"] == answer.status_code
    assert told["detail"]
    assert "Traceback" not in answer.text
    return told


@pytest.mark.parametrize(("verb", "path", "field"), JSON_PATHS)
def test_wrong_types_and_unknown_fields_are_named(
    client: TestClient, verb: str, path: str, field: str
) -> None:
    wrongs: tuple[Any, ...] = ({"no": "such"}, True, [[[]]])
    for wrong in wrongs:
        told = _problem(client.request(verb, path, json={field: wrong}), 422)
        assert any(fault["field"].startswith(field) for fault in told["errors"])
    told = _problem(client.request(verb, path, json={"no_such_field": 1}), 422)
    assert {"field": "no_such_field", "message": "There is no such field"} in told["errors"]


@pytest.mark.parametrize(("verb", "path", "field"), JSON_PATHS)
def test_bodies_that_are_no_json_are_refused(
    client: TestClient, verb: str, path: str, field: str
) -> None:
    headers = {"content-type": "application/json"}
    deep = b"[" * 100_000
    for body in (b"{", b"\xff\xfe", b"[]", b'"x"', b"null", b"12", b"NaN", deep):
        if body == b"null" and path.endswith("stop-training"):
            continue  # its body may be left out
        _problem(client.request(verb, path, content=body, headers=headers), 422)
    huge = json.dumps({field: "x" * (5 * 2**20)}).encode()
    _problem(client.request(verb, path, content=huge, headers=headers), 413)
    _problem(client.request(verb, path, content=b"x", headers={"content-type": "text/xml"}), 415)


@pytest.mark.parametrize(("verb", "path"), NAMED_PATHS)
def test_names_that_lead_elsewhere_find_nothing(client: TestClient, verb: str, path: str) -> None:
    for name in (*OUTSIDE, "x" * 3_000, "音乐", "con"):
        answer = client.request(verb, path.format(name))
        _problem(answer, 404, 405, 422)
        assert "root:" not in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/api/jobs?limit=0",
        "/api/jobs?limit=100000",
        "/api/jobs?state=sleeping",
        "/api/jobs?before=x",
        "/api/songs?limit=-1",
        "/api/jobs/abc/events?after=-1",
        "/api/training/compare-lora-adapters",
    ],
)
def test_parameters_out_of_range_are_named(client: TestClient, path: str) -> None:
    told = _problem(client.get(path), 422)
    assert told["errors"][0]["field"]


def test_values_out_of_range_are_told_all_at_once(client: TestClient) -> None:
    recipe = {"name": "a", "dataset": "d", "epochs": 0, "learning_rate": 1, "rank": 3.5}
    told = _problem(client.post("/api/training/train-lora", json=recipe), 422)
    assert {fault["field"] for fault in told["errors"]} == {"epochs", "learning_rate", "rank"}
    assert "less than or equal to" in told["detail"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "-Infinity"])
def test_numbers_that_are_none_are_refused(client: TestClient, number: str) -> None:
    body = f'{{"prompt": "x", "guidance": {number}}}'.encode()
    answer = client.post("/api/songs", content=body, headers={"content-type": "application/json"})
    assert _problem(answer, 422)["errors"][0]["field"] == "guidance"


def test_half_a_letter_is_refused_or_kept_as_text(client: TestClient) -> None:
    body = b'{"prompt": "half \\ud800 a letter"}'
    answer = client.post("/api/songs", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (202, 422)
    answer.json()


def test_whole_numbers_may_be_written_with_a_point(client: TestClient) -> None:
    answer = client.post("/api/songs", json={"prompt": "x", "steps": 15.0, "duration_s": 5})
    assert answer.status_code == 202
    assert answer.json()["arguments"]["steps"] == 15


@pytest.mark.parametrize(
    ("verb", "path"), [("GET", "/api/no/such"), ("POST", "/api/health"), ("PUT", "/api/jobs")]
)
def test_paths_and_verbs_that_do_not_exist_are_told_so(
    client: TestClient, verb: str, path: str
) -> None:
    answer = client.request(verb, path)
    _problem(answer, 404 if "no" in path else 405)
    assert answer.status_code == 404 or "GET" in answer.headers["allow"]


# uploads


def _upload(client: TestClient, *files: tuple[str, bytes]) -> Any:
    return client.post("/api/uploads", files=[("files", file) for file in files])


def test_upload_takes_the_good_and_names_the_bad(client: TestClient) -> None:
    answer = _upload(client, ("a.wav", wav()), ("b.exe", b"MZ"), ("c.wav", b"no sound"))
    assert answer.status_code == 201
    assert [upload["name"] for upload in answer.json()["uploads"]] == ["a.wav"]
    assert [refused["name"] for refused in answer.json()["refused"]] == ["b.exe", "c.wav"]


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.wav", "..\\x.wav", f"{SCRIPT}.wav", "音乐.wav", "x" * 500 + ".wav"]
)
def test_names_of_uploads_are_text_and_never_paths(
    client: TestClient, settings: Settings, name: str
) -> None:
    answer = _upload(client, (name, wav()))
    assert answer.status_code == 201
    upload = answer.json()["uploads"][0]
    assert "/" not in upload["name"]
    files = list(settings.home.rglob("*.wav"))
    assert len(files) == 1
    assert files[0].is_relative_to(settings.uploads / upload["id"])
    played = client.get(f"/api/uploads/{upload['id']}/audio")
    assert played.headers["content-type"] == "audio/wav"
    assert played.headers["x-content-type-options"] == "nosniff"
    assert played.content == wav()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # Starlette's file
def test_half_an_upload_leaves_nothing(client: TestClient, settings: Settings) -> None:
    def half() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.wav"\r\n\r\n'
        yield wav()[:1000]

    headers = {"content-type": "multipart/form-data; boundary=b"}
    answer = client.post("/api/uploads", content=half(), headers=headers)
    _problem(answer, 422)
    assert client.get("/api/uploads").json() == {"uploads": []}
    assert not any(path.is_file() for path in settings.user_uploads.rglob("*"))


def test_same_upload_twice_is_said(client: TestClient) -> None:
    _upload(client, ("a.wav", wav()))
    again = _upload(client, ("b.wav", wav())).json()["uploads"][0]
    assert "a.wav" in again["warnings"][0]


@pytest.mark.parametrize("path", ["datasets", "lora-adapters"])
def test_archives_that_are_none_are_refused(client: TestClient, path: str) -> None:
    answer = client.post(
        f"/api/training/{path}/import", files={"file": ("a.zip", b"PK no archive")}
    )
    assert "no .zip archive" in _problem(answer, 422)["detail"]


@pytest.mark.parametrize("path", ["datasets", "lora-adapters"])
@pytest.mark.parametrize("kind", ["many disks", "zip64 elsewhere", "list too long", "cut"])
def test_damaged_archives_are_refused_at_once(client: TestClient, path: str, kind: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("dataset_info.json", "{}")
    bad = damaged(packed.getvalue(), kind)
    answer = client.post(f"/api/training/{path}/import", files={"file": ("a.zip", bad)})
    assert "'a.zip' is no .zip archive that can be read" in _problem(answer, 422)["detail"]


def test_archive_waits_in_the_home_under_a_name_of_ours(
    client: TestClient, settings: Settings
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../../evil", "x")
    answer = client.post(
        "/api/training/lora-adapters/import",
        files={"file": ("../../evil.zip", packed.getvalue())},
        data={"name": "mine"},
    )
    assert answer.status_code == 202  # what is in it is looked at by a worker
    assert answer.json()["arguments"]["called"] == "evil.zip"  # for messages alone
    waiting = [path for path in settings.home.rglob("*") if path.suffix == ".zip"]
    assert [path.parent for path in waiting] == [settings.incoming]


def test_weights_by_themselves_are_an_adapter_and_no_dataset(client: TestClient) -> None:
    data = (2).to_bytes(8, "little") + b"{}"
    for path, statuses in (("lora-adapters", (202,)), ("datasets", (422,))):
        answer = client.post(
            f"/api/training/{path}/import", files={"file": ("one.safetensors", data)}
        )
        assert answer.status_code in statuses


def test_script_in_a_prompt_stays_text(client: TestClient) -> None:
    answer = client.post("/api/songs", json={"prompt": SCRIPT, "lyrics": SCRIPT})
    assert answer.status_code == 202
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["arguments"]["prompt"] == SCRIPT


def test_second_click_does_not_train_twice(client: TestClient, desk: Any) -> None:
    desk.store.add("train", {"name": "Blues"}, lane="model", title="Train Blues")
    desk.settings.loras.mkdir(parents=True)
    recipe = {"name": "blues", "dataset": "d"}
    told = _problem(client.post("/api/training/train-lora", json=recipe), 404, 409)
    assert told["detail"]


def test_faults_do_not_tell_where_the_home_is(client: TestClient, settings: Settings) -> None:
    for path in ("datasets", "lora-adapters"):
        assert str(settings.home) not in client.get(f"/api/training/{path}/nope").text
