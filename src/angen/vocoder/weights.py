"""Decoder and encoder on disk: a JSON file that says what it is, and a file of tensors.

A ``kind`` in the JSON file tells which network; without one it is the released BigVGAN.
"""

import pickle
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, fields
from functools import partial
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from angen.errors import Incompatible
from angen.tensors import (
    Shapes,
    check_shapes,
    read_json,
    read_tensors,
    write_json,
    write_tensors,
)
from angen.vocoder.encoder import Encoder, EncoderConfig
from angen.vocoder.generator import BigVGAN, BigVGANConfig
from angen.vocoder.istft import InverseStft, IstftConfig
from angen.vocoder.learned import LearnedEncoder, learned_config
from angen.vocoder.twoband import SmallDecoder, TwoBand, TwoBandConfig

DECODER_CONFIG = "decoder.json"
DECODER_FILES = ("decoder.safetensors", "decoder.bin")  # the first that exists is read
ENCODER_CONFIG = "encoder.json"
ENCODER_FILE = "encoder.safetensors"
MOST_REFINING = 10_000  # steps a clip
ROOT_KEY = "generator"  # under which decoder.bin keeps its tensors
BIGVGAN, ISTFT, TWO_BAND = "bigvgan", "istft", "two-band"  # kinds of decoders
MEL, LEARNED = "mel", "learned"  # and of encoders

_MOST = 1_000_000  # of any number in a configuration
_MAY_BE_NONE = frozenset({"blocks", "touches"})

Network = TypeVar("Network", bound=nn.Module)
Config = TypeVar("Config", IstftConfig, EncoderConfig)


def load_decoder(folder: Path) -> BigVGAN | SmallDecoder:
    """The decoder in ``folder``, float32 on the CPU, in ``eval`` mode, weight norm folded.

    Raises MissingWeights when a file is absent, Incompatible when it is damaged, of unknown
    kind, or when a tensor is missing, superfluous or misshapen.
    """
    values = read_json(folder / DECODER_CONFIG)
    path = next((p for name in DECODER_FILES if (p := folder / name).is_file()), None)
    path = path or folder / DECODER_FILES[0]
    tensors = _read_bin(path) if path.suffix == ".bin" else read_tensors(path)
    match values.get("kind", BIGVGAN):
        case "bigvgan":
            released = BigVGANConfig.from_json(values)
            if any(name.endswith(".weight_g") for name in tensors):
                check_shapes(path, tensors, expected_shapes(released))
                tensors = fold(tensors)
            return _filled(BigVGAN(released), path, tensors)
        case "istft":
            config = _config(IstftConfig, DECODER_CONFIG, values)
            return _checked(partial(InverseStft, config), path, tensors)
        case "two-band":
            return _checked(partial(TwoBand, _two_band(values)), path, tensors)
        case other:
            raise Incompatible(f"{folder / DECODER_CONFIG}: unknown kind of decoder {other!r}")


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
    values = read_json(folder / ENCODER_CONFIG)
    path = folder / ENCODER_FILE
    match values.get("kind"):
        case "mel":
            encoder = Encoder(_config(EncoderConfig, ENCODER_CONFIG, values))
            return _filled(encoder, path, read_tensors(path))
        case "learned":
            return _filled(_learned(folder / ENCODER_CONFIG, values), path, read_tensors(path))
        case other:
            raise Incompatible(f"{folder / ENCODER_CONFIG}: unknown kind of encoder {other!r}")


def _learned(path: Path, values: Mapping[str, object]) -> LearnedEncoder:
    network, decoder, refine = (values.get(name) for name in ("network", "decoder", "refine"))
    if not isinstance(network, dict) or not isinstance(decoder, str) or not decoder:
        raise Incompatible(f"{path}: `network` or `decoder` is missing. Copy the encoder again.")
    if not isinstance(refine, int) or not 0 <= refine <= MOST_REFINING:
        raise Incompatible(f"{path}: refine={refine!r} is not a number of steps.")
    try:
        return LearnedEncoder(learned_config(network), decoder=decoder, refine=refine)
    except (TypeError, ValueError, ZeroDivisionError, RuntimeError) as fault:
        raise Incompatible(f"{path}: {fault}") from fault


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


def _checked(make: Callable[[], Network], path: Path, tensors: Mapping[str, Tensor]) -> Network:
    """A network filled with tensors that fit it: nothing is laid out in memory for others."""
    with torch.device("meta"):
        check_shapes(path, tensors, _shapes(make()))
    return _loaded(make(), tensors)


def _filled(network: Network, path: Path, tensors: Mapping[str, Tensor]) -> Network:
    check_shapes(path, tensors, _shapes(network))
    return _loaded(network, tensors)


def _loaded(network: Network, tensors: Mapping[str, Tensor]) -> Network:
    network.load_state_dict(dict(tensors))  # casts to float32
    return network.eval()


def _shapes(network: nn.Module) -> Shapes:
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def _read_bin(path: Path) -> dict[str, Tensor]:
    """The tensors of a decoder.bin; nothing but tensors is ever unpickled."""
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as fault:
        raise Incompatible(
            f"{path} is damaged, or holds more than tensors. Fetch or copy it again."
        ) from fault
    tensors = stored.get(ROOT_KEY) if isinstance(stored, dict) else None
    if not isinstance(tensors, dict) or not all(isinstance(t, Tensor) for t in tensors.values()):
        raise Incompatible(f"{path} has no tensors under the key {ROOT_KEY!r}.")
    return tensors


def _config(kind: type[Config], file: str, values: Mapping[str, object]) -> Config:
    known = {field.name: field.default is MISSING for field in fields(kind)}  # and if it is needed
    ready = {name: value for name, value in values.items() if name != "kind"}
    missing = sorted(name for name, needed in known.items() if needed and name not in ready)
    unknown = sorted(ready.keys() - known.keys())
    if missing or unknown:
        raise Incompatible(f"{file}: missing fields {missing}, unknown fields {unknown}")
    for name, value in ready.items():
        least = 0 if name in _MAY_BE_NONE else 1
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= _MOST:
            raise Incompatible(f"{file}: {name}={value!r} is no whole number, {least} to {_MOST:,}")
    try:
        return kind(**ready)  # type: ignore[arg-type]
    except ValueError as fault:
        raise Incompatible(f"{file}: {fault}") from fault


def _two_band(values: Mapping[str, object]) -> TwoBandConfig:
    full, low = values.get("full"), values.get("low")
    if not isinstance(full, dict) or not isinstance(low, dict) or len(values) != 3:
        raise Incompatible(
            f"{DECODER_CONFIG}: kind, full and low are wanted, the last two with fields of their "
            f"own; there are {sorted(values)}. Copy the decoder again."
        )
    try:
        return TwoBandConfig(
            full=_config(IstftConfig, f"{DECODER_CONFIG}, full", full),
            low=_config(IstftConfig, f"{DECODER_CONFIG}, low", low),
        )
    except ValueError as fault:
        raise Incompatible(f"{DECODER_CONFIG}: {fault}") from fault


def _in(dtype: torch.dtype, network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.to(dtype) for name, tensor in network.state_dict().items()}
