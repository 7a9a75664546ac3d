import re
import subprocess
import sys
import time
from typing import Any

import gradio as gr
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.routing import Mount

from angen.cli import serving
from angen.studio.desk import Desk
from angen.ui.app import TABS, TRAINING, build_page
from angen.ui.tabs import adapters, audio, training
from angen.ui.theme import css, head, mount_options

WANTED = {  # elem_id: (label, lowest, highest, default), as the mission gives them
    "train-batch-size": ("Batch Size", 1, 16, 4),
    "train-learning-rate": ("Learning Rate", 1e-5, 1e-3, 1e-3),  # what works for `mini`
    "train-epochs": ("Number of Epochs", 1, 50, 10),
    "train-rank": ("LoRA Rank", 4, 64, 16),
    "train-alpha": ("LoRA Alpha", 8, 128, 32),
    "duration": ("Duration in seconds", 1, 600, 20),
    "steps": ("Steps", 1, 200, 15),
    "guidance": ("Guidance", 0, 20, 3.0),
}


@pytest.fixture(scope="module")
def page(idle_desk: Desk) -> gr.Blocks:
    return build_page(idle_desk)


@pytest.fixture(scope="module")
def parts(page: gr.Blocks) -> list[dict[str, Any]]:
    """The page's components, in their order."""
    found: list[dict[str, Any]] = page.get_config_file()["components"]
    return found


def named(parts: list[dict[str, Any]], elem_id: str) -> dict[str, Any]:
    (found,) = [part["props"] for part in parts if part["props"].get("elem_id") == elem_id]
    return dict(found)


def test_the_four_tabs_stand_in_their_order_under_their_names(parts: list[dict[str, Any]]) -> None:
    tabs = [part["props"]["label"] for part in parts if part["type"] == "tabitem"]

    assert tuple(tabs) == TABS
    assert TABS == (
        "📚 Dataset Training",
        "🎵 User Audio Training",
        "⚙️ Training Configuration",
        "📂 Manage LoRA Adapters",
    )


def test_a_press_in_a_list_is_not_lost_while_another_is_answered(page: gr.Blocks) -> None:
    config = page.get_config_file()
    lists = {part["id"] for part in config["components"] if part["type"] == "html"}
    presses = [
        event
        for event in config["dependencies"]
        if any(part in lists and what == "click" for part, what in event["targets"])
    ]
    assert len(presses) > 9
    assert {event["trigger_mode"] for event in presses} == {"multiple"}


def test_training_is_folded_away_after_audio_enhancement(parts: list[dict[str, Any]]) -> None:
    order = [part["props"].get("elem_id") for part in parts]

    assert named(parts, "lora-training")["label"] == TRAINING == "🎓 LoRA Training (Advanced)"
    assert named(parts, "lora-training")["open"] is False
    assert order.index("generate") < order.index("enhance") < order.index("lora-training")


@pytest.mark.parametrize("elem_id", WANTED)
def test_sliders_have_the_ranges_and_defaults_asked_for(
    parts: list[dict[str, Any]], elem_id: str
) -> None:
    props = named(parts, elem_id)

    found = (props["label"], props["minimum"], props["maximum"], props["value"])
    assert found == WANTED[elem_id]


def test_every_control_has_a_label_and_an_id_of_its_own(parts: list[dict[str, Any]]) -> None:
    fields = ("textbox", "slider", "dropdown", "checkbox", "checkboxgroup", "radio", "number")
    shown = [
        part["props"]
        for part in parts
        if part["type"] in fields and part["props"].get("visible") is not False
    ]
    ids = [part["props"]["elem_id"] for part in parts if part["props"].get("elem_id")]

    assert [props for props in shown if not (props["label"] and props["elem_id"])] == []
    assert len(ids) == len(set(ids))


def test_the_handlers_of_the_mission_exist() -> None:
    wanted = {
        audio: (
            "analyze_user_audio",
            "ai_generate_all_metadata",
            "prepare_user_training_dataset",
        ),
        training: ("refresh_dataset_list", "start_lora_training", "stop_lora_training"),
        adapters: ("refresh_lora_list", "delete_lora"),
    }

    assert all(callable(getattr(place, name)) for place, names in wanted.items() for name in names)


def test_the_page_is_built_in_under_a_second(page: gr.Blocks, idle_desk: Desk) -> None:
    began = time.process_time()
    build_page(idle_desk)

    assert time.process_time() - began < 1


def test_the_page_needs_neither_torch_nor_the_api() -> None:
    asks = (
        "import sys, angen.ui.app; print([m for m in ('torch', 'angen.api') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "[]"


@pytest.fixture(scope="module")
def served(page: gr.Blocks) -> TestClient:
    return TestClient(gr.mount_gradio_app(FastAPI(), page, path="/", **mount_options()))


def test_the_page_asks_no_other_host_for_anything(served: TestClient) -> None:
    page = served.get("/").text + served.get("/theme.css").text
    asked = re.findall(r"""(?:src|href)=["']?(https?://[^"'> ]+)|url\(["']?(https?:[^)]+)""", page)

    assert asked == []
    assert "fonts.googleapis.com" not in page
    assert "http://" not in css()
    assert "http" not in head()


def test_gradio_offers_no_api_beside_rest(served: TestClient) -> None:
    named_endpoints = served.get("/gradio_api/info").json()["named_endpoints"]

    assert named_endpoints == {}


def test_the_page_takes_files_as_large_as_the_studio_does(idle_desk: Desk) -> None:
    (mount,) = (route for route in serving.build_page(idle_desk).routes if isinstance(route, Mount))
    assert mount.app.get_blocks().max_file_size == idle_desk.settings.max_upload_bytes  # type: ignore[attr-defined]
