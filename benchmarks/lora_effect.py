"""Does the effect report tell adapters that learned their collection from those that did not?

    angen models fetch musicnn
    python -m benchmarks.lora_effect [FOLDER ...] [--composed STYLE ...] [--seeds 0] --home FOLDER

Each folder of recordings, and each composed style, is a collection. Four adapters are measured on
each, as ``angen train`` and ``angen report`` do it:

    own         trained on it with the base's own recipe: should be "closer"
    control     that of the next collection: should not
    untrained   after one step: should not
    three       trained on three clips, as long as the own one: should not

Prints a Markdown table, and how many were told apart rightly. What is in ``--home`` already is not
made again, so a run that was cut short goes on where it was. Three minutes an adapter on two cores.
"""

import argparse
import csv
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from angen.adapters.library import adapter_folder, read_report
from angen.adapters.metadata import is_finished, read_metadata
from angen.bundle import Bundle
from angen.data.manifest import load_info, save_info
from angen.data.prepare import PrepareConfig
from angen.errors import Unknown
from angen.studio.base import open_base
from angen.studio.learning.training import OTHERS, report_effect, train_lora
from angen.studio.material.preparing import prepare_dataset
from angen.studio.requests.training import TrainRequest
from angen.studio.settings import Settings, read_settings
from angen.studio.watch import OnStep
from angen.training.effect import EffectReport
from angen.training.evidence import EffectConfig
from angen.training.quote import Quote
from mini.pieces import HELD_OUT_STYLES, piece

STYLE = "chiptune"
COMPOSED = (STYLE, next(style for style in HELD_OUT_STYLES if style != STYLE))
SONGS, SONG_S = 10, 45.0
HELD_OUT = 0.3  # three songs of ten
SONGS_A_SIDE = 24
THREE = "_three"  # ends the name of a collection of three clips
COLUMNS = ("collection", "adapter", "way", "95 %", "unseen", "codec", "others", "copy", "verdict")


@dataclass(frozen=True)
class Quiet:
    """Says what stage it is in, on one line each."""

    label: str

    def stage(self, title: str) -> OnStep:
        print(f"  {self.label}: {title}", flush=True)
        return _uncounted

    def say(self, message: str) -> None:
        """Notes are not wanted here."""


@dataclass(frozen=True)
class Case:
    """An adapter, and the collection that it is measured on."""

    collection: str
    kind: str
    adapter: str
    dataset: str  # measured on
    report: dict[str, Any]

    @property
    def right(self) -> bool:
        return bool((self.report["verdict"] == "closer") == (self.kind == "own"))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="*", help="recordings of one style each")
    parser.add_argument("--composed", nargs="*", choices=HELD_OUT_STYLES, default=COMPOSED)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--steps", type=int, help="of a training; else as the base's recipe has it")
    parser.add_argument("--songs", type=int, default=12, help="a side")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of a song")
    parser.add_argument("--home", type=Path, required=True, help="keeps everything")
    args = parser.parse_args()
    settings = read_settings().model_copy(update={"home": args.home})
    cases = [case for seed in args.seeds for case in one_seed(seed, args, settings)]
    right = sum(case.right for case in cases)
    print("\n".join(table(cases)))
    print(f"\n{right} of {len(cases)} told apart rightly")


def one_seed(seed: int, args: argparse.Namespace, settings: Settings) -> list[Case]:
    """All cases with trainings and songs of one seed."""
    names = [_prepared(folder, settings) for folder in args.folders]
    names += [dataset(style, seed, settings) for style in args.composed]
    for name in names:
        three_clips(name, settings)
    effect = EffectConfig(songs=args.songs, seconds=args.seconds, seed=seed)
    cases = []
    for place, name in enumerate(names):
        other = names[(place + 1) % len(names)]
        for kind, learned, measured, steps in (
            ("own", name, name, args.steps),
            ("control", other, name, args.steps),
            ("untrained", name, name, 1),
            ("three", name + THREE, name + THREE, args.steps),
        ):
            adapter = f"{learned}_{seed}" if steps != 1 else f"{learned}_{seed}_untrained"
            trained(recipe(adapter, learned, steps, seed), settings)
            report = reported(adapter, measured, effect, settings)
            cases.append(Case(name, kind, adapter, measured, report))
            print("\n".join(table(cases[-1:])[2:]), flush=True)
    return cases


def trained(request: TrainRequest, settings: Settings) -> None:
    """Train the adapter, unless it is there."""
    try:
        if is_finished(adapter_folder(settings.loras, request.name)):
            return
    except Unknown:
        pass
    train_lora(request, settings, Quiet(request.name), _accept)


def reported(name: str, dataset: str, effect: EffectConfig, settings: Settings) -> dict[str, Any]:
    """Measure the adapter on the dataset, unless that was done."""
    folder = adapter_folder(settings.loras, name)
    metadata = read_metadata(folder)
    own = metadata and metadata.dataset and metadata.dataset.name == dataset
    place = folder if own else folder / OTHERS / dataset
    if (found := read_report(place)) is not None:
        return found
    report_effect(name, settings, Quiet(f"{name} on {dataset}"), effect, dataset=dataset)
    return read_report(place) or {}


def three_clips(name: str, settings: Settings) -> None:
    """The collection with three clips to learn from, of three songs; all other songs kept aside."""
    place = settings.datasets / (name + THREE)
    if (place / "dataset_info.json").is_file():
        return
    info = load_info(settings.datasets / name)
    songs = sorted({clip.song for clip in info.clips})
    chosen = songs[:: max(1, len(songs) // 3)][:3]
    first = {song: next(clip for clip in info.clips if clip.song == song) for song in chosen}
    clips = [clip.model_copy(update={"split": "train"}) for clip in first.values()]
    clips += [
        clip.model_copy(update={"split": "validation"})
        for clip in info.clips
        if clip.song not in first
    ]
    shutil.copytree(settings.datasets / name, place, dirs_exist_ok=True)
    save_info(info.model_copy(update={"name": place.name, "clips": tuple(clips)}), place)


def table(cases: Sequence[Case]) -> list[str]:
    """Markdown."""
    lines = [COLUMNS, ("---",) * len(COLUMNS)]
    for case in cases:
        effect, memory = case.report["effect"], case.report["memorisation"]
        floor = None
        if effect["distance_codec"] is not None and effect["distance_base"] > 0:
            floor = 1 - effect["distance_codec"] / effect["distance_base"]
        low, high = effect["reduction_interval"] or (None, None)
        lines.append(
            (
                case.collection,
                case.kind,
                _share(effect["reduction"]),
                f"{_share(low)} to {_share(high)}",
                _share(effect["unseen"]),
                _share(floor),
                ", ".join(_share(m["reduction"]) for m in case.report["beside"].values()),
                f"{memory['closest']:.2f} of {memory['limit']:.2f}",
                case.report["verdict"] + ("" if case.right else ", wrong"),
            )
        )
    return [f"| {' | '.join(line)} |" for line in lines]


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def recipe(
    name: str, dataset: str, steps: int | None, seed: int, base: str | None = None
) -> TrainRequest:
    """A LoRA as all benchmarks train it; steps: None for the base's own recipe."""
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
    """Train it, and measure it on dataset ``own``.

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
    if (settings.datasets / name / "dataset_info.json").is_file():
        return name
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


def _prepared(folder: Path, settings: Settings) -> str:
    """The name of the dataset of recordings, prepared unless it is there."""
    name = "".join(c if c.isalnum() else "_" for c in folder.name)
    if not (settings.datasets / name / "dataset_info.json").is_file():
        config = PrepareConfig(replace=True)
        prepare_dataset([folder], settings, _uncounted, name=name, config=config)
    return name


def _uncounted(done: int, total: int) -> None:
    """The stage's title says enough."""


def _accept(offer: Quote) -> None:
    """Whatever it takes."""


if __name__ == "__main__":
    main()
