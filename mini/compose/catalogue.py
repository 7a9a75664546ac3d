"""All styles: those that the bundled model is trained on, and those kept from it."""

from mini.compose.acoustic_styles import BOSSA, CLASSICAL, FOLK, JAZZ, MARCH, WALTZ
from mini.compose.electronic_styles import AMBIENT, HOUSE, LOFI, TECHNO
from mini.compose.held_out_styles import CHIPTUNE, GAMELAN, MUSIC_BOX
from mini.compose.popular_styles import BLUES, COUNTRY, FUNK, POP, REGGAE, ROCK
from mini.compose.styles import Style

BASE: tuple[Style, ...] = (
    *(POP, ROCK, JAZZ, BLUES, FOLK, CLASSICAL, WALTZ, HOUSE),
    *(TECHNO, AMBIENT, FUNK, REGGAE, BOSSA, COUNTRY, MARCH, LOFI),
)
HELD_OUT: tuple[Style, ...] = (CHIPTUNE, MUSIC_BOX, GAMELAN)
ALL_STYLES: dict[str, Style] = {style.name: style for style in (*BASE, *HELD_OUT)}
