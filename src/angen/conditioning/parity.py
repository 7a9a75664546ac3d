"""Lyrics and phonemes against cases recorded from the released program."""

from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

from angen.conditioning.chinese_words import ChineseReading
from angen.conditioning.lyrics import LyricsReader, Reading, encode_lyrics
from angen.conditioning.phonemes import encode, encode_by_script, encode_in
from angen.errors import BadInput

Case = Mapping[str, Any]


class Row(NamedTuple):
    """One case: what it is, whether we give the recorded tokens, and what we gave instead."""

    case: str
    ok: bool
    detail: str


def check_g2p(cases: Sequence[Case], chinese: ChineseReading | None = None) -> list[Row]:
    """A row for each case of ``g2p.json``: text, mode, and tokens or error."""
    return [
        _compared(case, f"{case.get('mode')} ", _reader(case, chinese))
        if isinstance(case.get("mode"), str)
        else _damaged(case)
        for case in cases
    ]


def check_chinese(recorded: Mapping[str, Any]) -> list[Row]:
    """A row for each case of ``g2p_zh_stub.json``, read with the lexicon that it declares."""
    if not {"lexicon", "poly", "cases"} <= recorded.keys():
        return [_damaged(recorded)]
    lexicon: Mapping[str, str] = recorded["lexicon"]
    polyphones: Mapping[str, str] = recorded["poly"]
    declared = ChineseReading(
        of_word=lexicon.get, in_context=lambda text, place: polyphones.get(text[place])
    )
    lyrics = check_lyrics(recorded.get("lyrics", []), declared)
    return check_g2p(recorded["cases"], declared) + lyrics


def check_lyrics(cases: Sequence[Case], chinese: ChineseReading | None = None) -> list[Row]:
    """A row for each case of ``lyrics.json``, read by upstream's rule."""
    reader = LyricsReader(reading=Reading.UPSTREAM, chinese=chinese)
    return [_lyrics_row(case, reader) for case in cases]


def _reader(case: Case, chinese: ChineseReading | None) -> Callable[[str], list[int]]:
    mode = str(case["mode"])
    if mode == "encode":
        return lambda text: encode(text, chinese)
    if mode == "auto":
        return lambda text: encode_by_script(text, chinese)
    return lambda text: encode_in(text, mode.removeprefix("lang:"), chinese)


def _lyrics_row(case: Case, reader: LyricsReader) -> Row:
    row = _compared(case, "lyrics ", lambda text: encode_lyrics(text, reader).tokens)
    if not row.ok or "per_line" not in case:
        return row
    ours = encode_lyrics(str(case["text"]), reader).per_line
    for number, (line, wanted) in enumerate(zip_longest(ours, case["per_line"]), 1):
        if line != wanted:
            return row._replace(ok=False, detail=f"line {number}: {line}, recorded {wanted}")
    return row


def _compared(case: Case, kind: str, encoded: Callable[[str], list[int]]) -> Row:
    """Ours against the record; where upstream failed, we must refuse too."""
    text, wanted = case.get("text"), case.get("tokens")
    if not isinstance(text, str) or isinstance(wanted, list) == ("error" in case):
        return _damaged(case)
    name = f"{kind}{text!r}"
    try:
        tokens = encoded(text)
    except BadInput as error:
        return Row(name, "error" in case, f"refused: {error}")
    if wanted is None:
        return Row(name, False, f"gives {len(tokens)} tokens, recorded {case['error']!r}")
    return Row(name, *_difference(tokens, wanted))


def _damaged(case: Case) -> Row:
    return Row("damaged record", False, f"has only {', '.join(case)}: {str(case)[:80]}")


def _difference(tokens: Sequence[int], wanted: Sequence[int]) -> tuple[bool, str]:
    for place, (ours, recorded) in enumerate(zip_longest(tokens, wanted)):
        if ours != recorded:
            return False, f"token {place} is {ours}, recorded {recorded}"
    return True, f"{len(wanted)} tokens"
