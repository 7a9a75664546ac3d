"""Numbers in a bundle's JSON files that no model has: refused before anything is laid out."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch

from angen.bundle import load_bundle
from angen.conditioning.mulan.encoder import Mulan
from angen.errors import Incompatible
from angen.vocoder.encoder import Encoder
from angen.vocoder.generator import BigVGAN, BigVGANConfig
from angen.vocoder.learned import LearnedConfig, LearnedEncoder
from angen.vocoder.weights import load_encoder, save_decoder, save_learned_encoder
from tests.tiny import CHANNELS, RATE_HZ, tiny_two_band, write_tiny_bundle

QUICK_S = 20  # for a file that is refused, on a machine under load
BIGVGAN = BigVGANConfig(
    in_channels=CHANNELS,
    sampling_rate=RATE_HZ,
    upsample_rates=(40, 40),
    upsample_kernel_sizes=(80, 80),
    upsample_initial_channel=8,
    resblock_kernel_sizes=(3,),
    resblock_dilation_sizes=((1, 3),),
)
LEARNED = LearnedConfig(
    out_channels=CHANNELS,
    sample_rate_hz=RATE_HZ,
    fft_samples=(160, 640),
    hop_samples=80,
    bands=12,
    strides=(4, 5),
    width=16,
    depth=2,
    heads=2,
    reach=4,
)


def plain(folder: Path) -> Path:
    return write_tiny_bundle(folder)


def other(folder: Path) -> Path:
    """With a decoder in two bands and a fitted encoder."""
    save_decoder(tiny_two_band(), write_tiny_bundle(folder))
    encoder = LearnedEncoder(LEARNED, decoder=load_bundle(folder).decoder_fingerprint)
    save_learned_encoder(encoder, folder)
    return folder


def released(folder: Path) -> Path:
    save_decoder(BigVGAN(BIGVGAN), write_tiny_bundle(folder))
    return folder


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each number in a JSON value, and each list, as holder and key."""
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        if isinstance(value[key], dict | list):
            yield from places(value[key])
        if isinstance(value[key], list) or type(value[key]) is int:
            yield value, key


FILES = [
    (plain, "model.json", 9),
    (plain, "decoder.json", 12),
    (plain, "encoder.json", 9),
    (plain, "style.json", 11),
    (other, "decoder.json", 24),
    (other, "encoder.json", 15),
    (released, "decoder.json", 14),
]


@pytest.mark.parametrize(("make", "file", "count"), FILES)
def test_numbers_without_bounds_are_refused_at_once(
    tmp_path: Path, make: Callable[[Path], Path], file: str, count: int
) -> None:
    path = make(tmp_path / "b") / file
    text = path.read_text()
    assert len(list(places(json.loads(text)))) >= count
    for number in range(len(list(places(json.loads(text))))):
        for wrong in (99_999_999, -1):
            values = json.loads(text)
            holder, key = list(places(values))[number]
            holder[key] = [wrong] * 1_000 if isinstance(holder[key], list) else wrong
            if key == "repa_depth" and wrong < 0:
                continue  # there is none
            path.write_text(json.dumps(values))
            begun = time.monotonic()
            with pytest.raises(Incompatible, match=file.replace(".", r"\.")):
                load_bundle(path.parent)
            assert time.monotonic() - begun < QUICK_S, (key, wrong)


@pytest.mark.parametrize(("make", "file", "count"), FILES)
def test_the_largest_numbers_that_are_allowed_are_laid_out_at_once(
    tmp_path: Path, make: Callable[[Path], Path], file: str, count: int
) -> None:
    """They fit no tensors; what else they do not concern may be as large as it likes."""
    path = make(tmp_path / "b") / file
    text = path.read_text()
    for number in range(len(list(places(json.loads(text))))):
        for most in (32, 256, 1_000_000):
            values = json.loads(text)
            holder, key = list(places(values))[number]
            holder[key] = [*holder[key]] * most if isinstance(holder[key], list) else most
            path.write_text(json.dumps(values))
            begun = time.monotonic()
            with suppress(Incompatible):
                load_bundle(path.parent)
            assert time.monotonic() - begun < QUICK_S, (key, most)


def test_strides_that_multiply_without_end_are_refused(tmp_path: Path) -> None:
    path = other(tmp_path / "b") / "encoder.json"
    values = json.loads(path.read_text())
    values["network"]["strides"] = [999_983] * 20
    path.write_text(json.dumps(values))
    with pytest.raises(Incompatible, match="strides"):
        load_encoder(path.parent)


def test_filters_that_fill_the_memory_are_refused(tmp_path: Path) -> None:
    path = plain(tmp_path / "b") / "encoder.json"
    values = json.loads(path.read_text()) | {"fft_samples": 1_000_000, "bands": 1_000_000}
    path.write_text(json.dumps(values))
    with pytest.raises(Incompatible, match=r"bands=1000000 of fft_samples=1000000"):
        load_encoder(path.parent)


@pytest.mark.parametrize(
    ("part", "fields"),
    [
        ("MuQ-MuLan-tiny", ("tf_depth", "dim_latent", "clip_secs", "sr", "ff_mult")),
        ("MuQ-tiny", ("encoder_depth", "hop_length", "conv_dim", "encoder_dim", "n_mels")),
        ("xlm-roberta-tiny", ("num_hidden_layers", "vocab_size", "hidden_size")),
    ],
)
def test_the_released_style_encoder_has_bounds_too(
    tmp_path: Path, part: str, fields: tuple[str, ...]
) -> None:
    folder = shutil.copytree(Path(__file__).parent / "fixtures/muq-mulan/a", tmp_path / "a")
    config = folder / part / "config.json"
    text = config.read_text()
    for field in fields:
        values = json.loads(text)
        numbers = [(holder, key) for holder, key in places(values) if key == field]
        holder, key = numbers[0]
        holder[key] = 99_999_999
        config.write_text(json.dumps(values))
        with pytest.raises(Incompatible, match=field):
            Mulan(folder / "MuQ-MuLan-tiny")


def test_an_encoder_that_is_allowed_is_still_read(tmp_path: Path) -> None:
    folder = plain(tmp_path / "b")
    assert isinstance(load_encoder(folder), Encoder)
    assert torch.isfinite(load_bundle(folder).dit.proj_out.weight).all()
