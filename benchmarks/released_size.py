"""What the released sizes cost, with random weights: ``python -m benchmarks.released_size``.

Style tower, learned encoder, decoder and refinement, each for a short clip, forward and, where
there is one, backward. Peak memory is that of the process, so each part runs in one of its own.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor

from angen.conditioning.mulan.config import RELEASED as RELEASED_MULAN
from angen.conditioning.mulan.towers import AudioTower, clip_vectors
from angen.diffrhythm.config import RELEASED as RELEASED_DIT
from angen.diffrhythm.dit import DiT
from angen.diffrhythm.objective import block_flow_loss, unprompted
from angen.vocoder.generator import RELEASED as RELEASED_DECODER
from angen.vocoder.generator import BigVGAN
from angen.vocoder.learned import LearnedConfig, LearnedEncoder
from angen.vocoder.likeness import Likeness
from angen.vocoder.refine import RefineConfig, refine, sound_of

FRAME_S = 0.2
ENCODER = LearnedConfig(
    out_channels=64,
    sample_rate_hz=24_000,
    fft_samples=(1024, 4096),
    hop_samples=240,
    bands=96,
    strides=(2, 2, 5),
    width=384,
    depth=4,
    heads=6,
    reach=4,
)


def style(device: str, _frames: int) -> tuple[float, Callable[[], object]]:
    """Ten seconds through the audio side of MuQ-MuLan."""
    tower = AudioTower(RELEASED_MULAN).to(device).eval().requires_grad_(False)
    audio = 0.1 * torch.randn(240_000, device=device)
    return 10.0, lambda: clip_vectors(tower, [audio])


def encoder(device: str, frames: int) -> tuple[float, Callable[[], object]]:
    """A clip through the learned encoder, and back."""
    network = LearnedEncoder(ENCODER, decoder="x").to(device)
    audio = 0.1 * torch.randn(1, 1, frames * ENCODER.samples_per_frame, device=device)

    def work() -> None:
        loss: Tensor = network(audio).square().mean()
        loss.backward()  # type: ignore[no-untyped-call]

    return frames * FRAME_S, work


def decoder(device: str, frames: int) -> tuple[float, Callable[[], object]]:
    """A clip through the decoder and back to its latents."""
    network = _decoder(device)
    latents = torch.randn(1, 64, frames, device=device, requires_grad=True)

    def work() -> None:
        loss = sound_of(network, latents).square().mean()
        loss.backward()  # type: ignore[no-untyped-call]

    return frames * FRAME_S, work


def refinement(device: str, frames: int) -> tuple[float, Callable[[], object]]:
    """One step of refinement of a clip."""
    network, likeness = _decoder(device), Likeness(48_000).to(device)
    latents = torch.randn(64, frames, device=device)
    audio = 0.1 * torch.randn(frames * 9_600, device=device)
    config = RefineConfig(steps=1, prior_weight=0)
    std = torch.ones(64, device=device)
    return frames * FRAME_S, lambda: refine(network, likeness, latents, audio, std, config)


def prior(device: str, frames: int) -> tuple[float, Callable[[], object]]:
    """The DiT's denoising error of a clip of whole blocks, and back to its latents."""
    dtype = torch.bfloat16
    with torch.device("meta"):
        dit = DiT(RELEASED_DIT)
    dit = dit.to(dtype).to_empty(device=device).requires_grad_(False).eval()
    for tensor in dit.state_dict().values():
        tensor.normal_(std=0.02)
    whole = -(-frames // 10) * 10
    latents = torch.randn(1, whole, 64, device=device, requires_grad=True)
    noise, times = torch.randn_like(latents), torch.rand(1, whole // 10, device=device)
    dropped = torch.ones(1, dtype=torch.bool, device=device)

    def work() -> None:
        with torch.autocast(torch.device(device).type, dtype=dtype):
            batch = unprompted(latents).to(device)
            block_flow_loss(dit, batch, noise.detach(), times, dropped).mean().backward()  # type: ignore[no-untyped-call]

    return whole * FRAME_S, work


PARTS = {
    "style": style,
    "encoder": encoder,
    "decoder": decoder,
    "refinement": refinement,
    "prior": prior,
}


def _decoder(device: str) -> BigVGAN:
    return BigVGAN(RELEASED_DECODER).to(device).eval().requires_grad_(False)


def measure(part: str, device: str, frames: int) -> dict[str, object]:
    """Seconds for a minute of audio and peak memory of one part."""
    seconds, work = PARTS[part](device, frames)
    work()
    began, cpu = time.monotonic(), time.process_time()
    work()
    if device == "cuda":
        torch.cuda.synchronize()
    spent, cpu = time.monotonic() - began, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if device == "cuda":
        peak = torch.cuda.max_memory_reserved()
    return {
        "part": part,
        "seconds_a_minute": round(60 * spent / seconds, 1),
        "processor_seconds_a_minute": round(60 * cpu / seconds, 1),
        "peak_gb": round(peak / 1e9, 2),
    }


def main() -> None:
    """Each part in a process of its own, a line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--frames", type=int, default=10, help="latent frames of the clip")
    parser.add_argument("--parts", nargs="*", default=list(PARTS))
    parser.add_argument("--here", help="this part, in this process")
    given = parser.parse_args()
    if given.here:
        print(json.dumps(measure(given.here, given.device, given.frames)))
        return
    for part in given.parts:
        command = [sys.executable, "-m", "benchmarks.released_size", "--here", part]
        command += ["--device", given.device, "--frames", str(given.frames)]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
