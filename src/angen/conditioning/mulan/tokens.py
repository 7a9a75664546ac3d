"""Texts as the token ids of XLM-R. Needs the extra ``released``."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from angen.errors import Incompatible, MissingWeights

if TYPE_CHECKING:
    from tokenizers import Tokenizer

logger = logging.getLogger(__name__)

TOKENIZER_FILE = "tokenizer.json"
EXTRA = "pip install 'angen[released]'"


class Tokens:
    """The tokenizer of the text network in ``folder``.

    longest: ids that a text may have, its two marks included; the rest is cut off, with a warning.

    Raises MissingWeights without the extra or the file, Incompatible for a damaged file.
    """

    def __init__(self, folder: Path, longest: int) -> None:
        self.longest = longest
        self._tokenizer = _read(folder / TOKENIZER_FILE)

    def __call__(self, text: str) -> list[int]:
        ids = list(self._tokenizer.encode(text).ids)
        if len(ids) <= self.longest:
            return ids
        logger.warning(
            "The style text has %d tokens and MuQ-MuLan reads %d: its end is left out.",
            len(ids),
            self.longest,
        )
        return [*ids[: self.longest - 1], ids[-1]]


def _read(path: Path) -> "Tokenizer":
    if not path.is_file():
        raise MissingWeights(
            f"{path} is missing. Fetch the style encoder again (`angen models fetch`), or copy the "
            f"tokenizer of xlm-roberta-base to {path.parent}."
        )
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise without_extra() from error
    try:
        return Tokenizer.from_file(str(path))
    except Exception as fault:  # the library raises nothing narrower
        raise Incompatible(f"{path} is no tokenizer ({fault}). Fetch or copy it again.") from fault


def without_extra() -> MissingWeights:
    """What to tell a person whose installation cannot read style texts."""
    return MissingWeights(
        "Style texts of MuQ-MuLan are read by the packages transformers and tokenizers, which are "
        f"not installed. Run: {EXTRA}"
    )
