"""The layers of the judge against sums written out."""

import pytest
import torch
from torch.nn import functional

from angen.judge.network import BANDS, FRAMES, Filters, Musicnn


@pytest.mark.parametrize(("size", "first"), [((7, 5), -3), ((32, 1), -15), ((128, 1), -63)])
def test_filters_see_as_tensorflow_places_them(size: tuple[int, int], first: int) -> None:
    """Of an even filter one frame more lies after the middle than before."""
    filters = Filters(1, size)
    with torch.no_grad():
        filters.conv.weight.zero_()
        filters.conv.bias.zero_()  # type: ignore[union-attr]
        filters.conv.weight[0, 0, 0, 0] = 1  # sees the first of its frames alone
    mel = torch.zeros(1, 1, 200, 8)
    mel[0, 0, 100] = 1
    assert filters(mel)[0, 0].nonzero().item() == 100 - first


def test_the_best_place_is_the_best_after_scaling() -> None:
    filters = Filters(6, (7, 5))
    with torch.no_grad():
        filters.norm.weight.copy_(torch.tensor([1.0, -1.0, 0.0, 2.0, -0.5, -3.0]))
        filters.norm.bias.copy_(torch.arange(6.0))
    mel = torch.randn(2, 1, 20, 16)
    convolved = torch.relu(filters.conv(functional.pad(mel, (0, 0, 3, 3))))
    scale, shift = (x.detach()[:, None, None] for x in (filters.norm.weight, filters.norm.bias))
    torch.testing.assert_close(filters(mel), (convolved * scale + shift).amax(3))


def test_a_patch_gives_an_embedding_and_logits_of_its_own() -> None:
    network = Musicnn().eval()
    mel = torch.rand(2, FRAMES, BANDS)
    embedding, logits = network(mel)
    assert embedding.shape == (2, 200)
    assert logits.shape == (2, 50)
    torch.testing.assert_close(network(mel[1:])[0], embedding[1:], atol=1e-5, rtol=1e-5)
