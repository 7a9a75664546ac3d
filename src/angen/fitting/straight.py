"""Where a fit begins: the linear map from sound to latents that is best on the model's own songs.

Latents and sound of those songs are known exactly, so the map is the solution of an equation and
needs no steps. How much it is held back is chosen by songs that it has not seen: as much as costs
next to nothing there, for recordings are unlike those songs.

Shapes: T latent frames, P features of a frame, C latent channels.

Source: Hoerl and Kennard 1970, Ridge regression, Technometrics 12(1); to take the most held back
among the nearly best: Breiman et al. 1984, Classification and Regression Trees, section 3.4.3.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from angen.fitting.pairs import Pairs, read_pair
from angen.vocoder.learned import LearnedEncoder

HELD_BACK = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0)  # tried, as shares of the mean square
NEARLY = 1.05  # times the least error is next to nothing


@torch.no_grad()
def begin_straight(encoder: LearnedEncoder, pairs: Pairs) -> float:
    """Set the encoder's straight map; its error on songs kept aside, 1 for that of the mean.

    A map that is worse than the mean is not taken.
    """
    covariance, product, heard, said = _sums(encoder, pairs.learned)
    size = covariance.diagonal().mean()
    unseen = list(_frames(encoder, pairs.held_out))
    way = encoder.straight
    tried = [(_error(encoder, unseen), way.weight.clone(), way.bias.clone())]
    for share in reversed(HELD_BACK):
        held = covariance + share * size * torch.eye(len(heard), device=heard.device)
        matrix = torch.linalg.solve(held, product)  # (P, C)
        way.weight.copy_(matrix.T)
        way.bias.copy_(said - heard @ matrix)
        tried.append((_error(encoder, unseen), way.weight.clone(), way.bias.clone()))
    least = min(error for error, *_ in tried)
    error, weight, bias = next(one for one in tried if one[0] <= NEARLY * least)
    way.weight.copy_(weight)
    way.bias.copy_(bias)
    return error


def _sums(encoder: LearnedEncoder, paths: Sequence[Path]) -> tuple[Tensor, ...]:
    """Covariance of features (P, P) and theirs with latents (P, C), means (P,) and (C,)."""
    size, channels = encoder.config.features, encoder.out_channels
    blank = torch.zeros(size, dtype=torch.float64, device=encoder.mean.device)
    square, product = blank.new_zeros(size, size), blank.new_zeros(size, channels)
    heard, said, count = blank, blank.new_zeros(channels), 0
    for features, latents in _frames(encoder, paths):
        square += features.T @ features
        product += features.T @ latents
        heard, said = heard + features.sum(0), said + latents.sum(0)
        count += len(features)
    heard, said = heard / count, said / count
    covariance = square / count - torch.outer(heard, heard)
    return covariance, product / count - torch.outer(heard, said), heard, said


def _error(encoder: LearnedEncoder, songs: Sequence[tuple[Tensor, Tensor]]) -> float:
    """Mean squared error of the straight map alone."""
    errors = [(encoder.straight(heard) - meant).square().mean() for heard, meant in songs]
    return float(torch.stack(errors).mean())


def _frames(encoder: LearnedEncoder, paths: Sequence[Path]) -> Iterator[tuple[Tensor, Tensor]]:
    """Song by song, features (T, P) and latents (T, C) in the model's deviations.

    Without the first and last frame, where there are more: what sounded around is cut off.
    """
    device = encoder.mean.device
    for path in paths:
        pair = read_pair(path)
        features = encoder.features(encoder.mels(pair.audio.to(device)[None, None]))[0]
        latents = (pair.latents.to(device) - encoder.mean) / encoder.std
        inner = slice(1, -1) if len(latents) > 2 else slice(None)
        yield features[: len(latents)][inner], latents[inner]
