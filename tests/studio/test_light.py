"""What a server imports must start at once."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "peft", "scipy", "gradio", "matplotlib", "librosa", "tensorboard")


@pytest.mark.parametrize(
    "module", ["angen.studio.desk", "angen.training.config", "angen.jobs.worker"]
)
def test_nothing_heavy_is_imported_with(module: str) -> None:
    program = f"import sys, {module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "[]"
