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
        *((text, 120) for text in ("120", "pop, 120, sad", "tempo 120", "Tempo: 120", "BPM=120")),
        *((text, 120) for text in ("♩ = 120", "techno at 120", "house 120", "120 b.p.m.", "(120)")),
        *(
            (text, 120)
            for text in ("no drums at 120 bpm", "not slow, 120 bpm", "house at 120 with piano")
        ),
        *((text, 120) for text in ("not 90 bpm but 120 bpm", "Route 66 rock, 120 BPM")),
        *((text, 90) for text in ("pop, 80-100, sad", "tempo 80-100", "tempo range 80 to 100")),
        *(
            (text, None)
            for text in ("Route 66 blues", "route 66", "Area 51 techno", "disco, studio 54")
        ),
        *(
            (text, None)
            for text in ("Blink 182 punk", "like Sum 41, fast", "U2, 99 luftballons", "24 bars")
        ),
        *(
            (text, None)
            for text in ("from 1980", "'90s pop", "synthwave 84", "pop #40", "808", "16-bit")
        ),
        *(
            (text, None)
            for text in ("9 to 5", "432 Hz", "24-bit 96 kHz", "symphony no. 40", "50 cent")
        ),
        *((text, None) for text in ("orchestra of 100", "12 bar blues, 64 bars", "jazz in 78 rpm")),
        *(
            (text, None)
            for text in ("not 120 bpm", "no 120 BPM", "never at 120 bpm", "without 120 bpm")
        ),
        *(
            (text, None)
            for text in ("slower than 120 bpm", "under 120 bpm", "anything but 120 bpm")
        ),
        *(
            (text, None)
            for text in ("the tempo is not 120 BPM", "don't use 120 bpm", "tempo not 120")
        ),
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
        *(
            (text, None)
            for text in ("not in C minor", "no C major", "never in A minor", "avoid G minor")
        ),
        *(
            (text, None)
            for text in ("not in the key of C major", "anything but E major", "key: not Cm")
        ),
        *((text, None) for text in ("a major hit", "a minor detail", "isn't in C major")),
        *(
            (text, 12)
            for text in ("not D minor but C minor", "C minor, not D minor", "not sad, C minor")
        ),
        *((text, 12) for text in ("instead of G major, C minor", "no drums, C minor")),
        *(
            (text, 21)
            for text in ("in a minor, 90 bpm", "A minor blues", "in a minor with strings")
        ),
    ],
)
def test_a_key_is_read_from_a_prompt(text: str, key: int | None) -> None:
    assert key_in(text) == key


def test_what_is_read_is_not_left_as_words() -> None:
    assert without_figures("pop, C# minor, 120 BPM").split() == ["pop,", "minor,"]
    assert without_figures("pop, C#m, 80-100 bpm").split() == ["pop,", "minor,"]
    assert without_figures("drum and bass 174, sad").split() == ["drum", "and", "bass", ",", "sad"]
    assert without_figures("sad, 120, pop") == "sad, , pop"
