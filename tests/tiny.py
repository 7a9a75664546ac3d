"""A base model of random weights, small enough to run in every test."""

import json
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from angen.conditioning.style import StyleConfig, StyleEncoder, save_style
from angen.diffrhythm.config import DiTConfig
from angen.diffrhythm.dit import DiT
from angen.diffrhythm.weights import save_dit
from angen.vocoder.encoder import Encoder, EncoderConfig
from angen.vocoder.istft import InverseStft, IstftConfig
from angen.vocoder.twoband import TwoBand, TwoBandConfig
from angen.vocoder.weights import save_decoder, save_encoder

CHANNELS = 8
RATE_HZ = 8_000
FRAME_SAMPLES = 1_600  # 5 latent frames a second, as released
BLOCK = 10


def rewrite(path: Path, **values: object) -> None:
    """Change values in a JSON file."""
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def tiny_dit(seed: int = 0, *, dim: int = 32, depth: int = 2) -> DiT:
    """2 layers, 32 wide; random where training from nothing would start at zero."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        dit = DiT(
            DiTConfig(
                dim=dim,
                depth=depth,
                heads=2,
                ff_mult=2,
                mel_dim=CHANNELS,
                text_num_embeds=600,
                block_size=BLOCK,
            )
        )
        _shake(dit.norm_out, 0.02)
        _shake(dit.proj_out, 0.1)
    return dit


def tiny_decoder(seed: int = 1) -> InverseStft:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return InverseStft(
            IstftConfig(
                in_channels=CHANNELS,
                sample_rate_hz=RATE_HZ,
                fft_samples=160,
                hop_samples=80,
                frames=20,
                bands=16,
                fine_frames=2,
                fine_bands=24,
                width=16,
                blocks=2,
                kernel=3,
                touches=2,
            )
        )


def tiny_two_band(seed: int = 1) -> TwoBand:
    """The same, with a low band of its own at a tenth of the rate."""
    full = tiny_decoder().config
    low = replace(full, sample_rate_hz=RATE_HZ // 10, fft_samples=64, hop_samples=8, touches=3)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return TwoBand(TwoBandConfig(full=full, low=low))


def tiny_encoder(seed: int = 2) -> Encoder:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Encoder(
            EncoderConfig(
                out_channels=CHANNELS,
                sample_rate_hz=RATE_HZ,
                fft_samples=160,
                bands=16,
                fine_fft_samples=1024,
                fine_bands=24,
                hop_samples=80,
                frames=20,
                fine_frames=2,
            )
        )


def tiny_style(seed: int = 3) -> StyleEncoder:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return StyleEncoder(
            StyleConfig(
                timeline=True,
                rate_hz=RATE_HZ,
                fft_samples=256,
                hop_samples=80,
                bands=16,
                audio_width=16,
                audio_strides=(2, 2),
                text_buckets=256,
                text_width=16,
                text_hidden=16,
            )
        )


def write_tiny_bundle(folder: Path, seed: int = 0, *, encoder: bool = True) -> Path:
    """A whole bundle in ``folder``; without an encoder it is like the released one."""
    folder.mkdir(parents=True, exist_ok=True)
    save_dit(tiny_dit(seed), folder)
    save_decoder(tiny_decoder(seed + 1), folder)
    if encoder:
        save_encoder(tiny_encoder(seed + 2), folder)
    save_style(tiny_style(seed + 3), folder, torch.float32)
    return folder


def _shake(module: nn.Module, std: float) -> None:
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=std)
