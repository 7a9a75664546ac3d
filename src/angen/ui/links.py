"""Addresses of the server's REST paths that the browser itself asks: sounds, reports, downloads.

They are relative, so that the page works under any address it is served from.
"""

from pathlib import PurePosixPath
from urllib.parse import quote


def _path(*parts: str) -> str:
    return "/".join(quote(part, safe="") for part in ("api", *parts))


def job_audio(job: str) -> str:
    """A song while it is being made."""
    return _path("jobs", job, "audio")


def song_audio(song: str) -> str:
    return _path("songs", song, "audio")


def upload_audio(upload: str) -> str:
    return _path("uploads", upload, "audio")


def row_audio(collection: str, row: str) -> str:
    """The clip of a row of the metadata table."""
    return _path("training", "collections", collection, "rows", row, "audio")


def clip_audio(dataset: str, file: str) -> str:
    """A clip of a training set; ``file`` is its path in the dataset."""
    return _path("training", "datasets", dataset, "clips", PurePosixPath(file).name, "audio")


def dataset_export(dataset: str) -> str:
    return _path("training", "datasets", dataset, "export")


def encoder_check(encoder: str) -> str:
    """The page of the newest check of an encoder."""
    return _path("encoder", "check", encoder, "check.html")


def encoder_export(encoder: str) -> str:
    return _path("encoder", encoder, "export")


def adapter_export(adapter: str) -> str:
    return _path("training", "lora-adapters", adapter, "export")


def adapter_file(adapter: str, file: str) -> str:
    """A file of the effect report, or a sample of the training, by its path in the adapter."""
    parts = PurePosixPath(file).parts
    return _path("training", "lora-adapters", adapter, "files", *parts)
