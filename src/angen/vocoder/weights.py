"""Decoder and encoder on disk: a JSON file that says what it is, and a file of tensors.

A ``kind`` in the JSON file tells which network; without one it is the released BigVGAN.
"""

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from angen.errors import Incompatible
from angen.tensors import (
    check_shapes,
    config_of,
    filled,
    read_json,
    read_pickle,
    read_tensors,
    write_json,
    write_tensors,
)
from angen.vocoder.encoder import Encoder, EncoderConfig
from angen.vocoder.generator import BigVGAN, BigVGANConfig
from angen.vocoder.istft import InverseStft, IstftConfig
from angen.vocoder.learned import LearnedConfig, LearnedEncoder
from angen.vocoder.twoband import SmallDecoder, TwoBand, TwoBandConfig

DECODER_CONFIG = "decoder.json"
DECODER_FILES = ("decoder.safetensors", "decoder.bin")  # the first that exists is read
ENCODER_CONFIG = "encoder.json"
ENCODER_FILE = "encoder.safetensors"
MOST_REFINING = 10_000  # steps a clip
ROOT_KEY = "generator"  # under which decoder.bin keeps its tensors
BIGVGAN, ISTFT, TWO_BAND = "bigvgan", "istft", "two-band"  # kinds of decoders
MEL, LEARNED = "mel", "learned"  # and of encoders

_MAY_BE_NONE = ("blocks", "touches")  # of an IstftConfig


def load_decoder(folder: Path) -> BigVGAN | SmallDecoder:
    """The decoder in ``folder``, float32 on the CPU, in ``eval`` mode, weight norm folded.

    Raises MissingWeights when a file is absent, Incompatible when it is damaged, of unknown
    kind, or when a tensor is missing, superfluous or misshapen.
    """
    config = folder / DECODER_CONFIG
    values = read_json(config)
    path = next((p for name in DECODER_FILES if (p := folder / name).is_file()), None)
    path = path or folder / DECODER_FILES[0]
    tensors = _read_bin(path) if path.suffix == ".bin" else read_tensors(path)
    match values.get("kind", BIGVGAN):
        case "bigvgan":
            released = BigVGANConfig.from_json(values, str(config))
            if any(name.endswith(".weight_g") for name in tensors):
                check_shapes(path, tensors, expected_shapes(released))
                tensors = fold(tensors)
            return filled(partial(BigVGAN, released), config, path, tensors)
        case "istft":
            one = _istft(str(config), _without_kind(values))
            return filled(partial(InverseStft, one), config, path, tensors)
        case "two-band":
            two = _two_band(str(config), _without_kind(values))
            return filled(partial(TwoBand, two), config, path, tensors)
        case other:
            raise Incompatible(f"{config}: unknown kind of decoder {other!r}")


def save_decoder(
    decoder: BigVGAN | SmallDecoder, folder: Path, dtype: torch.dtype = torch.float32
) -> None:
    """Write decoder.json and decoder.safetensors."""
    write_tensors(folder / DECODER_FILES[0], _in(dtype, decoder))
    if isinstance(decoder, BigVGAN):
        write_json(folder / DECODER_CONFIG, {"kind": BIGVGAN, **decoder.config.to_json()})
    else:
        kind = TWO_BAND if isinstance(decoder, TwoBand) else ISTFT
        write_json(folder / DECODER_CONFIG, {"kind": kind, **asdict(decoder.config)})


def load_encoder(folder: Path) -> Encoder | LearnedEncoder:
    """The encoder in ``folder``; as ``load_decoder``."""
    config, path = folder / ENCODER_CONFIG, folder / ENCODER_FILE
    values = read_json(config)
    match values.get("kind"):
        case "mel":
            mel = config_of(EncoderConfig, str(config), _without_kind(values))
            return filled(partial(Encoder, mel), config, path, read_tensors(path))
        case "learned":
            network, decoder, refine = _learned(config, values)
            make = partial(LearnedEncoder, network, decoder=decoder, refine=refine)
            return filled(make, config, path, read_tensors(path))
        case other:
            raise Incompatible(f"{config}: unknown kind of encoder {other!r}")


def _learned(path: Path, values: Mapping[str, object]) -> tuple[LearnedConfig, str, int]:
    """Its network, the fingerprint of its decoder, its steps of refinement."""
    network, decoder, refine = (values.get(name) for name in ("network", "decoder", "refine"))
    if not isinstance(network, dict) or not isinstance(decoder, str) or not decoder:
        raise Incompatible(f"{path}: `network` or `decoder` is missing. Copy the encoder again.")
    if type(refine) is not int or not 0 <= refine <= MOST_REFINING:
        raise Incompatible(f"{path}: refine={refine!r} is not a number of steps.")
    config = config_of(LearnedConfig, f"{path}, network", network, may_be_zero=("depth", "reach"))
    return config, decoder, refine


def save_learned_encoder(
    encoder: LearnedEncoder, folder: Path, facts: Mapping[str, object] | None = None
) -> None:
    """Write encoder.json, with ``facts`` about its making, and encoder.safetensors."""
    write_tensors(folder / ENCODER_FILE, _in(torch.float32, encoder))
    values = {
        "kind": LEARNED,
        "decoder": encoder.decoder,
        "refine": encoder.refine,
        "network": asdict(encoder.config),
    }
    write_json(folder / ENCODER_CONFIG, values | ({"fit": dict(facts)} if facts else {}))


def save_encoder(encoder: Encoder, folder: Path, dtype: torch.dtype = torch.float32) -> None:
    """Write encoder.json and encoder.safetensors."""
    write_tensors(folder / ENCODER_FILE, _in(dtype, encoder))
    write_json(folder / ENCODER_CONFIG, {"kind": MEL, **asdict(encoder.config)})


def expected_shapes(config: BigVGANConfig) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor under ``generator`` in a released decoder.bin.

    The released weights are stored with weight norm: a length ``weight_g`` and a direction
    ``weight_v`` for each first index of a convolution's weight.
    """
    with torch.device("meta"):
        network = BigVGAN(config)
    shapes: dict[str, tuple[int, ...]] = {}
    for name, tensor in network.state_dict().items():
        shape = tuple(tensor.shape)
        if name.endswith(".weight"):
            shapes[f"{name}_g"] = (shape[0], 1, 1)
            shapes[f"{name}_v"] = shape
        else:
            shapes[name] = shape
    return shapes


def fold(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weight norm undone: each pair ``weight_g``, ``weight_v`` becomes one ``weight``.

    w = g v / |v|, the norm over all axes but the first.

    Source: Salimans and Kingma 2016, arXiv:1602.07868.
    """
    folded = dict(tensors)
    for name in [name for name in tensors if name.endswith(".weight_g")]:
        stem = name.removesuffix("_g")
        g, v = folded.pop(f"{stem}_g").float(), folded.pop(f"{stem}_v").float()
        folded[stem] = g * v / v.flatten(1).norm(dim=1).view(-1, 1, 1)
    return folded


def _read_bin(path: Path) -> dict[str, Tensor]:
    """The tensors of a decoder.bin."""
    tensors = read_pickle(path).get(ROOT_KEY)
    if not isinstance(tensors, dict) or not all(
        isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in tensors.items()
    ):
        raise Incompatible(
            f"{path} has no tensors under the key {ROOT_KEY!r}. Fetch or copy it again."
        )
    return tensors


def _without_kind(values: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in values.items() if name != "kind"}


def _istft(where: str, values: Mapping[str, object]) -> IstftConfig:
    return config_of(IstftConfig, where, values, may_be_zero=_MAY_BE_NONE)


def _two_band(where: str, values: Mapping[str, object]) -> TwoBandConfig:
    full, low = values.get("full"), values.get("low")
    if not isinstance(full, dict) or not isinstance(low, dict) or len(values) != 2:
        raise Incompatible(
            f"{where}: kind, full and low are wanted, the last two with fields of their own; there "
            f"are kind and {sorted(values)}. Fetch or copy it again."
        )
    try:
        return TwoBandConfig(full=_istft(f"{where}, full", full), low=_istft(f"{where}, low", low))
    except ValueError as fault:
        raise Incompatible(f"{where}: {fault}. Fetch or copy it again.") from fault


def _in(dtype: torch.dtype, network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.to(dtype) for name, tensor in network.state_dict().items()}
