"""Jobs from the desk to their result, on the tiny base."""

import json
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from angen.audio.files import read_audio
from angen.bundle import Bundle, load_bundle
from angen.errors import BadInput, Stopped, Taken, Unknown
from angen.jobs.context import WorkContext
from angen.jobs.job import JobState, Problem
from angen.studio.learning.progress import sampled_steps, told_samples
from angen.studio.learning.training import resume_training
from angen.studio.playing.shelf import Shelf
from angen.studio.requests.material import AnalyzeRequest, FillRequest, MetadataEdit, PrepareRequest
from angen.studio.requests.songs import AdapterUse, SongRequest
from angen.studio.requests.training import MergeRequest, QuoteRequest, ResumeRequest, TrainRequest
from angen.training.quote import Quote
from tests.adapters.fill import written
from tests.data.songs import write_song
from tests.studio.working import Studio, result_of

WEIGHTS = "best_model/adapter_model.safetensors"
SONG = SongRequest(prompt="house, 120 BPM", duration_s=6, seed=4, steps=2)


@pytest.fixture
def studio(tmp_path: Path, tiny_folder: Path) -> Iterator[Studio]:
    made = Studio(tmp_path / "home", tiny_folder)
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, tiny_folder: Path) -> Path:
    """A home with the dataset ``mine``: three songs, prepared by jobs. Not to be changed."""
    made = Studio(tmp_path_factory.mktemp("prepared") / "home", tiny_folder)
    ids = [made.upload(song) for song in songs(made.settings.home)]
    made.done(made.desk.prepare(PrepareRequest(files=tuple(ids), name="mine")))
    made.store.close()
    return made.settings.home


def songs(folder: Path) -> list[Path]:
    return [write_song(folder / "songs" / f"song {n}.wav", 12 + n, seed=n) for n in range(3)]


def with_dataset(studio: Studio, prepared: Path) -> Studio:
    studio.settings.datasets.mkdir(parents=True, exist_ok=True)
    (studio.settings.datasets / "mine").symlink_to(prepared / "training_data" / "mine")
    return studio


def with_adapter(studio: Studio, tiny_bundle: Bundle, name: str, seed: int = 0) -> Studio:
    written(tiny_bundle, studio.settings.loras / name / "best_model", seed=seed)
    return studio


def training(name: str = "lora", **values: Any) -> TrainRequest:
    quick = {"max_steps": 6, "checkpoint_every": 2, "report": False, "samples": 0, "log_every": 2}
    return TrainRequest(name=name, dataset="mine", **(quick | values))


# recordings


def test_recordings_become_a_table_that_a_person_edits_and_a_dataset(studio: Studio) -> None:
    desk = studio.desk
    ids = [studio.upload(song) for song in songs(studio.settings.home)]
    job = studio.done(
        desk.analyze(AnalyzeRequest(files=tuple(ids), name="Mine", min_s=5, max_s=10))
    )
    table = desk.collection(result_of(job)["collection"])
    assert (table.name, table.id) == ("Mine", job.id)
    assert {row.source for row in table.rows} == {f"song {n}.wav" for n in range(3)}
    assert len(table.rows) > 3
    for row in table.rows:
        clip = read_audio(desk.row_audio(table.id, row.id))
        assert clip.duration_s == pytest.approx(row.duration_s, abs=1e-3)
        assert row.prompt
        assert set(row.metadata.confidence) >= {"bpm", "key", "genre"}
    first, second, *_ = table.rows
    edit = MetadataEdit(genre="polka", lyrics="la la", mood="")
    desk.edit_rows(table.id, {first.id: edit})
    studio.done(desk.fill(FillRequest(collection=table.id)))
    filled = desk.collection(table.id)
    assert (filled.rows[0].metadata.genre, filled.rows[0].metadata.mood) == ("polka", "")
    assert filled.rows[1].metadata == second.metadata
    job = studio.done(desk.prepare(PrepareRequest(collection=table.id, name="set", held_out=0.3)))
    info = desk.dataset("set")
    assert result_of(job)["dataset"] == "set"
    assert [clip.sha256 for clip in info.clips] == [row.sha256 for row in table.rows]
    assert info.clips[0].metadata.lyrics == "la la"
    assert {clip.song for clip in info.side("train")}.isdisjoint(
        {clip.song for clip in info.side("validation")}
    )
    desk.delete_collection(table.id)
    assert desk.clip_audio("set", info.clips[0].file).is_file()


def test_an_analysis_goes_on_where_it_was_cut_short(studio: Studio) -> None:
    ids = [studio.upload(song) for song in songs(studio.settings.home)[:2]]
    job, context = studio.begin(studio.desk.analyze(AnalyzeRequest(files=tuple(ids))))
    with pytest.raises(KeyboardInterrupt):
        studio.handlers["analyze"](job.arguments, Broken(context, after=13))
    before = studio.desk.collection(job.id)
    assert {row.upload for row in before.rows} == {ids[0]}
    stray = studio.settings.clips / job.id / "stray.wav"
    stray.write_bytes(b"")
    studio.store.release(job, Problem(message="", kind="killed"))
    studio.done(studio.desk.job(job.id))
    after = studio.desk.collection(job.id)
    assert after.rows[: len(before.rows)] == before.rows
    assert {row.upload for row in after.rows} == set(ids)
    assert not stray.exists()


def test_a_recording_that_cannot_be_used_does_not_stop_the_others(studio: Studio) -> None:
    good = studio.upload(write_song(studio.settings.home / "good.wav", 12))
    silence = studio.settings.home / "silence.wav"
    with wave.open(str(silence), "wb") as file:
        file.setparams((1, 2, 8_000, 0, "NONE", ""))
        file.writeframes(bytes(2 * 8_000 * 12))
    bad = studio.upload(silence)
    job = studio.done(studio.desk.analyze(AnalyzeRequest(files=(bad, good))))
    table = studio.desk.collection(result_of(job)["collection"])
    assert [row.upload for row in table.rows] == [good]
    assert table.skipped[0].file == "silence.wav"
    assert "silent" in table.skipped[0].reason
    assert "silence.wav" not in table.skipped[0].reason


def test_copies_of_a_song_are_one_song(studio: Studio) -> None:
    first, other = (write_song(studio.settings.home / f"{n}.wav", 12 + n, seed=n) for n in range(2))
    ids = [
        studio.upload(first, "mine.wav"),
        studio.upload(first, "the very same.wav"),
        studio.upload(other, "another.wav"),
    ]
    job = studio.done(studio.desk.analyze(AnalyzeRequest(files=tuple(ids))))
    rows = studio.desk.collection(result_of(job)["collection"]).rows
    assert [row.song for row in rows] == ["mine", "mine", "another"]
    twins = [[said for said in row.warnings if "same sound" in said] for row in rows]
    assert twins == [[], ["The same sound as row 1 (mine). One of them is enough."], []]


def test_stems_that_cannot_be_separated_are_told_and_the_table_stands(studio: Studio) -> None:
    upload = studio.upload(write_song(studio.settings.home / "good.wav", 12))
    request = AnalyzeRequest(files=(upload,), separate_stems=True)
    job = studio.done(studio.desk.analyze(request))
    table = studio.desk.collection(result_of(job)["collection"])
    assert len(table.rows) == 1
    assert table.notes[0].startswith("No stems were separated.")


# songs


def test_a_song_is_heard_while_it_is_made_and_is_the_one_that_stays(studio: Studio) -> None:
    job = studio.done(studio.desk.generate(SONG))
    heard = studio.desk.job_audio(job.id)
    assert (heard.finished, heard.song) == (True, result_of(job)["song"])
    assert [(song.id, song.job) for song in studio.desk.songs()] == [(heard.song, job.id)]
    assert heard.seconds_ready == heard.seconds_asked == 6
    assert heard.path is not None
    growing = read_audio(heard.path).samples
    made = read_audio(studio.desk.song_audio(result_of(job)["song"])).samples
    settled = made.shape[1] - 500  # the last frame is shaken by other numbers
    np.testing.assert_allclose(growing[:, :settled], made[:, :settled], atol=1e-3)
    told = [event.data["seconds_ready"] for event in studio.desk.events(job.id) if is_audio(event)]
    assert told == sorted(told)
    assert told[0] < 2 < told[-1]


def is_audio(event: Any) -> bool:
    return bool(event.kind == "audio")


def test_a_kept_model_makes_the_same_song_as_a_fresh_one(
    studio: Studio, tiny_bundle: Bundle
) -> None:
    with_adapter(with_adapter(studio, tiny_bundle, "a"), tiny_bundle, "b", seed=1)
    requests = [
        SONG.model_copy(update={"adapters": uses, "duration_s": 2.0, "steps": 1})
        for uses in (
            (AdapterUse(name="b", strength=0.5), AdapterUse(name="a", strength=2.0)),
            (),
            (AdapterUse(name="a"),),
        )
    ]
    kept = [made(studio, request) for request in requests]
    fresh = []
    for request in requests:
        studio.shelf.let_go()
        fresh.append(made(studio, request))
    assert kept == fresh
    assert len(set(kept)) == 3


def made(studio: Studio, request: SongRequest) -> bytes:
    job = studio.done(studio.desk.generate(request))
    return studio.desk.song_audio(result_of(job)["song"]).read_bytes()


def test_a_song_that_breaks_off_leaves_the_kept_model_clean(
    studio: Studio, tiny_bundle: Bundle
) -> None:
    with_adapter(studio, tiny_bundle, "a")
    before = made(studio, SONG)
    use = SONG.model_copy(update={"adapters": (AdapterUse(name="a"),)})
    job, context = studio.begin(studio.desk.generate(use))
    with pytest.raises(Stopped):
        studio.handlers["generate"](job.arguments, Broken(context, after=3, error=Stopped))
    studio.store.stopped(job, Problem(message="", kind="stopped"))
    assert made(studio, SONG) == before


def test_a_song_that_is_tried_again_takes_the_place_of_itself(studio: Studio) -> None:
    job, context = studio.begin(studio.desk.generate(SONG))
    first = studio.handlers["generate"](job.arguments, context)
    studio.store.release(job, Problem(message="", kind="killed"))
    second = studio.done(studio.desk.job(job.id))
    assert result_of(second)["song"] == first["song"]
    assert len(studio.desk.songs()) == 1


def test_base_and_adapter_play_the_same_seed(studio: Studio, tiny_bundle: Bundle) -> None:
    with_adapter(studio, tiny_bundle, "a")
    request = SONG.model_copy(update={"adapters": (AdapterUse(name="a"),)})
    job = studio.done(studio.desk.compare(request))
    base, adapted = (studio.desk.song(result_of(job)[side]) for side in ("base", "adapted"))
    assert base.request is not None
    assert adapted.request is not None
    assert base.request.adapters == ()
    assert adapted.request.seed == base.request.seed == SONG.seed
    assert base.path.read_bytes() != adapted.path.read_bytes()
    studio.desk.delete_song(base.id)
    assert [song.id for song in studio.desk.songs()] == [adapted.id]


def test_what_cannot_be_made_is_refused_at_once(studio: Studio) -> None:
    for update, said in (
        ({"adapters": (AdapterUse(name="nobody"),)}, "nobody"),
        ({"adapters": (AdapterUse(name="../../etc"),)}, "adapter name"),
        ({"base": "/etc"}, "no base model"),
    ):
        with pytest.raises(BadInput, match=said):
            studio.desk.generate(SONG.model_copy(update=update))
    with pytest.raises(BadInput, match="at least one adapter"):
        studio.desk.compare(SONG)
    assert studio.desk.jobs() == []


# trainings


class Broken:
    """A context that dies after so many counted steps, as by a kill."""

    def __init__(
        self, context: WorkContext, *, after: int, error: type[BaseException] = KeyboardInterrupt
    ) -> None:
        self._context = context
        self._after = after
        self._error = error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def stage(self, title: str) -> Any:
        on_step = self._context.stage(title)

        def counted(done: int, total: int) -> None:
            on_step(done, total)
            if done >= self._after and title in ("Training", "Making the song", LISTENING):
                raise self._error("killed")

        return counted


LISTENING = "Listening and cutting"


def test_a_killed_training_goes_on_to_the_very_same_weights(studio: Studio, prepared: Path) -> None:
    with_dataset(studio, prepared)
    whole = studio.done(studio.desk.train(training("whole")))
    job, context = studio.begin(studio.desk.train(training("cut")))
    with pytest.raises(KeyboardInterrupt):
        studio.handlers["train"](job.arguments, Broken(context, after=5))
    folder = studio.settings.loras / "cut"
    assert [path.name for path in (folder / "checkpoints").iterdir()] != []
    assert not (folder / "final_model").exists()
    studio.store.release(job, Problem(message="", kind="killed"))
    done = studio.done(studio.desk.job(job.id))
    assert (done.attempt, result_of(done)["steps"]) == (2, result_of(whole)["steps"])
    for name in ("best_model", "final_model"):
        first, second = (
            load_file(studio.settings.loras / which / name / "adapter_model.safetensors")
            for which in ("whole", "cut")
        )
        assert all(torch.equal(first[key], second[key]) for key in first)
    steps = [e.data["step"] for e in studio.desk.events(job.id) if e.kind == "metrics"]
    assert steps[-1] == 6


def test_a_training_killed_before_its_first_checkpoint_begins_anew(
    studio: Studio, prepared: Path
) -> None:
    with_dataset(studio, prepared)
    job, context = studio.begin(studio.desk.train(training(checkpoint_every=500)))
    with pytest.raises(KeyboardInterrupt):
        studio.handlers["train"](job.arguments, Broken(context, after=2))
    studio.store.release(job, Problem(message="", kind="killed"))
    assert result_of(studio.done(studio.desk.job(job.id)))["steps"] == 6


def test_a_training_never_goes_on_from_what_another_job_left(
    studio: Studio, prepared: Path
) -> None:
    with_dataset(studio, prepared)
    first = studio.done(studio.desk.train(training()))
    with pytest.raises(Taken, match="already"):
        studio.desk.train(training())
    again = studio.done(studio.desk.train(training(max_steps=3, overwrite=True)))
    assert (result_of(first)["steps"], result_of(again)["steps"]) == (6, 3)


def test_a_stopped_training_is_saved_and_can_be_resumed(studio: Studio, prepared: Path) -> None:
    with_dataset(studio, prepared)
    job, context = studio.begin(studio.desk.train(training()))
    told = (
        r"Stopped at step 3 of 6\. What 'lora' has learned is saved: Try again goes on from there\."
    )
    with pytest.raises(Stopped, match=told):
        studio.handlers["train"](job.arguments, Broken(context, after=3, error=Stopped))
    studio.store.stopped(job, Problem(message="", kind="stopped"))
    done = studio.done(studio.desk.resume(ResumeRequest(name="lora", report=False)))
    assert result_of(done)["steps"] == 6
    with pytest.raises(Taken, match="finished"):
        studio.desk.resume(ResumeRequest(name="lora"))


def test_a_training_that_goes_on_quotes_what_is_left(studio: Studio, prepared: Path) -> None:
    with_dataset(studio, prepared)
    job, context = studio.begin(studio.desk.train(training()))
    with pytest.raises(Stopped):
        studio.handlers["train"](job.arguments, Broken(context, after=3, error=Stopped))
    studio.store.stopped(job, Problem(message="", kind="stopped"))
    quotes: list[Quote] = []
    _, context = studio.begin(studio.desk.resume(ResumeRequest(name="lora", report=False)))
    resume_training("lora", studio.settings, context, quotes.append, effect=None)
    assert [(quote.done, quote.steps) for quote in quotes] == [(3, 3)]
    with pytest.raises(BadInput, match="finished"):
        resume_training("lora", studio.settings, context, quotes.append, effect=None)
    assert len(quotes) == 1


def test_samples_are_heard_on_the_way_and_change_nothing(studio: Studio, prepared: Path) -> None:
    with_dataset(studio, prepared)
    studio.done(studio.desk.train(training("silent", max_steps=3)))
    job = studio.done(studio.desk.train(training("heard", max_steps=3, samples=9, sample_s=2)))
    found = [event.data for event in studio.desk.events(job.id) if event.kind == "sample"]
    assert [sample["step"] for sample in found] == [0, 3]
    said = [e.data["message"] for e in studio.desk.events(job.id) if e.kind == "say"]
    assert (
        "Audio samples: before the first step, after step 3; "
        "not 9, since at most one in 25 steps is made."
    ) in said
    for sample in found:
        path = studio.desk.adapter_file("heard", sample["audio"])
        assert read_audio(path).duration_s == pytest.approx(sample["duration_s"])
    first, second = (load_file(studio.settings.loras / n / WEIGHTS) for n in ("silent", "heard"))
    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize(
    ("steps", "count", "due"),
    [(100, 4, {0, 25, 50, 75, 100}), (60, 9, {0, 30, 60}), (4, 4, {0, 4}), (100, 0, set())],
)
def test_samples_are_spread_over_a_training(steps: int, count: int, due: set[int]) -> None:
    assert sampled_steps(steps, count) == due
    told = told_samples(steps, count)
    assert all(f"after step {step}" in told for step in due - {0})
    assert ("since" in told) == (count > len(due) - 1 >= 0)


def test_the_curves_begin_with_the_base_and_end_with_the_training(
    studio: Studio, prepared: Path
) -> None:
    with_dataset(studio, prepared)
    job = studio.done(studio.desk.train(training()))
    points = [event.data for event in studio.desk.events(job.id) if event.kind == "metrics"]
    assert (points[0]["step"], points[0]["loss"]) == (0, None)
    assert points[0]["validation_loss"] == pytest.approx(
        result_of(job)["losses"]["validation_base"]
    )
    assert points[-1]["percent"] == 100
    measured = [p["validation_loss"] for p in points if p["validation_loss"] is not None]
    assert measured[-1] == pytest.approx(result_of(job)["losses"]["validation_final"])
    assert {event.kind for event in studio.desk.events(job.id)} >= {"quote", "say", "progress"}


def test_a_training_ends_with_its_report_and_is_named_in_the_library(
    studio: Studio, prepared: Path
) -> None:
    with_dataset(studio, prepared)
    request = training(report=True, report_songs=4, report_s=3)
    job = studio.done(studio.desk.train(request))
    told = [event.data for event in studio.desk.events(job.id) if event.kind == "progress"]
    stages = ("Training", "Making songs with and without the adapter")
    way = [one for one in told if one["stage"] in stages and one["total"]]
    assert {one["stage"] for one in way} == set(stages)
    assert len({one["total"] for one in way}) == 1
    assert all(one["done"] < one["total"] for one in way)  # the page of the report is to come
    folder = studio.desk.adapter_report("lora")
    assert result_of(job)["verdict"] == json.loads((folder / "report.json").read_text())["verdict"]
    assert result_of(job)["files"]["report"] == "models/loras/lora/report.html"
    assert studio.desk.adapter_file("lora", "report.html").is_file()
    for outside in ("metadata.json", "../lora/report.html", ".job", "report/../metadata.json"):
        with pytest.raises(Unknown):
            studio.desk.adapter_file("lora", outside)


@pytest.mark.parametrize("name", ["{folder}", "../loras/a", "..\\loras\\a", "models/loras/a"])
def test_a_song_that_waits_for_another_job_plays_no_adapter_by_its_path(
    studio: Studio, tiny_bundle: Bundle, name: str
) -> None:
    with_adapter(studio, tiny_bundle, "a")
    first = studio.desk.generate(SONG)
    path = name.format(folder=studio.settings.loras / "a" / "best_model")
    song = SONG.model_copy(update={"adapters": (AdapterUse(name=path),)})
    with pytest.raises(Unknown, match="adapter name"):
        studio.desk.generate(song, after=(first.id,))
    job = studio.store.add("generate", song.model_dump(mode="json"), lane="x", title="of before")
    claimed, context = studio.begin(job)
    with pytest.raises(Unknown, match="adapter name"):
        studio.handlers["generate"](claimed.arguments, context)


def test_a_second_click_trains_nothing_twice(studio: Studio, prepared: Path) -> None:
    with_dataset(studio, prepared)
    studio.desk.train(training())
    with pytest.raises(Taken, match="needed by"):
        studio.desk.train(training("LORA"))
    with pytest.raises(BadInput, match="needed by"):
        studio.desk.delete_dataset("mine")


def test_a_training_may_wait_for_its_dataset(studio: Studio) -> None:
    ids = [studio.upload(song) for song in songs(studio.settings.home)]
    first = studio.desk.prepare(PrepareRequest(files=tuple(ids), name="mine"))
    second = studio.desk.train(training(max_steps=2), after=(first.id,))
    third = studio.desk.generate(
        SONG.model_copy(update={"adapters": (AdapterUse(name="lora"),)}), after=(second.id,)
    )
    assert second.state is third.state is JobState.WAITING
    for job in (first, second, third):
        assert studio.done(job).state is JobState.DONE


def test_what_a_training_takes_is_told_before(studio: Studio, prepared: Path) -> None:
    with_dataset(studio, prepared)
    job = studio.done(studio.desk.quote(QuoteRequest(name="x", dataset="mine", max_steps=6)))
    assert result_of(job)["steps"] == 6
    assert result_of(job)["seconds"] > 0
    assert result_of(job)["report_seconds"] > 0
    assert "gives a rough answer" in result_of(job)["answer"]
    assert result_of(job)["answer"] in result_of(job)["message"]
    assert result_of(job)["peak_memory_bytes"] > 0
    assert studio.desk.adapters() == []


def test_the_status_names_what_runs_and_what_waits(studio: Studio, prepared: Path) -> None:
    with_dataset(studio, prepared)
    running = studio.desk.train(training("one"))
    waiting = studio.desk.train(training("two"))
    studio.begin(running)
    now = studio.desk.training_status()
    assert (now.training, now.adapter) == (True, "one")
    assert [job.id for job in now.queue] == [waiting.id]
    assert studio.desk.stop_training().state is JobState.STOPPING


# adapters and archives


def test_adapters_go_out_and_come_in_and_merge(studio: Studio, tiny_bundle: Bundle) -> None:
    with_adapter(with_adapter(studio, tiny_bundle, "a"), tiny_bundle, "b", seed=1)
    desk = studio.desk
    job = studio.done(desk.import_adapter(desk.export_adapter("a"), "friend's".replace("'", "")))
    assert result_of(job)["adapter"] == "friends"
    assert not list(studio.settings.incoming.iterdir())
    uses = (AdapterUse(name="a"), AdapterUse(name="b", strength=0.5))
    merged = studio.done(desk.merge_adapters(MergeRequest(name="both", adapters=uses)))
    assert [info.name for info in desk.adapters()] == ["a", "b", "both", "friends"]
    assert result_of(merged)["adapter"] == "both"
    desk.rename_adapter("both", "two")
    desk.delete_adapter("two")
    assert [info.name for info in desk.adapters()] == ["a", "b", "friends"]


def test_a_bad_archive_is_told_and_removed(studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "bad.zip").write_bytes(b"no zip")
    job, context = studio.begin(studio.desk.import_dataset(tmp_path / "bad.zip"))
    with pytest.raises(BadInput, match="archive that can be read"):
        studio.handlers["import_dataset"](job.arguments, context)
    assert not list(studio.settings.incoming.iterdir())


def test_datasets_go_out_and_come_in(studio: Studio, prepared: Path) -> None:
    with_dataset(studio, prepared)
    archive = studio.desk.export_dataset("mine")
    job = studio.done(studio.desk.import_dataset(archive, "yours"))
    assert result_of(job)["dataset"] == "yours"
    clip = studio.desk.dataset("yours").clips[0].file
    edited = studio.desk.edit_dataset("yours", {clip: MetadataEdit(genre="polka")})
    assert edited.clips[0].metadata.genre == "polka"
    studio.desk.delete_dataset("yours")
    assert [dataset.name for dataset in studio.desk.datasets()] == ["mine"]


def test_the_shelf_keeps_one_model_and_lets_it_go(tiny_folder: Path, studio: Studio) -> None:
    shelf = Shelf()
    shelf.warm(studio.settings)
    bundle = shelf.open(studio.settings)
    assert shelf.open(studio.settings, str(tiny_folder)) is bundle
    shelf.let_go()
    assert shelf.open(studio.settings) is not bundle
    assert bundle.fingerprint == load_bundle(tiny_folder).fingerprint
