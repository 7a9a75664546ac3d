"""From a base model without encoder to one that trains: fitted, found, checked, published."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from angen.bundle import load_bundle
from angen.errors import BadInput, Incompatible, MissingWeights, Stopped
from angen.fitting.config import ALONE, FitConfig
from angen.fitting.quote import FitQuote
from angen.studio.learning.encoder import (
    FitRequest,
    check_fitted,
    fit_encoder,
    publish_encoder,
    require_encoder,
    tell_refining,
)
from angen.studio.settings import Settings, read_settings
from angen.studio.watch import OnStep
from angen.vocoder.likeness import Likeness
from angen.vocoder.weights import save_decoder
from tests.fitting.tiny_fit import RECIPE, ignore, write_recordings
from tests.tiny import tiny_decoder, write_tiny_bundle

CONFIG = FitConfig(**RECIPE | {"steps": 2, "songs": 2})


class Silent:
    """A watch that remembers what it was told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def stage(self, title: str) -> OnStep:
        return ignore

    def say(self, message: str) -> None:
        self.lines.append(message)


def unseen(quote: FitQuote) -> None:
    pass


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Path]:
    """Settings whose base has a fitted encoder, and recordings."""
    home = tmp_path_factory.mktemp("home")
    base = write_tiny_bundle(home / "base", encoder=False)
    settings = read_settings({}, home=home, device="cpu", base=str(base))
    recordings = write_recordings(home / "recordings")
    request = FitRequest(recordings=(recordings,), config=CONFIG)
    done = fit_encoder(request, settings, Silent(), unseen)
    assert done.folder == base
    return settings, recordings


def test_the_studio_finds_a_fitted_encoder_by_itself(fitted: tuple[Settings, Path]) -> None:
    settings, _ = fitted
    bundle = load_bundle(settings.base)
    assert bundle.listens
    require_encoder(bundle, Silent())
    values = json.loads((Path(settings.base) / "encoder.json").read_text())
    assert values["decoder"] == bundle.decoder_fingerprint
    assert values["fit"]["recipe"]["steps"] == 2


def test_refinement_serves_alone_at_a_stated_cost(tmp_path: Path) -> None:
    base = write_tiny_bundle(tmp_path / "base", encoder=False)
    settings = read_settings({}, home=tmp_path, device="cpu", base=str(base))
    short = {"songs": 2, "song_s": 4.0, "clip_frames": 10, "refine": 3}
    quotes: list[FitQuote] = []
    request = FitRequest(config=FitConfig(**{**ALONE, **short}))
    fit_encoder(request, settings, Silent(), quotes.append)
    assert quotes[0].steps_s == 0
    assert "for each minute of audio that is encoded" in quotes[0].message
    bundle, sound = load_bundle(base), 0.1 * torch.randn(3 * 8_000)
    refined = bundle.encode_audio(sound, 8_000)
    bundle.refine_with(0)
    mean = bundle.encode_audio(sound, 8_000)
    assert torch.equal(mean, mean[:1].expand_as(mean))  # it hears nothing by itself
    likeness = Likeness(bundle.sample_rate_hz)

    def off(latents: Tensor) -> float:
        return float(likeness(bundle.decode(latents)[None], sound[None]).total)

    assert off(refined) < off(mean)
    watch = Silent()
    tell_refining(load_bundle(base), watch)
    assert "3 steps of refinement: about" in watch.lines[0]


def test_what_is_there_is_not_replaced_unasked(fitted: tuple[Settings, Path]) -> None:
    settings, _ = fitted
    with pytest.raises(BadInput, match="--overwrite"):
        fit_encoder(FitRequest(config=CONFIG), settings, Silent(), unseen)
    with pytest.raises(BadInput, match="has its own encoder"):
        fit_encoder(FitRequest(base="mini"), settings, Silent(), unseen)


def test_a_check_gives_a_page_and_publishing_a_card(
    fitted: tuple[Settings, Path], tmp_path: Path
) -> None:
    settings, recordings = fitted
    report, page = check_fitted([recordings], settings, Silent(), refine=1)
    assert report.recordings == 3
    assert report.faults  # two steps teach nothing
    assert page.read_text("utf-8").count("<audio") == 6
    assert len(list((page.parent / "sounds").glob("*.wav"))) == 6
    out = publish_encoder(tmp_path / "out", settings)
    names = {path.name for path in out.iterdir()}
    assert names == {"encoder.json", "encoder.safetensors", "README.md"}
    assert report.sentence in (out / "README.md").read_text("utf-8")
    with pytest.raises(BadInput, match="is not empty"):
        publish_encoder(out, settings)


def test_another_decoder_refuses_the_encoder(fitted: tuple[Settings, Path], tmp_path: Path) -> None:
    settings, _ = fitted
    folder = write_tiny_bundle(tmp_path / "other", encoder=False)
    save_decoder(tiny_decoder(9), folder)
    for name in ("encoder.json", "encoder.safetensors"):
        (folder / name).write_bytes((Path(settings.base) / name).read_bytes())
    with pytest.raises(Incompatible, match="belongs to the decoder"):
        load_bundle(folder)


def test_a_base_without_encoder_says_what_one_would_cost(tmp_path: Path) -> None:
    bundle = load_bundle(write_tiny_bundle(tmp_path / "base", encoder=False))
    with pytest.raises(MissingWeights, match=r"angen encoder fit --base .*songs to make.*memory"):
        require_encoder(bundle, Silent())


def test_a_quote_alone_starts_nothing_and_a_stopped_fit_goes_on(tmp_path: Path) -> None:
    base = write_tiny_bundle(tmp_path / "base", encoder=False)
    settings = read_settings({}, home=tmp_path / "home", device="cpu", base=str(base))
    request = FitRequest(config=replace(CONFIG, sound_weight=0))

    def stop(quote: FitQuote) -> None:
        assert quote.steps == 2
        raise Stopped("Enough.")

    with pytest.raises(Stopped):
        fit_encoder(request, settings, Silent(), stop)
    assert not list(tmp_path.glob("home/models/encoders/*/songs*"))
    watch = Silent()
    fit_encoder(request, settings, watch, unseen)
    assert any("Without recordings" in line for line in watch.lines)
    assert load_bundle(base).listens


def test_two_processes_fit_one_encoder(tmp_path: Path) -> None:
    pytest.importorskip("accelerate")
    base = write_tiny_bundle(tmp_path / "base", encoder=False)
    recordings = write_recordings(tmp_path / "recordings")
    together = "--standalone --local-addr 127.0.0.1 --nproc-per-node 2"
    recipe = "--steps 2 --songs 9 --song-seconds 2 --clips 2 --clip-frames 10 --width 16 --depth 1"
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", *together.split(), "-m", "angen",
         "--device", "cpu", "--home", str(tmp_path / "home"), "encoder", "fit",
         str(recordings), "--base", str(base), *recipe.split()],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("encoder.safetensors") == 1  # one of them speaks
    assert done.stderr.count("Step 2:") == 1
    assert len(list((tmp_path / "home").rglob("*.safetensors"))) == 9 + 1  # songs and the state
    assert load_bundle(base).listens
