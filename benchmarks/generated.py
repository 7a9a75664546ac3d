"""Requests to a server, generated from its OpenAPI description: good, at their bounds, hostile."""

import json
import random
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tests.api.sounds import wav

PAGES = 0.08  # share of requests for the page's own paths
REACHING = 0.95  # of the places for a name: one of what is there
# fmt: off
TEXTS = (
    "", " ", "\0", "a\0b", "../../outside/secret.txt", "..%2f..%2foutside%2fsecret.txt", "\ud800",
    "/etc/hostname", "x" * 5_000, "con", "C:\\x", "e\u0301音\u202e", "<script>", "' OR 1=1;--",
    "-1", "{{7*7}}", "%s%n", "null", "\r\nX: y", "NaN", "..", ".making", "f" * 32,
)
NUMBERS = (
    0, -1, 1, 2, 0.5, 2**31, 2**63, 2**64, -(2**63) - 1, 1e308, 1e-320, float("nan"),
    float("inf"), True,
)
OTHERS: tuple[object, ...] = (
    None, [], {}, [[[[]]]], {"": None}, "text", 7, False,
)
HEADERS = (
    ("Origin", "http://[::1"), ("Origin", "null"), ("Host", "evil.example"), ("Host", "[::1"),
    ("Range", "bytes=5-2"), ("Range", "bytes=-" + "9" * 30), ("Range", "bytes=0-0,2-3,0-9999999"),
    ("Range", "potatoes=1"), ("Last-Event-ID", "-1"), ("Last-Event-ID", "9" * 40),
    ("Cookie", "a=\x01"), ("Last-Event-ID", "x"), ("If-None-Match", '"'), ("If-None-Match", "*"),
    ("If-Range", "\xff"), ("If-Modified-Since", "yesterday"), ("Content-Encoding", "gzip"),
    ("Accept", "\xe9" * 300), ("X-Forwarded-For", "'" * 900), ("Authorization", "Basic !!"),
    ("Authorization", "Bearer \xff"), ("Expect", "100-continue"), ("Upgrade", "websocket"),
    ("Accept-Encoding", "gzip;q=nan"),
)
KINDS = (
    "text/xml", "application/json; charset=utf-7", "multipart/form-data", "", "\xff",
    "multipart/form-data; boundary=", "application/x-www-form-urlencoded",
)
PAGE = (
    "GET /gradio_api/file={}", "HEAD /gradio_api/file={}", "GET /file={}",
    "GET /gradio_api/file/{}", "GET /gradio_api/proxy=http://{}", "GET /gradio_api/proxy={}",
    "GET /static/{}", "GET /assets/{}", "GET /svelte/{}", "GET /{}", "GET /theme.css",
    "GET /config", "GET /gradio_api/info", "GET /favicon.ico",
    "GET /gradio_api/stream/{}/x/y/playlist.m3u8", "GET /gradio_api/stream/{}/1/2/3.ts",
    "GET /gradio_api/stream/{}/1/2/playlist-file", "POST /gradio_api/stream/{}",
    "GET /pwa_icon/{}", "POST /gradio_api/stream/{}/close",
    "GET /gradio_api/upload_progress?upload_id={}", "POST /login",
    "GET /gradio_api/custom_component/{}/x/y/z", "GET /gradio_api/deep_link?session_hash={}",
    "POST /gradio_api/reset", "POST /gradio_api/run/{}", "POST /gradio_api/api/{}",
    "GET /monitoring/{}", "POST /gradio_api/call/{}", "POST /gradio_api/call/v2/{}",
    "GET /gradio_api/call/{}/x", "POST /gradio_api/queue/join", "POST /gradio_api/queue/join?{}",
    "POST /gradio_api/cancel", "POST /gradio_api/component_server", "POST /gradio_api/upload",
    "GET /gradio_api/startup-events", "POST /gradio_api/process_recording",
    "POST /gradio_api/vibe-edit/", "GET /gradio_api/vibe-code/",
    "POST /gradio_api/undo-vibe-edit", "GET /gradio_api/queue/data?session_hash={}",
    "GET /logout", "GET /gradio_api/queue/status", "GET /manifest.json",
    "GET /gradio_api/openapi.json", "GET /{}/",
)
# fmt: on
CALL = {
    "type": "object",
    "properties": {
        "data": {"type": "array", "items": {"type": "string"}},
        "fn_index": {"type": "integer", "maximum": 90},
        "session_hash": {"type": "string"},
        "event_id": {"type": "string"},
        "fn_name": {"type": "string"},
        "event_data": {"type": "object"},
        "trigger_id": {"type": "integer"},
        "component_id": {"type": "integer"},
        "simple_format": {"type": "boolean"},
        "batched": {"type": "boolean"},
        "request": {"type": "object"},
    },
}
POOLS = {"files": "upload", "adapters": "adapter", "before": "job", "after": "job", "clips": "clip"}
POOLS |= {"rows": "row", "left_out": "row"}


@dataclass(frozen=True)
class Request:
    verb: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    declared: int  # length that is told
    reaching: bool  # names something that is there


class Maker:
    """One request from one seed."""

    def __init__(self, seed: str, schema: dict[str, Any], there: dict[str, list[str]]) -> None:
        self._random, self._schema, self._there = random.Random(seed), schema, there
        self._reaching = False

    def request(self) -> Request:
        dice = self._random
        if dice.random() < PAGES:
            return self._of_page()
        paths = self._schema["paths"]
        [path] = dice.choices(list(paths), [3 if "{" in path else 1 for path in paths])
        verbs = paths[path]
        verb, what = dice.choice(list(verbs.items()))
        target, query = path, []
        for parameter in what.get("parameters", []):
            name = parameter["name"]
            kind = "dataset" if name == "name" and "/datasets/" in path else name
            kind = (
                "adapter"
                if kind == "name"
                else "clip"
                if "/clips/" in path and name == "file"
                else kind
            )
            value = self._value(parameter["schema"], kind)
            value = "" if value is None else value if isinstance(value, str) else json.dumps(value)
            if parameter["in"] == "path":
                target = target.replace("{" + name + "}", _in_path(value))
            elif parameter["in"] == "query" and (parameter.get("required") or dice.random() < 0.6):
                query.append(f"{name}={_in_path(value)}")
        headers, body = self._body(what.get("requestBody", {}).get("content", {}))
        if dice.random() < 0.05:
            verb = dice.choice(["put", "head", "options", "trace", "patch"])
        return self._whole(
            verb.upper(), target + ("?" + "&".join(query) if query else ""), headers, body
        )

    def _of_page(self) -> Request:
        dice = self._random
        names = [*TEXTS, *self._there["song"], "127.0.0.1:1/secret", "/proc/self/environ"]
        verb, path = dice.choice(PAGE).split(" ", 1)
        target = path.format(_in_path(dice.choice(names)))
        if verb != "POST":
            return self._whole(verb, target, [], b"")
        kind = "multipart/form-data" if path.endswith("upload") else "application/json"
        return self._whole(verb, target, *self._body({kind: {"schema": CALL}}))

    def _whole(
        self, verb: str, target: str, headers: list[tuple[str, str]], body: bytes
    ) -> Request:
        dice = self._random
        if dice.random() < 0.2:
            headers = [*headers, dice.choice(HEADERS)]
        declared = len(body) + (dice.choice([1, 10_000]) if body and dice.random() < 0.03 else 0)
        return Request(verb, target, headers, body, declared, self._reaching)

    def _body(self, content: dict[str, Any]) -> tuple[list[tuple[str, str]], bytes]:
        dice = self._random
        if not content:
            return [], b""
        [(kind, what)] = content.items()
        value = self._value(what["schema"], "")
        if kind == "multipart/form-data":
            kind, body = (
                kind + "; boundary=b",
                self._multipart(value if isinstance(value, dict) else {}),
            )
        else:
            body = json.dumps(value).encode()
        if dice.random() < 0.08:
            cut = dice.randrange(len(body) + 1)
            body = body[:cut] + dice.choice([b"", b"\xff\xfe", b"[" * 50_000, b"\0"])
        if dice.random() < 0.06:
            kind = dice.choice(KINDS)
        return [("Content-Type", kind)], body

    def _multipart(self, value: dict[str, Any]) -> bytes:
        dice, parts = self._random, []
        for name in [*value, *dice.sample(["files", "file", "name", "x\0"], dice.randrange(3))]:
            file = dice.choice(
                ["a.wav", "../../outside/a.wav", "\0.zip", "é" * 400 + ".wav", "a.zip", ""]
            )
            content = dice.choice([wav(0.2), b"PK\5\6" + bytes(18), b"", b"no sound", bytes(3_000)])
            told = f'; filename="{file}"' if dice.random() < 0.8 else ""
            line = f'--b\r\nContent-Disposition: form-data; name="{name}"{told}\r\n\r\n'
            parts.append(line.encode(errors="surrogatepass") + content + b"\r\n")
        return b"".join(parts) + (b"--b--\r\n" if dice.random() < 0.9 else b"")

    def _value(self, schema: dict[str, Any], kind: str) -> Any:
        dice = self._random
        if "$ref" in schema:
            return self._value(
                self._schema["components"]["schemas"][schema["$ref"].split("/")[-1]], kind
            )
        if choices := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
            return self._value(dice.choice(choices), kind)
        if dice.random() < 0.06:
            return dice.choice([dice.choice(TEXTS), dice.choice(NUMBERS), dice.choice(OTHERS)])
        type_ = schema.get("type")
        if type_ == "object" or "properties" in schema:
            return self._object(schema, kind)
        if type_ == "array":
            least, most = schema.get("minItems", 0), min(schema.get("maxItems", 3), 3)
            return [
                self._value(schema.get("items", {}), kind)
                for _ in range(dice.randint(least, max(least, most)))
            ]
        return self._single(schema, kind)

    def _single(self, schema: dict[str, Any], kind: str) -> Any:
        dice, type_ = self._random, schema.get("type")
        names = self._there.get(POOLS.get(kind, kind))
        if type_ == "string" and names and dice.random() < REACHING:
            self._reaching = True
            return dice.choice(names)
        if "enum" in schema or "const" in schema:
            return dice.choice(schema.get("enum") or [schema["const"]])
        if type_ in ("integer", "number"):
            bounds = [b for k in ("minimum", "maximum") if (b := schema.get(k)) is not None]
            near = [
                *bounds,
                *(b + 1 for b in bounds),
                *(b - 1 for b in bounds),
                schema.get("default") or 3,
            ]
            return dice.choice(near) if dice.random() < 0.8 else dice.choice(NUMBERS)
        if type_ == "boolean":
            return dice.random() < 0.5
        good = [
            *schema.get("examples", []),
            schema.get("default") or "jazz, 100 BPM",
            f"n{dice.random()}",
        ]
        return dice.choice(good) if dice.random() < 0.8 else dice.choice(TEXTS)

    def _object(self, schema: dict[str, Any], kind: str) -> dict[str, Any]:
        dice, made, required = self._random, {}, schema.get("required", [])
        for name, what in schema.get("properties", {}).items():
            if name in required or dice.random() < 0.35:
                inner = "adapter" if kind == "adapters" and name == "name" else name
                made[name] = self._value(what, inner)
        if isinstance(more := schema.get("additionalProperties"), dict):
            for _ in range(dice.randrange(1, 3)):
                key = self._single({"type": "string"}, kind)
                made[key if isinstance(key, str) else "r"] = self._value(more, "")
        if dice.random() < 0.03:
            made[dice.choice(TEXTS)] = dice.choice(OTHERS)
        return made


def _in_path(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")
