"""A curl command for each path, for the description of the API.

They can be pasted as they stand; what is named in them has to be there, or the answer is 404.
"""

import json
from typing import Any

ADDRESS = "http://127.0.0.1:7860"
_NAMES = {"dataset": "my_songs", "adapter": "my_jazz_lora_v1"}
_PARAMETERS = {
    "upload": "3f9a4c1b2d7e8f60",
    "collection": "9c41d2e07ab5",
    "row": "clip001",
    "job": "jkhzuau93gvsvghb",
    "song": "jazz-1",
    "file": "report.html",
    "encoder": "ASLP-lab--DiffRhythm2-3f9a4c1b2d7e",
}
_SONG = {"prompt": "smooth jazz, calm, piano, 90 BPM", "duration_s": 20, "seed": 7}
_USE = {"name": _NAMES["adapter"], "strength": 0.8}
_TRAINING = {"name": _NAMES["adapter"], "dataset": _NAMES["dataset"], "epochs": 10}
_UPLOADS = {"files": [_PARAMETERS["upload"]]}
_FIT = {"base": "ASLP-lab/DiffRhythm2"} | _UPLOADS
_BODIES: dict[str, dict[str, Any]] = {
    "/api/training/analyze-audio": _UPLOADS | {"auto_split": True},
    "/api/training/split-audio": _UPLOADS | {"min_s": 10, "max_s": 30},
    "/api/training/separate-stems": _UPLOADS,
    "/api/training/prepare-dataset": {
        "collection": _PARAMETERS["collection"],
        "name": _NAMES["dataset"],
    },
    "/api/training/quote": _TRAINING,
    "/api/training/train-lora": _TRAINING,
    "/api/training/resume-training": {"name": _NAMES["adapter"]},
    "/api/training/stop-training": {"job": _PARAMETERS["job"]},
    "/api/training/collections/{collection}/rows": {"rows": {"clip001": {"genre": "jazz"}}},
    "/api/training/collections/{collection}/fill": {"rows": []},
    "/api/training/datasets/{name}": {"clips": {"clips/jazz_clip001.wav": {"genre": "jazz"}}},
    "/api/training/lora-adapters/{name}": {"name": "my_jazz_lora_v2"},
    "/api/training/lora-adapters/{name}/report": {"songs": 16},
    "/api/training/lora-adapters/merge": {"name": "both", "adapters": [_USE, {"name": "rock"}]},
    "/api/songs": _SONG | {"adapters": [_USE]},
    "/api/songs/compare": _SONG | {"adapters": [_USE]},
    "/api/jobs/{job}/move": {"before": None},
    "/api/encoder/quote": _FIT,
    "/api/encoder/fit": _FIT | {"steps": 20_000},
    "/api/encoder/check": _FIT,
    "/api/encoder/publish": {"base": "ASLP-lab/DiffRhythm2", "licence": "apache-2.0"},
    "/api/models/fetch": {"name": "ASLP-lab/DiffRhythm2", "accept_licence": True},
}
_FILES = {
    "/api/uploads": "files=@one.wav -F files=@two.wav",
    "/api/training/datasets/import": "file=@my_songs.zip",
    "/api/training/lora-adapters/import": "file=@my_jazz_lora_v1.zip",
}


def curl(verb: str, path: str) -> str:
    """The command that calls ``path``, as it stands in the description, with ``verb``."""
    parts = ["curl -fsS"]
    if verb == "POST" and path in _FILES:
        parts.append(f"-F {_FILES[path]}")
    elif verb in ("POST", "PATCH") and path in _BODIES:
        given = "" if verb == "POST" else f"-X {verb} "
        body = json.dumps(_BODIES[path])
        parts.append(f"{given}-H 'Content-Type: application/json' -d '{body}'")
    elif verb != "GET":
        parts.append(f"-X {verb}")
    elif path.endswith("/events"):
        parts.append("-N -H 'Accept: text/event-stream'")
    elif path.endswith(("/audio", "/export")):
        parts.append("-o " + ("sound.wav" if path.endswith("/audio") else "archive.zip"))
    return " ".join([*parts, f"{ADDRESS}{_filled(path)}"])


def _filled(path: str) -> str:
    """``path`` with names in place of its parameters."""
    name = _NAMES["dataset"] if "/datasets/" in path else _NAMES["adapter"]
    values = _PARAMETERS | {"name": name}
    if "/clips/" in path:
        values["file"] = "jazz_clip001.wav"
    elif "/check/" in path:
        values["file"] = "check.html"
    for parameter, value in values.items():
        path = path.replace(f"{{{parameter}}}", value)
    if path.endswith("/compare-lora-adapters"):
        path += f"?name={_NAMES['adapter']}"
    return path
