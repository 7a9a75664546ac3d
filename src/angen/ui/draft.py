"""What a person is writing stays in their browser: Gradio reloads a page whose server restarts.

Kept by the browser alone, in its local storage; nothing of it goes to the server before its time.
"""

from typing import Any

import gradio as gr

from angen.ui.faults import QUIET
from angen.ui.form import INSTRUMENTAL, Form

KEY = "angen-draft"
_KEEP = "(prompt, kind, lyrics) => ({prompt, kind, lyrics})"
_GIVE_BACK = "(draft) => [draft.prompt, draft.kind, draft.lyrics]"


def keep_draft(page: gr.Blocks, form: Form) -> None:
    """Keep prompt and lyrics as they are written, and give them back to a page that is loaded."""
    # The secret keeps nothing from anybody: without one, a restarted server could not read it.
    empty = {"prompt": "", "kind": INSTRUMENTAL, "lyrics": ""}
    draft = gr.BrowserState(empty, storage_key=KEY, secret=KEY)
    fields: list[Any] = [form.prompt, form.kind, form.lyrics]
    page.load(None, draft, fields, js=_GIVE_BACK, **QUIET)
    for field in fields:
        field.change(None, fields, draft, js=_KEEP, **QUIET)
