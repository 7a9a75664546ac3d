"""What a terminal says while it waits."""

import re
import time

import pytest

from angen.cli import terminal
from angen.cli.terminal import Waiting


def test_time_left_of_work_that_goes_on_is_of_what_was_done_since(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "REPEAT_S", 0.0)
    with Waiting() as watch:
        on_step = watch.stage("Training")
        on_step(500, 1000)
        time.sleep(0.1)
        on_step(501, 1000)  # 499 more, a tenth of a second each or more
    said = re.search(r"Training: 50 %, (\d+) s left", capsys.readouterr().err)
    assert said is not None
    assert int(said[1]) >= 49
