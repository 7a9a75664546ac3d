import json
import random
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from angen.errors import Incompatible, MissingWeights
from angen.vocoder.generator import RELEASED, BigVGAN, BigVGANConfig
from angen.vocoder.istft import InverseStft
from angen.vocoder.twoband import SmallDecoder
from angen.vocoder.weights import (
    expected_shapes,
    fold,
    load_decoder,
    load_encoder,
    save_decoder,
    save_encoder,
)
from tests.tiny import CHANNELS, rewrite, tiny_decoder, tiny_encoder, tiny_two_band

FIXTURES = Path(__file__).parents[1] / "fixtures" / "diffrhythm2"
SMALL = BigVGANConfig(
    in_channels=3,
    sampling_rate=80,
    upsample_rates=(5, 2),
    upsample_kernel_sizes=(7, 4),
    upsample_initial_channel=8,
    resblock_kernel_sizes=(3, 5),
    resblock_dilation_sizes=((1, 3), (1, 3)),
)


def released_form(folder: Path) -> dict[str, torch.Tensor]:
    """decoder.json and decoder.bin as upstream writes them, of random weights."""
    generator = torch.Generator().manual_seed(0)
    tensors = {
        name: torch.randn(shape, generator=generator)
        for name, shape in expected_shapes(SMALL).items()
    }
    (folder / "decoder.json").write_text(json.dumps(SMALL.to_json()))
    torch.save({"generator": tensors}, folder / "decoder.bin")
    return tensors


def test_full_size_has_exactly_the_released_names_and_shapes() -> None:
    stored = json.loads((FIXTURES / "full_decoder_shapes.json").read_text())
    shapes = expected_shapes(RELEASED)
    assert {name: list(shape) for name, shape in shapes.items()} == stored
    filters = sum(12 for name in shapes if name.endswith("filter"))
    numbers = sum(torch.Size(shape).numel() for shape in shapes.values())
    assert numbers - filters == 130_693_969


def test_folding_gives_the_weight_that_torchs_weight_norm_computes() -> None:
    normed = nn.utils.parametrizations.weight_norm(nn.ConvTranspose1d(4, 3, 5))
    length, direction = normed.parametrizations.weight.parameters()
    pair = {"ups.weight_g": 2 * length.detach(), "ups.weight_v": 3 * direction.detach()}
    torch.testing.assert_close(fold(pair)["ups.weight"], 2 * normed.weight.detach())


def test_the_released_form_loads_and_plays(tmp_path: Path) -> None:
    tensors = released_form(tmp_path)
    decoder = load_decoder(tmp_path)
    assert isinstance(decoder, BigVGAN)
    assert (decoder.sample_rate_hz, decoder.samples_per_frame, decoder.in_channels) == (80, 10, 3)
    assert torch.equal(decoder.conv_pre.bias, tensors["conv_pre.bias"])  # type: ignore[arg-type]
    audio = decoder(torch.randn(2, 3, 4))
    assert audio.shape == (2, 1, 40)
    assert audio.abs().max() <= 1
    assert decoder(torch.zeros(2, 3, 0)).shape == (2, 1, 0)


def test_saved_and_loaded_it_sounds_the_same(tmp_path: Path) -> None:
    released_form(tmp_path)
    decoder = load_decoder(tmp_path)
    save_decoder(decoder, tmp_path / "ours")
    assert sorted(p.name for p in (tmp_path / "ours").iterdir()) == [
        "decoder.json",
        "decoder.safetensors",
    ]
    latents = torch.randn(1, 3, 4)
    assert torch.equal(load_decoder(tmp_path / "ours")(latents), decoder(latents))


@pytest.mark.parametrize("make", [tiny_decoder, tiny_two_band])
def test_small_decoders_sound_the_same_once_loaded(
    tmp_path: Path, make: Callable[[], SmallDecoder]
) -> None:
    decoder = make().eval()
    save_decoder(decoder, tmp_path)
    loaded, latents = load_decoder(tmp_path), torch.randn(1, CHANNELS, 4)
    assert type(loaded) is type(decoder)
    assert torch.equal(loaded(latents), decoder(latents))


@pytest.mark.parametrize(
    ("band", "changed", "words"),
    [
        ("low", {"sample_rate_hz": 3_000}, "a whole fraction of 8000"),
        ("low", {"sample_rate_hz": 8}, "at least 1/100 of it"),
        ("low", {"sample_rate_hz": "800"}, "decoder.json, low: sample_rate_hz='800' is no whole"),
        ("low", {"sample_rate_hz": 800.0}, "decoder.json, low: sample_rate_hz=800.0 is no whole"),
        ("full", {"sample_rate_hz": 0}, "sample_rate_hz=0 is no whole number, 1 to 1,000,000"),
        ("full", {"touches": True}, "touches=True is no whole number, 0 to 1,000,000"),
        ("full", {"width": 900_000}, "of another shape"),
        ("low", None, "there are kind and ['full']"),
        ("low", {"sample_rate_hz": 8_000}, "a whole fraction of 8000"),
        ("low", {"frames": 10}, "80 samples in the low band, 160 were expected"),
        ("low", {"in_channels": 5}, "low.in_channels=5"),
        ("full", {"hop_samples": 70}, "decoder.json, full: fft_samples=160"),
        ("low", {"hop_samples": 1, "fft_samples": 4}, "must both be even or both odd"),
        ("full", None, "there are kind and ['low']"),
        ("more", {}, "there are kind and ['full', 'low', 'more']"),
    ],
)
def test_two_bands_that_do_not_fit_are_refused(
    tmp_path: Path, band: str, changed: dict[str, object] | None, words: str
) -> None:
    save_decoder(tiny_two_band(), tmp_path)
    values = json.loads((tmp_path / "decoder.json").read_text())
    values[band] = values.get(band, {}) | (changed or {})
    if changed is None:
        del values[band]
    (tmp_path / "decoder.json").write_text(json.dumps(values))
    with pytest.raises(Incompatible, match=re.escape(words)):
        load_decoder(tmp_path)


def test_a_band_that_is_no_object_is_refused(tmp_path: Path) -> None:
    save_decoder(tiny_two_band(), tmp_path)
    rewrite(tmp_path / "decoder.json", low=[1])
    with pytest.raises(Incompatible, match="with fields of their own"):
        load_decoder(tmp_path)


def test_a_decoder_from_before_touches_were_told_has_the_usual(tmp_path: Path) -> None:
    save_decoder(tiny_decoder(), tmp_path)
    values = json.loads((tmp_path / "decoder.json").read_text())
    del values["touches"]
    (tmp_path / "decoder.json").write_text(json.dumps(values))
    decoder = load_decoder(tmp_path)
    assert isinstance(decoder, InverseStft)
    assert decoder.config.touches == 2


def test_bias_and_tanh_at_the_end_follow_the_configuration() -> None:
    config = BigVGANConfig.from_json(
        {**SMALL.to_json(), "use_tanh_at_final": True, "use_bias_at_final": True}
    )
    decoder = BigVGAN(config)
    with torch.no_grad():
        assert decoder.conv_post.bias is not None
        decoder.conv_post.weight.zero_()
        decoder.conv_post.bias.fill_(2.0)
        audio = decoder(torch.randn(1, 3, 2))
    torch.testing.assert_close(audio, torch.tensor(2.0).tanh().expand_as(audio))


@pytest.mark.parametrize(
    "name", ["conv_pre.weight_g", "ups.1.0.weight_v", "activation_post.downsample.lowpass.filter"]
)
def test_a_missing_tensor_is_named(tmp_path: Path, name: str) -> None:
    tensors = released_form(tmp_path)
    del tensors[name]
    torch.save({"generator": tensors}, tmp_path / "decoder.bin")
    with pytest.raises(Incompatible, match=rf"missing: {name} \["):
        load_decoder(tmp_path)


def test_an_extra_and_a_misshapen_tensor_are_named_together(tmp_path: Path) -> None:
    tensors = released_form(tmp_path)
    tensors["conv_post.bias"] = torch.zeros(1)
    tensors["conv_pre.bias"] = torch.zeros(9)
    torch.save({"generator": tensors}, tmp_path / "decoder.bin")
    told = r"unexpected: conv_post\.bias \[1\]; of another shape: conv_pre\.bias \[9\] instead of"
    with pytest.raises(Incompatible, match=told):
        load_decoder(tmp_path)


def test_a_folded_file_is_checked_too(tmp_path: Path) -> None:
    released_form(tmp_path)
    save_decoder(load_decoder(tmp_path), tmp_path)
    path = tmp_path / "decoder.safetensors"
    stored = load_file(path)
    del stored["conv_post.weight"]
    save_file(stored, path)
    with pytest.raises(Incompatible, match=r"missing: conv_post\.weight "):
        load_decoder(tmp_path)


def test_no_code_is_run_from_a_bin_file(tmp_path: Path) -> None:
    released_form(tmp_path)
    torch.save({"generator": {"conv_pre.bias": Path("x")}}, tmp_path / "decoder.bin")
    with pytest.raises(Incompatible, match="more than tensors"):
        load_decoder(tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut off"])
def test_a_damaged_bin_file_is_named(tmp_path: Path, content: bytes) -> None:
    released_form(tmp_path)
    (tmp_path / "decoder.bin").write_bytes(content)
    with pytest.raises(Incompatible, match=r"decoder\.bin is damaged"):
        load_decoder(tmp_path)


def test_a_bin_file_without_its_key_is_told(tmp_path: Path) -> None:
    tensors = released_form(tmp_path)
    torch.save(tensors, tmp_path / "decoder.bin")
    with pytest.raises(Incompatible, match="key 'generator'"):
        load_decoder(tmp_path)


def test_missing_files_say_so(tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match=r"decoder\.json is missing"):
        load_decoder(tmp_path)
    shutil.copy(FIXTURES / "decoder.json", tmp_path)
    with pytest.raises(MissingWeights, match=r"decoder\.safetensors is missing"):
        load_decoder(tmp_path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"kind": "griffin"}, "unknown kind of decoder 'griffin'"),
        ({"resblock": "2"}, "resblock='2'"),
        ({"snake_logscale": False}, "snake_logscale=False"),
        ({"upsample_rates": [5]}, "differ in length"),
        ({"upsample_initial_channel": 6}, "cannot be halved 2 times"),
        ({"upsample_rates": ["a", 2]}, "upsample_rates='a' is no whole number"),
        ({"upsample_rates": 5}, "upsample_rates=5 is no list"),
        ({"upsample_rates": [5, 3]}, "a kernel of 4 cannot make 3 samples of each"),
        ({"in_channels": "3"}, "in_channels='3' is no whole number, 1 to 1,000,000"),
        ({"upsample_initial_channel": 8.0}, "upsample_initial_channel=8.0 is no"),
        ({"upsample_initial_channel": 2**40}, "is no whole number"),
        ({"upsample_initial_channel": 2**18}, "of another shape"),
        ({"resblock_dilation_sizes": [[1, 3], 3]}, "resblock_dilation_sizes=3 is no list"),
        ({"sampling_rate": 0}, "sampling_rate=0"),
        ({"use_tanh_at_final": 1}, "use_tanh_at_final=1 is neither true nor false"),
    ],
)
def test_another_variant_is_refused(tmp_path: Path, change: dict[str, object], told: str) -> None:
    released_form(tmp_path)
    (tmp_path / "decoder.json").write_text(json.dumps({**SMALL.to_json(), **change}))
    with pytest.raises(Incompatible, match=told):
        load_decoder(tmp_path)


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("hop_samples", 200, "hop_samples=200 skips sound"),
        ("fine_frames", 7, "fine_frames=7 must be at least 1 and divide"),
        ("bands", 9_000, "of another shape"),
        ("bands", 900_000, "bands=900000 of fft_samples=160 are too many"),
        ("bands", None, "bands=None is no whole number"),
    ],
)
def test_an_encoder_that_cannot_be_is_refused(
    tmp_path: Path, field: str, value: object, told: str
) -> None:
    save_encoder(tiny_encoder(), tmp_path)
    rewrite(tmp_path / "encoder.json", **{field: value})
    with pytest.raises(Incompatible, match=told) as refused:
        load_encoder(tmp_path)
    assert str(tmp_path) in str(refused.value)


def test_a_damaged_pickle_is_refused_whatever_is_damaged(tmp_path: Path) -> None:
    released_form(tmp_path)
    path = tmp_path / "decoder.bin"
    whole, rng = path.read_bytes(), random.Random(0)
    told = 0
    for _ in range(200):
        damaged = bytearray(whole)
        for _ in range(3):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        path.write_bytes(damaged)
        with suppress(Incompatible):
            load_decoder(tmp_path)
            continue  # a number that is another number
        told += 1
    assert told > 20


@pytest.mark.parametrize("stored", [{"generator": {1: torch.zeros(1)}}, {1: {}}, [], {"other": {}}])
def test_a_pickle_of_something_else_is_refused(tmp_path: Path, stored: object) -> None:
    released_form(tmp_path)
    torch.save(stored, tmp_path / "decoder.bin")
    with pytest.raises(Incompatible, match=r"decoder\.bin (has no|is not a table of) tensors"):
        load_decoder(tmp_path)


def test_an_incomplete_configuration_is_told() -> None:
    with pytest.raises(Incompatible, match="missing in_channels"):
        BigVGANConfig.from_json({})
