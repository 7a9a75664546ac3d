import math

import pytest
import torch
from torch import nn

from angen.diffrhythm.attention import Attention, RMSNorm, rope_tables, rotate
from angen.diffrhythm.blocks import sinusoid
from angen.diffrhythm.config import DiTConfig
from angen.diffrhythm.dit import DiT
from angen.diffrhythm.objective import block_flow_loss, mean_loss
from angen.diffrhythm.parity import check_tensors
from angen.diffrhythm.weights import load_dit
from angen.errors import Incompatible
from angen.tensors import read_tensors
from tests.diffrhythm.test_one_pass import random_batch
from tests.diffrhythm.tiny import FIXTURES, TINY, random_dit, relative_error


def test_every_recorded_number_of_the_released_code_is_met() -> None:
    dit = load_dit(FIXTURES, weights_file="dit.safetensors")
    rows = check_tensors(dit, read_tensors(FIXTURES / "cases.safetensors"))
    assert [row for row in rows if not row.ok] == []
    assert max(row.error for row in rows) < 1e-5  # far inside the limit of 1e-4


def test_the_slowest_frequency_is_exactly_one_in_ten_thousand() -> None:
    features = sinusoid(torch.tensor([[-1.0, 0.001]]))
    assert features.shape == (1, 2, 256)
    assert features[0, 1, 0].item() == pytest.approx(math.sin(1))
    assert features[0, 1, 128].item() == pytest.approx(math.cos(1))
    assert features[0, 0, 127].item() == pytest.approx(math.sin(-0.1))
    assert features[0, 0, 255].item() == pytest.approx(math.cos(0.1))


def test_turned_heads_meet_by_distance_alone() -> None:
    q, k = torch.randn(2, 1, 1, 1, 16).double()

    def meet(i: int, j: int) -> float:
        at_i, at_j = (rope_tables(torch.tensor([[p]]), 16) for p in (i, j))
        return float((rotate(q, at_i) * rotate(k, at_j)).sum())

    assert meet(5, 3) == pytest.approx(meet(102, 100), abs=1e-4)
    assert meet(0, 0) == pytest.approx(float((q * k).sum()), abs=1e-5)
    assert abs(meet(5, 3) - meet(5, 4)) > 1e-3


def test_rms_norm_gives_unit_mean_square() -> None:
    x = 7 * torch.randn(3, 50)
    torch.testing.assert_close(RMSNorm(50)(x).square().mean(dim=-1), torch.ones(3))


def test_asking_for_the_tail_gives_the_tail() -> None:
    dit = random_dit()
    tokens, style = torch.randn(2, 9, 512), torch.randn(2, 512)
    tau = dit.embed_times(torch.rand(2, 9))
    mask = torch.rand(2, 1, 9, 9) < 0.5
    mask |= torch.eye(9, dtype=torch.bool)
    positions = torch.arange(9)[None]
    with torch.no_grad():
        whole = dit(tokens, style, tau, positions, mask=mask)
        tail = dit(tokens, style, tau, positions, mask=mask, tail=4)
    torch.testing.assert_close(tail, whole[:, -4:])


def test_a_fresh_model_answers_zero_but_learns() -> None:
    dit, batch = DiT(TINY), random_batch([3], [2])
    noise, times = torch.randn(batch.latents.shape), torch.rand(1, 2)
    optimiser = torch.optim.Adam(dit.parameters(), lr=1e-2)

    def loss() -> torch.Tensor:
        return mean_loss(block_flow_loss(dit, batch, noise, times, torch.tensor([False])), batch)

    start = loss().item()
    for _ in range(60):
        optimiser.zero_grad()
        loss().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    assert loss().item() < 0.3 * start


def test_checkpointing_changes_memory_not_gradients() -> None:
    batch = random_batch([3, 5], [2, 3])
    noise, times = torch.randn(batch.latents.shape), torch.rand(2, 3)

    def gradients(checkpointing: bool) -> list[torch.Tensor]:
        dit = random_dit().train()
        dit.checkpointing = checkpointing
        loss = block_flow_loss(dit, batch, noise, times, torch.tensor([False, True]))
        return list(torch.autograd.grad(loss.sum(), list(dit.parameters())))

    for plain, recomputed in zip(gradients(False), gradients(True), strict=True):
        assert torch.equal(plain, recomputed)


def test_autocast_stays_near_single_precision() -> None:
    dit, batch = random_dit(), random_batch([3, 0], [2, 3])
    noise, times = torch.randn(batch.latents.shape), torch.rand(2, 3)
    batch.latents.clamp_(-3, 3)
    kept = torch.tensor([False, False])
    plain = block_flow_loss(dit, batch, noise, times, kept)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = block_flow_loss(dit, batch, noise, times, kept)
    assert mixed.dtype == torch.float32
    assert relative_error(mixed, plain) < 0.02
    mixed.sum().backward()  # type: ignore[no-untyped-call]


def test_adapters_find_plain_linear_layers() -> None:
    block = random_dit().transformer_blocks[0]
    for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
        assert type(block.get_submodule(f"self_attn.{name}")) is nn.Linear
    for name in ("gate_proj", "up_proj", "down_proj"):
        assert type(block.get_submodule(f"mlp.{name}")) is nn.Linear


def test_attention_without_a_mask_is_attention_to_all() -> None:
    attention = Attention(16, 2)
    x, rope = torch.randn(1, 5, 16), rope_tables(torch.arange(5)[None], 8)
    everywhere = torch.ones(1, 1, 5, 5, dtype=torch.bool)
    torch.testing.assert_close(attention(x, rope), attention(x, rope, everywhere))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"dim": None}, "dim=None is not a whole number"),
        ({"heads": 3}, "heads=3"),
        ({"depth": 0}, "depth=0"),
        ({"depth": True}, "depth=True"),
        ({"repa_dims": "1024"}, "repa_dims='1024'"),
        ({"repa_depth": 99}, "repa_depth=99"),
        ({"long_skip_connection": True}, "long_skip_connection"),
    ],
)
def test_an_unusable_configuration_is_told(change: dict[str, object], told: str) -> None:
    with pytest.raises(Incompatible, match=told):
        DiTConfig.from_json({**TINY.to_json(), **change})


def test_missing_fields_are_upstreams_defaults() -> None:
    config = DiTConfig.from_json({"dim": 64, "use_flex_attn": True, "long_skip_connection": False})
    assert (config.depth, config.heads, config.ff_mult, config.mel_dim) == (8, 8, 4, 100)
    assert (config.text_num_embeds, config.repa_depth, config.repa_dims) == (256, -1, (1024,))
    with pytest.raises(Incompatible, match="'dim' is missing"):
        DiTConfig.from_json({})


def test_a_configuration_survives_json() -> None:
    assert DiTConfig.from_json(TINY.to_json()) == TINY
