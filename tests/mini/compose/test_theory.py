import pytest

from mini.compose.theory import KEYS, chord_of, near, scale_of, tonic_of, voiced


def test_keys_are_twenty_four_and_each_is_understood() -> None:
    assert len(set(map(tonic_of, KEYS))) == 24


def test_tonic_of_knows_flats_and_sharps_by_both_names() -> None:
    assert tonic_of("Db major") == tonic_of("C# major") == (1, "major")


@pytest.mark.parametrize("name", ["H major", "C", "C dorian", "", "c minor"])
def test_tonic_of_refuses_what_is_no_key(name: str) -> None:
    with pytest.raises(ValueError, match="is not a key"):
        tonic_of(name)


@pytest.mark.parametrize(
    ("numeral", "key", "classes"),
    [
        ("I", "C major", {0, 4, 7}),
        ("vi7", "C major", {9, 0, 4, 7}),
        ("V7", "A minor", {4, 8, 11, 2}),
        ("bVI", "A minor", {5, 9, 0}),
        ("bVII", "C major", {10, 2, 5}),
        ("iio7", "C minor", {2, 5, 8, 0}),
        ("Imaj9", "D major", {2, 6, 9, 1, 4}),
        ("i5", "E minor", {4, 11}),
        ("Isus", "G major", {7, 0, 2}),
    ],
)
def test_chord_of_spells_the_chord(numeral: str, key: str, classes: set[int]) -> None:
    assert chord_of(numeral, key).classes == classes


def test_chord_of_refuses_what_is_no_numeral() -> None:
    with pytest.raises(ValueError, match="numeral='X'"):
        chord_of("X", "C major")


def test_scale_of_is_relative_to_the_tonic() -> None:
    assert scale_of("A minor", "diatonic") == tuple((9 + s) % 12 for s in (0, 2, 3, 5, 7, 8, 10))
    assert scale_of("C major", "pentatonic") == (0, 2, 4, 7, 9)


def test_near_is_never_further_than_a_tritone() -> None:
    for pitch_class in range(12):
        for centre in range(40, 80):
            assert near(pitch_class, centre) % 12 == pitch_class
            assert abs(near(pitch_class, centre) - centre) <= 6


def test_voiced_ascends_within_the_chord() -> None:
    chord = chord_of("V9", "F major")
    notes = voiced(chord, 60)
    assert list(notes) == sorted(set(notes))
    assert {note % 12 for note in notes} <= chord.classes
