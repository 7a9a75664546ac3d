"""``angen``: every use case of ``studio`` as a command.

Exit codes: 0 done; 1 a fault that a person can put right; 2 a command or option that does not
exist; 3 the adapter has no effect; 4 done, but some inputs were left out; 130 stopped by the user,
with what was done saved.

Nothing heavy is imported before a command runs, so that ``--help`` is instant.
"""

import logging
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from angen.cli import datasets, encoder, library, listening, machine, songs, studio, training
from angen.cli.options import Common
from angen.cli.terminal import ExitCode, fault, say, stop_signals, tell
from angen.errors import AngenError, Stopped
from angen.files import tells_full

FULL = "The disk is full. Free some space, then try again."

app = typer.Typer(
    name="angen",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for part in (studio, listening, datasets, training, songs, library, encoder, machine):
    app.add_typer(part.app)


def _version(asked: bool) -> None:
    if asked:
        version()
        raise typer.Exit


@app.callback(
    epilog="Exit codes: 0 done, 1 a fault you can put right, 2 wrong usage, 3 the adapter has no "
    "effect, 4 done but some inputs were left out, 130 stopped (work is saved)."
)
def common(
    context: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option(help="Where adapters, datasets and songs lie. (default: ANGEN_HOME, ~/angen)"),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="auto, cpu, cuda, cuda:1 or mps. (default: ANGEN_DEVICE)")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Tracebacks and the full log.")] = False,
    _show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Train a LoRA of DiffRhythm 2 on your recordings and play new songs in that style.

    [bold]The whole way[/]

    angen prepare ~/Music/my_band --name my_band

    angen train --dataset my_band --name my_band_lora

    angen generate --prompt "indie rock, 120 BPM" --adapter my_band_lora --out song.wav

    Or the same in the browser: angen studio

    Or try it out at once: angen demo
    """
    _log(context, logging.DEBUG if debug else logging.ERROR if quiet else logging.WARNING)
    context.obj = Common(home=home, device=device, quiet=quiet)


def _log(context: typer.Context, level: int) -> None:
    """Log to standard error as long as the command runs."""
    handler = logging.StreamHandler()
    debug = level == logging.DEBUG
    layout = "%(levelname)s %(name)s: %(message)s" if debug else "%(message)s"
    handler.setFormatter(logging.Formatter(layout))
    handler.setLevel(level)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(level)

    def close() -> None:
        root.removeHandler(handler)
        root.setLevel(before)

    context.call_on_close(close)


@app.command("version")
def version() -> None:
    """The version of Angen Studio."""
    from importlib.metadata import version as installed

    tell(f"angen {installed('angen')}")


def run(arguments: Sequence[str]) -> int:
    """Run a command line; its exit code."""
    debug = "--debug" in arguments
    try:
        with stop_signals():
            app(args=list(arguments), prog_name="angen")
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else ExitCode.OK
    except Stopped as stop:
        say(str(stop))
        return ExitCode.STOPPED
    except AngenError as error:
        _tell_fault(error, str(error), debug)
    except OSError as error:
        _tell_fault(error, _system_fault(error), debug)
    except MemoryError as error:
        _tell_fault(error, "Out of memory. Use shorter clips or a smaller batch.", debug)
    except Exception as error:  # the last line of defence: a fault of ours, told as such
        message = f"This should not have happened: {type(error).__name__}: {error}. "
        message += "Run it again with --debug and report what it says."
        _tell_fault(error, FULL if tells_full(error) else message, debug)
    return ExitCode.FAULT


def _tell_fault(error: BaseException, message: str, debug: bool) -> None:
    if debug:
        traceback.print_exception(error)
    fault(message)


def _system_fault(error: OSError) -> str:
    if tells_full(error):
        return FULL if error.filename is None else f"{error.filename}: {FULL}"
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or error}. Check the path, its rights and the disk."


def main() -> None:
    """Entry point of the command ``angen``."""
    sys.exit(run(sys.argv[1:]))
