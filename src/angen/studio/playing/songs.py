"""Songs: words, a style and adapters in, sound out, each file with the request that made it."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import torch
from torch import Tensor

from angen.adapters.attach import detach, strengths_of
from angen.adapters.files import load_adapter
from angen.adapters.library import WEIGHTS_FILE, adapter_folder, playable
from angen.audio.files import write_wav
from angen.bundle import Bundle
from angen.diffrhythm.sampling import SamplerConfig
from angen.errors import BadInput, Incompatible
from angen.names import distinct, safe
from angen.parts import file_sha256
from angen.studio.base import OpenBundle, open_base, playing_threads
from angen.studio.playing.outputs import Made, Note, read_note
from angen.studio.requests.songs import AdapterUse, SongRequest
from angen.studio.settings import Settings
from angen.studio.watch import OnStep, Watch

OnSound = Callable[[Tensor, int], None]  # sound (S,), its rate in Hz; may raise Stopped


@dataclass(frozen=True, kw_only=True)
class MadeSong:
    """A song on disk."""

    path: Path
    duration_s: float
    rate_hz: int
    request: SongRequest
    warnings: tuple[str, ...]


def generate_song(
    request: SongRequest,
    settings: Settings,
    watch: Watch,
    *,
    out: Path | None = None,
    open_bundle: OpenBundle = open_base,
    on_sound: OnSound | None = None,
) -> MadeSong:
    """Make a song and write it, the request inside.

    out: where; else into ``outputs``, named after the prompt and seed. on_sound: hears the song
    while it is made; it does not change what is written.

    Raises BadInput (an unknown adapter, lyrics that cannot be read), MissingWeights, Incompatible,
    and whatever ``on_sound`` raises.
    """
    watch.stage("Loading the model")
    bundle = open_bundle(settings, request.base or None)
    request = _completed(request, bundle, settings)
    with playing_threads(bundle, settings):
        try:
            warnings = list(put_in(bundle, request.adapters, settings))
            lyrics = bundle.tokenize(request.lyrics)
            on_step = watch.stage("Making the song")
            latents = _sampled(bundle, request, on_step, on_sound)
        finally:
            detach(bundle.dit)
        audio = finished(bundle, latents)
        made = _made(bundle)
    if len(latents) < bundle.frames(request.duration_s):
        warnings.append(_ended_early(len(audio) / bundle.sample_rate_hz, request))
    path = out or free_place(settings.outputs, request)
    note = Note(request=request, made=made)
    write_wav(path, audio.numpy(), bundle.sample_rate_hz, comment=note.model_dump_json())
    return MadeSong(
        path=path,
        duration_s=len(audio) / bundle.sample_rate_hz,
        rate_hz=bundle.sample_rate_hz,
        request=request,
        warnings=(*warnings, *lyrics.warnings),
    )


def remake_song(
    made: Path, settings: Settings, watch: Watch, *, out: Path | None = None
) -> MadeSong:
    """Make a song again from the request in its file: on the same machine, bit for bit.

    Raises BadInput when the file holds no request, Incompatible when the base or an adapter is no
    longer what it was.
    """
    note = read_note(made)
    request = note.request
    bundle = open_base(settings, request.base or None)
    if bundle.fingerprint != note.made.base_fingerprint:
        raise Incompatible(
            f"{made} was made with {request.base} ({note.made.base_fingerprint:.12}); that base is "
            f"now {bundle.fingerprint:.12}, which plays it differently."
        )
    if note.made.device == "cpu":  # sums are rounded as they were
        settings = settings.model_copy(update={"threads": note.made.threads})
    return generate_song(request, settings, watch, out=out, open_bundle=lambda *_: bundle)


def put_in(bundle: Bundle, adapters: tuple[AdapterUse, ...], settings: Settings) -> list[str]:
    """Load adapters into the bundle; what a person should know about them.

    When none changes anything they are taken out again: a base without adapters is told its prompt
    louder, and off must sound like without.
    """
    warnings: list[str] = []
    for use in adapters:
        report = load_adapter(
            bundle.dit,
            adapter_path(use.name, settings),
            strength=use.strength,
            base=bundle.name,
            base_fingerprint=bundle.model_fingerprint,
        )
        warnings += report.warnings
        if not use.strength:
            warnings.append(f"{use.name} is at strength 0: the song is made without it.")
    if not any(strengths_of(bundle.dit).values()):
        detach(bundle.dit)
    return warnings


def adapter_path(name: str, settings: Settings) -> Path:
    """The PEFT folder of an adapter: by its name in the library, or a path to one."""
    given = Path(name)
    if ("/" in name or "\\" in name) and (given / WEIGHTS_FILE).is_file():
        return given
    return playable(adapter_folder(settings.loras, name))


def finished(bundle: Bundle, latents: Tensor) -> Tensor:
    """Latents (T, C) as sound (S,) that does not clip."""
    if not len(latents):
        raise BadInput("The song ended before it began. Choose another seed or prompt.")
    return bundle.play(latents)


def _ended_early(made_s: float, request: SongRequest) -> str:
    return (
        f"The song came to its end after {made_s:.1f} s of {request.duration_s:g} s: the model "
        "decides where music ends. Another seed, or lyrics with more sections, may last longer."
    )


def _sampled(
    bundle: Bundle,
    request: SongRequest,
    on_step: OnStep,
    on_sound: OnSound | None,
) -> Tensor:
    """Latents (T, C) of the song; its sound goes to ``on_sound`` as the blocks come."""
    song = bundle.song(request.prompt, request.lyrics, request.duration_s, request.seed)
    config = SamplerConfig(steps=request.steps, guidance=request.guidance)
    if on_sound is None:
        return bundle.sample([song], config, on_step)[0]
    blocks = [torch.zeros(0, bundle.channels)]

    def coming() -> Iterator[Tensor]:
        for (block,) in bundle.sample_blocks([song], config, on_step):
            blocks.append(block)
            yield block

    for sound in bundle.decode_stream(coming()):
        on_sound(sound, bundle.sample_rate_hz)
    return torch.cat(blocks)


def _completed(request: SongRequest, bundle: Bundle, settings: Settings) -> SongRequest:
    """The request with what it left open: the base's name, the adapters' hashes.

    Raises Incompatible when an adapter is another than the request was made with.
    """
    uses = []
    for use in request.adapters:
        found = file_sha256(adapter_path(use.name, settings) / WEIGHTS_FILE)
        if use.sha256 not in ("", found):
            raise Incompatible(
                f"The adapter {use.name!r} has changed since ({use.sha256:.12}, now {found:.12}): "
                "the same song cannot be made again. Put back the old one, or make a new song."
            )
        uses.append(use.model_copy(update={"sha256": found}))
    return request.model_copy(update={"adapters": tuple(uses), "base": bundle.name})


def _made(bundle: Bundle) -> Made:
    return Made(
        angen=version("angen"),
        torch=torch.__version__,
        device=bundle.device.type,
        threads=torch.get_num_threads(),
        base_fingerprint=bundle.fingerprint,
        style=bundle.style_source,
    )


def free_place(
    folder: Path, request: SongRequest, ending: str = "", reserved: Collection[str] = ()
) -> Path:
    """A file name for a song that no other has, from its prompt and seed.

    reserved: file names that songs on their way will have.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = [*(path.name for path in folder.iterdir()), *reserved]
    taken = {Path(name).stem.casefold() for name in names}
    return folder / f"{distinct(f'{safe(request.prompt, 60)}_{request.seed}{ending}', taken)}.wav"
