"""Base models from the Hugging Face hub, kept as folders, and what lies there already.

A fetched bundle is ``<owner>--<name>`` in the models folder, with ``source.json`` that says which
revision it is. It is fetched beside and renamed when whole.
"""

import errno
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from httpx2 import HTTPError
from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import (
    GatedRepoError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from angen.amounts import size_text
from angen.errors import BadInput, MissingWeights, OutOfSpace
from angen.files import linked, put_in_place, restore_replaced
from angen.parts import MULAN, PARTS, RELEASED, file_sha256, files_of, has_part

OnStep = Callable[[int, int], None]  # megabytes fetched, in all; may raise Stopped

SUFFIXES = (".json", ".safetensors", ".bin")
SOURCE = "source.json"
_MB = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteFile:
    """A file of a repository."""

    name: str
    size_bytes: int
    sha256: str = ""  # where the hub knows it: of large files


class Hub(Protocol):
    """What is needed of the hub. Tests pass one of their own."""

    def files(self, repo: str, revision: str | None) -> tuple[str, Sequence[RemoteFile]]:
        """The exact revision, and its files."""

    def download(self, repo: str, revision: str, name: str, folder: Path) -> None:
        """Put a file into ``folder``, wholly or not at all."""


class HuggingFace:
    """The hub itself. Its own variables (HF_TOKEN, HF_ENDPOINT, HF_HUB_OFFLINE) hold.

    endpoint: of a mirror; as the variable says when None.
    """

    def __init__(self, endpoint: str | None = None) -> None:
        self.endpoint = endpoint

    def files(self, repo: str, revision: str | None) -> tuple[str, Sequence[RemoteFile]]:
        api = HfApi(endpoint=self.endpoint)
        info = api.model_info(repo, revision=revision, files_metadata=True, timeout=20)
        found = [
            RemoteFile(
                name=file.rfilename,
                size_bytes=file.size or 0,
                sha256=file.lfs.sha256 if file.lfs else "",
            )
            for file in info.siblings or []
        ]
        return str(info.sha), found

    def download(self, repo: str, revision: str, name: str, folder: Path) -> None:
        hf_hub_download(repo, name, revision=revision, local_dir=folder, endpoint=self.endpoint)


def folder_of(repo: str, models: Path) -> Path:
    """Where a repository's bundle lies, fetched or not.

    Raises BadInput for what is no ``owner/name``.
    """
    owner, slash, name = repo.partition("/")
    if not slash or not all(part and part[0].isalnum() for part in (owner, name)) or "/" in name:
        raise BadInput(f"{repo!r} is not a hub id. Write owner/name, such as {RELEASED}.")
    return models / f"{owner}--{name}"


def fetch(
    repo: str,
    models: Path,
    on_step: OnStep,
    *,
    revision: str | None = None,
    hub: Hub | None = None,
) -> Path:
    """The folder of a base model, fetched unless it is there.

    A run that broke off is gone on with, file by file. Raises BadInput for an id that is none or
    that the hub does not know, MissingWeights when the hub cannot be reached or has no bundle
    there, OutOfSpace.
    """
    place = folder_of(repo, models)
    restore_replaced(models)
    if (place / SOURCE).is_file() and revision is None:
        return place
    hub = hub or HuggingFace()
    with _explained(repo):
        exact, files = hub.files(repo, revision)
        wanted = [file for file in files if _belongs(file.name)]
        _require_bundle(repo, wanted)
        beside = place.with_name(f".{place.name}.{exact[:12]}.part")
        _require_space(beside, sum(file.size_bytes for file in wanted))
        _download(hub, repo, exact, wanted, beside, on_step)
    source = {"repo": repo, "revision": exact}
    (beside / SOURCE).write_text(json.dumps(source, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(beside / ".cache", ignore_errors=True)
    _keep_additions(place, beside)
    put_in_place(beside, place, replace=True)
    return place


def _keep_additions(place: Path, beside: Path) -> None:
    """What was added to an older revision here, a fitted encoder or style encoder, comes along."""
    for name in (*PARTS["encoder"], *PARTS["style"], MULAN):
        if (place / name).is_dir() and not (beside / name).exists():
            shutil.copytree(place / name, beside / name, copy_function=linked)
        elif (place / name).exists() and not (beside / name).exists():
            linked(place / name, beside / name)


def file_names(repo: str, *, revision: str | None = None, hub: Hub | None = None) -> set[str]:
    """The names of a repository's files. Raises as ``fetch`` does."""
    with _explained(repo):
        return {file.name for file in (hub or HuggingFace()).files(repo, revision)[1]}


def fetch_files(
    repo: str,
    folder: Path,
    wanted: Callable[[str], bool],
    on_step: OnStep,
    *,
    revision: str | None = None,
    hub: Hub | None = None,
) -> list[Path]:
    """The files of a repository that are ``wanted`` by name, fetched into ``folder`` unless there.

    Raises as ``fetch`` does.
    """
    hub = hub or HuggingFace()
    with _explained(repo):
        exact, files = hub.files(repo, revision)
        chosen = [file for file in files if wanted(file.name)]
        if not chosen:
            raise MissingWeights(f"{repo} has none of the files that are needed.")
        _require_space(folder, sum(file.size_bytes for file in chosen))
        _download(hub, repo, exact, chosen, folder, on_step)
    shutil.rmtree(folder / ".cache", ignore_errors=True)
    return [folder / file.name for file in chosen]


def _belongs(name: str) -> bool:
    stem, dot, suffix = name.rpartition(".")
    return (stem in PARTS and dot + suffix in SUFFIXES) or name.upper().startswith("LICENSE")


def _require_bundle(repo: str, files: Sequence[RemoteFile]) -> None:
    names = {file.name for file in files}
    for part in ("model", "decoder"):
        weights = {f"{part}.safetensors", f"{part}.bin"}
        if f"{part}.json" not in names or not weights & names:
            raise MissingWeights(
                f"{repo} is not a bundle: it has no {part}.json with {part}.safetensors. "
                f"{RELEASED} is one."
            )


def _require_space(place: Path, needed_bytes: int) -> None:
    place.mkdir(parents=True, exist_ok=True)
    have = sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
    free = shutil.disk_usage(place).free
    if needed_bytes - have > free:
        raise OutOfSpace(
            f"The model needs {size_text(needed_bytes)} and {place.parent} has "
            f"{size_text(free)} left. Free some space there, or set ANGEN_HOME to another disk."
        )


def _download(
    hub: Hub, repo: str, revision: str, files: Sequence[RemoteFile], folder: Path, on_step: OnStep
) -> None:
    total = sum(file.size_bytes for file in files)
    done = 0
    on_step(0, total // _MB)
    for file in files:
        if not (folder / file.name).is_file():
            hub.download(repo, revision, file.name, folder)
            _require_whole(repo, file, folder / file.name)
        done += file.size_bytes
        on_step(done // _MB, total // _MB)


def _require_whole(repo: str, file: RemoteFile, path: Path) -> None:
    """Nothing when a file is what the hub says; else it is removed, so that it is fetched again."""
    if not file.sha256 or file_sha256(path) == file.sha256:
        return
    path.unlink()
    raise MissingWeights(
        f"{file.name} of {repo} arrived damaged (another sha256 than the hub's) and was removed. "
        "Fetch it again."
    )


@contextmanager
def _explained(repo: str) -> Iterator[None]:
    """The hub's failures, in words that say what to do."""
    try:
        yield
    except GatedRepoError as error:
        raise MissingWeights(
            f"{repo} asks for an agreement: accept it at https://huggingface.co/{repo}, then set "
            "HF_TOKEN."
        ) from error
    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise BadInput(
            f"The hub has no {repo} (or not in that revision). Check its name."
        ) from error
    except (HTTPError, OSError) as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OutOfSpace(f"No space left to fetch {repo}. Free some space.") from error
        raise MissingWeights(
            f"{repo} could not be fetched ({error}). Files that came whole are kept: try again "
            "when the hub can be reached, or copy its files into a folder and name that folder as "
            "the base."
        ) from error


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """A base model on this machine."""

    name: str
    folder: Path
    parts: tuple[str, ...]
    size_bytes: int
    revision: str | None = None


def fetched(models: Path) -> list[Fetched]:
    """The base models in the models folder, by name."""
    if not models.is_dir():
        return []
    restore_replaced(models)
    folders = sorted(f for f in models.iterdir() if f.is_dir() and not f.name.startswith("."))
    return [describe(folder, folder.name.replace("--", "/", 1)) for folder in folders]


def describe(folder: Path, name: str) -> Fetched:
    """Which parts a bundle's folder has, and how large they are."""
    parts = tuple(part for part in PARTS if has_part(folder, part))
    files = {folder / name for part in parts for name in files_of(folder, part)}
    return Fetched(
        name=name,
        folder=folder,
        parts=parts,
        size_bytes=sum(file.stat().st_size for file in files if file.is_file()),
        revision=_revision(folder / SOURCE),
    )


def _revision(source: Path) -> str | None:
    try:
        return str(json.loads(source.read_text(encoding="utf-8"))["revision"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # copied by hand
