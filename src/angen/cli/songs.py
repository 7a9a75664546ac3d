"""``angen generate``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from angen.cli.options import AsJson, Base, settings_of
from angen.cli.terminal import Waiting, say, tell, tell_json
from angen.errors import BadInput

if TYPE_CHECKING:
    from angen.studio.requests.songs import AdapterUse

app = typer.Typer()


@app.command()
def generate(
    context: typer.Context,
    prompt: Annotated[
        str | None, typer.Option(help="The style: genre, mood, instruments, tempo, key.")
    ] = None,
    lyrics: Annotated[
        Path | None,
        typer.Option(
            help="Text file of lyrics, with tags such as \\[verse], or \\[lang: de] for German; "
            "mini follows tags alone."
        ),
    ] = None,
    instrumental: Annotated[
        bool, typer.Option("--instrumental", help="No singing. The default without lyrics.")
    ] = False,
    duration: Annotated[
        float, typer.Option("--duration", "--seconds", help="Seconds, 1 to 600.")
    ] = 20.0,
    seed: Annotated[int | None, typer.Option(help="Same seed, same song. (default: new)")] = None,
    steps: Annotated[int, typer.Option(help="More: cleaner and slower.")] = 15,
    guidance: Annotated[float, typer.Option(help="1 follows the prompt as learned.")] = 3.0,
    adapter: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[:STRENGTH]", help="Adapter, 0 to 2 strong. Repeatable."),
    ] = None,
    base: Base = None,
    out: Annotated[
        Path | None, typer.Option(help="WAV file to write. (default: in ANGEN_HOME)")
    ] = None,
    again: Annotated[
        Path | None, typer.Option(help="Make a song again from the request inside its file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a song: a prompt, lyrics or none, any number of adapters.

    [bold]Examples[/]

    angen generate --prompt "smooth jazz, piano, 90 BPM" --duration 30 --out song.wav

    angen generate --prompt "rock" --lyrics words.txt --adapter my_band_lora:0.8 --seed 1

    angen generate --again song.wav --out same.wav

    A song closes where its lyrics name an \\[outro]; without, it may break off at its full level.
    """
    if again is None and prompt is None:
        raise typer.BadParameter("give --prompt, or --again FILE")
    if lyrics is not None and instrumental:
        raise typer.BadParameter("give --lyrics or --instrumental, not both")
    if out is not None and out.suffix.lower() != ".wav":
        raise typer.BadParameter(f"--out {out}: songs are written as WAV; let it end in .wav")
    from angen.studio.playing.songs import generate_song, remake_song
    from angen.studio.requests.asking import asked
    from angen.studio.requests.songs import SongRequest, new_seed

    settings = settings_of(context, base)
    if again is not None:
        with Waiting(quiet=context.obj.quiet) as watch:
            made = remake_song(again, settings, watch, out=out)
    else:
        values = {
            "prompt": prompt,
            "lyrics": "" if lyrics is None else _read(lyrics),
            "duration_s": duration,
            "seed": new_seed() if seed is None else seed,
            "steps": steps,
            "guidance": guidance,
            "adapters": tuple(use_of(text) for text in adapter or ()),
            "base": settings.base,
        }
        request = asked(SongRequest, values)
        with Waiting(quiet=context.obj.quiet) as watch:
            made = generate_song(request, settings, watch, out=out)
    for warning in made.warnings:
        say(warning)
    if as_json:
        facts = {"path": made.path, "duration_s": made.duration_s, "request": made.request}
        tell_json(facts | {"warnings": made.warnings})
    else:
        tell(str(made.path))
        say(f"{made.duration_s:.1f} s, seed {made.request.seed}")


def use_of(text: str) -> "AdapterUse":
    """``NAME`` or ``NAME:STRENGTH``. Raises BadInput for a strength that is no number in range."""
    from pydantic import ValidationError

    from angen.studio.requests.songs import AdapterUse

    name, colon, strength = text.rpartition(":")
    try:
        return AdapterUse(name=name, strength=float(strength)) if colon else AdapterUse(name=text)
    except (ValueError, ValidationError) as error:
        raise BadInput(
            f"--adapter {text}: the strength after the colon is a number from 0 to 2, such as "
            f"{name or 'my_lora'}:0.8."
        ) from error


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not UTF-8 text. Save the lyrics as UTF-8.") from error
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from error
