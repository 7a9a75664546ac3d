"""A dropdown whose choices come and go with what is on the server."""

from collections.abc import Sequence
from typing import Any

import gradio as gr


class Choice(gr.Dropdown):  # type: ignore[misc, unused-ignore]
    """A `gr.Dropdown` that hands on what the browser says, even if it is no longer among the choices.

    Gradio refuses such a value before any handler sees it, and with it the whole event: a browser
    that chose an adapter which another one deleted, or whose server has been started anew, would
    never be told. The desk checks every name that it gets, and says what there is.
    """

    is_template = True

    def preprocess(self, payload: Any) -> Any:
        return payload


def kept(names: Sequence[str] | Sequence[tuple[str, str]], value: Any, *, first: bool = False) -> Any:
    """An update to these choices that keeps the browser's ``value`` as far as it still exists.

    names: values, or pairs (what is shown, value). first: take the first where nothing is chosen.
    """
    known = [name if isinstance(name, str) else name[1] for name in names]
    if isinstance(value, list):
        return gr.update(choices=list(names), value=[name for name in value if name in known])
    if value not in known:
        value = known[0] if first and known else None
    return gr.update(choices=list(names), value=value)
