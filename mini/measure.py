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
from mini.measure_songs import songs_tables, structure_tables
from mini.style import retrieval

log = logging.getLogger(__name__)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", default=MINI, help="a folder, to measure another")
    parser.add_argument("--songs", type=int, default=100)
    parser.add_argument("--clips", type=int, default=24, help="through the codec; 0: leave it out")
    parser.add_argument("--guidance", type=float, nargs="*", default=[3.0])
    parser.add_argument("--structure", type=int, default=20, help="songs for lengths and sections")
    parser.add_argument("--pictures", type=Path, default=WORK, help="a folder for PNG files")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    bundle, material = load_bundle(given.bundle), open_material("unseen")
    made = songs_tables(bundle, material, given.songs, given.guidance)
    if given.structure:
        structure_tables(bundle, material, given.structure, given.guidance[-1])
    draw(given.pictures / "mini-songs.png", [f"song {i}" for i in range(4)], made[:4])
    log.info("style encoder | %s", retrieval(load_style(bundle.folder), material, 100, 1))
    if given.clips:
        codec_table(bundle, material, given.clips, given.pictures)


if __name__ == "__main__":
    main()
