"""Files that a browser has uploaded: they lie in a folder of Gradio until they are taken."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gradio.utils import get_upload_folder

from angen.errors import BadInput


@contextmanager
def uploaded(path: str | Path) -> Iterator[Path]:
    """An uploaded file; it is removed from Gradio's folder afterwards, taken or not.

    Raises BadInput for any other file: a request can name whatever it likes.
    """
    file = Path(path).resolve()
    if not file.is_relative_to(Path(get_upload_folder()).resolve()) or not file.is_file():
        raise BadInput(f"{file.name!r} was not uploaded by this page. Upload it again.")
    try:
        yield file
    finally:
        file.unlink(missing_ok=True)
