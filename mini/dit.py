"""Train the DiT of ``mini``: ``python -m mini.dit``.

The objective is the studio's own, ``angen.diffrhythm.objective``. It hears the styles of
``mini.pieces.STYLES`` and never ``HELD_OUT_STYLES``: those are for showing what a LoRA adds.

Shapes: B clips, N latent frames, C latent channels.
"""

import argparse
import copy
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from angen.diffrhythm.config import DiTConfig
from angen.diffrhythm.dit import DiT
from angen.diffrhythm.objective import (
    block_flow_loss,
    dropped_conditions,
    logit_normal_times,
    mean_loss,
)
from angen.diffrhythm.weights import load_dit
from mini.bank import RATE_HZ
from mini.codec import CHANNELS, FULL
from mini.latents import Latents, draw, learned
from mini.loop import WORK, Budget, device, join, load_state, rank, run
from mini.style import trained

log = logging.getLogger(__name__)
CHECKPOINT = WORK / "dit.pt"
DROPPED = 0.1
FRAMES_HZ = RATE_HZ / FULL.samples_per_frame
BLOCK = 10  # frames, 2 s
BLOCKS = (5, 10)  # lengths of clips
CONFIG = DiTConfig(
    dim=256,
    depth=6,
    heads=4,
    ff_mult=3,
    mel_dim=CHANNELS,
    text_num_embeds=512,
    block_size=BLOCK,
    span=BLOCK * max(BLOCKS),
)


def loss_of(dit: DiT, pools: Sequence[Latents], frames: int, rng: np.random.Generator) -> Tensor:
    """The objective on a random batch of about ``frames`` frames in all."""
    blocks = int(rng.choice(BLOCKS))
    clips = max(1, frames // (blocks * CONFIG.block_size))
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    batch = draw(pools, clips, blocks, CONFIG.block_size, FRAMES_HZ, rng)
    noise = torch.randn(batch.latents.shape, generator=generator)
    times = logit_normal_times((clips, blocks), generator)
    dropped = dropped_conditions(clips, DROPPED, generator)
    where = dit.device
    with torch.autocast(where.type, torch.bfloat16):
        losses = block_flow_loss(
            dit, batch.to(where), noise.to(where), times.to(where), dropped.to(where)
        )
        return mean_loss(losses, batch.to(where))


def compile_blocks(dit: DiT) -> None:
    """Let each block be compiled, which saves a fifth of the time; needs a C++ compiler."""
    for block in dit.transformer_blocks:
        block.compile(dynamic=False)


def train(budget: Budget, frames: int, seed: int, start: Path | None = None) -> None:
    """Train until the budget is used up; what is learned lies in ``CHECKPOINT``.

    start: a bundle whose DiT is trained on, in place of one that knows nothing.
    """
    join()
    torch.manual_seed(seed)
    pools = learned(trained())
    dit = (load_dit(start) if start else DiT(CONFIG)).to(device()).requires_grad_(True).train()
    log.info("%.2f M weights", sum(p.numel() for p in dit.parameters()) / 1e6)
    average = copy.deepcopy(dit).eval()
    compile_blocks(dit)

    def step_losses(step: int) -> dict[str, Tensor]:
        rng = np.random.default_rng([seed, rank(), step])  # a resumed run draws the same
        return {"total": loss_of(dit, pools, frames, rng)}

    matrices = [p for p in dit.transformer_blocks.parameters() if p.ndim == 2]
    # What meets the style vector in the first layer stays near its size: at the full rate it grew
    # sixty times as large within 800 steps, and the prompt was no longer heard.
    entrance = [*dit.latent_embed.parameters(), *dit.time_embed.parameters()]
    entrance += dit.text_embed.parameters()
    models: dict[str, nn.Module] = {"dit": dit}
    run(
        models,
        {"dit": average},
        step_losses,
        budget,
        CHECKPOINT,
        average_keep=0.99,
        by_muon=matrices,
        slow=entrance,
    )


def trained_dit() -> DiT:
    """The averaged DiT of the last checkpoint, ready for use."""
    dit = DiT(CONFIG)
    dit.load_state_dict(load_state(CHECKPOINT)["averages"]["dit"])
    return dit.eval().requires_grad_(False)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--frames", type=int, default=1200, help="latent frames in a batch")
    parser.add_argument("--rate", type=float, default=5e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=Path, help="bundle whose DiT is trained on")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    budget = Budget(steps=given.steps, rate=given.rate, flat=0.6)
    train(budget, given.frames, given.seed, given.start)


if __name__ == "__main__":
    main()
