"""``angen studio``: the server with page and REST."""

import os
import socket
import sys
import threading
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from angen.cli.options import settings_of
from angen.cli.terminal import say, tell
from angen.errors import BadInput, Stopped

if TYPE_CHECKING:
    from pydantic import SecretStr

    from angen.api.access import Access
    from angen.studio.settings import Settings

app = typer.Typer()

MAX_PASSWORD = 1_000  # characters read from a file


@app.command()
def studio(
    context: typer.Context,
    host: Annotated[
        str, typer.Option(help="Address to listen at; 0.0.0.0: all, for other machines.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 7860,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")
    ] = True,
    auth: Annotated[
        str | None,
        typer.Option(
            metavar="USER:PASSWORD",
            help="Ask for it. Others on this machine see it in the list of processes: "
            "--auth-file or ANGEN_AUTH keep it hidden.",
        ),
    ] = None,
    auth_file: Annotated[Path | None, typer.Option(help="A file that holds user:password.")] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(help="Another address of the page, as behind a proxy. Repeatable."),
    ] = None,
    home: Annotated[
        Path | None, typer.Option(help="Where everything lies. (default: ANGEN_HOME, ~/angen)")
    ] = None,
) -> None:
    """The studio in the browser: page, REST and a queue that outlives both.

    Ctrl-C saves what runs; it goes on at the next start.

    [bold]Examples[/]

    angen studio

    angen studio --host 0.0.0.0 --auth-file password.txt --no-browser
    """
    from angen.api.access import read_access

    settings = settings_of(context)
    if home is not None:
        settings = settings.model_copy(update={"home": home.expanduser().absolute()})
    access = read_access(
        host,
        password=_password(auth, auth_file) or _secret(settings.auth),
        token=_secret(settings.token),
        origins=allow_origin or (),
    )
    _serve(settings, access, host, port, browser)


def _serve(settings: "Settings", access: "Access", host: str, port: int, browser: bool) -> None:
    """Answer until somebody stops it."""
    from angen.api.app import create_app
    from angen.cli.serving import (
        build_page,
        claimed,
        hand_on,
        keep_within,
        listening,
        serve,
        with_page,
    )
    from angen.jobs.store import Store

    hand_on(settings)
    with (
        claimed(settings.home) as note,
        Store(settings.database) as store,
        listening(host, port) as listener,
    ):
        store.verify()
        address = _address(host, listener.getsockname()[1])
        note(address)
        keep_within(settings)
        server = create_app(settings, store=store, access=access)
        with_page(server, build_page)
        tell(f"Angen Studio: {address}  (Ctrl-C ends it)")
        if browser:
            _open(address)
        try:
            serve(server, listener, lambda: say("Saving what runs ... (again: do not wait)"))
        except Stopped:
            say("Stopped. What ran is saved, and goes on at the next start.")


def _password(text: str | None, file: Path | None) -> str | None:
    """``user:password`` from the command line or a file. Raises BadInput for both, or no file."""
    if file is None:
        return text
    if text is not None:
        raise BadInput("Give --auth or --auth-file, not both.")
    try:
        with file.open(encoding="utf-8") as lines:
            return lines.read(MAX_PASSWORD).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"--auth-file {file} cannot be read: {error}.") from error


def _secret(value: "SecretStr | None") -> str | None:
    return None if value is None else value.get_secret_value()


def _address(host: str, port: int) -> str:
    """Where the page is found."""
    name = socket.gethostname() if host in ("0.0.0.0", "::", "") else host
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def _open(address: str) -> None:
    """Open the page in a window; a browser inside of the terminal would be no help."""
    if sys.platform.startswith("linux") and not {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ):
        return
    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
