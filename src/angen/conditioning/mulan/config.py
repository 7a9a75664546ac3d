"""What a MuQ-MuLan is: the fields of its three configuration files that matter for a vector.

    MuQ-MuLan-large/config.json      the two towers' heads and the length of a clip
    MuQ-large-msd-iter/config.json   the audio network, and the statistics of its mel frames
    xlm-roberta-base/config.json     the text network

The files name each other by hub id; here the last part of an id is the name of a folder beside.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from angen.errors import Incompatible
from angen.tensors import read_json, short

CONFIG_FILE = "config.json"
MAIN = "MuQ-MuLan-large"  # the folder of the release
MOST_LAYERS = 100
LONGEST_CLIP_S = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class HeadConfig:
    """A transformer on top of a tower; ``depth`` may be 0."""

    dim: int
    depth: int
    heads: int
    head_dim: int
    ff_mult: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MuQConfig:
    """The audio network: mel frames, two convolution blocks, conformer layers."""

    bands: int
    hop_samples: int
    mel_mean_db: float
    mel_std_db: float
    conv_dim: int
    halvings_of_time: tuple[int, int]  # strides of the two blocks along time
    dim: int
    depth: int
    heads: int
    ff_dim: int
    kernel: int
    rotary_base: float
    norm_eps: float


@dataclass(frozen=True, kw_only=True, slots=True)
class MulanConfig:
    """Both towers, and the space in which they meet."""

    rate_hz: int
    clip_samples: int
    dim: int  # of the common space
    muq: MuQConfig
    layer: int  # which hidden state of the conformer is used; -1 is the last
    audio: HeadConfig
    text: HeadConfig
    text_dim: int | None  # of the text network, where a projection follows it
    roberta: Mapping[str, Any] = field(hash=False)  # as transformers' XLMRobertaConfig wants it


RELEASED = MulanConfig(
    rate_hz=24_000,
    clip_samples=240_000,
    dim=512,
    muq=MuQConfig(
        bands=128,
        hop_samples=240,
        mel_mean_db=6.768444971712967,
        mel_std_db=18.417922652295623,
        conv_dim=512,
        halvings_of_time=(2, 2),
        dim=1024,
        depth=12,
        heads=16,
        ff_dim=4096,
        kernel=31,
        rotary_base=10_000,
        norm_eps=1e-5,
    ),
    layer=-1,
    audio=HeadConfig(dim=768, depth=0, heads=8, head_dim=64, ff_mult=4),
    text=HeadConfig(dim=768, depth=8, heads=8, head_dim=64, ff_mult=4),
    text_dim=None,
    roberta={
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
        "vocab_size": 250_002,
        "max_position_embeddings": 514,
        "type_vocab_size": 1,
        "layer_norm_eps": 1e-5,
        "hidden_act": "gelu",
        "bos_token_id": 0,
        "pad_token_id": 1,
        "eos_token_id": 2,
    },
)


class _Fields:
    """The fields of one JSON file, asked for by path; complains with the name of file and field."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.values = read_json(path)

    def __call__(self, *names: str) -> object:
        value: object = self.values
        for name in names:
            if not isinstance(value, dict) or name not in value:
                raise Incompatible(f"{self.path}: the field {'.'.join(names)} is missing.")
            value = value[name]
        return value

    def number(self, *names: str) -> float:
        value = self(*names)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Incompatible(f"{self.path}: {'.'.join(names)}={value!r} is not a number.")
        return value

    def whole(self, *names: str, least: int = 1, most: int = 1_000_000) -> int:
        value = self.number(*names)
        if value != int(value) or not least <= value <= most:
            raise Incompatible(
                f"{self.path}: {'.'.join(names)}={short(value)} is no whole number, {least:,} to "
                f"{most:,}."
            )
        return int(value)

    def only(self, allowed: tuple[object, ...], *names: str) -> object:
        value = self(*names)
        if value not in allowed:
            raise Incompatible(
                f"{self.path}: {'.'.join(names)}={value!r}; only {allowed[0]!r} is known."
            )
        return value


def neighbours(folder: Path) -> tuple[Path, Path]:
    """The folders of the audio network and of the text network that ``folder`` names."""
    ask = _Fields(folder / CONFIG_FILE)
    audio, text = (
        folder.parent / str(ask(part, "name")).rpartition("/")[2]
        for part in ("audio_model", "text_model")
    )
    return audio, text


def read_config(folder: Path) -> MulanConfig:
    """The configuration of the MuQ-MuLan in ``folder``, with those of its two neighbours.

    Raises MissingWeights for a file that is absent, Incompatible for a field that is missing or of
    a variant that is not known.
    """
    audio, text = neighbours(folder)
    ask = _Fields(folder / CONFIG_FILE)
    dim = ask("text_model", "model_dim")
    rate_hz = ask.whole("mulan", "sr")
    clip_s = ask.number("mulan", "clip_secs")
    if not 0 < clip_s <= LONGEST_CLIP_S:
        raise Incompatible(
            f"{ask.path}: mulan.clip_secs={clip_s:g}: up to {LONGEST_CLIP_S} s were expected."
        )
    return MulanConfig(
        rate_hz=rate_hz,
        clip_samples=round(rate_hz * clip_s),
        dim=ask.whole("mulan", "dim_latent"),
        muq=_muq(_Fields(audio / CONFIG_FILE)),
        layer=ask.whole("audio_model", "use_layer_idx", least=-MOST_LAYERS, most=MOST_LAYERS),
        audio=_head(ask, "audio_transformer"),
        text=_head(ask, "text_transformer"),
        text_dim=None if dim is None else ask.whole("text_model", "model_dim"),
        roberta=_roberta(_Fields(text / CONFIG_FILE)),
    )


def _head(ask: _Fields, part: str) -> HeadConfig:
    return HeadConfig(
        dim=ask.whole(part, "dim"),
        depth=ask.whole(part, "tf_depth", least=0, most=MOST_LAYERS),
        heads=ask.whole(part, "heads"),
        head_dim=ask.whole(part, "dim_head"),
        ff_mult=ask.whole(part, "ff_mult"),
    )


def _muq(ask: _Fields) -> MuQConfig:
    inner = "w2v2_config"
    ask.only(("swish", "silu"), inner, "hidden_act")
    ask.only(("rotary",), inner, "position_embeddings_type")
    ask.only((["melspec_2048"],), "features")
    halvings = {25: (2, 2), 50: (2, 1)}
    rate = ask.only((25, 50), "label_rate")
    assert isinstance(rate, int)
    return MuQConfig(
        bands=ask.whole("n_mels"),
        hop_samples=ask.whole("hop_length"),
        mel_mean_db=ask.number("stat", "melspec_2048_mean"),
        mel_std_db=ask.number("stat", "melspec_2048_std"),
        conv_dim=ask.whole("conv_dim"),
        halvings_of_time=halvings[rate],
        dim=ask.whole("encoder_dim"),
        depth=ask.whole("encoder_depth", most=MOST_LAYERS),
        heads=ask.whole(inner, "num_attention_heads"),
        ff_dim=ask.whole(inner, "intermediate_size"),
        kernel=ask.whole(inner, "conv_depthwise_kernel_size"),
        rotary_base=ask.number(inner, "rotary_embedding_base"),
        norm_eps=ask.number(inner, "layer_norm_eps"),
    )


def _roberta(ask: _Fields) -> dict[str, Any]:
    """Each field of the kind that the released one has, and no more layers than there can be."""
    whole = {n for n, value in RELEASED.roberta.items() if type(value) is int}
    most = {"num_hidden_layers": MOST_LAYERS}
    counted = {n: ask.whole(n, least=0, most=most.get(n, 1_000_000)) for n in whole}
    eps = ask.number("layer_norm_eps")
    act = ask.only(("gelu",), "hidden_act")
    return counted | {"layer_norm_eps": eps, "hidden_act": act}
