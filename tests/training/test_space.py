"""A disk that fills up while a training runs: a real one, where the system lends it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FULL = """
import sys
from pathlib import Path
import pytest
import torch
from angen.adapters.library import CHECKPOINTS
from angen.bundle import load_bundle
from angen.errors import OutOfSpace
from angen.training.checkpoint import checkpoints, read_checkpoint
from angen.training.loop import train
from tests.training.examples import data
from tests.training.test_loop import CONFIG, same

torch.set_num_threads(1)
bundle, disk = load_bundle(Path(sys.argv[1])), Path(sys.argv[2])

def fill(event):
    if event.step == 7:
        with pytest.raises(OSError), (disk / "filler").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))

with pytest.raises(OutOfSpace, match="was full at .* go on from checkpoint_step_5 with") as caught:
    train(bundle, data(), CONFIG, disk / "a", on_event=fill)
names = [path.name for path in checkpoints(disk / "a" / CHECKPOINTS)]
assert names == ["checkpoint_step_5"], names
assert read_checkpoint(disk / "a" / CHECKPOINTS / names[0]).progress.step == 5
(disk / "filler").unlink()
resumed = train(bundle, data(), CONFIG, disk / "a", resume=True)
straight = train(bundle, data(), CONFIG, Path(sys.argv[3]) / "straight")
assert same(resumed.final, straight.final)
print("whole")
"""


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_full_disk_leaves_earlier_checkpoints_whole(tiny_folder: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if shutil.which("unshare") is None:
        pytest.skip("this system has no unshare to lend a small disk with")
    mounted = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    mount = f"mount -t tmpfs -o size=3m tmpfs '{disk}'"
    if subprocess.run([*mounted, mount], capture_output=True, check=False).returncode:
        pytest.skip("this system lends no small disk")
    arguments = [sys.executable, "-c", FULL, str(tiny_folder), str(disk), str(tmp_path)]
    ran = subprocess.run(
        [*mounted, f'{mount} && exec "$@"', "sh", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout.strip() == "whole", ran.stderr
