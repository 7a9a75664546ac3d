"""The data sets that the first tab knows by name: what of them is on this machine.

Fetching them is not built yet, and this says so rather than pretend.
"""

from dataclasses import dataclass

from angen.amounts import counted
from angen.data.manifest import load_info
from angen.errors import BadInput
from angen.studio.settings import Settings

NOT_BUILT = (
    "Downloading it is not built yet. Fetch it from its own page, heed its licence, then bring "
    "the recordings under User Audio Training."
)
NO_SOUND = (
    "Downloading it is not built yet, nor is turning notes into sound: it holds scores, not "
    "recordings. Render them to WAV, then bring those under User Audio Training."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class CuratedSet:
    """One of the five sets."""

    id: str
    title: str
    kind: str  # vocal or symbolic
    about: str
    licence: str  # what is sure of it
    here: bool  # a dataset of it can be trained on
    dataset: str | None  # its name in the list of datasets
    clips: int
    minutes: float
    status: str  # what there is, and what can be done


_SETS = (
    ("opensinger", "OpenSinger", "vocal", "Solo singing in Mandarin."),
    ("m4singer", "M4Singer", "vocal", "Solo singing in Mandarin, with scores."),
    ("ccmixter", "CC Mixter", "vocal", "Songs and a cappellas that are shared to be remixed."),
    ("lakh", "Lakh MIDI", "symbolic", "MIDI files of popular songs."),
    ("mutopia", "Mutopia", "symbolic", "Scores of classical music, engraved by volunteers."),
)
_LICENCES = {
    "ccmixter": "Creative Commons; which one differs from song to song.",
    "mutopia": "Public domain or Creative Commons; it stands on each score.",
}
_LOOK = "Look it up on the set's own page before you use it."


def curated_sets(settings: Settings) -> list[CuratedSet]:
    """The five sets, in the order of the page."""
    return [_looked_up(settings, *facts) for facts in _SETS]


def _looked_up(settings: Settings, name: str, title: str, kind: str, about: str) -> CuratedSet:
    dataset = f"{kind}_{name}"
    missing = NO_SOUND if kind == "symbolic" else NOT_BUILT
    clips, minutes, here, status = 0, 0.0, False, f"Not on this machine. {missing}"
    if (settings.datasets / dataset).is_dir():
        try:
            info = load_info(settings.datasets / dataset)
        except BadInput as error:
            status = f"Its folder is here but cannot be used: {error}"
        else:
            clips, minutes, here = len(info.clips), round(info.duration_s / 60, 2), True
            status = f"Here: {counted(clips, 'clip')}, {minutes:.1f} minutes. Train on {dataset!r}."
    return CuratedSet(
        id=name,
        title=title,
        kind=kind,
        about=about,
        licence=_LICENCES.get(name, _LOOK),
        here=here,
        dataset=dataset if here else None,
        clips=clips,
        minutes=minutes,
        status=status,
    )
