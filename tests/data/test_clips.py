from dataclasses import replace

import numpy as np

from angen.audio.listening import Listening
from angen.data.clips import metadata_of, one_tempo
from angen.data.manifest import Clip, ClipMetadata, Source, prompt_of

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


def test_a_clip_at_a_level_of_its_songs_pulse_has_the_songs_tempo() -> None:
    """However sure the clip is: a fast song is fast in its quiet part too."""
    unsure = replace(WHOLE, bpm=190.0, confidence=WHOLE.confidence | {"bpm": 0.5})
    half = replace(WHOLE, bpm=95.2, confidence=WHOLE.confidence | {"bpm": 0.99})
    assert metadata_of(unsure, half).bpm == 190.0
    assert metadata_of(unsure, replace(half, bpm=150.0)).bpm == 150.0  # the music changes


def test_clips_cut_before_agree_on_one_level_of_their_songs_pulse() -> None:
    def clip(song: str, bpm: float, sure: float, *edited: str) -> Clip:
        metadata = ClipMetadata(bpm=bpm, confidence={"bpm": sure}, edited=edited)
        return Clip(
            file=f"clips/{song}{bpm}.wav",
            song=song,
            start_s=0,
            duration_s=20,
            ends_song=False,
            sha256="0" * 64,
            source=Source(file="x.wav", sha256="0" * 64),
            metadata=metadata,
        )

    clips = [
        clip("fast", 180.0, 0.7),
        clip("fast", 180.4, 0.6),
        clip("fast", 90.1, 0.9),
        clip("fast", 90.2, 0.9, "bpm"),
        clip("fast", 150.0, 0.9),
        clip("slow", 70.0, 0.9),
    ]
    assert [each.metadata.bpm for each in one_tempo(clips)] == [180, 180.4, 180, 90.2, 150, 70]


def test_what_is_not_sure_is_not_described() -> None:
    confidence = WHOLE.confidence | {"genre": 0.3, "instruments": 0.1}
    unsure = replace(WHOLE, genre="waltz", instruments=("triangle bass",), confidence=confidence)
    metadata = metadata_of(unsure, unsure)
    assert metadata.description == "Calm music in A minor at 120 BPM, high energy"
    assert prompt_of(metadata) == "calm, high energy, 120 BPM, A minor"
