"""Stub."""

import gradio as gr

from angen.studio.desk import Desk
from angen.ui.live import Live


def build_datasets(desk: Desk, live: Live) -> None:
    gr.Markdown("soon")
