"""The style encoder: unit vectors that no neighbour in a batch can change, and honest failures."""

from pathlib import Path

import numpy as np
import pytest
import torch

from angen.conditioning.style import (
    StyleConfig,
    StyleEncoder,
    chroma_filters,
    load_style,
    pulse_features,
    save_style,
)
from angen.errors import Incompatible, MissingWeights
from tests.tiny import rewrite


def tiny() -> StyleEncoder:
    torch.manual_seed(0)
    config = StyleConfig(
        rate_hz=8000,
        fft_samples=512,
        hop_samples=160,
        bands=16,
        audio_width=8,
        audio_strides=(2, 2),
        text_buckets=64,
        text_width=8,
        text_hidden=16,
        timeline=True,
    )
    return StyleEncoder(config).eval().requires_grad_(False)


def test_text_vectors_have_length_one_and_ignore_their_neighbours() -> None:
    style = tiny()
    texts = ["slow jazz, 70 BPM, D minor", "techno", "", "爵士乐 🎵"]
    together = style.embed_text(texts)
    assert together.shape == (4, 512)
    torch.testing.assert_close(together.norm(dim=1), torch.ones(4))
    for text, vector in zip(texts, together, strict=True):
        assert torch.equal(style.embed_text([text])[0], vector)


def test_no_texts_give_no_vectors() -> None:
    assert tiny().embed_text([]).shape == (0, 512)


def test_case_does_not_matter() -> None:
    a, b = tiny().embed_text(["Jazz in F# minor", "jazz in f# minor"])
    assert torch.equal(a, b)


@pytest.mark.parametrize("samples", [0, 1, 100, 44_100, 44_100 * 70])
def test_audio_of_any_length_gives_a_vector_of_length_one(samples: int) -> None:
    audio = np.random.default_rng(0).standard_normal(samples).astype(np.float32)
    vector = tiny().embed_audio(audio, 44_100)
    assert vector.shape == (512,)
    assert float(vector.norm()) == pytest.approx(1, abs=1e-5)


def test_level_hardly_matters() -> None:
    audio = np.random.default_rng(0).standard_normal(16_000).astype(np.float32)
    loud, quiet = tiny().embed_audio(audio, 8000), tiny().embed_audio(0.1 * audio, 8000)
    assert float(loud @ quiet) > 0.99


def test_stereo_is_refused() -> None:
    with pytest.raises(ValueError, match="mono"):
        tiny().embed_audio(np.zeros((2, 100), np.float32), 8000)


def test_a_pulse_shows_at_its_own_lag() -> None:
    mel = torch.zeros(1, 8, 500)
    mel[:, :, ::25] = 1  # twice a second at 50 Hz
    found = pulse_features(mel, 50.0).view(4, 112)[0]
    lags_s = torch.linspace(0.2, 2.42, 112)
    assert float(lags_s[found[:20].argmax()]) == pytest.approx(0.5, abs=0.03)


def test_an_a_sounds_in_the_class_of_a() -> None:
    filters = chroma_filters(24_000, 4096)
    a4 = round(440 / (24_000 / 4096))
    assert int(filters[:, a4].argmax()) == 0


def test_saved_and_loaded_it_says_the_same(tmp_path: Path) -> None:
    style = tiny()
    save_style(style, tmp_path)
    loaded = load_style(tmp_path)
    assert torch.equal(loaded.embed_text(["bossa nova"]), style.embed_text(["bossa nova"]))


def test_the_released_model_is_told_where_its_vectors_come_from(tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match="MuQ-MuLan"):
        load_style(tmp_path)


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("audio_strides", ["a"], "audio_strides='a' is no whole number"),
        ("audio_strides", [2.0, 2], "audio_strides=2.0 is no whole number"),
        ("audio_strides", 2, "audio_strides=2 is no list"),
        ("hop_samples", 5_000, "hop_samples=5000 skips sound"),
        ("hop_samples", 0, "hop_samples=0 is no whole number, 1 to"),
        ("fft_samples", -1, "fft_samples=-1"),
        ("bands", 6, "bands=6 must be a multiple of 4"),
        ("text_buckets", 900_000, "of another shape"),
        ("audio_width", 10**7, "audio_width=10000000 is no whole number"),
        ("timeline", 1, "timeline=1 is neither true nor false"),
        ("more", 1, "fields unknown more"),
    ],
)
def test_an_encoder_that_cannot_be_is_refused(
    tmp_path: Path, field: str, value: object, told: str
) -> None:
    save_style(tiny(), tmp_path)
    rewrite(tmp_path / "style.json", **{field: value})
    with pytest.raises(Incompatible, match=told) as refused:
        load_style(tmp_path)
    assert str(tmp_path) in str(refused.value)


def test_another_kind_is_refused(tmp_path: Path) -> None:
    save_style(tiny(), tmp_path)
    (tmp_path / "style.json").write_text('{"kind": "mulan"}')
    with pytest.raises(Incompatible, match="mulan"):
        load_style(tmp_path)
