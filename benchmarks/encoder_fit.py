"""What each teacher of an encoder brings, on ``mini`` with its own encoder hidden, and its LoRAs.

    python -m benchmarks.encoder_fit [RECORDINGS] [--work FOLDER] [--steps 200] [--songs 64]

Every variant is fitted from the decoder and DiT alone, and judged on music that none has heard:
mel distance of what comes back, as a multiple of the hidden encoder's. Then LoRAs of a style that
the base never heard are trained on the latents of some, same songs and seeds, and measured as in
``benchmarks.lora_effect`` with the ears of the true bundle: the share of the effect that is left.
Without RECORDINGS music is composed. An interrupted run goes on. What need not wait for each other
runs side by side, a thread each.
"""

import argparse
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from angen.amounts import duration_text
from angen.audio.files import read_audio, write_wav
from angen.bundle import Bundle, load_bundle
from angen.files import replacing
from angen.fitting.check import EncoderReport, check_encoder
from angen.fitting.config import ALONE, FitConfig
from angen.fitting.fit import run
from angen.fitting.prepare import prepare_fit, recordings_for
from angen.fitting.recordings import Recordings
from angen.fitting.team import Team
from angen.parts import MINI, find_bundle
from angen.studio.settings import Settings
from angen.studio.watch import OnStep
from angen.vocoder.learned import LearnedEncoder
from angen.vocoder.weights import save_learned_encoder
from benchmarks.lora_effect import STYLE, dataset, dataset_name, effect_of, recipe
from mini.pieces import HELD_OUT_STYLES, STYLES, piece

HIDDEN = "hidden"
VARIANTS: dict[str, dict[str, Any]] = {
    "all": {},
    "straight way alone, no steps": {"steps": 0},
    "without the straight way": {"straight": False},
    "pairs only": {"sound_weight": 0},
    "recordings only": {"pairs_weight": 0},
    "without prior and moments": {"prior_weight": 0, "moments_weight": 0},
    "refinement alone": dict(ALONE),
}
REFINED = (10, 30)  # steps of refinement tried on the encoder that has all teachers
LORAS = ("all", "recordings only", "all, refined 10")  # trained on latents of these
EXCERPT_S = 6.0
OWN_SONGS = 3  # of the model's own, that the check compares with
PIECES, PIECE_S, FIRST_SEED = 48, 24.0, 700_000  # composed to learn from
UNSEEN, UNSEEN_SEED = 9, 800_000  # composed to be judged by, of all styles
MEL_GOAL, REFINED_GOAL, EFFECT_GOAL = 1.15, 1.0, 0.85


Figures = dict[str, Any]
Measure = Callable[[], Figures]


@dataclass
class Journal:
    """What is measured already, in a file; and how far the run is."""

    path: Path
    parts: int
    processes: int
    known: dict[str, Figures] = field(default_factory=dict)
    done: int = 0

    def __post_init__(self) -> None:
        if self.path.is_file():
            self.known = json.loads(self.path.read_text())

    def of(self, measures: Mapping[str, Measure]) -> dict[str, Figures]:
        """Figures by name, measured now unless they are there, as many at once as may be.

        Raises what a measurement does, once the others are done and noted.
        """
        for name in measures:
            if name in self.known:
                self._tell(name)
        spawn = get_context("spawn")
        with ProcessPoolExecutor(self.processes, spawn, torch.set_num_threads, (1,)) as pool:
            asked = {
                pool.submit(timed, measure): name
                for name, measure in measures.items()
                if name not in self.known
            }
            for future in as_completed(asked):
                if future.exception():
                    continue
                self.known[asked[future]] = future.result()
                with replacing(self.path) as beside:
                    beside.write_text(json.dumps(self.known, indent=1) + "\n")
                self._tell(asked[future])
        for future in asked:
            future.result()
        return {name: self.known[name] for name in measures}

    def _tell(self, name: str) -> None:
        self.done += 1
        mean = sum(figures["minutes"] for figures in self.known.values()) / len(self.known)
        left = (self.parts - self.done) * mean / self.processes
        print(f"[{self.done} of {self.parts}] {name}: {self.known[name]}", flush=True)
        if self.done > 1:  # the first is over in seconds, and foretells nothing
            print(f"    about {duration_text(60 * left)} left", flush=True)


def timed(measure: Measure) -> Figures:
    """Figures, and how many minutes they took."""
    began = time.monotonic()
    return measure() | {"minutes": (time.monotonic() - began) / 60}


def told(title: str) -> OnStep:
    """Progress as a line now and then, with the time left of this part."""
    began = said = time.monotonic()

    def on_step(done: int, total: int) -> None:
        nonlocal said
        if time.monotonic() - said > 20 and done:
            said = time.monotonic()
            left = (said - began) / done * (total - done)
            print(f"    {title}: {done} of {total}, {duration_text(left)} left", flush=True)

    return on_step


def compose(folder: Path) -> list[Path]:
    """Recordings of the styles that the base knows, written unless they are there."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(PIECES):
        path = folder / f"{i:03d}.wav"
        if not path.exists():
            style = STYLES[i % len(STYLES)]
            made = piece(FIRST_SEED + i, seconds=PIECE_S, style=style, ends=False)
            write_wav(path, made.audio, made.rate_hz)
    return [folder]


def composed_unseen() -> list[tuple[str, Tensor]]:
    """Music of all styles, also those that neither the base nor the fit has heard."""
    names = (*HELD_OUT_STYLES, *STYLES)
    sounds = []
    for i in range(UNSEEN):
        made = piece(UNSEEN_SEED + i, seconds=EXCERPT_S, style=names[i], ends=False)
        sounds.append((names[i], torch.from_numpy(made.audio.copy())))
    return sounds


def middles(recordings: Recordings, rate_hz: int) -> list[tuple[str, Tensor]]:
    """The middles of the recordings kept aside."""
    sounds = []
    for item in recordings.held_out:
        start_s = max(0.0, (item.duration_s - EXCERPT_S) / 2)
        sound = read_audio(
            item.path, rate_hz=rate_hz, mono=True, start_s=start_s, duration_s=EXCERPT_S
        )
        sounds.append((item.label, torch.from_numpy(sound.samples[0].copy())))
    return sounds


def deaf_mini(work: Path) -> Path:
    """The folder of ``mini`` without its encoder."""
    folder = work / "deaf"
    if not folder.exists():
        shutil.copytree(find_bundle(MINI), folder, ignore=shutil.ignore_patterns("encoder.*"))
    return folder


def plain(name: str) -> str:
    """A name for a file."""
    return name.replace(" ", "_").replace(",", "")


def place_of(work: Path, name: str, refine: int) -> Path:
    """The folder of the base with a variant's encoder."""
    return work / "bases" / f"{plain(name)}_{refine}"


def fitted(work: Path, name: str, config: FitConfig, sources: list[Path], refine: int) -> Bundle:
    """A base with the encoder of a variant, in a folder of its own; fitted unless it is there."""
    folder = place_of(work, name, refine)
    if (folder / "encoder.json").is_file():
        return load_bundle(folder)
    if not folder.exists():
        shutil.copytree(deaf_mini(work), folder)
    bundle = load_bundle(folder)
    fit = prepare_fit(
        bundle,
        config,
        work / "fits" / plain(name),
        work / "songs",
        recordings_for(bundle, config, sources),
        told("songs"),
        team=Team("cpu"),
    )
    state = run(fit, told(name))
    encoder = LearnedEncoder(fit.encoder.config, decoder=fit.encoder.decoder, refine=refine)
    encoder.load_state_dict(state.best)
    save_learned_encoder(encoder, folder)
    return load_bundle(folder)


def judged(bundle: Bundle, sounds: list[tuple[str, Tensor]]) -> dict[str, Any]:
    """The figures of a check, and the processor time that a minute of audio takes, in s."""
    began, sound = time.process_time(), sounds[0][1]
    bundle.encode_audio(sound, bundle.sample_rate_hz)
    cost = (time.process_time() - began) / len(sound) * bundle.sample_rate_hz * 60
    report: EncoderReport = check_encoder(
        bundle, sounds, told("check"), songs=OWN_SONGS, song_s=EXCERPT_S
    )[0]
    names = ("mel", "spectral", "unlikely", "latent_error", "style", "loudness_db", "own_mel")
    figures = {name: getattr(report, name) for name in (*names, "own_unlikely")}
    return figures | {"answer": report.answer.value, "cost_s": cost}


def variant(
    work: Path,
    name: str,
    config: FitConfig,
    sources: list[Path],
    refine: int,
    sounds: list[tuple[str, Tensor]],
) -> dict[str, Any]:
    """One row of the table."""
    return judged(fitted(work, name, config, sources, refine), sounds)


def variants(steps: int, songs: int, width: int) -> dict[str, tuple[str, FitConfig, int]]:
    """Rows of the table: the fit, its recipe, steps of refinement."""
    usual = FitConfig(
        steps=steps,
        songs=songs,
        width=width,
        clips=4,
        clip_frames=10,
        learning_rate=1e-3,
        save_every=50,
    )
    rows: dict[str, tuple[str, FitConfig, int]] = {}
    for name, changes in VARIANTS.items():
        config = replace(usual, **{**changes, "songs": songs})
        rows[name] = (name, config, config.refine)
        for refine in REFINED if name == "all" else ():
            rows[f"{name}, refined {refine}"] = (name, config, refine)
    return rows


def table(found: dict[str, dict[str, Any]]) -> list[str]:
    """Markdown: a row for each encoder, as multiples of the hidden one."""
    hidden = found[HIDDEN]
    lines = [
        "| encoder | mel | spectral | denoising | latent error | style | s a minute | verdict |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, figures in found.items():
        ratios = (f"{figures[x] / hidden[x]:.2f}" for x in ("mel", "spectral", "unlikely"))
        rest = (
            f"{figures['latent_error']:.2f}",
            f"{figures['style']:.3f}",
            f"{figures['cost_s']:.1f}",
            figures["answer"],
        )
        lines.append(f"| {' | '.join((name, *ratios, *rest))} |")
    return lines


def lora_table(effects: dict[str, dict[str, Any]]) -> list[str]:
    """Markdown: the effect of a LoRA on each encoder's latents, and the share of the true one."""
    lines = [
        "| latents of | seed | distance, base | with LoRA | reduction | share of the true effect |",
        "|---|---|---|---|---|---|",
    ]
    for figures in effects.values():
        true = effects[f"LoRA of {HIDDEN}, seed {figures['seed']}"]["reduction"]
        lines.append(
            f"| {figures['encoder']} | {figures['seed']} | {figures['base']:.4f} | "
            f"{figures['adapter']:.4f} | {figures['reduction']:.0%} | "
            f"{figures['reduction'] / true:.2f} |"
        )
    return lines


def lora(encoder: str, base: str, seed: int, steps: int, home: Path) -> dict[str, Any]:
    """Train a LoRA on the latents of one encoder and measure its effect; the dataset is there."""
    settings = Settings(home=home)
    own = dataset_name(STYLE, seed)
    report = effect_of(
        recipe(f"{plain(encoder)}_{seed}", own, steps, seed, base), own, settings, judge=MINI
    )
    effect = report.effect
    return {
        "encoder": encoder,
        "seed": seed,
        "base": effect.distance_base,
        "adapter": effect.distance_adapter,
        "reduction": effect.reduction,
    }


def goals(found: dict[str, dict[str, Any]], effects: dict[str, dict[str, Any]]) -> list[str]:
    """Whether each goal is met, in a line each."""
    mel = found["all"]["mel"] / found[HIDDEN]["mel"]
    refined = min(found[f"all, refined {n}"]["mel"] for n in REFINED) / found[HIDDEN]["mel"]
    lines = [
        f"mel distance {mel:.2f}, goal {MEL_GOAL:g}: {_met(mel <= MEL_GOAL)}",
        f"with refinement {refined:.2f}, goal {REFINED_GOAL:g}: {_met(refined <= REFINED_GOAL)}",
    ]
    sums = {
        name: sum(x["reduction"] for x in effects.values() if x["encoder"] == name)
        for name in (HIDDEN, "all")
    }
    if sums[HIDDEN]:
        share = sums["all"] / sums[HIDDEN]
        lines.append(f"effect {share:.2f}, goal {EFFECT_GOAL:g}: {_met(share >= EFFECT_GOAL)}")
    return lines


def _met(yes: bool) -> str:
    return "met" if yes else "not met"


def main() -> None:
    """Hide, fit, compare; train, compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("recordings", nargs="*", type=Path)
    parser.add_argument("--work", type=Path, default=Path("artifacts/encoder_fit"))
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--songs", type=int, default=64)
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--lora-steps", type=int, default=300)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0], help="of the LoRAs")
    parser.add_argument("--loras", nargs="*", default=LORAS, help="encoders to train them on")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="at once")
    given = parser.parse_args()
    work: Path = given.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    rows = variants(given.steps, given.songs, given.width)
    loras = dict.fromkeys((HIDDEN, *given.loras)) if given.loras else {}
    parts = 1 + len(rows) + len(loras) * len(given.seeds)
    journal = Journal(work / "results.json", parts, given.processes)
    sources = given.recordings or compose(work / "recordings")
    own = load_bundle(MINI)
    kept = recordings_for(own, FitConfig(), given.recordings) if given.recordings else None
    sounds = middles(kept, own.sample_rate_hz) if kept else composed_unseen()
    found = journal.of({HIDDEN: partial(judged, own, sounds)})
    measures = {
        row: partial(variant, work, name, config, sources, refine, sounds)
        for row, (name, config, refine) in rows.items()
    }
    first = next(iter(rows))  # makes the songs that all learn from, and the fit that is refined
    found |= journal.of({first: measures.pop(first)})
    found |= journal.of(measures)
    if loras:
        for seed in given.seeds:
            dataset(STYLE, seed, Settings(home=work / "home"))
    bases = {
        encoder: MINI if encoder == HIDDEN else str(place_of(work, *rows[encoder][::2]))
        for encoder in loras
    }
    effects = journal.of(
        {
            f"LoRA of {encoder}, seed {seed}": partial(
                lora, encoder, base, seed, given.lora_steps, work / "home"
            )
            for seed in given.seeds
            for encoder, base in bases.items()
        }
    )
    print("\n".join((*table(found), "", *lora_table(effects), "", *goals(found, effects))))


if __name__ == "__main__":
    main()
