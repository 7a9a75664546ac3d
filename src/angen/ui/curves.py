"""Curves as SVG: they need no script, follow light and dark, and can be read aloud."""

import math
from collections.abc import Sequence

from markupsafe import Markup

from angen.ui.markup import joined, tag

Points = Sequence[tuple[int, float]]  # step, value; steps ascend

WIDTH, HEIGHT = 760, 230
LEFT, RIGHT, TOP, BOTTOM = 54, 12, 12, 28
MOST_POINTS = 400  # of one curve; more would not be seen


def draw_curves(curves: dict[str, Points], steps: int = 0) -> Markup:
    """Curves over the steps of a training, each by its name.

    steps: how far the axis reaches, at least.
    """
    drawn = {name: thinned(points) for name, points in curves.items() if points}
    if not drawn:
        return tag("p", "The curves begin with the first measured step.", class_="soft")
    values = [value for points in drawn.values() for _, value in points if math.isfinite(value)]
    low, high = _around(min(values), max(values))
    last = max(steps, *(points[-1][0] for points in drawn.values()), 1)

    def place(step: int, value: float) -> tuple[float, float]:
        across = LEFT + (WIDTH - LEFT - RIGHT) * step / last
        down = TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low)
        return round(across, 1), round(down, 1)

    lines = joined(
        _line(number, [place(*point) for point in points])
        for number, points in enumerate(drawn.values())
    )
    said = "; ".join(
        f"{name}: {points[0][1]:.4g} at step {points[0][0]}, {points[-1][1]:.4g} at step "
        f"{points[-1][0]}"
        for name, points in drawn.items()
    )
    picture = Markup(
        '<svg viewBox="0 0 {} {}" role="img" aria-label="{}" class="curves">{}{}</svg>'
    ).format(WIDTH, HEIGHT, said, _axes(low, high, last), lines)
    return tag("figure", picture + _legend(drawn), class_="plot")


def thinned(points: Points) -> list[tuple[int, float]]:
    """At most ``MOST_POINTS`` of them, the first and the last among them."""
    if len(points) <= MOST_POINTS:
        return list(points)
    stride = (len(points) - 1) / (MOST_POINTS - 1)
    return [points[round(i * stride)] for i in range(MOST_POINTS)]


def _around(low: float, high: float) -> tuple[float, float]:
    """A range with some room; never empty."""
    room = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
    return low - room, high + room


def _line(number: int, places: Sequence[tuple[float, float]]) -> Markup:
    if len(places) == 1:
        x, y = places[0]
        return Markup('<circle class="line-{}" cx="{}" cy="{}" r="3.5"/>').format(number, x, y)
    path = " ".join(f"{x},{y}" for x, y in places)
    dots = joined(
        Markup('<circle class="line-{}" cx="{}" cy="{}" r="3"/>').format(number, x, y)
        for x, y in (places if len(places) <= 40 else places[-1:])
    )
    return Markup('<polyline class="line-{}" points="{}"/>').format(number, path) + dots


def _axes(low: float, high: float, last: int) -> Markup:
    parts = []
    for value, label in ticks(low, high):
        y = round(TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low), 1)
        parts.append(
            Markup('<line x1="{}" x2="{}" y1="{}" y2="{}"/>').format(LEFT, WIDTH - RIGHT, y, y)
            + _label(LEFT - 8, y + 4, "end", label)
        )
    for step, anchor in ((0, "start"), (last // 2, "middle"), (last, "end")):
        if step or anchor == "start":
            x = round(LEFT + (WIDTH - LEFT - RIGHT) * step / last, 1)
            parts.append(_label(x, HEIGHT - 8, anchor, f"{step}" if step else "step 0"))
    return tag("g", joined(parts), class_="axes")


def _label(x: float, y: float, anchor: str, text: str) -> Markup:
    return Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>').format(x, y, anchor, text)


def ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Round values from low to high, three to eight of them, each with how it is written."""
    most = (high - low) / 3
    tens = 10.0 ** math.floor(math.log10(most))
    step = max(one * tens for one in (1, 2, 5) if one * tens <= most)
    decimals = max(0, -round(math.log10(tens)))
    numbers = range(math.ceil(low / step), math.floor(high / step) + 1)
    return [(number * step, f"{number * step:.{decimals}f}") for number in numbers]


def _legend(drawn: dict[str, list[tuple[int, float]]]) -> Markup:
    keys = [
        tag("span", f"{name} {points[-1][1]:.4g}", class_=f"curve-key curve-{number}")
        for number, (name, points) in enumerate(drawn.items())
    ]
    return tag("figcaption", joined(keys))
