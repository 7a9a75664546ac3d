"""Tab 1, Dataset Training: the curated sets, and the datasets that are on this machine."""

from collections.abc import Sequence
from typing import Any

import gradio as gr
from markupsafe import Markup

from angen.amounts import counted
from angen.data.manifest import DatasetInfo
from angen.errors import BadInput
from angen.studio.desk import Desk
from angen.studio.material.curated import CuratedSet
from angen.studio.material.datasets import Dataset
from angen.ui import links, words
from angen.ui.arrivals import build_arrival
from angen.ui.faults import ACT, PRESS, bound, tell, warn
from angen.ui.files import uploaded
from angen.ui.live import Live, Now, changed
from angen.ui.markup import (
    ACTIONS,
    NOTHING,
    attributes,
    button,
    chips,
    empty,
    joined,
    note,
    play,
    tag,
)

VOCAL = (("OpenSinger", "opensinger"), ("M4Singer", "m4singer"), ("CC Mixter", "ccmixter"))
SYMBOLIC = (("Lakh MIDI", "lakh"), ("Mutopia", "mutopia"))
IMPORT_NAME = "Name of an import"
CLIPS_SHOWN = 100
MADE = ("prepare", "import_dataset")  # kinds of jobs that end in a dataset


def build_datasets(desk: Desk, live: Live) -> None:
    """Draw the tab."""
    with gr.Row():
        vocal = gr.CheckboxGroup(list(VOCAL), label="Vocal Datasets", elem_id="vocal-datasets")
        symbolic = gr.CheckboxGroup(
            list(SYMBOLIC), label="Symbolic Datasets", elem_id="symbolic-datasets"
        )
    prepare = gr.Button(
        "📥 Download & Prepare Datasets", variant="primary", elem_id="download-datasets"
    )
    status = gr.HTML(apply_default_css=False, elem_id="dataset-status")
    live.panel(
        "curated",
        [status],
        lambda _now: changed(desk.settings.datasets),
        lambda _now: {status: str(draw_curated(desk.curated()))},
    )
    prepare.click(bound(download_datasets, desk), [vocal, symbolic], status, **ACT)
    _own(desk, live)


def download_datasets(desk: Desk, vocal: Sequence[str], symbolic: Sequence[str]) -> str:
    """What there is of the chosen sets, and what can be done about those that are not here.

    Raises BadInput when none is chosen.
    """
    ids = {*vocal, *symbolic}
    if not ids:
        raise BadInput("Choose at least one dataset above.")
    chosen = [found for found in desk.curated() if found.id in ids]
    if missing := [found.title for found in chosen if not found.here]:
        warn(
            f"Nothing was downloaded: {', '.join(missing)} cannot be had from here yet. "
            "What to do instead stands under Status."
        )
    if here := [found.title for found in chosen if found.here]:
        tell(f"Ready to be trained on: {', '.join(here)}.")
    return str(draw_curated(chosen))


def draw_curated(sets: Sequence[CuratedSet]) -> Markup:
    """The status of curated sets."""
    items = [
        tag(
            "li",
            tag("div", tag("strong", found.title) + " " + _presence(found), class_="line")
            + tag("p", f"{found.about} Licence: {found.licence}", class_="soft")
            + tag("p", found.status, class_="soft"),
        )
        for found in sets
    ]
    return tag("h3", "Status") + tag("ul", joined(items), class_="sets", aria_live="polite")


def _presence(found: CuratedSet) -> Markup:
    return chips(["here"], "good") if found.here else chips(["not on this machine"], "odd")


def _own(desk: Desk, live: Live) -> None:
    """Datasets on this machine: look, play, export, import, delete."""
    opened = gr.State("")
    with gr.Row(elem_classes="head-row"):
        gr.HTML("<h3>Datasets on this machine</h3>", apply_default_css=False, min_width=240)
        name = gr.Textbox(
            label=IMPORT_NAME,
            placeholder="its own, when left empty",
            max_length=100,
            elem_id="import-dataset-name",
        )
        bring = gr.UploadButton(
            "Import a dataset (.zip)",
            file_types=[".zip"],
            size="sm",
            elem_id="import-dataset",
        )
    build_arrival(live, "import_dataset", IMPORT_NAME)
    listed = gr.HTML(js_on_load=ACTIONS, apply_default_css=False, elem_id="datasets")
    live.choice("opened", opened)
    live.panel(
        "datasets",
        [listed],
        lambda now: (*datasets_mark(desk, now), now.mine["opened"]),
        lambda now: {listed: str(draw_datasets(desk, now.mine["opened"]))},
    )
    bring.upload(bound(import_dataset, desk), [bring, name], name, **ACT)

    def press(was: str, event: gr.EventData) -> Any:
        action, name = event._data["action"], event._data["dataset"]
        if action == "delete":
            desk.delete_dataset(name)
            tell(f"Deleted {name}.")
            return ""
        return "" if was == name else name

    listed.click(bound(press), opened, opened, **PRESS)


def datasets_mark(desk: Desk, now: Now) -> tuple[object, ...]:
    """What tells that the datasets have changed."""
    return (changed(desk.settings.datasets), now.ended(*MADE))


def import_dataset(desk: Desk, path: str, name: str) -> str:
    """Take in a dataset that was exported, under its own name unless another is given.

    The field for the name, emptied.
    """
    with uploaded(path) as own:
        desk.import_dataset(own, (name or "").strip() or None)
    tell("The dataset is being read. What becomes of it is said below the button.")
    return ""


def draw_datasets(desk: Desk, opened: str) -> Markup:
    """All datasets; the opened one with its clips."""
    found = desk.datasets()
    if not found:
        return empty("No datasets yet", "Prepare one under User Audio Training.")
    items = joined(_item(desk, dataset, opened=dataset.name == opened) for dataset in found)
    return tag("ul", items, class_="jobs")


def _item(desk: Desk, dataset: Dataset, *, opened: bool) -> Markup:
    facts = [
        counted(dataset.songs, "song"),
        f"{counted(dataset.training_clips, 'clip')} to learn from",
        f"{dataset.validation_clips} kept aside",
        f"{dataset.minutes:.1f} min",
        dataset.kind,
        words.day(dataset.created),
    ]
    name = dataset.name
    body = tag("span", name, class_="job-name")
    body += note(dataset.problem, "error") if dataset.problem else NOTHING
    body += NOTHING if dataset.problem else tag("div", chips(facts), class_="facts")
    tools = button(
        "Close" if opened else "Clips",
        "open",
        dataset=name,
        label=f"{'Hide' if opened else 'Show'} the clips of {name}",
    )
    tools += Markup('<a class="mini"{}>Export</a>').format(
        attributes(href=links.dataset_export(name), download=True, aria_label=f"Export {name}")
    )
    tools += button(
        "Delete",
        "delete",
        look="danger",
        dataset=name,
        label=f"Delete {name}",
        confirm=f"Delete the dataset {name} with all its clips?",
    )
    line = tag("div", body, class_="grow") + tag("div", tools, class_="tools")
    clips = _clips(desk.dataset(name)) if opened and not dataset.problem else NOTHING
    return tag("li", line, class_="job") + clips


def _clips(info: DatasetInfo) -> Markup:
    """Clips with what the model is told of each."""
    rows = [
        tag(
            "li",
            play(links.clip_audio(info.name, clip.file), clip.file)
            + tag("span", clip.file.rpartition("/")[2], class_="file")
            + chips(["kept aside" if clip.split == "validation" else "", clip.metadata.genre]),
            class_="clip-line",
        )
        for clip in info.clips[:CLIPS_SHOWN]
    ]
    more = len(info.clips) - CLIPS_SHOWN
    rest = tag("p", f"and {more} more", class_="soft") if more > 0 else NOTHING
    notes = joined(note(text) for text in info.notes)
    return tag("li", notes + tag("ul", joined(rows), class_="clip-list") + rest, class_="opened")
