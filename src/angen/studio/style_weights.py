"""The weights of MuQ-MuLan, the style encoder of DiffRhythm 2: from where, and on what terms.

They come in exact revisions from three repositories, into the folder of the base model that needs
them. Needs no torch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from angen.errors import BadInput
from angen.files import put_in_place
from angen.hub import Hub, HuggingFace, fetch_files, file_names, folder_of
from angen.parts import MULAN, PARTS, has_part
from angen.studio.watch import OnStep


@dataclass(frozen=True, kw_only=True, slots=True)
class Licence:
    """On what terms weights may be used."""

    of: str
    name: str
    url: str
    means: str

    @property
    def text(self) -> str:
        """What a person is shown before agreeing."""
        return f"{self.of}: {self.name}. {self.means} {self.url}"


Accept = Callable[[Licence], bool]  # shows a licence and asks; true when it is accepted

MULAN_LICENCE = Licence(
    of="The weights of MuQ-MuLan-large (OpenMuQ, Tencent AI Lab), the style encoder of "
    "DiffRhythm 2, 2.7 GB",
    name="CC-BY-NC 4.0",
    url="https://creativecommons.org/licenses/by-nc/4.0/",
    means="They may be used and shared with attribution, not for commercial purposes.",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Files of one repository in one exact revision."""

    repo: str
    revision: str
    files: tuple[str, ...]


SOURCES = (
    Source(
        repo="OpenMuQ/MuQ-MuLan-large",
        revision="2e01c796b71dca71b45251384c04cd7b237c9020",
        files=("config.json", "model.safetensors", "pytorch_model.bin"),
    ),
    Source(  # the weights of these two are inside those of the first
        repo="OpenMuQ/MuQ-large-msd-iter",
        revision="0562a57814f6f8bbd9fdea0a25921a2fce1a841a",
        files=("config.json",),
    ),
    Source(
        repo="FacebookAI/xlm-roberta-base",
        revision="e73636d4f797dec63c3081bb6ed5c7b0bb3f2089",
        files=("config.json", "tokenizer.json"),
    ),
)


def refuse(_licence: Licence) -> bool:
    """Nobody is there to agree."""
    return False


def require_accepted(licence: Licence, accept: Accept) -> None:
    """Raises BadInput, with the licence and how to accept it, unless it is accepted."""
    if not accept(licence):
        raise BadInput(
            f"Nothing was fetched: the licence is not accepted. {licence.text} To accept it, "
            "answer yes at a terminal, or give --accept-licence (accept_licence in a request)."
        )


def lacks_style(
    repo: str, models: Path, *, revision: str | None = None, hub: Hub | None = None
) -> bool:
    """Whether a base, here or on the hub, has no style encoder yet.

    Raises BadInput for what is no hub id, MissingWeights when the hub cannot be reached.
    """
    place = folder_of(repo, models)
    if has_part(place, "style"):
        return False
    return PARTS["style"][0] not in file_names(repo, revision=revision, hub=hub)


def fetch_style(place: Path, on_step: OnStep, *, hub: Hub | None = None) -> Path:
    """MuQ-MuLan into the folder of a base; where it lies now. What broke off is gone on with.

    Raises MissingWeights when the hub cannot be reached or a file arrives damaged, OutOfSpace.
    """
    hub = hub or HuggingFace()
    beside = place / f".{MULAN}.part"
    for source in SOURCES:
        fetch_files(
            source.repo,
            beside / source.repo.rpartition("/")[2],
            source.files.__contains__,
            on_step,
            revision=source.revision,
            hub=hub,
        )
    put_in_place(beside, place / MULAN, replace=True)
    return place / MULAN
