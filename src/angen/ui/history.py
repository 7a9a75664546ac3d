"""The history: every song that was made, to be heard, repeated, downloaded or deleted."""

from typing import Any

import gradio as gr
from markupsafe import Markup

from angen.errors import BadInput
from angen.studio.desk import Desk
from angen.studio.playing.outputs import SongInfo
from angen.ui import links, words
from angen.ui.faults import PRESS, bound, tell
from angen.ui.generate import form_of
from angen.ui.live import Live, changed
from angen.ui.markup import ACTIONS, NOTHING, attributes, button, chips, empty, joined, play, tag
from angen.ui.stage import facts
from angen.ui.words import MAKING

SHOWN = 50
NAMED = 120  # characters of a prompt that stand for the song


def build_history(desk: Desk, live: Live) -> gr.HTML:
    """Draw the list of songs."""
    history = gr.HTML(js_on_load=ACTIONS, apply_default_css=False, elem_id="history")
    live.panel(
        "history",
        [history],
        lambda now: (changed(desk.settings.outputs), now.ended(*MAKING)),
        lambda _now: {history: str(draw_history(desk.songs(limit=SHOWN)))},
    )
    return history


def draw_history(songs: list[SongInfo]) -> Markup:
    """The newest songs as HTML."""
    if not songs:
        return tag("h2", "History") + empty("No songs yet", "Each one that you make is kept here.")
    items = joined(_item(song) for song in songs)
    return tag("h2", "History") + tag("ul", items, class_="songs")


def _item(song: SongInfo) -> Markup:
    chosen = facts(song.request, song.duration_s, short=True)
    title = button(song.title, "show", look="link", song=song.id, label=f"Show {song.title}")
    text = title + tag("div", chips([words.ago(song.created), *chosen]), class_="facts")
    return tag(
        "li",
        play(links.song_audio(song.id), song.title)
        + tag("div", text, class_="grow")
        + _tools(song),
        class_="song",
    )


def _tools(song: SongInfo) -> Markup:
    name = spoken(song)
    again = NOTHING
    if song.request is not None:
        again = button("Repeat", "repeat", song=song.id, label=f"Repeat the request of {name}")
    download = Markup('<a class="mini"{}>Download</a>').format(
        attributes(
            href=links.song_audio(song.id),
            download=f"{song.id}.wav",
            aria_label=f"Download {name}",
        )
    )
    delete = button(
        "Delete",
        "delete",
        look="danger",
        song=song.id,
        label=f"Delete {name}",
        confirm=f"Delete the song {name}?",
    )
    return tag("div", again + download + delete, class_="tools")


def spoken(song: SongInfo) -> str:
    """A song as one names it: by its words, and by what tells it from others of the same words."""
    title = song.title if len(song.title) <= NAMED else f"{song.title[:NAMED]}…"
    return f"“{title}” ({', '.join(facts(song.request, song.duration_s, short=True))})"


def repeat_song(desk: Desk, identity: str) -> list[Any]:
    """Values of the form that ask for a song again. Raises BadInput when it holds no request."""
    song = desk.song(identity)
    if song.request is None:
        raise BadInput(f"{identity} holds no request: it was not made here.")
    tell("The form holds the request of this song again.")
    return form_of(song.request)


def wire_history(desk: Desk, history: gr.HTML, fields: list[Any], stage: gr.State) -> None:
    """Let the buttons of the list work."""

    def press(event: gr.EventData) -> Any:
        action, song = event._data["action"], event._data.get("song", "")
        if action == "repeat":
            return [*repeat_song(desk, song), gr.skip()]
        if action == "delete":
            desk.delete_song(song)
            tell("Deleted.")
            return [gr.skip()] * (len(fields) + 1)
        return [*[gr.skip()] * len(fields), {"song": song}]

    history.click(bound(press), None, [*fields, stage], **PRESS)
