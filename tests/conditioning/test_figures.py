"""Tempo and key in the words of a prompt."""

import pytest

from angen.conditioning.figures import key_in, tempo_in, without_figures


@pytest.mark.parametrize(
    ("text", "bpm"),
    [
        ("pop, 120 BPM", 120),
        ("around 97 bpm, since 1999", 97),
        ("drum and bass 174", 174),
        ("72.5 beats per minute", 72.5),
        ("90 synths at 128 bpm", 128),
        ("in 4/4, since 1999", None),
        ("80s synth, 8-bit", None),
        ("808 drums", None),
        ("techno, 80-100 bpm", 90),
        ("techno at 80 to 100 BPM", 90),
        ("a 100-BPM waltz", 100),
        ("100% energy", None),
        ("a 60 second song, 90 seconds long", None),
        ("top 40 pop", None),
        ("100 BPM, 90 seconds long", 100),
    ],
)
def test_a_tempo_is_read_from_a_prompt(text: str, bpm: float | None) -> None:
    assert tempo_in(text) == bpm


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("C major", 0),
        ("pop in A minor", 21),
        ("C# minor, 120 BPM", 13),
        ("the key of E flat major", 3),
        ("Bb minor", 22),
        ("F♯ major", 6),
        ("a minor key", None),
        ("major key", None),
        ("a minimal track", None),
        ("a minor mood", None),
        ("a MINOR scale", None),
        ("F# Minor", 18),
        ("E Flat Major", 3),
        ("A MIN", 21),
        ("a minor", 21),
        ("Am, 120 BPM", 21),
        ("in F#m", 18),
        ("Bbm", 22),
        ("I am sad, FM radio", None),
    ],
)
def test_a_key_is_read_from_a_prompt(text: str, key: int | None) -> None:
    assert key_in(text) == key


def test_what_is_read_is_not_left_as_words() -> None:
    assert without_figures("pop, C# minor, 120 BPM").split() == ["pop,", "minor,"]
    assert without_figures("pop, C#m, 80-100 bpm").split() == ["pop,", "minor,"]
