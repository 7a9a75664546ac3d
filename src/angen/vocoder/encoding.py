"""A whole recording to latents: at the encoder's rate, in pieces that fit in memory.

Shapes: C latent channels, T latent frames, S samples.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import soxr
import torch
from torch import Tensor

from angen.errors import BadInput, Incompatible
from angen.vocoder.encoder import Encoder
from angen.vocoder.generator import BigVGAN
from angen.vocoder.learned import LearnedEncoder
from angen.vocoder.twoband import SmallDecoder

PIECE_FRAMES = 300  # encoded at once: one minute, so that hours fit in memory
CONTEXT_FRAMES = 20  # read on either side of it


def at_rate(audio: Tensor, rate_hz: int, wanted_hz: int) -> Tensor:
    """Mono audio (S,) at another rate, float32.

    Raises BadInput for samples that are none, too few, or not numbers.
    """
    if audio.dim() != 1:
        raise ValueError(f"audio of shape {tuple(audio.shape)}: one mono recording (S,) wanted")
    if not len(audio):
        raise BadInput("The recording has no samples; nothing can be encoded.")
    if not torch.isfinite(audio).all():
        raise BadInput("The recording has samples that are not numbers (NaN or infinite).")
    if rate_hz == wanted_hz:
        return audio.float()
    resampled = soxr.resample(audio.float().cpu().numpy(), rate_hz, wanted_hz)
    if not len(resampled):
        raise BadInput(f"The recording is too short: {len(audio)} samples at {rate_hz} Hz.")
    return torch.from_numpy(np.ascontiguousarray(resampled, dtype=np.float32))


def encode_in_pieces(
    encoder: Encoder | LearnedEncoder, audio: Tensor, device: torch.device
) -> Tensor:
    """Latents (T, C), float32 on the CPU, of audio (S,) at the encoder's rate."""
    size = encoder.samples_per_frame
    frames = -(-len(audio) // size)
    pieces = []
    for start in range(0, frames, PIECE_FRAMES):
        stop = min(start + PIECE_FRAMES, frames)
        first, last = max(0, start - CONTEXT_FRAMES), min(frames, stop + CONTEXT_FRAMES)
        heard = audio[first * size : last * size].to(device)
        latents = encoder(heard[None, None])[0]  # (C, last - first)
        pieces.append(latents[:, start - first : stop - first].T.float().cpu())
    return torch.cat(pieces)


def check_encoder(
    folder: Path,
    decoder: BigVGAN | SmallDecoder,
    encoder: Encoder | LearnedEncoder,
    found: Callable[[], str],
) -> None:
    """Nothing when an encoder makes the latents that the decoder in ``folder`` reads.

    found: gives the fingerprint of that decoder. Raises Incompatible.
    """
    ours, theirs = (part.samples_per_frame / part.sample_rate_hz for part in (encoder, decoder))
    if encoder.out_channels != decoder.in_channels or abs(ours - theirs) > 1e-9:
        raise Incompatible(
            f"{folder}: the encoder makes {encoder.out_channels} channels every {ours:g} s, the "
            f"decoder reads {decoder.in_channels} every {theirs:g} s. These files are from "
            "different bundles."
        )
    if not isinstance(encoder, LearnedEncoder):
        return
    if encoder.decoder != (actual := found()):
        raise Incompatible(
            f"{folder}: encoder.json belongs to the decoder {encoder.decoder:.12}; this one is "
            f"{actual:.12}, to which its latents mean nothing. Remove encoder.json, or fit an "
            "encoder to this decoder: angen encoder fit"
        )
