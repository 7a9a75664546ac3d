import json
import time
from pathlib import Path
from typing import Any

import pytest

from angen.data.manifest import (
    FILE_NAME,
    Clip,
    ClipMetadata,
    DatasetInfo,
    Source,
    load_info,
    prompt_of,
    save_info,
)
from angen.errors import BadInput


def a_clip(number: int = 1, **changes: Any) -> Clip:
    values: dict[str, Any] = {
        "file": f"clips/pop_song_clip{number:03d}.wav",
        "song": f"song{number}",
        "start_s": 0.0,
        "duration_s": 12.0,
        "ends_song": False,
        "sha256": f"{number:064x}",
        "source": Source(file="song.flac", sha256="0" * 64, licence="CC0"),
    }
    return Clip(**{**values, **changes})


def a_dataset(*clips: Clip) -> DatasetInfo:
    return DatasetInfo(name="demo", created="2026-11-22T12:00:00+00:00", clips=clips)


def test_a_manifest_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    metadata = ClipMetadata(
        genre="folk", bpm=92.5, instruments=("fiddle", "whistle"), lyrics="la 夜", edited=("genre",)
    )
    info = a_dataset(a_clip(1, metadata=metadata), a_clip(2, split="validation", ends_song=True))
    save_info(info, tmp_path)
    assert load_info(tmp_path) == info


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"mystery": 1}, "clips.0.mystery: Extra inputs"),
        ({"file": "../../etc/passwd"}, "not a path inside"),
        ({"file": "/etc/passwd"}, "not a path inside"),
        ({"file": "C:\\x.wav"}, "not a path inside"),
        ({"sha256": "abc"}, "clips.0.sha256"),
        ({"duration_s": -1}, "clips.0.duration_s"),
        ({"metadata": {"bpm": "fast"}}, "clips.0.metadata.bpm"),
        ({"split": "test"}, "clips.0.split"),
    ],
)
def test_a_manifest_is_read_strictly(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    data = a_dataset(a_clip()).model_dump(mode="json")
    data["clips"][0] |= change
    (tmp_path / FILE_NAME).write_text(json.dumps(data))
    with pytest.raises(BadInput, match=reason):
        load_info(tmp_path)


def test_a_song_on_both_sides_is_refused(tmp_path: Path) -> None:
    data = a_dataset(a_clip(1), a_clip(2)).model_dump(mode="json")
    data["clips"][1] |= {"song": "song1", "split": "validation"}
    (tmp_path / FILE_NAME).write_text(json.dumps(data))
    with pytest.raises(BadInput, match="'song1' has clips on both sides"):
        load_info(tmp_path)


def test_a_file_listed_twice_is_refused(tmp_path: Path) -> None:
    data = a_dataset(a_clip(1)).model_dump(mode="json")
    data["clips"] *= 2
    (tmp_path / FILE_NAME).write_text(json.dumps(data))
    with pytest.raises(BadInput, match="listed twice"):
        load_info(tmp_path)


@pytest.mark.parametrize("text", ["", "not json", "[]", '{"version": 2}'])
def test_what_is_no_manifest_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    with pytest.raises(BadInput, match=FILE_NAME):
        load_info(tmp_path)


def test_the_faults_of_all_clips_are_told_at_once(tmp_path: Path) -> None:
    data = a_dataset(a_clip(1), a_clip(2)).model_dump(mode="json")
    for clip in data["clips"]:
        clip["duration_s"] = -1
    (tmp_path / FILE_NAME).write_text(json.dumps(data))
    with pytest.raises(BadInput, match=r"(?s)clips\.0\.duration_s.*clips\.1\.duration_s"):
        load_info(tmp_path)


def test_faults_without_number_are_not_all_listed(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text('{"clips": [' + "{}," * 400_000 + "{}]}")
    started = time.process_time()
    with pytest.raises(BadInput, match=r"clips\.0\.file: Field required"):
        load_info(tmp_path)
    assert time.process_time() - started < 3  # each of them takes a microsecond and 3 kB


def test_a_folder_without_manifest_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="angen prepare"):
        load_info(tmp_path)


def test_the_prompt_names_all_that_is_known() -> None:
    metadata = ClipMetadata(
        genre="folk",
        bpm=92.4,
        key="D major",
        mood="calm",
        instruments=("fiddle", "whistle"),
        energy="low",
        description="Calm folk in D major",
    )
    assert prompt_of(metadata) == "folk, calm, fiddle, whistle, low energy, 92 BPM, D major"


def test_the_prompt_leaves_out_what_the_machine_hardly_knows() -> None:
    unsure = ClipMetadata(genre="jazz", key="C major", confidence={"genre": 0.1, "key": 0.9})
    assert prompt_of(unsure) == "C major"
    assert prompt_of(unsure.model_copy(update={"edited": ("genre",)})) == "jazz, C major"


def test_a_persons_description_is_in_the_prompt() -> None:
    metadata = ClipMetadata(genre="folk", description="by the sea", edited=("description",))
    assert prompt_of(metadata) == "folk, by the sea"


def test_nothing_known_still_gives_a_prompt() -> None:
    assert prompt_of(ClipMetadata()) == "music"


def test_the_fingerprint_follows_what_is_trained_on_and_nothing_else() -> None:
    info = a_dataset(a_clip(1), a_clip(2))
    assert info.model_copy(update={"name": "other"}).fingerprint == info.fingerprint
    sung = a_clip(2, metadata=ClipMetadata(lyrics="la"))
    assert a_dataset(a_clip(1), sung).fingerprint != info.fingerprint
