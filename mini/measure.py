"""Measure the bundle that ships: ``python -m mini.measure``, prints the tables of docs/mini.md.

All on pieces of the pool ``unseen``, whose seeds no training has met.
"""

import argparse
import logging
from pathlib import Path

from angen.bundle import load_bundle
from angen.conditioning.style import load_style
from angen.parts import MINI
from mini.loop import WORK
from mini.material import open_material
from mini.measure_codec import codec_table, draw
from mini.measure_songs import (
    Chosen,
    composed_rows,
    song_rows,
    structure_rows,
    untrained_rows,
)
from mini.style import retrieval

log = logging.getLogger(__name__)
TABLES = ("composed", "songs", "untrained", "structure", "style", "codec")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", default=MINI, help="a folder, to measure another")
    parser.add_argument("--tables", nargs="*", choices=TABLES, default=TABLES)
    parser.add_argument("--songs", type=int, default=100)
    parser.add_argument("--clips", type=int, default=24, help="through the codec")
    parser.add_argument("--guidance", type=float, nargs="*", default=[3.0])
    parser.add_argument("--structured", type=int, default=20, help="songs with tags as lyrics")
    parser.add_argument("--pictures", type=Path, default=WORK, help="a folder for PNG files")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    bundle, material = load_bundle(given.bundle), open_material("unseen")
    chosen = Chosen.from_pool(material, given.songs)
    if "composed" in given.tables:
        composed_rows(bundle, chosen)
    for guidance in given.guidance if "songs" in given.tables else []:
        made = song_rows(bundle, chosen, guidance)
        draw(given.pictures / "mini-songs.png", chosen.prompts[:4], made[:4])
    if "untrained" in given.tables:
        untrained_rows(bundle, chosen)
    if "structure" in given.tables:
        structure_rows(bundle, chosen.prompts[: given.structured], given.guidance[-1])
    if "style" in given.tables:
        log.info("style encoder | %s", retrieval(load_style(bundle.folder), material, 100, 1))
    if "codec" in given.tables:
        codec_table(bundle, material, given.clips, given.pictures)


if __name__ == "__main__":
    main()
