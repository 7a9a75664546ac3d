"""Instruments in prompts, and their places in style vectors."""

import time

import pytest
import torch

from angen.conditioning.codes import KEY_CODE, TEMPO_CODE
from angen.conditioning.figures import KEYS
from angen.conditioning.instruments import (
    INSTRUMENT_CODE,
    INSTRUMENT_NAMES,
    instrument_code,
    instruments_in,
)
from angen.conditioning.style import Answers
from angen.conditioning.vector import INSTRUMENT, INSTRUMENT_PLACES, MEANING, composed
from mini.compose.instruments import INSTRUMENTS, KITS
from tests.conditioning.test_style import tiny

GUITARS = {"nylon guitar", "acoustic guitar", "electric guitar", "distorted guitar"}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("rock, distorted guitar, organ", {"distorted guitar", "organ"}),
        ("Electric-Piano and saxes", {"electric piano", "saxophone"}),
        ("two violins, a string section", {"violin", "strings"}),
        ("12-string guitar, string bass", {"acoustic guitar", "double bass"}),
        ("harpsichord, harp", {"harpsichord", "harp"}),
        ("808s and an electric bass guitar", {"drum machine", "electric bass"}),
        ("overdriven electric guitars", {"distorted guitar"}),
        ("funk with horns", {"brass section"}),
        ("a French horn and music boxes", {"french horn", "music box"}),
        ("bass clarinet, blues harp", {"clarinet", "harmonica"}),
        ("drum and bass, 174 BPM", set()),
        ("drum and bass guitar", {"drums", "electric bass"}),
        ("no drum and bass guitar", set()),
        ("drum’n’bass, synth-pop, future bass, chill vibes", set()),
        ("drum & bass, drum 'n' bass, drum&bass", set()),
        ("drums and bass guitars", {"drums", "electric bass"}),
        ("acoustic and electric guitars", {"acoustic guitar", "electric guitar"}),
        ("double bass and electric guitar", {"double bass", "electric guitar"}),
        ("upright-bass & nylon guitar", {"double bass", "nylon guitar"}),
        ("pluck synth and synth pad", {"pluck synth", "synth pad"}),
        ("bass synth or soft pads", {"synth bass", "soft pad"}),
        ("bass and electric guitar", {"electric bass", "electric guitar"}),
        ("drum and bass and acoustic guitar", {"acoustic guitar"}),
        ("organ/flute", {"organ", "flute"}),
        ("piano and electric guitar", {"piano", "electric guitar"}),
        ("ſtrings, K\u212a, \u212aalimba", {"strings", "kalimba"}),
        ("pianissimo, harpy, glassy, in E, hard", set()),
        ("", set()),
    ],
)
def test_instruments_are_read_from_a_prompt(text: str, names: set[str]) -> None:
    assert instruments_in(text) == dict.fromkeys(names, 1.0)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a brass section with no drums or piano, banjo", {"brass section", "banjo"}),
        ("no drums, bass or guitars", set()),
        ("no drums, banjo", {"banjo"}),
        ("without drums but with brushed drums", {"brushed drums"}),
        ("no drums and a soft piano", {"piano"}),
        ("no vocals with piano", {"piano"}),
        ("no loud drums: piano", {"piano"}),
        ("instrumental, no vocals, piano and organ", {"piano", "organ"}),
        ("trio without drums, piano, flute and trumpet", {"piano", "flute", "trumpet"}),
        ("no acoustic or electric guitar, no viola or cello", set()),
        ("no drums/bass, no-guitar rock", set()),
        ("no-frills piano ballad", {"piano"}),
        ("no frills piano ballad", {"piano"}),
        ("no longer sad piano", {"piano"}),
        ("instead of piano, harp", {"harp"}),
        ("drumless, drum-free, bass-less, oboe", {"oboe"}),
        ("neither drums nor bass", set()),
        *((text, set()) for text in ("not organ", "not an organ", "never an organ", "minus organ")),
        *(
            (text, set())
            for text in ("avoid organ", "excluding drums", "except drums", "w/o organ")
        ),
        *((text, set()) for text in ("anything but organ", "everything except drums", "non-organ")),
        *(
            (text, set())
            for text in ("don't use drums", "do not use drums", "doesn’t have an organ")
        ),
        *((text, set()) for text in ("no use of drums", "lacks drums", "sans drums", "zero drums")),
        *(
            (text, set())
            for text in ("leave the drums out", "leave out the drums", "devoid of drums")
        ),
        *((text, set()) for text in ("not with drums", "not played on organ", "isn't an organ")),
        *(
            (text, set())
            for text in ("drums: none", "organ: off", "drums are not wanted", "organless")
        ),
        *(
            (text, set())
            for text in ("not organ, drums or bass", "avoid drums and bass", "no drums/bass")
        ),
        *(
            (text, {"piano"})
            for text in ("piano, not organ", "not organ but piano", "nothing but piano")
        ),
        *(
            (text, {"piano"})
            for text in ("nothing except piano", "no instruments other than piano")
        ),
        *((text, {"piano"}) for text in ("not only piano", "not just a piano", "not sad, piano")),
        *(
            (text, {"piano"})
            for text in ("never without piano", "not slow piano", "piano not too loud")
        ),
        *((text, {"piano"}) for text in ("no one plays piano like this", "piano, avoid clichés")),
        *(
            (text, {"organ"})
            for text in ("organ free jazz", "organ instead of piano", "nonstop organ")
        ),
    ],
)
def test_what_is_not_wanted_is_not_asked_for(text: str, names: set[str]) -> None:
    assert instruments_in(text) == dict.fromkeys(names, 1.0)


def test_a_word_for_several_is_shared_out() -> None:
    assert instruments_in("guitars") == dict.fromkeys(GUITARS, 0.25)
    assert instruments_in("guitars and a nylon guitar")["nylon guitar"] == 1


def test_each_name_has_its_own_place_and_means_itself() -> None:
    codes = torch.stack([instrument_code(f"jazz, {name}, 90 BPM") for name in INSTRUMENT_NAMES])
    assert torch.equal(codes, torch.eye(INSTRUMENT_CODE))


@pytest.mark.parametrize(
    "text",
    [
        *("no " * 30_000, "electric " * 20_000, "no piano but " * 8_000),
        *("not on the " * 5_000, "no a b " * 8_000, "leave a " * 8_000, "everything but " * 4_000),
        *("no piano" + " " * 50_000, "no piano, " * 9_000, "no loud " * 9_000),
    ],
)
def test_long_prompts_take_no_longer_than_they_are(text: str) -> None:
    began = time.process_time()
    instruments_in(text)
    assert time.process_time() - began < 5


def test_whatever_the_composer_plays_has_a_place() -> None:
    assert set(INSTRUMENT_NAMES) == {*INSTRUMENTS, *(kit.label for kit in KITS.values())}


def test_a_code_lies_in_its_places_of_a_style_vector() -> None:
    code = instrument_code("oboe")[None]
    figures = torch.zeros(1, TEMPO_CODE), torch.zeros(1, KEY_CODE)
    vector = composed(torch.randn(1, MEANING), *figures, code)
    assert vector.shape == (1, 512)
    assert torch.equal(vector[:, INSTRUMENT_PLACES], INSTRUMENT * code)


def test_what_is_heard_lies_where_it_is_read() -> None:
    heard = torch.full((1, INSTRUMENT_CODE), -20.0)
    heard[0, INSTRUMENT_NAMES.index("oboe")] = 20.0
    blank = Answers(
        meaning=torch.zeros(1, MEANING),
        tempo=torch.zeros(1, TEMPO_CODE),
        key=torch.zeros(1, KEYS),
        instruments=heard,
    )
    style = tiny()
    found, read = style.audio.vector(blank), style.text(["oboe"])
    torch.testing.assert_close(
        found[:, INSTRUMENT_PLACES], read[:, INSTRUMENT_PLACES], atol=1e-6, rtol=0
    )
