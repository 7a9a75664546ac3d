"""The pictures of README and docs, from the steps that the browser tests have just taken.

``make pictures`` runs the tests and then this.
"""

from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[2]
TAKEN = ROOT / "artifacts" / "browser"
SHOWN = ROOT / "docs" / "images"
COLOURS = 128  # enough for flat surfaces; a third of the size
PICTURES = {
    "studio-song": "story-*-heard-while-made",
    "studio-compare": "story-*-compared",
    "studio-metadata": "story-*-edited",
    "studio-training": "story-*-training",
    "studio-adapters": "story-*-adapters",
    "studio-phone": "page-390-dark-*-create",
}


def main() -> None:
    """Take over each picture; raises FileNotFoundError when a step was not taken."""
    for name, pattern in PICTURES.items():
        found = sorted(TAKEN.glob(f"{pattern}.png"))
        if not found:
            raise FileNotFoundError(f"{TAKEN}/{pattern}.png is missing. Run `make test-browser`.")
        with Image.open(found[-1]) as picture:
            flat = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
            flat.save(SHOWN / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
