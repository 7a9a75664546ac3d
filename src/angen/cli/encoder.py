"""``angen encoder``: the audio encoder that a released base model lacks."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from angen.cli.options import AsJson, Base, settings_of
from angen.cli.terminal import ExitCode, Waiting, say, tell, tell_json, tell_table

if TYPE_CHECKING:
    from angen.fitting.quote import FitQuote

app = typer.Typer()
encoder = typer.Typer(
    no_args_is_help=True,
    help="The encoder that a released base lacks: fit one, check it, publish it.",
)
app.add_typer(encoder, name="encoder")

Recordings = Annotated[
    list[Path] | None, typer.Argument(help="Recordings, or folders of them.", show_default=False)
]


@encoder.command()
def fit(
    context: typer.Context,
    recordings: Recordings = None,
    base: Base = None,
    steps: Annotated[int | None, typer.Option(help="Steps.", show_default="20000")] = None,
    songs: Annotated[
        int | None, typer.Option(help="Songs that the base makes for it.", show_default="400")
    ] = None,
    song_seconds: Annotated[
        float | None, typer.Option(help="Length of those songs.", show_default="20")
    ] = None,
    clips: Annotated[
        int | None, typer.Option(help="Clips of each kind in a step.", show_default="8")
    ] = None,
    clip_frames: Annotated[
        int | None, typer.Option(help="Latent frames of a clip.", show_default="20")
    ] = None,
    learning_rate: Annotated[float | None, typer.Option(show_default="3e-4")] = None,
    width: Annotated[int | None, typer.Option(help="Of the network.", show_default="384")] = None,
    depth: Annotated[int | None, typer.Option(help="Layers.", show_default="4")] = None,
    refine: Annotated[
        int | None,
        typer.Option(
            help="Gradient steps on each clip that is encoded later: nearer, and much slower.",
            show_default="0",
        ),
    ] = None,
    alone: Annotated[
        bool,
        typer.Option(
            "--alone", help="No network: each clip is refined from nothing. Slow (--refine 100)."
        ),
    ] = False,
    pairs_weight: Annotated[float | None, typer.Option(hidden=True)] = None,
    sound_weight: Annotated[float | None, typer.Option(hidden=True)] = None,
    moments_weight: Annotated[float | None, typer.Option(hidden=True)] = None,
    prior_weight: Annotated[float | None, typer.Option(hidden=True)] = None,
    save_every: Annotated[int | None, typer.Option(help="Steps.", show_default="500")] = None,
    seed: Annotated[int | None, typer.Option(show_default="0")] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="An unfinished fit gives way.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="The encoder that is there gives way.")
    ] = False,
    quote_only: Annotated[
        bool, typer.Option("--quote", help="Only say what it will take.")
    ] = False,
) -> None:
    """Fit an encoder to the frozen decoder of a base model.

    The base makes songs, whose latents are known exactly, and the encoder learns to hear them;
    from recordings it learns what the songs lack. Before it starts it says what it will take.
    Ctrl-C saves; the same command goes on. Several GPUs: accelerate launch --multi_gpu
    --num_processes 2 -m angen encoder fit ...

    [bold]Examples[/]

    angen encoder fit ~/Music --base ASLP-lab/DiffRhythm2

    angen encoder fit ~/Music --base ASLP-lab/DiffRhythm2 --quote

    angen encoder fit --alone --refine 100 --base ASLP-lab/DiffRhythm2
    """
    from angen.fitting.config import ALONE, FitConfig
    from angen.studio.learning.encoder import FitRequest, fit_encoder

    given: dict[str, Any] = {
        "steps": steps,
        "songs": songs,
        "song_s": song_seconds,
        "clips": clips,
        "clip_frames": clip_frames,
        "learning_rate": learning_rate,
        "width": width,
        "depth": depth,
        "refine": refine,
        "pairs_weight": pairs_weight,
        "sound_weight": sound_weight,
        "moments_weight": moments_weight,
        "prior_weight": prior_weight,
        "save_every": save_every,
        "seed": seed,
    }
    chosen = {name: value for name, value in given.items() if value is not None}
    request = FitRequest(
        recordings=tuple(recordings or ()),
        config=FitConfig(**{**(ALONE if alone else {}), **chosen}),
        restart=restart,
        overwrite=overwrite,
    )

    def on_quote(quote: "FitQuote") -> None:
        say(quote.message)
        if quote_only:
            raise typer.Exit

    with Waiting(quiet=context.obj.quiet) as watch:
        fitted = fit_encoder(request, settings_of(context, base), watch, on_quote)
    if not fitted.leads:
        return
    tell(str(fitted.folder / "encoder.safetensors"))
    say(f"Latent error {fitted.state.error:.3f} (1 is as good as always saying the mean).")
    say("Is it good enough? angen encoder check RECORDINGS" + (f" --base {base}" if base else ""))


@encoder.command()
def check(
    context: typer.Context,
    recordings: Annotated[
        list[Path], typer.Argument(help="Recordings that it has not seen.", show_default=False)
    ],
    base: Base = None,
    refine: Annotated[
        int | None, typer.Option(help="Gradient steps a clip.", show_default="as fitted")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Is the encoder of a base model good enough to train with? A page that answers it.

    Exits with 3 when it is not.

    [bold]Example[/]

    angen encoder check ~/Music/unseen --base ASLP-lab/DiffRhythm2
    """
    from angen.fitting.check import Answer
    from angen.fitting.page import figures
    from angen.studio.learning.encoder import check_fitted

    with Waiting(quiet=context.obj.quiet) as watch:
        report, page = check_fitted(
            recordings, settings_of(context, base), watch, base=base, refine=refine
        )
    if as_json:
        tell_json(report)
    else:
        tell_table(("Measured", "", "Held against"), figures(report), "")
        tell(f"{report.answer.value.capitalize()}. {report.sentence}")
        for fault in report.faults:
            tell(f"- {fault}")
        tell(str(page))
    if report.answer is Answer.BAD:
        raise typer.Exit(ExitCode.NO_EFFECT)


@encoder.command()
def publish(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="A new folder.", show_default=False)],
    base: Base = None,
    licence: Annotated[str, typer.Option(help="Of the weights, as hubs write it.")] = "apache-2.0",
) -> None:
    """Make a folder with the fitted encoder and its card, ready for a hub.

    [bold]Example[/]

    angen encoder publish --base ASLP-lab/DiffRhythm2 --out my-encoder
    """
    from angen.studio.learning.encoder import publish_encoder

    place = publish_encoder(out, settings_of(context, base), base=base, licence=licence)
    tell(str(place))
    say(f"To upload it: hf upload YOU/NAME {place}")
