"""The metadata table as HTML: a clip a row, each value a field, each row to be heard.

Values that are changed are marked in the browser and collected there by `window.angen.edits`; what
a handler gets is ``{row: {field: text}}`` as JSON.
"""

import json
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from angen.amounts import counted, duration_text
from angen.data.manifest import ClipMetadata
from angen.errors import BadInput
from angen.studio.material.collections import Collection, Row
from angen.studio.requests.asking import asked
from angen.studio.requests.material import MetadataEdit
from angen.ui import links, words
from angen.ui.markup import NOTHING, button, chips, empty, joined, note, play, tag

COLUMNS = (
    "File",
    "Genre",
    "BPM",
    "Key",
    "Mood",
    "Instruments",
    "Description",
    "Lyrics",
    "Confidence",
)
FIELDS = ("genre", "bpm", "key", "mood", "instruments", "description", "lyrics")
LONG = frozenset({"instruments", "description", "lyrics"})
PAGE = 50  # rows at once
# A press carries what was changed and not yet saved; a table that is drawn anew begins afresh.
PRESSES = """
element.addEventListener('click', (event) => {
  const pressed = event.target.closest('[data-action]');
  if (pressed) trigger('click', {...pressed.dataset, edits: window.angen.edits()});
});
window.angen.watchTable(element);
watch('value', () => window.angen.freshTable(element));
"""


def draw_table(collection: Collection | None, page: int = 0) -> Markup:
    """A page of the table."""
    if collection is None:
        return empty(
            "No metadata yet",
            "Upload recordings above, then press Analyze & Generate Metadata.",
        )
    skipped = [note(f"{found.file}: {found.reason}", "warning") for found in collection.skipped]
    notes = joined([*skipped, *(note(text) for text in collection.notes)])
    if not collection.rows:
        return notes + empty("No clips in this table yet")
    shown = collection.rows[page * PAGE : (page + 1) * PAGE]
    body = joined(_row(collection.id, row) for row in shown)
    table = Markup(
        '<table class="clips"><caption>{} · {} · {}{}</caption><thead><tr>{}</tr></thead>'
        "<tbody>{}</tbody></table>"
    ).format(
        collection.name,
        counted(len(collection.rows), "clip"),
        duration_text(collection.duration_s),
        f" · {out} left out" if (out := len(collection.rows) - len(collection.used)) else "",
        _head(),
        body,
    )
    return notes + tag("div", table, class_="scroll") + _pages(len(collection.rows), page)


def _head() -> Markup:
    every = Markup('<th><input type="checkbox" data-all aria-label="Choose all rows"></th>')
    return every + joined(tag("th", name, scope="col") for name in COLUMNS)


def _row(collection: str, row: Row) -> Markup:
    choose = Markup('<td class="pick"><input type="checkbox" data-choose="{0}" {1}></td>').format(
        row.id, Markup('aria-label="Choose {}"').format(row.file)
    )
    name = tag("span", row.file, class_="file")
    place = f"{words.clock(row.start_s)} of {row.source}, {row.duration_s:.0f} s"
    file = tag(
        "td",
        tag(
            "div",
            play(links.row_audio(collection, row.id), row.file)
            + tag("div", name + tag("span", place, class_="soft")),
        ),
        class_="what",
    )
    cells = joined(
        tag("td", _field(row, field), class_=field, data_name=name)
        for field, name in zip(FIELDS, COLUMNS[1:], strict=False)
    )
    sure = tag("td", _confidence(row.metadata), class_="sure", data_name="Confidence")
    out = " out" if row.left_out else ""
    return tag(
        "tr", choose + file + cells + sure, data_clip=row.id, class_=out.strip() or None
    ) + tag("tr", tag("td", _told(row), colspan=len(COLUMNS) + 1), class_=f"under{out}")


def _field(row: Row, field: str) -> Markup:
    """One value, to be edited; who said it shows in its colour."""
    by_person = field in row.metadata.edited
    values: dict[str, Any] = {
        "data-row": row.id,
        "data-field": field,
        "aria-label": f"{COLUMNS[FIELDS.index(field) + 1]} of {row.file}",
        "title": "Written by a person" if by_person else None,
        "class_": "mine" if by_person else None,
    }
    text = shown(row.metadata, field)
    if field in LONG:
        return tag("textarea", text, rows="2", **values)
    kind = {"inputmode": "decimal"} if field == "bpm" else {}
    return tag("input", type="text", value=text, **kind, **values)


def shown(metadata: ClipMetadata, field: str) -> str:
    """A value as it stands in its cell."""
    value = getattr(metadata, field)
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ", ".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _confidence(metadata: ClipMetadata) -> Markup:
    """How sure the machine is of what it said; a person's own words need no doubt."""
    guesses = {
        field: sure
        for field, sure in metadata.confidence.items()
        if field in FIELDS and field not in metadata.edited
    }
    if not guesses:
        return tag("span", "yours" if metadata.edited else "", class_="soft")
    mean = sum(guesses.values()) / len(guesses)
    said = ", ".join(f"{field} {sure:.0%}" for field, sure in guesses.items())
    kind = "good" if mean >= 0.6 else "odd" if mean >= 0.3 else "bad"
    return tag("span", f"{mean:.0%}", class_=f"chip {kind}", title=said, aria_label=said)


def _told(row: Row) -> Markup:
    """What the model will be told, and what is doubtful."""
    prompt = tag("span", "The model is told: ", class_="soft") + tag("q", row.prompt or "nothing")
    if row.left_out:
        prompt = tag("strong", "Left out: ") + tag("span", "training sets do without this clip.")
    doubts = joined(tag("span", text, class_="chip odd") for text in row.warnings)
    restore = NOTHING
    if row.metadata.edited:
        restore = button(
            "Undo edits", "restore", row=row.id, label=f"Give {row.file} back to the machine"
        )
    stems = chips([f"stem: {name}" for name in row.stems])
    return tag("div", tag("p", prompt) + doubts + stems + restore, class_="told")


def _pages(rows: int, page: int) -> Markup:
    if rows <= PAGE:
        return NOTHING
    last = (rows - 1) // PAGE
    parts = [tag("span", f"Page {page + 1} of {last + 1}", class_="soft")]
    if page > 0:
        parts.insert(0, button("← Before", "page", page=page - 1))
    if page < last:
        parts.append(button("Next →", "page", page=page + 1))
    return tag("div", joined(parts), class_="split")


def edits_of(text: str) -> dict[str, MetadataEdit]:
    """What the browser collected, as edits. Raises BadInput that names the field."""
    try:
        changes = json.loads(text or "{}")
        return {row: asked(MetadataEdit, typed(values)) for row, values in changes.items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise BadInput("The changes of the table did not arrive whole. Press again.") from error


def chosen_of(text: str) -> list[str]:
    """Ids of the rows whose box is ticked."""
    try:
        return [row for row in json.loads(text or "[]") if isinstance(row, str)]
    except (ValueError, TypeError) as error:
        raise BadInput("The chosen rows did not arrive whole. Press again.") from error


def typed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Cells hold text; a tempo is a number where it is one."""
    given = dict(values)
    if "bpm" not in given:
        return given
    text = str(given["bpm"]).strip()
    try:
        given["bpm"] = float(text.replace(",", ".")) if text else ""
    except ValueError:
        given["bpm"] = text
    return given
