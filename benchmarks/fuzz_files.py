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
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save

from angen.adapters.archive import import_adapter
from angen.adapters.card import card
from angen.adapters.files import load_adapter
from angen.adapters.library import list_adapters, playable
from angen.adapters.packing import export_adapter
from angen.api.views import AdapterDetail
from angen.audio.files import write_wav
from angen.bundle import load_bundle
from angen.data.manifest import Clip, DatasetInfo, Source, load_info, save_info, text_of
from angen.data.notes import read_notes
from angen.data.scan import sha256_of
from angen.data.tables import apply_table, read_table, write_table
from angen.errors import AngenError, Incompatible
from angen.studio.material.archives import import_dataset
from angen.studio.settings import Settings
from angen.ui.tabs.card import draw_card, draw_comparison
from angen.vocoder.weights import save_decoder
from tests.tiny import tiny_dit, tiny_two_band, write_tiny_bundle

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
    """A LoRA of two layers of a small model, as PEFT writes it."""
    shapes = {"lora_A": (2, 32), "lora_B": (32, 2)}
    tensors = {
        f"base_model.model.transformer_blocks.0.self_attn.{module}.{part}.weight": np.ones(
            shape, np.float32
        )
        for module in ("q_proj", "v_proj")
        for part, shape in shapes.items()
    }
    config = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj", "v_proj"]}
    return {
        "adapter_config.json": json.dumps(config).encode(),
        "adapter_model.safetensors": save(tensors, {"format": "pt"}),
        "metadata.json": b'{"name": "x", "kind": "user", "rank": 2, "alpha": 4, "steps": 9, '
        b'"recipe": {"learning_rate": 1e-4}, "effect": {"verdict": "closer", "reduction": 0.5}}',
        "report.json": b'{"verdict": "closer", "sentence": "closer", "effect": {"reduction": 0.5, '
        b'"distance_base": 1.0}, "memorisation": {"closest": 0.5, "reference": 0.4}}',
    }


@cache
def bundle() -> Files:
    """A small base model, its decoder in two bands."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_tiny_bundle(Path(folder))
        save_decoder(tiny_two_band(), path)
        return {file.name: file.read_bytes() for file in path.iterdir()}


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


def read_as_adapter(source: Path, folder: Path) -> None:
    """Import, show, attach to a model, pass on."""
    taken = import_adapter(folder, source, "x")
    (info,) = list_adapters(folder)
    assert info.usable, info.problem
    draw_card(info)
    draw_comparison([info, info])
    AdapterDetail.of(info).model_dump_json()
    if info.metadata:
        card(info.metadata, info.report)
    with suppress(Incompatible):
        load_adapter(tiny_dit(), playable(taken.folder), base="tiny", base_fingerprint="")
    again = import_adapter(folder, export_adapter(folder, "x", folder), "y")
    assert not again.ignored


def read_beside(path: Path, folder: Path, files: Files, read: Callable[[Path, Path], None]) -> None:
    """Read a folder of valid files, of which this one takes the place of one."""
    for name, data in files.items():
        if name != path.name:
            (path.parent / name).write_bytes(data)
    read(path.parent, folder)


def in_adapter(name: str) -> Target:
    return Target(
        name=name,
        valid=lambda: adapter()[name],
        read=lambda path, folder: read_beside(path, folder, adapter(), read_as_adapter),
    )


def in_bundle(name: str) -> Target:
    return Target(
        name=name,
        valid=lambda: bundle()[name],
        read=lambda path, folder: read_beside(
            path, folder, bundle(), lambda source, _: play_a_little(source)
        ),
    )


def play_a_little(folder: Path) -> None:
    """Load a base model, and use each of its parts once."""
    base = load_bundle(folder)
    sound = torch.zeros(base.samples_per_frame)
    base.embed_audio(sound, base.sample_rate_hz)
    base.decode(base.encode_audio(sound, base.sample_rate_hz))
    frames = torch.zeros(1, base.block, dtype=torch.int64)
    assert base.dit.embed_text(frames).shape[:2] == frames.shape


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
        read=read_as_adapter,
    ),
    Target(
        name="one.safetensors",
        valid=lambda: adapter()["adapter_model.safetensors"],
        read=read_as_adapter,
    ),
    *(in_adapter(name) for name in adapter()),
    *(
        in_bundle(name)
        for name in (
            "model.json",
            "decoder.json",
            "encoder.json",
            "style.json",
            "model.safetensors",
            "style.safetensors",
        )
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
    if name.endswith(".safetensors") and chance.random() < 0.8:
        return changed_tensors(data, chance)
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


def changed_tensors(data: bytes, chance: random.Random) -> bytes:
    """Another header, or other numbers."""
    end = 8 + int.from_bytes(data[:8], "little")
    if chance.random() < 0.4:
        number = chance.choice((float("nan"), float("inf"), 3e38, 0.0, 1e-45))
        at = chance.randrange((len(data) - end) // 4) * 4 + end
        return data[:at] + np.float32(number).tobytes() + data[at + 4 :]
    header = json.loads(data[8:end])
    names = [name for name in header if name != "__metadata__"]
    one = chance.choice(names)
    match chance.randrange(6):
        case 0:
            header[one]["dtype"] = chance.choice(("F8_E4M3", "I32", "F16", "F64", "BOOL", "X"))
        case 1:
            header[one]["shape"] = chance.choice(([], [0, 32], [64], [1, 1, 64], [2**62, 2**62]))
        case 2:
            new = chance.choice(
                ("x.alpha", "", "\ud800", f"transformer.{one}", f"{one}.x", "a" * 9_999)
            )
            header[new] = header[one]
        case 3:
            header["__metadata__"] = chance.choice(
                ({"lora_adapter_metadata": "{"}, {"ss_network_alpha": "nan"}, {"a": 1}, [])
            )
        case _:
            text = changed_json(data[8:end], chance)
            return len(text).to_bytes(8, "little") + text + data[end:]
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data[end:]


def changed_json(data: bytes, chance: random.Random) -> bytes:
    value = json.loads(data)
    places = [([], 0), *spots(value)]
    for holder, key in chance.sample(places, min(len(places), chance.choice((1, 1, 3)))):
        there = key in holder if isinstance(holder, dict) else key < len(holder)
        match chance.randrange(4):
            case 0 if there:
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[chance.choice(("x", "\ud800", "bpm", "file", key + " "))] = holder.get(key)
            case _ if there:
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
    torch.set_num_threads(1)  # the processes that read are forked
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
