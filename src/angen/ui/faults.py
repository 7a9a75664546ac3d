"""Handlers for Gradio: what a person can put right is said in the error's own words."""

import inspect
import logging
from collections.abc import Callable
from functools import wraps
from html import escape
from typing import Any

import gradio as gr

from angen.errors import AngenError

logger = logging.getLogger(__name__)

# How events are wired: what a person does may be answered with a message, which needs Gradio's
# queue; what the page does by itself goes around it. REST is the API, so Gradio offers none.
ACT: dict[str, Any] = {
    "show_progress": "hidden",
    "concurrency_limit": None,
    "api_visibility": "private",
}
# Many buttons in one part of the page: a press is not lost while another one is answered.
PRESS = ACT | {"trigger_mode": "multiple"}
QUIET: dict[str, Any] = {"show_progress": "hidden", "queue": False, "api_visibility": "private"}
WARNING_S = 12.0  # how long a message stays
INFO_S = 5.0


def warn(text: str) -> None:
    """Say that something is wrong; the text is shown as it is."""
    gr.Warning(escape(text), duration=WARNING_S)


def tell(text: str) -> None:
    """Say that something is done; the text is shown as it is."""
    gr.Info(escape(text), duration=INFO_S)


def bound(handler: Callable[..., Any], *first: Any) -> Callable[..., Any]:
    """``handler`` with its ``first`` arguments given, whose AngenErrors become messages.

    After such a message the page is left as it is.
    """

    @wraps(handler)
    def run(*values: Any) -> Any:
        try:
            return handler(*first, *values)
        except AngenError as error:
            logger.info("%s: %s", handler.__name__, error)
            warn(str(error))
            return gr.skip()

    seen = inspect.signature(handler)  # Gradio reads from it what a handler wants
    left = list(seen.parameters.values())[len(first) :]
    run.__signature__ = seen.replace(parameters=left)  # type: ignore[attr-defined]
    return run
