from typing import Any

from angen.audio.description import describe

HEARD: dict[str, Any] = {
    "genre": "rock",
    "mood": "dark",
    "instruments": ("drums", "organ", "bass"),
    "energy": "high",
    "bpm": 120.4,
    "key": "E minor",
}


def test_description_reads_like_a_sentence() -> None:
    assert describe(**HEARD) == (
        "Dark rock in E minor at 120 BPM, with drums, organ and bass, high energy"
    )


def test_what_is_not_known_is_not_said() -> None:
    assert describe(**HEARD | {"bpm": None, "key": None}) == (
        "Dark rock, with drums, organ and bass, high energy"
    )
    nothing = {"genre": "", "mood": "", "instruments": (), "energy": None}
    assert describe(**HEARD | nothing) == "Music in E minor at 120 BPM"
