import json
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from angen.conditioning.mulan.encoder import Mulan
from angen.conditioning.mulan.towers import cut
from angen.errors import BadInput, Incompatible, MissingWeights
from tests.conditioning.mulan.released import write_mulan

RATE_HZ = 24_000


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_mulan(tmp_path_factory.mktemp("mulan"))


@pytest.fixture
def own(released: Path, tmp_path: Path) -> Path:
    """A copy for a test to damage."""
    shutil.copytree(released.parent, tmp_path / "copy")
    return tmp_path / "copy" / released.name


def noise(samples: int) -> torch.Tensor:
    return 0.1 * torch.randn(samples, generator=torch.Generator().manual_seed(samples))


def test_each_text_is_embedded_as_if_it_were_alone(released: Path) -> None:
    model = Mulan(released)
    texts = ["jazz", "a slow waltz for two pianos, 92 bpm", ""]
    together = model.embed_text(texts)
    assert together.shape == (3, 512)
    assert together.norm(dim=1).tolist() == pytest.approx([1, 1, 1], abs=1e-5)
    for text, vector in zip(texts, together, strict=True):
        assert torch.equal(model.embed_text([text])[0], vector)
    assert model.embed_text([]).shape == (0, 512)


def test_a_text_that_is_too_long_is_cut_and_says_so(
    released: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = Mulan(released)  # reads 64 tokens
    with caplog.at_level(logging.WARNING):
        long = model.embed_text(["a" * 200])
    assert "reads 64" in caplog.text
    assert torch.equal(long, model.embed_text(["a" * 300]))


@pytest.mark.parametrize(
    ("samples", "clips", "length"),
    [(10, 1, 10), (25, 3, 10), (7, 1, 10), (5, 1, 10), (4, 1, 8), (20, 2, 10)],
)
def test_recordings_are_cut_as_in_the_original(samples: int, clips: int, length: int) -> None:
    scale = 1_000
    wave = torch.arange(samples * scale)
    found = cut(wave, 10 * scale)
    assert [len(clip) for clip in found] == [length * scale] * clips
    assert torch.equal(torch.cat(found)[: samples * scale], wave)
    rest = torch.cat(found)[samples * scale :]
    assert torch.equal(rest, wave[: len(rest)])


def test_a_long_recording_is_the_mean_of_its_clips(released: Path) -> None:
    model = Mulan(released)
    first, second = noise(240_000), noise(240_001)[:240_000]
    both = model.embed_audio(torch.cat([first, second]), RATE_HZ)
    apart = [model.embed_audio(clip, RATE_HZ) for clip in (first, second)]
    assert torch.allclose(both, (apart[0] + apart[1]) / 2, atol=1e-6)
    assert float(apart[0].norm()) == pytest.approx(1, abs=1e-5)
    assert float(both.norm()) < 1


def test_the_shortest_recording_has_a_vector_and_a_shorter_one_is_refused(released: Path) -> None:
    model = Mulan(released)
    assert model.embed_audio(noise(513), RATE_HZ).isfinite().all()
    for samples in (512, 1, 0):
        with pytest.raises(BadInput, match="at least 513"):
            model.embed_audio(noise(samples), RATE_HZ)


def test_silence_has_a_vector_and_nan_does_not(released: Path) -> None:
    model = Mulan(released)
    assert model.embed_audio(torch.zeros(RATE_HZ), RATE_HZ).isfinite().all()
    with pytest.raises(BadInput, match="not numbers"):
        model.embed_audio(np.full(RATE_HZ, np.nan, np.float32), RATE_HZ)


def test_other_rates_are_brought_to_its_own(released: Path) -> None:
    model = Mulan(released)
    t = torch.arange(3 * 48_000) / 48_000
    tone = torch.sin(2 * torch.pi * 440 * t)
    near = torch.nn.functional.cosine_similarity(
        model.embed_audio(tone, 48_000), model.embed_audio(tone[::2].contiguous(), RATE_HZ), dim=0
    )
    assert near > 0.99


def test_the_released_pickle_gives_the_same(released: Path, tmp_path: Path) -> None:
    pickled = Mulan(write_mulan(tmp_path, pickled=True))
    pickled.check()
    plain = Mulan(released)
    assert torch.allclose(pickled.embed_text(["folk"]), plain.embed_text(["folk"]), atol=1e-6)
    wave = noise(30_000)
    ours, theirs = pickled.embed_audio(wave, RATE_HZ), plain.embed_audio(wave, RATE_HZ)
    assert torch.allclose(ours, theirs, atol=1e-6)


def test_all_faults_of_the_weights_are_named(own: Path) -> None:
    path = own / "model.safetensors"
    tensors = load_file(path)
    del tensors["mulan.audio.proj.bias"]
    tensors["mulan.audio_to_latents.bias"] = torch.zeros(3)
    tensors["mulan.surprise"] = torch.zeros(1)
    tensors["mulan.contrast.anything"] = torch.zeros(1)  # of training: passed over
    save_file(tensors, path)
    with pytest.raises(Incompatible) as fault:
        Mulan(own).check()
    for told in (
        "missing: mulan.audio.proj.bias [48]",
        "unexpected: mulan.surprise [1]",
        "mulan.audio_to_latents.bias [3] instead of [512]",
    ):
        assert told in str(fault.value)
    with pytest.raises(Incompatible, match=r"mulan\.audio\.proj\.bias"):
        Mulan(own).embed_audio(noise(5_000), RATE_HZ)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("MuQ-MuLan-large/model.safetensors", "Fetch the style encoder"),
        ("MuQ-large-msd-iter/config.json", "is missing"),
        ("xlm-roberta-base/tokenizer.json", "tokenizer of xlm-roberta-base"),
    ],
)
def test_a_missing_file_is_named(own: Path, name: str, said: str) -> None:
    (own.parent / name).unlink()
    with pytest.raises(MissingWeights, match=said):
        Mulan(own).check()


@pytest.mark.parametrize("file", ["model.safetensors", "pytorch_model.bin"])
def test_half_a_file_is_found_out(own: Path, tmp_path: Path, file: str) -> None:
    main = write_mulan(tmp_path / "p", pickled=file.endswith(".bin"))
    path = main / file
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(Incompatible, match="Fetch or copy it again"):
        Mulan(main).check()


def test_another_variant_is_refused_by_its_field(own: Path) -> None:
    path = own.parent / "MuQ-large-msd-iter" / "config.json"
    values = json.loads(path.read_text())
    values["w2v2_config"]["position_embeddings_type"] = "relative"
    path.write_text(json.dumps(values))
    with pytest.raises(Incompatible, match="position_embeddings_type='relative'"):
        Mulan(own)
    del values["stat"]
    values["w2v2_config"]["position_embeddings_type"] = "rotary"
    path.write_text(json.dumps(values))
    with pytest.raises(Incompatible, match=r"stat\.melspec_2048_mean is missing"):
        Mulan(own)
