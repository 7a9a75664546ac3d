"""Options that several commands share, and the settings that they make."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from angen.studio.settings import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class Common:
    """What is said before the command: ``angen --home DIR train ...``."""

    home: Path | None
    device: str | None
    quiet: bool


AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON, for programs.")]
Sources = Annotated[
    list[Path],
    typer.Argument(help="Recordings, or folders of them.", show_default=False),
]
Base = Annotated[
    str | None,
    typer.Option(help="Base model: mini, a folder, or a fetched hub id.", show_default="mini"),
]


def settings_of(context: typer.Context, base: str | None = None) -> "Settings":
    """The settings for this command: options, then environment, then defaults."""
    from angen.studio.settings import read_settings

    common: Common = context.obj
    return read_settings(home=common.home, device=common.device, base=base)
