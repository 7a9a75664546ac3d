"""The main job through the queue, by the real workers in processes of their own."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from angen.audio.files import read_audio
from angen.jobs.job import Job, JobState
from angen.jobs.runner import Runner
from angen.jobs.store import Store
from angen.studio.desk import Desk
from angen.studio.orders import DESK, MODEL
from angen.studio.requests.material import AnalyzeRequest, MetadataEdit, PrepareRequest
from angen.studio.requests.songs import AdapterUse, SongRequest
from angen.studio.requests.training import TrainRequest
from angen.studio.settings import read_settings
from tests.studio.working import EXAMPLES, result_of

PATIENCE_S = 240


@pytest.fixture
def desk(tmp_path: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("ANGEN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ANGEN_BASE", str(tiny_folder))
    monkeypatch.setenv("ANGEN_DEVICE", "cpu")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    settings = read_settings()
    settings.home.mkdir()
    with Store(settings.database) as store:
        runner = Runner(
            store, (MODEL, DESK), lambda lane: [sys.executable, "-m", "angen.studio.worker", lane]
        )
        runner.start()
        try:
            yield Desk(settings, store, runner.poke)
        finally:
            runner.stop(20)


def done(desk: Desk, job: Job) -> Job:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        found = desk.job(job.id)
        if found.state.over:
            assert found.state is JobState.DONE, found.problem
            return found
        time.sleep(0.1)
    raise AssertionError(f"{job.title} took longer than {PATIENCE_S} s")


def test_recordings_become_an_adapter_and_the_adapter_a_song(desk: Desk) -> None:
    ids = []
    for path in sorted(EXAMPLES.glob("*.ogg"))[:2]:
        with path.open("rb") as stream:
            ids.append(desk.save_upload(path.name, stream).id)
    table = result_of(done(desk, desk.analyze(AnalyzeRequest(files=tuple(ids)))))["collection"]
    rows = desk.collection(table).rows
    assert len(rows) >= 4
    desk.edit_rows(table, {rows[0].id: MetadataEdit(genre="polka")})
    prepare = desk.prepare(PrepareRequest(collection=table, name="mine"))
    request = TrainRequest(name="lora", dataset="mine", max_steps=4, report=False, sample_s=2)
    train = desk.train(request, after=(prepare.id,))
    song = SongRequest(prompt="polka", duration_s=4, steps=2, adapters=(AdapterUse(name="lora"),))
    generate = desk.generate(song, after=(train.id,))
    result = result_of(done(desk, generate))
    assert desk.dataset("mine").clips[0].metadata.genre == "polka"
    assert result_of(desk.job(train.id))["steps"] == 4
    sound = read_audio(desk.song_audio(result["song"]))
    assert sound.duration_s == pytest.approx(result["duration_s"])
    assert abs(sound.samples).max() > 0
    desk.delete_song(result["song"])
    desk.delete_adapter("lora")
    desk.delete_dataset("mine")
    desk.delete_collection(table)
    for upload in ids:
        desk.delete_upload(upload)
    left = [path for path in desk.settings.home.rglob("*") if path.suffix in (".wav", ".ogg")]
    assert [path.parent.name for path in left] == [".making"]
