"""The losses of trainings as a picture, from what ``make mini`` printed.

    make mini 2>&1 | tee make.log; python -m mini.curves make.log

One panel for each training in the log, in its order.
"""

import argparse
import re
from pathlib import Path

from matplotlib.figure import Figure

from angen.files import replacing
from mini.loop import WORK

STAGE = re.compile(r"-m mini\.(\w+)|band: (\w+)")
STEP = re.compile(r"step (\d+), [\d.]+ min: total=([\d.]+)")


def losses(log: str) -> dict[str, list[tuple[int, float]]]:
    """(step, total loss) by the name of what was trained."""
    found: dict[str, list[tuple[int, float]]] = {}
    name = "training"
    for line in log.splitlines():
        if stage := STAGE.search(line):
            name = stage[1] or f"codec, {stage[2]} band"
        if step := STEP.search(line):
            found.setdefault(name, []).append((int(step[1]), float(step[2])))
    return found


def draw(found: dict[str, list[tuple[int, float]]], path: Path) -> None:
    """The picture, as PNG."""
    figure = Figure(figsize=(8, 2.4), dpi=110, layout="constrained")
    panels = figure.subplots(1, len(found), squeeze=False)[0]
    for axes, (name, points) in zip(panels, found.items(), strict=True):
        axes.plot(*zip(*points, strict=True), color="#4c6ef5")
        axes.set_title(name)
        axes.set_xlabel("step")
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("loss")
    with replacing(path) as beside:
        figure.savefig(beside)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("log", type=Path, help="what make mini printed")
    parser.add_argument("--out", type=Path, default=WORK / "mini-curves.png")
    given = parser.parse_args()
    found = losses(given.log.read_text())
    if not found:
        raise SystemExit(f"{given.log} has no line of a training. Give what make mini printed.")
    draw(found, given.out)


if __name__ == "__main__":
    main()
