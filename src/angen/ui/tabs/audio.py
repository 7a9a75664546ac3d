"""Tab 2, User Audio Training: recordings in, a metadata table to correct, a dataset out."""

from dataclasses import dataclass
from typing import Any

import gradio as gr
from markupsafe import Markup

from angen.amounts import counted
from angen.errors import BadInput
from angen.studio.desk import Desk
from angen.studio.requests.asking import asked
from angen.studio.requests.material import AnalyzeRequest, FillRequest, MetadataEdit, PrepareRequest
from angen.ui.choice import choice, kept
from angen.ui.faults import ACT, PRESS, bound, tell
from angen.ui.live import Live, Now, changed
from angen.ui.markup import ACTIONS, NOTHING, joined, note, tag
from angen.ui.stage import failure, job_line
from angen.ui.tabs.recordings import build_recordings
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

    collection: gr.Dropdown
    page: gr.State
    html: gr.HTML
    edits: gr.Textbox
    chosen: gr.Textbox

    @property
    def inputs(self) -> list[Any]:
        return [self.collection, self.edits, self.chosen]


def build_audio(desk: Desk, live: Live) -> None:
    """Draw the tab."""
    recordings = build_recordings(desk, live)
    with gr.Row(elem_classes="checks"):
        split = gr.Checkbox(
            True, label="Auto-split into clips (10-30 s)", elem_id="auto-split", min_width=280
        )
        stems = gr.Checkbox(
            False, label="Separate vocal stems", elem_id="separate-stems", min_width=280
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
        js="(_ticked, ...rest) => [window.angen.ticked(), ...rest]",
        **ACT,
    )
    _leaving(desk, table)
    _bulk(desk, table)
    _finish(desk, table)


def analyze_user_audio(desk: Desk, ticked: str, auto_split: bool, separate_stems: bool) -> None:
    """Listen to the ticked recordings and fill a new metadata table, as a job."""
    files = chosen_of(ticked)
    if not files:
        raise BadInput("Upload recordings, and tick those that you want to analyze.")
    request = asked(
        AnalyzeRequest,
        {"files": files, "auto_split": auto_split, "separate_stems": separate_stems},
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

    shown.click(bound(press), None, None, **PRESS)


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
        collection = choice("Metadata table", elem_id="collection", scale=4)
        delete = gr.Button("Delete table", size="sm", elem_id="delete-collection", scale=1)
    page = gr.State(0)
    html = gr.HTML(js_on_load=PRESSES, apply_default_css=False, elem_id="clips")
    edits = gr.Textbox(visible=False)
    chosen = gr.Textbox(visible=False)
    table = Table(collection=collection, page=page, html=html, edits=edits, chosen=chosen)
    live.choice("collection", collection)
    live.choice("page", page)
    newest = gr.State(None)
    live.choice("newest", newest)
    live.panel(
        "collections",
        [collection, newest],
        lambda now: (changed(desk.settings.collections), now.ended("analyze")),
        lambda now: dict(zip((collection, newest), tables(desk, now), strict=True)),
    )
    live.panel(
        "table",
        [html],
        lambda now: (now.mine["collection"], now.mine["page"], now.ended("analyze", "fill")),
        lambda now: {html: drawn(desk, now.mine["collection"], now.mine["page"])},
    )
    _wire_table(desk, table, delete)
    return table


def tables(desk: Desk, now: Now) -> tuple[Any, str | None]:
    """The tables to choose from, and the newest: one that has just been made is chosen."""
    found = [
        (f"{info.name} ({counted(info.clips, 'clip')})", info.id) for info in desk.collections()
    ]
    newest = found[0][1] if found else None
    value = now.mine["collection"] if newest == now.mine["newest"] else newest
    return kept(found, value, first=True), newest


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
        bound(press), [table.collection, table.page], [table.page, table.html], **PRESS
    )
    table.collection.change(
        bound(lambda collection: [0, drawn(desk, collection, 0)]),
        table.collection,
        [table.page, table.html],
        **ACT,
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
        **ACT,
    )


def _leaving(desk: Desk, table: Table) -> None:
    """Keep ticked rows out of training sets, or bring them back."""
    with gr.Row(elem_classes="actions", elem_id="leaving"):
        for text, out in (("Leave ticked rows out", True), ("Bring ticked rows back", False)):
            pressed = gr.Button(text, size="sm", elem_id="leave-out" if out else "bring-back")
            pressed.click(
                bound(leave_out, desk, out),
                [*table.inputs, table.page],
                table.html,
                js=_WITH_EDITS,
                **ACT,
            )


def leave_out(
    desk: Desk, out: bool, collection: str | None, edits: str, chosen: str, page: int
) -> str:
    """Leave ticked rows out of training sets, or bring them back; what was changed is saved."""
    identity, rows = _named(collection), chosen_of(chosen)
    if not rows:
        raise BadInput("Tick at least one row of the table.")
    desk.edit_rows(identity, edits_of(edits), dict.fromkeys(rows, out))
    done = "left out" if out else "brought back"
    tell(f"{counted(len(rows), 'row')} {done}.")
    return drawn(desk, identity, page)


def _bulk(desk: Desk, table: Table) -> None:
    with gr.Accordion("Bulk edit", open=False, elem_id="bulk"):
        with gr.Row(equal_height=True):
            column = gr.Dropdown(
                list(COLUMNS[1:-1]), value="Genre", label="Column", elem_id="bulk-column"
            )
            value = gr.Textbox(label="Value", elem_id="bulk-value", max_length=5_000)
            rows = gr.Radio(
                [ALL_ROWS, CHOSEN_ROWS], value=ALL_ROWS, label="In", elem_id="bulk-rows"
            )
        apply = gr.Button("Set in these rows", elem_id="bulk-apply")
    apply.click(
        bound(set_column, desk),
        [*table.inputs, column, value, rows, table.page],
        table.html,
        js=_WITH_EDITS,
        **ACT,
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
    tell(f"{column} is set in {counted(len(picked), 'row')}.")
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
            bound(handler, desk), [*table.inputs, *more], table.html, js=_WITH_EDITS, **ACT
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


def save_metadata(desk: Desk, collection: str | None, edits: str, _chosen: str, page: int) -> str:
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
