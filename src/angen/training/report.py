"""The effect report as files: ``report.json`` for programs, ``report.html`` for people.

<adapter>/report.json
<adapter>/report.html     opens from the folder, without a network
<adapter>/report/         its sounds and pictures
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import torch
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from torch import Tensor

from angen.adapters.library import PAGE_FILE, REPORT_FILE
from angen.amounts import counted
from angen.audio.files import read_audio, write_wav
from angen.data.manifest import prompt_of
from angen.files import put_in_place, replacing
from angen.training import pictures
from angen.training.agreement import band_centres, long_term_spectrum
from angen.training.effect import EffectReport
from angen.training.evidence import Evidence, Take, spread
from angen.training.spaces import JUDGE, MEL, STYLE
from angen.training.verdict import percent

MEDIA = "report"
PAIRS = 4  # pairs of songs to listen to
NAMES = {JUDGE: "outside judge", STYLE: "the base's own style vectors", MEL: "mel statistics"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Listenable:
    """A sound of the page: its files, relative to the page."""

    title: str
    audio: str
    picture: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """Sounds to compare, side by side."""

    title: str
    sounds: tuple[Listenable, ...]


def write_report(report: EffectReport, seen: Evidence, folder: Path, dataset: Path) -> Path:
    """Write the report into the adapter's ``folder``; the path of its page.

    dataset: folder of the training set. ``report.json`` is written last: where it is, the rest is.

    Raises OutOfSpace when the disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    building = folder / f".{MEDIA}.part"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir()
    try:
        _draw(report, seen, building)
        rows = _pairs(seen, building)
        closest = _closest(report, seen, building, dataset)
        put_in_place(building, folder / MEDIA, replace=True)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    page = folder / PAGE_FILE
    with replacing(page) as beside:
        beside.write_text(_page(report, rows, closest), encoding="utf-8")
    with replacing(folder / REPORT_FILE) as beside:
        text = json.dumps(report.as_json(), ensure_ascii=False, indent=1, default=str)
        beside.write_text(text + "\n", encoding="utf-8")
    return page


def _draw(report: EffectReport, seen: Evidence, media: Path) -> None:
    sets = {"base": seen.base, "adapter": seen.adapter, "real": seen.real}
    pictures.ways(report.measures, media / "ways.png")
    pictures.scatter(
        {
            key: np.array([take.points[report.space].mean(0) for take in takes])
            for key, takes in (sets | {"others": seen.others}).items()
            if takes
        },
        media / "songs.png",
    )
    pictures.copies(report.memorisation, media / "copies.png")
    curves = {
        key: np.mean([long_term_spectrum(t.audio.numpy(), seen.rate_hz) for t in takes], axis=0)
        for key, takes in sets.items()
    }
    pictures.spectra(curves, band_centres(seen.rate_hz), media / "spectra.png")


def _pairs(seen: Evidence, media: Path) -> list[Row]:
    """Before, after, and a recording that the prompt describes."""
    rows = []
    for index in spread(range(len(seen.base)), PAIRS):
        base, made = seen.base[index], seen.adapter[index]
        real = next((t for t in seen.collection if t.clip == made.clip), seen.real[0])
        sounds = [("before: base", base), ("after: with adapter", made), ("recording", real)]
        rows.append(
            Row(
                title=f"{prompt_of(made.clip.metadata)} (seed {made.seed})",
                sounds=tuple(
                    _listenable(title, take.audio, seen.rate_hz, media, f"{index:02d}-{n}")
                    for n, (title, take) in enumerate(sounds)
                ),
            )
        )
    return rows


def _closest(report: EffectReport, seen: Evidence, media: Path, dataset: Path) -> Row:
    """The song nearest to a training clip, and the part of that clip that it is near to."""
    found = report.memorisation
    window_s = float(report.config["window_s"])
    song: Take = seen.adapter[found.song]
    first = round(found.song_s * seen.rate_hz)
    part = song.audio[first : first + round(window_s * seen.rate_hz)]
    sound = read_audio(
        dataset / found.clip,
        rate_hz=seen.rate_hz,
        mono=True,
        start_s=found.clip_s,
        duration_s=window_s,
    )
    clip = torch.from_numpy(sound.samples[0])
    sounds: Sequence[tuple[str, Tensor]] = [
        (f"song {found.song + 1}, from {found.song_s:.1f} s", part),
        (f"{found.clip}, from {found.clip_s:.1f} s", clip),
    ]
    return Row(
        title=f"similarity {found.closest:.2f} to {found.clip}; copies lie above {found.limit:.2f}",
        sounds=tuple(
            _listenable(title, audio, seen.rate_hz, media, f"closest-{n}")
            for n, (title, audio) in enumerate(sounds)
        ),
    )


def _listenable(title: str, audio: Tensor, rate_hz: int, media: Path, name: str) -> Listenable:
    samples = audio.clamp(-1, 1).numpy()  # a real excerpt may be louder than full scale
    write_wav(media / f"{name}.wav", samples, rate_hz)
    pictures.spectrogram(samples, rate_hz, media / f"{name}.png")
    return Listenable(title=title, audio=f"{MEDIA}/{name}.wav", picture=f"{MEDIA}/{name}.png")


def _page(report: EffectReport, rows: Sequence[Row], closest: Row) -> str:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "counted": counted, "moment": _moment}
    template = environment.get_template("report.html.jinja")
    return template.render(report=report, rows=rows, closest=closest, media=MEDIA, names=NAMES)


def _moment(text: str) -> str:
    """A time in UTC, as it stands in ``report.json``, for a person."""
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M} UTC"
