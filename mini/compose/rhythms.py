"""Patterns and progressions that several styles share; ``styles`` says how to read them."""

from mini.compose.styles import Drums, Patterns

P44 = "4/4"
P34 = "3/4"
P68 = "6/8"

MELODY: Patterns = {
    P44: (
        "x---x---x---x---",
        "x---x-x-x---x---",
        "x-x-x---x-x-x---",
        "x-----x-x---x---",
        "x---x---x-------",
        "..x-x-x-x---x-x-",
        "x-x-x-x-x-------",
        "x-----x-----x---",
    ),
    P34: ("x---x---x---", "x-------x---", "x---x-x-x---", "x-x-x-x-x---", "x-----x-x---"),
    P68: ("x-----x-----", "x---x-x---x-", "x-x-x-x-----", "x---x-x-x-x-", "x-x-x-x---x-"),
}
SYNCOPATED: Patterns = {
    P44: (
        "x--x--x---x-x---",
        "x-x--xx---x-----",
        "..x--x-x--x-x---",
        "x--x----x--x----",
        "x-xx--x-x-x-----",
    ),
    P34: ("x--x--x-x---", "x-x---x--x--"),
    P68: ("x---x-x---x-", "x-x-x-x-----", "x---x---x---"),
}
SLOW: Patterns = {
    P44: ("x-------x-------", "x---------------", "x-----------x---", "x-------x---x---"),
    P34: ("x-----------", "x-------x---", "x-----x-----"),
    P68: ("x-----------", "x-----x-----", "x---x-x-----"),
}
SWUNG: Patterns = {
    P44: (
        "x-x-x-x-x-x-x---",
        "..x-x-x-x---..x-",
        "x---x-x---x-x---",
        "x-x-..x-x-x-----",
        "..x---x-x-x-x-x-",
        "x-----x---x-x---",
    ),
    P34: ("x---x-x-x-x-", "x-x-x---..x-", "x-----x-x---"),
    P68: MELODY[P68],
}

HELD: Patterns = {P44: ("C---------------",), P34: ("C-----------",), P68: ("C-----------",)}
HALVES: Patterns = {
    P44: ("C-------C-------", "C-----C-C-------"),
    P34: ("C-------C---",),
    P68: ("C-----C-----",),
}
QUARTERS: Patterns = {P44: ("C-..C-..C-..C-..", "C---C---C---C---"), P34: ("C---C---C---",)}
ARPEGGIO: Patterns = {
    P44: ("1-2-3-4-3-2-3-2-", "1-3-2-3-4-3-2-3-", "B-1-2-3-4-3-2-1-", "1-2-3-2-1-2-3-2-"),
    P34: ("B-1-2-3-2-1-", "1-2-3-4-3-2-"),
    P68: ("B-1-2-3-2-1-", "1-2-3-4-3-2-", "B-2-3-B-2-3-"),
}
STRUM: Patterns = {
    P44: ("C---C-C-C-C-C-C-", "C---C-C-..C-C-C-", "C-----C-C---C-C-", "C---C---C---C-C-"),
    P34: ("C---C-C-C-C-", "C---C---C-C-"),
    P68: ("C---C-C---C-", "C-C-C-C-C-C-"),
}
OOMPAH: Patterns = {
    P44: ("B---C-..B---C-..",),
    P34: ("B---C-..C-..", "B---C---C---"),
    P68: ("B-..C-B-..C-", "B---C-B---C-"),
}

ROOTS: Patterns = {
    P44: ("R-------R-------", "R-----R-R-------", "R---------R-5---"),
    P34: ("R-----------", "R-------5---"),
    P68: ("R-----5-----", "R-----R---5-"),
}
DRIVING: Patterns = {
    P44: ("R-R-R-R-R-R-R-R-", "R-R-R-R-R-R-5-a-", "R--R--R-R--R--a-"),
    P34: ("R-R-R-R-R-R-",),
    P68: ("R-R-R-R-R-R-", "R---R-R---a-"),
}
ROOT_FIFTH: Patterns = {
    P44: ("R---....5---....", "R-------5-----a-", "R---..a-5---....", "R-..5-..R-..5-.."),
    P34: ("R---........", "R---....5---", "R-----------"),
    P68: ("R---..5---..", "R-----5-----"),
}
WALKING: Patterns = {
    P44: ("R---w---w---a---", "R---w---5---a---", "R---3---5---a---"),
    P34: ("R---w---a---",),
    P68: ("R---w-5---a-", "R---3-5---a-"),
}
PULSED: Patterns = {
    P44: ("R-..R-..R-..R-..", "..R-..R-..R-..R-", "R-R-..R-R-R-..R-", "RRR.RRR.RRR.RRR."),
}

ROCK_DRUMS: dict[str, tuple[Drums, ...]] = {
    P44: (
        {"kick": "X.......X.......", "snare": "....X.......X...", "hat": "x.o.x.o.x.o.x.o."},
        {"kick": "X.....x.X.......", "snare": "....X.......X...", "hat": "x.x.x.x.x.x.x.x."},
        {"kick": "X..x....X.x.....", "snare": "....X.......X...", "hat": "x.x.x.x.x.x.x.o."},
        {"kick": "X.x.....X.x.....", "snare": "....X.......X..o", "hat": "x.x.x.x.x.x.x.x."},
    ),
    P34: ({"kick": "X...........", "snare": "....x...x...", "hat": "x.x.x.x.x.x."},),
    P68: (
        {"kick": "X.........x.", "snare": "......X.....", "hat": "X.o.o.X.o.o."},
        {"kick": "X...x.......", "snare": "......X.....", "hat": "X.o.o.X.o.o."},
    ),
}
HOUSE_DRUMS: dict[str, tuple[Drums, ...]] = {
    P44: (
        {
            "kick": "X...X...X...X...",
            "clap": "....x.......x...",
            "open": "..x...x...x...x.",
            "hat": "x.o.x.o.x.o.x.o.",
        },
        {
            "kick": "X...X...X...X...",
            "clap": "....x.......x..o",
            "hat": "x.xxx.xxx.xxx.xx",
            "open": "..x...x...x...x.",
        },
    ),
}
SWING_DRUMS: dict[str, tuple[Drums, ...]] = {
    P44: (
        {"ride": "x...x.o.x...x.o.", "pedal": "....x.......x...", "kick": "o.......o......."},
        {
            "ride": "X...x.o.X...x.o.",
            "pedal": "....x.......x...",
            "kick": "o...o...o...o...",
            "snare": "......o.......o.",
        },
    ),
    P34: ({"ride": "x...x.o.x.o.", "pedal": "....x...x...", "kick": "x..........."},),
    P68: ({"ride": "x...x.x...x.", "kick": "x...........", "snare": "......x....."},),
}

POP_MAJOR = ("I V vi IV", "I vi IV V", "I IV vi V", "I iii IV V", "I IV I V", "I I IV V")
POP_MINOR = ("i bVI iv V", "i iv bVI V", "i bVII bVI V", "i bVI i V", "i iv i V", "i bVI bVII i")
HAPPY = ("happy", "uplifting", "cheerful", "joyful", "playful", "bright")
SAD = ("sad", "melancholic", "dark", "wistful", "brooding")
BASES = ("electric bass",)
