"""The styles that the bundled model is trained on."""

from mini.compose.styles import (
    ARPEGGIO,
    BASES,
    DRIVING,
    HALVES,
    HAPPY,
    HELD,
    HOUSE_DRUMS,
    MELODY,
    OOMPAH,
    P34,
    P44,
    P68,
    POP_MAJOR,
    POP_MINOR,
    PULSED,
    QUARTERS,
    ROCK_DRUMS,
    ROOT_FIFTH,
    ROOTS,
    SAD,
    SLOW,
    STRUM,
    SWING_DRUMS,
    SWUNG,
    SYNCOPATED,
    WALKING,
    Part,
    Style,
)

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
JAZZ = Style(
    name="jazz",
    bpm=(90, 180),
    meters=(P44, P44, P44, P34),
    major=(
        "ii7 V7 Imaj7 Imaj7",
        "Imaj7 vi7 ii7 V7",
        "Imaj7 IVmaj7 iii7 vi7 ii7 V7 Imaj7 V7",
        "Imaj7 Imaj7 ii7 V7",
    ),
    minor=("i7 iv7 V7 i7", "i6 iio7 V7 i6", "i7 V7 i7 V7", "i7 bVImaj7 iio7 V7"),
    swing=0.65,
    kits=("jazz", "brush"),
    drums=SWING_DRUMS,
    drum_gain=0.7,
    bass=Part(instruments=("double bass",), patterns=WALKING, gain=1.2),
    parts=(
        Part(
            instruments=("piano", "electric guitar", "vibraphone"),
            patterns={
                P44: (
                    "C-....C-........",
                    "..C-..........C-",
                    "C-------..C-....",
                    "....C-....C-....",
                    "C-....C-....C-..",
                ),
                P34: ("C---..C-....", "..C-....C-.."),
            },
            gain=0.75,
            centre=62,
        ),
    ),
    lead=Part(
        instruments=("saxophone", "trumpet", "clarinet", "vibraphone", "piano"),
        patterns=SWUNG,
        centre=72,
    ),
    moods={
        "major": ("smooth", "relaxed", "playful", "sophisticated", "romantic"),
        "minor": ("moody", "smoky", "melancholic", "sophisticated"),
    },
    words=("swinging jazz", "small-club jazz combo", "smooth jazz with a walking bass"),
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
FOLK = Style(
    name="folk",
    bpm=(76, 132),
    meters=(P44, P44, P34, P68),
    major=("I IV I V7", "I V7 vi IV", "I I IV V7", "I vi IV V7"),
    minor=("i bVII i V7", "i bVI bVII i", "i iv i V7", "i bVII bVI V7"),
    bass=Part(
        instruments=("double bass", "electric bass"), patterns=ROOT_FIFTH, enters=0.5, chance=0.8
    ),
    drums={
        P44: ({"tambourine": "....x.......x...", "kick": "x.......x......."},),
        P34: ({"tambourine": "....x...x...", "kick": "x..........."},),
        P68: ({"tambourine": "......x.....", "kick": "x..........."},),
    },
    kits=("standard",),
    drums_enter=0.6,
    drum_gain=0.6,
    parts=(
        Part(
            instruments=("acoustic guitar", "nylon guitar"),
            patterns=ARPEGGIO | {P44: ARPEGGIO[P44] + STRUM[P44]},
            strum_s=0.014,
            centre=57,
        ),
        Part(
            instruments=("banjo", "accordion", "harp"),
            patterns=ARPEGGIO,
            enters=0.6,
            gain=0.6,
            centre=64,
            chance=0.5,
        ),
    ),
    lead=Part(
        instruments=("fiddle", "flute", "harmonica", "accordion", "pan flute"),
        patterns=MELODY,
        centre=74,
    ),
    scale="pentatonic",
    energies=("low", "medium", "medium"),
    moods={
        "major": ("warm", "cheerful", "peaceful", "nostalgic"),
        "minor": ("wistful", "melancholic", "mysterious"),
    },
    words=("acoustic folk", "a fireside folk tune", "traditional folk with fingerpicked guitar"),
)
CLASSICAL = Style(
    name="classical piano",
    bpm=(66, 138),
    meters=(P44, P34, P68),
    major=("I V7 I V7", "I IV V7 I", "I vi ii V7", "I IV I V7"),
    minor=("i V7 i V7", "i iv V7 i", "i bVI iio V7", "i iv i V7"),
    parts=(
        Part(
            instruments=("piano",),
            patterns={
                P44: ("1-3-2-3-1-3-2-3-", "B-1-2-3-B-1-2-3-", "1-2-3-4-3-2-3-2-"),
                P34: ("B---C---C---", "1-2-3-2-3-2-"),
                P68: ARPEGGIO[P68],
            },
            gain=0.7,
            centre=54,
        ),
    ),
    lead=Part(instruments=("piano",), patterns=MELODY, centre=76, gain=1.1),
    lead_enters=0.0,
    moods={
        "major": ("graceful", "elegant", "serene", "bright"),
        "minor": ("dramatic", "melancholic", "tender", "solemn"),
    },
    reverb=0.22,
    endings=("ritard", "ritard", "chord"),
    words=("classical piano solo", "an elegant piano piece", "a piano sonatina"),
)
WALTZ = Style(
    name="waltz",
    bpm=(100, 176),
    meters=(P34,),
    major=("I I V7 V7", "I IV V7 I", "I vi ii V7", "I V7 I V7"),
    minor=("i i V7 V7", "i iv V7 i", "i bVI iv V7"),
    bass=Part(
        instruments=("double bass", "cello"), patterns={P34: ("R---........", "R-----------")}
    ),
    parts=(
        Part(
            instruments=("strings", "accordion", "piano"),
            patterns={P34: ("....C-..C-..", "....C---C---")},
            gain=0.75,
        ),
        Part(
            instruments=("harp", "pizzicato strings"),
            patterns={P34: ("1-2-3-4-3-2-", "....C-..C-..")},
            enters=0.6,
            gain=0.6,
            centre=67,
            chance=0.5,
        ),
    ),
    lead=Part(
        instruments=("violin", "clarinet", "flute", "accordion", "oboe"),
        patterns={P34: MELODY[P34]},
        centre=76,
    ),
    moods={
        "major": ("elegant", "romantic", "joyful", "graceful"),
        "minor": ("nostalgic", "bittersweet", "mysterious"),
    },
    reverb=0.22,
    endings=("ritard", "chord"),
    words=("ballroom waltz", "a turning Viennese waltz", "waltz in three"),
)
HOUSE = Style(
    name="house",
    bpm=(116, 130),
    major=("I vi IV V", "I I IV V", "Imaj7 vi7 IVmaj7 V", "I IV I V"),
    minor=("i7 i7 bVImaj7 V7", "i7 iv7 i7 V7", "i bVI bVII i", "i7 i7 iv7 i7"),
    minor_share=0.6,
    kits=("electronic", "808"),
    drums=HOUSE_DRUMS,
    drums_enter=0.3,
    drum_gain=1.2,
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
    drum_gain=1.35,
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
BOSSA = Style(
    name="bossa nova",
    bpm=(104, 148),
    major=("Imaj7 Imaj7 ii7 V7", "Imaj9 vi7 ii7 V7", "Imaj7 IVmaj7 ii7 V7"),
    minor=("i7 i7 iio7 V7", "i6 iv7 V7 i6", "i9 iv7 i7 V7"),
    kits=("brush", "jazz"),
    drums={
        P44: (
            {"kick": "x...o.x.x...o.x.", "rim": "x..x..x...x..x..", "shaker": "xoxoxoxoxoxoxoxo"},
            {"kick": "x.....x.x.....x.", "rim": "x..x...x..x.x...", "hat": "o.o.o.o.o.o.o.o."},
        )
    },
    drum_gain=0.7,
    bass=Part(
        instruments=("double bass", "electric bass"),
        patterns={P44: ("R-----5-5-----R-", "R-----R-5-----5-")},
        gain=1.1,
    ),
    parts=(
        Part(
            instruments=("nylon guitar",),
            patterns={P44: ("C-.C-.C-..C-.C-.", "C-..C-.C-..C-...", "C--C--C---C--C--")},
            strum_s=0.004,
            centre=60,
        ),
        Part(
            instruments=("electric piano", "strings"),
            patterns=HELD,
            enters=0.8,
            gain=0.5,
            centre=64,
            chance=0.5,
        ),
    ),
    lead=Part(
        instruments=("flute", "saxophone", "nylon guitar", "vibraphone"),
        patterns=SYNCOPATED | {P44: SYNCOPATED[P44] + SLOW[P44]},
        centre=74,
    ),
    energies=("low", "medium", "medium"),
    moods={
        "major": ("relaxed", "romantic", "sunny", "gentle"),
        "minor": ("wistful", "romantic", "intimate"),
    },
    words=("gentle bossa nova", "Brazilian bossa nova with nylon guitar", "beachside bossa"),
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
MARCH = Style(
    name="orchestral march",
    bpm=(88, 126),
    meters=(P44, P44, P68),
    major=("I I V7 I", "I IV V7 I", "I ii V7 I", "I IV I V7"),
    minor=("i V i V", "i bVI iv V", "i iv V i"),
    kits=("orchestra",),
    drums={
        P44: (
            {"kick": "X.......X.......", "snare": "x...x.xxx...x.x."},
            {"kick": "X...x...X...x...", "snare": "..x...x...x.xxxx", "crash": "X..............."},
        ),
        P68: ({"kick": "X.....x.....", "snare": "x.xxx.x.xxx."},),
    },
    drum_gain=0.9,
    bass=Part(
        instruments=("trombone", "cello"),
        patterns=ROOT_FIFTH | {P44: ("R---5---R---5---", "R-..5-..R-..5-..")},
        gain=1.0,
    ),
    parts=(
        Part(instruments=("strings",), patterns=HALVES, gain=0.8),
        Part(
            instruments=("french horn", "brass section"),
            patterns={P44: ("C-..C-..C-..C-..", "..C-..C-..C-..C-"), P68: ("C---C-C---C-",)},
            gain=0.7,
            centre=58,
        ),
        Part(
            instruments=("timpani",),
            patterns={P44: ("B---....B---....",), P68: ("B-----B-----",)},
            enters=0.9,
            gain=0.8,
            centre=60,
            chance=0.7,
        ),
    ),
    lead=Part(
        instruments=("trumpet", "french horn", "flute", "clarinet"),
        patterns={P44: MELODY[P44] + ("x--xx---x--xx---", "x---x--xx-------"), P68: MELODY[P68]},
        centre=72,
    ),
    energies=("medium", "high", "high"),
    moods={
        "major": ("triumphant", "heroic", "proud", "majestic"),
        "minor": ("solemn", "dramatic", "epic"),
    },
    reverb=0.28,
    words=(
        "orchestral march",
        "ceremonial march with snare rolls",
        "a heroic orchestral piece",
    ),
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
BASE: tuple[Style, ...] = (POP, ROCK, JAZZ, BLUES, FOLK, CLASSICAL, WALTZ, HOUSE, TECHNO, AMBIENT, FUNK, REGGAE, BOSSA, COUNTRY, MARCH, LOFI)  # fmt: skip
