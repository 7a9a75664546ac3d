"""Metadata tables over HTTP."""

from fastapi.testclient import TestClient

from angen.studio.settings import Settings
from tests.ui.house import add_table


def test_rows_are_left_out_and_brought_back(client: TestClient, settings: Settings) -> None:
    rows = f"/api/training/collections/{add_table(settings).id}/rows"

    def left_out(**values: bool) -> list[bool]:
        answer = client.patch(rows, json={"rows": {}, "left_out": values})
        assert answer.status_code == 200, answer.text
        assert client.get(rows.removesuffix("/rows")).json() == answer.json()
        return [row["left_out"] for row in answer.json()["rows"]]

    assert left_out(row1=True) == [False, True]
    assert left_out() == [False, True]
    assert left_out(row1=False) == [False, False]
    assert client.patch(rows, json={"rows": {}, "left_out": {"no": True}}).status_code == 404
    assert client.patch(rows, json={"rows": {}, "left_out": {"row1": "x"}}).status_code == 422


def test_a_value_that_does_not_fit_is_told_with_its_clip(
    client: TestClient, settings: Settings
) -> None:
    table = add_table(settings)
    answer = client.patch(
        f"/api/training/collections/{table.id}/rows", json={"rows": {"row1": {"bpm": "abc"}}}
    )

    assert answer.json()["detail"] == (
        "jazz_song_clip001.wav: bpm is 'abc': "
        "write beats per minute as a number, such as 92, at most 1000."
    )


def test_words_for_nothing_clear_a_value_and_a_tempo_may_have_a_comma(
    client: TestClient, settings: Settings
) -> None:
    table = add_table(settings)
    values = {"genre": "N/A", "mood": "null", "bpm": "92,5 BPM", "instruments": ["nan", "bass"]}
    path = f"/api/training/collections/{table.id}/rows"
    answer = client.patch(path, json={"rows": {"row1": values}})
    assert answer.status_code == 200, answer.text
    metadata = next(r["metadata"] for r in answer.json()["rows"] if r["id"] == "row1")
    assert (metadata["genre"], metadata["mood"], metadata["bpm"]) == ("", "", 92.5)
    assert metadata["instruments"] == ["bass"]
