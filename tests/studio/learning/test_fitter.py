"""The encoder of a released base by jobs: fitted, cut short, checked, published."""

import json
import os
import shutil
import signal
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from angen.bundle import load_bundle
from angen.errors import BadInput, MissingWeights, Stopped, Taken, Unknown
from angen.jobs.context import WorkContext
from angen.jobs.job import Job, JobState, Problem
from angen.jobs.runner import Runner
from angen.studio.learning.encoders import EncoderKind, encoder_of
from angen.studio.learning.fitter import LossCurve
from angen.studio.material.collections import new_collection, save_collection
from angen.studio.orders import MODEL
from angen.studio.requests.encoder import (
    CheckEncoderRequest,
    FitEncoderRequest,
    PublishEncoderRequest,
    QuoteEncoderRequest,
)
from angen.studio.requests.training import QuoteRequest, TrainRequest
from tests.fitting.tiny_fit import RECIPE, write_recordings
from tests.studio.working import Studio, result_of
from tests.tiny import write_tiny_bundle
from tests.ui.house import add_dataset, add_table

PATIENCE_S = 240
ENCODER = ("encoder.json", "encoder.safetensors")
QUICK = RECIPE | {"steps": 4, "songs": 2, "pairs_weight": 2.0, "prior_weight": 0.0}


class Cut:
    """A context that dies after so many steps of a stage, as by a kill or a stop."""

    def __init__(
        self, context: WorkContext, stage: str, after: int, error: type[BaseException]
    ) -> None:
        self._context, self._stage, self._after, self._error = context, stage, after, error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def stage(self, title: str) -> Callable[[int, int], None]:
        on_step = self._context.stage(title)

        def counted(done: int, total: int) -> None:
            on_step(done, total)
            if title == self._stage and done >= self._after:
                raise self._error("cut")

        return counted


def request(studio: Studio, **changes: Any) -> FitEncoderRequest:
    files = tuple(upload.id for upload in studio.desk.uploads())
    return FitEncoderRequest(**({"files": files} | QUICK | changes))


def opened(home: Path) -> Studio:
    return Studio(home, home / "base")


def weights(studio: Studio) -> list[bytes]:
    return [(Path(studio.settings.base) / ENCODER[1]).read_bytes()]


def bare(home: Path, copy: Path) -> Path:
    """A copy of a home before its fit; the songs of the fit, which cost most, are there."""
    shutil.copytree(home, copy, ignore=shutil.ignore_patterns("jobs.db*", "check", "published.zip"))
    work = encoder_of(opened_settings(copy), None).work
    for path in (
        work / "state.safetensors",
        work / "recipe.json",
        work / ".job",
        *(copy / "base" / name for name in ENCODER),
    ):
        path.unlink()
    return copy


def opened_settings(home: Path) -> Any:
    studio = opened(home)
    studio.store.close()
    return studio.settings


@pytest.fixture(scope="module")
def fitted_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose base has got an encoder by a job. Not to be changed."""
    home = tmp_path_factory.mktemp("fitted") / "home"
    write_tiny_bundle(home / "base", encoder=False)
    studio = opened(home)
    for recording in sorted(write_recordings(home / "recordings").iterdir()):
        studio.upload(recording)
    studio.done(studio.desk.fit_encoder(request(studio)))
    studio.store.close()
    return home


@pytest.fixture
def fitted(fitted_home: Path) -> Iterator[Studio]:
    studio = opened(fitted_home)
    yield studio
    studio.store.close()


@pytest.fixture
def studio(fitted_home: Path, tmp_path: Path) -> Iterator[Studio]:
    """A home whose base has no encoder yet."""
    made = opened(bare(fitted_home, tmp_path / "home"))
    yield made
    made.store.close()


def cut(studio: Studio, job: Job, after: int, error: type[BaseException], stage: str) -> None:
    """Do a job until it is cut short."""
    claimed, context = studio.begin(job)
    with pytest.raises(error) as caught:
        studio.handlers[job.kind](claimed.arguments, Cut(context, stage, after, error))
    if error is Stopped:
        assert "Try again goes on from there" in str(caught.value)
        assert studio.store.stopped(claimed, Problem(message="", kind="stopped"))
    else:
        assert studio.store.release(claimed, Problem(message="", kind="killed"))


# a fit


def test_a_fit_by_job_gives_the_base_its_encoder(fitted: Studio) -> None:
    (job,) = (job for job in fitted.desk.jobs() if job.kind == "fit_encoder")
    result = result_of(job)
    assert (job.lane, job.state, result["steps"]) == ("model", JobState.DONE, 4)
    bundle = load_bundle(fitted.settings.base)
    assert bundle.listens
    info = encoder_of(fitted.settings, None)
    assert (info.id, info.kind) == (result["encoder"], EncoderKind.FITTED)
    assert info.fit is not None
    assert info.fit.finished
    assert (info.fit.songs_made, info.fit.songs) == (2, 2)
    assert info.fit.error == pytest.approx(result["latent_error"])


def test_a_fit_tells_its_price_its_losses_and_its_validations(fitted: Studio) -> None:
    (job,) = (job for job in fitted.desk.jobs() if job.kind == "fit_encoder")
    events = fitted.desk.events(job.id)
    (quote,) = (event.data for event in events if event.kind == "quote")
    assert quote["seconds"] > 0
    told = [event.data for event in events if event.kind == "metrics"]
    assert {point["step"] for point in told} >= {2, 4}
    assert told[-1]["percent"] == 100
    assert set(told[-1]["losses"]) == {"latents", "sound", "moments"}
    assert told[-1]["loss"] == pytest.approx(sum(told[-1]["losses"].values()))
    assert told[-1]["validation_loss"] > 0
    stages = [event.data["title"] for event in events if event.kind == "stage"]
    assert stages == ["Loading the model", "Measuring the speed", "Making songs", "Fitting"]


def test_a_killed_fit_goes_on_by_itself_to_the_very_same_encoder(
    fitted: Studio, studio: Studio
) -> None:
    job = studio.desk.fit_encoder(request(studio, restart=True))
    cut(studio, job, 3, KeyboardInterrupt, "Fitting")
    begun = encoder_of(studio.settings, None)
    assert begun.kind is EncoderKind.NONE
    assert begun.fit is not None
    assert begun.fit.step == 3
    done = studio.done(studio.desk.job(job.id))
    assert (done.attempt, result_of(done)["steps"]) == (2, 4)
    assert weights(studio) == weights(fitted)
    assert not any("--restart" in str(event.data) for event in studio.desk.events(job.id))


def worker_of(job: Callable[[], Job]) -> int:
    """The process number of the worker that has begun a job."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if job().state is JobState.RUNNING:
            (pid,) = (
                int(path.parent.name)
                for path in Path("/proc").glob("[0-9]*/cmdline")
                if is_ours(path, b"angen.studio.worker\0model")
            )
            return pid
        time.sleep(0.02)
    raise AssertionError(f"no worker has begun the job within {PATIENCE_S} s")


def is_ours(path: Path, command: bytes) -> bool:
    try:
        parent = int((path.parent / "stat").read_text().rpartition(")")[2].split()[1])
        return parent == os.getpid() and command in path.read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_worker_killed_in_a_fit_changes_nothing_but_the_time(
    studio: Studio, fitted_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    longer = {"steps": 40, "save_every": 10, "clips": 1, "sound_weight": 0.0}
    monkeypatch.setenv("ANGEN_DEVICE", "cpu")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    def by_worker(studio: Studio, *, kill: bool) -> list[bytes]:
        monkeypatch.setenv("ANGEN_HOME", str(studio.settings.home))
        monkeypatch.setenv("ANGEN_BASE", studio.settings.base)
        job = studio.desk.fit_encoder(request(studio, **longer))
        saved = encoder_of(studio.settings, None).work / "state.safetensors"
        command = [sys.executable, "-m", "angen.studio.worker"]
        runner = Runner(studio.store, (MODEL,), lambda lane: [*command, lane])
        runner.start()
        try:
            until = time.monotonic() + PATIENCE_S
            if kill:
                worker = worker_of(lambda: studio.desk.job(job.id))
                while not saved.exists() and time.monotonic() < until:
                    time.sleep(0.001)
                os.kill(worker, signal.SIGKILL)
            while not studio.desk.job(job.id).state.over and time.monotonic() < until:
                time.sleep(0.1)
        finally:
            runner.stop(20)
        done = studio.desk.job(job.id)
        assert (done.state, done.attempt) == (JobState.DONE, 1 + kill), done.problem
        return weights(studio)

    whole = opened(bare(fitted_home, tmp_path / "whole"))
    expected = by_worker(whole, kill=False)
    whole.store.close()
    assert by_worker(studio, kill=True) == expected


def test_a_stopped_fit_is_saved_and_retrying_goes_on(fitted: Studio, studio: Studio) -> None:
    job = studio.desk.fit_encoder(request(studio))
    cut(studio, job, 1, Stopped, "Fitting")
    assert studio.desk.job(job.id).state is JobState.STOPPED
    with pytest.raises(Taken, match=r"another recipe.*steps was 4, now 5.*restart"):
        studio.desk.fit_encoder(request(studio, steps=5))
    done = studio.done(studio.desk.retry(job.id))
    assert result_of(done)["steps"] == 4
    assert any("Going on" in str(event.data) for event in studio.desk.events(job.id))
    assert weights(studio) == weights(fitted)


def test_a_fit_to_a_table_that_is_killed_when_its_encoder_is_in_place_is_done(
    studio: Studio,
) -> None:
    table = add_table(studio.settings)
    clip = studio.settings.home / table.rows[0].audio
    clip.parent.mkdir(parents=True)
    for number, source in enumerate(sorted((studio.settings.home / "recordings").iterdir())[:2]):
        shutil.copyfile(source, clip.with_name(f"{number}.wav"))
    asked = request(studio, files=(), collection=table.id, steps=1)
    job, context = studio.begin(studio.desk.fit_encoder(asked))
    studio.handlers[job.kind](job.arguments, context)
    said = [str(event.data) for event in studio.desk.events(job.id) if event.kind == "say"]
    assert any("minutes of recordings" in line for line in said)
    before = weights(studio)
    assert studio.store.release(job, Problem(message="", kind="killed"))
    assert result_of(studio.done(studio.desk.job(job.id)))["steps"] == 1
    assert weights(studio) == before


def test_an_encoder_that_gives_way_takes_its_check_along(studio: Studio) -> None:
    desk = studio.desk
    studio.done(desk.fit_encoder(request(studio, steps=1)))
    work = encoder_of(studio.settings, None).work
    (work / "check").mkdir()
    (work / "published.zip").touch()
    with pytest.raises(Taken, match="has an encoder"):
        desk.fit_encoder(request(studio, steps=1))
    before = weights(studio)
    studio.done(desk.fit_encoder(request(studio, width=32, overwrite=True, restart=True)))
    assert weights(studio) != before
    assert not (work / "check").exists()
    assert not (work / "published.zip").exists()


def test_a_quote_keeps_nothing_and_knows_the_songs_that_are_made(studio: Studio) -> None:
    job = studio.done(studio.desk.quote_encoder(QuoteEncoderRequest(**dict(request(studio)))))
    quote = result_of(job)
    assert (quote["songs"], quote["steps"]) == (0, 4)
    assert quote["seconds"] == quote["songs_s"] + quote["steps_s"] > 0
    assert quote["peak_memory_bytes"] > 0
    assert quote["disk_bytes"] > 0
    assert "4 steps" in quote["message"]
    assert encoder_of(studio.settings, None).fit is None


def test_losses_are_told_twice_a_second_and_with_each_validation() -> None:
    told: list[int] = []
    times: list[float] = [0.0]
    curve = LossCurve(lambda _, data: told.append(data["step"]), 100, lambda: times[-1])
    for step in range(1, 101):
        times.append(step / 20)  # twenty steps a second
        curve(step, {"latents": 1.0} | ({"error": 0.5} if step == 15 else {}))
    assert told == [1, 11, 15, *range(25, 101, 10)]


# what cannot be


def refused(studio: Studio, **changes: Any) -> str:
    with pytest.raises((BadInput, MissingWeights)) as caught:
        studio.desk.fit_encoder(request(studio, **changes))
    assert not studio.desk.jobs()
    return str(caught.value)


def test_what_could_only_fail_is_refused_before_it_queues(studio: Studio) -> None:
    assert "has its own encoder" in refused(studio, base="mini")
    assert "no base model 'nobody/theirs'" in refused(studio, base="nobody/theirs")
    assert "no upload 'gone'" in refused(studio, files=("gone",))
    assert "no metadata table 'gone'" in refused(studio, collection="gone")
    empty = save_collection(studio.settings, new_collection("empty"))
    assert "has no clips" in refused(studio, files=(), collection=empty.id)
    assert "Give recordings" in refused(studio, files=())
    assert "nothing would be learned" in refused(studio, pairs_weight=0.0, sound_weight=0.0)
    assert "whole blocks of 10" in refused(studio, clip_frames=15)
    (Path(studio.settings.base) / "style.json").unlink()
    assert "no style encoder" in refused(studio)


def test_the_same_base_is_not_fitted_twice_at_once(studio: Studio) -> None:
    studio.desk.fit_encoder(request(studio))
    with pytest.raises(Taken, match="is needed by 'Fit the encoder"):
        studio.desk.fit_encoder(request(studio, base=studio.settings.base))


def test_a_fit_without_recordings_is_asked_for_by_its_weight(studio: Studio) -> None:
    job = studio.desk.fit_encoder(request(studio, files=(), sound_weight=0.0))
    assert job.arguments["files"] == []


def test_a_training_without_encoder_is_refused_and_told_where_to_get_one(studio: Studio) -> None:
    add_dataset(studio.settings, "mine")
    training = TrainRequest(name="lora", dataset="mine")
    with pytest.raises(MissingWeights, match=r"Encoder of a released model.*/api/encoder/fit"):
        studio.desk.train(training)
    with pytest.raises(MissingWeights, match="angen encoder fit --base"):
        studio.desk.quote(QuoteRequest(name="x", dataset="mine"))
    fit = studio.desk.fit_encoder(request(studio))
    assert studio.desk.train(training, after=(fit.id,)).state is JobState.WAITING


# check and archive


def test_a_check_gives_a_verdict_and_a_page_with_sounds(fitted: Studio) -> None:
    desk = fitted.desk
    files = tuple(upload.id for upload in desk.uploads())
    result = result_of(fitted.done(desk.check_encoder(CheckEncoderRequest(files=files))))
    assert result["answer"] in ("doubtful", "bad")  # so few steps teach nothing
    assert result["faults"]
    assert result["figures"]["recordings"] == 3
    info = encoder_of(fitted.settings, None)
    assert info.check is not None
    assert (info.check.answer, list(info.check.faults)) == (result["answer"], result["faults"])
    assert info.check.figures["mel"] == pytest.approx(result["figures"]["mel"])
    page = desk.encoder_check_file(info.id, "check.html").read_text("utf-8")
    assert result["sentence"] in page
    assert desk.encoder_check_file(info.id, "sounds/0_original.wav").is_file()
    for file in ("../state.safetensors", "sounds/../check.html", "/etc/passwd", "", "recipe.json"):
        with pytest.raises(Unknown):
            desk.encoder_check_file(info.id, file)
    with pytest.raises(Unknown, match="no base model"):
        desk.encoder_check_file("..", "check.html")


def test_a_published_encoder_is_an_archive_with_its_card(fitted: Studio) -> None:
    desk = fitted.desk
    info = encoder_of(fitted.settings, None)
    job = desk.publish_encoder(PublishEncoderRequest(licence="cc-by-4.0"))
    assert job.lane == "desk"
    result = result_of(fitted.done(job))
    path = desk.published_encoder(info.id)
    assert result["size_bytes"] == path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        names = {name.partition("/")[2] for name in archive.namelist()}
        assert names == {*ENCODER, "README.md"}
        assert "license: cc-by-4.0" in archive.read(f"{info.id}/README.md").decode()
        assert [archive.read(f"{info.id}/{ENCODER[1]}")] == weights(fitted)
        assert json.loads(archive.read(f"{info.id}/encoder.json"))["kind"] == "learned"
    assert encoder_of(fitted.settings, None).published


def test_nothing_is_checked_or_published_that_is_not_there(studio: Studio) -> None:
    desk = studio.desk
    files = tuple(upload.id for upload in desk.uploads())
    with pytest.raises(MissingWeights, match="has no encoder"):
        desk.check_encoder(CheckEncoderRequest(files=files))
    with pytest.raises(BadInput, match="at least one recording"):
        desk.check_encoder(CheckEncoderRequest(base="mini"))
    with pytest.raises(MissingWeights, match="has no encoder"):
        desk.publish_encoder(PublishEncoderRequest())
    with pytest.raises(Taken, match="came with it"):
        desk.publish_encoder(PublishEncoderRequest(base="mini"))
    with pytest.raises(Unknown, match="not published"):
        desk.published_encoder(encoder_of(studio.settings, None).id)


def test_the_list_names_each_base_that_is_here(studio: Studio) -> None:
    found = {info.base: info for info in studio.desk.encoders()}
    assert found["mini"].kind is EncoderKind.OWN
    assert not found["mini"].fittable
    assert found[studio.settings.base].kind is EncoderKind.NONE
    assert found[studio.settings.base].fittable
