"""What an encoder is fitted with: sizes, data, and how much each teacher says. Needs no torch."""

from dataclasses import asdict, dataclass
from typing import Any

from angen.errors import BadInput

FIT_RANGES: dict[str, tuple[float, float]] = {
    "steps": (0, 10_000_000),
    "clips": (1, 1_024),
    "clip_frames": (1, 1_000),
    "learning_rate": (1e-8, 0.1),
    "clip_norm": (1e-6, 1_000),
    "songs": (2, 100_000),
    "song_s": (1, 600),
    "pairs_weight": (0, 1_000),
    "sound_weight": (0, 1_000),
    "moments_weight": (0, 1_000),
    "prior_weight": (0, 1_000),
    "refine": (0, 10_000),
    "width": (16, 8_192),
    "depth": (0, 64),
    "save_every": (1, 1_000_000),
    "seed": (0, 2**32 - 1),
}


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
        for name, (low, high) in FIT_RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise BadInput(f"{name}={value:g} is outside {low:g} to {high:g}.")
        if self.width % 2:
            raise BadInput(f"width={self.width}: must be even.")
        if self.pairs_weight == 0 == self.sound_weight:
            raise BadInput("pairs_weight and sound_weight are both 0: nothing would be learned.")
        if not self.steps and not self.straight and not self.refine:
            raise BadInput("steps=0 and refine=0: all latents would be the mean. Give refine.")

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


# No encoder at all: songs tell mean and deviation of latents, and refinement does the rest.
ALONE: dict[str, Any] = {
    "steps": 0,
    "straight": False,
    "songs": 40,
    "width": 16,
    "depth": 0,
    "refine": 100,
}
