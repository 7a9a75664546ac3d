"""What fixes an adapter's tensors, and how strongly it may sound. Needs no torch: forms show it."""

from dataclasses import dataclass

ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
MLP = ("gate_proj", "up_proj", "down_proj")
MAX_STRENGTH = 2.0  # 0 is off, 1 as trained


@dataclass(frozen=True, kw_only=True, slots=True)
class LoraShape:
    """What fixes the tensors of an adapter."""

    rank: int
    alpha: int  # the update is scaled by alpha / rank
    targets: tuple[str, ...] = ATTENTION
    dropout: float = 0.0  # of the adapter's input, while training
