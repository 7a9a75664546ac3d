"""Nothing that a job needs is deleted, replaced, renamed or edited while it is not over."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from angen.adapters.metadata import AdapterMetadata, BaseFacts, DatasetFacts, write_metadata
from angen.bundle import Bundle
from angen.cli.main import run
from angen.errors import AngenError, BadInput, Taken, Unknown
from angen.jobs.job import Job
from angen.jobs.store import Store
from angen.studio.desk import Desk
from angen.studio.orders import LANES, declare_uses
from angen.studio.requests.material import (
    AnalyzeRequest,
    FillRequest,
    MetadataEdit,
    PrepareRequest,
    SplitRequest,
)
from angen.studio.requests.models import FetchRequest
from angen.studio.requests.songs import AdapterUse, SongRequest
from angen.studio.requests.training import (
    MergeRequest,
    QuoteRequest,
    ReportRequest,
    ResumeRequest,
    TrainRequest,
)
from angen.studio.work import handlers
from tests.adapters.fill import written
from tests.data.songs import write_song
from tests.studio.working import Studio

SONG = SongRequest(prompt="house", duration_s=2, steps=1)
Add = Callable[[Desk], Job]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, tiny_folder: Path) -> Studio:
    """A home with the upload, table and dataset ``mine``, and two adapters. Jobs are cancelled."""
    studio = Studio(tmp_path_factory.mktemp("uses") / "home", tiny_folder)
    songs = [write_song(studio.settings.home / f"{n}.wav", 12, seed=n) for n in range(2)]
    ids = tuple(studio.upload(song) for song in songs)
    studio.done(studio.desk.prepare(PrepareRequest(files=ids, name="mine")))
    studio.done(studio.desk.analyze(AnalyzeRequest(files=ids)))
    return studio


@pytest.fixture
def studio(prepared: Studio, tiny_bundle: Bundle) -> Iterator[Studio]:
    for name in ("Blues", "other"):
        folder = prepared.settings.loras / name
        if not folder.exists():
            written(tiny_bundle, folder / "best_model")
            facts = DatasetFacts(
                name="mine", fingerprint="d", training_clips=1, validation_clips=1, minutes=1
            )
            base = BaseFacts(name=prepared.settings.base, fingerprint="b")
            write_metadata(folder, AdapterMetadata(name=name, rank=4, dataset=facts, base=base))
    yield prepared
    for job in prepared.desk.jobs():
        prepared.desk.cancel(job.id)


def use(name: str) -> SongRequest:
    return SONG.model_copy(update={"adapters": (AdapterUse(name=name),)})


def training(name: str, **values: Any) -> TrainRequest:
    return TrainRequest(name=name, dataset="mine", max_steps=2, **values)


def upload(desk: Desk) -> str:
    return desk.uploads()[0].id


def table(desk: Desk) -> str:
    return desk.collections()[0].id


NEED_DATASET: dict[str, Add] = {
    "train": lambda desk: desk.train(training("new")),
    "quote": lambda desk: desk.quote(QuoteRequest(name="new", dataset="mine")),
    "resume": lambda desk: desk.resume(ResumeRequest(name="Blues")),
    "report": lambda desk: desk.report(ReportRequest(adapter="Blues")),
    "report on it": lambda desk: desk.report(ReportRequest(adapter="other", dataset="mine")),
}
CHANGE_DATASET: dict[str, Callable[[Desk], object]] = {
    "delete": lambda desk: desk.delete_dataset("mine"),
    "edit": lambda desk: desk.edit_dataset("mine", {}),
    "replace": lambda desk: desk.prepare(
        PrepareRequest(files=(upload(desk),), name="MINE", overwrite=True)
    ),
}
NEED_ADAPTER: dict[str, Add] = {
    "song": lambda desk: desk.generate(use("Blues")),
    "compare": lambda desk: desk.compare(use("Blues")),
    "report": NEED_DATASET["report"],
    "resume": NEED_DATASET["resume"],
    "merge": lambda desk: desk.merge_adapters(
        MergeRequest(name="both", adapters=(AdapterUse(name="Blues"), AdapterUse(name="other")))
    ),
    "train": lambda desk: desk.train(training("blues", overwrite=True)),
}
CHANGE_ADAPTER: dict[str, Callable[[Desk], object]] = {
    "delete": lambda desk: desk.delete_adapter("Blues"),
    "rename": lambda desk: desk.rename_adapter("Blues", "jazz"),
    "replace": lambda desk: desk.train(training("BLUES", overwrite=True)),
    "resume": NEED_ADAPTER["resume"],
}


@pytest.mark.parametrize("change", CHANGE_DATASET)
@pytest.mark.parametrize("need", NEED_DATASET)
def test_a_dataset_stays_while_a_job_needs_it(studio: Studio, need: str, change: str) -> None:
    first = studio.desk.generate(SONG)
    job = NEED_DATASET[need](studio.desk)
    with pytest.raises(Taken, match=f"'mine' is needed by .* .job {job.id}., which is queued"):
        CHANGE_DATASET[change](studio.desk)
    studio.desk.cancel(first.id)
    studio.desk.cancel(job.id)
    if change != "delete":  # the others need it still
        CHANGE_DATASET[change](studio.desk)


@pytest.mark.parametrize("change", CHANGE_ADAPTER)
@pytest.mark.parametrize("need", NEED_ADAPTER)
def test_an_adapter_stays_while_a_job_needs_it(studio: Studio, need: str, change: str) -> None:
    job = NEED_ADAPTER[need](studio.desk)
    with pytest.raises(Taken, match=f"'blues' is needed by .* .job {job.id}., which is queued"):
        CHANGE_ADAPTER[change](studio.desk)
    assert studio.desk.adapter("Blues").usable
    studio.desk.cancel(job.id)
    CHANGE_ADAPTER[change](studio.desk)
    if change == "rename":
        studio.desk.rename_adapter("jazz", "Blues")


@pytest.mark.parametrize(
    "need",
    [
        lambda desk: desk.analyze(AnalyzeRequest(files=(upload(desk),))),
        lambda desk: desk.split(SplitRequest(files=(upload(desk),))),
        lambda desk: desk.prepare(PrepareRequest(files=(upload(desk),), name="new")),
        lambda desk: desk.analyze(AnalyzeRequest(files=(upload(desk),), collection=table(desk))),
        lambda desk: desk.fill(FillRequest(collection=table(desk))),
        lambda desk: desk.prepare(PrepareRequest(collection=table(desk), name="new")),
    ],
)
def test_recordings_and_tables_stay_while_a_job_needs_them(studio: Studio, need: Add) -> None:
    desk = studio.desk
    arguments = need(desk).arguments
    if arguments.get("files"):
        with pytest.raises(Taken, match=r"The upload .* is needed by"):
            desk.delete_upload(upload(desk))
    if arguments.get("collection"):
        with pytest.raises(Taken, match=r"The collection .* is needed by"):
            desk.delete_collection(table(desk))


def test_a_table_that_is_being_made_may_be_waited_for_and_is_not_deleted(studio: Studio) -> None:
    desk = studio.desk
    making = desk.analyze(AnalyzeRequest(files=(upload(desk),)))
    desk.prepare(PrepareRequest(collection=making.id, name="new"), after=(making.id,))
    with pytest.raises(Taken, match="The collection"):
        desk.delete_collection(making.id)
    with pytest.raises(Unknown, match="no metadata table 'nothing'"):
        desk.prepare(PrepareRequest(collection="nothing", name="newer"), after=(making.id,))


def test_only_what_a_job_before_makes_may_be_missing(studio: Studio) -> None:
    desk = studio.desk
    song, made = desk.generate(SONG), desk.train(training("made"))
    desk.generate(use("made"), after=(made.id,))
    for name, after in (("made", song), ("unmade", made)):
        with pytest.raises(AngenError, match=name):
            desk.generate(use(name), after=(after.id,))
    for values in ({"dataset": "unmade"}, {"dataset": "made"}):
        request = training("third").model_copy(update=values)
        with pytest.raises(Unknown, match="There is no dataset"):
            desk.train(request, after=(made.id,))


MAKERS: dict[str, Callable[[Desk, int], Job]] = {
    "train": lambda desk, n: desk.train(training(("twin", "Twin")[n % 2])),
    "overwrite": lambda desk, _: desk.train(training("twin", overwrite=True)),
    "merge": lambda desk, _: desk.merge_adapters(
        MergeRequest(name="twin", adapters=(AdapterUse(name="Blues"), AdapterUse(name="other")))
    ),
    "train or merge": lambda desk, n: MAKERS[("train", "merge")[n % 2]](desk, 0),
    "prepare": lambda desk, _: desk.prepare(PrepareRequest(files=(upload(desk),), name="twin")),
    "prepare anew": lambda desk, _: desk.prepare(
        PrepareRequest(files=(upload(desk),), name="twin", overwrite=True)
    ),
    "resume": lambda desk, _: desk.resume(ResumeRequest(name="Blues")),
    "fetch": lambda desk, _: desk.fetch(FetchRequest(name="a/b", accept_licence=True)),
}


def at_once(act: Callable[[int], object]) -> int:
    """How many of eight at the same time succeed; the others must be Taken or gone."""
    start = threading.Barrier(8)

    def one(n: int) -> bool:
        start.wait()
        try:
            act(n)
        except (Taken, Unknown):
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        return sum(pool.map(one, range(8)))


@pytest.mark.parametrize("maker", MAKERS)
def test_of_eight_at_once_of_one_name_exactly_one_is_accepted(studio: Studio, maker: str) -> None:
    def ask(n: int) -> None:
        with Store(studio.settings.database) as store:  # as a process of its own
            MAKERS[maker](Desk(studio.settings, store), n)

    assert at_once(ask) == 1


def test_of_eight_imports_of_one_name_one_is_accepted_and_no_archive_stays(
    studio: Studio, tmp_path: Path
) -> None:
    archive = studio.desk.export_adapter("Blues").read_bytes()

    def bring(n: int) -> None:
        path = tmp_path / f"{n}.zip"
        path.write_bytes(archive)
        studio.desk.import_adapter(path, "twin")

    assert at_once(bring) == 1
    assert len(list(studio.settings.incoming.iterdir())) == 1


def test_of_eight_renamings_one_is_done(studio: Studio) -> None:
    assert at_once(lambda n: studio.desk.rename_adapter("other", f"name {n}")) == 1
    (name,) = (info.name for info in studio.desk.adapters() if info.name.startswith("name "))
    assert studio.desk.rename_adapter(name, "other").usable


def test_a_deletion_and_a_job_at_once_never_both_succeed(studio: Studio) -> None:
    def act(n: int) -> None:
        if n % 2:
            studio.desk.delete_adapter("other")
        else:
            studio.desk.generate(use("other"))

    for _ in range(5):
        at_once(act)
        songs = [job for job in studio.desk.jobs() if not job.state.over]
        assert (studio.settings.loras / "other").is_dir() == bool(songs)
        if not songs:
            break
        for job in songs:
            studio.desk.cancel(job.id)


def test_unnamed_datasets_are_called_by_different_seconds(studio: Studio) -> None:
    desk = studio.desk
    jobs = [desk.prepare(PrepareRequest(files=(upload(desk),))) for _ in range(3)]
    names = {str(job.arguments["name"]) for job in jobs}
    assert len(names) == 3
    assert all(name.startswith("user_dataset_1") for name in names)


def test_what_jobs_of_the_version_before_need_is_found_out(studio: Studio) -> None:
    job = studio.desk.report(ReportRequest(adapter="Blues"))
    with closing(sqlite3.connect(studio.settings.home / "jobs.db")) as queue, queue:
        queue.execute("UPDATE angen_jobs SET uses = NULL")
    studio.desk.edit_dataset("mine", {})
    declare_uses(studio.store, studio.settings)
    with pytest.raises(Taken, match=job.id):
        studio.desk.edit_dataset("mine", {})
    with pytest.raises(Taken, match=job.id):
        studio.desk.delete_adapter("Blues")


def test_every_kind_of_job_is_known_here_and_there(studio: Studio) -> None:
    assert set(handlers(studio.settings, studio.shelf)) == set(LANES)


def test_a_dataset_is_edited_when_its_training_is_over(studio: Studio) -> None:
    desk = studio.desk
    job = desk.quote(QuoteRequest(name="x", dataset="mine", max_steps=2))
    file = desk.dataset("mine").clips[0].file
    edit = {file: MetadataEdit(genre="jazz")}
    with pytest.raises(BadInput, match="needed by"):
        desk.edit_dataset("mine", edit)
    claimed, _ = studio.begin(job)
    assert studio.store.finish(claimed, {})
    desk.edit_dataset("mine", edit)
    assert desk.dataset("mine").clips[0].metadata.genre == "jazz"


@pytest.mark.parametrize(
    ("command", "what"),
    [
        (["adapters", "delete", "Blues", "--yes"], "adapter 'blues'"),
        (["adapters", "rename", "Blues", "jazz"], "adapter 'blues'"),
        (["adapters", "rename", "other", "Blues"], "adapter 'blues'"),
        (["train", "--dataset", "mine", "--name", "Blues", "--overwrite"], "adapter 'blues'"),
        (["prepare", "nowhere", "--name", "mine", "--replace"], "dataset 'mine'"),
        (["datasets", "import", "mine", "nowhere.csv"], "dataset 'mine'"),
    ],
)
def test_commands_take_nothing_from_under_a_job_either(
    studio: Studio, capsys: pytest.CaptureFixture[str], command: list[str], what: str
) -> None:
    job = studio.desk.report(ReportRequest(adapter="Blues"))
    assert run(["--home", str(studio.settings.home), *command]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert f"The {what} is needed by 'Measure Blues' (job {job.id})" in said
    assert studio.desk.adapter("Blues").usable
