"""The popular styles of the bundled model: bands and singers."""

from mini.compose.rhythms import (
    ARPEGGIO,
    BASES,
    DRIVING,
    HALVES,
    HAPPY,
    HELD,
    MELODY,
    P34,
    P44,
    P68,
    POP_MAJOR,
    POP_MINOR,
    QUARTERS,
    ROCK_DRUMS,
    ROOT_FIFTH,
    ROOTS,
    SAD,
    STRUM,
    SWING_DRUMS,
    SWUNG,
    SYNCOPATED,
    WALKING,
)
from mini.compose.styles import Part, Style

POP = Style(
    name="pop",
    bpm=(84, 132),
    meters=(P44, P44, P44, P44, P68),
    major=POP_MAJOR,
    minor=POP_MINOR,
    minor_share=0.3,
    kits=("standard", "electronic"),
    drums=ROCK_DRUMS,
    bass=Part(
        instruments=(*BASES, "synth bass"), patterns=ROOTS | {P44: DRIVING[P44] + ROOTS[P44]}
    ),
    parts=(
        Part(
            instruments=("piano", "electric piano"),
            patterns=QUARTERS | {P44: STRUM[P44], P68: HALVES[P68]},
        ),
        Part(
            instruments=("acoustic guitar", "electric guitar"),
            patterns=STRUM,
            enters=0.6,
            gain=0.7,
            strum_s=0.012,
            chance=0.6,
        ),
        Part(
            instruments=("synth pad", "strings"),
            patterns=HELD,
            enters=0.9,
            gain=0.6,
            centre=64,
            chance=0.7,
        ),
    ),
    lead=Part(
        instruments=("synth lead", "piano", "flute", "electric guitar", "violin"),
        patterns=MELODY,
        centre=74,
    ),
    moods={"major": (*HAPPY, "romantic"), "minor": (*SAD, "emotional")},
    words=("catchy pop", "pop song with a singable hook", "radio-friendly pop"),
)

ROCK = Style(
    name="rock",
    bpm=(100, 165),
    meters=(P44, P44, P44, P44, P44, P68),
    major=("I IV V IV", "I IV V I", "I V IV IV", "I IV I V"),
    minor=("i bVII bVI bVII", "i bVI bVII i", "i bVI bVII i", "i iv bVII i"),
    kits=("power", "standard"),
    drums=ROCK_DRUMS,
    drum_gain=1.15,
    bass=Part(instruments=BASES, patterns=DRIVING, gain=1.1),
    parts=(
        Part(
            instruments=("distorted guitar",),
            patterns={
                P44: ("C-C-C-C-C-C-C-C-", "C-----C---C-C---", "C-------C-C-C---"),
                P68: ("C-----C---C-",),
            },
            centre=50,
        ),
        Part(
            instruments=("electric guitar", "organ"),
            patterns=HALVES,
            enters=0.6,
            gain=0.6,
            chance=0.6,
        ),
    ),
    lead=Part(
        instruments=("distorted guitar", "electric guitar", "organ"),
        patterns=MELODY | {P44: MELODY[P44] + SYNCOPATED[P44]},
        centre=70,
        gain=0.9,
    ),
    scale="pentatonic",
    energies=("medium", "high", "high"),
    moods={
        "major": ("energetic", "powerful", "rebellious", "triumphant"),
        "minor": ("aggressive", "dark", "intense", "energetic"),
    },
    words=("driving rock", "guitar-driven rock with a heavy backbeat", "stadium rock"),
)

BLUES = Style(
    name="blues",
    bpm=(62, 126),
    meters=(P44, P44, P68),
    major=("I7 I7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 V7", "I7 IV7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 I7"),
    minor=("i7 i7 i7 i7 iv7 iv7 i7 i7 V7 iv7 i7 V7", "i7 iv7 i7 i7 iv7 iv7 i7 i7 bVI7 V7 i7 i7"),
    minor_share=0.35,
    swing=0.66,
    kits=("standard", "jazz"),
    drums=ROCK_DRUMS | {P44: ROCK_DRUMS[P44][:2] + SWING_DRUMS[P44][:1]},
    bass=Part(
        instruments=("electric bass", "double bass"),
        patterns={
            P44: ("R-R-3-3-5-5-3-3-", "R---3---5---7---", "R---R---5---a---"),
            P68: WALKING[P68],
        },
    ),
    parts=(
        Part(
            instruments=("piano", "organ", "electric guitar"),
            patterns={
                P44: ("C---C-..C---C-..", "..C-..C-..C-..C-", "C-..C-C-C-..C-C-"),
                P68: ("C---..C---..", "C-C-C-C-C-C-"),
            },
            gain=0.75,
        ),
    ),
    lead=Part(
        instruments=("electric guitar", "harmonica", "saxophone", "distorted guitar"),
        patterns=SWUNG,
        centre=68,
    ),
    scale="blues",
    moods={
        "major": ("laid-back", "gritty", "soulful", "playful"),
        "minor": ("sad", "soulful", "lonesome", "gritty"),
    },
    words=("twelve-bar blues", "shuffling blues", "gritty electric blues"),
)

FUNK = Style(
    name="funk",
    bpm=(92, 122),
    major=("I6 I6 IV6 I6", "I I IV V7", "I6 ii7 I6 V7"),
    minor=("i7 i7 iv7 i7", "i9 i9 i9 V7", "i7 iv7 i7 V7"),
    minor_share=0.55,
    kits=("standard", "power"),
    drums={
        P44: (
            {"kick": "X..x..x...x..x..", "snare": "....X..o.o..X..o", "hat": "xoxoxoxoxoxoxoxo"},
            {"kick": "X.x.......x..x..", "snare": "....X..o.o..X...", "hat": "x.xxx.xxx.xxx.xx"},
        )
    },
    drum_gain=1.1,
    bass=Part(
        instruments=("slap bass", "electric bass"),
        patterns={P44: ("R..R..8.R..7.58.", "R-.R.8R..5.7R-..", "R..8..R.7.8.5.R.")},
        gain=1.15,
    ),
    parts=(
        Part(
            instruments=("muted guitar", "electric guitar"),
            patterns={P44: ("..C...CC..C...C.", "C.C..C.CC.C..C.C", "....C.CC....C.C.")},
            gain=0.8,
            centre=64,
        ),
        Part(
            instruments=("brass section",),
            patterns={P44: ("C.....C.........", "..........C-C.C.", "C..C......C-....")},
            enters=0.7,
            gain=0.8,
            centre=64,
            chance=0.7,
        ),
        Part(
            instruments=("organ", "electric piano"),
            patterns=HALVES,
            enters=0.5,
            gain=0.5,
            chance=0.6,
        ),
    ),
    lead=Part(
        instruments=("saxophone", "trumpet", "electric guitar", "synth lead"),
        patterns=SYNCOPATED,
        centre=72,
    ),
    lead_enters=0.6,
    scale="pentatonic",
    energies=("medium", "high", "high"),
    moods={"major": ("groovy", "playful", "energetic"), "minor": ("groovy", "cool", "sassy")},
    words=("tight funk", "funk with a busy bass line", "syncopated funk groove"),
)

REGGAE = Style(
    name="reggae",
    bpm=(66, 92),
    major=("I IV I V7", "I V7 vi IV", "I ii I V7", "I IV V7 I"),
    minor=("i bVII i V7", "i iv i V7", "i bVI bVII i"),
    kits=("standard",),
    drums={
        P44: (
            {"kick": "........X.......", "rim": "........X.......", "hat": "x.x.x.x.x.x.x.x."},
            {"kick": "X.......X.......", "snare": "........x.......", "hat": "x.o.x.o.x.o.x.o."},
        )
    },
    bass=Part(
        instruments=BASES,
        patterns={P44: ("R---..R-3-5-....", "....R-R-5---3-R-", "R--R--5-..R-5---")},
        gain=1.25,
    ),
    parts=(
        Part(
            instruments=("electric guitar", "muted guitar"),
            patterns={P44: ("....C.......C...", "....C.C.....C.C.")},
            centre=66,
        ),
        Part(
            instruments=("organ",),
            patterns={P44: ("..C.C.C...C.C.C.", "..C...C...C...C.")},
            gain=0.7,
            centre=62,
        ),
    ),
    lead=Part(
        instruments=("trombone", "saxophone", "harmonica", "organ"), patterns=MELODY, centre=67
    ),
    energies=("low", "medium", "medium"),
    moods={
        "major": ("relaxed", "sunny", "happy", "laid-back"),
        "minor": ("laid-back", "serious", "hypnotic"),
    },
    endings=("fade", "chord"),
    words=("laid-back reggae", "roots reggae with off-beat guitar", "sunny island reggae"),
)

COUNTRY = Style(
    name="country",
    bpm=(92, 168),
    meters=(P44, P44, P44, P34),
    major=("I IV V7 I", "I I IV V7", "I I V7 I", "I IV I V7"),
    minor=("i bVII i V7", "i iv V7 i"),
    minor_share=0.12,
    kits=("standard", "brush"),
    drums={
        P44: (
            {"kick": "x.......x.......", "snare": "..o.x.o...o.x.o.", "hat": "x...x...x...x..."},
            {"kick": "X.......X.......", "snare": "o.o.X.o.o.o.X.oo"},
        ),
        P34: ROCK_DRUMS[P34],
    },
    drum_gain=0.8,
    bass=Part(instruments=("electric bass", "double bass"), patterns=ROOT_FIFTH),
    parts=(
        Part(
            instruments=("acoustic guitar",),
            patterns=STRUM | {P44: ("B---C-C-B---C-C-", "B-..C-..B-..C-C-")},
            strum_s=0.01,
            centre=57,
        ),
        Part(
            instruments=("banjo",),
            patterns={P44: ("1.2.3.1.2.3.1.2.", "1-3-2-3-1-3-2-3-"), P34: ARPEGGIO[P34]},
            enters=0.5,
            gain=0.7,
            centre=65,
            chance=0.7,
        ),
    ),
    lead=Part(instruments=("fiddle", "electric guitar", "harmonica"), patterns=MELODY, centre=73),
    scale="diatonic",
    energies=("medium", "medium", "high"),
    moods={"major": (*HAPPY[:4], "warm", "rustic"), "minor": ("lonesome", "wistful")},
    words=("foot-stomping country", "down-home country", "honky-tonk country"),
)
