"""Training sets over HTTP."""

from fastapi.testclient import TestClient

from angen.data.manifest import Clip, DatasetInfo, Problem, Source, save_info
from angen.studio.settings import Settings

CLIP = Clip(
    file="clips/a.wav",
    song="a",
    start_s=0,
    duration_s=12,
    ends_song=True,
    sha256="0" * 64,
    source=Source(file="a.wav", sha256="1" * 64),
)


def test_what_no_prompt_will_say_is_told_with_the_answer(
    client: TestClient, settings: Settings
) -> None:
    folder = settings.datasets / "mine"
    folder.mkdir(parents=True)
    other = CLIP.model_copy(update={"file": "clips/b.wav"})
    save_info(
        DatasetInfo(
            name="mine",
            created="2026-11-29T08:00:00+00:00",
            clips=(CLIP, other),
            problems=(Problem(file="c.wav", reason="silent"),),
        ),
        folder,
    )
    silent = {"file": "c.wav", "reason": "silent", "left_out": True}

    def edited(**values: object) -> list[object]:
        answer = client.patch(
            "/api/training/datasets/mine",
            json={"clips": dict.fromkeys((CLIP.file, other.file), values)},
        )
        assert answer.status_code == 200, answer.text
        assert client.get("/api/training/datasets/mine").json() == answer.json()
        problems: list[object] = answer.json()["problems"]
        return problems

    assert edited(key="A minor", bpm=90) == [silent]
    reason = "'moll' is not read as a key. Write it like A minor or Eb major."
    assert edited(key="moll") == [
        silent,
        {"file": CLIP.file, "reason": reason, "left_out": False},
        {"file": other.file, "reason": reason, "left_out": False},
    ]
    assert edited(key="A minor") == [silent]
