"""Audio enhancement: what is there today is the truth about a song's level, and the WAV itself."""

import gradio as gr

from angen.studio.desk import Desk
from angen.ui import links
from angen.ui.live import Live
from angen.ui.markup import note, tag

NOT_YET = (
    "Mastering to a loudness, stem-wise enhancement and export to other formats are not built yet. "
    "Songs are kept as they were made, as 16-bit WAV; only peaks that would clip are turned down."
)


def build_enhance(desk: Desk, live: Live) -> None:
    """Draw the section."""
    gr.HTML(str(note(NOT_YET)), apply_default_css=False)
