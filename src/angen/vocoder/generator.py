"""BigVGAN: latents to waveform by transposed convolutions, as released with DiffRhythm 2.

Shapes: B songs, C latent channels, T latent frames, n samples at some stage.

Source: Lee et al. 2023, arXiv:2206.04658.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import reduce
from math import prod
from operator import add

import torch
from torch import Tensor, nn

from angen.errors import Incompatible
from angen.tensors import config_of
from angen.vocoder.antialias import AntiAliased

EDGE_KERNEL = 7  # of the first and the last convolution
MOST_DILATIONS, WIDEST_DILATION = 64, 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class BigVGANConfig:
    """Fields of ``decoder.json``, upstream's names. Other variants of BigVGAN are refused."""

    in_channels: int
    sampling_rate: int  # Hz
    upsample_rates: tuple[int, ...]
    upsample_kernel_sizes: tuple[int, ...]
    upsample_initial_channel: int
    resblock_kernel_sizes: tuple[int, ...]
    resblock_dilation_sizes: tuple[tuple[int, ...], ...]
    use_tanh_at_final: bool = False  # false: clamp
    use_bias_at_final: bool = False

    def __post_init__(self) -> None:
        if len(self.upsample_rates) != len(self.upsample_kernel_sizes):
            raise ValueError("upsample_rates and upsample_kernel_sizes differ in length")
        for rate, kernel in zip(self.upsample_rates, self.upsample_kernel_sizes, strict=True):
            if kernel < rate or (kernel - rate) % 2:
                raise ValueError(f"a kernel of {kernel} cannot make {rate} samples of each")
        if len(self.resblock_kernel_sizes) != len(self.resblock_dilation_sizes):
            raise ValueError("resblock_kernel_sizes and resblock_dilation_sizes differ in length")
        dilations = [n for sizes in self.resblock_dilation_sizes for n in sizes]
        if len(dilations) > MOST_DILATIONS or max(dilations, default=1) > WIDEST_DILATION:
            raise ValueError(
                f"resblock_dilation_sizes: {MOST_DILATIONS} numbers up to {WIDEST_DILATION} are "
                "the most"
            )
        if self.upsample_initial_channel % 2 ** len(self.upsample_rates):
            raise ValueError(
                f"upsample_initial_channel={self.upsample_initial_channel} cannot be halved "
                f"{len(self.upsample_rates)} times"
            )

    @classmethod
    def from_json(
        cls, values: Mapping[str, object], where: str = "decoder.json"
    ) -> "BigVGANConfig":
        """What a ``decoder.json`` describes, ``where`` it is. Raises Incompatible for another."""
        for name, only in (
            ("resblock", "1"),
            ("activation", "snakebeta"),
            ("snake_logscale", True),
        ):
            if values.get(name, only) != only:
                raise Incompatible(f"{where}: {name}={values[name]!r}; only {only!r} is known")
        return config_of(cls, where, values, others=True)

    def to_json(self) -> dict[str, object]:
        """The fields of ``decoder.json``, ready for ``json.dump``."""
        return {"resblock": "1", "activation": "snakebeta", "snake_logscale": True, **asdict(self)}

    def channels(self, stage: int) -> int:
        """Channels that enter a stage; that of the last stage plus one leaves the network."""
        return self.upsample_initial_channel >> stage


class AmpBlock(nn.Module):
    """Residual dilated convolutions between anti-aliased activations: (B, C, n) -> (B, C, n)."""

    def __init__(self, channels: int, kernel: int, dilations: Sequence[int]) -> None:
        super().__init__()

        def conv(dilation: int) -> nn.Conv1d:
            padding = dilation * (kernel - 1) // 2
            return nn.Conv1d(channels, channels, kernel, dilation=dilation, padding=padding)

        self.convs1 = nn.ModuleList(conv(dilation) for dilation in dilations)
        self.convs2 = nn.ModuleList(conv(1) for _ in dilations)
        self.activations = nn.ModuleList(AntiAliased(channels) for _ in range(2 * len(dilations)))

    def forward(self, x: Tensor) -> Tensor:
        for i, (dilated, plain) in enumerate(zip(self.convs1, self.convs2, strict=True)):
            y = dilated(self.activations[2 * i](x))
            x = x + plain(self.activations[2 * i + 1](y))
        return x


class BigVGAN(nn.Module):
    """Latents (B, C, T) -> waveform (B, 1, T * samples_per_frame) within [-1, 1].

    Weight norm is folded: each convolution has the one weight that it uses.
    """

    def __init__(self, config: BigVGANConfig) -> None:
        super().__init__()
        self.config = config
        self.in_channels = config.in_channels
        self.sample_rate_hz = config.sampling_rate
        self.samples_per_frame = prod(config.upsample_rates)
        width = config.channels
        stages = range(len(config.upsample_rates))
        self.conv_pre = nn.Conv1d(config.in_channels, width(0), EDGE_KERNEL, padding=3)
        self.ups = nn.ModuleList(
            nn.ModuleList([_upsampling(width(i), width(i + 1), rate, kernel)])
            for i, rate, kernel in zip(
                stages, config.upsample_rates, config.upsample_kernel_sizes, strict=True
            )
        )
        self.resblocks = nn.ModuleList(
            AmpBlock(width(i + 1), kernel, dilations)
            for i in stages
            for kernel, dilations in zip(
                config.resblock_kernel_sizes, config.resblock_dilation_sizes, strict=True
            )
        )
        last = width(len(stages))
        self.activation_post = AntiAliased(last)
        self.conv_post = nn.Conv1d(last, 1, EDGE_KERNEL, padding=3, bias=config.use_bias_at_final)

    def forward(self, latents: Tensor) -> Tensor:
        """(B, C, T) -> (B, 1, n). No frames give no samples."""
        if latents.shape[-1] == 0:
            return latents.new_zeros(latents.shape[0], 1, 0)
        x = self.conv_pre(latents)
        kernels = len(self.config.resblock_kernel_sizes)
        for i, up in enumerate(self.ups):
            assert isinstance(up, nn.ModuleList)
            x = up[0](x)
            blocks = self.resblocks[i * kernels : (i + 1) * kernels]
            x = reduce(add, (block(x) for block in blocks)) / kernels
        x = self.conv_post(self.activation_post(x))
        return torch.tanh(x) if self.config.use_tanh_at_final else x.clamp(-1, 1)


def _upsampling(channels: int, out: int, rate: int, kernel: int) -> nn.ConvTranspose1d:
    """n -> rate * n samples."""
    return nn.ConvTranspose1d(channels, out, kernel, rate, padding=(kernel - rate) // 2)


RELEASED = BigVGANConfig(
    in_channels=64,
    sampling_rate=48_000,
    upsample_rates=(10, 10, 8, 3, 2, 2),
    upsample_kernel_sizes=(20, 20, 16, 7, 4, 4),
    upsample_initial_channel=1536,
    resblock_kernel_sizes=(3, 7, 11),
    resblock_dilation_sizes=((1, 3, 5), (1, 3, 5), (1, 3, 5)),
)
"""What ASLP-lab/DiffRhythm2 ships: 131 million parameters."""
