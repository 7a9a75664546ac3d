"""What ``docs/api.md`` shows works, pasted into a shell as it stands."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from angen.api.app import create_app
from angen.studio.settings import Settings
from tests.api.live import LiveServer
from tests.data.songs import write_song

PAGE = Path(__file__).parents[2] / "docs" / "api.md"


def _spec(home: Path) -> dict[str, dict[str, dict[str, object]]]:
    paths: dict[str, dict[str, dict[str, object]]]
    paths = create_app(Settings(home=home), runner=False).openapi()["paths"]
    return paths


def test_page_lists_every_path(tmp_path: Path) -> None:
    listed = re.findall(r"^\| ([A-Z]+) \| `(/api/[^`]+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)
    known = [(verb.upper(), path) for path, verbs in _spec(tmp_path).items() for verb in verbs]
    assert sorted(listed) == sorted(known)


def test_every_path_and_field_is_described(tmp_path: Path) -> None:
    app = create_app(Settings(home=tmp_path), runner=False).openapi()
    silent = [
        f"{verb} {path}"
        for path, verbs in app["paths"].items()
        for verb, what in verbs.items()
        if not what.get("description")
        or any(not parameter.get("description") for parameter in what.get("parameters", ()))
    ]
    silent += [
        f"{name}.{field}"
        for name, schema in app["components"]["schemas"].items()
        for field, facts in schema.get("properties", {}).items()
        if not facts.get("description") and not name.startswith("Body_")
    ]
    assert silent == []


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not here")
def test_examples_work_pasted_into_a_shell(tmp_path: Path) -> None:
    for number, name in enumerate(("one", "two")):
        write_song(tmp_path / f"{name}.wav", seconds=8, seed=number)
    text = PAGE.read_text("utf-8")
    script = "\n".join(re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    with LiveServer(tmp_path / "home") as server:
        script = script.replace("ANGEN=http://127.0.0.1:7860", f"ANGEN={server.url}")
        ran = subprocess.run(
            ["bash", "-euxo", "pipefail", "-c", script],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=250,
        )
        assert ran.returncode == 0, f"{ran.stdout[-2000:]}\n{ran.stderr[-2000:]}\n{server.log}"
    assert (tmp_path / "while_it_is_made.wav").read_bytes()[:4] == b"RIFF"
    assert (tmp_path / "header.bin").stat().st_size == 44
    assert '"status":422' in ran.stdout
