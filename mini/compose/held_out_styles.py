"""Clear styles that the base model never hears: made wholly by formula, for LoRA to learn."""

from mini.compose.rhythms import (
    ARPEGGIO,
    HAPPY,
    HELD,
    MELODY,
    P34,
    P44,
    P68,
    POP_MAJOR,
    POP_MINOR,
)
from mini.compose.styles import Part, Style

CHIPTUNE = Style(
    name="chiptune",
    bpm=(130, 170),
    major=(*POP_MAJOR, "I I V I", "I IV V I"),
    minor=(*POP_MINOR, "i bVI bVII i"),
    minor_share=0.45,
    kits=("noise",),
    drums={
        P44: (
            {"kick": "X...x...X...x...", "snare": "....X.......X...", "hat": "x.x.x.x.x.x.x.x."},
            {"kick": "X.....x.X..x....", "snare": "....X.......X.oo", "hat": "xoxoxoxoxoxoxoxo"},
            {"kick": "X...x...X..x..x.", "snare": "....X.......X...", "hat": "x.x.x.x.x.x.x.x."},
        )
    },
    drums_enter=0.4,
    drum_gain=0.6,
    bass=Part(
        instruments=("triangle bass",),
        patterns={P44: ("R.8.R.8.R.8.R.8.", "R-R-8-R-R-R-8-R-", "R.R.8.R.5.R.8.5.")},
        gain=1.2,
    ),
    parts=(
        Part(
            instruments=("pulse arpeggio",),
            patterns={P44: ("1234123412341234", "1232123212321232", "1.2.3.4.1.2.3.4.")},
            centre=69,
            gain=0.7,
        ),
        Part(
            instruments=("pulse arpeggio",),
            patterns={P44: ("C.....C.....C...", "..C...C...C...C.")},
            enters=0.9,
            centre=64,
            gain=0.5,
            chance=0.6,
        ),
    ),
    lead=Part(
        instruments=("pulse lead", "square lead"),
        patterns={
            P44: (
                "x-x-x-xxx-x-x---",
                "x--x--x-x--x--x-",
                "x-xxx-x-x-xxx-x-",
                "x---x-x-x-x-x-x-",
                "xxx-x-x-x---x-x-",
            )
        },
        centre=78,
        gain=1.1,
    ),
    lead_enters=0.5,
    energies=("medium", "high", "high"),
    moods={"major": (*HAPPY[:5], "heroic"), "minor": ("tense", "mysterious", "adventurous")},
    reverb=0.0,
    endings=("chord", "chord", "ritard"),
    words=("8-bit video game music", "retro console tune", "chiptune with fast arpeggios"),
)
MUSIC_BOX = Style(
    name="music box",
    bpm=(72, 104),
    meters=(P34,),
    major=("I IV V I", "I vi ii V", "I iii IV V"),
    minor=("i iv V i", "i bVI iv V"),
    minor_share=0.3,
    parts=(
        Part(
            instruments=("music box",),
            patterns={P34: ARPEGGIO[P34], P68: ARPEGGIO[P68]},
            centre=74,
            gain=0.7,
        ),
        Part(instruments=("bells",), patterns=HELD, enters=0.9, centre=72, gain=0.4, chance=0.7),
    ),
    lead=Part(instruments=("music box",), patterns={P34: MELODY[P34], P68: MELODY[P68]}, centre=90),
    lead_enters=0.0,
    energies=("low",),
    moods={"major": ("sweet", "innocent", "dreamy"), "minor": ("eerie", "nostalgic", "wistful")},
    reverb=0.25,
    endings=("ritard",),
    words=("a music box lullaby", "tinkling music box", "delicate wind-up melody"),
)
GAMELAN = Style(
    name="gamelan",
    bpm=(80, 120),
    major=("I5 I5 V5 I5", "I5 IV5 I5 V5"),
    minor=("i5 i5 bVI5 i5", "i5 v5 i5 i5"),
    minor_share=0.7,
    bass=Part(instruments=("gong",), patterns={P44: ("R---------------",)}, gain=1.1),
    parts=(
        Part(
            instruments=("metallophone",),
            patterns={P44: ("1.2.1.2.1.2.1.2.", "1212121212121212", "12.121.212.121.2")},
            centre=70,
            gain=0.7,
        ),
        Part(instruments=("drone",), patterns=HELD, centre=50, gain=0.6, chance=0.7),
    ),
    lead=Part(
        instruments=("metallophone",),
        patterns={P44: ("x---x---x---x---", "x-x-x-x-x-x-x-x-", "x-x-x---x-x-x---")},
        centre=80,
    ),
    lead_enters=0.0,
    scale="pelog",
    energies=("low", "medium"),
    moods={
        "major": ("shimmering", "ceremonial"),
        "minor": ("mysterious", "ceremonial", "hypnotic"),
    },
    reverb=0.35,
    endings=("ritard", "chord"),
    words=("gamelan-like bronze percussion", "interlocking metallophones and gongs"),
)
