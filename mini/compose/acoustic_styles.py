"""The acoustic and orchestral styles of the bundled model."""

from mini.compose.rhythms import (
    ARPEGGIO,
    HALVES,
    HELD,
    MELODY,
    P34,
    P44,
    P68,
    ROOT_FIFTH,
    SLOW,
    STRUM,
    SWING_DRUMS,
    SWUNG,
    SYNCOPATED,
    WALKING,
)
from mini.compose.styles import Part, Style

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
