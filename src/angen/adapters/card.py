"""The adapter's card: ``README.md`` beside it, with what a stranger should know before using it."""

import json
from pathlib import Path
from typing import Any

from angen.adapters.library import REPORT_FILE, read_report
from angen.adapters.metadata import TRAINED_KINDS, AdapterMetadata, read_metadata
from angen.amounts import counted
from angen.errors import BadInput
from angen.files import replacing

CARD_FILE = "README.md"
_RECIPE = (
    "batch_size",
    "accumulation",
    "learning_rate",
    "rank",
    "alpha",
    "targets",
    "condition_dropout",
    "seed",
)


def write_card(folder: Path) -> Path:
    """Write the card of the adapter in ``folder`` from its metadata and report; its path.

    Raises BadInput when it has no metadata, Incompatible when they or the report are damaged.
    """
    metadata = read_metadata(folder)
    if metadata is None:
        raise BadInput(f"{folder.name!r} has no metadata to write a card from.")
    text = card(metadata, read_report(folder))
    with replacing(folder / CARD_FILE) as path:
        path.write_text(text, encoding="utf-8")
    return folder / CARD_FILE


def card(metadata: AdapterMetadata, report: dict[str, Any] | None) -> str:
    """The card as Markdown, with the header that model hubs read."""
    parts = [
        _front(metadata),
        f"# {metadata.name}\n\n{_summary(metadata)}\n",
        _effect(report),
        _losses(metadata),
        _recipe(metadata),
        _use(metadata),
        _notes(metadata),
    ]
    return "\n".join(part for part in parts if part)


def _front(metadata: AdapterMetadata) -> str:
    lines = ["---", "library_name: peft", "tags: [music, lora, diffrhythm2, angen]"]
    if metadata.base:
        lines.append(f"base_model: {json.dumps(metadata.base.name, ensure_ascii=False)}")
    return "\n".join([*lines, "---", ""])


def _summary(metadata: AdapterMetadata) -> str:
    base = f" of the base `{metadata.base.name}`" if metadata.base else ""
    text = f"A LoRA{base}, made with Angen Studio on {metadata.created[:10]}."
    if metadata.kind in TRAINED_KINDS and metadata.finished is None:
        text += " **Its training did not come to its end.**"
    if metadata.base and metadata.base.style:
        text += f" Style vectors: {metadata.base.style}."
    if dataset := metadata.dataset:
        aside = dataset.validation_clips
        clips = counted(dataset.training_clips + aside, "clip")
        text += (
            f" Trained on the dataset *{dataset.name}*: {clips}, "
            f"{dataset.minutes:.1f} minutes of audio, {counted(aside, 'clip')} kept aside. "
            f"Licences of the recordings: {', '.join(dataset.licences) or 'not stated'}."
        )
    return text


def _effect(report: dict[str, Any] | None) -> str:
    if not report:
        return "## Effect\n\nNot measured.\n"
    rows = []
    for group, names in (
        ("effect", ("distance_base", "distance_adapter", "reduction")),
        ("memorisation", ("closest", "reference")),
    ):
        values = report.get(group)
        values = values if isinstance(values, dict) else {}
        for name in names:
            rows.append(f"| {group}, {name.replace('_', ' ')} | {_number(values.get(name))} |")
    head = [f"## Effect\n\nVerdict: **{report.get('verdict', 'none')}**.\n", "| | |", "|---|---|"]
    return "\n".join([*head, *rows, "", f"Details in `{REPORT_FILE}`.", ""])


def _losses(metadata: AdapterMetadata) -> str:
    losses = metadata.losses
    rows = [
        ("training, last epoch", losses.training),
        ("kept-aside clips, base", losses.validation_base),
        (f"kept-aside clips, best (step {losses.best_step})", losses.validation_best),
        ("kept-aside clips, final", losses.validation_final),
    ]
    known = [f"| {name} | {_number(value)} |" for name, value in rows if value is not None]
    if not known:
        return ""
    return "\n".join(["## Losses", "", "| flow-matching error | |", "|---|---|", *known, ""])


def _recipe(metadata: AdapterMetadata) -> str:
    if not metadata.recipe:
        return ""
    given = {name: metadata.recipe[name] for name in _RECIPE if name in metadata.recipe}
    rows = [f"| {name} | {_plain(value)} |" for name, value in given.items()]
    rows += [f"| steps | {metadata.steps} |", f"| epochs | {metadata.epochs} |"]
    rows += [f"| {name} | {version} |" for name, version in metadata.libraries.items()]
    return "\n".join(["## Recipe", "", "| | |", "|---|---|", *rows, ""])


def _use(metadata: AdapterMetadata) -> str:
    return (
        "## Use\n\n```sh\n"
        f'angen generate --adapter "{metadata.name}" --prompt "..." --seconds 30\n'
        "```\n\n"
        "`best_model/` is a plain PEFT folder: "
        '`peft.PeftModel.from_pretrained(dit, "best_model")` loads it.\n'
    )


def _notes(metadata: AdapterMetadata) -> str:
    if not metadata.notes:
        return ""
    return "\n".join(["## Notes", "", *(f"- {note}" for note in metadata.notes), ""])


def _number(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else "not measured"


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
