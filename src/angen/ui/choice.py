"""A dropdown whose choices come and go with what is on the server."""

from collections.abc import Sequence
from typing import Any

import gradio as gr


def choice(label: str, **more: Any) -> gr.Dropdown:
    """A dropdown, empty until a panel fills it.

    It hands on what the browser says even if that is no longer among the choices. Gradio would
    refuse it before any handler sees it, and with it the whole event: a browser that chose an
    adapter which another one deleted, or whose server has been started anew, would never be told.
    The desk checks every name that it gets, and says what there is.
    """
    return gr.Dropdown([], label=label, allow_custom_value=True, **more)


def kept(
    names: Sequence[str] | Sequence[tuple[str, str]], value: Any, *, first: bool = False
) -> dict[str, Any]:
    """An update to these choices that keeps the browser's ``value`` as far as it still exists.

    names: values, or pairs (what is shown, value). first: take the first where nothing is chosen.
    """
    known = [name if isinstance(name, str) else name[1] for name in names]
    if isinstance(value, list):
        value = [name for name in value if name in known]
    elif value not in known:
        value = known[0] if first and known else None
    update: dict[str, Any] = gr.update(choices=list(names), value=value)
    return update
