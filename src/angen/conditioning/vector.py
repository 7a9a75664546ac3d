"""Where the parts of a style vector of ``mini`` lie, and how long each part is.

    meaning, learned | tempo | key | instruments

Shapes: B items, 512 numbers of a style vector.
"""

import torch
from torch import Tensor
from torch.nn import functional

from angen.conditioning.codes import KEY_CODE, TEMPO_CODE
from angen.conditioning.instruments import INSTRUMENT_CODE

STYLE_WIDTH = 512
MEANING = STYLE_WIDTH - TEMPO_CODE - KEY_CODE - INSTRUMENT_CODE  # numbers that are learned
TEMPO_PLACES = slice(MEANING, MEANING + TEMPO_CODE)
KEY_PLACES = slice(TEMPO_PLACES.stop, TEMPO_PLACES.stop + KEY_CODE)
INSTRUMENT_PLACES = slice(KEY_PLACES.stop, STYLE_WIDTH)
FIGURES = 0.7  # length of the tempo's and of the key's code beside the meaning's 1
INSTRUMENT = 0.4  # and of each instrument's


def composed(meaning: Tensor, tempo: Tensor, key: Tensor, instruments: Tensor) -> Tensor:
    """The parts of a style vector side by side: (B, 512), not normalised."""
    known = [FIGURES * tempo, FIGURES * key, INSTRUMENT * instruments]
    return torch.cat([functional.normalize(meaning, dim=1), *known], dim=1)


def placed(line: Tensor) -> Tensor:
    """A timeline (..., TEMPO_CODE) in its places of a style vector: (..., 512)."""
    return functional.pad(line, (MEANING, STYLE_WIDTH - TEMPO_PLACES.stop))
