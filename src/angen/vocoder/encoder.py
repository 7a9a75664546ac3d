"""Waveform to latents: what a fifth of a second sounds like, in its principal components.

Two views of the sound, mel bands every hundredth of a second and quarter-tone bands more rarely,
are laid side by side for each latent frame, and a fixed linear map keeps the combinations in
which music differs most. A linear map can be computed instead of trained, leaves nothing out by
accident, and gives latents that are uncorrelated, which suits the DiT.

Shapes: B clips, C latent channels, T latent frames, S samples.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from angen.mel import LogMel


@dataclass(frozen=True, kw_only=True, slots=True)
class EncoderConfig:
    """Fields of ``encoder.json`` beside ``"kind": "mel"``."""

    out_channels: int
    sample_rate_hz: int
    fft_samples: int  # of the mel frames: short, to know when
    bands: int
    fine_fft_samples: int  # of the quarter-tone frames: long, to know which pitch
    fine_bands: int
    hop_samples: int
    frames: int  # mel frames in a latent frame
    fine_frames: int  # quarter-tone frames in a latent frame; divides ``frames``

    def __post_init__(self) -> None:
        if self.fine_frames < 1 or self.frames % self.fine_frames:
            raise ValueError(
                f"fine_frames={self.fine_frames} must be at least 1 and divide frames={self.frames}"
            )

    @property
    def samples_per_frame(self) -> int:
        """Samples that become one latent frame."""
        return self.frames * self.hop_samples

    @property
    def features(self) -> int:
        """Numbers that a latent frame is computed from."""
        return self.frames * self.bands + self.fine_frames * self.fine_bands


class Encoder(nn.Module):
    """Waveform (B, 1, S) at its rate -> latents (B, C, T), T = ceil(S / samples_per_frame).

    The last frame of a clip that does not fill it is completed with silence. Over the music that
    the map was fitted to, each channel has mean 0, and the channels' mean square is 1.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.sample_rate_hz = config.sample_rate_hz
        self.samples_per_frame = config.samples_per_frame
        self.out_channels = config.out_channels
        self.mel = LogMel(
            rate_hz=config.sample_rate_hz,
            fft_samples=config.fft_samples,
            hop_samples=config.hop_samples,
            bands=config.bands,
        )
        self.fine = LogMel(
            rate_hz=config.sample_rate_hz,
            fft_samples=config.fine_fft_samples,
            hop_samples=config.samples_per_frame // config.fine_frames,
            bands=config.fine_bands,
            quarter_tones=True,
        )
        self.components = nn.Linear(config.features, config.out_channels)

    def views(self, audio: Tensor) -> Tensor:
        """Waveform (B, S) of whole latent frames -> features (B, T, features)."""
        config = self.config
        mel = self.mel(audio).unflatten(2, (-1, config.frames))  # (B, bands, T, frames)
        fine = self.fine(audio).unflatten(2, (-1, config.fine_frames))
        return torch.cat([view.transpose(1, 2).flatten(2) for view in (mel, fine)], dim=2)

    def forward(self, audio: Tensor) -> Tensor:
        """(B, 1, S) -> (B, C, T) in float32."""
        batch, _, samples = audio.shape
        if samples == 0:
            return audio.new_zeros(batch, self.out_channels, 0)
        missing = -samples % self.samples_per_frame
        features = self.views(functional.pad(audio[:, 0], (0, missing)))
        latents: Tensor = self.components(features)  # (B, T, C)
        return latents.transpose(1, 2)


@torch.no_grad()
def fit_components(encoder: Encoder, features: Tensor, weights: Tensor) -> Tensor:
    """Set the encoder's map to the principal components of ``features`` (N, features).

    A channel's deviation is the square root of its component's, and the mean square of all
    channels is 1: what matters most in the sound then weighs most in the DiT's loss, without
    drowning the rest.

    weights: (features,) how much each feature counts. Returns the share of the weighted variance
    (C,) that each channel explains, largest first.
    """
    mean = features.mean(0)
    centred = (features - mean) * weights
    covariance = (centred.T @ centred / len(features)).double()
    values, vectors = torch.linalg.eigh(covariance)  # ascending
    keep = encoder.out_channels
    values, vectors = values.flip(0), vectors.flip(1)
    deviations = values[:keep].clamp_min(1e-9).sqrt()
    wanted = deviations.sqrt() / deviations.mean().sqrt()  # (C,) mean square 1
    matrix = (vectors[:, :keep] * (wanted / deviations) * weights.double()[:, None]).T
    encoder.components.weight.copy_(matrix)
    encoder.components.bias.copy_(-(matrix @ mean.double()))
    explained: Tensor = values[:keep] / values.sum()
    return explained.float()
