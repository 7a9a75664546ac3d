"""The network that a recipe gives for the decoder of a base model."""

from angen.bundle import Bundle
from angen.errors import BadInput
from angen.fitting.config import FitConfig
from angen.vocoder.learned import LearnedConfig

ENCODER_RATE_HZ = 24_000  # that of the encoder which DiffRhythm 2 was trained with
HOPS = 20  # mel frames in a latent frame of a fifth of a second: 100 a second
HEAD = 64  # width of an attention head, where the network's width allows it


def network_for(bundle: Bundle, config: FitConfig) -> LearnedConfig:
    """The network whose latents have the rate and width of the bundle's decoder.

    It listens at 24 kHz, or at the decoder's own rate where that is lower.

    Raises BadInput when the recipe does not fit the base model.
    """
    if config.clip_frames % bundle.block:
        raise BadInput(
            f"clip_frames={config.clip_frames}: must be whole blocks of {bundle.block} frames."
        )
    if bundle.frames(config.song_s) < config.clip_frames:
        raise BadInput(
            f"song_s={config.song_s:g}: must last {config.clip_frames / bundle.latent_rate_hz:g} s "
            f"or longer, so that a clip of {config.clip_frames} latent frames fits in."
        )
    rate_hz = min(ENCODER_RATE_HZ, bundle.sample_rate_hz)
    samples = rate_hz / bundle.latent_rate_hz
    hop = next((int(samples) // n for n in (HOPS, 10) if samples % n == 0), 0)
    if not hop:
        raise BadInput(f"A latent frame of {samples:g} samples cannot be cut into mel frames.")
    return LearnedConfig(
        out_channels=bundle.channels,
        sample_rate_hz=rate_hz,
        fft_samples=(_power_of_two(rate_hz / 24), _power_of_two(rate_hz / 6)),  # 40 and 170 ms
        hop_samples=hop,
        bands=96 if rate_hz >= 16_000 else 40,
        strides=_strides(round(samples) // hop),
        width=config.width,
        depth=config.depth,
        heads=_heads(config.width),
        reach=4,
    )


def _heads(width: int) -> int:
    """As many heads as give each the usual width or more, of an even size."""
    return max(n for n in range(1, max(1, width // HEAD) + 1) if width % (2 * n) == 0)


def _strides(frames: int) -> tuple[int, ...]:
    """Factors of ``frames``, smallest first."""
    found: list[int] = []
    rest = frames
    for factor in (2, 2, 5, 2, 2, 5):
        if rest % factor == 0:
            found.append(factor)
            rest //= factor
    return (*found, rest) if rest > 1 else tuple(found)


def _power_of_two(samples: float) -> int:
    return 1 << max(6, round(samples).bit_length())
