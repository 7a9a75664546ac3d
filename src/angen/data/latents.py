"""Clips as the model sees them: latents, style vectors and beats, computed once, found by content.

Under ``<dataset>/latents/<bundle>/``, named by the bundle's fingerprint:

    clip_<hash>.safetensors     latents (T, C), audio style (512,); by clip and way of encoding
    beats_<hash>.safetensors    beat times (K,) for a bundle with timelines, by clip, tempo and ear

A changed clip, tempo, bundle or code (``ENCODED_AS``, ``BEATS_EAR``) has another name, so nothing
stale is found. Text styles are not kept: they are quickly made.

Shapes: T latent frames, C latent channels, K beats, E = 512 style width.
"""

import functools
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from angen.audio.files import Audio, read_audio
from angen.audio.listening import BEATS_EAR, beats_of
from angen.bundle import Bundle
from angen.conditioning.figures import FASTEST, SLOWEST
from angen.data.manifest import Clip, DatasetInfo, prompt_of, tempo_told
from angen.data.scan import sha256_of
from angen.errors import BadInput, Incompatible, MissingWeights
from angen.tensors import read_tensors, write_tensors

OnStep = Callable[[int, int], None]  # clips done, in all; may raise Stopped

FOLDER = "latents"
ENCODED_AS = 1  # to be raised when the same weights make other latents or style vectors of a sound
STYLE_WIDTH = 512
EDGE_S = 0.05  # the last frame of an ear ends a little after the sound


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """A data set in numbers; by clip file and by prompt."""

    latents: Mapping[str, Tensor]  # (T, C)
    audio_styles: Mapping[str, Tensor]  # (E,)
    text_styles: Mapping[str, Tensor]  # (E,)
    beats: Mapping[str, Tensor]  # (K,) seconds, 0 of none; empty for a bundle without timelines
    repaired: tuple[str, ...] = field(default=())  # damaged files that were computed anew

    def latents_of(self, clip: Clip) -> Tensor:
        return self.latents[clip.file]


def encode_dataset(info: DatasetInfo, folder: Path, bundle: Bundle, on_step: OnStep) -> Encoded:
    """Latents and style vectors of every clip, from the cache where they are there.

    folder: of the dataset. A file of the cache that is damaged is computed anew, and named in
    ``repaired``.

    Raises BadInput for a clip that is missing or not the one that was prepared, MissingWeights
    for a bundle without the encoders, OutOfSpace, whatever ``on_step`` raises; what was encoded
    until then is kept.
    """
    cache = folder / FOLDER / bundle.fingerprint[:12]
    latents: dict[str, Tensor] = {}
    audio_styles: dict[str, Tensor] = {}
    text_styles: dict[str, Tensor] = {}
    beats: dict[str, Tensor] = {}
    repaired: list[str] = []
    on_step(0, len(info.clips))
    for done, clip in enumerate(info.clips, start=1):
        sound = functools.cache(functools.partial(_sound, clip, folder))  # at most once
        path = cache / _name("clip", clip.sha256, ENCODED_AS)
        shapes = {"latents": (-1, bundle.channels), "style": (STYLE_WIDTH,)}
        frames = clip.duration_s * bundle.latent_rate_hz
        tensors = _found(path, shapes, repaired, functools.partial(_is_clip, frames=frames))
        if tensors is None:
            tensors = _encode(sound(), bundle)
            write_tensors(path, tensors)
        latents[clip.file] = tensors["latents"]
        audio_styles[clip.file] = tensors["style"]
        prompt = prompt_of(clip.metadata)
        if prompt not in text_styles:
            text_styles[prompt] = bundle.embed_text(prompt)
        if bundle.has_timeline:
            beats[clip.file] = _beats(clip, sound, cache, repaired)
        on_step(done, len(info.clips))
    return Encoded(
        latents=latents,
        audio_styles=audio_styles,
        text_styles=text_styles,
        beats=beats,
        repaired=tuple(repaired),
    )


def _encode(sound: Audio, bundle: Bundle) -> dict[str, Tensor]:
    audio = torch.from_numpy(sound.samples[0])  # (S,)
    return {
        "latents": bundle.encode_audio(audio, sound.rate_hz),
        "style": bundle.embed_audio(audio, sound.rate_hz),
    }


def _sound(clip: Clip, folder: Path) -> Audio:
    """The clip as it was prepared, mono (1, S); BadInput where it is gone or another."""
    path = folder / clip.file
    if not path.is_file():
        raise BadInput(f"{path} is missing. Put it back, or prepare the dataset again.")
    if sha256_of(path) != clip.sha256:
        raise BadInput(
            f"{path} is not the clip that was prepared: its content has changed. Prepare the "
            "dataset again with the changed recording."
        )
    return read_audio(path, mono=True)


def _beats(clip: Clip, sound: Callable[[], Audio], cache: Path, repaired: list[str]) -> Tensor:
    """Beat times (K,) of a clip, ascending, in the tempo that its prompt tells; none without one.

    Nor in a tempo that style vectors cannot tell.
    """
    bpm = tempo_told(clip.metadata)
    if bpm is None or not SLOWEST <= bpm <= FASTEST:
        return torch.zeros(0, dtype=torch.float64)
    path = cache / _name("beats", clip.sha256, bpm, BEATS_EAR)
    tensors = _found(
        path, {"beats": (-1,)}, repaired, lambda found: _can_be(found["beats"], clip.duration_s)
    )
    if tensors is None:
        heard = sound()
        tensors = {"beats": torch.from_numpy(beats_of(heard.samples, heard.rate_hz, bpm))}
        write_tensors(path, tensors)
    return tensors["beats"]


def _name(kind: str, *facts: object) -> str:
    """The name of a file that depends on nothing but these."""
    digest = hashlib.sha256("/".join(map(str, facts)).encode()).hexdigest()
    return f"{kind}_{digest[:16]}.safetensors"


def _is_clip(found: Mapping[str, Tensor], frames: float) -> bool:
    """Whether these are latents and a style of a clip that lasts about so many latent frames."""
    latents, style = found["latents"], found["style"]
    whole = abs(len(latents) - frames) <= 1
    return whole and latents.dtype == style.dtype == torch.float32 and bool(style.any())


def _can_be(times: Tensor, last_s: float) -> bool:
    """Whether these are times of beats in a clip that lasts so long."""
    inside = bool(((times >= 0) & (times <= last_s + EDGE_S)).all())
    return times.dtype == torch.float64 and inside and bool((times.diff() > 0).all())


def _found(
    path: Path,
    shapes: Mapping[str, tuple[int, ...]],
    repaired: list[str],
    whole: Callable[[Mapping[str, Tensor]], bool] = lambda _: True,
) -> dict[str, Tensor] | None:
    """The tensors of a cache file, or None: not there, or damaged."""
    try:
        tensors = read_tensors(path)
    except MissingWeights:
        return None
    except Incompatible:
        tensors = {}
    fit = all(_fits(tensors.get(name), shape) for name, shape in shapes.items())
    if fit and whole(tensors):
        return tensors
    repaired.append(str(path))
    return None


def _fits(tensor: Tensor | None, shape: tuple[int, ...]) -> bool:
    return (
        tensor is not None
        and tensor.dim() == len(shape)
        and all(want in (-1, have) for want, have in zip(shape, tensor.shape, strict=True))
        and bool(torch.isfinite(tensor).all())
    )
