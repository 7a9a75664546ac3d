"""A base model as a whole: DiT, decoder, encoder and style encoder, from one folder.

Everything above knows a base model only as a ``Bundle``: encode audio, embed a style, tokenise
lyrics, the loss of a batch, sample, decode.

    model.json, model.safetensors                           the DiT
    decoder.json, decoder.safetensors or decoder.bin        latents -> waveform
    encoder.json, encoder.safetensors                       waveform -> latents; may be absent
    style.json, style.safetensors                           text or audio -> style; may be absent
    muq-mulan/                                              or, where these are not, MuQ-MuLan

Shapes: B songs, T latent frames, C latent channels, S samples, N padded frames, E = 512.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from angen.conditioning.lyrics import Lyrics, encode_lyrics, read_tags
from angen.conditioning.mulan.encoder import Mulan
from angen.conditioning.style import StyleEncoder, load_style
from angen.conditioning.tags import STRUCTURE_TAGS
from angen.diffrhythm import sampling
from angen.diffrhythm.config import STYLE_DIM
from angen.diffrhythm.dit import DiT
from angen.diffrhythm.objective import Batch, block_flow_loss, unprompted
from angen.diffrhythm.sampling import SamplerConfig, Song
from angen.diffrhythm.weights import load_dit
from angen.errors import BadInput, Incompatible, MissingWeights
from angen.parts import (
    MINI,
    MULAN_MAIN,
    PARTS,
    RELEASED,
    brings_mulan,
    files_of,
    find_bundle,
    fingerprint,
    has_part,
    missing_file,
    versions_of,
)
from angen.vocoder.chunks import crossfade, decode_in_chunks
from angen.vocoder.encoder import Encoder
from angen.vocoder.encoding import at_rate, check_encoder, encode_in_pieces
from angen.vocoder.generator import BigVGAN
from angen.vocoder.learned import LearnedEncoder
from angen.vocoder.likeness import Likeness
from angen.vocoder.refine import RefineConfig, refine, sound_of
from angen.vocoder.streaming import decoding_stream
from angen.vocoder.twoband import SmallDecoder
from angen.vocoder.weights import load_decoder, load_encoder

OnStep = Callable[[int, int], None]  # steps done, steps in all; may raise Stopped

RELEASED_CHUNK = (20, 5)  # frames decoded at once, and their overlap: as the model was released
PIECE_FRAMES = 300  # decoded at once by a small decoder, so that long songs fit in memory
RELEASED_CONTEXT = 10  # frames decoded again before each streamed piece
ENDINGS = frozenset(STRUCTURE_TAGS[tag] for tag in ("[outro]", "[end]"))
LOUDEST = 0.99  # of full scale: a song that would clip is turned down to this
STREAM_AHEAD = 5  # newest frames that wait for the next block, since they sound different with it


class Bundle:
    """A base model, ready to train on and to play.

    name           how the user calls it
    folder         where its files are
    dit            the network; adapters are attached to it from outside
    sample_rate_hz, latent_rate_hz, channels, block   facts of its latents
    device, dtype  where it runs and in which precision the DiT computes; results come back as
                   float32 on the CPU
    """

    def __init__(
        self,
        *,
        name: str,
        folder: Path,
        dit: DiT,
        decoder: BigVGAN | SmallDecoder,
        encoder: Encoder | LearnedEncoder | None,
        style: StyleEncoder | Mulan | None,
        device: torch.device,
        dtype: torch.dtype,
        versions: Mapping[str, tuple[int, int]],
    ) -> None:
        """versions: of its files, as ``parts.versions_of`` gave them before any was read."""
        self.name = name
        self.folder = folder
        self.dit = dit
        self.device = device
        self.dtype = dtype
        self.sample_rate_hz = decoder.sample_rate_hz
        self.samples_per_frame = decoder.samples_per_frame
        self.latent_rate_hz = self.sample_rate_hz / self.samples_per_frame
        self.channels = dit.config.mel_dim
        self.block = dit.config.block_size
        self._decoder = decoder
        self._encoder = encoder
        self._style = style
        self._read = versions

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over all weights files: another encoder is another bundle.

        As ``model_fingerprint``, it raises Incompatible where the files are others by now than
        those that were read.
        """
        return self._fingerprint_of(PARTS)

    @cached_property
    def model_fingerprint(self) -> str:
        """sha256 over the DiT's files alone: what an adapter was trained on."""
        return self._fingerprint_of(("model",))

    def _fingerprint_of(self, parts: Iterable[str]) -> str:
        names = {name for part in parts for name in files_of(self.folder, part)}
        read = {name: version for name, version in self._read.items() if name in names}
        if read != versions_of(self.folder, parts):
            raise Incompatible(
                f"A file in {self.folder} was replaced while {self.name} was in use. Begin again: "
                "then all is read from the new files."
            )
        return fingerprint(self.folder, parts)

    def frames(self, duration_s: float) -> int:
        """Latent frames that a duration fills, rounded to the nearest, at least one."""
        return max(1, round(duration_s * self.latent_rate_hz))

    @property
    def sings(self) -> bool:
        """Whether it has a voice. The released model has; ours learned from instruments alone."""
        return isinstance(self._decoder, BigVGAN)

    def tokenize(self, lyrics: str) -> Lyrics:
        """Lyrics, line by line, as the model reads them: without a voice, tags and no words."""
        if self.sings:
            return encode_lyrics(lyrics)
        tags = read_tags(lyrics)
        if tags.unsung:
            tags.warnings.append(
                f"{self.name} has no voice: words are not sung, tags such as [verse] are followed. "
                f"{RELEASED} sings."
            )
        return tags

    # style

    @torch.no_grad()
    def embed_text(self, prompt: str) -> Tensor:
        """A style prompt as a style vector (E,)."""
        return self._style_encoder().embed_text([prompt])[0].float().cpu()

    @torch.no_grad()
    def embed_audio(self, audio: Tensor, rate_hz: int) -> Tensor:
        """A mono recording (S,) as a style vector (E,)."""
        return self._style_encoder().embed_audio(audio.float().cpu(), rate_hz).float().cpu()

    @property
    def has_style(self) -> bool:
        """Whether it has a style encoder: only then does it make songs."""
        return self._style is not None

    @property
    def style_source(self) -> str:
        """Whose weights made the style vectors, and their licence; empty for the bundle's own."""
        return self._style.source if isinstance(self._style, Mulan) else ""

    def _style_encoder(self) -> StyleEncoder | Mulan:
        if self._style is None:
            missing = missing_file(self.folder, "style") or self.folder
            raise MissingWeights(
                f"{self.name} has no style encoder ({missing} is missing). The released "
                "DiffRhythm 2 takes its style vectors from MuQ-MuLan: run `angen models fetch "
                f"{self.name}` to add it."
            )
        return self._style

    # sound

    @property
    def listens(self) -> bool:
        """Whether it can turn recordings into latents: only then can it be trained."""
        return self._encoder is not None

    @property
    def refining(self) -> int:
        """Gradient steps that each clip takes when it is encoded; 0 for none."""
        return self._encoder.refine if isinstance(self._encoder, LearnedEncoder) else 0

    @torch.no_grad()
    def encode_audio(self, audio: Tensor, rate_hz: int) -> Tensor:
        """A mono recording (S,) as latents (T, C); a last part of a frame counts as a frame.

        Raises MissingWeights for a bundle without an encoder, BadInput for no samples or samples
        that are not numbers.
        """
        encoder = self._require_encoder()
        heard = at_rate(audio, rate_hz, encoder.sample_rate_hz)
        latents = encode_in_pieces(encoder, heard, self.device)
        if isinstance(encoder, LearnedEncoder) and encoder.refine:
            config = RefineConfig(steps=encoder.refine)
            latents = self.refined(latents, audio, rate_hz, encoder.std, config)
        return latents

    def refined(
        self,
        latents: Tensor,
        audio: Tensor,
        rate_hz: int,
        std: Tensor,
        config: RefineConfig,
        on_step: OnStep | None = None,
    ) -> Tensor:
        """Latents (T, C) bettered against the recording (S,) that they stand for.

        std: (C,) deviation of the latents that the model makes.
        """
        likeness = Likeness(self.sample_rate_hz).to(self.device)
        better = refine(
            self._decoder,
            likeness,
            latents.T.to(self.device),
            at_rate(audio, rate_hz, self.sample_rate_hz).to(self.device),
            std.to(self.device),
            config,
            self.unlikeliness if config.prior_weight else None,
            on_step,
        )
        return better.T.cpu()

    def unlikeliness(self, latents: Tensor) -> Tensor:
        """How hard latents (B, C, T) are to denoise for the model, unprompted: a scalar.

        With gradients to the latents. Fixed noise and times, so that it is a function of the
        latents alone; what does not fill a block is left out, and less than a block gives 0.
        """
        frames = latents.shape[2] // self.block * self.block
        if not frames:
            return latents.sum() * 0
        batch = unprompted(latents[:, :, :frames].transpose(1, 2))
        generator = torch.Generator().manual_seed(0)
        noise = torch.randn(len(latents), frames, self.channels, generator=generator)
        times = torch.rand(len(latents), frames // self.block, generator=generator)
        return self.loss(batch, noise, times, torch.ones(len(latents), dtype=torch.bool)).mean()

    def sound(self, latents: Tensor) -> Tensor:
        """Waveform (B, S) of short clips' latents (B, C, T), with gradients to the latents."""
        return sound_of(self._decoder, latents.to(self.device))

    @property
    def decoder_fingerprint(self) -> str:
        """sha256 over the decoder's files: whose latents an encoder makes."""
        return fingerprint(self.folder, ("decoder",))

    def use_encoder(self, encoder: LearnedEncoder) -> None:
        """Listen with this encoder from now on. Raises Incompatible for that of another decoder."""
        check_encoder(self.folder, self._decoder, encoder, lambda: self.decoder_fingerprint)
        self._encoder = encoder.to(self.device)

    def refine_with(self, steps: int | None) -> None:
        """Encode with so many steps of refinement from now on; None leaves it as it was fitted.

        Raises BadInput for an encoder that was not learned: there is nothing to refine.
        """
        if steps is None:
            return
        if not isinstance(self._encoder, LearnedEncoder):
            raise BadInput(f"The encoder of {self.name} was not fitted; refine is for those.")
        self._encoder.refine = steps

    def _require_encoder(self) -> Encoder | LearnedEncoder:
        if self._encoder is None:
            raise MissingWeights(
                f"{self.name} cannot turn audio into latents: {self.folder}/encoder.safetensors is "
                "missing. The released repository has none; fit one to its decoder: "
                f"angen encoder fit --base {self.name}"
            )
        return self._encoder

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Latents (T, C) as sound (S,), S = T * samples_per_frame."""
        if not isinstance(self._decoder, BigVGAN):
            pieces = torch.split(latents, PIECE_FRAMES)
            return torch.cat([torch.zeros(0), *self.decode_stream(pieces)])
        channel_first = latents.T[None].float().to(self.device)  # (1, C, T)
        return decode_in_chunks(self._decoder, channel_first, *RELEASED_CHUNK)[0, 0].cpu()

    def play(self, latents: Tensor) -> Tensor:
        """The sound (S,) of a finished song, which does not clip."""
        audio = self.decode(latents)
        peak = float(audio.abs().max())
        return audio * (LOUDEST / peak) if peak > LOUDEST else audio

    def decode_stream(self, blocks: Iterable[Tensor]) -> Iterator[Tensor]:
        """Sound (S,) in pieces, while blocks of latents (t, C) arrive.

        A frame is given out once the frames after it are known, except at the end. All pieces in a
        row have the length that ``decode`` gives; those of a small decoder have its sound too, but
        for rounding (see ``vocoder.streaming``).
        """
        if not isinstance(self._decoder, BigVGAN):
            stream = decoding_stream(self._decoder)
            for block in blocks:
                if len(sound := stream.push(block)):
                    yield sound
            if len(sound := stream.finish()):
                yield sound
            return
        latents = torch.zeros(0, self.channels)
        done = 0  # frames given out
        waiting = torch.zeros(0)  # sound after them, as it was before the newest block came
        for block in blocks:
            latents = torch.cat([latents, block.float().cpu()])
            ready = len(latents) - STREAM_AHEAD
            if ready > done:
                sound = self._sound_from(latents, done, waiting)
                cut = (ready - done) * self.samples_per_frame
                yield sound[:cut]
                done, waiting = ready, sound[cut:]
        if len(latents) > done:
            yield self._sound_from(latents, done, waiting)

    def _sound_from(self, latents: Tensor, start: int, before: Tensor) -> Tensor:
        """The sound of frames from ``start`` on, faded in from ``before``."""
        first = max(0, start - RELEASED_CONTEXT)
        sound = self.decode(latents[first:])[(start - first) * self.samples_per_frame :]
        return crossfade(before, sound, self.samples_per_frame)

    # the model

    def song(self, prompt: str, lyrics: str, duration_s: float, seed: int) -> Song:
        """What is asked of the model, in its numbers."""
        return Song(
            tokens=torch.tensor(self.tokenize(lyrics).tokens, dtype=torch.int64),
            style=self.embed_text(prompt),
            frames=self.frames(duration_s),
            seed=seed,
        )

    def loss(self, batch: Batch, noise: Tensor, times: Tensor, dropped: Tensor) -> Tensor:
        """Flow-matching error per block (B, N / block); see ``diffrhythm.objective``."""
        low = self.dtype != torch.float32
        with torch.autocast(self.device.type, dtype=self.dtype if low else None, enabled=low):
            return block_flow_loss(
                self.dit,
                batch.to(self.device),
                noise.to(self.device),
                times.to(self.device),
                dropped.to(self.device),
            )

    def sample(self, songs: Sequence[Song], config: SamplerConfig, on_step: OnStep) -> list[Tensor]:
        """Latents (T, C) of each song."""
        with torch.no_grad(), _without_dropout(self.dit):
            latents = sampling.sample(self.dit, self.conditioned(songs), config, on_step)
        return [item.float().cpu() for item in latents]

    def conditioned(self, songs: Sequence[Song]) -> list[Song]:
        """Songs with the timeline of their style, where the style encoder brings timelines."""
        return [song if song.timeline is not None else self._with_timeline(song) for song in songs]

    def _with_timeline(self, song: Song) -> Song:
        if not isinstance(self._style, StyleEncoder):
            return song
        whole = -(-song.frames // self.block) * self.block  # the last block is made as a whole
        ends = any(token in ENDINGS for token in song.tokens.tolist())
        line = self._style.timeline(
            song.style,
            song.frames,
            self.latent_rate_hz,
            rows=whole,
            ends=ends,
            loud=not _adapted(self.dit),
        )
        return replace(song, timeline=line)

    @property
    def has_timeline(self) -> bool:
        """Whether each frame of a song is told its beats and how far the end is.

        So is each frame of a clip that an adapter learns from: ``conditioning.telling.clip_line``.
        """
        return isinstance(self._style, StyleEncoder) and self._style.config.timeline

    def sample_blocks(
        self, songs: Sequence[Song], config: SamplerConfig, on_step: OnStep
    ) -> Iterator[list[Tensor]]:
        """The same, block by block: each song's newest frames (t, C), t = 0 once it is over."""
        blocks = sampling.sample_blocks(self.dit, self.conditioned(songs), config, on_step)
        while True:  # the mode ends before each yield: it must not reach into the caller's code
            with _without_dropout(self.dit):
                block = next(blocks, None)
            if block is None:
                return
            yield [item.float().cpu() for item in block]


@contextmanager
def _without_dropout(dit: DiT) -> Iterator[None]:
    training = dit.training
    dit.eval()
    try:
        yield
    finally:
        dit.train(training)


def load_bundle(
    source: str | Path = MINI,
    *,
    device: str | torch.device = "cpu",
    dtype: torch.dtype | None = None,
    fetched: Path | None = None,
) -> Bundle:
    """A base model from the package, a folder, or what was fetched from the hub.

    source: ``mini``, a folder, or a hub id like ``ASLP-lab/DiffRhythm2``.
    dtype: float32 on a CPU and bfloat16 on a GPU that has it, unless given.
    fetched: where fetched bundles lie, ``<owner>--<name>`` each.

    Raises MissingWeights that names the missing file and how to get it, Incompatible when parts do
    not fit each other.
    """
    folder = find_bundle(source, fetched)
    device = torch.device(device)
    dtype = dtype or default_dtype(device)
    versions = versions_of(folder, PARTS)
    dit = load_dit(folder, device=device, dtype=dtype).eval().requires_grad_(False)
    decoder = load_decoder(folder).to(device).requires_grad_(False)
    encoder = _encoder(folder, device)
    style = _style(folder, device)
    _check_widths(folder, dit, decoder, encoder)
    return Bundle(
        name=str(source),
        folder=folder,
        dit=dit,
        decoder=decoder,
        encoder=encoder,
        style=style,
        device=device,
        dtype=dtype,
        versions=versions,
    )


def _encoder(folder: Path, device: torch.device) -> Encoder | LearnedEncoder | None:
    if not has_part(folder, "encoder"):
        return None
    return load_encoder(folder).to(device).requires_grad_(False)


def _adapted(dit: DiT) -> bool:
    """Whether it carries adapters, sounding or not."""
    return bool(getattr(dit, "peft_config", None))


def _style(folder: Path, device: torch.device) -> StyleEncoder | Mulan | None:
    if not has_part(folder, "style"):
        return None
    if not brings_mulan(folder):
        return load_style(folder, device)
    mulan = Mulan(folder / MULAN_MAIN, device)
    if mulan.config.dim != STYLE_DIM:
        raise Incompatible(
            f"{mulan.folder} makes style vectors of {mulan.config.dim} numbers; the model wants "
            f"{STYLE_DIM}."
        )
    return mulan


def default_dtype(device: torch.device) -> torch.dtype:
    if device.type == "cuda" and torch.cuda.is_bf16_supported():
        return torch.bfloat16
    return torch.float32


def _check_widths(
    folder: Path,
    dit: DiT,
    decoder: BigVGAN | SmallDecoder,
    encoder: Encoder | LearnedEncoder | None,
) -> None:
    channels = dit.config.mel_dim
    if decoder.in_channels != channels:
        raise Incompatible(
            f"{folder}: model.json makes {channels} latent channels, decoder.json wants "
            f"{decoder.in_channels}. These files are from different bundles."
        )
    if encoder is not None:
        check_encoder(folder, decoder, encoder, lambda: fingerprint(folder, ("decoder",)))
