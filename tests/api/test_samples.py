"""The curl commands of the API's description are understood by the server."""

import shlex
from typing import Any

from fastapi.testclient import TestClient

from angen.api.samples import ADDRESS
from tests.api.sounds import wav


def _commands(client: TestClient) -> list[tuple[str, str, str]]:
    """(verb, path, command) of each operation."""
    paths = client.get("/api/openapi.json").json()["paths"]
    return [
        (verb.upper(), path, what["x-codeSamples"][0]["source"])
        for path, verbs in paths.items()
        for verb, what in verbs.items()
    ]


def test_each_command_is_a_request_that_fits(client: TestClient) -> None:
    for verb, path, command in _commands(client):
        if path.endswith("/events"):
            continue  # asked for a job that is there, elsewhere
        words = shlex.split(command)
        answer = _sent(client, words, "POST" if "-d" in words or "-F" in words else "GET")
        assert answer.request.method == verb, command
        assert answer.status_code in (200, 201, 202, 204, 404, 409), f"{command}\n{answer.text}"


def _sent(client: TestClient, words: list[str], verb: str) -> Any:
    """What curl would do with these words."""
    options = {word: words[at + 1] for at, word in enumerate(words) if word in ("-X", "-d")}
    files = [word for at, word in enumerate(words) if words[at - 1] == "-F"]
    sent = [(name, ("one.wav", wav())) for name, _, _ in (file.partition("=@") for file in files)]
    if "import" in words[-1]:
        sent = [("file", ("one.zip", _EMPTY_ZIP))]
    return client.request(
        options.get("-X", verb),
        words[-1].removeprefix(ADDRESS),
        content=options.get("-d"),
        files=sent or None,
        headers={"content-type": "application/json"} if "-d" in options else {},
    )


_EMPTY_ZIP = b"PK\5\6" + bytes(18)
