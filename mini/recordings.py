"""Freely licensed recordings that ``mini`` is trained on: ``python -m mini.recordings``.

``recordings.csv`` names author, title and licence of each. Their Debian packages are downloaded
with apt, the listed files are unpacked and checked, and two pools are written in the format of
``mini.material``: ``real`` for training, and ``real_unseen``, whole recordings for tests alone.
Needs apt-get and dpkg-deb, and the tagger's weights (``angen models fetch musicnn``).
"""

import argparse
import csv
import hashlib
import io
import json
import logging
import subprocess
import tarfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from angen.audio.files import read_audio
from angen.errors import BadInput
from angen.files import replacing
from angen.judge.judge import load_judge
from angen.studio.settings import read_settings
from mini.annotations import Annotations, Tagger, annotate
from mini.bank import RATE_HZ
from mini.loop import WORK

log = logging.getLogger(__name__)
LIST = Path(__file__).with_name("recordings.csv")
LICENCES = (
    *("CC0", "public domain", "CC-BY-3.0", "CC-BY-4.0"),
    *("CC-BY-SA", "CC-BY-SA-3.0", "CC-BY-SA-4.0"),
)
LONGEST_S = 60.0  # of an entry; longer recordings are split
SILENCE = 1e-3  # of full scale: quieter beginnings and ends of a recording are cut off
CLOSED_DB = -30.0  # the last half second of music that comes to its end, against the whole
UNSEEN_ONE_IN = 12
FIRST_SEED = 4_000_000

Samples = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    """One line of the list."""

    package: str
    path: str  # in the package; what follows "!" is the path in a zip archive
    author: str
    title: str  # versions of one piece share it
    licence: str
    sha256: str
    seconds: float
    words: tuple[str, ...]  # genre and mood, where package, tags or title tell them

    @property
    def stored(self) -> str:
        """Name of the unpacked file: no name from an archive becomes a path."""
        return f"{self.sha256}{Path(self.path).suffix}"


def listed(path: Path = LIST) -> list[Recording]:
    """All recordings of a list.

    Raises ValueError for a licence that does not allow training, and for one file listed twice.
    """
    with path.open(newline="", encoding="utf-8") as lines:
        found = [_recording(row) for row in csv.DictReader(lines)]
    for one in found:
        if one.licence not in LICENCES:
            allowed = ", ".join(LICENCES)
            raise ValueError(f"{one.path}: licence {one.licence!r} is not one of {allowed}")
    if len({one.sha256 for one in found}) < len(found):
        raise ValueError(f"{path} lists a file twice. Keep one line for each SHA-256.")
    return found


def _recording(row: dict[str, str]) -> Recording:
    words = tuple(word.strip() for word in row["words"].split(",") if word.strip())
    return Recording(**{**row, "seconds": float(row["seconds"]), "words": words})  # type: ignore[arg-type]


def unseen(recordings: Sequence[Recording]) -> list[Recording]:
    """About one in twelve, chosen by the name; versions of one piece stay together."""
    first: dict[tuple[str, str], str] = {}
    chosen = []
    for one in recordings:
        name = one.package + first.setdefault((one.package, one.title), one.path)
        if int(hashlib.sha256(name.encode()).hexdigest(), 16) % UNSEEN_ONE_IN == 0:
            chosen.append(one)
    return chosen


def download(package: str, folder: Path) -> Path:
    """The package's archive in ``folder``, downloaded unless it is there."""
    folder.mkdir(parents=True, exist_ok=True)
    if not list(folder.glob(f"{package}_*.deb")):
        subprocess.run(["apt-get", "download", package], cwd=folder, check=True, timeout=3600)
    return max(folder.glob(f"{package}_*.deb"))


def unpack(package: Path, recordings: Sequence[Recording], folder: Path) -> None:
    """Store the recordings of a Debian package in ``folder``: see ``take``."""
    command = ["dpkg-deb", "--fsys-tarfile", str(package)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        take(process.stdout, recordings, folder)
        while process.stdout.read(1 << 20):  # the padding of the archive
            pass
    if process.returncode:
        raise ValueError(f"dpkg-deb could not read {package}. Remove it, and download it again.")


def take(tar: IO[bytes], recordings: Iterable[Recording], folder: Path) -> None:
    """Store recordings from a stream of a tar archive under their hashes.

    Raises ValueError for one that is missing or is not the listed file.
    """
    wanted: dict[str, list[Recording]] = {}
    for one in recordings:
        wanted.setdefault(one.path.partition("!")[0], []).append(one)
    with tarfile.open(fileobj=tar, mode="r|") as members:
        for member in members:
            name = member.name.removeprefix("./")
            stream = members.extractfile(member) if member.isfile() and name in wanted else None
            if stream is not None:
                _store(stream.read(), wanted.pop(name), folder)
    if wanted:
        raise ValueError(f"The package does not hold {', '.join(wanted)}. Is it another version?")


def _store(data: bytes, recordings: Sequence[Recording], folder: Path) -> None:
    for one in recordings:
        inner = one.path.partition("!")[2]
        content = zipfile.ZipFile(io.BytesIO(data)).read(inner) if inner else data
        found = hashlib.sha256(content).hexdigest()
        if found != one.sha256:
            raise ValueError(
                f"{one.package}: {one.path} has SHA-256 {found}, the list says {one.sha256}. Its "
                "licence is known of the listed file alone: get that version of the package, or "
                "read the licence of this one and change the list."
            )
        with replacing(folder / one.stored) as beside:
            beside.write_bytes(content)


def stretches(samples: Samples) -> list[Samples]:
    """Samples (S,) without silence at both ends, in equal parts of at most ``LONGEST_S``."""
    loud = np.flatnonzero(np.abs(samples) > SILENCE)
    if not len(loud):
        return []
    sounding = samples[loud[0] : loud[-1] + 1]
    return np.array_split(sounding, -(-len(sounding) // round(LONGEST_S * RATE_HZ)))


def closes(part: Samples, whole: Samples) -> bool:
    """Whether the end of a part is so quiet against the whole recording that music ends there."""
    last, all_of_it = (np.sqrt(np.mean(x**2)) for x in (part[-RATE_HZ // 2 :], whole))
    return bool(last < all_of_it * 10 ** (CLOSED_DB / 20))


def entries(
    recordings: Iterable[Recording], folder: Path, tagger: Tagger
) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Row and 16-bit samples of each stretch of the unpacked recordings, as a pool holds them."""
    for one in recordings:
        whole = read_audio(folder / one.stored, rate_hz=RATE_HZ, mono=True).samples[0]
        parts = stretches(whole)
        log.info("%s: %s, %d stretches", one.package, one.title, len(parts))
        start = 0
        for i, part in enumerate(parts):
            seed = FIRST_SEED + int(one.sha256[:6], 16) * 100 + i
            try:
                known = annotate(part, RATE_HZ, one.words, tagger, np.random.default_rng(seed))
            except BadInput as error:
                log.warning("Left out, at %.0f s of %s: %s", start / RATE_HZ, one.path, error)
            else:
                ends = part is parts[-1] and closes(part, whole)
                row = _row(one, known, seed, start / RATE_HZ, ends)
                clipped = np.clip(part, -1, 1)
                yield row, (clipped * 32767).astype(np.int16).tobytes()
            start += len(part)


def _row(
    one: Recording, known: Annotations, seed: int, start_s: float, ends: bool
) -> dict[str, Any]:
    source = {"recording": f"{one.package}/{one.path}", "title": one.title, "start_s": start_s}
    return {
        "seed": seed,
        "style": "",
        "captions": known.captions,
        "labels": {**known.labels, **source},
        "beats": known.beats.round(4).tolist(),
        "ends": ends,
    }


def write_pool(folder: Path, found: Iterable[tuple[dict[str, Any], bytes]]) -> float:
    """A pool of these entries, in place of an older one; its length in hours."""
    samples = 0
    with (
        replacing(folder / "pieces.jsonl") as rows,
        replacing(folder / "audio.i16") as sound,
        rows.open("w") as lines,
        sound.open("wb") as audio,
    ):
        for row, data in found:
            audio.write(data)
            row |= {"start": samples, "samples": len(data) // 2}
            lines.write(json.dumps(row) + "\n")
            samples += row["samples"]
    return samples / RATE_HZ / 3600


def table(recordings: Iterable[Recording]) -> str:
    """The list as Markdown, for the documentation."""
    head = ("package", "file", "title", "author", "licence", "seconds")
    lines = [head, ("---",) * len(head)]
    for one in recordings:
        name = one.path.rpartition("/")[2]
        length = f"{one.seconds:.0f}"
        lines.append((one.package, name, one.title, one.author, one.licence, length))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--packages", type=Path, default=WORK / "packages", help="downloads")
    parser.add_argument("--into", type=Path, default=WORK, help="folder of the pools")
    parser.add_argument("--judge", type=Path, help="folder of the tagger's weights")
    parser.add_argument("--table", action="store_true", help="only print the list as Markdown")
    given = parser.parse_args()
    recordings = listed()
    if given.table:
        print(table(recordings))
        return
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    tagger = load_judge(given.judge or read_settings().judge, "mtt").tags
    files = given.into / "recordings"
    for package in dict.fromkeys(one.package for one in recordings):
        missing = [
            r for r in recordings if r.package == package and not (files / r.stored).exists()
        ]
        if missing:
            unpack(download(package, given.packages), missing, files)
    apart = unseen(recordings)
    learned = [one for one in recordings if one not in apart]
    for name, some in (("real", learned), ("real_unseen", apart)):
        hours = write_pool(given.into / name, entries(some, files, tagger))
        log.info("%s: %d recordings, %.2f hours", name, len(some), hours)


if __name__ == "__main__":
    main()
