"""Expected words are those of inflect 7.6 under upstream's rules."""

import pytest

from angen.conditioning.numbers import cardinal, ordinal, spell_numbers

SPELLED = {
    "0": "zero",
    "7": "seven",
    "007": "seven",
    "42": "forty-two",
    "100": "one hundred",
    "365": "three hundred sixty-five",
    "1000": "one thousand",
    "1001": "ten oh one",
    "1066": "ten sixty-six",
    "1100": "eleven hundred",
    "1905": "nineteen oh five",
    "1999": "nineteen ninety-nine",
    "2000": "two thousand",
    "2008": "two thousand eight",
    "2024": "twenty twenty-four",
    "3000": "three thousand",
    "12,305": "twelve thousand, three hundred five",
    "1,000,001": "one million one",
    "3.14": "three point fourteen",
    "3.5%": "three point five percent",
    "100%": "one hundred percent",
    "£30": "thirty pounds",
    "$1": "one dollar",
    "$5.50": "five dollars, fifty cents",
    "$0.01": "one cent",
    "$0": "zero dollars",
    "1/2": "one half",
    "3/4": "three quarters",
    "5/2": "five halves",
    "2/3": "two third",
    "21st": "twenty-first",
    "3rd": "third",
    "12th": "twelfth",
    "40th": "fortieth",
    "101st": "one hundred and first",
}


@pytest.mark.parametrize(("figures", "words"), SPELLED.items())
def test_figures_become_words(figures: str, words: str) -> None:
    assert " ".join(spell_numbers(figures).split()).replace(" ,", ",") == words


def test_words_stay_as_they_are() -> None:
    assert spell_numbers("nothing to count, at all!") == "nothing to count, at all!"


def test_numbers_without_a_name_are_read_figure_by_figure() -> None:
    assert cardinal("1" + "0" * 35).startswith("one hundred decillion")
    assert cardinal("1" + "0" * 36) == ", ".join(["one"] + ["zero"] * 36)
    assert cardinal("9" * 5000).count("nine") == 5000


def test_ordinals_end_as_they_should() -> None:
    words = ["one", "twenty-two", "three", "five", "eight", "nine", "twenty", "one hundred"]
    said = ["first", "twenty-second", "third", "fifth", "eighth", "ninth", "twentieth"]
    assert [ordinal(word) for word in words] == [*said, "one hundredth"]
