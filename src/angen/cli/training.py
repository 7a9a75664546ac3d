"""``angen train``, ``report``, ``status``, ``demo``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from angen.cli.options import AsJson, Base, settings_of
from angen.cli.terminal import ExitCode, Waiting, say, tell, tell_json, tell_table
from angen.names import about

if TYPE_CHECKING:
    from angen.studio.learning.training import TrainedLora
    from angen.training.effect import EffectReport
    from angen.training.evidence import EffectConfig
    from angen.training.quote import Quote

app = typer.Typer()

Songs = Annotated[int, typer.Option("--songs", help="Songs that the report makes a side.")]
Seconds = Annotated[float, typer.Option("--seconds", help="Length of those songs.")]


@app.command()
def train(
    context: typer.Context,
    dataset: Annotated[str | None, typer.Option(help="Dataset to train on.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the new adapter.")] = None,
    resume: Annotated[
        str | None, typer.Option(metavar="NAME", help="Go on with a stopped training.")
    ] = None,
    base: Base = None,
    preset: Annotated[
        str | None,
        typer.Option(
            help="Recipe for what is not given: base (what works for it) or documents.",
            show_default="base",
        ),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="1 to 50.")] = None,
    max_steps: Annotated[
        int | None, typer.Option(help="Exactly so many steps, in place of epochs.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="1 to 16.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="1e-5 to 1e-3.")] = None,
    rank: Annotated[int | None, typer.Option(help="4 to 64.")] = None,
    alpha: Annotated[int | None, typer.Option(help="8 to 128.")] = None,
    mlp: Annotated[
        bool | None,
        typer.Option("--mlp/--no-mlp", help="Adapt the feed-forward layers too, or not."),
    ] = None,
    accumulation: Annotated[
        int | None, typer.Option(help="Batches a step.", show_default="1")
    ] = None,
    gradient_checkpointing: Annotated[
        bool, typer.Option("--gradient-checkpointing", help="Less memory, more time.")
    ] = False,
    checkpoint_every: Annotated[
        int | None, typer.Option(help="Steps; also every 3 minutes.", show_default="500")
    ] = None,
    log_every: Annotated[int | None, typer.Option(help="Steps.", show_default="100")] = None,
    seed: Annotated[int | None, typer.Option(show_default="0")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="An adapter of this name gives way.")
    ] = False,
    quote_only: Annotated[
        bool, typer.Option("--quote", help="Only say what it will take.")
    ] = False,
    no_report: Annotated[
        bool, typer.Option("--no-report", help="Do not measure the effect afterwards.")
    ] = False,
    songs: Songs = 16,
    seconds: Seconds = 10.0,
    as_json: AsJson = False,
) -> None:
    """Train a LoRA adapter on a dataset, then measure what it does to songs.

    What is not given follows the recipe that works for the base. Before it starts it says how many
    steps, minutes and megabytes it will take. Ctrl-C saves and says how to go on.

    [bold]Examples[/]

    angen train --dataset my_band --name my_band_lora

    angen train --dataset my_band --name quick --max-steps 300 --rank 8

    angen train --resume my_band_lora
    """
    _check_usage(dataset, name, resume)
    from angen.adapters.shape import ATTENTION, MLP
    from angen.studio.learning.training import quote_training, resume_training, train_lora
    from angen.studio.orders import unneeded
    from angen.studio.requests.asking import asked
    from angen.studio.requests.training import TrainRequest
    from angen.studio.resources import adapter

    given: dict[str, Any] = {
        "preset": preset,
        "epochs": epochs,
        "max_steps": max_steps,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "rank": rank,
        "alpha": alpha,
        "targets": None if mlp is None else ATTENTION + (MLP if mlp else ()),
        "accumulation": accumulation,
        "gradient_checkpointing": gradient_checkpointing or None,
        "checkpoint_every": checkpoint_every,
        "log_every": log_every,
        "seed": seed,
    }
    recipe = {key: value for key, value in given.items() if value is not None}
    effect = None if no_report else _effect(songs, seconds)
    settings = settings_of(context, base)
    if resume is None:
        report = {"report": not no_report, "report_songs": songs, "report_s": seconds}
        plan = {"name": name, "dataset": dataset, "overwrite": overwrite, "samples": 0}
        request = asked(TrainRequest, recipe | report | plan)
    elif recipe or overwrite or quote_only:
        raise typer.BadParameter("--resume takes the recipe that was begun with")
    if not quote_only:
        with unneeded(settings, adapter(resume or request.name)):
            pass  # told before the work; from then on its folder's lock holds
    with Waiting(quiet=context.obj.quiet) as watch:
        if resume is not None:
            trained = resume_training(resume, settings, watch, _say_quote, effect=effect)
        elif quote_only:
            offer = quote_training(request, settings, watch)
        else:
            trained = train_lora(request, settings, watch, _say_quote)
    if quote_only:
        tell_json(offer) if as_json else tell(offer.message)
        return
    _answer(trained, as_json)


@app.command()
def report(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the adapter.", show_default=False)],
    dataset: Annotated[
        str | None, typer.Option(help="Measure against another dataset than its own.")
    ] = None,
    songs: Songs = 16,
    seconds: Seconds = 10.0,
    as_json: AsJson = False,
) -> None:
    """Measure anew what an adapter does: closer to the recordings? a copy of them?

    [bold]Examples[/]

    angen report my_band_lora

    angen report my_band_lora --dataset other_band --songs 32
    """
    from angen.studio.learning.training import report_effect

    settings = settings_of(context)
    with Waiting(quiet=context.obj.quiet) as watch:
        found, page = report_effect(name, settings, watch, _effect(songs, seconds), dataset=dataset)
    if as_json:
        tell_json(found)
    else:
        tell(f"{found.sentence}\n{page}")
    _end(found)


@app.command()
def status(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Of one adapter.", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """How trainings go, or went."""
    from angen.studio.learning.adapters import get_training_status

    found = get_training_status(settings_of(context), name)
    if as_json:
        tell_json(found)
        return
    rows = [
        (
            key,
            s.state,
            f"{s.epoch}/{s.epochs}",
            f"{s.step}/{s.steps}",
            f"{s.percent:.0f} %",
            s.message,
        )
        for key, s in found.items()
    ]
    columns = ("Adapter", "State", "Epoch", "Step", "Done", "")
    tell_table(columns, rows, "Nothing has been trained yet.")


@app.command()
def demo(
    context: typer.Context,
    songs: Annotated[
        Path | None, typer.Option(help="Your recordings, in place of the examples.")
    ] = None,
    steps: Annotated[int, typer.Option(help="Training steps.")] = 300,
    as_json: AsJson = False,
) -> None:
    """The main job on example songs, in a few minutes: adapter, songs before and after, report.

    [bold]Examples[/]

    angen demo

    angen --home demo-output demo --songs ~/Music/my_band
    """
    from angen.studio.demo import run_demo

    with Waiting(quiet=context.obj.quiet) as watch:
        made = run_demo(songs, settings_of(context), watch, _say_quote, steps=steps)
    if as_json:
        tell_json(
            {
                "adapter": made.lora.folder,
                "dataset": made.dataset_folder,
                "before": made.before.path,
                "after": made.after.path,
                "report": made.lora.page,
                "sentence": made.lora.report.sentence if made.lora.report else None,
            }
        )
    else:
        for problem in made.dataset.problems:
            say(about(problem.file, problem.reason))
        tell(made.lora.report.sentence if made.lora.report else "No report was made.")
        places = (
            ("Adapter", made.lora.folder),
            ("Dataset", made.dataset_folder),
            ("Before", made.before.path),
            ("After", made.after.path),
            ("Report", made.lora.page),
        )
        tell_table(("What", "Where"), places, "")
    if made.lora.report is not None:
        _end(made.lora.report)


def _check_usage(dataset: str | None, name: str | None, resume: str | None) -> None:
    if resume is None and (dataset is None or name is None):
        raise typer.BadParameter("give --dataset and --name, or --resume NAME")
    if resume is not None and (dataset is not None or name is not None):
        raise typer.BadParameter("--resume takes the dataset and name that were begun with")


def _effect(songs: int, seconds: float) -> "EffectConfig":
    from angen.errors import BadInput
    from angen.training.evidence import EffectConfig

    try:
        return EffectConfig(songs=songs, seconds=seconds)
    except ValueError as error:
        raise BadInput(f"The report cannot be made: {error}.") from error


def _say_quote(offer: "Quote") -> None:
    say(offer.message)


def _answer(trained: "TrainedLora", as_json: bool) -> None:
    if as_json:
        tell_json(trained)
    else:
        for note in trained.result.notes:
            say(note)
        if trained.report is not None:
            tell(trained.report.sentence)
        tell(str(trained.folder))
        if trained.page is not None:
            tell(str(trained.page))
        say(f'Next: angen generate --prompt "..." --adapter {trained.name}')
    if trained.report is not None:
        _end(trained.report)


def _end(found: "EffectReport") -> None:
    """The exit code says whether the adapter does what it is for."""
    if found.verdict.value not in ("closer", "copies"):
        raise typer.Exit(ExitCode.NO_EFFECT)
