"""``angen prepare`` and ``angen datasets``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from angen.amounts import counted
from angen.cli.options import AsJson, Sources, settings_of
from angen.cli.terminal import ExitCode, Waiting, say, tell, tell_json, tell_table
from angen.names import about

if TYPE_CHECKING:
    from angen.data.manifest import DatasetInfo
    from angen.studio.settings import Settings

app = typer.Typer()
library = typer.Typer(no_args_is_help=True, help="Training sets: list, show, edit their metadata.")
app.add_typer(library, name="datasets")

Name = Annotated[str, typer.Argument(help="Name of the dataset.", show_default=False)]


@app.command()
def prepare(
    context: typer.Context,
    sources: Sources,
    name: Annotated[
        str | None, typer.Option(help="Name of the dataset. (default: user_dataset_<time>)")
    ] = None,
    table: Annotated[
        Path | None, typer.Option(help="Your metadata: CSV or JSON with a column `file`.")
    ] = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="Each file is one clip: do not cut.")
    ] = False,
    min_s: Annotated[float, typer.Option("--min", help="Shortest clip in seconds.")] = 10,
    max_s: Annotated[float, typer.Option("--max", help="Longest clip in seconds.")] = 30,
    held_out: Annotated[
        float, typer.Option(help="Share of clips kept aside to judge by, 0 to 0.5.")
    ] = 0.1,
    seed: Annotated[int, typer.Option(help="Of the choice of what is kept aside.")] = 0,
    licence: Annotated[
        str | None, typer.Option(help="Licence of the recordings, carried along.")
    ] = None,
    stems: Annotated[
        bool, typer.Option("--stems", help="Separate stems as well: vocals, and the rest.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="An existing dataset of this name gives way.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a training set from recordings: listen, cut, describe, keep a tenth aside.

    [bold]Examples[/]

    angen prepare ~/Music/my_band --name my_band

    angen prepare songs --name jazz --table jazz.csv --licence CC-BY-4.0
    """
    from angen.data.clips import Cutting
    from angen.data.prepare import PrepareConfig
    from angen.studio.material.preparing import prepare_dataset
    from angen.studio.orders import unneeded
    from angen.studio.resources import dataset

    config = PrepareConfig(
        cutting=Cutting(cut=not whole, min_s=min_s, max_s=max_s, licence=licence),
        held_out=held_out,
        seed=seed,
        replace=replace,
    )
    settings = settings_of(context)
    if name is not None:
        with unneeded(settings, dataset(name)):
            pass  # told before the work; whoever asks for it meanwhile gets the old one or the new
    with Waiting(quiet=context.obj.quiet) as watch:
        info = prepare_dataset(
            sources,
            settings,
            watch.stage("Listening and cutting"),
            name=name,
            config=config,
            table=table,
        )
        left_out = ""
        if stems:
            info, left_out = _add_stems(sources, settings, info, watch)
    if as_json:
        tell_json(info)
    else:
        tell(f"{summary(info)}\n{settings.datasets / info.name}")
        say(f"Next: angen train --dataset {info.name} --name {info.name}_lora")
    _end(info, left_out)


@library.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """All datasets."""
    from angen.studio.material.datasets import list_datasets

    found = list_datasets(settings_of(context))
    if as_json:
        tell_json(found)
        return
    rows = [
        (d.name, d.created, d.songs, d.training_clips, d.validation_clips, d.minutes, d.problem)
        for d in found
    ]
    columns = ("Name", "Created", "Songs", "Training clips", "Kept aside", "Minutes", "")
    tell_table(columns, rows, "There are no datasets yet: run `angen prepare`.")


@library.command()
def show(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """The metadata table of a dataset."""
    from angen.data.manifest import prompt_of
    from angen.studio.material.datasets import show_dataset

    info = show_dataset(settings_of(context), name)
    if as_json:
        tell_json(info)
        return
    rows = [(c.file, c.split, f"{c.duration_s:.1f}", prompt_of(c.metadata)) for c in info.clips]
    tell_table(("File", "Side", "Seconds", "What the model is told"), rows, "It has no clips.")
    tell(summary(info))


@library.command("export")
def export(
    context: typer.Context,
    name: Name,
    path: Annotated[Path, typer.Argument(help="CSV file to write.", show_default=False)],
) -> None:
    """Write the metadata table as CSV, to edit it.

    [bold]Example[/]

    angen datasets export my_band table.csv
    """
    from angen.studio.material.datasets import export_metadata

    count = export_metadata(settings_of(context), name, path)
    tell(f"{counted(count, 'row')} in {path}")
    say(f"Edit it, then: angen datasets import {name} {path}")


@library.command("import")
def import_(
    context: typer.Context,
    name: Name,
    path: Annotated[Path, typer.Argument(help="CSV or JSON table.", show_default=False)],
) -> None:
    """Take over an edited metadata table.

    [bold]Example[/]

    angen datasets import my_band table.csv
    """
    from angen.studio.material.datasets import import_metadata
    from angen.studio.orders import unneeded
    from angen.studio.resources import dataset

    settings = settings_of(context)
    with unneeded(settings, dataset(name)):
        imported = import_metadata(settings, name, path)
    tell(f"The metadata of {name} are those of {path}.")
    for file, doubt in imported.doubts:
        say(about(file, doubt))
    for problem in imported.problems:
        say(about(problem.file, problem.reason))
    if any(problem.left_out for problem in imported.problems):
        raise typer.Exit(ExitCode.SKIPPED)


def summary(info: "DatasetInfo") -> str:
    """A dataset in one line."""
    return (
        f"{info.name}: {counted(len(info.clips), 'clip')} of {counted(len(info.songs), 'song')}, "
        f"{info.duration_s / 60:.1f} minutes; {len(info.side('train'))} to train on, "
        f"{len(info.side('validation'))} kept aside"
    )


def _add_stems(
    sources: list[Path], settings: "Settings", info: "DatasetInfo", watch: Waiting
) -> tuple["DatasetInfo", str]:
    """Put stems beside the clips; why not, where that cannot be done: the dataset stands."""
    from angen.data.manifest import save_info, with_stems
    from angen.errors import MissingWeights
    from angen.studio.base import open_separator
    from angen.studio.material.listening import separate_vocal_stems

    folder = settings.datasets / info.name
    try:
        separator = open_separator(settings)
        on_step = watch.stage("Separating stems")
        written = separate_vocal_stems(sources, folder / "stems", separator, on_step)
    except MissingWeights as error:
        return info, f"No stems were separated. {error}"
    files = [
        path.relative_to(folder).as_posix() for made in written.files.values() for path in made
    ]
    info = with_stems(info, files, [separator.name])
    save_info(info, folder)
    return info, ""


def _end(info: "DatasetInfo", left_out: str = "") -> None:
    from angen.studio.material.doubts import unread_in

    for clips, doubt in unread_in(info.clips):
        say(about(clips, doubt))
    for note in info.notes:
        say(note)
    for problem in info.problems:
        say(about(problem.file, problem.reason))
    if left_out:
        say(left_out)
    if left_out or any(problem.left_out for problem in info.problems):
        raise typer.Exit(ExitCode.SKIPPED)
