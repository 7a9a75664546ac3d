"""``angen adapters``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from angen.cli.options import AsJson, settings_of
from angen.cli.terminal import say, tell, tell_json, tell_table

if TYPE_CHECKING:
    from angen.adapters.library import AdapterInfo

app = typer.Typer()
library = typer.Typer(
    no_args_is_help=True,
    help="The library of adapters: list, show, rename, delete, export, import, merge.",
)
app.add_typer(library, name="adapters")

Name = Annotated[str, typer.Argument(help="Name of the adapter.", show_default=False)]


@library.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """All adapters."""
    from angen.studio.learning.adapters import list_lora_adapters

    found = list_lora_adapters(settings_of(context))
    if as_json:
        tell_json(found)
        return
    columns = ("Name", "Created", "Steps", "Type", "Effect", "MB", "")
    tell_table(columns, [_row(info) for info in found], "There are none yet: run `angen train`.")


@library.command()
def show(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """How an adapter came to be, and what it does."""
    from angen.studio.learning.adapters import show_lora_adapter

    info = show_lora_adapter(settings_of(context), name)
    if as_json:
        tell_json(info)
        return
    tell(f"{info.name}: {info.folder}")
    if info.metadata is not None:
        facts = info.metadata.model_dump(mode="json", exclude={"effect", "libraries"})
        rows = [(key, value) for key, value in facts.items() if value not in (None, "", [], {})]
        tell_table(("What", "Value"), rows, "")
    if info.report is not None:
        tell(str(info.report.get("sentence", "")))
    for text in (info.unfinished, info.problem):
        if text:
            say(text)


@library.command()
def rename(
    context: typer.Context,
    name: Name,
    new_name: Annotated[str, typer.Argument(help="Its new name.", show_default=False)],
) -> None:
    """Give an adapter another name."""
    from angen.studio.learning.adapters import rename_lora_adapter
    from angen.studio.orders import unneeded
    from angen.studio.resources import adapter

    settings = settings_of(context)
    with unneeded(settings, adapter(name), adapter(new_name)):
        folder = rename_lora_adapter(settings, name, new_name)
    tell(str(folder))


@library.command()
def delete(
    context: typer.Context,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete an adapter with its checkpoints and reports."""
    from angen.studio.learning.adapters import delete_lora_adapter, show_lora_adapter
    from angen.studio.orders import unneeded
    from angen.studio.resources import adapter

    settings = settings_of(context)
    info = show_lora_adapter(settings, name)
    if not yes:
        typer.confirm(
            f"Delete {info.folder} ({info.size_bytes / 1e6:.0f} MB) for good?", abort=True
        )
    delete_lora_adapter(settings, name, unneeded(settings, adapter(name)))
    tell(f"{name} is deleted.")


@library.command("export")
def export(
    context: typer.Context,
    name: Name,
    target: Annotated[Path | None, typer.Argument(help="A .zip, or a folder for it.")] = None,
) -> None:
    """Write an adapter as one .zip, to pass it on.

    [bold]Example[/]

    angen adapters export my_band_lora my_band_lora.zip
    """
    from angen.studio.learning.adapters import export_lora_adapter

    tell(str(export_lora_adapter(settings_of(context), name, target or Path())))


@library.command("import")
def import_(
    context: typer.Context,
    source: Annotated[
        Path,
        typer.Argument(help="A .zip, a .safetensors file or a PEFT folder.", show_default=False),
    ],
    name: Annotated[str | None, typer.Option(help="Its name here. (default: as it was)")] = None,
) -> None:
    """Take an adapter into the library: a .zip of ours, or a plain LoRA of another tool.

    That is a PEFT folder, a trainer's checkpoint, or a .safetensors file as PEFT, diffusers,
    ComfyUI and kohya name its tensors. What such a file does not say is told.

    [bold]Example[/]

    angen adapters import friend.zip --name friends_lora
    """
    from angen.studio.learning.exchange import import_lora_adapter

    imported = import_lora_adapter(settings_of(context), source, name)
    tell(str(imported.folder))
    for warning in imported.warnings:
        say(warning)


@library.command()
def merge(
    context: typer.Context,
    adapters: Annotated[
        list[str], typer.Argument(metavar="NAME[:STRENGTH]...", help="Two or more adapters.")
    ],
    name: Annotated[str, typer.Option(help="Name of the new adapter.")],
) -> None:
    """Make one adapter that does what several do together.

    [bold]Example[/]

    angen adapters merge jazz:0.7 choir:0.5 --name jazz_choir
    """
    from angen.cli.songs import use_of
    from angen.studio.learning.exchange import merge_lora_adapters

    info = merge_lora_adapters(settings_of(context), [use_of(text) for text in adapters], name)
    tell(str(info.folder))


def _row(info: "AdapterInfo") -> tuple[object, ...]:
    facts = info.metadata
    return (
        info.name,
        facts.created[:10] if facts else "",
        facts.steps if facts else "",
        facts.kind if facts else "",
        _effect(info),
        f"{info.size_bytes / 1e6:.1f}",
        " ".join(text for text in (info.unfinished, info.problem) if text),
    )


def _effect(info: "AdapterInfo") -> str:
    """The verdict of the report in a word or two."""
    if info.report is None:
        return "not measured"
    effect = info.report.get("effect")
    reduction = effect.get("reduction") if isinstance(effect, dict) else None
    verdict = str(info.report.get("verdict", "")).replace("_", " ")
    if verdict == "closer" and isinstance(reduction, int | float):
        return f"{min(reduction, 1):.0%} closer".replace("%", " %")
    return verdict
