"""``angen analyze``, ``split``, ``stems``."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from angen.amounts import counted
from angen.cli.options import AsJson, Sources, settings_of
from angen.cli.terminal import ExitCode, Waiting, say, tell, tell_json, tell_table
from angen.names import about

if TYPE_CHECKING:
    from angen.studio.material.listening import Heard, Skipped, Written

app = typer.Typer()


@app.command()
def analyze(context: typer.Context, sources: Sources, as_json: AsJson = False) -> None:
    """Listen to recordings: tempo, key, energy, genre, mood, instruments.

    [bold]Examples[/]

    angen analyze song.mp3

    angen analyze ~/Music/album --json > album.json
    """
    from angen.studio.material.listening import analyze_audio

    with Waiting(quiet=context.obj.quiet) as watch:
        analysis = analyze_audio(sources, watch.stage("Listening"))
    if as_json:
        tell_json(analysis)
    else:
        columns = ("File", "Genre", "BPM", "Key", "Mood", "Instruments", "Energy", "Description")
        tell_table(columns, [_row(heard) for heard in analysis.heard], "Nothing was heard.")
        _doubts(analysis.heard)
    _end(analysis.skipped)


@app.command()
def split(
    context: typer.Context,
    sources: Sources,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the clips. (default: in ANGEN_HOME)")
    ] = None,
    min_s: Annotated[float, typer.Option("--min", help="Shortest clip in seconds.")] = 10,
    max_s: Annotated[float, typer.Option("--max", help="Longest clip in seconds.")] = 30,
    overlap_s: Annotated[float, typer.Option("--overlap", help="Seconds that clips share.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Cut recordings into clips on downbeats and quiet places.

    [bold]Examples[/]

    angen split song.flac

    angen split live/*.wav --min 8 --max 16 --out clips
    """
    from angen.studio.material.listening import split_audio_to_clips

    folder = out or settings_of(context).clips
    with Waiting(quiet=context.obj.quiet) as watch:
        written = split_audio_to_clips(
            sources,
            folder,
            watch.stage("Cutting"),
            min_s=min_s,
            max_s=max_s,
            overlap_s=overlap_s,
        )
    _answer(written, folder, as_json)


@app.command()
def stems(
    context: typer.Context,
    sources: Sources,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the stems. (default: in ANGEN_HOME)")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="spleeter or a Demucs model. (default: Demucs if here, else spleeter)"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Separate recordings into vocals and accompaniment (Spleeter), or drums and bass too (Demucs).

    [bold]Example[/]

    angen stems song.wav --out stems
    """
    from angen.studio.base import open_separator
    from angen.studio.material.listening import separate_vocal_stems

    settings = settings_of(context)
    folder = out or settings.stems
    with Waiting(quiet=context.obj.quiet) as watch:
        separator = open_separator(settings, model)
        written = separate_vocal_stems(sources, folder, separator, watch.stage("Separating"))
    say(f"Separated by {separator.name}.")
    _answer(written, folder, as_json)


def _row(heard: "Heard") -> tuple[object, ...]:
    from angen.audio.description import is_sure

    def word(field: str, text: str) -> str:
        return text if is_sure(heard.confidence, field) else "not sure"

    return (
        Path(heard.file).name,
        word("genre", heard.genre),
        "" if heard.bpm is None else f"{heard.bpm:.0f}",
        heard.key,
        word("mood", heard.mood),
        word("instruments", ", ".join(heard.instruments)),
        heard.energy,
        heard.description,
    )


def _doubts(heard: "Sequence[Heard]") -> None:
    for item in heard:
        for warning in item.warnings:
            say(about(item.file, warning))


def _answer(written: "Written", folder: Path, as_json: bool) -> None:
    if as_json:
        tell_json(written)
    else:
        for files in written.files.values():
            for path in files:
                tell(str(path))
        count = sum(len(files) for files in written.files.values())
        say(f"{counted(count, 'file')} in {folder}")
    _end(written.skipped)


def _end(skipped: "Sequence[Skipped]") -> None:
    """Name what was left out, and let the exit code say so."""
    for item in skipped:
        say(f"Left out: {about(item.file, item.reason)}")
    if skipped:
        raise typer.Exit(ExitCode.SKIPPED)
