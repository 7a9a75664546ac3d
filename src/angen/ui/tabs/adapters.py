"""Tab 4, Manage LoRA Adapters: what there is, what each does, and what becomes of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from angen.errors import BadInput
from angen.studio.desk import Desk
from angen.studio.requests.asking import asked
from angen.studio.requests.training import ReportRequest, ResumeRequest
from angen.ui.arrivals import build_arrival
from angen.ui.choice import choice, kept
from angen.ui.faults import ACT, PRESS, bound, tell
from angen.ui.files import uploaded
from angen.ui.form import adapters_mark
from angen.ui.live import Live, Now
from angen.ui.markup import ACTIONS, note
from angen.ui.tabs.card import draw_adapters, draw_card, draw_comparison

NEW_NAME = "New name"
TIPS = """\
- **How much music?** 20 to 30 minutes of one style teach more than hours of many. With fewer than
  ten clips, expect an adapter that repeats them.
- **Metadata matters.** The model learns to answer the words it is told. Correct genre, tempo and
  key where the confidence is low.
- **First run:** leave the defaults: batch size 4, learning rate 3e-4, 10 epochs, rank 16, alpha 32.
- **No effect?** Train longer, or raise the rank. **Copies?** Fewer epochs, more songs, lower rank.
- **How long?** Press *Estimate time and memory* before you start: it measures on this machine.
- **Which strength?** 1 is as trained; below 1 mixes it with the base; above 1 exaggerates it.
"""


@dataclass(frozen=True, kw_only=True)
class _Parts:
    table: gr.HTML
    select: gr.Dropdown
    card: gr.HTML
    asking: gr.Column
    question: gr.HTML


def build_adapters(desk: Desk, live: Live) -> None:
    """Draw the tab."""
    table = gr.HTML(js_on_load=ACTIONS, apply_default_css=False, elem_id="adapter-table")
    with gr.Row(equal_height=True, elem_classes="head-row"):
        refresh = gr.Button("🔄 Refresh", size="sm", elem_id="refresh-adapters")
        select = choice("Select", elem_id="select-adapter", scale=3)
        delete = gr.Button("🗑️ Delete", size="sm", variant="stop", elem_id="delete-adapter")
    # No Group: it gives its id to two elements.
    with gr.Column(visible=False, elem_id="delete-question", elem_classes="asking") as asking:
        question = gr.HTML(apply_default_css=False)
        with gr.Row(elem_classes="actions"):
            sure = gr.Button("Delete for good", variant="stop", elem_id="delete-sure")
            keep = gr.Button("Keep it", elem_id="delete-keep")
    card = gr.HTML(js_on_load=ACTIONS, apply_default_css=False, elem_id="adapter-card")
    parts = _Parts(table=table, select=select, card=card, asking=asking, question=question)
    _follow(desk, live, parts)
    _wire_table(desk, parts, refresh, live.component("adapters"))
    _wire_delete(desk, parts, delete, sure, keep)
    _change(desk, live, select)
    _compare(desk, live)
    with gr.Accordion("Training tips", open=False, elem_id="training-tips"):
        gr.Markdown(TIPS)


def _follow(desk: Desk, live: Live, parts: _Parts) -> None:
    live.choice("selected", parts.select)

    def draw(now: Now) -> dict[Any, Any]:
        names, update = _listed(desk, now.mine["selected"])
        chosen = update["value"]
        return {
            parts.table: str(draw_adapters(desk.adapters(), chosen)),
            parts.select: update,
            parts.card: show_lora(desk, chosen) if names else "",
        }

    live.panel(
        "library",
        [parts.table, parts.select, parts.card],
        lambda now: (adapters_mark(desk, now), now.news("train")),
        draw,
    )


def _listed(desk: Desk, chosen: str | None) -> tuple[list[str], Any]:
    names = [info.name for info in desk.adapters()]
    return names, kept(names, chosen, first=True)


def refresh_lora_list(desk: Desk, chosen: str | None = None) -> list[Any]:
    """The table, the names to select from, and the card of the selected adapter."""
    names, update = _listed(desk, chosen)
    table = str(draw_adapters(desk.adapters(), update["value"]))
    return [table, update, show_lora(desk, update["value"]) if names else ""]


def show_lora(desk: Desk, name: str | None) -> str:
    """The card of an adapter."""
    return str(draw_card(desk.adapter(name))) if name else ""


def _wire_table(desk: Desk, parts: _Parts, refresh: gr.Button, used: gr.Dropdown) -> None:
    outputs = [parts.table, parts.select, parts.card]
    refresh.click(bound(refresh_lora_list, desk), parts.select, outputs, **ACT)

    def selected(name: str | None) -> list[str]:
        return [str(draw_adapters(desk.adapters(), name)), show_lora(desk, name)]

    parts.select.change(bound(selected), parts.select, [parts.table, parts.card], **ACT)

    def press(event: gr.EventData) -> str:
        return str(event._data["name"])

    parts.table.click(bound(press), None, parts.select, **PRESS)

    def act(used: list[str] | None, event: gr.EventData) -> list[str]:
        action, name = event._data["action"], event._data["name"]
        act_on_adapter(desk, action, name)
        more = [name] if action == "use" and name not in (used or []) else []
        return [*(used or []), *more]

    parts.card.click(bound(act), used, used, **PRESS)


def act_on_adapter(desk: Desk, action: str, name: str) -> None:
    """Measure an adapter or go on training it, as a job; or say that it is chosen."""
    if action == "measure":
        desk.report(asked(ReportRequest, {"adapter": name}))
        tell(f"{name} is being measured: songs with and without it.")
    elif action == "resume":
        desk.resume(asked(ResumeRequest, {"name": name}))
        tell(f"The training of {name} goes on.")
    elif action == "use":
        tell(f"{name} is chosen for the next song, at the top of the page.")


def _wire_delete(
    desk: Desk, parts: _Parts, delete: gr.Button, sure: gr.Button, keep: gr.Button
) -> None:

    def ask(name: str | None) -> list[Any]:
        if not name:
            raise BadInput("Select an adapter first.")
        desk.adapter(name)
        text = f"Delete {name} with its checkpoints and its report? This cannot be undone."
        return [gr.update(visible=True), str(note(text, "error"))]

    delete.click(bound(ask), parts.select, [parts.asking, parts.question], **ACT)
    keep.click(lambda: gr.update(visible=False), None, parts.asking, **ACT)
    sure.click(
        bound(delete_lora, desk),
        parts.select,
        [parts.table, parts.select, parts.card, parts.asking],
        **ACT,
    )


def delete_lora(desk: Desk, name: str | None) -> list[Any]:
    """Remove an adapter; the list without it."""
    if not name:
        raise BadInput("Select an adapter first.")
    desk.delete_adapter(name)
    tell(f"Deleted {name}.")
    return [*refresh_lora_list(desk), gr.update(visible=False)]


def _change(desk: Desk, live: Live, select: gr.Dropdown) -> None:
    """Rename the selected one, or bring one from elsewhere."""
    with gr.Row(equal_height=True, elem_classes="head-row"):
        name = gr.Textbox(
            label=NEW_NAME,
            placeholder="for Rename, or for an import under another name",
            max_length=100,
            elem_id="new-adapter-name",
            scale=3,
        )
        rename = gr.Button("Rename", size="sm", elem_id="rename-adapter")
        bring = gr.UploadButton(
            "Import an adapter (.zip, .safetensors)",
            file_types=[".zip", ".safetensors"],
            size="sm",
            elem_id="import-adapter",
        )
    rename.click(bound(rename_lora, desk), [select, name], [select, name], **ACT)
    bring.upload(bound(import_lora, desk), [bring, name], name, **ACT)
    build_arrival(live, "import_adapter", NEW_NAME)


def rename_lora(desk: Desk, name: str | None, new_name: str) -> list[Any]:
    """Give an adapter another name."""
    if not name:
        raise BadInput("Select an adapter first.")
    renamed = desk.rename_adapter(name, (new_name or "").strip())
    tell(f"{name} is {renamed.name} now.")
    return [_listed(desk, renamed.name)[1], ""]


def import_lora(desk: Desk, path: str, name: str) -> str:
    """Take in an adapter from an archive, under its own name unless another is given.

    The field for the name, emptied.
    """
    with uploaded(path) as own:
        desk.import_adapter(own, (name or "").strip() or None)
    tell("The adapter is being read. What becomes of it is said below the button.")
    return ""


def _compare(desk: Desk, live: Live) -> None:
    with gr.Accordion("Compare adapters", open=False, elem_id="compare-adapters"):
        chosen = choice("Adapters", value=[], multiselect=True, elem_id="compared")
        shown = gr.HTML(apply_default_css=False, elem_id="comparison")
    live.choice("compared", chosen)
    live.panel(
        "compared",
        [chosen],
        lambda now: adapters_mark(desk, now),
        lambda now: {chosen: kept(_listed(desk, None)[0], now.mine["compared"] or [])},
    )
    chosen.change(bound(compare_loras, desk), chosen, shown, **ACT)


def compare_loras(desk: Desk, names: Sequence[str] | None) -> str:
    """Adapters side by side."""
    return str(draw_comparison(desk.compare_adapters(names or [])))
