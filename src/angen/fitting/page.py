"""What a fitted encoder is told of: the page of a check, and the card beside published weights.

check/check.html, check.json    the page opens from its folder, without a network
check/sounds/                   originals and what came back
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from angen.audio.files import write_wav
from angen.files import fresh_folder, put_in_place, replacing
from angen.fitting.check import EncoderReport, Heard

PAGE_FILE, REPORT_FILE, SOUNDS = "check.html", "check.json", "sounds"
LISTENED = 6  # recordings on the page


def figures(report: EncoderReport) -> list[tuple[str, str, str]]:
    """What was measured, the value, and what it is held against."""
    return [
        ("mel distance", _number(report.mel), f"{report.own_mel:.3f} for the model's own songs"),
        ("multi-resolution spectral distance", _number(report.spectral), ""),
        ("level", f"{report.loudness_db:.2f} dB off", ""),
        ("style vectors agree", _number(report.style), "1 is the same"),
        ("tempo kept", _share(report.tempo), ""),
        ("key kept", _number(report.key), "1 is the same key"),
        ("latents' means", _number(report.mean_off), "0 is as the model's own"),
        ("latents' deviations", _number(report.deviation), "1 is as the model's own"),
        (
            "denoising error of latents",
            _number(report.unlikely),
            f"{report.own_unlikely:.3f} for the model's own",
        ),
        ("latent error on the model's own songs", _number(report.latent_error), "0 is exact"),
    ]


def write_check(
    report: EncoderReport, heard: Sequence[Heard], folder: Path, rate_hz: int, title: str
) -> Path:
    """Write page, figures and sounds in the place of earlier ones; the path of the page.

    Raises OutOfSpace.
    """
    with fresh_folder(folder.parent, f".{folder.name}.part-") as beside:
        _write_check(report, heard, beside, rate_hz, title)
        put_in_place(beside, folder, replace=True)
    return folder / PAGE_FILE


def _write_check(
    report: EncoderReport, heard: Sequence[Heard], folder: Path, rate_hz: int, title: str
) -> None:
    players = []
    for i, item in enumerate(heard[:LISTENED]):
        names = [f"{SOUNDS}/{i}_{kind}.wav" for kind in ("original", "returned")]
        for name, audio in zip(names, (item.original, item.returned), strict=True):
            write_wav(folder / name, audio.clamp(-1, 1).numpy(), rate_hz)
        players.append({"title": item.title, "sounds": names, "mel": f"{item.mel:.3f}"})
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
    )
    page = environment.get_template("check.html.jinja").render(
        title=title, report=report, rows=figures(report), players=players
    )
    with replacing(folder / PAGE_FILE) as path:
        path.write_text(page, encoding="utf-8")
    with replacing(folder / REPORT_FILE) as path:
        path.write_text(json.dumps(asdict(report), indent=1) + "\n", encoding="utf-8")


def card(
    name: str, values: Mapping[str, Any], check: Mapping[str, Any] | None, licence: str
) -> str:
    """The model card in Markdown, with the header that hubs read.

    values: of ``encoder.json``. check: of ``check.json``, None where none was made.
    """
    fit = values.get("fit") or {}
    recipe = fit.get("recipe") or {}
    rows = [f"| {key} | {value} |" for key, value in {**fit, **recipe}.items() if key != "recipe"]
    measured = ["Not measured: run `angen encoder check`."]
    if check is not None:
        report = EncoderReport(**{**check, "faults": tuple(check["faults"])})
        lines = [f"| {what} | {value} | {note} |" for what, value, note in figures(report)]
        faults = [f"- {fault}" for fault in report.faults]
        measured = [report.sentence, "", *faults, "", "| | | |", "|---|---|---|", *lines]
    return "\n".join(
        [
            "---",
            f"license: {licence}",
            "tags: [music, audio-encoder, diffrhythm2, angen]",
            f"base_model: {json.dumps(name, ensure_ascii=False)}",
            "---",
            "",
            f"# An audio encoder for {name}",
            "",
            "Turns recordings into the latents of this decoder, fitted against it by Angen Studio: "
            f"`{values['decoder']}` (sha256 over the decoder's files). With any other decoder its "
            "latents mean nothing.",
            "",
            "## How good",
            "",
            *measured,
            "",
            "## Fitted with",
            "",
            "| | |",
            "|---|---|",
            *rows,
            "",
            "## Use",
            "",
            "Put `encoder.json` and `encoder.safetensors` into the folder of the base model; "
            "`angen train` then finds them by itself.",
            "",
        ]
    )


def _number(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.3f}"


def _share(value: float | None) -> str:
    return "not measured" if value is None else f"{100 * value:.0f} %"
