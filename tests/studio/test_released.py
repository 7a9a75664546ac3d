"""The released repositories, played by folders of small random tensors under the released names."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from angen.conditioning.style import save_style
from angen.errors import BadInput, MissingWeights
from angen.fitting.config import FitConfig
from angen.hub import RemoteFile, fetch
from angen.parts import RELEASED, file_sha256
from angen.studio.base import open_base
from angen.studio.learning.encoder import FitRequest, fit_encoder
from angen.studio.models import fetch_model, list_models
from angen.studio.playing.outputs import read_note
from angen.studio.playing.songs import generate_song
from angen.studio.requests.songs import SongRequest
from angen.studio.settings import read_settings
from angen.studio.style_weights import Licence
from angen.studio.watch import OnStep
from tests.conditioning.mulan.released import write_mulan
from tests.fitting.tiny_fit import RECIPE, write_recordings
from tests.tiny import tiny_style, write_tiny_bundle


def ignore(done: int, total: int) -> None:
    pass


class Silent:
    """A watch that nobody looks at."""

    def stage(self, title: str) -> OnStep:
        return ignore

    def say(self, message: str) -> None:
        pass


def agree(licence: Licence) -> bool:
    return "CC-BY-NC 4.0" in licence.text and "not for commercial" in licence.text


class ReleasedHub:
    """A hub with the released repositories, each a folder of small random tensors."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        write_tiny_bundle(folder / "DiffRhythm2", encoder=False)
        for name in ("style.json", "style.safetensors"):
            (folder / "DiffRhythm2" / name).unlink()
        write_mulan(folder, pickled=True)
        self.asked: dict[str, str | None] = {}
        self.damaged = ""

    def files(self, repo: str, revision: str | None) -> tuple[str, Sequence[RemoteFile]]:
        self.asked[repo] = revision
        paths = sorted((self.folder / repo.rpartition("/")[2]).iterdir())
        return "abc123", [
            RemoteFile(name=p.name, size_bytes=p.stat().st_size, sha256=file_sha256(p))
            for p in paths
        ]

    def download(self, repo: str, revision: str, name: str, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        content = (self.folder / repo.rpartition("/")[2] / name).read_bytes()
        (folder / name).write_bytes(content[:-1] if name == self.damaged else content)


def test_the_released_base_comes_with_its_style_encoder(tmp_path: Path) -> None:
    settings = read_settings({}, home=tmp_path / "home", device="cpu")
    hub = ReleasedHub(tmp_path / "hub")
    place = fetch_model(RELEASED, settings, ignore, hub=hub, accept=agree)
    assert hub.asked["OpenMuQ/MuQ-MuLan-large"] == "2e01c796b71dca71b45251384c04cd7b237c9020"
    assert not (place / "muq-mulan" / "xlm-roberta-base" / "model.safetensors").exists()
    (listed,) = (model for model in list_models(settings) if model.name == RELEASED)
    assert listed.plays
    bundle = open_base(settings, RELEASED)
    assert bundle.embed_text("folk").shape == (512,)
    assert bundle.embed_audio(torch.zeros(24_000), 24_000).shape == (512,)
    assert "CC-BY-NC 4.0" in bundle.style_source
    before = bundle.fingerprint
    (place / "muq-mulan" / "xlm-roberta-base" / "tokenizer.json").write_text("{}")
    assert open_base(settings, RELEASED).fingerprint != before


def test_nothing_is_fetched_while_the_licence_is_not_accepted(tmp_path: Path) -> None:
    settings = read_settings({}, home=tmp_path / "home")
    with pytest.raises(BadInput, match=r"CC-BY-NC 4\.0.*--accept-licence"):
        fetch_model(RELEASED, settings, ignore, hub=ReleasedHub(tmp_path / "hub"))
    assert not settings.bundles.exists()


def test_a_base_fetched_earlier_gets_its_style_encoder_later(tmp_path: Path) -> None:
    settings = read_settings({}, home=tmp_path / "home", device="cpu")
    hub = ReleasedHub(tmp_path / "hub")
    place = fetch(RELEASED, settings.bundles, ignore, hub=hub)
    with pytest.raises(MissingWeights, match=f"angen models fetch {RELEASED}"):
        open_base(settings, RELEASED).embed_text("folk")
    hub.damaged = "pytorch_model.bin"
    with pytest.raises(MissingWeights, match="arrived damaged"):
        fetch_model(RELEASED, settings, ignore, hub=hub, accept=agree)
    assert not (place / "muq-mulan").exists()
    hub.damaged = ""
    assert fetch_model(RELEASED, settings, ignore, hub=hub, accept=agree) == place
    assert (place / "muq-mulan" / "MuQ-MuLan-large" / "pytorch_model.bin").is_file()


def test_another_revision_keeps_what_was_added(tmp_path: Path) -> None:
    settings = read_settings({}, home=tmp_path / "home")
    hub = ReleasedHub(tmp_path / "hub")
    place = fetch_model(RELEASED, settings, ignore, hub=hub, accept=agree)
    (place / "encoder.json").write_text("{}")
    fetch_model(RELEASED, settings, ignore, hub=hub, revision="other")
    assert (place / "encoder.json").is_file()
    assert (place / "muq-mulan").is_dir()


def test_a_style_encoder_of_its_own_goes_before(tmp_path: Path) -> None:
    settings = read_settings({}, home=tmp_path / "home", device="cpu")
    place = fetch_model(RELEASED, settings, ignore, hub=ReleasedHub(tmp_path / "hub"), accept=agree)
    save_style(tiny_style(), place)
    assert open_base(settings, RELEASED).style_source == ""


def test_the_released_base_is_given_an_encoder_and_encodes(tmp_path: Path) -> None:
    settings = read_settings({}, home=tmp_path / "home", device="cpu", base=RELEASED)
    fetch_model(RELEASED, settings, ignore, hub=ReleasedHub(tmp_path / "hub"), accept=agree)
    request = FitRequest(
        recordings=(write_recordings(tmp_path / "recordings"),),
        config=FitConfig(**RECIPE | {"steps": 1, "songs": 2}),
    )
    fit_encoder(request, settings, Silent(), lambda _: None)
    (listed,) = (model for model in list_models(settings) if model.name == RELEASED)
    assert listed.trains
    bundle = open_base(settings)
    assert bundle.encode_audio(torch.zeros(24_000), 24_000).shape == (5, bundle.channels)
    facts = json.loads((bundle.folder / "encoder.json").read_text())["fit"]
    assert "CC-BY-NC 4.0" in facts["style"]


def test_a_song_says_whose_style_vectors_it_was_made_with(tmp_path: Path) -> None:
    settings = read_settings({}, home=tmp_path / "home", device="cpu", base=RELEASED)
    fetch_model(RELEASED, settings, ignore, hub=ReleasedHub(tmp_path / "hub"), accept=agree)
    request = SongRequest(prompt="folk", duration_s=2, steps=1, seed=1)
    song = generate_song(request, settings, Silent())
    assert "MuQ-MuLan" in read_note(song.path).made.style
