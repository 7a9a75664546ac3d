"""HTML that is written by hand, where Gradio has no component.

Everything is `markupsafe.Markup`: what is formatted into it is escaped, so that names, prompts and
lyrics stay text whatever they contain. Gradio must get it through `gr.HTML` with the plain template
``${value}``; in a Handlebars template values would be run as code.
"""

from collections.abc import Iterable

from markupsafe import Markup

NOTHING = Markup("")
# For `gr.HTML(js_on_load=...)`: a press of a `button` becomes a click with its data,
# once its question is answered where it has one (``confirm``).
ACTIONS = """
element.addEventListener('click', (event) => {
  const pressed = event.target.closest('[data-action]');
  if (!pressed || (pressed.dataset.confirm && !window.confirm(pressed.dataset.confirm))) return;
  trigger('click', {...pressed.dataset});
});
"""


def joined(parts: Iterable[str], between: str = "") -> Markup:
    """Parts in a row; those that are no Markup are escaped."""
    return Markup(between).join(parts)


def attributes(**values: str | float | bool | None) -> Markup:
    """``name="value"`` for each; None and False are left out, True has no value.

    An underscore at the end of a name is dropped, others become dashes: class_, aria_label.
    """
    parts = []
    for name, value in values.items():
        name = name.rstrip("_").replace("_", "-")
        if value is True:
            parts.append(Markup(" {}").format(name))
        elif value is not None and value is not False:
            parts.append(Markup(' {}="{}"').format(name, value))
    return joined(parts)


def tag(name: str, content: str = "", **values: str | float | bool | None) -> Markup:
    """An element; ``content`` that is no Markup is escaped."""
    return Markup("<{0}{1}>{2}</{0}>").format(name, attributes(**values), content)


def note(text: str, kind: str = "info") -> Markup:
    """A line that a person should read: kind is info, good, warning or error."""
    role = "alert" if kind == "error" else "status"
    return tag("p", text, class_=f"note {kind}", role=role)


def empty(text: str, hint: str = "") -> Markup:
    """What stands where there is nothing yet."""
    return tag("div", tag("p", text) + tag("p", hint, class_="soft"), class_="nothing")


def bar(share: float, label: str, *, busy: bool = False) -> Markup:
    """A progress bar; share is 0 to 1. busy: how far is not known."""
    fill = tag("span", style=f"width:{100 * min(1.0, max(0.0, share)):.1f}%")
    return tag(
        "div",
        fill,
        class_="bar busy" if busy else "bar",
        role="progressbar",
        aria_label=label,
        aria_valuemin="0",
        aria_valuemax="100",
        aria_valuenow=None if busy else f"{100 * share:.0f}",
    )


def button(
    text: str, action: str, *, label: str = "", look: str = "", **data: str | float | bool | None
) -> Markup:
    """A button inside HTML, of whose press `ACTIONS` tells Python. label: for the ear."""
    values = {f"data-{name}": value for name, value in data.items()}
    return tag(
        "button",
        text,
        type="button",
        class_=f"mini {look}".strip(),
        data_action=action,
        aria_label=label or None,
        title=label or None,
        **values,
    )


def chips(values: Iterable[str], kind: str = "") -> Markup:
    """Short facts in a row."""
    return joined(tag("span", value, class_=f"chip {kind}".strip()) for value in values if value)


def play(address: str, label: str) -> Markup:
    """A round button that plays a sound."""
    return tag("angen-play", src=address, label=label)
