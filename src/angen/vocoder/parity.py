"""The released vocoder against recorded numbers.

A recording is a set of tensors ``group/name``: what went in and what came out of one part.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from angen.parity import Row, compare, exact, grouped
from angen.vocoder.antialias import AntiAliased, lowpass_filter
from angen.vocoder.chunks import decode_in_chunks
from angen.vocoder.generator import AmpBlock, BigVGAN
from angen.vocoder.stereo import widened

Case = Mapping[str, Tensor]  # the tensors of one group


def check_tensors(decoder: BigVGAN, tensors: Mapping[str, Tensor]) -> list[Row]:
    """A row for each recorded output of the vocoder. A group without a check is a failure."""
    rows: list[Row] = []
    with torch.no_grad():
        for name, case in grouped(tensors).items():
            kind = name.split("_")[0] if name.startswith("decode_") else name
            if kind in _CHECKS:
                made = _CHECKS[kind](decoder, case)
            else:
                made = [exact("", False, "there is no check for this case")]
            rows += [
                Row(case=f"{name}/{r.case}", error=r.error, limit=r.limit, note=r.note)
                for r in made
            ]
    return rows


def _activation(decoder: BigVGAN, case: Case) -> list[Row]:
    first = decoder.resblocks[0]
    assert isinstance(first, AmpBlock)
    activation = first.activations[0]
    assert isinstance(activation, AntiAliased)
    return [
        compare("filter", activation.upsample.filter, case["filter"]),
        compare("filter as designed", lowpass_filter(), case["filter"]),
        compare("upsampled", activation.upsample(case["x"]), case["upsampled"]),
        compare("out", activation(case["x"]), case["out"]),
    ]


def _amp(decoder: BigVGAN, case: Case) -> list[Row]:
    return [compare("out", decoder.resblocks[0](case["x"]), case["out"])]


def _upsampling(decoder: BigVGAN, case: Case) -> list[Row]:
    stage = decoder.ups[0]
    assert isinstance(stage, nn.ModuleList)
    entered = decoder.conv_pre(case["x"])
    return [
        compare("conv_pre", entered, case["conv_pre"]),
        compare("ups0", stage[0](entered), case["ups0"]),
    ]


def _generator(decoder: BigVGAN, case: Case) -> list[Row]:
    return [compare("audio", decoder(case["latents"]), case["audio"])]


def _chunks(decoder: BigVGAN, case: Case) -> list[Row]:
    return [compare("audio", decode_in_chunks(decoder, case["latents"]), case["audio"])]


def _stereo(decoder: BigVGAN, case: Case) -> list[Row]:
    return [compare("out", widened(case["mono"], decoder.sample_rate_hz), case["out"])]


_CHECKS: dict[str, Callable[[BigVGAN, Case], list[Row]]] = {
    "act": _activation,
    "amp": _amp,
    "up0": _upsampling,
    "generator": _generator,
    "decode": _chunks,
    "fake_stereo": _stereo,
}
