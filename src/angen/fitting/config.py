"""What an encoder is fitted with: sizes, data, and how much each teacher says."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from angen.bundle import Bundle
from angen.errors import BadInput
from angen.vocoder.learned import LearnedConfig

ENCODER_RATE_HZ = 24_000  # that of the encoder which DiffRhythm 2 was trained with
HOPS = 20  # mel frames in a latent frame of a fifth of a second: 100 a second


@dataclass(frozen=True, kw_only=True, slots=True)
class FitConfig:
    """The recipe of a fit. A weight of 0 leaves a teacher out."""

    steps: int = 20_000
    clips: int = 8  # of each kind in a step
    clip_frames: int = 20  # whole blocks of the base model
    learning_rate: float = 3e-4
    clip_norm: float = 1.0
    straight: bool = True  # begin with the best linear map from sound to the songs' latents
    songs: int = 400  # that the base model makes: exact pairs of latents and sound
    song_s: float = 20.0
    pairs_weight: float = 1.0  # latents of those songs, in their own deviations
    sound_weight: float = 0.3  # recordings, reconstructed through the decoder
    moments_weight: float = 0.1  # mean and deviation of recordings' latents, as the model's own
    prior_weight: float = 0.1  # how hard recordings' latents are to denoise for the model
    refine: int = 0  # gradient steps on each clip that the encoder is later used for
    width: int = 384
    depth: int = 4
    save_every: int = 500
    seed: int = 0

    def __post_init__(self) -> None:
        for name, low in _LEAST.items():
            value = getattr(self, name)
            if not low <= value < float("inf"):
                raise BadInput(f"{name}={value}: must be {low:g} or more.")
        if self.pairs_weight == 0 == self.sound_weight:
            raise BadInput("pairs_weight and sound_weight are both 0: nothing would be learned.")
        if not self.steps and not self.straight and not self.refine:
            raise BadInput("steps=0 and refine=0: all latents would be the mean. Give refine.")

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


# No encoder at all: songs tell mean and deviation of latents, and refinement does the rest.
ALONE: Mapping[str, Any] = {
    "steps": 0,
    "straight": False,
    "songs": 40,
    "width": 16,
    "depth": 0,
    "refine": 100,
}

_LEAST: Mapping[str, float] = {
    "steps": 0,
    "clips": 1,
    "clip_frames": 1,
    "learning_rate": 1e-8,
    "clip_norm": 1e-6,
    "songs": 2,
    "song_s": 1,
    "pairs_weight": 0,
    "sound_weight": 0,
    "moments_weight": 0,
    "prior_weight": 0,
    "refine": 0,
    "width": 16,
    "depth": 0,
    "save_every": 1,
}


def network_for(bundle: Bundle, config: FitConfig) -> LearnedConfig:
    """The network whose latents have the rate and width of the bundle's decoder.

    It listens at 24 kHz, or at the decoder's own rate where that is lower.

    Raises BadInput when the recipe does not fit the base model.
    """
    if config.clip_frames % bundle.block:
        raise BadInput(
            f"clip_frames={config.clip_frames}: must be whole blocks of {bundle.block} frames."
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
        heads=max(1, config.width // 64),
        reach=4,
    )


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
