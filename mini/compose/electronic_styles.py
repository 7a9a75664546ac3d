"""The electronic styles of the bundled model."""

from mini.compose.rhythms import (
    HELD,
    HOUSE_DRUMS,
    P34,
    P44,
    SLOW,
    SYNCOPATED,
)
from mini.compose.styles import Part, Style

HOUSE = Style(
    name="house",
    bpm=(116, 130),
    major=("I vi IV V", "I I IV V", "Imaj7 vi7 IVmaj7 V", "I IV I V"),
    minor=("i7 i7 bVImaj7 V7", "i7 iv7 i7 V7", "i bVI bVII i", "i7 i7 iv7 i7"),
    minor_share=0.6,
    kits=("electronic", "808"),
    drums=HOUSE_DRUMS,
    drums_enter=0.3,
    drum_gain=1.0,
    bass=Part(
        instruments=("synth bass",),
        patterns={P44: ("..R-..R-..R-..R-", "R--R..R-..R-8-R-", "..R-..R-..R-..8-")},
        enters=0.5,
    ),
    parts=(
        Part(
            instruments=("piano", "organ", "electric piano"),
            patterns={P44: ("C--C--C---C--C--", "C-..C-..C--C..C-", "..C-..C-..C-..C-")},
            centre=63,
        ),
        Part(
            instruments=("synth pad", "synth strings"),
            patterns=HELD,
            enters=0.5,
            gain=0.6,
            chance=0.8,
        ),
        Part(
            instruments=("pluck synth",),
            patterns={P44: ("1-2-3-4-1-2-3-4-", "1.2.3.1.2.3.1.2.")},
            enters=0.8,
            gain=0.6,
            centre=72,
            chance=0.5,
        ),
    ),
    lead=Part(instruments=("synth lead", "pluck synth", "piano"), patterns=SYNCOPATED, centre=74),
    lead_enters=0.8,
    energies=("medium", "high", "high"),
    moods={"major": ("uplifting", "euphoric", "joyful"), "minor": ("deep", "hypnotic", "groovy")},
    endings=("fade", "chord"),
    words=("four-on-the-floor house", "club house with off-beat stabs", "dance-floor house"),
)

TECHNO = Style(
    name="techno",
    bpm=(124, 146),
    major=("I I IV I", "I I IV V"),
    minor=("i i i V", "i i bVI V", "i i bVII i", "i i iv V"),
    minor_share=0.85,
    kits=("808", "electronic"),
    drums={
        P44: (
            {"kick": "X...X...X...X...", "hat": "..x...x...x...x.", "clap": "....x.......x..."},
            {"kick": "X...X...X...X...", "hat": "o.xoo.xoo.xoo.xo", "rim": "...x..x....x..x."},
            {"kick": "X...X...X...X.x.", "open": "..x...x...x...x.", "rim": "...o..o...o..o.."},
        )
    },
    drums_enter=0.0,
    drum_gain=1.1,
    bass=Part(
        instruments=("acid synth", "synth bass"),
        patterns={
            P44: ("RRR.RRR.RRR.RR8.", "R.RR.R8.R.RR.R8R", "..R-..R-..R-..R-", "R.8.R.R8R.8.R.3.")
        },
        enters=0.0,
    ),
    parts=(
        Part(
            instruments=("pluck synth",),
            patterns={P44: ("1.3.2.3.1.3.2.3.", "1..2..3..1..2.3.", "123.123.123.123.")},
            enters=0.6,
            gain=0.7,
            centre=66,
        ),
        Part(
            instruments=("synth pad", "synth strings"),
            patterns=HELD,
            enters=0.5,
            gain=0.55,
            chance=0.7,
        ),
    ),
    lead=Part(
        instruments=("synth lead", "pluck synth"),
        patterns={P44: ("x..x..x.........", "x-------..x..x..", "x.x.....x.x.....")},
        centre=70,
        gain=0.7,
    ),
    lead_enters=0.9,
    energies=("medium", "high", "high"),
    moods={"major": ("hypnotic", "euphoric"), "minor": ("dark", "hypnotic", "intense", "driving")},
    endings=("fade", "chord"),
    words=("driving techno", "relentless warehouse techno", "minimal techno"),
)

AMBIENT = Style(
    name="ambient",
    bpm=(60, 84),
    meters=(P44, P44, P34),
    major=("Imaj9 IVmaj7 Imaj9 V7", "I vi7 IV I", "I Isus IV I"),
    minor=("i9 bVImaj7 i9 iv", "i iv i v7", "i bVI i bVII"),
    parts=(
        Part(instruments=("synth pad", "soft pad"), patterns=HELD, gain=1.2, centre=58),
        Part(
            instruments=("strings", "choir", "synth strings"),
            patterns=HELD,
            enters=0.5,
            gain=0.7,
            centre=66,
        ),
        Part(
            instruments=("harp", "electric piano", "vibraphone", "piano"),
            patterns={
                P44: ("1---2---3---2---", "1-------3---4---", "1-2-3-4---------"),
                P34: ("1---2---3---",),
            },
            gain=0.7,
            centre=68,
        ),
    ),
    lead=Part(
        instruments=("flute", "piano", "celesta", "cello", "pan flute"),
        patterns=SLOW,
        centre=74,
        gain=0.7,
    ),
    lead_enters=0.6,
    energies=("low", "low", "medium"),
    moods={
        "major": ("calm", "peaceful", "dreamy", "serene"),
        "minor": ("mysterious", "dark", "melancholic", "ethereal"),
    },
    reverb=0.4,
    endings=("fade", "chord"),
    words=("spacious ambient", "drifting ambient soundscape", "slow, floating ambient"),
)

LOFI = Style(
    name="lofi hip hop",
    bpm=(68, 92),
    major=("Imaj7 vi7 ii7 V7", "Imaj7 iii7 ii7 V7", "Imaj9 IVmaj7 Imaj9 V7"),
    minor=("i7 iv7 i7 V7", "i9 bVImaj7 i9 V7", "i7 bVImaj7 iv7 V7"),
    minor_share=0.5,
    swing=0.58,
    kits=("808", "standard"),
    drums={
        P44: (
            {"kick": "X......x..X.....", "snare": "....X.......X...", "hat": "x.x.x.x.x.x.x.xo"},
            {"kick": "X.x....x..x.....", "snare": "....X.......X..o", "hat": "x.x.x.x.x.x.x.x."},
        )
    },
    drum_gain=0.9,
    bass=Part(
        instruments=("electric bass", "synth bass"),
        patterns={P44: ("R-----..R-R-....", "R-------..R-5---", "R--R......R---a-")},
        gain=1.1,
    ),
    parts=(
        Part(
            instruments=("electric piano", "piano"),
            patterns={P44: ("C-------..C-----", "C-----C---------", "C---------C-C---")},
            strum_s=0.02,
            centre=60,
        ),
        Part(
            instruments=("vibraphone", "kalimba", "nylon guitar"),
            patterns={P44: ("....1-2-3-......", "1-..2-..3-..2-..")},
            enters=0.6,
            gain=0.5,
            centre=70,
            chance=0.5,
        ),
    ),
    lead=Part(
        instruments=("electric piano", "flute", "vibraphone", "muted guitar", "saxophone"),
        patterns=SLOW | {P44: SLOW[P44] + SYNCOPATED[P44]},
        centre=72,
        gain=0.75,
    ),
    scale="pentatonic",
    energies=("low", "low", "medium"),
    moods={
        "major": ("relaxed", "cozy", "dreamy", "chill"),
        "minor": ("nostalgic", "melancholic", "chill", "moody"),
    },
    endings=("fade", "chord"),
    words=("lofi beats to study to", "dusty, laid-back hip hop", "mellow lofi with jazzy chords"),
)
