"""Damaged and malicious files of strangers, fed to the functions that read them.

    python -m benchmarks.fuzz_files --count 1000 --seed 1        (--only adapter to choose targets)

Each case changes a valid file and reads it in a process with limits on memory and time. It is read,
refused with an AngenError, or a fault, which is printed with the numbers that make it again. Any
fault, and any case over a limit, ends in exit code 1.
"""

import argparse
import io
import json
import multiprocessing
import random
import resource
import shutil
import signal
import tempfile
import traceback
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from angen.adapters.archive import import_adapter
from angen.audio.files import write_wav
from angen.data.manifest import Clip, DatasetInfo, Source, load_info, save_info, text_of
from angen.data.notes import read_notes
from angen.data.scan import sha256_of
from angen.data.tables import apply_table, read_table, write_table
from angen.errors import AngenError
from angen.studio.material.archives import import_dataset
from angen.studio.settings import Settings

MEMORY_BYTES = 2_000_000_000  # on top of what the libraries take
CASE_S = 20
Files = dict[str, bytes]
EXTREMES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 2**63, 10**400, 1e308, 1e-300, float("nan"), float("inf")),
    *("", "x", "N/A", "\ud800", "\0", "../../x", "=1+1", "x" * 100_000, "1e999", "[verse]\nla"),
    *([], {}, [[]], [None], {"x": {}}, ["x"] * 1_000, "DEEP"),
)
NAMES = ("../x", "/x", "x/" * 200, "x" * 300, "a\\b", "c:d", "", ".", "x\0y", "dataset_info.json/x")


@dataclass(frozen=True, kw_only=True)
class Target:
    """A kind of file. read: as the studio does, given the file and a folder to write into."""

    name: str  # ends in the suffix of the file
    valid: Callable[[], bytes]
    read: Callable[[Path, Path], object]


@cache
def dataset() -> tuple[DatasetInfo, Files]:
    """A training set of two clips, and its files."""
    with tempfile.TemporaryDirectory() as folder:
        files, clips = {}, []
        for n in (1, 2):
            sound = np.sin(np.arange(24_000) * n / 20).astype(np.float32)
            path = Path(folder) / "clip.wav"
            write_wav(path, sound, 12_000)
            file, files[f"set/clips/{n}.wav"] = f"clips/{n}.wav", path.read_bytes()
            source = Source(file=f"{n}.wav", sha256="0" * 64)
            facts: dict[str, Any] = {
                "song": f"s{n}",
                "start_s": 0.0,
                "duration_s": 2.0,
                "ends_song": True,
            }
            clips.append(Clip(file=file, sha256=sha256_of(path), source=source, **facts))
    info = DatasetInfo(name="set", created="2026-01-01T00:00:00+00:00", clips=tuple(clips))
    return info, files | {"set/dataset_info.json": text_of(info).encode()}


def zipped(files: Files) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return packed.getvalue()


@cache
def adapter() -> Files:
    """A LoRA of two layers, as PEFT writes it."""
    shapes = {"lora_A": (2, 8), "lora_B": (8, 2)}
    tensors = {
        f"base_model.model.blocks.0.attn.{module}.{part}.weight": np.ones(shape, np.float32)
        for module in ("q_proj", "v_proj")
        for part, shape in shapes.items()
    }
    config = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj", "v_proj"]}
    return {
        "adapter_config.json": json.dumps(config).encode(),
        "adapter_model.safetensors": save(tensors, {"format": "pt"}),
        "metadata.json": b'{"name": "x", "kind": "user", "rank": 2}',
        "report.json": b'{"verdict": {"reached": true}}',
    }


NOTE = {"genre": "jazz", "bpm": 92, "key": "A minor", "caption": "slow, warm", "custom_tag": "x"}
ROWS = [
    {"file": "1.wav", **NOTE, "instruments": ["piano"]},
    {"audio_path": "./2.wav", "bpm": "9,5"},
]
CSV = 'file,genre,bpm,lyrics\r\n1.wav,jazz,92,"la\nla"\r\nclips/2.wav,\'=1+1,N/A,\r\n'


def read_as_table(path: Path, folder: Path) -> None:
    info, _ = apply_table(dataset()[0], read_table(path), "table")
    save_info(info, folder)
    write_table(info, folder / "out.csv")
    again, _ = apply_table(info, read_table(folder / "out.csv"), "table")
    assert again == info, "a table that is written and read changes nothing"


def read_as_note(path: Path, _folder: Path) -> None:
    song = path.with_suffix(".wav")
    song.touch()
    read_notes(song)
    path.rename(path.with_suffix(".lyrics.txt"))
    read_notes(song)


def read_as_manifest(path: Path, folder: Path) -> None:
    save_info(load_info(path.parent), folder)


TARGETS: tuple[Target, ...] = (
    Target(
        name="dataset.zip",
        valid=lambda: zipped(dataset()[1]),
        read=lambda path, folder: import_dataset(
            Settings(home=folder), path, None, lambda *_: None
        ),
    ),
    Target(
        name="adapter.zip",
        valid=lambda: zipped(adapter()),
        read=lambda path, folder: import_adapter(folder, path, "x"),
    ),
    Target(
        name="dataset_info.json",
        valid=lambda: text_of(dataset()[0]).encode(),
        read=read_as_manifest,
    ),
    Target(name="table.json", valid=lambda: json.dumps(ROWS).encode(), read=read_as_table),
    Target(name="table.csv", valid=CSV.encode, read=read_as_table),
    Target(name="note.json", valid=lambda: json.dumps(NOTE).encode(), read=read_as_note),
    Target(
        name="note.txt",
        valid=b"caption: slow\nbpm: 92\nlyrics:\n[verse]\nla".strip,
        read=read_as_note,
    ),
)


def changed(data: bytes, name: str, chance: random.Random) -> bytes:
    """A file that is not quite the valid one any more."""
    if name.endswith(".zip") and chance.random() < 0.6:
        return changed_zip(data, chance)
    if name.endswith(".json") and chance.random() < 0.8:
        return changed_json(data, chance)
    return changed_bytes(data, chance)


def changed_bytes(data: bytes, chance: random.Random) -> bytes:
    raw = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8))):
        at = chance.randrange(len(raw) + 1)
        end = min(len(raw), at + chance.choice((1, 2, 4, 50, 5_000)))
        match chance.randrange(5):
            case 0 if at < len(raw):
                raw[at] ^= 1 << chance.randrange(8)
            case 1:
                del raw[chance.choice((at, end)) : end if chance.random() < 0.7 else None]
            case 2:
                raw[at:end] = chance.choice((b"\0", b"\xff")) * (end - at)
            case 3:
                raw[at:at] = raw[at:end] * chance.choice((1, 2, 100))
            case _:
                raw[at:at] = chance.choice(
                    (b'"', b",", b"\n", b"\r", b";", b"\xfe\xff", b"{", b"[", b"=")
                )
    return bytes(raw)


def changed_json(data: bytes, chance: random.Random) -> bytes:
    value = json.loads(data)
    places = [([], 0), *spots(value)]
    for holder, key in chance.sample(places, min(len(places), chance.choice((1, 1, 3)))):
        match chance.randrange(4):
            case 0 if holder:
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[chance.choice(("x", "\ud800", "bpm", "file", key + " "))] = holder.get(key)
            case _ if holder:
                holder[key] = chance.choice(EXTREMES)
    text = json.dumps(value)
    deep = chance.choice(("[", '{"a":')) * chance.choice((50, 500, 100_000))
    return text.replace('"DEEP"', deep).encode()


def spots(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each value within a JSON value, as holder and key."""
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from spots(value[key])


def changed_zip(data: bytes, chance: random.Random) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = [(name, archive.read(name)) for name in archive.namelist()]
    at = chance.randrange(len(files))
    name, content = files[at]
    match chance.randrange(6):
        case 0:
            files[at] = (chance.choice(NAMES) or name, content)
        case 1:
            files.append((chance.choice((name, name.upper(), *NAMES)), content))
        case _:
            files[at] = (name, changed(content, name, chance) if content else b"")
    packed = io.BytesIO()
    with (
        warnings.catch_warnings(action="ignore"),
        zipfile.ZipFile(packed, "w", chance.choice((0, 8, 8, 12, 14))) as target,
    ):
        for entry, content in files:
            target.writestr(zipfile.ZipInfo(entry), content, target.compression)
    raw = bytearray(packed.getvalue())
    if chance.random() < 0.4:  # a field of the list of files, or of its end
        start = raw.find(b"PK\1\2") if chance.random() < 0.6 else raw.rfind(b"PK\5\6")
        field, size = (
            chance.randrange(start + 4, min(len(raw), start + 46)),
            chance.choice((1, 2, 4)),
        )
        raw[field : field + size] = chance.choice((b"\xff", b"\0", b"\x7f", b"\1")) * size
    return bytes(raw)


def outcome(target: Target, data: bytes) -> tuple[str, str]:
    """What became of a file: how, and what was said."""
    folder = Path(tempfile.mkdtemp())
    try:
        path = folder / "in" / target.name
        path.parent.mkdir()
        path.write_bytes(data)
        (folder / "out").mkdir()
        signal.alarm(CASE_S)
        target.read(path, folder / "out")
        return "read", ""
    except AngenError as error:
        return "refused", str(error)
    except (MemoryError, TimeoutError) as error:
        return "over a limit", repr(error)
    except Exception:
        return "fault", traceback.format_exc(limit=-3)
    finally:
        signal.alarm(0)
        shutil.rmtree(folder, ignore_errors=True)


def serve(target: Target, seed: int, cases: Sequence[int], answers: Connection) -> None:
    """The process that reads: one answer for each case."""

    def late(*_: object) -> None:
        raise TimeoutError(f"not read in {CASE_S} s")

    signal.signal(signal.SIGALRM, late)
    valid = target.valid()
    kind, said = outcome(target, valid)
    assert kind == "read", f"{target.name}: the valid file: {said}"
    limit = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (limit + MEMORY_BYTES,) * 2)
    for case in cases:
        data = changed(valid, target.name, random.Random(f"{seed}/{target.name}/{case}"))
        answers.send((case, *outcome(target, data)))


def run(target: Target, seed: int, cases: Sequence[int]) -> Counter[str]:
    """All cases of a target; those that end their process are faults too."""
    found: Counter[str] = Counter()
    waiting = list(cases)
    while waiting:
        mine, theirs = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.Process(target=serve, args=(target, seed, waiting, theirs))
        process.start()
        theirs.close()
        try:
            while waiting:
                case, kind, said = mine.recv()
                waiting.remove(case)
                found[kind] += 1
                if kind not in ("read", "refused"):
                    print(f"{target.name} --seed {seed} --case {case}: {kind}\n{said}", flush=True)
        except EOFError:
            process.join()
            case = waiting.pop(0)
            found["fault"] += 1
            print(f"{target.name} --seed {seed} --case {case}: exit {process.exitcode}", flush=True)
        process.join()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--count", type=int, default=1000, help="cases of each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--case", type=int, help="this one alone")
    parser.add_argument("--only", default="", help="targets whose name holds this")
    given = parser.parse_args()
    cases = range(given.count) if given.case is None else [given.case]
    kinds = ("read", "refused", "over a limit", "fault")
    lines = [f"| file | {' | '.join(kinds)} |", "|---" * 5 + "|"]
    bad = 0
    for target in TARGETS:
        if given.only in target.name:
            found = run(target, given.seed, cases)
            bad += found["over a limit"] + found["fault"]
            lines.append(f"| {target.name} | {' | '.join(str(found[kind]) for kind in kinds)} |")
    print("\n".join(lines))
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
