import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from angen.bundle import load_bundle
from angen.errors import BadInput, Incompatible
from angen.parts import fingerprint
from angen.vocoder.encoding import CONTEXT_FRAMES, encode_in_pieces
from angen.vocoder.learned import LearnedConfig, LearnedEncoder
from angen.vocoder.weights import load_encoder, save_learned_encoder
from tests.tiny import CHANNELS, RATE_HZ, write_tiny_bundle

CONFIG = LearnedConfig(
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
CPU = torch.device("cpu")


def learned(
    decoder: str = "x", *, refine: int = 0, config: LearnedConfig = CONFIG
) -> LearnedEncoder:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        encoder = LearnedEncoder(config, decoder=decoder, refine=refine)
        torch.nn.init.normal_(encoder.leave.weight, std=0.3)
    return encoder.eval().requires_grad_(False)


def noise(samples: int, seed: int = 0) -> Tensor:
    return 0.1 * torch.randn(samples, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("samples", "frames"), [(0, 0), (1, 1), (1_600, 1), (1_601, 2), (16_000, 10)]
)
def test_a_last_part_of_a_frame_counts_as_a_frame(samples: int, frames: int) -> None:
    assert learned()(noise(samples)[None, None]).shape == (1, CHANNELS, frames)


def test_a_long_recording_in_pieces_is_as_in_one() -> None:
    encoder, audio = learned(), noise(1_600 * 650)
    whole = encoder(audio[None, None])[0].T
    assert torch.allclose(encode_in_pieces(encoder, audio, CPU), whole, atol=1e-4)


def test_no_frame_hears_further_than_the_context_of_a_piece() -> None:
    encoder, audio = learned(), noise(1_600 * 60)
    changed = audio.clone()
    changed[1_600 * 40 :] = 0
    far = 40 - CONTEXT_FRAMES
    a, b = encoder(audio[None, None]), encoder(changed[None, None])
    assert torch.allclose(a[..., :far], b[..., :far], atol=1e-6)
    assert not torch.allclose(a[..., 39], b[..., 39], atol=1e-3)


def test_neighbours_in_a_batch_change_nothing() -> None:
    encoder = learned()
    both = torch.stack([noise(8_000), noise(8_000, 1)])[:, None]
    assert torch.allclose(encoder(both)[:1], encoder(both[:1]), atol=1e-5)


def test_silence_and_clipping_give_finite_latents() -> None:
    encoder = learned()
    for audio in (torch.zeros(8_000), noise(8_000).sign()):
        assert encoder(audio[None, None]).isfinite().all()


def test_written_and_read_it_is_the_same(tmp_path: Path) -> None:
    encoder = learned("abc", refine=3)
    encoder.mean.copy_(torch.arange(CHANNELS))
    save_learned_encoder(encoder, tmp_path, {"steps": 5})
    loaded = load_encoder(tmp_path)
    assert isinstance(loaded, LearnedEncoder)
    assert (loaded.decoder, loaded.refine, loaded.config) == ("abc", 3, CONFIG)
    audio = noise(5_000)[None, None]
    assert torch.equal(loaded(audio), encoder(audio))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"decoder": "abc"', '"decoder": ""', "`decoder` is missing"),
        ('"depth": 2', '"depth": 2, "more": 1', "more"),
        ('"width": 16', '"width": 17', "multiple of twice"),
        ('"refine": 0', '"refine": -1', "refine=-1"),
        ('"kind": "learned"', '"kind": "telepathy"', "telepathy"),
    ],
)
def test_a_damaged_file_is_refused_by_its_fault(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    save_learned_encoder(learned("abc"), tmp_path)
    path = tmp_path / "encoder.json"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(Incompatible, match=said):
        load_encoder(tmp_path)


def test_a_bundle_listens_with_it_at_its_own_rate(tmp_path: Path) -> None:
    folder = write_tiny_bundle(tmp_path / "b", encoder=False)
    config = LearnedConfig(
        out_channels=CHANNELS,
        sample_rate_hz=RATE_HZ // 2,  # the decoder speaks at twice that
        fft_samples=(256,),
        hop_samples=40,
        bands=12,
        strides=(20,),
        width=16,
        depth=1,
        heads=1,
        reach=2,
    )
    save_learned_encoder(learned(fingerprint(folder, ("decoder",)), config=config), folder)
    bundle = load_bundle(folder)
    for rate in (RATE_HZ, RATE_HZ // 2, 11_025):
        assert bundle.encode_audio(noise(3 * rate), rate).shape == (15, CHANNELS)
    with pytest.raises(BadInput, match="no samples"):
        bundle.encode_audio(noise(0), RATE_HZ)


def test_an_encoder_of_another_decoder_is_refused(tmp_path: Path) -> None:
    folder = write_tiny_bundle(tmp_path / "b", encoder=False)
    save_learned_encoder(learned("0" * 64), folder)
    with pytest.raises(Incompatible, match=r"belongs to the decoder 000000000000"):
        load_bundle(folder)


def test_an_encoder_of_another_shape_is_refused(tmp_path: Path) -> None:
    folder = write_tiny_bundle(tmp_path / "b", encoder=False)
    config = LearnedConfig(
        **{name: getattr(CONFIG, name) for name in CONFIG.__slots__} | {"strides": (10,)}
    )
    save_learned_encoder(learned("x", config=config), folder)
    with pytest.raises(Incompatible, match=r"every 0\.1 s, the decoder reads 8 every 0\.2 s"):
        load_bundle(folder)


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("sample_rate_hz", 0, "network: sample_rate_hz=0 is no whole number"),
        ("hop_samples", 80.0, "hop_samples=80.0 is no whole number"),
        ("hop_samples", 900_000, "hop_samples=900000 skips sound"),
        ("reach", "x", "reach='x' is no whole number, 0 to 1,000,000"),
        ("reach", -1, "reach=-1"),
        ("width", 10**9, "width=1000000000 is no whole number"),
        ("width", 960_000, "of another shape"),
        ("strides", [], "strides must be"),
        ("fft_samples", [], "fft_samples at least one"),
        ("refine", True, "refine=True is not a number of steps"),
    ],
)
def test_a_learned_encoder_that_cannot_be_is_refused(
    tmp_path: Path, field: str, value: object, told: str
) -> None:
    save_learned_encoder(LearnedEncoder(CONFIG, decoder="x"), tmp_path)
    values = json.loads((tmp_path / "encoder.json").read_text())
    (values if field == "refine" else values["network"])[field] = value
    (tmp_path / "encoder.json").write_text(json.dumps(values))
    with pytest.raises(Incompatible, match=told):
        load_encoder(tmp_path)
