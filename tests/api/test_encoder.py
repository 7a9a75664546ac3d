"""The encoder's paths: what is listed, queued and refused, and which files are handed out."""

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from angen.fitting.config import FIT_RANGES
from angen.studio.settings import Settings
from tests.api.sounds import wav

BASE = "somebody/theirs"
CHECK = {
    "answer": "doubtful",
    "sentence": "With doubts.",
    "faults": ["<b>levels</b>"],
    "recordings": 2,
    "mel": 0.5,
    "key": None,
}


@pytest.fixture
def folder(settings: Settings) -> Path:
    """The folder of a base model without encoder: files that nobody loads."""
    folder = settings.bundles / "somebody--theirs"
    folder.mkdir(parents=True)
    for part in ("model", "decoder", "style"):
        (folder / f"{part}.json").write_text('{"block_size": 10}')
        (folder / f"{part}.safetensors").write_bytes(part.encode())
    return folder


@pytest.fixture
def upload(client: TestClient) -> str:
    answer = client.post("/api/uploads", files=[("files", ("one.wav", wav()))])
    identity: str = answer.json()["uploads"][0]["id"]
    return identity


@pytest.fixture
def work(client: TestClient, folder: Path, settings: Settings) -> Path:
    """Where the base with a fitted and checked encoder keeps what belongs to it."""
    (folder / "encoder.json").write_text('{"kind": "learned"}')
    (folder / "encoder.safetensors").write_bytes(b"encoder")
    work = settings.encoders / str(listed(client)["id"])
    (work / "check" / "sounds").mkdir(parents=True)
    (work / "check" / "check.json").write_text(json.dumps(CHECK))
    (work / "check" / "check.html").write_text("<script>alert(1)</script>")
    (work / "check" / "sounds" / "0_original.wav").write_bytes(wav())
    (work / "check" / "sounds" / "other.wav").write_bytes(wav())
    (work / "recipe.json").write_text("{}")
    (work / "published.zip").write_bytes(b"PK")
    return work


def listed(client: TestClient, base: str = BASE) -> dict[str, Any]:
    found = client.get("/api/encoder").json()["encoders"]
    (encoder,) = (encoder for encoder in found if encoder["base"] == base)
    return dict(encoder)


def test_a_base_without_encoder_is_listed_as_such(client: TestClient, folder: Path) -> None:
    assert listed(client, "mini")["encoder"] == "own"
    found = listed(client)
    assert found["id"].startswith("somebody--theirs-")
    assert (found["encoder"], found["fittable"]) == ("none", True)
    assert (found["fit"], found["check"], found["published"]) == (None, None, None)


def test_a_fit_under_way_is_listed_with_its_recipe(
    client: TestClient, folder: Path, settings: Settings
) -> None:
    work = settings.encoders / listed(client)["id"]
    (work / "songs_0_20").mkdir(parents=True)
    (work / "songs_0_20" / "000000.safetensors").write_bytes(b"song")
    recipe = {"steps": 7, "songs": 3, "seed": 0, "song_s": 20.0, "recordings": []}
    (work / "recipe.json").write_text(json.dumps(recipe))
    fit = listed(client)["fit"]
    assert (fit["step"], fit["steps"], fit["finished"]) == (0, 7, False)
    assert (fit["songs_made"], fit["songs"], fit["error"]) == (1, 3, None)
    assert fit["recipe"] == recipe


def test_a_fit_is_queued_with_every_default_told(
    client: TestClient, folder: Path, upload: str
) -> None:
    for path, kind in (("fit", "fit_encoder"), ("quote", "quote_encoder")):
        answer = client.post(f"/api/encoder/{path}", json={"base": BASE, "files": [upload]})
        assert answer.status_code == 202, answer.text
        job = answer.json()
        assert (job["kind"], job["lane"], job["state"]) == (kind, "model", "queued")
        assert (job["arguments"]["steps"], job["arguments"]["width"]) == (20_000, 384)
    again = client.post("/api/encoder/fit", json={"base": BASE, "files": [upload]})
    assert again.status_code == 409
    assert "is needed by 'Fit the encoder" in again.json()["detail"]


@pytest.mark.parametrize("field", FIT_RANGES)
def test_each_value_out_of_its_range_is_named(client: TestClient, field: str) -> None:
    low, high = FIT_RANGES[field]
    for value in (low - 1, high * 10, "1", None, True):
        answer = client.post("/api/encoder/fit", json={field: value, "files": ["x"]})
        assert answer.status_code == 422
        assert {fault["field"] for fault in answer.json()["errors"]} == {field}


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("fit", {"files": ["x"]}, 409, "mini"),
        ("fit", {"base": "no/such", "files": ["x"]}, 404, "no base model 'no/such'"),
        ("fit", {"base": BASE, "files": ["x"]}, 404, "no upload 'x'"),
        ("fit", {"base": BASE, "collection": "x"}, 404, "no metadata table 'x'"),
        ("fit", {"base": BASE}, 422, "Give recordings"),
        ("fit", {"base": BASE, "clip_frames": 15, "sound_weight": 0}, 422, "whole blocks of 10"),
        ("fit", {"pairs_weight": 0, "sound_weight": 0}, 422, "nothing would be learned"),
        ("fit", {"width": 17, "files": ["x"]}, 422, "width"),
        ("fit", {"files": ["../x"]}, 422, "files.0"),
        ("quote", {"base": BASE, "files": ["x"]}, 404, "no upload 'x'"),
        ("check", {"base": BASE, "files": ["x"]}, 409, "no encoder"),
        ("check", {"base": "mini"}, 422, "at least one recording"),
        ("check", {"base": "mini", "files": ["x"], "refine": -1}, 422, "refine"),
        ("publish", {"base": BASE}, 409, "no encoder"),
        ("publish", {"base": "mini"}, 409, "came with it"),
        ("publish", {"licence": "mit\nevil: yes"}, 422, "licence"),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_reason(
    client: TestClient, folder: Path, path: str, body: dict[str, Any], status: int, said: str
) -> None:
    answer = client.post(f"/api/encoder/{path}", json=body)
    assert answer.status_code == status, answer.text
    assert said in answer.json()["detail"]
    assert client.get("/api/jobs").json()["jobs"] == []


def test_training_of_a_base_without_encoder_points_here(client: TestClient, folder: Path) -> None:
    recipe = {"name": "a", "dataset": "d", "base": BASE}
    answer = client.post("/api/training/train-lora", json=recipe)
    assert answer.status_code == 409
    assert "/api/encoder/fit" in answer.json()["detail"]


def test_a_check_is_told_and_its_page_and_sounds_are_handed_out(
    client: TestClient, work: Path
) -> None:
    found = listed(client)
    assert found["encoder"] == "fitted"
    check = found["check"]
    assert (check["answer"], check["faults"]) == ("doubtful", ["<b>levels</b>"])
    assert check["figures"] == {"recordings": 2, "mel": 0.5, "key": None}
    page = client.get(check["page"])
    assert page.status_code == 200
    assert page.headers["content-security-policy"].startswith("sandbox")
    sound = check["page"].replace("check.html", "sounds/0_original.wav")
    assert client.get(sound).content == wav()
    assert client.get(sound, headers={"range": "bytes=0-3"}).content == b"RIFF"
    assert client.get(check["page"].replace(".html", ".json")).json() == CHECK


def test_no_other_file_is_handed_out(client: TestClient, work: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.wav").write_bytes(wav())
    (work / "check" / "sounds" / "1_original.wav").symlink_to(tmp_path / "secret.wav")
    here = f"/api/encoder/check/{work.name}"
    for file in (
        "..%2Frecipe.json",
        "../recipe.json",
        "sounds/other.wav",
        "sounds/1_original.wav",
        "sounds/..%2Fcheck.html",
        "sounds",
        "%2Fetc%2Fpasswd",
    ):
        assert client.get(f"{here}/{file}").status_code == 404, file
    for name in ("..", "%2e%2e%2f", "mini", "x"):
        assert client.get(f"/api/encoder/check/{name}/check.html").status_code == 404


def test_a_published_encoder_is_a_download(client: TestClient, work: Path) -> None:
    answer = client.get(listed(client)["published"])
    assert answer.content == b"PK"
    assert answer.headers["content-type"] == "application/zip"
    assert f'filename="{work.name}.zip"' in answer.headers["content-disposition"]
    (work / "published.zip").unlink()
    missing = client.get(f"/api/encoder/{work.name}/export")
    assert missing.status_code == 404
    assert "/api/encoder/publish" in missing.json()["detail"]
    assert listed(client)["published"] is None
