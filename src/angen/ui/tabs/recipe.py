"""The fields of a training, filled with what works for the base, and the request they make."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from angen.adapters.shape import ATTENTION, MLP
from angen.data.style_source import StyleSource
from angen.studio.desk import Desk
from angen.studio.requests.asking import asked
from angen.studio.requests.training import Preset, TrainRequest
from angen.training.config import RANGES, Precision, TrainingConfig, recipe
from angen.ui.faults import ACT, bound

# field: (label, what it means, step of the slider)
SLIDERS = {
    "batch_size": ("Batch Size", "Clips at once in memory.", 1),
    "learning_rate": ("Learning Rate", "How boldly it learns.", 1e-5),
    "epochs": ("Number of Epochs", "How often every clip is heard.", 1),
    "rank": ("LoRA Rank", "How much the adapter can hold.", 1),
    "alpha": ("LoRA Alpha", "How strongly it speaks: alpha / rank.", 1),
}
MORE_SLIDERS = {
    "accumulation": ("Batches per step", "A larger batch in the memory of a small one.", 1),
    "max_clip_s": ("Longest clip in seconds", "Longer ones are cropped, each epoch elsewhere.", 1),
    "lora_dropout": ("LoRA dropout", "Share of inputs dropped.", 0.01),
    "condition_dropout": (
        "Prompt dropout",
        "Share of clips without words, so that guidance works.",
        0.01,
    ),
    "weight_decay": ("Weight decay", "Pull towards zero.", 0.001),
}
NUMBERS = {
    "warmup_steps": ("Warm-up steps", "At most a tenth of all."),
    "clip_norm": ("Longest gradient", "Longer ones are cut."),
    "checkpoint_every": ("Steps between checkpoints", "Besides, one is saved every 3 minutes."),
    "keep_checkpoints": ("Checkpoints kept", "The newest of those by steps."),
    "log_every": ("Steps between log lines", ""),
    "validation_blocks": ("Blocks heard per validation", "Of 2 s each."),
    "seed": ("Seed of the training", "Same seed, same training on a CPU."),
    "max_steps": ("Exactly so many steps", "In place of epochs; 0: by epochs."),
    "least_steps": ("At least so many steps", "More epochs, where clips are few."),
}
_FRACTIONS = frozenset({"learning_rate", "lora_dropout", "condition_dropout", "weight_decay"})
_WHOLE = frozenset({*SLIDERS, *MORE_SLIDERS, *NUMBERS}) - _FRACTIONS - {"clip_norm", "max_clip_s"}


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Fields by their names in `TrainRequest`."""

    fields: Mapping[str, Any]

    @property
    def components(self) -> list[Any]:
        return list(self.fields.values())

    def request(self, values: tuple[Any, ...]) -> TrainRequest:
        """The request that the fields hold. Raises BadInput that names each value and its range."""
        given = {name: _plain(name, value) for name, value in zip(self.fields, values, strict=True)}
        return asked(TrainRequest, {name: v for name, v in given.items() if v is not None})


def _plain(name: str, value: Any) -> Any:
    if name == "max_steps" and not value:
        return None
    if name in _WHOLE and isinstance(value, float) and value.is_integer():
        return int(value)
    if name == "base":
        return (value or "").strip() or None
    if name in ("name", "dataset"):
        return (value or "").strip()
    return (value or None) if name == "max_steps" else value


def _default(name: str) -> Any:
    return TrainRequest.model_fields[name].default


def build_recipe(desk: Desk, name: gr.Textbox, dataset: gr.Dropdown, base: gr.Dropdown) -> Recipe:
    """Draw the fields; ``name``, ``dataset`` and ``base`` are there already."""
    own = desk.recipe(None, Preset.BASE)
    fields: dict[str, Any] = {"name": name, "dataset": dataset, "base": base}
    gr.HTML("<h3>Hyperparameters</h3>", apply_default_css=False)
    fields["preset"] = gr.Dropdown(
        [("what works for this base", Preset.BASE), ("what the documents say", Preset.DOCUMENTS)],
        value=Preset.BASE.value,
        label="Fill in",
        elem_id="train-preset",
    )
    with gr.Row(elem_classes="fields"):
        for field, words in SLIDERS.items():
            fields[field] = _slider(own, field, *words)
    with gr.Accordion("Advanced settings", open=False, elem_id="training-advanced"):
        with gr.Row(elem_classes="fields"):
            for field, words in MORE_SLIDERS.items():
                fields[field] = _slider(own, field, *words)
        with gr.Row(elem_classes="fields"):
            for field, (label, info) in NUMBERS.items():
                fields[field] = _number(own, field, label, info)
        fields |= _choices(own) | _afterwards()
    _refill(desk, fields)
    return Recipe(fields=fields)


def _refill(desk: Desk, fields: Mapping[str, Any]) -> None:
    """Let the recipe's fields follow the base and the preset that are chosen."""
    names = [name for name in fields if name in TrainingConfig.__slots__]

    def filled(base: str | None, preset: str) -> list[Any]:
        values = recipe(desk.recipe(base or None, Preset(preset)))
        return [gr.update(value=values[name] or 0) for name in names]

    gr.on(
        [fields["base"].change, fields["preset"].change],
        bound(filled),
        [fields["base"], fields["preset"]],
        [fields[name] for name in names],
        **ACT,
    )


def _slider(own: TrainingConfig, field: str, label: str, info: str, step: float) -> gr.Slider:
    low, high = RANGES[field]
    return gr.Slider(
        low,
        high,
        value=getattr(own, field),
        step=step,
        label=label,
        info=info,
        min_width=230,
        elem_id=f"train-{field.replace('_', '-')}",
    )


def _number(own: TrainingConfig, field: str, label: str, info: str) -> gr.Number:
    low, high = RANGES[field]
    return gr.Number(
        getattr(own, field) or 0,  # an empty field comes back from the browser as 0
        label=label,
        info=info or None,
        minimum=0 if field == "max_steps" else low,
        maximum=high,
        precision=None if field == "clip_norm" else 0,
        min_width=180,
        elem_id=f"train-{field.replace('_', '-')}",
    )


def _choices(own: TrainingConfig) -> dict[str, Any]:
    return {
        "targets": gr.CheckboxGroup(
            list(ATTENTION + MLP),
            value=list(own.targets),
            label="Layers that are adapted",
            elem_id="train-targets",
        ),
        "style": gr.Dropdown(
            [("words and sound in turn", "both"), ("its words", "text"), ("its sound", "audio")],
            value=StyleSource.BOTH.value,
            label="What tells the model a clip's style",
            elem_id="train-style",
        ),
        "precision": gr.Dropdown(
            [precision.value for precision in Precision],
            value=Precision.AUTO.value,
            label="Precision",
            elem_id="train-precision",
        ),
        "gradient_checkpointing": gr.Checkbox(
            False,
            label="Half the memory for a third more time (gradient checkpointing)",
            elem_id="train-gradient-checkpointing",
        ),
        "overwrite": gr.Checkbox(
            False, label="Replace an adapter of this name", elem_id="train-overwrite"
        ),
    }


def _afterwards() -> dict[str, Any]:
    """What is made to listen to, during and after."""
    sliders = {
        "samples": (0, 50, "Audio samples along the way (at most one in 25 steps)"),
        "sample_s": (1, 60, "Length of a sample in seconds"),
        "report_songs": (4, 64, "Songs a side of the effect report"),
        "report_s": (2, 60, "Length of such a song in seconds"),
    }
    with gr.Row(elem_classes="fields"):
        fields: dict[str, Any] = {
            name: gr.Slider(
                low,
                high,
                value=_default(name),
                step=1,
                label=label,
                elem_id=f"train-{name.replace('_', '-')}",
            )
            for name, (low, high, label) in sliders.items()
        }
    with gr.Row(elem_classes="fields"):
        prompt = gr.Textbox(
            label="Prompt of the samples",
            placeholder="empty: that of a clip kept aside",
            max_length=2_000,
            scale=3,
            elem_id="train-sample-prompt",
        )
        seed = gr.Number(
            _default("sample_seed"),
            label="Seed of the samples",
            info="Same seed: what differs is what was learned.",
            precision=0,
            minimum=0,
            min_width=180,
            elem_id="train-sample-seed",
        )
    report = gr.Checkbox(
        True, label="Measure the effect afterwards (report)", elem_id="train-report"
    )
    return fields | {"sample_prompt": prompt, "sample_seed": seed, "report": report}
