import pytest
from pypinyin import Style, pinyin
from pypinyin.constants import PINYIN_DICT

from angen.conditioning.chinese_words import numerals, words
from angen.conditioning.mandarin import mandarin_phonemes
from angen.conditioning.pinyin import NEUTRAL, Syllable, spoken, syllable
from angen.conditioning.sandhi import changed
from angen.conditioning.vocabulary import unknown_symbols


def tones(word: str, syllables: str) -> list[int]:
    return [one.tone for one in changed(word, [syllable(s) for s in syllables.split()])]


def test_syllables_are_read_with_or_without_a_tone() -> None:
    assert syllable("zhong1") == Syllable("zhong", 1)
    assert syllable("men5") == syllable("men0") == syllable("men") == Syllable("men", NEUTRAL)
    assert syllable("nü3") == Syllable("nv", 3)


def heteronyms(character: str) -> list[str]:
    style = Style.TONE3
    return pinyin(character, style=style, heteronym=True, neutral_tone_with_five=True)[0]


@pytest.mark.parametrize(
    ("one", "symbols"),
    [
        ("zhong1", "ts`⁼|ʊŋ→"),
        ("zhi1", "ts`⁼ɹ→"),
        ("zi5", "ts⁼"),
        ("bo2", "p⁼wo↑"),
        ("duo1", "t⁼|uo→"),
        ("xue2", "ʃ|ɥɛ↑"),
        ("lve4", "l|ɥɛ↓"),
        ("yuan4", "ɥæn↓"),
        ("juan4", "tʃ⁼|ɥæn↓"),
        ("guan1", "k⁼|uan→"),
        ("wang4", "uɑŋ↓"),
        ("weng1", "ʊŋ→"),
        ("xiong2", "ʃ|jʊŋ↑"),
        ("yao4", "iɑʊ↓"),
        ("er2", "əɹ↑"),
        ("a1", "a→"),
        ("hm5", ""),
    ],
)
def test_a_syllable_is_an_initial_and_a_final_with_the_tone(one: str, symbols: str) -> None:
    assert spoken(syllable(one)) == symbols


def test_every_reading_that_pypinyin_knows_is_in_the_vocabulary() -> None:
    readings = {reading for code in PINYIN_DICT for reading in heteronyms(chr(code))}
    symbols = {reading: spoken(syllable(reading)) for reading in readings}
    assert len(readings) > 1500
    assert {r for r, s in symbols.items() if not s} <= {"hm5", "hng5", "wong4"}
    assert {r: s for r, s in symbols.items() if unknown_symbols(s)} == {}


@pytest.mark.parametrize(
    ("word", "syllables", "wanted"),
    [
        ("你好", "ni3 hao3", [2, 3]),
        ("展览馆", "zhan3 lan3 guan3", [3, 3, 3]),  # upstream's rule for three has no effect
        ("不怕", "bu4 pa4", [2, 4]),
        ("不好", "bu4 hao3", [4, 3]),
        ("不不", "bu4 bu4", [4, 4]),
        ("看不懂", "kan4 bu4 dong3", [4, NEUTRAL, 3]),
        ("一定", "yi1 ding4", [2, 4]),
        ("一天", "yi1 tian1", [4, 1]),
        ("看一看", "kan4 yi1 kan4", [4, NEUTRAL, 4]),
        ("第一", "di4 yi1", [4, 1]),
        ("一月", "yi1 yue4", [1, 4]),
        ("一万", "yi1 wan4", [2, 4]),
        ("一百", "yi1 bai3", [4, 3]),
        ("一二", "yi1 er4", [1, 4]),
        ("二十一", "er4 shi2 yi1", [4, 2, 1]),
        ("花儿", "hua1 er2", [1, NEUTRAL]),
        ("女儿", "nv3 er2", [3, 2]),
    ],
)
def test_tones_change_inside_a_word(word: str, syllables: str, wanted: list[int]) -> None:
    assert tones(word, syllables) == wanted


def test_small_words_go_with_their_neighbours() -> None:
    assert words("我不想看一看") == ["我", "不想", "看一看"]
    assert words("花儿") == ["花儿"]


def test_figures_become_chinese_numerals() -> None:
    assert numerals("2024年") == "二零二四年"
    assert numerals("25块") == "二十五块"
    assert numerals("9" * 30) == "九" * 30
    assert numerals("٣") == "三"


def test_blanks_and_marks_stay_and_other_letters_go() -> None:
    assert mandarin_phonemes("你 好！") == mandarin_phonemes("你") + "|_|x|ɑʊ↓↑|!"
    assert mandarin_phonemes("(你)é") == mandarin_phonemes("你")


def test_a_character_of_several_readings_is_read_by_its_neighbours() -> None:
    assert mandarin_phonemes("银行").endswith("x|ɑŋ↑")
    assert mandarin_phonemes("不行").endswith("ʃ|iŋ↑")
