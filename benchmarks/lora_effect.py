"""Does a LoRA bring `mini` to a style, and only to the style that it was trained on?

    python -m benchmarks.lora_effect [--seeds 0 1 2] [--steps 300] [--loras STYLE] [--home FOLDER]

For each seed, datasets are composed in the three styles that the base never heard, and in one that
it plays. A LoRA is trained on each. All are measured on the clips that the first dataset keeps
aside: the own one should bring the distance down by 30 % or more, and far more than any other.
Prints a Markdown table; about twelve minutes a seed on one core.
"""

import argparse
import csv
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from angen.bundle import Bundle
from angen.data.prepare import PrepareConfig
from angen.studio.base import open_base
from angen.studio.learning.training import report_effect, train_lora
from angen.studio.material.preparing import prepare_dataset
from angen.studio.requests.training import TrainRequest
from angen.studio.settings import Settings
from angen.studio.watch import OnStep
from angen.training.effect import EffectReport
from angen.training.evidence import EffectConfig
from angen.training.quote import Quote
from mini.pieces import HELD_OUT_STYLES, piece

STYLE, KNOWN = "chiptune", "techno"
CONTROLS = (*(style for style in HELD_OUT_STYLES if style != STYLE), KNOWN)
SONGS, SONG_S = 10, 45.0
HELD_OUT = 0.3  # three songs of ten: a few dozen excerpts to compare with
SONGS_A_SIDE = 24
HEADER = (
    "| seed | LoRA of | distance, base | with LoRA | other real clips | reduction | 95 % interval "
    "| Fréchet, base → LoRA | closest copy / real | verdict | minutes |"
)


@dataclass(frozen=True)
class Quiet:
    """Says what stage it is in, on one line each."""

    label: str

    def stage(self, title: str) -> OnStep:
        print(f"  {self.label}: {title}", flush=True)
        return _uncounted

    def say(self, message: str) -> None:
        """Notes are not wanted here."""


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=300)
    styles = (STYLE, *CONTROLS)
    parser.add_argument("--loras", nargs="+", choices=styles, default=styles, help="of what styles")
    parser.add_argument("--home", type=Path, help="keeps everything there; else thrown away")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        settings = Settings(home=args.home or Path(temporary))
        rows = [
            row for seed in args.seeds for row in one_seed(seed, args.loras, args.steps, settings)
        ]
    print("\n".join((HEADER, "|---" * HEADER.count(" | ") + "|---|", *rows)))


def one_seed(seed: int, styles: Sequence[str], steps: int, settings: Settings) -> list[str]:
    """A LoRA of each of the styles, all measured on what the first one's style keeps aside."""
    rows = []
    own = dataset(STYLE, seed, settings)
    for style in styles:
        began = time.monotonic()
        name = own if style == STYLE else dataset(style, seed, settings)
        request = recipe(f"{style.replace(' ', '_')}_{seed}", name, steps, seed)
        report = effect_of(request, own, settings)
        rows.append(row(seed, style, report, (time.monotonic() - began) / 60))
        print(rows[-1], flush=True)
    return rows


def recipe(name: str, dataset: str, steps: int, seed: int, base: str | None = None) -> TrainRequest:
    """A LoRA as all benchmarks train it."""
    return TrainRequest(
        name=name,
        dataset=dataset,
        base=base,
        max_steps=steps,
        seed=seed,
        overwrite=True,
        report=False,
        samples=0,
    )


def effect_of(
    request: TrainRequest, own: str, settings: Settings, judge: str | None = None
) -> EffectReport:
    """Train it, and measure it on what dataset ``own`` keeps aside.

    judge: the base whose ears and voice measure; that of the training when None.
    """
    watch = Quiet(request.name)
    train_lora(request, settings, watch, _accept)
    config = EffectConfig(songs=SONGS_A_SIDE, seed=request.seed or 0)

    def opened(settings: Settings, base: str | None) -> Bundle:
        return open_base(settings, judge or base)

    report, _ = report_effect(
        request.name, settings, watch, config, dataset=own, open_bundle=opened
    )
    return report


def dataset_name(style: str, seed: int) -> str:
    """What ``dataset`` calls it."""
    return f"{style.replace(' ', '_')}_songs_{seed}"


def dataset(style: str, seed: int, settings: Settings) -> str:
    """Compose songs of one style, write them with a table of their true labels, and prepare."""
    name = dataset_name(style, seed)
    folder = settings.home / "songs" / name
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "table.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "genre", "bpm", "key", "mood", "instruments", "description"])
        for number in range(SONGS):
            made = piece(10_000 * (seed + 1) + number, seconds=SONG_S, style=style, ends=True)
            path = folder / f"song{number:02d}.wav"
            soundfile.write(path, made.audio.astype(np.float32), made.rate_hz)
            labels = made.labels
            heard = ", ".join(labels.instruments)
            table.writerow(
                [path.name, style, labels.bpm, labels.key, labels.mood, heard, made.captions[-1]]
            )
    prepare_dataset(
        [folder],
        settings,
        _uncounted,
        name=name,
        config=PrepareConfig(held_out=HELD_OUT, seed=seed, replace=True),
        table=folder / "table.csv",
    )
    return name


def row(seed: int, style: str, report: EffectReport, minutes: float) -> str:
    """One line of the table."""
    effect, memory = report.effect, report.memorisation
    interval = effect.reduction_interval or (float("nan"), float("nan"))
    cells = (
        str(seed),
        style,
        f"{effect.distance_base:.4f}",
        f"{effect.distance_adapter:.4f}",
        "" if effect.distance_real is None else f"{effect.distance_real:.4f}",
        "" if effect.reduction is None else f"{effect.reduction:.0%}",
        f"{interval[0]:.0%} to {interval[1]:.0%}",
        f"{effect.frechet_base:.3f} → {effect.frechet_adapter:.3f}",
        f"{memory.closest:.2f} / {memory.reference or float('nan'):.2f}",
        report.verdict.value,
        f"{minutes:.1f}",
    )
    return "| " + " | ".join(cells) + " |"


def _uncounted(done: int, total: int) -> None:
    """The stage's title says enough."""


def _accept(offer: Quote) -> None:
    """Whatever it takes."""


if __name__ == "__main__":
    main()
