"""The fields that say what a song shall be, in words and a few sliders."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from angen.adapters.shape import MAX_STRENGTH
from angen.studio.desk import Desk
from angen.studio.models import Model
from angen.studio.requests.fields import MAX_S, MIN_S
from angen.studio.requests.songs import MAX_ADAPTERS, new_seed
from angen.ui.choice import choice, kept
from angen.ui.faults import ACT
from angen.ui.live import Live, Now, changed

INSTRUMENTAL, OWN_LYRICS = "Instrumental", "My own lyrics"
TAGS = ("[intro]", "[verse]", "[chorus]", "[bridge]", "[outro]")
EXAMPLES = (
    "smooth jazz, calm, piano and double bass, 90 BPM",
    "energetic rock, electric guitar, drums, 140 BPM, E minor",
    "chiptune, playful, square lead, 150 BPM, C major",
    "ambient, dreamy, soft synth pads, slow",
)
STEPS = (1, 200, 15)  # lowest, highest, default
GUIDANCE = (0.0, 20.0, 3.0)


@dataclass(frozen=True, kw_only=True)
class Form:
    """The fields of a request, and the buttons that send it."""

    prompt: gr.Textbox
    kind: gr.Radio
    lyrics: gr.Textbox
    lyrics_group: gr.Group
    duration: gr.Slider
    adapters: gr.Dropdown
    strengths: tuple[gr.Slider, ...]
    random: gr.Checkbox
    seed: gr.Number
    steps: gr.Slider
    guidance: gr.Slider
    base: gr.Dropdown
    generate: gr.Button
    compare: gr.Button

    @property
    def fields(self) -> list[Any]:
        """In the order of `song_request_of`."""
        plain = [self.prompt, self.kind, self.lyrics, self.duration, self.random, self.seed]
        return [*plain, self.steps, self.guidance, self.base, self.adapters, *self.strengths]


def build_form(desk: Desk, live: Live) -> Form:
    """Draw the form and let it work, but for the two buttons at its end."""
    gr.HTML("<h2>Create a song</h2>", elem_classes="title")
    prompt = _prompt()
    kind, group, lyrics = _lyrics()
    duration = gr.Slider(
        MIN_S, MAX_S, value=20, step=1, label="Duration in seconds", elem_id="duration"
    )
    adapters, strengths = _adapters(desk, live)
    random, seed = _seed()
    steps, guidance, base = _advanced(desk, live)
    with gr.Row(elem_classes="actions"):
        generate = gr.Button("Generate Music", variant="primary", size="lg", elem_id="generate")
        compare = gr.Button("A/B: with and without adapters", size="lg", elem_id="compare")
    return Form(
        prompt=prompt,
        kind=kind,
        lyrics=lyrics,
        lyrics_group=group,
        duration=duration,
        adapters=adapters,
        strengths=strengths,
        random=random,
        seed=seed,
        steps=steps,
        guidance=guidance,
        base=base,
        generate=generate,
        compare=compare,
    )


def _prompt() -> gr.Textbox:
    prompt = gr.Textbox(
        label="Describe the music",
        info="Genre, mood, instruments, tempo, key: whatever matters to you.",
        placeholder=EXAMPLES[0],
        lines=2,
        max_lines=6,
        max_length=2_000,
        elem_id="prompt",
    )
    with gr.Row(elem_classes="examples"):
        for number, example in enumerate(EXAMPLES):
            name = example.split(",")[0]
            button = gr.Button(name, size="sm", elem_id=f"example-{number}", min_width=60)
            button.click(None, js=f"() => {json.dumps(example)}", outputs=prompt, **ACT)
    return prompt


def _lyrics() -> tuple[gr.Radio, gr.Group, gr.Textbox]:
    kind = gr.Radio(
        [INSTRUMENTAL, OWN_LYRICS], value=INSTRUMENTAL, label="Lyrics", elem_id="lyrics-kind"
    )
    with gr.Column(visible=False, elem_id="lyrics-group", elem_classes="tight") as group:
        with gr.Row(elem_classes="examples"):
            buttons = [
                gr.Button(tag, size="sm", elem_id=f"tag-{tag.strip('[]')}", min_width=60)
                for tag in TAGS
            ]
        lyrics = gr.Textbox(
            label="Your lyrics",
            info="A tag such as [verse] says what follows. Latin letters are read as English: a "
            "line [lang: fr] or [lang: de] changes that for the lines below. "
            "mini has no voice: it follows tags alone.",
            placeholder="[verse]\nCity lights are calling me home\n\n[chorus]\n...",
            lines=8,
            max_lines=24,
            max_length=20_000,
            elem_id="lyrics",
        )
    for tag, button in zip(TAGS, buttons, strict=True):
        button.click(
            None,
            js=f"(text) => window.angen.insertTag(text, {json.dumps(tag)})",
            inputs=lyrics,
            outputs=lyrics,
            **ACT,
        )
    kind.change(lambda choice: gr.update(visible=choice == OWN_LYRICS), kind, group, **ACT)
    return kind, group, lyrics


def _adapters(desk: Desk, live: Live) -> tuple[gr.Dropdown, tuple[gr.Slider, ...]]:
    adapters = choice(
        "Adapters",
        value=[],
        multiselect=True,
        max_choices=MAX_ADAPTERS,
        info="Styles that you have trained; several may sound at once.",
        elem_id="adapters",
    )
    strengths = tuple(
        gr.Slider(
            0,
            MAX_STRENGTH,
            value=1.0,
            step=0.05,
            label=f"Strength {number + 1}",
            visible=False,
            elem_id=f"strength-{number}",
        )
        for number in range(MAX_ADAPTERS)
    )
    adapters.change(show_strengths, adapters, list(strengths), **ACT)
    live.choice("adapters", adapters)
    for number, slider in enumerate(strengths):
        live.choice(f"strength-{number}", slider)

    def draw(now: Now) -> dict[Any, Any]:
        given = {n: now.mine[f"strength-{i}"] for i, n in enumerate(now.mine["adapters"] or [])}
        update = kept(usable(desk), list(given))
        left = [given[name] for name in update["value"]]
        return {adapters: update, **dict(zip(strengths, left, strict=False))}

    mark = partial(adapters_mark, desk)
    live.panel("adapters", [adapters, *strengths], mark, draw)
    return adapters, strengths


def adapters_mark(desk: Desk, now: Now) -> tuple[object, ...]:
    """What tells that the library of adapters has changed."""
    return (changed(desk.settings.loras), now.ended("train", "report", "merge"))


def usable(desk: Desk) -> list[str]:
    """Names of the adapters that can play."""
    return [info.name for info in desk.adapters() if info.usable]


def show_strengths(names: Sequence[str] | None) -> list[Any]:
    """A slider for each chosen adapter, under its name."""
    names = names or []
    shown = [gr.update(visible=True, label=f"Strength of {name}") for name in names]
    return shown[:MAX_ADAPTERS] + [gr.update(visible=False)] * (MAX_ADAPTERS - len(names))


def _seed() -> tuple[gr.Checkbox, gr.Number]:
    with gr.Row(elem_id="seed-row", equal_height=True):
        seed = gr.Number(
            new_seed(),
            label="Seed",
            info="Same seed, same song.",
            precision=0,
            min_width=140,
            scale=3,
            elem_id="seed",
        )
        dice = gr.Button("⚄ Dice", min_width=90, scale=1, elem_id="dice")
        random = gr.Checkbox(True, label="Random", min_width=100, scale=1, elem_id="random-seed")
    dice.click(lambda: (new_seed(), False), outputs=[seed, random], **ACT)
    # In the browser: who presses Generate at once means this seed.
    seed.input(None, js="() => false", outputs=random, **ACT)
    return random, seed


def _advanced(desk: Desk, live: Live) -> tuple[gr.Slider, gr.Slider, gr.Dropdown]:
    with gr.Accordion("Advanced", open=False, elem_id="advanced"):
        steps = gr.Slider(
            STEPS[0],
            STEPS[1],
            value=STEPS[2],
            step=1,
            label="Steps",
            info="More is cleaner and slower.",
            elem_id="steps",
        )
        guidance = gr.Slider(
            GUIDANCE[0],
            GUIDANCE[1],
            value=GUIDANCE[2],
            step=0.1,
            label="Guidance",
            info="1 follows the description as learned, more insists on it.",
            elem_id="guidance",
        )
        base = choice("Model", elem_id="base")
    live.choice("base", base)
    live.panel(
        "models",
        [base],
        lambda now: models_mark(desk, now),
        lambda now: {base: kept(players(desk), now.mine["base"], first=True)},
    )
    return steps, guidance, base


def models_mark(desk: Desk, now: Now) -> tuple[object, ...]:
    """What tells that there may be other base models."""
    return (changed(desk.settings.bundles), now.ended("fetch"))


def players(desk: Desk) -> list[str]:
    """Names of the base models that can make songs, that of the settings first."""
    return bases(desk, lambda model: model.plays)


def bases(desk: Desk, able: Callable[[Model], bool]) -> list[str]:
    """Names of the base models that are ``able``, that of the settings first.

    One that the settings name by its folder is not among the others, and is taken at its word.
    """
    models, own = desk.models(), desk.settings.base
    names = [model.name for model in models if able(model)]
    if own not in {model.name for model in models}:
        names.append(own)
    return sorted(names, key=lambda name: name != own)
