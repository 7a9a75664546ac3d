from dataclasses import replace

import numpy as np

from angen.audio.listening import Listening
from angen.data.clips import metadata_of

WHOLE = Listening(
    duration_s=180,
    bpm=120.4,
    bpm_alternatives=(),
    beats=np.zeros(0),
    downbeats=np.zeros(0),
    beats_per_bar=4,
    key="A minor",
    energy="high",
    genre="jazz",
    mood="calm",
    instruments=("piano",),
    description="Calm jazz in A minor at 120 BPM, with piano, high energy",
    loudness_lufs=-14,
    levels_db=np.zeros(0, np.float32),
    confidence={
        "bpm": 0.9,
        "downbeats": 0.9,
        "key": 0.9,
        "energy": 0.9,
        "genre": 0.9,
        "mood": 0.9,
        "instruments": 0.9,
        "description": 0.9,
    },
)


def test_a_clip_is_described_by_what_its_columns_say() -> None:
    clip = replace(
        WHOLE,
        genre="rock",
        mood="dark",
        bpm=60.2,
        instruments=("drums", "bass"),
        description="Dark rock in C major at 60 BPM, with drums and bass, low energy",
        key="C major",
        energy="low",
        confidence=dict.fromkeys(WHOLE.confidence, 0.5),
    )
    metadata = metadata_of(WHOLE, clip)

    assert (metadata.genre, metadata.bpm, metadata.key) == ("jazz", 120.4, "A minor")
    assert metadata.description == (
        "Dark jazz in A minor at 120 BPM, with drums and bass, low energy"
    )
    assert metadata.confidence["description"] == 0.5
