"""The stage: the song that is being made, or the one that was chosen, to be heard and seen."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import gradio as gr
from markupsafe import Markup

from angen.amounts import counted
from angen.errors import AngenError, Unknown
from angen.jobs.job import PENDING, Job, JobState
from angen.studio.desk import Desk
from angen.studio.playing.outputs import SongInfo
from angen.studio.requests.songs import SongRequest
from angen.ui import links, words
from angen.ui.faults import PRESS, bound, tell
from angen.ui.live import Live, Now, changed
from angen.ui.markup import (
    ACTIONS,
    NOTHING,
    attributes,
    bar,
    button,
    chips,
    empty,
    joined,
    note,
    tag,
)
from angen.ui.words import MAKING

Shown = dict[str, Any]  # what a browser has on its stage
READY = "Ready to hear"
NOT_KEPT = "A song that is not finished is not kept."


def build_stage(desk: Desk, live: Live) -> tuple[gr.State, gr.HTML]:
    """Draw the stage; what it shows for this browser, and itself.

    The state is ``{"job": id, "play": bool}``, ``{"song": id}``, or None before there was any. What
    was shown once stays until the person chooses otherwise: it may be playing.
    """
    shown = gr.State(None)
    stage = gr.HTML(js_on_load=ACTIONS, apply_default_css=False, elem_id="stage")
    live.choice("stage", shown)
    live.panel(
        "stage",
        [stage, shown],
        lambda now: (stage_mark(now), changed(desk.settings.outputs)),
        lambda now: {stage: str(draw_stage(desk, now)), shown: kept_shown(now)},
    )
    return shown, stage


def subject(now: Now) -> tuple[Job | None, str | None]:
    """The job and the song that belong on the stage."""
    chosen: Mapping[str, Any] = now.mine.get("stage") or {}
    if song := chosen.get("song"):
        return None, song
    job = now.find(chosen.get("job"))
    if job is None:
        job = next(iter(on_their_way(now) or now.of(*MAKING)), None)
    return job, None


def on_their_way(now: Now) -> list[Job]:
    """Songs that are being made, then those that wait."""
    return [job for job in now.busy if job.kind in MAKING]


def kept_shown(now: Now) -> Shown | None:
    """What this browser has on its stage from now on."""
    chosen: Shown | None = now.mine.get("stage")
    job, _ = subject(now)
    if chosen or job is None:
        return chosen
    return {"job": job.id, "play": False}


def stage_mark(now: Now) -> Hashable:
    """What the stage depends on."""
    job, song = subject(now)
    what = song if job is None else (job.id, job.revision)
    # A song that waits says how far the jobs before it are.
    busy = tuple((other.id, other.revision) for other in now.busy) if on_their_way(now) else ()
    return (what, busy, repr(now.mine.get("stage")))


def draw_stage(desk: Desk, now: Now) -> Markup:
    """The stage as HTML: one song, and under it those that are on their way besides."""
    job, _ = subject(now)
    others = [other for other in on_their_way(now) if other != job]
    return _subject(desk, now) + (_others(now, others) if others else NOTHING)


def _subject(desk: Desk, now: Now) -> Markup:
    job, song = subject(now)
    try:
        if song is not None:
            return _song(desk, song)
        if job is None:
            return _welcome(desk)
        return _job(desk, now, job, play=bool((now.mine.get("stage") or {}).get("play")))
    except Unknown:  # the song was deleted
        return _welcome(desk)
    except AngenError as error:
        return note(str(error), "warning")


def _welcome(desk: Desk) -> Markup:
    songs = desk.songs(limit=1)
    if songs:
        return _song(desk, songs[0].id)
    return empty(
        "Your music plays here",
        "Describe it, press Generate Music, and hear it while it is being made.",
    )


def _job(desk: Desk, now: Now, job: Job, *, play: bool) -> Markup:
    if job.state is JobState.DONE:
        return _made(desk, job, play=play)
    title = tag("p", job.title, class_="strong")
    if job.state.over:
        head = "Stopped" if job.state is JobState.STOPPED else "Not made"
        return tag("h2", head) + title + failure(job)
    before = now.before(job)
    if before:  # no player: it would ask for the sound until its turn comes, which may be hours
        return tag("h2", "Waiting its turn") + title + _under_way(now, job)
    if job.kind == "generate":
        title = _player(links.job_audio(job.id), job, play=play, coming=True)
    head = "Comparing" if job.kind == "compare" else "In the making"
    return tag("h2", head) + title + _under_way(now, job)


def _others(now: Now, jobs: Sequence[Job]) -> Markup:
    """Songs that are not on the stage but on their way: to be heard, or cancelled."""
    items = []
    for job in jobs:
        word = "Listen" if job.kind == "generate" else "Show"
        choose = button(word, "choose", job=job.id, label=f"{word}: {job.title}")
        text = tag("div", tag("p", job.title, class_="job-name") + _line(now, job), class_="grow")
        tools = tag("div", choose + _cancel(job), class_="tools")
        items.append(tag("li", text + tools, class_=f"job {job.state.value}"))
    title = tag("h3", "Also on their way", class_="split")
    return title + tag("ul", joined(items), class_="jobs")


def _under_way(now: Now, job: Job) -> Markup:
    return tag("div", _line(now, job) + _cancel(job), class_="split")


def _line(now: Now, job: Job) -> Markup:
    """How far a job is, or what it waits for."""
    if job.state in PENDING:
        return tag("p", words.waits(now.before(job)), class_="soft grow")
    return job_line(job)


def _cancel(job: Job) -> Markup:
    return button("Cancel", "cancel", look="danger", job=job.id, label=f"Cancel {job.title}")


def job_line(job: Job) -> Markup:
    """Bar, stage, percent and time left of a job."""
    busy = job.state.active and (job.progress is None or job.progress.total <= 0)
    words_of = words.progress(job)
    moving = bar(words.percent(job) / 100, f"{job.title}: {words_of}", busy=busy)
    return tag("div", moving + tag("p", words_of, class_="soft"), class_="grow")


def failure(job: Job) -> Markup:
    """Why a job ended as it did, and what to do."""
    problem = job.problem
    kind = "error" if job.state is JobState.FAILED else "warning"
    text = problem.message if problem else "It was stopped."
    if job.kind in MAKING and job.state is JobState.STOPPED and job.attempt:
        text = f"{text} {NOT_KEPT}"
    if problem and problem.remedy:
        text = f"{text} {problem.remedy}"
    again = button("Try again", "retry", job=job.id, label=f"Try {job.title} again")
    return note(text, kind) + tag("div", again, class_="split")


def _made(desk: Desk, job: Job, *, play: bool) -> Markup:
    songs = [desk.song(identity) for identity in songs_of(job)]
    warnings = joined(note(text, "warning") for text in (job.result or {}).get("warnings", ()))
    if job.kind == "compare":
        return _compared(job, songs) + warnings
    if not songs:
        return note("The song is gone: it was deleted.", "info")
    song = songs[0]
    player = _player(links.song_audio(song.id), job, play=play, caption=song.title)
    return tag("h2", READY) + player + about(song) + warnings


def songs_of(job: Job) -> list[str]:
    """Ids of the songs that a job has made."""
    result = job.result or {}
    names = ("base", "adapted") if job.kind == "compare" else ("song",)
    return [str(result[name]) for name in names if result.get(name)]


def _song(desk: Desk, identity: str) -> Markup:
    song = desk.song(identity)
    player = tag(
        "angen-player",
        src=links.song_audio(song.id),
        key=f"song-{song.id}",
        caption=song.title,
        seconds=song.duration_s,
    )
    return tag("h2", READY) + player + about(song)


def _player(
    source: str, job: Job, *, play: bool, coming: bool = False, caption: str = ""
) -> Markup:
    """The player of a job's song: the same one while it is made and when it is done."""
    return tag(
        "angen-player",
        id="player",
        src=source,
        key=job.id,
        caption=caption or job.title,
        seconds=job.arguments.get("duration_s"),
        autoplay=play,
        coming=coming,
    )


def _compared(job: Job, songs: list[SongInfo]) -> Markup:
    """The same seed with and without adapters, side by side."""
    titles = ["Base model alone", "With adapters"]
    players = [
        tag(
            "div",
            tag(
                "angen-player",
                src=links.song_audio(song.id),
                key=f"song-{song.id}",
                caption=title,
                seconds=song.duration_s,
                group=job.id,
                compact=True,
            )
            + about(song),
            class_="side",
        )
        for title, song in zip(titles, songs, strict=False)
    ]
    hint = "Same words, same seed: only the adapters differ. Switch while it plays."
    return (
        tag("h2", job.title)
        + tag("p", hint, class_="soft")
        + tag("div", joined(players), class_="sides")
    )


def facts(request: SongRequest | None, duration_s: float, *, short: bool = False) -> list[str]:
    """What made a song what it is; short: only what tells it from others."""
    if request is None:
        return [words.clock(duration_s)]
    uses = [f"{use.name} × {use.strength:g}" for use in request.adapters]
    first = [words.clock(duration_s), *uses, f"seed {request.seed}"]
    if short:
        return first
    return [
        *first,
        counted(request.steps, "step"),
        f"guidance {request.guidance:g}",
        request.base,
        "with lyrics" if request.lyrics else "instrumental",
    ]


def about(song: SongInfo) -> Markup:
    """Facts of a song, and what can be done with it."""
    download = Markup('<a class="mini strong"{}>Download WAV</a>').format(
        attributes(href=links.song_audio(song.id), download=f"{song.id}.wav")
    )
    again = NOTHING
    if song.request is not None:
        again = button("Repeat", "repeat", song=song.id, label="Fill the form with its request")
    row = tag("div", download + again, class_="split")
    return tag("div", chips(facts(song.request, song.duration_s)), class_="facts") + row


def act_on_job(desk: Desk, action: str, job: str) -> bool:
    """Cancel or retry a job; whether it was one of these."""
    if action == "cancel":
        tell(cancelled(desk.cancel(job)))
    elif action == "retry":
        desk.retry(job)
        tell("Queued again.")
    else:
        return False
    return True


def cancelled(job: Job) -> str:
    """What becomes of a job that was just cancelled."""
    if job.state.over:
        return "It is out of the queue."
    if job.kind in MAKING:
        return f"It stops at its next step. {NOT_KEPT}"
    return "It stops at its next step, and keeps its work."


def following(job: Job) -> Shown:
    """What the stage is told: follow this job, and play."""
    return {"job": job.id, "play": True}


def wire_stage(desk: Desk, stage: gr.HTML, shown: gr.State, fields: list[Any], repeat: Any) -> None:
    """Let the buttons on the stage work. repeat: (desk, song id) -> values of the form."""

    def press(event: gr.EventData) -> Any:
        data = event._data
        if data["action"] == "choose":
            return [following(desk.job(data["job"])), *[gr.skip()] * len(fields)]
        if act_on_job(desk, data["action"], data.get("job", "")):
            return gr.skip()
        return [gr.skip(), *repeat(desk, data.get("song", ""))]

    stage.click(bound(press), None, [shown, *fields], **PRESS)
