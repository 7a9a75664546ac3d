"""The released path from the first command to a song, with files of the released names and kinds.

The hub is a server on this machine, and fetching is the real command; only the sizes are small.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from angen.audio.files import read_audio, write_wav
from angen.data.prepare import PrepareConfig
from angen.diffrhythm.weights import save_dit
from angen.fitting.config import FitConfig
from angen.parts import RELEASED
from angen.studio.learning.encoder import FitRequest, fit_encoder
from angen.studio.learning.training import train_lora
from angen.studio.machine import check_machine
from angen.studio.material.preparing import prepare_dataset
from angen.studio.models import list_models
from angen.studio.playing.outputs import read_note
from angen.studio.playing.songs import generate_song
from angen.studio.requests.songs import AdapterUse, SongRequest
from angen.studio.requests.training import TrainRequest
from angen.studio.settings import Settings, read_settings
from angen.studio.watch import OnStep
from angen.vocoder.generator import BigVGANConfig
from angen.vocoder.weights import expected_shapes
from tests.conditioning.mulan.released import write_mulan
from tests.fitting.tiny_fit import RECIPE, write_recordings
from tests.hub_server import LocalHub
from tests.tiny import CHANNELS, RATE_HZ, tiny_dit

DECODER = BigVGANConfig(
    in_channels=CHANNELS,
    sampling_rate=RATE_HZ,
    upsample_rates=(10, 8, 5, 4),
    upsample_kernel_sizes=(20, 16, 9, 8),
    upsample_initial_channel=32,
    resblock_kernel_sizes=(3,),
    resblock_dilation_sizes=((1, 3),),
)


class Silent:
    """A watch that nobody looks at."""

    def stage(self, title: str) -> OnStep:
        return ignore

    def say(self, message: str) -> None:
        pass


def ignore(done: int, total: int) -> None:
    pass


def write_released(hub: Path) -> None:
    """The four repositories as they were released: a decoder with weight norm, pickled."""
    base = hub / RELEASED
    base.mkdir(parents=True)
    save_dit(tiny_dit(), base)
    generator = torch.Generator().manual_seed(0)
    tensors = {
        name: 0.2 * torch.randn(shape, generator=generator)
        for name, shape in expected_shapes(DECODER).items()
    }
    (base / "decoder.json").write_text(json.dumps(DECODER.to_json()))
    torch.save({"generator": tensors}, base / "decoder.bin")
    (base / "README.md").write_text("# A song generator")
    write_mulan(hub / "OpenMuQ", pickled=True)
    (hub / "FacebookAI").mkdir()
    (hub / "OpenMuQ" / "xlm-roberta-base").rename(hub / "FacebookAI" / "xlm-roberta-base")


def fetch_by_command(home: Path, url: str, *options: str) -> "subprocess.CompletedProcess[str]":
    """``angen models fetch`` as a person runs it, but for where the hub is."""
    return subprocess.run(
        [sys.executable, "-m", "angen", "--home", str(home), "models", "fetch", RELEASED, *options],
        env=os.environ | {"HF_ENDPOINT": url, "HF_HUB_OFFLINE": "0"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a studio that has fetched the released base, once its licence was accepted."""
    write_released(tmp_path / "hub")
    home = tmp_path / "home"
    with LocalHub(tmp_path / "hub") as hub:
        refused = fetch_by_command(home, hub.url)
        assert refused.returncode != 0
        assert "CC-BY-NC 4.0" in refused.stderr
        assert not list(home.rglob("*.bin"))
        assert not any("/resolve/" in asked for asked in hub.asked)  # not a byte of the weights
        done = fetch_by_command(home, hub.url, "--accept-licence")
    assert done.returncode == 0, done.stderr
    return read_settings({}, home=home, device="cpu", base=RELEASED)


def test_fetched_checked_given_an_encoder_trained_and_played(
    settings: Settings, tmp_path: Path
) -> None:
    assert all(fact.good for fact in check_machine(settings))
    (listed,) = (model for model in list_models(settings) if model.name == RELEASED)
    assert listed.plays
    assert not listed.trains

    recordings = write_recordings(tmp_path / "recordings")
    recipe = FitConfig(**RECIPE | {"steps": 2, "songs": 2})
    fit_encoder(FitRequest(recordings=(recordings,), config=recipe), settings, Silent(), print)

    songs = tmp_path / "songs"
    t = np.arange(24 * RATE_HZ) / RATE_HZ
    for i in range(3):
        tone = 0.2 * np.sin(2 * np.pi * 220 * (1 + i) * t) * (np.sin(2 * np.pi * 2 * t) > 0)
        write_wav(songs / f"{i}.wav", tone.astype(np.float32), RATE_HZ)
    prepare_dataset([songs], settings, ignore, name="mine", config=PrepareConfig())
    request = TrainRequest(
        name="lora", dataset="mine", max_steps=3, batch_size=2, report=False, samples=0
    )
    trained = train_lora(request, settings, Silent(), print)
    assert trained.result.steps == 3

    song = generate_song(
        SongRequest(
            prompt="folk", duration_s=2, steps=2, seed=1, adapters=(AdapterUse(name="lora"),)
        ),
        settings,
        Silent(),
    )
    assert read_audio(song.path).duration_s == pytest.approx(2, abs=0.5)
    assert "MuQ-MuLan" in read_note(song.path).made.style
