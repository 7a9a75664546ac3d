"""The tagger that judges: a small convolutional network trained on real recordings.

Shapes: B patches, T frames of a patch, M mel bands, C channels, E = 200 embedding width, G tags.

Tall filters see timbre, wide ones see rhythm; three layers join them; what is loudest and what is
usual over the patch goes on. Weights are those of the Python package ``musicnn``, whose numbers
this gives again (``tests/judge/test_judge.py``).

Source: Pons et al. 2018, arXiv:1711.02520; Pons and Serra 2019, arXiv:1909.06654.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

FRAMES, BANDS = 187, 96  # of a patch: 3 s
TAGS, WIDTH = 50, 200
_TALL = ((7, 38), (7, 67))  # frames and bands that a filter sees: 0.4 and 0.7 of the bands
_WIDE = ((128, 1), (64, 1), (32, 1))
_TALL_CHANNELS, _WIDE_CHANNELS, _JOINED = 204, 51, 64
_HEARD = 2 * _TALL_CHANNELS + 3 * _WIDE_CHANNELS  # channels of the first layer, 561
_POOLED = 2 * (_HEARD + 3 * _JOINED)  # 1506


class Scale(nn.Module):
    """(B, C, ...) -> the same shape: what a batch normalisation is once it is taught."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        shape = (-1, *(1,) * (x.ndim - 2))
        return x * self.weight.view(shape) + self.bias.view(shape)


class Filters(nn.Module):
    """(B, 1, T, M) -> (B, C, T): how well each filter fits, where on the mel axis it fits best."""

    def __init__(self, channels: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, channels, size)
        self.norm = Scale(channels)
        self.before = (size[0] - 1) // 2  # an even filter sees one frame more of what comes
        self.after = size[0] - 1 - self.before

    def forward(self, mel: Tensor) -> Tensor:
        found = self.conv(functional.pad(mel, (0, 0, self.before, self.after)))  # (B, C, T, places)
        # A ReLU and a scale keep or turn the order: so the best place may be looked for first.
        falls = (self.norm.weight < 0)[:, None]
        best = torch.where(falls, found.amin(3), found.amax(3))
        scaled: Tensor = self.norm(torch.relu(best))
        return scaled


class Joining(nn.Module):
    """(B, C, T) -> (B, 64, T)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, _JOINED, 7, padding=3)
        self.norm = Scale(_JOINED)

    def forward(self, x: Tensor) -> Tensor:
        joined: Tensor = self.norm(torch.relu(self.conv(x)))
        return joined


class Musicnn(nn.Module):
    """Patches (B, T, M) of log mel -> embedding (B, E) and logits (B, G)."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = Scale(1)
        sizes = [(_TALL_CHANNELS, size) for size in _TALL]
        sizes += [(_WIDE_CHANNELS, size) for size in _WIDE]
        self.filters = nn.ModuleList(Filters(channels, size) for channels, size in sizes)
        self.joining = nn.ModuleList(Joining(c) for c in (_HEARD, _JOINED, _JOINED))
        self.pooled = Scale(_POOLED)
        self.dense = nn.Linear(_POOLED, WIDTH)
        self.dense_norm = Scale(WIDTH)
        self.tags = nn.Linear(WIDTH, TAGS)

    def forward(self, mel: Tensor) -> tuple[Tensor, Tensor]:
        heard = self.heard(mel[:, None])
        layers = [torch.cat([part(heard) for part in self.filters], 1)]  # (B, 561, T)
        layers.append(self.joining[0](layers[0]))
        for joining in self.joining[1:]:
            layers.append(layers[-1] + joining(layers[-1]))
        features = torch.cat(layers, 1)  # (B, 753, T)
        pooled = torch.stack([features.amax(2), features.mean(2)], 2).flatten(1)  # (B, 1506)
        embedding = self.dense_norm(torch.relu(self.dense(self.pooled(pooled))))
        return embedding, self.tags(embedding)
