"""Tab 2, User Audio Training: recordings in, a metadata table to correct, a dataset out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from markupsafe import Markup

from angen.audio.files import SUFFIXES
from angen.errors import BadInput
from angen.studio.desk import Desk
from angen.studio.requests import (
    AnalyzeRequest,
    FillRequest,
    MetadataEdit,
    PrepareRequest,
    asked,
)
from angen.studio.uploads import Upload
from angen.ui import links, words
from angen.ui.choice import Choice, kept
from angen.ui.faults import bound, tell, warn
from angen.ui.files import brought
from angen.ui.live import Live, Now, changed
from angen.ui.markup import ACTIONS, NOTHING, button, chips, joined, note, play, tag
from angen.ui.stage import failure, job_line
from angen.ui.tabs.table import (
    COLUMNS,
    FIELDS,
    PRESSES,
    chosen_of,
    draw_table,
    edits_of,
    typed,
)

LISTENING = ("analyze", "fill", "prepare", "stems")  # kinds of jobs that this tab starts
ALL_ROWS, CHOSEN_ROWS = "All rows", "Ticked rows"
# Puts what the browser holds of the table in the place of the two hidden values after the first.
_WITH_EDITS = (
    "(table, _edits, _chosen, ...rest) => "
    "[table, window.angen.edits(), window.angen.chosen(), ...rest]"
)


@dataclass(frozen=True, kw_only=True)
class Table:
    """The metadata table and what belongs to it."""

    collection: Choice
    page: gr.State
    html: gr.HTML
    edits: gr.Textbox
    chosen: gr.Textbox

    @property
    def inputs(self) -> list[Any]:
        return [self.collection, self.edits, self.chosen]


def build_audio(desk: Desk, live: Live) -> None:
    """Draw the tab."""
    recordings = _recordings(desk, live)
    with gr.Row(elem_classes="checks"):
        split = gr.Checkbox(
            True, label="Auto-split into clips (10-30 s)", elem_id="auto-split", min_width=200
        )
        stems = gr.Checkbox(
            False, label="Separate vocal stems (Demucs)", elem_id="separate-stems", min_width=200
        )
    with gr.Row(elem_classes="actions"):
        analyze = gr.Button(
            "🔍 Analyze & Generate Metadata", variant="primary", elem_id="analyze-audio"
        )
    _progress(desk, live)
    table = _table(desk, live)
    analyze.click(
        bound(analyze_user_audio, desk),
        [recordings, split, stems],
        None,
        show_progress="hidden",
        api_visibility="private",
    )
    _bulk(desk, table)
    _finish(desk, table)


# recordings


def _recordings(desk: Desk, live: Live) -> gr.CheckboxGroup:
    """Bring recordings, and choose those to be analysed."""
    bring = gr.File(
        label="Upload WAV, FLAC, MP3, OGG, Opus or AIFF files",
        file_count="multiple",
        file_types=sorted(SUFFIXES),
        height=150,
        elem_id="upload-audio",
    )
    listed = gr.HTML(js_on_load=ACTIONS, apply_default_css=False, elem_id="uploads")
    chosen = Chosen([], label="Recordings to analyze", elem_id="recordings")
    live.choice("recordings", chosen)
    live.panel(
        "uploads",
        [listed, chosen],
        lambda _now: changed(desk.settings.uploads),
        lambda now: draw_uploads(desk, now, listed, chosen),
    )
    bring.upload(
        bound(take_uploads, desk),
        [bring, chosen],
        [bring, chosen],
        show_progress="minimal",
        api_visibility="private",
    )

    def press(event: gr.EventData) -> None:
        desk.delete_upload(event._data["upload"])

    listed.click(
        bound(press), None, None, show_progress="hidden", queue=False, api_visibility="private"
    )
    return chosen

from gradio.events import Dependency

class Chosen(gr.CheckboxGroup):  # type: ignore[misc, unused-ignore]
    """Boxes that come and go; for why nothing is checked here see `Choice`."""

    is_template = True

    def preprocess(self, payload: Any) -> Any:
        return payload
    from typing import Callable, Literal, Sequence, Any, TYPE_CHECKING
    from gradio.blocks import Block
    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component


def take_uploads(desk: Desk, paths: Sequence[str] | None, chosen: Sequence[str]) -> list[Any]:
    """Keep what was brought, and choose it; what cannot be used is said, the rest goes on."""
    taken, refused = [], []
    for path in paths or []:
        with brought(path) as own:
            try:
                with own.open("rb") as stream:
                    upload = desk.save_upload(Path(path).name, stream)
            except BadInput as error:
                refused.append(str(error))
            else:
                taken.append(upload.id)
    if refused:
        warn(" ".join(refused))
    known = desk.uploads()
    return [None, gr.update(choices=_choices(known), value=[*(chosen or []), *taken])]


def _choices(uploads: Sequence[Upload]) -> list[tuple[str, str]]:
    return [(f"{found.name} ({words.clock(found.duration_s)})", found.id) for found in uploads]


def draw_uploads(desk: Desk, now: Now, listed: gr.HTML, chosen: Any) -> dict[Any, Any]:
    """The recordings that are here, to be heard and deleted; and the boxes to choose by."""
    uploads = desk.uploads()
    mine = set(now.mine["recordings"] or [])
    items = [_upload(found) for found in uploads]
    html = tag("ul", joined(items), class_="clip-list") if items else NOTHING
    return {
        listed: str(html),
        chosen: gr.update(
            choices=_choices(uploads),
            value=[found.id for found in uploads if found.id in mine],
            visible=bool(uploads),
        ),
    }


def _upload(upload: Upload) -> Markup:
    facts = [
        words.clock(upload.duration_s),
        f"{upload.rate_hz / 1000:g} kHz",
        "stereo" if upload.channels == 2 else "mono" if upload.channels == 1 else "",
        words.size(upload.size_bytes),
    ]
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
        play(links.upload_audio(upload.id), upload.name)
        + tag("span", upload.name, class_="file grow")
        + chips(facts)
        + chips(upload.warnings, "odd")
        + delete,
        class_="clip-line",
    )


def analyze_user_audio(
    desk: Desk, files: Sequence[str] | None, auto_split: bool, separate_stems: bool
) -> None:
    """Listen to recordings and fill a new metadata table, as a job."""
    if not files:
        raise BadInput("Upload recordings, and tick those that you want to analyze.")
    request = asked(
        AnalyzeRequest,
        {"files": list(files), "auto_split": auto_split, "separate_stems": separate_stems},
    )
    desk.analyze(request)


# what is being done


def _progress(desk: Desk, live: Live) -> None:
    """The newest job of this tab: how far it is, or why it failed."""
    shown = gr.HTML(js_on_load=ACTIONS, apply_default_css=False, elem_id="audio-progress")
    live.panel(
        "audio-progress",
        [shown],
        lambda now: tuple((job.id, job.revision) for job in now.of(*LISTENING)[:1]),
        lambda now: {shown: str(draw_progress(now))},
    )

    def press(event: gr.EventData) -> None:
        desk.retry(event._data["job"])

    shown.click(
        bound(press), None, None, show_progress="hidden", queue=False, api_visibility="private"
    )


def draw_progress(now: Now) -> Markup:
    """How the newest job of this tab goes."""
    job = next(iter(now.of(*LISTENING)), None)
    if job is None:
        return NOTHING
    if not job.state.over:
        return tag("div", tag("p", job.title, class_="strong") + job_line(job), class_="doing")
    if job.problem is not None:
        return tag("p", job.title, class_="strong") + failure(job)
    if job.kind == "prepare":
        result = job.result or {}
        said = f"The dataset {result.get('dataset')} is ready: choose it in the next tab."
        notes = joined(note(str(text)) for text in result.get("notes", ()))
        return note(said, "good") + notes
    return NOTHING


# the table


def _table(desk: Desk, live: Live) -> Table:
    with gr.Row(elem_classes="head-row", equal_height=True):
        collection = Choice([], label="Metadata table", elem_id="collection", scale=4)
        delete = gr.Button("Delete table", size="sm", elem_id="delete-collection", scale=1)
    page = gr.State(0)
    html = gr.HTML(js_on_load=PRESSES, apply_default_css=False, elem_id="clips")
    edits = gr.Textbox(visible=False)
    chosen = gr.Textbox(visible=False)
    table = Table(collection=collection, page=page, html=html, edits=edits, chosen=chosen)
    live.choice("collection", collection)
    live.choice("page", page)
    live.panel(
        "collections",
        [collection],
        lambda now: (changed(desk.settings.collections), now.ended("analyze")),
        lambda now: {collection: _tables(desk, now)},
    )
    live.panel(
        "table",
        [html],
        lambda now: (now.mine["collection"], now.mine["page"], now.ended("analyze", "fill")),
        lambda now: {html: drawn(desk, now.mine["collection"], now.mine["page"])},
    )
    _wire_table(desk, table, delete)
    return table


def _tables(desk: Desk, now: Now) -> Any:
    """The tables to choose from; one that has just been made is chosen."""
    tables = [
        (f"{found.name} ({words.counted(found.clips, 'clip')})", found.id)
        for found in desk.collections()
    ]
    seen = now.mine.get("tables_seen")
    newest = tables[0][1] if tables else None
    value = newest if newest != seen else now.mine["collection"]
    return kept(tables, value, first=True)


def drawn(desk: Desk, collection: str | None, page: int) -> str:
    """A page of a table as HTML."""
    return str(draw_table(desk.collection(collection) if collection else None, page))


def _wire_table(desk: Desk, table: Table, delete: gr.Button) -> None:
    def press(collection: str, page: int, event: gr.EventData) -> list[Any]:
        data = event._data
        edits = edits_of(data.get("edits", ""))
        if data["action"] == "restore":
            edits[data["row"]] = MetadataEdit(**dict.fromkeys(FIELDS))
        if edits:
            desk.edit_rows(collection, edits)
        page = int(data.get("page", page))
        return [page, drawn(desk, collection, page)]

    table.html.click(
        bound(press),
        [table.collection, table.page],
        [table.page, table.html],
        show_progress="hidden",
        api_visibility="private",
    )
    table.collection.change(
        bound(lambda collection: [0, drawn(desk, collection, 0)]),
        table.collection,
        [table.page, table.html],
        show_progress="hidden",
        queue=False,
        api_visibility="private",
    )

    def remove(collection: str | None) -> None:
        if not collection:
            raise BadInput("There is no metadata table to delete.")
        desk.delete_collection(collection)

    delete.click(
        bound(remove),
        table.collection,
        None,
        js="(table) => { if (!confirm('Delete this metadata table with its clips?')) "
        "throw new Error('kept'); return table; }",
        show_progress="hidden",
        api_visibility="private",
    )


def _bulk(desk: Desk, table: Table) -> None:
    with gr.Accordion("Bulk edit", open=False, elem_id="bulk"):
        with gr.Row(equal_height=True):
            column = gr.Dropdown(
                list(COLUMNS[1:-1]), value="Genre", label="Column", elem_id="bulk-column"
            )
            value = gr.Textbox(label="Value", elem_id="bulk-value", max_length=5_000)
            rows = gr.Radio([ALL_ROWS, CHOSEN_ROWS], value=ALL_ROWS, label="In", elem_id="bulk-rows")
        apply = gr.Button("Set in these rows", elem_id="bulk-apply")
    apply.click(
        bound(set_column, desk),
        [*table.inputs, column, value, rows, table.page],
        table.html,
        js=_WITH_EDITS,
        show_progress="hidden",
        api_visibility="private",
    )


def set_column(
    desk: Desk,
    collection: str | None,
    edits: str,
    chosen: str,
    column: str,
    value: str,
    rows: str,
    page: int,
) -> str:
    """Set a column to one value in all rows, or in those that are ticked."""
    table = desk.collection(_named(collection))
    picked = set(chosen_of(chosen)) if rows == CHOSEN_ROWS else {row.id for row in table.rows}
    if not picked:
        raise BadInput("Tick at least one row of the table, or choose all rows.")
    if column not in COLUMNS[1:-1]:
        raise BadInput(f"{column!r} is no column. Choose one of {', '.join(COLUMNS[1:-1])}.")
    field = FIELDS[COLUMNS.index(column) - 1]
    edit = asked(MetadataEdit, typed({field: value}))
    changes = edits_of(edits)
    for row in picked:
        both = changes[row].given() | edit.given() if row in changes else edit.given()
        changes[row] = MetadataEdit(**both)
    desk.edit_rows(table.id, changes)
    tell(f"{column} is set in {words.counted(len(picked), 'row')}.")
    return drawn(desk, collection, page)


def _finish(desk: Desk, table: Table) -> None:
    """The buttons below the table."""
    with gr.Row(elem_classes="actions", elem_id="unsaved"):
        fill = gr.Button("✨ AI Generate Metadata", elem_id="ai-generate-metadata")
        save = gr.Button("💾 Save Metadata", elem_id="save-metadata")
        gr.HTML('<span class="count chip odd" role="status"></span>', apply_default_css=False)
    with gr.Row(equal_height=True, elem_classes="head-row"):
        name = gr.Textbox(
            label="Dataset name",
            placeholder="user_dataset_<time>",
            info="Letters, digits and ._()+-; left empty, it is named after the time.",
            max_length=100,
            elem_id="dataset-name",
        )
        prepare = gr.Button(
            "📦 Prepare Training Dataset", variant="primary", elem_id="prepare-dataset"
        )
    for pressed, handler, more in (
        (fill, ai_generate_all_metadata, [table.page]),
        (save, save_metadata, [table.page]),
        (prepare, prepare_user_training_dataset, [name, table.page]),
    ):
        pressed.click(
            bound(handler, desk),
            [*table.inputs, *more],
            table.html,
            js=_WITH_EDITS,
            show_progress="hidden",
            api_visibility="private",
        )


def _named(collection: str | None) -> str:
    if not collection:
        raise BadInput("There is no metadata table yet. Analyze recordings first.")
    return collection


def _saved(desk: Desk, collection: str | None, edits: str) -> str:
    """Save what was changed in the table; its id."""
    identity, changes = _named(collection), edits_of(edits)
    if changes:
        desk.edit_rows(identity, changes)
    return identity


def save_metadata(
    desk: Desk, collection: str | None, edits: str, _chosen: str, page: int
) -> str:
    """Keep what a person has written."""
    identity = _saved(desk, collection, edits)
    tell("Saved.")
    return drawn(desk, identity, page)


def ai_generate_all_metadata(
    desk: Desk, collection: str | None, edits: str, chosen: str, page: int
) -> str:
    """Let the machine fill what no person has written: in the ticked rows, else in all."""
    identity = _saved(desk, collection, edits)
    desk.fill(asked(FillRequest, {"collection": identity, "rows": chosen_of(chosen)}))
    tell("Listening again; what you have written stays.")
    return drawn(desk, identity, page)


def prepare_user_training_dataset(
    desk: Desk, collection: str | None, edits: str, _chosen: str, name: str, page: int
) -> str:
    """Make a permanent training set from the table, as a job."""
    identity = _saved(desk, collection, edits)
    request = {"collection": identity, "name": (name or "").strip() or None}
    desk.prepare(asked(PrepareRequest, request))
    return drawn(desk, identity, page)

