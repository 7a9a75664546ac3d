"""Lyrics and phonemes against cases recorded from the released program."""

from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

from angen.conditioning.chinese_words import ChineseReading
from angen.conditioning.lyrics import LyricsReader, Reading, encode_lyrics
from angen.conditioning.phonemes import encode, encode_by_script, encode_in
from angen.conditioning.vocabulary import symbols
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
        _compared(f"{case['mode']} {case['text']!r}", case, _reader(case, chinese))
        for case in cases
    ]


def check_chinese(recorded: Mapping[str, Any]) -> list[Row]:
    """A row for each case of ``g2p_zh_stub.json``, read with the lexicon that it declares."""
    lexicon: Mapping[str, str] = recorded["lexicon"]
    polyphones: Mapping[str, str] = recorded["poly"]
    declared = ChineseReading(
        of_word=lexicon.get, in_context=lambda text, place: polyphones.get(text[place])
    )
    lyrics = check_lyrics(recorded.get("lyrics", []), declared)
    return check_g2p(recorded["cases"], declared) + lyrics


def check_vocabulary(recorded: Mapping[str, int]) -> list[Row]:
    """One row for ``phoneme_vocab.json``: each symbol with its place, which is its token less 1."""
    ours = {symbol: token - 1 for symbol, token in symbols().items()}
    off = sorted(s for s in ours.keys() | recorded.keys() if ours.get(s) != recorded.get(s))
    detail = f"{off[0]!r} is {ours.get(off[0])}, recorded {recorded.get(off[0])}" if off else ""
    return [Row("phoneme vocabulary", not off, detail or f"{len(ours)} symbols")]


def check_lyrics(cases: Sequence[Case], chinese: ChineseReading | None = None) -> list[Row]:
    """A row for each case of ``lyrics.json``, read by upstream's rule."""
    reader = LyricsReader(reading=Reading.UPSTREAM, chinese=chinese)
    return [_lyrics_row(case, reader) for case in cases]


def _reader(case: Case, chinese: ChineseReading | None) -> Callable[[], list[int]]:
    text, mode = str(case["text"]), str(case["mode"])
    if mode == "encode":
        return lambda: encode(text, chinese)
    if mode == "auto":
        return lambda: encode_by_script(text, chinese)
    return lambda: encode_in(text, mode.removeprefix("lang:"), chinese)


def _lyrics_row(case: Case, reader: LyricsReader) -> Row:
    text = str(case["text"])
    row = _compared(f"lyrics {text!r}", case, lambda: encode_lyrics(text, reader).tokens)
    if not row.ok or "per_line" not in case:
        return row
    ours = encode_lyrics(text, reader).per_line
    for number, (line, wanted) in enumerate(zip_longest(ours, case["per_line"]), 1):
        if line != wanted:
            return row._replace(ok=False, detail=f"line {number}: {line}, recorded {wanted}")
    return row


def _compared(name: str, case: Case, encoded: Callable[[], list[int]]) -> Row:
    """Ours against the record; where upstream failed, we must refuse too."""
    try:
        tokens = encoded()
    except BadInput as error:
        return Row(name, "error" in case, f"refused: {error}")
    if "tokens" not in case:
        return Row(name, False, f"gives {len(tokens)} tokens, recorded {case.get('error')!r}")
    return Row(name, *_difference(tokens, case["tokens"]))


def _difference(tokens: Sequence[int], wanted: Sequence[int]) -> tuple[bool, str]:
    for place, (ours, recorded) in enumerate(zip_longest(tokens, wanted)):
        if ours != recorded:
            return False, f"token {place} is {ours}, recorded {recorded}"
    return True, f"{len(wanted)} tokens"
