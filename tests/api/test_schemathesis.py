"""Random requests made from the server's own description: none may surprise it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api.live import LiveServer

ROOT = Path(__file__).parents[2]  # of schemathesis.toml
TOOL = shutil.which("schemathesis", path=str(Path(sys.executable).parent))
OPTIONS = (
    *("--phases", "examples,fuzzing", "--max-examples", "3", "--seed", "1"),
    *("--generation-database", "none", "--no-color"),
)


@pytest.mark.skipif(TOOL is None, reason="schemathesis is not here")
def test_random_requests_find_nothing(tmp_path: Path) -> None:
    with LiveServer(tmp_path / "home") as server:
        ran = subprocess.run(
            [str(TOOL), "run", f"{server.url}/api/openapi.json", *OPTIONS],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=280,
        )
        log = "".join(server.log)
    assert ran.returncode == 0, ran.stdout[-6000:]
    assert "Traceback" not in log, log[-4000:]
