"""How the page looks: colours, type and what goes into its head. Nothing comes from elsewhere."""

from functools import cache
from pathlib import Path
from typing import Any

import gradio as gr

_STATIC = Path(__file__).parent / "static"
_SYSTEM = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "sans-serif")
_MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")


def theme() -> gr.themes.Base:
    """Warm paper and ember; at night, charcoal. Only fonts that are on the machine."""
    look = gr.themes.Base(
        primary_hue=gr.themes.colors.orange,
        neutral_hue=gr.themes.colors.stone,
        font=_SYSTEM,
        font_mono=_MONO,
        radius_size=gr.themes.sizes.radius_lg,
        text_size=gr.themes.sizes.text_md,
    )
    return look.set(**(_surfaces() | _fields() | _buttons()))


def _both(**light_and_dark: tuple[str, str]) -> dict[str, str]:
    """Each name with its value by day, and with ``_dark`` its value at night."""
    by_day = {name: day for name, (day, _) in light_and_dark.items()}
    return by_day | {f"{name}_dark": night for name, (_, night) in light_and_dark.items()}


def _surfaces() -> dict[str, str]:
    card, line = ("#ffffff", "#201d1b"), ("#e4ded6", "#3a3531")
    return _both(
        body_background_fill=("#f6f3ee", "#141210"),
        body_text_color=("#231f1b", "#f1ece6"),
        body_text_color_subdued=("#6b625a", "#b0a69c"),
        background_fill_primary=card,
        background_fill_secondary=("#faf8f5", "#1a1816"),
        border_color_primary=line,
        block_background_fill=("transparent", "transparent"),
        block_border_color=("transparent", "transparent"),
        block_label_text_color=("#4a433c", "#d8cfc6"),
        block_title_text_color=("#37312b", "#e8e0d8"),
        block_info_text_color=("#6b625a", "#b0a69c"),
        panel_background_fill=("transparent", "transparent"),
        color_accent_soft=("#fdebdc", "#3b2314"),
        link_text_color=("#b23c0a", "#ff9d5c"),
        block_shadow=("none", "none"),
    ) | {
        "block_border_width": "0px",
        "block_border_width_dark": "0px",
        "block_padding": "0px",
        "block_label_background_fill": "transparent",
        "block_label_background_fill_dark": "transparent",
        "block_title_text_weight": "600",
        "layout_gap": "16px",
        "form_gap_width": "0px",
        "color_accent": "#d9480f",
    }


def _fields() -> dict[str, str]:
    return _both(
        input_background_fill=("#ffffff", "#171513"),
        input_background_fill_focus=("#ffffff", "#171513"),
        input_border_color=("#cfc7bd", "#4a433d"),
        input_border_color_focus=("#d9480f", "#ff8a3d"),
        input_placeholder_color=("#857b71", "#8f857b"),
        input_shadow_focus=("0 0 0 3px #d9480f33", "0 0 0 3px #ff8a3d40"),
        slider_color=("#d9480f", "#ff8a3d"),
        checkbox_background_color_selected=("#d9480f", "#e8590c"),
        checkbox_border_color=("#a79c90", "#6d645b"),
        checkbox_border_color_selected=("#d9480f", "#e8590c"),
        checkbox_label_background_fill=("#ffffff", "#201d1b"),
        checkbox_label_background_fill_hover=("#faf3ec", "#2a2623"),
        checkbox_label_background_fill_selected=("#fdebdc", "#3b2314"),
        checkbox_label_border_color=("#d8d0c6", "#443e38"),
        checkbox_label_border_color_selected=("#d9480f", "#ff8a3d"),
        checkbox_label_text_color_selected=("#231f1b", "#f1ece6"),
    ) | {"input_border_width": "1px", "checkbox_label_border_width": "1px"}


def _buttons() -> dict[str, str]:
    return _both(
        button_primary_background_fill=("#d9480f", "#e8590c"),
        button_primary_background_fill_hover=("#bf3f0d", "#d9480f"),
        button_primary_text_color=("#ffffff", "#ffffff"),
        button_primary_border_color=("transparent", "transparent"),
        button_secondary_background_fill=("#efe9e1", "#2c2825"),
        button_secondary_background_fill_hover=("#e5dccf", "#38332f"),
        button_secondary_text_color=("#231f1b", "#f1ece6"),
        button_secondary_border_color=("transparent", "transparent"),
        button_cancel_background_fill=("#fde8e6", "#3d1a17"),
        button_cancel_background_fill_hover=("#fbd3cf", "#52221d"),
        button_cancel_text_color=("#a61b10", "#ffb4ab"),
        button_cancel_border_color=("transparent", "transparent"),
    )


@cache
def head() -> str:
    """Scripts of the page, inside of it: there is nothing else to fetch."""
    scripts = (_read("player.js"), _read("level.js"), _read("page.js"))
    metas = '<meta name="color-scheme" content="light dark">'
    return metas + "".join(f"<script>{script}</script>" for script in scripts)


@cache
def css() -> str:
    return _read("style.css")


def _read(name: str) -> str:
    return (_STATIC / name).read_text(encoding="utf-8")


def mount_options() -> dict[str, Any]:
    """What `gr.mount_gradio_app` needs besides the page, to make it look and behave."""
    return {
        "theme": theme(),
        "css": css(),
        "head": head(),
        "js": "() => window.angen.rememberScheme()",
        "footer_links": [],
        "run_history": False,
        "ssr_mode": False,
        "show_error": True,
    }
