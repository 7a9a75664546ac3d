"""Write what was trained as the bundle that ships: ``python -m mini.pack``."""

import argparse
import logging
from pathlib import Path

import torch

import angen
from angen.conditioning.style import save_style
from angen.diffrhythm.weights import save_dit
from angen.vocoder.weights import save_decoder, save_encoder
from mini.codec import trained_decoder, trained_encoder
from mini.dit import trained_dit
from mini.material import open_material
from mini.recordings import listed, table, unseen
from mini.style import fit_usual_tempo, trained

log = logging.getLogger(__name__)
BUNDLE = Path(angen.__file__).parent / "bundles" / "mini"
LARGEST_BYTES = 24_000_000
LICENCE = """# Licence of these weights

Creative Commons Attribution-ShareAlike 4.0 International,
https://creativecommons.org/licenses/by-sa/4.0/ - (c) 2026 Angen Studio developers. The program
around them is Apache-2.0.

They were trained on music that a program of this project composed. The decoder has learned from the
recordings below too.

"""


def pack(folder: Path) -> int:
    """Write all parts in float16 to ``folder``; returns their bytes.

    Raises ValueError when they are larger than what may ship.
    """
    folder.mkdir(parents=True, exist_ok=True)
    save_encoder(trained_encoder(), folder, torch.float16)
    save_decoder(trained_decoder(), folder, torch.float16)
    style = trained()
    fit_usual_tempo(style, open_material("train").entries)
    save_style(style, folder, torch.float16)
    save_dit(trained_dit(), folder, torch.float16)
    write_licence(folder)
    size = sum(path.stat().st_size for path in folder.iterdir())
    if size >= LARGEST_BYTES:
        raise ValueError(f"{folder} has {size} bytes; the bundle must stay below {LARGEST_BYTES}")
    return size


def write_licence(folder: Path) -> None:
    """Say whose recordings the weights learned from, and on what terms they are given."""
    recordings = listed()
    learned = [one for one in recordings if one not in unseen(recordings)]
    (folder / "LICENSE.md").write_text(LICENCE + table(learned) + "\n", encoding="utf-8")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=BUNDLE)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    log.info("%s: %.2f MB", given.folder, pack(given.folder) / 1e6)


if __name__ == "__main__":
    main()
