import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from angen.diffrhythm.dit import DiT
from angen.diffrhythm.objective import (
    Batch,
    add_end,
    block_flow_loss,
    dropped_conditions,
    logit_normal_times,
    mean_loss,
    unprompted,
    visibility,
)
from tests.diffrhythm.test_one_pass import random_batch
from tests.diffrhythm.tiny import TINY, random_dit

BLOCK, CHANNELS = TINY.block_size, TINY.mel_dim


@pytest.mark.parametrize("frames", [0, 1, 3, 4, 5, 8])
def test_an_end_is_at_least_one_mark_and_fills_the_block(frames: int) -> None:
    latents = torch.full((frames, CHANNELS), -2.0)
    ended = add_end(latents, BLOCK)
    assert len(ended) == (frames // BLOCK + 1) * BLOCK
    assert torch.equal(ended[:frames], latents)
    assert (ended[frames:] == 1).all()


def test_who_sees_whom() -> None:
    """Two blocks of one frame each, two words: rows ask, columns are seen."""
    expected = [
        # w  w  c0 c1 n0 n1
        [1, 1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0],
        [1, 1, 0, 0, 1, 0],
        [1, 1, 1, 0, 0, 1],
    ]
    assert visibility(torch.tensor([2]), 2, 2, 1)[0, 0].int().tolist() == expected


def test_padded_words_are_seen_by_themselves_alone() -> None:
    mask = visibility(torch.tensor([1, 3]), 3, 4, 2)
    assert mask.shape == (2, 1, 11, 11)
    assert mask[0, 0, :, 1:3].nonzero().tolist() == [[1, 0], [2, 1]]
    assert mask[1, 0, :, 1:3].all()


def test_a_fresh_model_has_the_loss_of_answering_zero() -> None:
    batch = random_batch([3, 0], [2, 2])
    noise = torch.randn(batch.latents.shape)
    losses = block_flow_loss(DiT(TINY), batch, noise, torch.rand(2, 2), torch.tensor([False, True]))
    expected = (batch.latents - noise).square().view(2, 2, -1).mean(dim=-1)
    torch.testing.assert_close(losses, expected)


def constant(velocity: Tensor) -> DiT:
    """A model that answers this velocity (C,) everywhere."""
    dit = DiT(TINY)
    with torch.no_grad():
        dit.proj_out.weight.zero_()
        dit.proj_out.bias.copy_(velocity)
    return dit


def test_the_velocity_from_noise_to_the_clip_has_no_loss() -> None:
    batch, velocity = random_batch([3], [2]), torch.linspace(-1, 1, CHANNELS)
    losses = block_flow_loss(
        constant(velocity),
        batch,
        batch.latents - velocity,
        torch.rand(1, 2),
        torch.tensor([False]),
    )
    torch.testing.assert_close(losses, torch.zeros(1, 2))


def test_a_block_that_is_begun_counts_its_frames_and_as_one() -> None:
    batch = random_batch([3], [2])
    begun = replace(batch, frames=torch.tensor([BLOCK + 1]))
    offset = torch.ones(1, 2 * BLOCK, CHANNELS)
    offset[:, BLOCK] = 3
    offset[:, BLOCK + 1 :] = 100
    losses = block_flow_loss(
        constant(torch.zeros(CHANNELS)),
        begun,
        batch.latents + offset,
        torch.rand(1, 2),
        torch.tensor([False]),
    )
    torch.testing.assert_close(losses, torch.tensor([[1.0, 9.0]]))
    assert mean_loss(losses, begun).item() == pytest.approx(5)


def test_the_mean_of_one_block_is_its_own_and_of_none_is_zero() -> None:
    one = random_batch([3], [1])
    assert mean_loss(torch.tensor([[7.0]]), one).item() == 7
    none = replace(one, frames=torch.tensor([0]))
    assert mean_loss(torch.zeros(1, 1), none).item() == 0


def test_unprompted_clips_have_neither_words_nor_style_and_keep_their_gradient() -> None:
    latents = torch.randn(2, BLOCK, CHANNELS, requires_grad=True)
    batch = unprompted(latents)
    assert batch.text.shape == (2, 0)
    assert batch.text_lengths.tolist() == [0, 0]
    assert batch.frames.tolist() == [BLOCK, BLOCK]
    assert not batch.style.any()
    losses = block_flow_loss(
        random_dit(), batch, torch.randn(latents.shape), torch.rand(2, 1), torch.tensor([False] * 2)
    )
    mean_loss(losses, batch).backward()  # type: ignore[no-untyped-call]
    assert latents.grad is not None
    assert latents.grad.abs().min() > 0


def test_padding_has_no_loss_and_no_influence() -> None:
    dit = random_dit()
    batch = random_batch([3, 6], [1, 3])
    generator = torch.Generator().manual_seed(1)
    noise = torch.randn(batch.latents.shape, generator=generator)
    times = torch.rand(2, 3, generator=generator)
    kept = torch.tensor([False, False])
    losses = block_flow_loss(dit, batch, noise, times, kept)
    assert losses[0, 1:].tolist() == [0, 0]
    assert torch.isfinite(losses).all()
    alone = Batch(
        text=batch.text[:1, :3],
        text_lengths=batch.text_lengths[:1],
        latents=batch.latents[:1, :BLOCK],
        frames=batch.frames[:1],
        style=batch.style[:1],
    )
    (first,) = block_flow_loss(dit, alone, noise[:1, :BLOCK], times[:1, :1], kept[:1])
    torch.testing.assert_close(losses[0, :1], first)
    assert mean_loss(losses, batch).item() == pytest.approx(losses.sum().item() / 4)


def test_gradients_are_finite_and_reach_every_weight() -> None:
    dit = random_dit()
    batch = random_batch([3, 0, 6], [1, 2, 3])
    noise, times = torch.randn(batch.latents.shape), torch.rand(3, 3)
    losses = block_flow_loss(dit, batch, noise, times, torch.tensor([False, False, True]))
    mean_loss(losses, batch).backward()  # type: ignore[no-untyped-call]
    for name, parameter in dit.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().sum() > 0, name


def test_an_instrumental_batch_has_no_words_at_all() -> None:
    batch = random_batch([0, 0], [2, 2])
    assert batch.text.shape == (2, 0)
    noise, times = torch.randn(batch.latents.shape), torch.rand(2, 2)
    losses = block_flow_loss(random_dit(), batch, noise, times, torch.tensor([True, False]))
    assert torch.isfinite(losses).all()


def test_broken_blocks_are_refused() -> None:
    batch = random_batch([2], [2])
    cut = Batch(
        text=batch.text,
        text_lengths=batch.text_lengths,
        latents=batch.latents[:, :-1],
        frames=batch.frames,
        style=batch.style,
    )
    with pytest.raises(ValueError, match="7 frames are not whole blocks of 4"):
        block_flow_loss(
            random_dit(), cut, torch.randn(1, 7, CHANNELS), torch.rand(1, 2), torch.tensor([False])
        )


def test_times_are_logit_normal() -> None:
    times = logit_normal_times((20_000,), torch.Generator().manual_seed(0))
    assert 0 < times.min() < times.max() < 1
    logits = torch.logit(times.double())
    assert logits.mean().item() == pytest.approx(0, abs=0.03)
    assert logits.std().item() == pytest.approx(1, abs=0.03)
    within = ((times > 0.25) & (times < 0.75)).float().mean().item()
    assert within == pytest.approx(math.erf(math.log(3) / math.sqrt(2)), abs=0.02)


def test_conditions_are_dropped_as_often_as_asked() -> None:
    generator = torch.Generator().manual_seed(0)
    assert dropped_conditions(10_000, 0.1, generator).float().mean().item() == pytest.approx(
        0.1, abs=0.01
    )
    assert not dropped_conditions(100, 0.0, generator).any()
    assert dropped_conditions(100, 1.0, generator).all()


def test_a_batch_moves_as_a_whole() -> None:
    moved = random_batch([2], [1]).to("meta")
    assert {moved.text.device.type, moved.frames.device.type, moved.style.device.type} == {"meta"}
