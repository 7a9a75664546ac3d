"""The page: generation first, then audio enhancement, then the training of adapters.

desk  <──  handlers of the page  <──  a browser
REST  <──────────────────────────────  the same browser, for sounds, reports and downloads
"""

from importlib.metadata import version

import gradio as gr
from markupsafe import Markup

from angen.studio.desk import Desk
from angen.ui.draft import keep_draft
from angen.ui.enhance import build_enhance
from angen.ui.form import build_form
from angen.ui.generate import wire_form
from angen.ui.history import build_history, repeat_song, wire_history
from angen.ui.live import Live
from angen.ui.queue import build_strip
from angen.ui.stage import build_stage, wire_stage
from angen.ui.tabs.adapters import build_adapters
from angen.ui.tabs.audio import build_audio
from angen.ui.tabs.datasets import build_datasets
from angen.ui.tabs.training import build_training

TITLE = "Angen Studio"
TRAINING = "🎓 LoRA Training (Advanced)"
TABS = (
    "📚 Dataset Training",
    "🎵 User Audio Training",
    "⚙️ Training Configuration",
    "📂 Manage LoRA Adapters",
)
_HEADER = Markup(
    '<header class="masthead"><svg viewBox="0 0 48 48" aria-hidden="true">'
    '<rect x="4" y="18" width="5" height="12" rx="2.5"/><rect x="13" y="9" width="5" height="30" '
    'rx="2.5"/><rect x="22" y="15" width="5" height="18" rx="2.5"/><rect x="31" y="5" width="5" '
    'height="38" rx="2.5"/><rect x="40" y="17" width="5" height="14" rx="2.5"/></svg>'
    "<div><h1>{title}</h1><p>Music Generation Studio</p></div>"
    '<button type="button" class="mini scheme" onclick="window.angen.switchScheme()" '
    'aria-label="Switch between light and dark">◐ Light / dark</button></header>'
)


def build_page(desk: Desk) -> gr.Blocks:
    """The whole page for a desk; mount it with `angen.ui.theme.mount_options`."""
    live = Live(desk)
    page = gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True)
    with page:
        gr.HTML(str(_HEADER.format(title=TITLE)), apply_default_css=False, elem_id="masthead")
        build_strip(desk, live)
        with gr.Row(elem_id="studio"):
            with gr.Column(scale=5, min_width=320, elem_classes="card", elem_id="create"):
                form = build_form(desk, live)
            with gr.Column(scale=6, min_width=320, elem_id="listen"):
                shown, stage = build_stage(desk, live)
                history = build_history(desk, live)
        wire_form(desk, form, shown)
        given_back = keep_draft(page, form)
        wire_stage(desk, stage, shown, form.fields, repeat_song)
        wire_history(desk, history, form.fields, shown)
        build_enhance()
        with gr.Accordion(TRAINING, open=False, elem_id="lora-training"):
            _tabs(desk, live)
        gr.HTML(_footer(), apply_default_css=False, elem_id="foot")
        live.start(page, after=given_back)
    return page


def _tabs(desk: Desk, live: Live) -> None:
    builders = (build_datasets, build_audio, build_training, build_adapters)
    with gr.Tabs(elem_id="training-tabs"):
        for number, (title, build) in enumerate(zip(TABS, builders, strict=True), start=1):
            with gr.Tab(title, id=number, elem_id=f"tab-{number}", render_children=True):
                build(desk, live)


def _footer() -> str:
    text = Markup(
        '<footer class="soft">Angen Studio {} · <a href="api/openapi.json">REST API</a></footer>'
    )
    return str(text.format(version("angen")))
