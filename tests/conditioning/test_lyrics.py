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
