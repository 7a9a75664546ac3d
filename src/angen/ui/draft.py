"""What a person is writing stays in their browser: Gradio reloads a page whose server restarts.

Kept by the browser alone, in its local storage; nothing of it goes to the server before its time.
"""

import json
from typing import Any

import gradio as gr

from angen.ui.faults import QUIET
from angen.ui.form import Form

KEY = "angen-draft"
_KEEP = "(...values) => Object.fromEntries({names}.map((name, i) => [name, values[i]]))"
_GIVE_BACK = "(draft) => {names}.map((name) => draft[name] ?? {empty}[name])"


def keep_draft(page: gr.Blocks, form: Form) -> Any:
    """Keep the form as it is filled in, and give it back to a page that is loaded.

    Returns the event of giving it back: what looks at the form of a new page comes after that.
    """
    fields = form.fields
    empty = {field.elem_id: field.value for field in fields}
    texts = {"names": json.dumps(list(empty)), "empty": json.dumps(empty)}
    # The secret keeps nothing from anybody: without one, a restarted server could not read it.
    draft = gr.BrowserState(empty, storage_key=KEY, secret=KEY)
    given = page.load(None, draft, fields, js=_filled(_GIVE_BACK, texts), **QUIET)
    for field in fields:
        field.change(None, fields, draft, js=_filled(_KEEP, texts), **QUIET)
    return given


def _filled(script: str, texts: dict[str, str]) -> str:
    for name, text in texts.items():
        script = script.replace(f"{{{name}}}", text)
    return script
