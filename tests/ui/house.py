"""What a page may find in a home: made by hand, so that no model is needed."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from angen.adapters.library import BEST, CONFIG_FILE, WEIGHTS_FILE
from angen.adapters.metadata import (
    AdapterMetadata,
    BaseFacts,
    DatasetFacts,
    Losses,
    write_metadata,
)
from angen.audio.files import write_wav
from angen.data.manifest import Clip, ClipMetadata, DatasetInfo, Source, save_info
from angen.jobs.job import Job
from angen.jobs.owner import Owner, this_process
from angen.jobs.store import Store
from angen.studio.learning.encoders import EncoderInfo, encoder_of
from angen.studio.material.collections import Collection, Row, new_collection, save_collection
from angen.studio.playing.outputs import Made, Note
from angen.studio.requests.songs import SongRequest
from angen.studio.settings import Settings

RATE_HZ = 8_000
EVIL = "<script>alert('you')</script> & \"blues\""
HEARD = ClipMetadata(
    genre="jazz",
    bpm=120.5,
    key="C major",
    mood="calm",
    instruments=("piano", "double bass"),
    description="Calm jazz.",
    energy="low",
    confidence={"genre": 0.9, "bpm": 0.5, "key": 0.4},
)


def tone(seconds: float = 0.5) -> np.ndarray[Any, np.dtype[np.float32]]:
    times = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (0.3 * np.sin(2 * np.pi * 440 * times)).astype(np.float32)


def add_song(settings: Settings, name: str, prompt: str = "calm jazz", **more: Any) -> str:
    """A song in the history; its id."""
    settings.outputs.mkdir(parents=True, exist_ok=True)
    request = SongRequest(prompt=prompt, **more)
    made = Made(angen="0", torch="2", device="cpu", threads=1, base_fingerprint="f")
    comment = Note(request=request, made=made).model_dump_json()
    write_wav(settings.outputs / f"{name}.wav", tone(), RATE_HZ, comment=comment)
    return name


def add_adapter(
    settings: Settings, name: str, *, finished: bool | None = True, **more: Any
) -> Path:
    """An adapter in the library, with an effect report if it is finished; its folder.

    finished: None for one with all files and no word of a training's end.
    """
    folder = settings.loras / name
    (folder / BEST).mkdir(parents=True)
    effect = {"verdict": "closer", "sentence": f"{EVIL} 61 % closer.", "reduction": 0.61}
    facts: dict[str, Any] = {
        "created": "2026-11-22T15:04:05+00:00",
        "base": BaseFacts(name="mini", fingerprint="f"),
        "dataset": DatasetFacts(
            name="my_set", fingerprint="f", training_clips=9, validation_clips=1, minutes=3.0
        ),
        "recipe": {"learning_rate": 3e-4, "batch_size": 4},
        "rank": 16,
        "alpha": 32.0,
        "steps": 1250,
        "epochs": 10,
        "losses": Losses(validation_base=1.5, validation_best=1.25),
        "effect": effect if finished else None,
        "finished": "2026-11-22T16:04:05+00:00" if finished else None,
    }
    write_metadata(folder, AdapterMetadata(name=name, **(facts | more)))
    if finished is not False:
        (folder / BEST / WEIGHTS_FILE).write_bytes(b"weights")
        (folder / BEST / CONFIG_FILE).write_text("{}")
        (folder / "report.html").write_text("<p>report</p>")
        report = {"effect": {"reduction": 0.61}, "memorisation": {"closest": 0.5}}
        (folder / "report.json").write_text(json.dumps(report))
    return folder


def add_deaf_base(settings: Settings, name: str = "somebody/theirs") -> Path:
    """A base model without encoder, of files that nobody loads; its folder."""
    folder = settings.bundles / name.replace("/", "--")
    folder.mkdir(parents=True)
    for part in ("model", "decoder", "style"):
        (folder / f"{part}.json").write_text('{"block_size": 10}')
        (folder / f"{part}.safetensors").write_bytes(f"{part} of {name}".encode())
    return folder


def add_encoder(settings: Settings, base: str = "somebody/theirs") -> EncoderInfo:
    """Give such a base a fitted encoder, checked and published."""
    folder = settings.bundles / base.replace("/", "--")
    (folder / "encoder.json").write_text('{"kind": "learned"}')
    (folder / "encoder.safetensors").write_bytes(b"encoder")
    work = encoder_of(settings, base).work
    (work / "check").mkdir(parents=True)
    check = {"answer": "doubtful", "sentence": f"{EVIL} doubts.", "faults": ["levels are off"]}
    (work / "check" / "check.json").write_text(json.dumps(check | {"mel": 0.5}))
    (work / "published.zip").write_bytes(b"PK")
    return encoder_of(settings, base)


def add_dataset(settings: Settings, name: str, clips: int = 3) -> DatasetInfo:
    """A training set, its last clip kept aside."""
    folder = settings.datasets / name
    (folder / "clips").mkdir(parents=True)
    made = []
    for number in range(clips):
        file = f"clips/jazz_song{number}_clip001.wav"
        write_wav(folder / file, tone(), RATE_HZ)
        made.append(
            Clip(
                file=file,
                song=f"song{number}",
                start_s=0,
                duration_s=10,
                ends_song=True,
                split="validation" if number == clips - 1 else "train",
                sha256=f"{number:064x}",
                source=Source(file="song.wav", sha256="f" * 64),
                metadata=HEARD,
            )
        )
    info = DatasetInfo(name=name, created="2026-11-22T15:04:05+00:00", clips=tuple(made))
    save_info(info, folder)
    return info


def add_table(settings: Settings, name: str = "Mine", rows: int = 2, **more: Any) -> Collection:
    """A metadata table."""
    made = new_collection(name)
    clips = tuple(_row(made.id, number, **more) for number in range(rows))
    settings.collections.mkdir(parents=True, exist_ok=True)
    return save_collection(settings, made.model_copy(update={"rows": clips}))


def _row(collection: str, number: int, **more: Any) -> Row:
    values: dict[str, Any] = {
        "id": f"row{number}",
        "file": f"jazz_song_clip{number:03d}.wav",
        "audio": f"training_data/user_uploads/clips/{collection}/{number}.wav",
        "upload": "up",
        "source": "song.wav",
        "song": "song",
        "start_s": 75.0,
        "duration_s": 10,
        "ends_song": False,
        "sha256": f"{number:064x}",
        "source_sha256": "f" * 64,
        "loudness_lufs": -14.0,
        "metadata": HEARD,
        "heard": HEARD,
    }
    return Row(**(values | more))


def begin(store: Store, job: Job) -> Job:
    """Let a worker take a job."""
    claimed = store.claim(job.lane, Owner(worker=this_process(), server=None, oom_kills=0))
    assert claimed is not None
    assert claimed.id == job.id
    return claimed


def finish(store: Store, job: Job, result: dict[str, Any]) -> Job:
    """Do a job: take it, and say what came of it."""
    claimed = begin(store, job)
    assert store.finish(claimed, result)
    return store.get(job.id)


def texts(updates: Sequence[Any]) -> str:
    """All that some updates say, for a look at what is in them."""
    return " ".join(str(update) for update in updates)
