"""What each teacher of an encoder brings, on ``mini`` with its own encoder hidden.

    python -m benchmarks.encoder_fit RECORDINGS --steps 4000 --songs 200

Every variant is fitted from the decoder and DiT alone, and judged on recordings that none has seen:
mel distance of what comes back, as a multiple of the hidden encoder's. A line each, as Markdown.
Songs are made once and kept in the folder of ``--work``; an interrupted run goes on.
"""

import argparse
import shutil
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from angen.audio.files import read_audio
from angen.bundle import Bundle, load_bundle
from angen.fitting.check import EncoderReport, check_encoder
from angen.fitting.config import FitConfig
from angen.fitting.fit import Fit, make_songs, run
from angen.fitting.network import network_for
from angen.fitting.pairs import Pairs
from angen.fitting.recordings import Rates, Recordings
from angen.fitting.team import Team
from angen.parts import MINI, find_bundle
from angen.vocoder.learned import LearnedEncoder

VARIANTS: dict[str, dict[str, float]] = {
    "all": {},
    "pairs only": {"sound_weight": 0},
    "recordings only": {"pairs_weight": 0},
    "without prior and moments": {"prior_weight": 0, "moments_weight": 0},
}
REFINED = (30, 100)  # steps of refinement tried on the encoder that has all teachers
EXCERPT_S = 10.0


def silent(_done: int, _total: int) -> None:
    """Progress that nobody watches."""


def deaf_mini(work: Path) -> Bundle:
    """``mini`` without its encoder."""
    folder = work / "base"
    if not folder.exists():
        shutil.copytree(find_bundle(MINI), folder, ignore=shutil.ignore_patterns("encoder.*"))
    return load_bundle(folder)


def prepare(bundle: Bundle, work: Path, sources: list[Path], config: FitConfig, name: str) -> Fit:
    """A variant's fit, in a folder of its own; the songs are shared."""
    network = network_for(bundle, config)
    songs, folder = work / "songs", work / name.replace(" ", "_")
    folder.mkdir(parents=True, exist_ok=True)
    team = Team("cpu")
    make_songs(bundle, songs, config, team, silent)
    rates = Rates(
        encoder_hz=network.sample_rate_hz,
        decoder_hz=bundle.sample_rate_hz,
        frame_s=1 / bundle.latent_rate_hz,
    )
    return Fit(
        bundle=bundle,
        config=config,
        folder=folder,
        pairs=Pairs(songs, config, network.samples_per_frame),
        recordings=Recordings(sources, config, rates),
        team=team,
        clips_at_once=config.clips,
    )


def fitted(fit: Fit) -> LearnedEncoder:
    """The best encoder of a variant, in use in its bundle."""
    state = run(fit, silent)
    encoder = LearnedEncoder(fit.encoder.config, decoder=fit.encoder.decoder)
    encoder.load_state_dict(state.best)
    encoder.eval().requires_grad_(False)
    fit.bundle.use_encoder(encoder)
    return encoder


def unseen(fit: Fit) -> list[tuple[str, Tensor]]:
    """The middles of the recordings kept aside."""
    assert fit.recordings is not None
    sounds = []
    for item in fit.recordings.held_out:
        sound = read_audio(
            item.path,
            rate_hz=fit.bundle.sample_rate_hz,
            mono=True,
            start_s=max(0.0, (item.duration_s - EXCERPT_S) / 2),
            duration_s=EXCERPT_S,
        )
        sounds.append((item.label, torch.from_numpy(sound.samples[0].copy())))
    return sounds


def line(name: str, report: EncoderReport, hidden: EncoderReport) -> str:
    """A row of the table."""
    cells = (
        f"{report.mel / hidden.mel:.2f}",
        f"{report.spectral / hidden.spectral:.2f}",
        f"{report.unlikely / hidden.unlikely:.2f}",
        f"{report.latent_error:.2f}",
        report.answer.value,
    )
    return f"| {name} | {' | '.join(cells)} |"


def main() -> None:
    """Hide, fit, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recordings", nargs="+", type=Path)
    parser.add_argument("--work", type=Path, default=Path("artifacts/encoder_fit"))
    parser.add_argument("--steps", type=int, default=4_000)
    parser.add_argument("--songs", type=int, default=200)
    parser.add_argument("--width", type=int, default=256)
    given = parser.parse_args()
    usual = FitConfig(steps=given.steps, songs=given.songs, width=given.width)
    bundle = deaf_mini(given.work)
    first = prepare(bundle, given.work, given.recordings, usual, "all")
    sounds = unseen(first)
    hidden, _ = check_encoder(load_bundle(MINI), sounds, silent)
    print("| encoder | mel | spectral | denoising | latent error | verdict |")
    print("|---|---|---|---|---|---|")
    print(line("hidden", hidden, hidden), flush=True)
    for name, changes in VARIANTS.items():
        config = replace(usual, **changes)  # type: ignore[arg-type]
        fit = prepare(bundle, given.work, given.recordings, config, name)
        encoder = fitted(fit)
        print(line(name, check_encoder(bundle, sounds, silent)[0], hidden), flush=True)
        for steps in REFINED if name == "all" else ():
            encoder.refine = steps
            report, _ = check_encoder(bundle, sounds, silent)
            print(line(f"{name}, refined {steps}", report, hidden), flush=True)


if __name__ == "__main__":
    main()
