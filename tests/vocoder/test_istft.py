"""The decoder that ships: lengths, and overlap-add against what is known."""

from dataclasses import asdict

import pytest
import torch

from angen.vocoder.istft import FLOOR, InverseStft, IstftConfig, nearest_peaks, overlap_add


def tiny(channels: int = 3, touches: int = 2, roughness: float = 0.0) -> InverseStft:
    torch.manual_seed(0)
    config = IstftConfig(
        in_channels=channels,
        sample_rate_hz=8000,
        fft_samples=160,
        hop_samples=40,
        frames=5,
        bands=4,
        fine_frames=1,
        fine_bands=6,
        width=8,
        blocks=1,
        kernel=5,
        touches=touches,
        roughness=roughness,
    )
    return InverseStft(config).eval()


@pytest.mark.parametrize("frames", [0, 1, 7])
def test_each_latent_frame_becomes_its_samples(frames: int) -> None:
    decoder = tiny()
    assert decoder.samples_per_frame == 200
    wave = decoder(torch.randn(2, 3, frames))
    assert wave.shape == (2, 1, 200 * frames)
    assert torch.isfinite(wave).all()


def test_overlap_add_sums_shifted_windows() -> None:
    frames = torch.arange(12.0).view(1, 3, 4)
    expected = torch.zeros(8)
    for i in range(3):
        expected[2 * i : 2 * i + 4] += frames[0, i]
    torch.testing.assert_close(overlap_add(frames, 2)[0], expected)


def test_magnitudes_and_movements_of_a_sound_give_it_back() -> None:
    decoder = tiny()
    time_s = torch.arange(8000) / 8000
    wave = 0.3 * torch.sin(2 * torch.pi * 443 * time_s) + 0.2 * torch.sin(
        2 * torch.pi * 1517 * time_s
    )
    spectra = decoder.analyse(wave[None])  # (1, K, F)
    before = torch.nn.functional.pad(spectra, (1, 0))[:, :, :-1]
    bins = torch.arange(spectra.shape[1])[:, None]
    moved = spectra * before.conj() * torch.polar(torch.ones(1), -torch.pi / 2 * bins)
    logs = (spectra.abs() * 2 / decoder.window.sum() + FLOOR).log()
    made = decoder.to_wave(logs, moved / (moved.abs() + 1e-12))[0, 0]
    assert made.shape == wave.shape
    peaks_hz = torch.fft.rfft(made).abs().topk(2).indices
    assert sorted(peaks_hz.tolist()) == [443, 1517]
    assert float(made[800:-800].std() / wave[800:-800].std()) == pytest.approx(1, abs=0.05)


def test_nearest_peaks() -> None:
    magnitude = torch.tensor([0.0, 1, 5, 1, 0, 2, 1]).view(1, 7, 1)
    assert nearest_peaks(magnitude).flatten().tolist() == [2, 2, 2, 2, 5, 5, 5]


def test_bins_without_a_peak_have_a_place_too() -> None:
    assert nearest_peaks(torch.zeros(1, 5, 2)).max() <= 4


def test_spectra_do_not_depend_on_frames_far_away() -> None:
    latents = torch.randn(1, 3, 20)
    whole, part = tiny().spectra(latents), tiny().spectra(latents[:, :, :12])
    for ours, theirs in zip(whole, part, strict=True):
        torch.testing.assert_close(ours[..., :40], theirs[..., :40], atol=1e-5, rtol=0)


def test_a_batch_has_the_spectra_of_each_alone() -> None:
    decoder = tiny()
    latents = torch.randn(3, 3, 6)
    together = decoder.spectra(latents)[0]
    alone = torch.cat([decoder.spectra(item[None])[0] for item in latents])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


def test_the_same_latents_sound_the_same() -> None:
    latents = torch.randn(1, 3, 6)
    assert torch.equal(tiny()(latents), tiny()(latents))


def test_wild_latents_stay_finite() -> None:
    assert torch.isfinite(tiny()(1e4 * torch.randn(1, 3, 5))).all()


def test_the_views_lie_in_the_order_of_the_encoder() -> None:
    decoder = tiny()
    with torch.no_grad():
        decoder.unfold.weight.zero_()
        decoder.unfold.bias.copy_(torch.arange(26.0))  # 4 bands of 5 frames, then 6 of 1
    views = decoder.views(torch.zeros(1, 3, 2))
    assert views[0, 1].tolist() == [5, 6, 7, 8, 9] * 2
    assert views[0, 4].tolist() == [20] * 10


def test_rounds_of_griffin_lim_bring_the_sound_nearer_to_its_spectra() -> None:
    latents = torch.randn(1, 3, 12)
    errors = []
    for touches in (0, 2, 8):
        decoder = tiny(touches=touches)
        with torch.no_grad():
            logs, movement = decoder.spectra(latents)
            sound = decoder.to_wave(logs, movement)[:, 0]
        errors.append(float((decoder.analyse(sound).abs() - decoder.magnitude(logs)).norm()))
    assert errors[0] > 1.02 * errors[1] > 1.02**2 * errors[2]


def test_only_bins_of_unsure_phase_come_and_go() -> None:
    decoder = tiny(roughness=0.5)
    logs = torch.zeros(1, decoder.bins, 4_000)
    sure = torch.ones(1, decoder.bins, 4_000, dtype=torch.complex64)
    noise = decoder.noise(logs)

    unsure = decoder.rough(0 * sure, noise).log()[:, 1:-1]

    assert torch.equal(decoder.rough(sure, noise), torch.ones_like(logs))
    assert float(unsure.mean()) == pytest.approx(0, abs=0.01)
    assert float(unsure.std()) == pytest.approx(0.5, rel=0.02)
    assert float(decoder.rough(0.5 * sure, noise).log()[:, 1:-1].std()) == pytest.approx(
        0.25, rel=0.02
    )
    beside = (unsure[:, 1:] * unsure[:, :-1]).mean() / unsure.square().mean()
    after = (unsure[:, :, 1:] * unsure[:, :, :-1]).mean() / unsure.square().mean()
    assert float(beside) == pytest.approx(2 / 3, abs=0.03)
    assert float(after) == pytest.approx(2 / 3, abs=0.03)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("roughness", -0.1),
        ("roughness", float("nan")),
        ("hop_samples", 50),
        ("hop_samples", 160),
        ("fine_frames", 2),
        ("kernel", 4),
        ("blocks", 101),
        ("touches", -1),
        ("touches", 101),
    ],
)
def test_what_does_not_fit_together_is_refused(field: str, value: int) -> None:
    fields = {**asdict(tiny().config), field: value}
    with pytest.raises(ValueError, match=f"{field}={value}"):
        IstftConfig(**fields)
