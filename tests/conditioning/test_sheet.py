"""What of a page of lyrics is a tag, what is sung, what is neither, in forms that people use."""

import time

import pytest

from angen.conditioning.sheet import Line, read_sheet


def only(text: str) -> Line:
    [line] = read_sheet(text)
    return line


@pytest.mark.parametrize(
    ("written", "tag"),
    [
        *(
            (text, "verse")
            for text in ("(Verse 1)", "**[Verse 1]**", "Verse 1", "Verse 1:", "2nd verse")
        ),
        *(
            (text, "verse")
            for text in ("[Verse 1: Artist]", "(Verse 2: A & B)", "[Verse 1 - soft]")
        ),
        *(
            (text, "verse")
            for text in (
                "主歌1",
                "【主歌】",
                "Aメロ",
                "［Ａメロ］",
                "1절",
                "Strophe 1",
                "Couplet 2",
            )
        ),
        *(
            (text, "verse")
            for text in ("[Pre-Chorus]", "Verse II", "[VERSE ONE]", "[Verse 1", "[[Verse]]")
        ),
        *(
            (text, "chorus")
            for text in ("【副歌】", "［chorus］", "## Chorus", "Chorus:", "CHORUS", "{Chorus}")
        ),
        *(
            (text, "chorus")
            for text in ("<chorus>", "副歌：", "（副歌）", "サビ", "후렴", "Refrain", "Estribillo")
        ),
        *(
            (text, "chorus")
            for text in ("Refrão", "Ritornello", "Nakarat", "Điệp khúc:", "Припев:", "Refren")
        ),
        *(
            (text, "chorus")
            for text in ("--- Chorus ---", "*Chorus*", "> Chorus", "[Final Chorus]", "Coro 2")
        ),
        *(
            (text, "intro")
            for text in ("前奏", "Intro", "[Piano Intro]", "Intro (guitar)", "[Einleitung]")
        ),
        *(
            (text, "inst")
            for text in ("间奏", "間奏", "(instrumental)", "[Zwischenspiel]", "Interlude:")
        ),
        *((text, "outro") for text in ("尾奏", "Outro", "[Ending]", "[아웃트로]", "(Outro)")),
        *(
            (text, "bridge")
            for text in ("桥段", "Cメロ", "Bridge", "[Brücke]", "[Pont]", "Puente:")
        ),
        *((text, "solo") for text in ("[guitar solo]", "(Guitar Solo)", "Solo:", "[Sax solo]")),
        *(("[Break]", "break"), ("(Hook)", "hook"), ("[END]", "end"), ("[Stop]", "stop")),
    ],
)
def test_a_section_begins_however_it_is_written(written: str, tag: str) -> None:
    line = only(written)
    assert line.parts == [(f"[{tag}]", True)]
    assert line.notes == [f"{written!r} is taken as [{tag}]"]


@pytest.mark.parametrize(
    "words",
    [
        *(
            "The chorus of my life",
            "Chorus of angels",
            "Bridge over troubled water",
            "Stop",
            "Solo",
        ),
        *(
            "Verse after verse",
            "Hook, line and sinker",
            "Stop: in the name of love",
            "Solo tú y yo",
        ),
        *(
            "(oh yeah)",
            "hello (oh yeah)",
            "(Stop!)",
            "break my heart",
            "feel the (music)",
            "#1 in town",
        ),
        *("7:30 in the morning", "I <3 you", "verse", "The end", "2 hearts", "A bridge: too far"),
    ],
)
def test_words_stay_words(words: str) -> None:
    assert only(words).parts == [(words, False)]


@pytest.mark.parametrize(
    ("written", "parts"),
    [
        ("[verse] hello", ["[verse]", "hello"]),
        ("[verse][chorus]", ["[verse]", "[chorus]"]),
        ("[verse][soft]", ["[verse]"]),
        ("[Intro] la [Verse] lo", ["[intro]", "la", "[verse]", "lo"]),
        ("Chorus: Broken wings", ["[chorus]", "Broken wings"]),
        ("**Chorus:** Broken wings", ["[chorus]", "Broken wings"]),
        ("[Verse 1]: hello", ["[verse]", "hello"]),
        ("(Chorus) la la", ["[chorus]", "la la"]),
        ("【主歌】我走在路上", ["[verse]", "我走在路上"]),
        ("[00:15.00][Chorus]hello", ["[chorus]", "hello"]),
    ],
)
def test_tags_and_words_share_a_line(written: str, parts: list[str]) -> None:
    assert [text for text, _ in only(written).parts] == parts


@pytest.mark.parametrize(
    ("written", "words", "times_s"),
    [
        ("[00:12.34]hello", "hello", (12.34,)),
        ("[00:12] hello", "hello", (12.0,)),
        ("[00:12:34]hello", "hello", (12.34,)),
        ("[01:02.345] <01:02.5>hello <01:03.1>world", "hello world", (62.345,)),
        ("[00:01.00]我[00:02.00]爱[00:03.00]你", "我爱你", (1.0,)),
        ("[00:28.27][01:53.80]Twice", "Twice", (28.27, 113.8)),
        ("[00:10-00:20]hello", "hello", (10.0,)),
        ("[12.34 --> 15.0] hello", "hello", (12.34,)),
        ("00:12.34 hello", "hello", (12.34,)),
        ("(0:12) hello", "hello", (12.0,)),
        ("【00：12】hello", "hello", (12.0,)),
        ("[1:02:03.5]hello", "hello", (3723.5,)),
        ("[00:15.00]", "", (15.0,)),
    ],
)
def test_times_are_hints_and_never_sung(
    written: str, words: str, times_s: tuple[float, ...]
) -> None:
    line = only(written)
    assert (line.words, line.times_s) == (words, times_s)


def test_cues_of_subtitles_are_not_sung() -> None:
    lines = read_sheet("WEBVTT\n\n1\n00:00:10,500 --> 00:00:12,000\n<i>hello</i>\n\n2\nhearts")
    assert [line.words for line in lines] == ["", "", "", "", "hello", "", "2", "hearts"]
    assert lines[3].times_s == (10.5,)


@pytest.mark.parametrize(
    "line",
    ["[ti:Song]", "[ar: Artist]", "[offset:+500]", "[by:x]", "[length: 03:10]", "[re:x]", "[#:x]"],
)
def test_metadata_of_a_file_is_left_out_without_a_word(line: str) -> None:
    assert only(line) == Line()


@pytest.mark.parametrize(
    ("written", "words", "noted"),
    [
        ("[fade out]", "", "[fade out] is no structure tag"),
        ("(whispered)", "", "(whispered) is no structure tag"),
        ("[whispered] hello", "hello", "[whispered] is no structure tag"),
        ("[Kazoo frenzy]", "", "[Kazoo frenzy] is no structure tag"),
        ("[oh] hello", "[oh] hello", "[oh] stands among words and is sung"),
        ("la la x2", "la la", "'x2' is not sung"),
        ("hello (x2)", "hello", "'(x2)' is not sung"),
        ("[Am]Hello my [G7]friend", "Hello my friend", "chords in brackets are left out"),
        ("Am G F C", "", "'Am G F C' is chords"),
        ("# My title", "", "'# My title' is a title"),
        ("作词 : 方文山", "", "'作词 : 方文山' is a credit"),
        ("女：我爱你", "我爱你", "女： names a singer"),
    ],
)
def test_what_is_neither_tag_nor_words_is_noted(written: str, words: str, noted: str) -> None:
    line = only(written)
    assert line.words == words
    assert [note for note in line.notes if note.startswith(noted)] == line.notes


@pytest.mark.parametrize("written", ["Chorus x2", "[Chorus x2]", "(Chorus 2x)", "[Repeat Chorus]"])
def test_a_section_that_shall_be_repeated_begins_once_and_that_is_said(written: str) -> None:
    line = only(written)
    assert line.parts == [("[chorus]", True)]
    assert "not sung: write the lines again" in line.notes[1]


@pytest.mark.parametrize(
    "piece", ["[", "(", "x2 ", " ", "<00:01>", "chorus ", "[[", "[a]", ".", "1:"]
)
def test_long_lines_take_no_longer_than_they_are(piece: str) -> None:
    began = time.process_time()
    read_sheet(piece * (20_000 // len(piece)))
    assert time.process_time() - began < 3
