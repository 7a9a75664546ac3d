import pytest

from angen.conditioning.japanese import japanese_phonemes
from angen.conditioning.latin import latin_language
from angen.conditioning.phonemes import LANGUAGES, encode, encode_by_script, encode_in
from angen.conditioning.segments import by_script, english_and_chinese
from angen.conditioning.vocabulary import symbols, token_ids, unknown_symbols
from angen.conditioning.voices import french_phonemes, german_phonemes, korean_phonemes
from angen.errors import BadInput


def test_vocabulary_has_ids_1_to_363() -> None:
    assert sorted(symbols().values()) == list(range(1, 364))


def test_look_alikes_are_different_symbols() -> None:
    assert token_ids("\u00e7|c\u0327|\u0261|g") == [69, 324, 33, 328]


def test_unknown_symbols_give_no_token() -> None:
    assert token_ids("h|øː|ə") == token_ids("h|ə")
    assert unknown_symbols("h|øː||ə") == ["øː"]


@pytest.mark.parametrize("text", ["love在我心里", " 1 我a2b 你", "abc", "你好!", "a안녕"])
def test_segments_joined_are_the_text(text: str) -> None:
    assert "".join(part for _, part in english_and_chinese(text)) == text
    assert "".join(part for _, part in by_script(text)) == text


def test_segments_change_where_the_language_does() -> None:
    assert english_and_chinese("1 我a2 b你3") == [("zh", "1 我"), ("en", "a2 b"), ("zh", "你3")]
    assert english_and_chinese("123 안녕") == []


def test_chinese_characters_are_japanese_beside_kana() -> None:
    assert by_script("東京の夜 ok") == [("ja", "東京の夜 "), ("latin", "ok")]
    assert by_script("東京") == [("zh", "東京")]
    assert by_script("Привет") == [("other", "Привет")]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("I love the rain", "en"),
        ("Je suis dans la rue avec toi", "fr"),
        ("Ich bin heute nicht allein", "de"),
        ("über", "de"),
        ("la la la", "fr"),
        ("oh yeah baby", "en"),
        ("baby", "en"),
    ],
)
def test_latin_lines_tell_their_language_by_small_words(text: str, language: str) -> None:
    assert latin_language(text) == language


def test_stretches_are_joined_by_a_word_break_when_read_by_script() -> None:
    both = encode_by_script("사랑 love", latin="en")
    assert both == [*encode_in("사랑 ", "ko"), *token_ids("_"), *encode_in("love", "en")]


def test_a_line_of_the_released_program_has_no_word_break_at_its_end() -> None:
    assert encode("the rain") == encode_in("the rain", "en")[:-1]


@pytest.mark.parametrize("text", ["Привет", "123", "", "안녕"])
def test_what_the_released_program_cannot_read_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="no phonemiser"):
        encode(text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_language_stumbles_over_odd_text(language: str) -> None:
    for text in ["", " ", "...", "[[x]]", "\x00a", "1/0 $. £ %", "ー", "一", "不", "ｆ５", "😀'’"]:
        assert all(0 < token < 364 for token in encode_in(text, language))


def test_french_abbreviations_and_signs_are_read_out() -> None:
    assert french_phonemes("M. Dupont & Cie") == french_phonemes("monsieur Dupont et Cie")
    assert french_phonemes("Mme Martin") == french_phonemes("madame Martin")
    assert french_phonemes("allez-vous: oui") == french_phonemes("allez vous, oui")


def test_german_marks_are_commas_and_full_stops() -> None:
    assert german_phonemes("ja: nein; gut...") == german_phonemes("ja, nein, gut.")


def test_german_short_u_umlaut_has_a_symbol() -> None:
    assert german_phonemes("Glück") == "ɡ|l|y|k"


def test_korean_reads_known_words_in_capitals() -> None:
    assert korean_phonemes("IDOL") == korean_phonemes("아이돌")
    assert korean_phonemes("世界") == ""


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("きゃく", "kj|a|k|ɯ"),
        ("がっこう", "g|a|q|k|o|o"),
        ("シェフ", "ɕ|e|ɸ|ɯ"),
        ("ティー", "t|i|i"),
        ("行こうよ", "i|k|o|o|j|o"),
        ("2024年", "n|i|s|e|ɴ|n|i|dʑ|ɯ|ɯ|j|o|ɴ|n|e|ɴ"),
        ("空、青い。", "s|o|ɾ|a|,|a|o|i|."),
    ],
)
def test_japanese_is_read_mora_by_mora(text: str, spoken: str) -> None:
    assert japanese_phonemes(text) == spoken


@pytest.mark.parametrize(
    ("kanji", "kana"),
    [
        *(
            ("雨", "あめ"),
            ("音", "おと"),
            ("火", "ひ"),
            ("口", "くち"),
            ("山", "やま"),
            ("車", "くるま"),
        ),
        *(
            ("人", "ひと"),
            ("水", "みず"),
            ("虫", "むし"),
            ("名", "な"),
            ("力", "ちから"),
            ("歌", "うた"),
        ),
        *(
            ("家", "いえ"),
            ("光", "ひかり"),
            ("国", "くに"),
            ("心", "こころ"),
            ("声", "こえ"),
            ("星", "ほし"),
        ),
        *(
            ("風", "かぜ"),
            ("君", "きみ"),
            ("道", "みち"),
            ("金", "かね"),
            ("露", "つゆ"),
            ("日", "ひ"),
        ),
    ],
)
def test_a_kanji_that_is_a_word_of_its_own_has_its_japanese_reading(kanji: str, kana: str) -> None:
    spoken = japanese_phonemes(kana)
    for written in [
        "({})",
        "（{}）",
        "{}、",
        "{}!",
        "「{}」",
        "♪{}♪",
        "*{}*",
        "-{}-",
        "“{}”",
        "{} ",
    ]:
        read = japanese_phonemes(written.format(kanji)).split("|")
        assert "|".join(symbol for symbol in read if symbol[0].isalpha()) == spoken, written
    twice = japanese_phonemes(f"({kanji})、({kanji})").split("|")
    assert [s for s in twice if s[0].isalpha()] == spoken.split("|") * 2


def test_a_hyphen_in_japanese_has_no_sound() -> None:
    assert token_ids(japanese_phonemes("夢-海")) == token_ids(japanese_phonemes("夢海"))


def test_money_is_no_family_name() -> None:
    assert japanese_phonemes("金が欲しい") == japanese_phonemes("かねがほしい")
