"""LoRA layers inside a DiT."""

import pytest
import torch
from torch import Tensor

from angen.adapters.attach import (
    attach,
    detach,
    lora_layers,
    set_strengths,
    slots,
    strengths_of,
)
from angen.adapters.shape import ATTENTION, MLP, LoraShape
from angen.diffrhythm.dit import DiT
from angen.errors import BadInput
from tests.adapters.fill import filled, velocity
from tests.tiny import tiny_dit

SHAPE = LoraShape(rank=4, alpha=8)


def test_a_fresh_adapter_changes_nothing() -> None:
    dit = tiny_dit()
    before = velocity(dit)
    attach(dit, SHAPE, seed=0)
    assert torch.equal(velocity(dit), before)


def test_only_the_adapter_can_be_trained() -> None:
    dit = tiny_dit()
    trained = attach(dit, SHAPE, seed=0)
    assert sum(p.numel() for p in dit.parameters() if p.requires_grad) == sum(
        p.numel() for p in trained.values()
    )
    assert len(trained) == 2 * 4 * 2  # blocks, attention projections, A and B


def test_mlp_layers_can_be_adapted_too() -> None:
    trained = attach(tiny_dit(), LoraShape(rank=4, alpha=8, targets=ATTENTION + MLP), seed=0)
    assert len(trained) == 2 * 7 * 2


def test_the_start_depends_on_the_seed_alone() -> None:
    torch.manual_seed(1)
    one = attach(tiny_dit(), SHAPE, seed=5)
    state = torch.random.get_rng_state()
    torch.manual_seed(2)
    torch.rand(7)
    other = attach(tiny_dit(), SHAPE, seed=5)
    assert all(torch.equal(one[name], other[name]) for name in one)
    torch.manual_seed(1)
    assert torch.equal(state, torch.random.get_rng_state())
    third = attach(tiny_dit(), SHAPE, seed=6)
    assert not torch.equal(one[next(iter(one))], third[next(iter(third))])


def test_the_adapter_is_float32_beside_a_bfloat16_base() -> None:
    dit = tiny_dit().to(torch.bfloat16)
    assert {p.dtype for p in attach(dit, SHAPE, seed=0).values()} == {torch.float32}


def test_detach_gives_back_the_model_as_it_was() -> None:
    dit = tiny_dit()
    before, names = velocity(dit), list(dit.state_dict())
    filled(dit, "one")
    detach(dit)
    assert torch.equal(velocity(dit), before)
    assert list(dit.state_dict()) == names
    assert slots(dit) == ()
    assert not list(lora_layers(dit))


def update(dit: DiT, strengths: dict[str, float]) -> Tensor:
    """What the adapters add to the first query projection."""
    set_strengths(dit, strengths)
    layer = dict(lora_layers(dit))["transformer_blocks.0.self_attn.q_proj"]
    x = torch.eye(32)
    added: Tensor = layer(x) - layer.get_base_layer()(x)  # type: ignore[operator]
    return added


def test_strength_scales_what_the_adapter_adds() -> None:
    dit = tiny_dit()
    filled(dit, "one")
    whole = update(dit, {"one": 1.0})
    assert whole.abs().max() > 0.01
    torch.testing.assert_close(update(dit, {"one": 0.5}), 0.5 * whole)
    torch.testing.assert_close(update(dit, {"one": 2.0}), 2.0 * whole)


def test_several_adapters_add_up() -> None:
    dit = tiny_dit()
    filled(dit, "one", seed=1)
    filled(dit, "two", seed=2)
    one, two = update(dit, {"one": 1.0}), update(dit, {"two": 1.0})
    torch.testing.assert_close(update(dit, {"one": 0.3, "two": 1.5}), 0.3 * one + 1.5 * two)
    assert strengths_of(dit) == pytest.approx({"one": 0.3, "two": 1.5})


def test_strength_zero_is_the_base_bit_for_bit() -> None:
    dit = tiny_dit()
    before = velocity(dit)
    filled(dit, "one")
    assert not torch.equal(velocity(dit), before)
    set_strengths(dit, {"one": 0.0})
    assert torch.equal(velocity(dit), before)


@pytest.mark.parametrize("strength", [-0.1, 2.1, float("nan"), float("inf")])
def test_a_strength_out_of_range_is_refused(strength: float) -> None:
    dit = tiny_dit()
    filled(dit, "one")
    with pytest.raises(BadInput, match="outside 0 to 2"):
        set_strengths(dit, {"one": strength})


def test_an_unknown_slot_is_refused() -> None:
    with pytest.raises(ValueError, match="no such slots"):
        set_strengths(tiny_dit(), {"one": 1.0})


def test_targets_that_the_model_lacks_are_refused_by_name() -> None:
    with pytest.raises(BadInput, match=r"no layers named attention .*q_proj"):
        attach(tiny_dit(), LoraShape(rank=4, alpha=8, targets=("attention",)), seed=0)
