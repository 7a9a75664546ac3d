import re

import numpy as np
import pytest

from angen.data.manifest import ClipMetadata, prompt_of
from mini.captions import captions, prompt
from mini.compose.score import Labels

LABELS = Labels(
    style="jazz",
    bpm=121,
    key="Eb minor",
    meter="3/4",
    mood="smoky",
    energy="low",
    instruments=("saxophone", "piano", "double bass", "brushed drums"),
    sections=(("verse", 0.0, 20.0),),
)


def test_prompt_is_what_the_studio_writes_for_a_clip() -> None:
    known = ClipMetadata(
        genre="jazz",
        bpm=121,
        key="Eb minor",
        mood="smoky",
        instruments=LABELS.instruments,
        energy="low",
    )
    assert prompt(LABELS) == prompt_of(known)


def test_captions_vary() -> None:
    made = [captions(LABELS, np.random.default_rng(seed)) for seed in range(100)]
    free = {text for texts in made for text in texts[1:]}
    assert len(free) > 300
    assert all(len(set(texts)) == len(texts) >= 4 for texts in made)
    assert all(texts[0] == prompt(LABELS) for texts in made)


@pytest.mark.parametrize("seed", range(50))
def test_captions_never_lie(seed: int) -> None:
    for text in captions(LABELS, np.random.default_rng(seed)):
        assert text.strip() == text
        assert "  " not in text
        assert not set(re.findall(r"(\d+) (?:BPM|bpm|beats)", text)) - {"121"}
        assert not set(re.findall(r"[A-G][b#]? (?:major|minor)", text)) - {"Eb minor"}
        for stranger in ("guitar", "violin", "trumpet", "flute", "rock", "waltz piece"):
            assert stranger not in text
