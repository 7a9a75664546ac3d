"""Recordings: brought, listed, ticked for the analysis, heard and deleted."""

from collections.abc import Collection, Sequence

import gradio as gr
from markupsafe import Markup

from angen.amounts import size_text
from angen.audio.files import SUFFIXES
from angen.errors import BadInput
from angen.jobs.job import JobState
from angen.studio.desk import Desk
from angen.studio.material.uploads import Upload
from angen.ui import links, words
from angen.ui.faults import ACT, PRESS, bound, warn
from angen.ui.files import uploaded
from angen.ui.live import Live, Now, changed
from angen.ui.markup import ACTIONS, NOTHING, attributes, button, chips, joined, play, tag


def build_recordings(desk: Desk, live: Live) -> gr.Textbox:
    """Bring recordings, and tick those to be analysed; the ticked ones, as JSON."""
    bring = gr.File(
        label="Upload WAV, FLAC, MP3, OGG, Opus, AIFF, M4A, AAC, WMA or WebM files",
        file_count="multiple",
        file_types=sorted(SUFFIXES),
        height=150,
        elem_id="upload-audio",
    )
    listed = gr.HTML(js_on_load=ACTIONS, apply_default_css=False, elem_id="uploads")
    ticked = gr.Textbox(visible=False)
    live.panel(
        "uploads",
        [listed],
        lambda now: (changed(desk.settings.uploads), now.news("analyze")),
        lambda now: {listed: str(draw_uploads(desk.uploads(), heard(now)))},
    )
    bring.upload(bound(take_uploads, desk), bring, bring, **ACT)

    def press(event: gr.EventData) -> None:
        desk.delete_upload(event._data["upload"])

    listed.click(bound(press), None, None, **PRESS)
    return ticked


def take_uploads(desk: Desk, paths: Sequence[str] | None) -> None:
    """Keep what was brought; what cannot be used is said, and does not stop the others."""
    refused = []
    for path in paths or []:
        with uploaded(path) as own:
            try:
                with own.open("rb") as stream:
                    desk.save_upload(own.name, stream)
            except BadInput as error:
                refused.append(str(error))
    if refused:
        warn(" ".join(refused))


def heard(now: Now) -> set[str]:
    """Ids of the recordings that an analysis has had, or waits for."""
    jobs = [
        job for job in now.of("analyze") if job.state not in (JobState.FAILED, JobState.STOPPED)
    ]
    return {str(file) for job in jobs for file in job.arguments.get("files", ())}


def draw_uploads(uploads: Sequence[Upload], heard: Collection[str] = ()) -> Markup:
    """The recordings that are here, to be ticked, heard and deleted; new ones are ticked."""
    if not uploads:
        return NOTHING
    items = joined(_upload(found, ticked=found.id not in heard) for found in uploads)
    return tag("h3", "Recordings to analyze") + tag("ul", items, class_="clip-list")


def _upload(upload: Upload, *, ticked: bool) -> Markup:
    facts = [
        words.clock(upload.duration_s),
        f"{upload.rate_hz / 1000:g} kHz",
        "stereo" if upload.channels == 2 else "mono" if upload.channels == 1 else "",
        size_text(upload.size_bytes),
    ]
    tick = Markup("<input{}>").format(
        attributes(
            type="checkbox",
            data_tick=upload.id,
            checked=ticked,
            aria_label=f"Analyze {upload.name}",
        )
    )
    delete = button(
        "Delete",
        "delete",
        look="danger",
        upload=upload.id,
        label=f"Delete {upload.name}",
        confirm=f"Delete the recording {upload.name}? Clips made of it stay.",
    )
    return tag(
        "li",
        tick
        + play(links.upload_audio(upload.id), upload.name)
        + tag("span", upload.name, class_="file grow")
        + chips(facts)
        + chips(upload.warnings, "odd")
        + delete,
        class_="clip-line",
    )
