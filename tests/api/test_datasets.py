"""Training sets over HTTP."""

from fastapi.testclient import TestClient

from angen.data.manifest import Clip, DatasetInfo, Source, save_info
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
    save_info(DatasetInfo(name="mine", created="2026-11-29T08:00:00+00:00", clips=(CLIP,)), folder)

    def edited(**values: object) -> list[object]:
        answer = client.patch("/api/training/datasets/mine", json={"clips": {CLIP.file: values}})
        assert answer.status_code == 200, answer.text
        assert client.get("/api/training/datasets/mine").json() == answer.json()
        problems: list[object] = answer.json()["problems"]
        return problems

    assert edited(key="A minor", bpm=90) == []
    assert edited(key="moll") == [
        {
            "file": "clips/a.wav",
            "reason": "'moll' is not read as a key. Write it like A minor or Eb major.",
            "left_out": False,
        }
    ]
    assert edited(key="A minor") == []
