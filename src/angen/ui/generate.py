"""The generation flow: from the form to a request, to a job, and back again."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import gradio as gr

from angen.errors import BadInput, Unknown
from angen.jobs.job import PENDING, Job, JobState
from angen.studio.desk import Desk
from angen.studio.requests.asking import asked
from angen.studio.requests.songs import MAX_ADAPTERS, SEEDS, SongRequest, new_seed
from angen.ui.faults import ACT, bound, tell
from angen.ui.form import INSTRUMENTAL, OWN_LYRICS, Form
from angen.ui.stage import Shown, following


def song_request_of(
    prompt: str,
    kind: str,
    lyrics: str,
    duration: float,
    random: bool,
    seed: float | None,
    steps: float,
    guidance: float,
    base: str | None,
    adapters: Sequence[str] | None,
    *strengths: float,
) -> SongRequest:
    """The request that the form holds. Raises BadInput in words of the form."""
    if not (prompt or "").strip():
        raise BadInput("Describe the music first: genre, mood, instruments, tempo, key.")
    if kind == OWN_LYRICS and not (lyrics or "").strip():
        raise BadInput(f"There are no lyrics yet. Write some, or choose {INSTRUMENTAL}.")
    return asked(
        SongRequest,
        {
            "prompt": prompt.strip(),
            "lyrics": lyrics if kind == OWN_LYRICS else "",
            "duration_s": duration,
            "seed": new_seed() if random or seed is None else _seed(seed),
            "steps": int(steps),
            "guidance": guidance,
            "base": base or "",
            "adapters": [
                {"name": name, "strength": strength}
                for name, strength in zip(adapters or [], strengths, strict=False)
            ],
        },
    )


def _seed(seed: float) -> int:
    if not 0 <= seed < SEEDS:
        raise BadInput(
            f"{seed:g} is no seed: give a whole number from 0 to {SEEDS - 1}, or choose Random."
        )
    return int(seed)


def form_of(request: SongRequest) -> list[Any]:
    """Values for `Form.fields` that ask for the same song again."""
    strengths = [use.strength for use in request.adapters]
    return [
        request.prompt,
        OWN_LYRICS if request.lyrics else INSTRUMENTAL,
        request.lyrics,
        request.duration_s,
        False,
        request.seed,
        request.steps,
        request.guidance,
        request.base or gr.skip(),
        [use.name for use in request.adapters],
        *strengths,
        *[gr.skip()] * (MAX_ADAPTERS - len(strengths)),
    ]


def generate_song(desk: Desk, shown: Shown | None, *fields: Any) -> tuple[Shown, int]:
    """Queue a song; what the stage shall show, and the seed that was taken."""
    request = song_request_of(*fields)
    return _next(desk, shown, desk.generate(request)), request.seed


def compare_songs(desk: Desk, shown: Shown | None, *fields: Any) -> tuple[Shown, int]:
    """Queue the same song with and without its adapters."""
    request = song_request_of(*fields)
    return _next(desk, shown, desk.compare(request)), request.seed


def _next(desk: Desk, shown: Shown | None, job: Job) -> Shown:
    """The new job, unless this person listens to a song that is still being made."""
    if shown and shown.get("play"):
        with suppress(Unknown):  # forgotten, and so over
            if desk.job(shown["job"]).state in (*PENDING, JobState.RUNNING):
                tell("Its turn comes after the song that you hear. It stands below that one.")
                return shown
    return following(job)


def wire_form(desk: Desk, form: Form, stage: gr.State) -> None:
    """Let the buttons of the form start songs on the stage."""
    for button, handler in ((form.generate, generate_song), (form.compare, compare_songs)):
        button.click(bound(handler, desk), [stage, *form.fields], [stage, form.seed], **ACT)
