import subprocess
import sys
from pathlib import Path

import pytest

from angen.conditioning.lyrics import (
    LONGEST_LYRICS,
    LyricsReader,
    Reading,
    encode_lyrics,
    instrumental,
    read_tags,
)
from angen.conditioning.tags import STOP, STRUCTURE_TAGS
from angen.errors import BadInput

UPSTREAM = LyricsReader(reading=Reading.UPSTREAM)


def test_every_tag_is_its_number_and_the_stop() -> None:
    for tag, number in STRUCTURE_TAGS.items():
        assert encode_lyrics(tag).tokens == [number, STOP]
        assert encode_lyrics(tag, UPSTREAM).tokens == [number, STOP]


@pytest.mark.parametrize("text", ["", "\n\n", "   "])
def test_empty_lyrics_give_no_tokens(text: str) -> None:
    assert encode_lyrics(text).tokens == []


def test_blank_lines_set_stanzas_apart() -> None:
    lyrics = encode_lyrics("[verse]\n\nhello\n")
    assert lyrics.tokens == encode_lyrics("[verse]\nhello").tokens
    assert lyrics.warnings == []
    assert [bool(line) for line in lyrics.per_line] == [True, False, True]


def test_lines_without_words_are_left_out_and_named() -> None:
    lyrics = encode_lyrics("hello\n...\n")
    assert lyrics.tokens == encode_lyrics("hello").tokens
    assert lyrics.warnings == ["line 2 has no words: left out"]


def test_of_words_in_any_letters_the_tags_stay_where_there_is_no_voice() -> None:
    tags = read_tags("[Verse]\nhello\n\n[chorus]\nпривет\n...\n[whispered]")
    assert tags.tokens == encode_lyrics("[verse]\n[chorus]").tokens
    assert [bool(line) for line in tags.per_line] == [True, False, False, True, False, False, False]
    assert tags.unsung == 2
    near_miss, direction = tags.warnings
    assert near_miss == "line 1: '[Verse]' is taken as [verse]"
    assert direction.startswith("line 7: [whispered] is no structure tag and is left out.")
    with pytest.raises(BadInput, match="at most 20000 can be sung"):
        read_tags("la " * 7_000)


@pytest.mark.parametrize("line", ["[Verse]", "[verse 2]", " [verse] ", "[VERSE 10:]", "[ verse ]"])
def test_near_misses_are_taken_as_the_tag_with_a_note(line: str) -> None:
    lyrics = encode_lyrics(line)
    assert lyrics.tokens == [STRUCTURE_TAGS["[verse]"], STOP]
    assert lyrics.warnings == [f"line 1: {line!r} is taken as [verse]"]


def test_near_misses_are_sung_by_upstreams_rule() -> None:
    assert encode_lyrics("[Verse]", UPSTREAM).tokens == encode_lyrics("verse").tokens


def test_other_notes_in_brackets_are_not_sung() -> None:
    lyrics = encode_lyrics("hello\n[whispered]")
    assert lyrics.tokens == encode_lyrics("hello").tokens
    assert "line 2: [whispered] is no structure tag" in lyrics.warnings[0]


def test_brackets_inside_a_line_are_words() -> None:
    assert encode_lyrics("[oh] hello").tokens == encode_lyrics("oh hello").tokens


@pytest.mark.parametrize("text", ["[start]\n\n[verse]", "[end]\n", "123"])
def test_upstreams_rule_refuses_what_upstream_cannot_read(text: str) -> None:
    with pytest.raises(BadInput, match="line"):
        encode_lyrics(text, UPSTREAM)


def test_tokens_are_those_of_the_lines_in_order() -> None:
    lyrics = encode_lyrics("[start]\nhello world\n[chorus]\nla la\n[end]")
    assert lyrics.tokens == [token for line in lyrics.per_line for token in line]
    assert lyrics.warnings == []
    assert all(line[-1] == STOP for line in lyrics.per_line)


def test_a_language_without_a_phonemiser_names_line_and_remedy() -> None:
    with pytest.raises(BadInput, match=r"line 2: no phonemiser for 'Привет' .*Cyrillic.*Latin"):
        encode_lyrics("[verse]\nПривет")


def test_an_unknown_language_names_the_known_ones() -> None:
    with pytest.raises(BadInput, match=r"language 'es'.*English \(en\)"):
        encode_lyrics("hola", LyricsReader(language="es"))


def test_too_long_lyrics_are_refused_with_both_numbers() -> None:
    with pytest.raises(BadInput, match=f"{LONGEST_LYRICS + 1} .*{LONGEST_LYRICS}"):
        encode_lyrics("a" * (LONGEST_LYRICS + 1))


def test_figures_are_read_in_the_language_of_the_lyrics() -> None:
    assert encode_lyrics("123").tokens == encode_lyrics("one hundred twenty-three").tokens
    chinese = encode_lyrics("今天的阳光真好\n123").per_line[1]
    assert chinese == encode_lyrics("一百二十三").tokens


@pytest.mark.parametrize("text", ["...", "!!!", "♪", "😀"])
def test_lines_without_words_are_left_out(text: str) -> None:
    lyrics = encode_lyrics(f"hello\n{text}")
    assert lyrics.tokens == encode_lyrics("hello").tokens
    assert lyrics.warnings == ["line 2 has no words: left out"]


def test_korean_and_japanese_are_read_by_their_letters() -> None:
    korean = LyricsReader(language="ko")
    assert encode_lyrics("안녕하세요").tokens == encode_lyrics("안녕하세요", korean).tokens
    japanese = LyricsReader(language="ja")
    text = "東京の夜は静かです"
    assert encode_lyrics(text).tokens == encode_lyrics(text, japanese).tokens


def test_latin_letters_are_english_unless_told_otherwise() -> None:
    english = encode_lyrics("la vie est belle").tokens
    french = encode_lyrics("la vie est belle", LyricsReader(language="fr")).tokens
    assert english != french
    assert encode_lyrics("la vie est belle", LyricsReader(language="auto")).tokens == french


def test_a_line_sounds_the_same_when_its_language_is_named() -> None:
    for text, language in {"I love the rain": "en", "我心里": "zh"}.items():
        named = LyricsReader(language=language)
        assert encode_lyrics(text, named).tokens == encode_lyrics(text).tokens


def test_instrumental_gives_the_tags_of_its_structure() -> None:
    assert instrumental() == []
    tags = ["[start]", "[intro]", "[inst]", "[end]"]
    wanted = [token for tag in tags for token in (STRUCTURE_TAGS[tag], STOP)]
    assert instrumental(["start", "[intro]", "inst", "end"]) == wanted


def test_instrumental_refuses_an_unknown_part() -> None:
    with pytest.raises(BadInput, match=r"\[coda\] is no structure tag; choose of .*\[outro\]"):
        instrumental(["coda"])


def test_importing_and_tags_load_no_language() -> None:
    heavy = ["torch", "jieba", "pypinyin", "cn2an", "janome", "espeakng_loader"]
    program = (
        "import sys; from angen.conditioning.lyrics import encode_lyrics; "
        "encode_lyrics('[start]\\n[inst]'); "
        f"sys.exit(' '.join(name for name in {heavy!r} if name in sys.modules) or None)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_chinese_is_read_without_a_word_on_the_terminal_or_a_file_in_tmp(tmp_path: Path) -> None:
    program = (
        "import tempfile; tempfile.tempdir = sys.argv[1]; "
        "from angen.conditioning.lyrics import encode_lyrics; encode_lyrics('今天 24 个')"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "import sys; " + program, str(tmp_path)],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_times_are_kept_as_hints_and_the_words_are_sung() -> None:
    lyrics = encode_lyrics(
        "[00:10.00]Under the moon\n[00:13.55] We sing\n[00:28.27][01:53.80]Twice"
    )
    assert lyrics.tokens == encode_lyrics("Under the moon\nWe sing\nTwice").tokens
    assert lyrics.times_s == [(10.0,), (13.55,), (28.27, 113.8)]
    assert len(lyrics.warnings) == 1
    assert "line 3: it has 2 times and is sung once" in lyrics.warnings[0]


def test_sections_in_round_brackets_begin_and_are_not_sung() -> None:
    lyrics = encode_lyrics("(Verse 1)\nI walk the road at night\n\n(Chorus)\nBroken wings")
    wanted = encode_lyrics("[verse]\nI walk the road at night\n[chorus]\nBroken wings")
    assert lyrics.tokens == wanted.tokens
    both = encode_lyrics("[verse] hello\n[chorus][soft]")
    assert both.tokens == encode_lyrics("[verse]\nhello\n[chorus]").tokens
    assert len(both.warnings) == 1
    assert both.warnings[0].startswith("line 2: [soft] is no structure tag")


def test_a_lower_case_name_alone_is_sung_and_said_to_be() -> None:
    lyrics = encode_lyrics("chorus")
    assert lyrics.warnings == ["line 1: 'chorus' is sung as a word; for a section write [chorus]"]
    assert STRUCTURE_TAGS["[chorus]"] not in lyrics.tokens


@pytest.mark.parametrize(("code", "name"), [("fr", "French"), ("de", "Deutsch"), ("de", "de-AT")])
def test_a_line_chooses_the_language_of_those_behind_it(code: str, name: str) -> None:
    text = "la vie est belle 42"
    named = encode_lyrics(text, LyricsReader(language=code)).tokens
    chosen = encode_lyrics(f"hello\n[lang: {name}]\n{text}\n[Lang: en]\nhello")
    hello = encode_lyrics("hello").tokens
    assert chosen.tokens == [*hello, *named, *hello]
    assert [bool(line) for line in chosen.per_line] == [True, False, True, False, True]
    assert any("line 3" in w and "was not taught" in w for w in chosen.warnings)


def test_a_line_that_chooses_an_unknown_language_is_named() -> None:
    with pytest.raises(BadInput, match=r"line 2: no phonemiser for language 'es'.*German \(de\)"):
        encode_lyrics("hello\n[lang: es]\nhola")


def test_lines_that_look_foreign_are_named_with_a_remedy_that_exists() -> None:
    german = encode_lyrics("hello\nIch gehe durch die Nacht\nKomm mit mir ans Meer").warnings
    assert german == [
        "lines 2-3 are in German, it seems, but read as English. "
        "Write [lang: de] on a line of its own above to choose German."
    ]
    [spanish] = encode_lyrics("Camino por la calle sola").warnings
    assert "line 1 is in Spanish" in spanish
    assert "no phonemiser for Spanish" in spanish
    assert encode_lyrics("[lang: en]\nCamino por la calle sola").warnings == []


@pytest.mark.parametrize("text", ["안녕하세요", "君の声が聞こえる"])
def test_languages_that_the_model_was_not_taught_are_named(text: str) -> None:
    [warning] = encode_lyrics(f"hello\n{text}").warnings
    assert warning.startswith("line 2 is read as ")
    assert "was not taught" in warning


def test_a_line_of_chinese_characters_in_a_japanese_song_is_japanese() -> None:
    lyrics = encode_lyrics("雨、\n君の声が聞こえる\n夜空に")
    assert lyrics.per_line[0] == encode_lyrics("あめ、").tokens
    assert encode_lyrics("雨、\n你的声音").per_line[0] != lyrics.per_line[0]
    assert encode_lyrics("[lang: ja]\n雨").tokens == encode_lyrics("あめ").tokens


def test_vietnamese_letters_are_latin() -> None:
    assert encode_lyrics("Ở").tokens[-1] == STOP
