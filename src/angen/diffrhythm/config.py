"""What fixes the shape of the weights, and how they are used: the fields of ``model.json``."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from angen.errors import Incompatible

STYLE_DIM = 512  # width E of style vectors and token embeddings; fixed in every release

# What is assumed when model.json leaves a field out: as upstream does, which knows no span.
_DEFAULTS: dict[str, object] = {
    "depth": 8,
    "heads": 8,
    "ff_mult": 4,
    "mel_dim": 100,
    "text_num_embeds": 256,
    "block_size": 10,
    "repa_depth": -1,
    "repa_dims": [1024],
    "span": 0,
}


# Beyond all models that there are, and little enough to be laid out in a second.
_MOST = {
    "dim": 65_536,
    "depth": 256,
    "heads": 1_024,
    "ff_mult": 64,
    "mel_dim": 65_536,
    "text_num_embeds": 1_000_000,
    "block_size": 1_000,
    "span": 1_000_000,
}
_MOST_TARGETS, _WIDEST_TARGET = 16, 65_536  # of REPA


@dataclass(frozen=True, kw_only=True, slots=True)
class DiTConfig:
    """The transformer, in upstream's words; ``span`` is ours."""

    dim: int  # width D of the residual stream
    depth: int  # transformer blocks
    heads: int
    ff_mult: int  # width of the MLP over D
    mel_dim: int  # latent channels C; not a mel spectrogram, whatever the name
    text_num_embeds: int  # the largest token id; 0 is the filler
    block_size: int  # latent frames that are sampled together
    repa_depth: int = -1  # block whose output the REPA projectors read, from 1; <= 0: none
    repa_dims: tuple[int, ...] = ()  # width of each REPA target
    span: int = 0  # frames at once that it has learned from; 0: as many as any song has

    def __post_init__(self) -> None:
        for name in ("dim", "depth", "heads", "ff_mult", "mel_dim", "block_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}: must be at least 1")
        for name, most in _MOST.items():
            if getattr(self, name) > most:
                raise ValueError(f"{name}={getattr(self, name):.6g}: {most:,} is the most")
        targets = self.repa_dims
        if len(targets) > _MOST_TARGETS or not all(1 <= n <= _WIDEST_TARGET for n in targets):
            raise ValueError(
                f"repa_dims: at most {_MOST_TARGETS} widths, each 1 to {_WIDEST_TARGET:,}"
            )
        if self.text_num_embeds < 0:
            raise ValueError(f"text_num_embeds={self.text_num_embeds}: must not be negative")
        if self.span and (self.span < 4 * self.block_size or self.span % self.block_size):
            raise ValueError(
                f"span={self.span}: is 0, or at least four whole blocks of {self.block_size}"
            )
        if self.dim % (2 * self.heads):
            raise ValueError(
                f"dim={self.dim}, heads={self.heads}: each head needs an even, whole width"
            )
        if self.repa_depth > self.depth:
            raise ValueError(
                f"repa_depth={self.repa_depth:.6g} lies behind the last of {self.depth}"
            )

    @property
    def head_dim(self) -> int:
        return self.dim // self.heads

    @classmethod
    def from_json(cls, values: Mapping[str, object]) -> "DiTConfig":
        """The configuration that a ``model.json`` describes.

        Fields that it does not know (``use_flex_attn`` and the like) are passed over,
        as upstream does. Raises Incompatible, naming the field, for anything unusable.
        """
        if values.get("long_skip_connection"):
            raise Incompatible(
                "model.json: long_skip_connection=true is a variant that was never released; "
                "only false is supported"
            )
        if "dim" not in values:
            raise Incompatible("model.json: the field 'dim' is missing")
        known = {field.name for field in fields(cls)}
        merged = {**_DEFAULTS, **{k: v for k, v in values.items() if k in known}}
        dims = merged.pop("repa_dims")
        if not isinstance(dims, list | tuple) or not all(map(_is_int, dims)):
            raise Incompatible(f"model.json: repa_dims={dims!r} is not a list of whole numbers")
        for name, value in merged.items():
            if not _is_int(value):
                raise Incompatible(f"model.json: {name}={value!r} is not a whole number")
        try:
            return cls(**merged, repa_dims=tuple(dims))  # type: ignore[arg-type]
        except ValueError as fault:
            raise Incompatible(f"model.json: {fault}") from fault

    def to_json(self) -> dict[str, object]:
        """The fields of ``model.json``, ready for ``json.dump``; no span where there is none."""
        values = {**asdict(self), "repa_dims": list(self.repa_dims)}
        if not self.span:
            del values["span"]
        return values


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


RELEASED = DiTConfig(
    dim=2048,
    depth=16,
    heads=16,
    ff_mult=4,
    mel_dim=64,
    text_num_embeds=1000,
    block_size=10,
    repa_depth=6,
    repa_dims=(1024, 768),
)
"""What ASLP-lab/DiffRhythm2 ships: 1.1 thousand million parameters."""
