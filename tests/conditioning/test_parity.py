import json
from pathlib import Path
from typing import Any

import pytest

from angen.conditioning.parity import (
    Row,
    check_chinese,
    check_g2p,
    check_lyrics,
)

FIXTURES = Path(__file__).parents[1] / "fixtures/diffrhythm2"


def recorded(name: str) -> Any:
    return json.loads((FIXTURES / name).read_text("utf-8"))


def failed(rows: list[Row]) -> list[Row]:
    return [row for row in rows if not row.ok]


def test_every_recorded_line_gives_the_recorded_tokens() -> None:
    cases = recorded("g2p.json")
    rows = check_g2p(cases)
    assert len(rows) == len(cases)
    assert failed(rows) == []


def test_chinese_gives_the_recorded_tokens_with_the_declared_lexicon() -> None:
    stub = recorded("g2p_zh_stub.json")
    rows = check_chinese(stub)
    assert len(rows) == len(stub["cases"]) + len(stub["lyrics"])
    assert failed(rows) == []


def test_chinese_gives_the_recorded_tokens_with_pypinyin_too() -> None:
    assert failed(check_g2p(recorded("g2p_zh_stub.json")["cases"])) == []


def test_lyrics_give_the_recorded_tokens_line_by_line() -> None:
    cases = recorded("lyrics.json")
    rows = check_lyrics(cases)
    assert len(rows) == len(cases)
    assert failed(rows) == []


@pytest.mark.parametrize(
    "case",
    [
        {},
        {"text": "hello", "tokens": [1]},
        {"text": "hello", "mode": "encode"},
        {"text": "hello", "mode": "encode", "tokens": None},
        {"text": 1, "mode": "encode", "tokens": [1]},
    ],
)
def test_a_damaged_record_fails(case: dict[str, Any]) -> None:
    (row,) = check_g2p([case])
    assert (row.case, row.ok) == ("damaged record", False)
    assert not check_lyrics([{"text": "hello"}])[0].ok
    assert not check_chinese({"cases": [case]})[0].ok


@pytest.mark.parametrize("change", ["value", "shorter", "longer"])
def test_a_changed_record_fails(change: str) -> None:
    case = dict(recorded("g2p.json")[0])
    tokens = list(case["tokens"])
    case["tokens"] = {
        "value": [tokens[0] + 1, *tokens[1:]],
        "shorter": tokens[:-1],
        "longer": [*tokens, 1],
    }[change]
    (row,) = check_g2p([case])
    assert not row.ok
    assert "recorded" in row.detail


def test_a_record_of_an_error_fails_where_we_give_tokens() -> None:
    (row,) = check_g2p([{"text": "hello", "mode": "encode", "error": "Exception"}])
    assert not row.ok


def test_a_language_that_we_do_not_read_is_a_failed_row_that_says_so() -> None:
    (row,) = check_g2p([{"text": "hola", "mode": "lang:es", "tokens": [1]}])
    assert not row.ok
    assert "no phonemiser for language 'es'" in row.detail


def test_a_line_moved_between_lines_fails() -> None:
    case = dict(recorded("lyrics.json")[0])
    first, second, *rest = case["per_line"]
    case["per_line"] = [first + second, [], *rest]
    (row,) = check_lyrics([case])
    assert not row.ok
