from pathlib import Path

import pytest

from angen.data.manifest import ClipMetadata
from angen.errors import BadInput, Unknown
from angen.studio.material.analysis import clips_of
from angen.studio.material.collections import (
    Collection,
    Row,
    delete_collection,
    edit_rows,
    get_collection,
    list_collections,
    new_collection,
    save_collection,
)
from angen.studio.material.doubts import judged
from angen.studio.material.edits import heard_anew
from angen.studio.requests.material import MetadataEdit
from angen.studio.settings import Settings

HEARD = ClipMetadata(
    genre="jazz",
    bpm=120,
    key="C major",
    mood="calm",
    instruments=("piano",),
    description="Calm jazz.",
    energy="low",
    confidence={"genre": 0.9, "bpm": 0.9, "key": 0.9, "mood": 0.9, "instruments": 0.9},
)


def row(number: int, *, sha256: str | None = None, lufs: float = -14) -> Row:
    return Row(
        id=f"row{number}",
        file=f"jazz_song_clip{number:03d}.wav",
        audio=f"training_data/user_uploads/clips/x/{number}.wav",
        upload="up",
        source="song.wav",
        song="song",
        start_s=0,
        duration_s=10,
        ends_song=False,
        sha256=sha256 or f"{number:064x}",
        source_sha256="f" * 64,
        loudness_lufs=lufs,
        metadata=HEARD,
        heard=HEARD,
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def table(settings: Settings) -> Collection:
    made = new_collection("Mine", "mine")
    return save_collection(settings, made.model_copy(update={"rows": (row(1), row(2), row(3))}))


def test_a_table_comes_back_as_it_was_written(settings: Settings, table: Collection) -> None:
    assert get_collection(settings, "mine") == table
    (listed,) = list_collections(settings)
    assert (listed.name, listed.clips, listed.songs, listed.minutes) == ("Mine", 3, 1, 0.5)


def test_the_prompt_is_what_the_model_will_see(table: Collection) -> None:
    assert table.rows[0].prompt == "jazz, calm, piano, low energy, 120 BPM, C major"


def test_an_edit_is_marked_and_changes_the_prompt(settings: Settings, table: Collection) -> None:
    edit = MetadataEdit(genre="polka", bpm="133", instruments="tuba, drums", description="A dance")
    changed = edit_rows(settings, "mine", {"row2": edit})
    metadata = changed.rows[1].metadata
    assert set(metadata.edited) == {"genre", "bpm", "instruments", "description"}
    assert (metadata.bpm, metadata.instruments) == (133, ("tuba", "drums"))
    assert (
        changed.rows[1].prompt == "polka, calm, tuba, drums, low energy, 133 BPM, C major, A dance"
    )
    assert changed.rows[0] == table.rows[0]
    assert get_collection(settings, "mine") == changed


def test_an_empty_value_clears_and_null_gives_back(settings: Settings, table: Collection) -> None:
    cleared = edit_rows(settings, "mine", {"row1": MetadataEdit(mood="", genre="polka")})
    assert (cleared.rows[0].metadata.mood, cleared.rows[0].metadata.genre) == ("", "polka")
    assert "mood" in cleared.rows[0].metadata.edited
    back = edit_rows(settings, "mine", {"row1": MetadataEdit(mood=None)})
    assert back.rows[0].metadata.mood == "calm"
    assert back.rows[0].metadata.edited == ("genre",)


def test_the_machine_fills_only_what_no_person_has_written() -> None:
    written = HEARD.model_copy(update={"genre": "polka", "mood": "", "edited": ("genre", "mood")})
    again = HEARD.model_copy(update={"genre": "rock", "mood": "wild", "bpm": 99.0})
    filled = heard_anew(written, again)
    assert (filled.genre, filled.mood, filled.bpm) == ("polka", "", 99)
    assert filled.edited == ("genre", "mood")


def test_the_machines_description_follows_what_a_person_corrects(
    settings: Settings, table: Collection
) -> None:
    def description(**values: object) -> str:
        edits = {"row1": MetadataEdit.model_validate(values)}
        return edit_rows(settings, "mine", edits).rows[0].metadata.description

    assert description(lyrics="la la") == HEARD.description
    assert description(genre="polka", bpm=90, key="") == (
        "Calm polka at 90 BPM, with piano, low energy"
    )
    assert description(description="My own.") == "My own."
    assert description(mood="wild") == "My own."
    assert description(description=None) == "Wild polka at 90 BPM, with piano, low energy"
    assert description(**dict.fromkeys(("genre", "bpm", "key", "mood"))) == HEARD.description


def test_a_description_that_is_heard_anew_says_what_a_person_has_written() -> None:
    written = HEARD.model_copy(update={"genre": "polka", "edited": ("genre",)})

    assert heard_anew(written, HEARD).description == (
        "Calm polka in C major at 120 BPM, with piano, low energy"
    )
    assert "description" not in heard_anew(written, HEARD).edited


@pytest.mark.parametrize(
    ("edits", "error", "said"),
    [
        ({"row1": MetadataEdit(bpm="fast")}, BadInput, r"^jazz_song_clip001\.wav: bpm is 'fast'"),
        ({"row1": MetadataEdit(bpm=-3)}, BadInput, "bpm"),
        ({"row1": MetadataEdit(energy="huge")}, BadInput, "energy"),
        ({"row1": MetadataEdit(genre="x"), "no": MetadataEdit()}, Unknown, "no row 'no'"),
    ],
)
def test_one_bad_value_changes_nothing(
    settings: Settings,
    table: Collection,
    edits: dict[str, MetadataEdit],
    error: type[BadInput],
    said: str,
) -> None:
    with pytest.raises(error, match=said):
        edit_rows(settings, "mine", edits)
    assert get_collection(settings, "mine") == table


def test_a_deleted_table_is_gone_with_its_clips(settings: Settings, table: Collection) -> None:
    clips = settings.clips / "mine"
    clips.mkdir(parents=True)
    (clips / "a.wav").write_bytes(b"")
    delete_collection(settings, "mine")
    assert not clips.exists()
    for ask in (get_collection, delete_collection):
        with pytest.raises(Unknown):
            ask(settings, "mine")
    assert list_collections(settings) == []


def test_a_damaged_table_is_listed_with_its_problem(settings: Settings, table: Collection) -> None:
    (settings.collections / "mine.json").write_text("{")
    (listed,) = list_collections(settings)
    assert "damaged" in listed.problem


def seen(*clips: Row) -> list[tuple[str, ...]]:
    return judged([(c.song, c.sha256, c.loudness_lufs, c.metadata) for c in clips])


def test_twins_are_told_once_each() -> None:
    first, other, twin = seen(row(1), row(2), row(3, sha256=row(1).sha256))
    assert first == other == ()
    assert twin == ("The same sound as row 1 (song). One of them is enough.",)


def test_a_row_is_left_out_and_brought_back(settings: Settings) -> None:
    rows = (row(1), row(2), row(3, sha256=row(1).sha256))
    save_collection(settings, new_collection("Mine", "mine").model_copy(update={"rows": rows}))
    edits = {"row1": MetadataEdit(genre="polka")}
    changed = edit_rows(settings, "mine", edits, {"row1": True})

    assert changed == get_collection(settings, "mine")
    assert [found.left_out for found in changed.rows] == [True, False, False]
    assert [found.id for found in changed.used] == ["row2", "row3"]
    assert changed.rows[0].metadata.genre == "polka"
    assert changed.rows[2].warnings == ()  # it is the only one of its sound now
    for clip in changed.used:
        path = settings.home / clip.audio
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    assert [clip.file for _, clip in clips_of(changed, settings)] == [
        "clips/jazz_song_clip002.wav",
        "clips/jazz_song_clip003.wav",
    ]

    back = edit_rows(settings, "mine", {}, {"row1": False})
    assert len(back.used) == 3
    assert "same sound as row 1" in back.rows[2].warnings[0]
    with pytest.raises(Unknown, match="no row 'no'"):
        edit_rows(settings, "mine", {}, {"no": True})


def test_a_clip_far_louder_than_the_others_is_told() -> None:
    *usual, loud = seen(row(1, lufs=-15), row(2, lufs=-14), row(3, lufs=-13), row(4, lufs=-2))
    assert usual == [(), (), ()]
    assert "12 dB louder than the other clips" in loud[0]


def test_guesses_that_are_not_told_to_the_model_are_told_to_the_person() -> None:
    sure = dict.fromkeys(("bpm", "key", "genre", "mood", "instruments", "energy"), 0.9)
    unsure = HEARD.model_copy(
        update={"confidence": sure | {"genre": 0.1, "mood": 0.19, "instruments": 0.2}}
    )
    ((doubt,),) = seen(row(1).model_copy(update={"metadata": unsure}))

    assert doubt == (
        "Hardly heard and not told to the model: genre (10% sure), mood (19% sure). "
        "Set what you know."
    )
    set_by_hand = unsure.model_copy(update={"mood": "", "edited": ("genre", "mood")})
    assert seen(row(1).model_copy(update={"metadata": set_by_hand})) == [()]


def test_a_doubtful_tempo_is_told_until_a_person_sets_it() -> None:
    unsure = HEARD.model_copy(update={"confidence": {"bpm": 0.1, "key": 0.3}})
    ((tempo, key),) = seen(row(1).model_copy(update={"metadata": unsure}))
    assert "tempo was hardly heard (10% sure) and is not told to the model" in tempo
    assert "key was hardly heard (30% sure) and may be wrong" in key
    set_by_hand = unsure.model_copy(update={"edited": ("bpm", "key")})
    assert seen(row(1).model_copy(update={"metadata": set_by_hand})) == [()]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"bpm": 400.0}, "A tempo of 400 BPM is none of music, 40 to 240: is it 200?"),
        ({"bpm": 30.0}, "A tempo of 30 BPM is none of music, 40 to 240: is it 60?"),
        ({"bpm": 10.0}, "A tempo of 10 BPM is none of music, 40 to 240."),
        ({"bpm": 1000.0}, "A tempo of 1000 BPM is none of music, 40 to 240."),
        ({"bpm": 240.4}, None),  # the prompt says 240
        ({"key": "H moll"}, "'H moll' is not read as a key. Write it like A minor or Eb major."),
        ({"key": "Eb major"}, None),
        ({"bpm": 240.0}, None),
    ],
)
def test_what_a_person_wrote_and_nobody_reads_is_told(
    values: dict[str, object], told: str | None
) -> None:
    heard = HEARD.model_copy(update=values)
    by_hand = heard.model_copy(update={"edited": tuple(values)})
    doubts = () if told is None else (told,)
    assert seen(row(1).model_copy(update={"metadata": by_hand})) == [doubts]
    assert seen(row(1).model_copy(update={"metadata": heard})) == [()]
