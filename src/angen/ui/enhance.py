"""Audio enhancement: what is there today is the truth about a song's level, and the WAV itself."""

import gradio as gr
from markupsafe import Markup

from angen.ui.markup import note, tag

NOT_YET = (
    "Mastering to a target loudness, enhancement of stems and export to other formats are not "
    "built yet. Songs are kept as they were made, as 16-bit WAV; only what would clip is turned "
    "down."
)


def build_enhance() -> None:
    """Draw the section; its figures are measured in the browser, by the player."""
    gr.HTML(
        str(
            Markup('<section aria-label="Audio enhancement">')
            + tag("h2", "Audio Enhancement")
            + Markup('<angen-level for="#stage angen-player"></angen-level>')
            + note(NOT_YET)
            + Markup("</section>")
        ),
        apply_default_css=False,
        elem_id="enhance",
    )
