"""Measure the bundle that ships: ``python -m mini.measure``, prints the tables of docs/mini.md.

All on pieces of the pool ``unseen``, whose seeds no training has met.
"""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

import soundfile
from torch import Tensor

from angen.bundle import Bundle, load_bundle
from angen.conditioning.style import load_style
from angen.files import replacing
from angen.parts import MINI
from mini.bank import RATE_HZ
from mini.loop import WORK
from mini.material import Material, open_material
from mini.measure_codec import CLIP_S, codec_table, composed_stretches, draw
from mini.measure_songs import (
    Chosen,
    composed_rows,
    long_rows,
    song_rows,
    structure_rows,
    untrained_rows,
)
from mini.measure_style import instruments_told, recorded_rows
from mini.recorded import stretches
from mini.style import retrieval

log = logging.getLogger(__name__)
SOUNDS = 6  # songs to listen to
TABLES = ("composed", "songs", "untrained", "structure", "long", "style", "codec")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", default=MINI, help="a folder, to measure another")
    parser.add_argument("--tables", nargs="*", choices=TABLES, default=TABLES)
    parser.add_argument("--songs", type=int, default=100)
    parser.add_argument("--clips", type=int, default=24, help="through the codec")
    parser.add_argument("--guidance", type=float, nargs="*", default=[3.0])
    parser.add_argument("--recordings", type=Path, nargs="*", default=[], help="of real music")
    parser.add_argument("--sounds", type=Path, help="a folder for the first songs, as Ogg Opus")
    parser.add_argument("--structured", type=int, default=20, help="songs with tags as lyrics")
    parser.add_argument("--long", type=int, default=72, help="as much music as so many songs")
    parser.add_argument("--pictures", type=Path, default=WORK, help="a folder for PNG files")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    bundle, material = load_bundle(given.bundle), open_material("unseen")
    recorded: dict[str, list[Tensor]] = {}
    for folder in given.recordings:
        if folder.name in recorded:
            parser.error(f"two folders are called {folder.name}: their rows would be alike")
        recorded[folder.name] = stretches(folder, given.clips, CLIP_S)
        if not recorded[folder.name]:
            parser.error(f"{folder} has no recording of {CLIP_S} s that sounds in its middle")
    if {"composed", "songs", "untrained", "structure", "long"} & set(given.tables):
        song_tables(given, bundle, material)
    if "style" in given.tables:
        style = load_style(bundle.folder)
        log.info("style encoder | %s", retrieval(style, material, 100, 1))
        log.info("instruments told | %.3f", instruments_told(style, material, 100, 1))
        for name, waves in recorded.items():
            recorded_rows(name, style, waves)
    if "codec" in given.tables:
        waves = composed_stretches(material, given.clips)
        codec_table(bundle, waves, "composed", given.pictures / "mini-codec.png")
        for name, found in recorded.items():
            codec_table(bundle, found, name, given.pictures / f"mini-{name}.png")


def song_tables(given: argparse.Namespace, bundle: Bundle, material: Material) -> None:
    """What has to do with songs that the model makes."""
    chosen = Chosen.from_pool(material, given.songs)
    if "composed" in given.tables:
        composed_rows(bundle, chosen)
    for guidance in given.guidance if "songs" in given.tables else []:
        made = song_rows(bundle, chosen, guidance)
        draw(given.pictures / "mini-songs.png", chosen.prompts[:4], made[:4])
        if given.sounds:
            keep(given.sounds, made[:SOUNDS])
    if "untrained" in given.tables:
        untrained_rows(bundle, chosen)
    if "structure" in given.tables:
        structure_rows(bundle, chosen.prompts[: given.structured], given.guidance[-1])
    if "long" in given.tables:
        long_rows(bundle, chosen, given.long, given.guidance[-1])


def keep(folder: Path, waves: Sequence[Tensor]) -> None:
    """Write songs (S,) as small files to listen to."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, wave in enumerate(waves, 1):
        with replacing(folder / f"mini-{number}.ogg") as beside:
            sound = wave.clamp(-1, 1).numpy()
            soundfile.write(beside, sound, RATE_HZ, format="OGG", subtype="OPUS")


if __name__ == "__main__":
    main()
