"""An adapter in words: the table of all, the card of one, and several side by side."""

from collections.abc import Callable, Sequence
from typing import Any

from markupsafe import Markup

from angen.adapters.library import PAGE_FILE, AdapterInfo
from angen.amounts import counted, duration_text, size_text
from angen.ui import links, words
from angen.ui.markup import NOTHING, attributes, button, chips, empty, joined, note, tag

COLUMNS = ("Name", "Created", "Training Steps", "Type", "Effect")
VERDICTS = {  # of the effect report: in short, and how it looks
    "closer": ("closer to its recordings", "good"),
    "slight": ("a little closer", "odd"),
    "no_effect": ("no effect", "odd"),
    "farther": ("farther away", "bad"),
    "copies": ("copies its recordings", "bad"),
}


def draw_adapters(adapters: Sequence[AdapterInfo], selected: str | None) -> Markup:
    """The table of all adapters."""
    if not adapters:
        return empty("No adapters yet", "Train one under Training Configuration, or import one.")
    head = joined(tag("th", name, scope="col") for name in COLUMNS)
    rows = joined(_row(info, chosen=info.name == selected) for info in adapters)
    table = Markup(
        '<table class="adapters"><caption class="hidden">LoRA adapters</caption>'
        "<thead><tr>{}</tr></thead><tbody>{}</tbody></table>"
    ).format(head, rows)
    return tag("div", table, class_="scroll")


def _row(info: AdapterInfo, *, chosen: bool) -> Markup:
    facts = info.metadata
    cells = [
        ("Created", words.day(facts.created) if facts else ""),
        ("Training Steps", f"{facts.steps:,}" if facts and facts.steps else ""),
        ("Type", facts.kind if facts else "unknown"),
    ]
    name = button(info.name, "select", look="link", name=info.name, label=f"Select {info.name}")
    return tag(
        "tr",
        tag("th", name, scope="row")
        + joined(tag("td", value, data_name=title) for title, value in cells)
        + tag("td", effect(info), data_name="Effect"),
        class_="chosen" if chosen else None,
    )


def effect(info: AdapterInfo) -> Markup:
    """What the report found, in short."""
    if not info.usable:
        return chips(["unfinished"], "odd")
    unfinished = ["unfinished"] if info.unfinished else []
    found = (info.metadata.effect if info.metadata else None) or {}
    verdict = str(found.get("verdict", ""))
    if not verdict:
        return chips([*unfinished, "not measured"], "odd" if unfinished else "")
    said, look = VERDICTS.get(verdict, (verdict, ""))
    reduction = found.get("reduction")
    share = f" by {reduction:.0%}" if verdict == "closer" and isinstance(reduction, float) else ""
    return chips([*unfinished, said + share], "odd" if unfinished else look)


def draw_card(info: AdapterInfo) -> Markup:
    """All that is known of one adapter."""
    facts = info.metadata
    sentence = str((facts.effect or {}).get("sentence", "")) if facts else ""
    parts = [
        tag("h3", info.name),
        *(note(text, "warning") for text in (info.unfinished, info.problem) if text),
        note(sentence, "good" if _verdict(info) == "closer" else "warning")
        if sentence
        else NOTHING,
        tag("dl", joined(_fact(*fact) for fact in _facts(info)), class_="card-facts"),
        joined(note(text) for text in (facts.notes if facts else ())),
        _tools(info),
        _report(info),
    ]
    return joined(parts)


def _verdict(info: AdapterInfo) -> str:
    return str(((info.metadata.effect if info.metadata else None) or {}).get("verdict", ""))


def _fact(name: str, value: str) -> Markup:
    return tag("div", tag("dt", name) + tag("dd", value)) if value else NOTHING


def _facts(info: AdapterInfo) -> list[tuple[str, str]]:
    facts = info.metadata
    if facts is None:
        return [("Size", size_text(info.size_bytes))]
    data, losses = facts.dataset, facts.losses
    amounts = (counted(facts.steps, "step"), counted(facts.epochs, "epoch"))
    trained = ", ".join((*amounts, duration_text(facts.seconds)))
    learned = ""
    if data:
        clips = counted(data.training_clips + data.validation_clips, "clip")
        learned = f"{data.name}: {clips}, {data.minutes:.1f} min"
    validation = ""
    if losses.validation_base is not None and losses.validation_best is not None:
        validation = f"{losses.validation_base:.4f} → {losses.validation_best:.4f}"
    return [
        ("Created", words.day(facts.created)),
        ("Base", facts.base.name if facts.base else ""),
        ("Dataset", learned),
        ("Training", trained if facts.steps else ""),
        ("Rank / alpha", f"{facts.rank} / {facts.alpha:g}" if facts.rank and facts.alpha else ""),
        ("Learning rate", f"{facts.recipe.get('learning_rate', '')}"),
        ("Validation loss, base → best", validation),
        ("Device", facts.device),
        ("Size", size_text(info.size_bytes)),
    ]


def _tools(info: AdapterInfo) -> Markup:
    tools = NOTHING
    if info.usable:
        tools += Markup('<a class="mini"{}>Export (.zip)</a>').format(
            attributes(href=links.adapter_export(info.name), download=True, id="export-adapter")
        )
        again = "Measure again" if info.report else "Measure the effect"
        tools += button(again, "measure", name=info.name)
        tools += button("Use in a song", "use", name=info.name, look="strong")
    if info.status is not None and info.status.state in ("stopped", "interrupted", "failed"):
        tools += button("Go on training", "resume", name=info.name)
    return tag("div", tools, class_="split")


def _report(info: AdapterInfo) -> Markup:
    if not info.report:
        return NOTHING
    if not info.report_page:
        return note("Its report came as figures alone. Measure again to hear before and after.")
    page = links.adapter_file(info.name, PAGE_FILE)
    frame = Markup('<iframe class="report" loading="lazy"{}></iframe>').format(
        attributes(src=page, title=f"Effect report of {info.name}")
    )
    whole = Markup('<a class="mini"{}>Open the report by itself</a>').format(
        attributes(href=page, target="_blank", rel="noopener")
    )
    return (
        tag("h3", "Effect report, with sounds before and after")
        + frame
        + tag("div", whole, class_="split")
    )


def draw_comparison(adapters: Sequence[AdapterInfo]) -> Markup:
    """Adapters side by side."""
    if len(adapters) < 2:
        return note("Choose two adapters or more.")
    head = tag("th", "", scope="col") + joined(
        tag("th", info.name, scope="col") for info in adapters
    )
    rows = joined(
        tag("tr", tag("th", name, scope="row") + joined(tag("td", of(info)) for info in adapters))
        for name, of in _COMPARED.items()
    )
    table = Markup(
        '<table class="compared"><caption class="hidden">Adapters side by side</caption>'
        "<thead><tr>{}</tr></thead><tbody>{}</tbody></table>"
    ).format(head, rows)
    return tag("div", table, class_="scroll")


def _from(name: str, form: Callable[[Any], str] = str) -> Callable[[AdapterInfo], str]:
    """A column: a field of the metadata."""

    def of(info: AdapterInfo) -> str:
        value = getattr(info.metadata, name, None)
        return "" if value in (None, "") else form(value)

    return of


def _recipe(name: str) -> Callable[[AdapterInfo], str]:
    """A column: a setting of the training, whatever stands there."""
    return lambda info: str(info.metadata.recipe.get(name, "")) if info.metadata else ""


def _measured(group: str, name: str, form: str) -> Callable[[AdapterInfo], str]:
    """A column: a number of the effect report."""

    def of(info: AdapterInfo) -> str:
        values = (info.report or {}).get(group)
        value = values.get(name) if isinstance(values, dict) else None
        return format(value, form) if isinstance(value, int | float) else "–"

    return of


def _validation(info: AdapterInfo) -> str:
    best = info.metadata.losses.validation_best if info.metadata else None
    return "–" if best is None else f"{best:.4f}"


_COMPARED: dict[str, Callable[[AdapterInfo], str]] = {
    "Effect": effect,
    "Closer to the recordings by": _measured("effect", "reduction", ".0%"),
    "Distance of the base": _measured("effect", "distance_base", ".4f"),
    "Distance with the adapter": _measured("effect", "distance_adapter", ".4f"),
    "Closest to a training clip": _measured("memorisation", "closest", ".2f"),
    "Best validation loss": _validation,
    "Dataset": _from("dataset", lambda found: str(found.name)),
    "Training steps": _from("steps", lambda steps: f"{steps:,}"),
    "Rank": _from("rank"),
    "Alpha": _from("alpha", lambda alpha: f"{alpha:g}"),
    "Learning rate": _recipe("learning_rate"),
    "Batch size": _recipe("batch_size"),
    "Created": _from("created", words.day),
}
