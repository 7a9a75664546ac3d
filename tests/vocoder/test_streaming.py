"""Sound while the latents come, against the sound of all latents at once."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from angen.vocoder.istft import IstftConfig, draw
from angen.vocoder.streaming import DecodingStream, OneBandStream, decoding_stream
from angen.vocoder.twoband import SmallDecoder, TwoBand, TwoBandConfig
from tests.tiny import CHANNELS, FRAME_SAMPLES, tiny_decoder, tiny_two_band

SHAKEN = 2 * FRAME_SAMPLES  # at the very end: see ``draw``
Make = Callable[[], SmallDecoder]


def slow_low() -> TwoBand:
    """Many long windows in the low band, as in ``mini``."""
    config = tiny_two_band().config
    return two_band(config.full, replace(config.low, fft_samples=128, touches=6))


def slow_full() -> TwoBand:
    """The other way about."""
    config = tiny_two_band().config
    return two_band(replace(config.full, fft_samples=1_280), replace(config.low, fft_samples=16))


def rough() -> TwoBand:
    """Bins of both bands come and go where phases are not sure."""
    config = tiny_two_band().config
    return two_band(replace(config.full, roughness=1.0), replace(config.low, roughness=0.5))


def two_band(full: IstftConfig, low: IstftConfig) -> TwoBand:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return TwoBand(TwoBandConfig(full=full, low=low))


ALL = pytest.mark.parametrize("make", [tiny_decoder, tiny_two_band, slow_low, slow_full, rough])


def noise(frames: int, seed: int = 0) -> Tensor:
    return torch.randn(frames, CHANNELS, generator=torch.Generator().manual_seed(seed))


def whole(decoder: SmallDecoder, latents: Tensor) -> Tensor:
    with torch.no_grad():
        audio: Tensor = decoder(latents.T[None])[0, 0]
    return audio


def streamed(decoder: SmallDecoder, latents: Tensor, lengths: list[int]) -> list[Tensor]:
    stream = decoding_stream(decoder)
    return [*(stream.push(part) for part in torch.split(latents, lengths)), stream.finish()]


@ALL
@pytest.mark.parametrize("lengths", [[10] * 12, [1] * 30, [7, 1, 40, 2], [3], [0, 5, 0], [250, 5]])
def test_pieces_in_a_row_are_the_whole(make: Make, lengths: list[int]) -> None:
    decoder, latents = make(), noise(sum(lengths))
    sound, expected = torch.cat(streamed(decoder, latents, lengths)), whole(decoder, latents)
    assert sound.shape == expected.shape
    torch.testing.assert_close(sound[:-SHAKEN], expected[:-SHAKEN], rtol=0, atol=1e-4)


@ALL
def test_no_piece_begins_with_a_jump(make: Make) -> None:
    decoder, latents = make(), noise(120)
    pieces = streamed(decoder, latents, [10] * 12)
    seams = torch.tensor([len(piece) for piece in pieces]).cumsum(0)[:-1]
    steps, expected = torch.cat(pieces).diff(), whole(decoder, latents).diff()
    torch.testing.assert_close(steps[seams - 1], expected[seams - 1], rtol=0, atol=1e-4)


def test_a_piece_costs_the_same_late_as_early() -> None:
    decoder = tiny_decoder()
    seen: list[int] = []
    spectra = decoder.spectra

    def counted(latents: Tensor) -> tuple[Tensor, Tensor]:
        seen.append(latents.shape[2])
        return spectra(latents)

    decoder.spectra = counted  # type: ignore[method-assign]
    streamed(decoder, noise(400), [10] * 40)
    assert max(seen) <= 10 + 4  # two frames of context on either side


def test_a_low_band_costs_and_waits_little_more() -> None:
    decoder, latents = slow_low(), noise(400)
    seen: list[int] = []
    exchanged = decoder.crossover.exchanged

    def counted(full: Tensor, low: Tensor) -> Tensor:
        seen.append(full.shape[1])
        return exchanged(full, low)

    decoder.crossover.exchanged = counted  # type: ignore[method-assign]
    pieces = streamed(decoder, latents, [10] * 40)
    assert max(seen) <= (10 + 4) * FRAME_SAMPLES
    assert len(pieces[0]) == 6 * FRAME_SAMPLES


@ALL
def test_nothing_comes_of_nothing(make: Make) -> None:
    stream = decoding_stream(make())
    assert len(stream.push(torch.zeros(0, CHANNELS))) == len(stream.finish()) == 0


@pytest.mark.parametrize(("fewer", "more", "bins"), [(40, 80, 81), (2_000, 4_000, 481)])
def test_fewer_frames_are_shaken_like_the_first_of_more(fewer: int, more: int, bins: int) -> None:
    same = (draw(fewer, bins) == draw(more, bins)[:fewer]).flatten()
    assert same[:-16].all()


@ALL
def test_of_a_long_song_little_stays_in_memory(make: Make) -> None:
    decoder, kept = make(), []
    stream = decoding_stream(decoder)
    for part in torch.split(noise(1_200), 10):
        stream.push(part)
        kept.append(numbers_in(stream))
    bins = (decoder.full if isinstance(decoder, TwoBand) else decoder).bins
    assert kept[-1] < 4 * 1_600 * bins
    assert max(kept[60:]) <= max(kept[:60])


def numbers_in(stream: DecodingStream) -> int:
    """How many numbers a stream, and those within it, hold."""
    held = vars(stream).values()
    within = [value for value in held if isinstance(value, OneBandStream)]
    kept = sum(value.numel() for value in held if isinstance(value, Tensor))
    return kept + sum(map(numbers_in, within))
