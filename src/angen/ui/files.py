"""Files that a browser has brought: Gradio keeps them in a folder of its own until we take them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def brought(path: str | Path) -> Iterator[Path]:
    """A file that was brought; it is removed from Gradio's folder afterwards, taken or not."""
    own = Path(path)
    try:
        yield own
    finally:
        own.unlink(missing_ok=True)
