"""Which row of a table is of which recording, however both are spelled."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

from angen.data.manifest import Problem

Values = Mapping[str, Any]  # field -> value, fields of EDITABLE and OTHER
Index = Mapping[str, Sequence[tuple[str, list[str]]]]  # last part of a row's path -> row, parts


def spelled(name: str) -> str:
    """A file's name without its spelling: case, Unicode form, kind of slash, ``./`` in front."""
    name = re.sub(r"^file:/*(?=/)", "", name.strip().replace("\\", "/"))
    parts = PurePosixPath(unicodedata.normalize("NFC", name).casefold()).parts
    return "/".join(part for part in parts if part != "/")


def fitting(
    table: Mapping[str, Values], places: Iterable[str]
) -> tuple[dict[str, tuple[str, Values]], list[Problem]]:
    """The row of each place, a path, that has one; and what there is to say about the others.

    A row fits by its path's end, or a path by the row's, with or without suffix. Rows for several
    places, and several for one, are not used.
    """
    index: defaultdict[str, list[tuple[str, list[str]]]] = defaultdict(list)
    for name in table:
        for path in {spelled(name), spelled(unquote(name))}:
            parts = path.split("/")
            index[parts[-1]].append((name, parts))
    chosen = {place: _best(place, index) for place in dict.fromkeys(places)}
    owners: defaultdict[str, list[str]] = defaultdict(list)
    for place, names in chosen.items():
        for name in names:
            owners[name].append(place)
    fits: dict[str, tuple[str, Values]] = {}
    problems = [problem for name in table for problem in _misfit(name, owners[name])]
    for place, names in chosen.items():
        if any(table[name] != table[names[0]] for name in names):
            reason = f"several rows of the table fit it: {_few(names)}. None is used: keep one"
            problems.append(Problem(file=place, reason=reason))
        elif names and len(owners[names[0]]) == 1:
            fits[place] = names[0], table[names[0]]
    return fits, problems


def _misfit(row: str, places: Sequence[str]) -> list[Problem]:
    if not places:
        return [Problem(file=row, reason="a row of the table that fits no recording")]
    if len(places) == 1:
        return []
    reason = f"a row of the table that fits {len(places)} recordings, and is not used: "
    remedy = "Write the folder before the name"
    return [Problem(file=row, reason=f"{reason}{_few(places)}. {remedy}")]


def _few(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names[:3]) + (", ..." if len(names) > 3 else "")


def _best(place: str, index: Index) -> list[str]:
    """The names of rows that fit a path best: by the most folders."""
    parts = spelled(place).split("/")
    ranked: defaultdict[int, list[str]] = defaultdict(list)
    for end in {parts[-1], PurePosixPath(parts[-1]).stem}:
        for name, row in index.get(end, ()):
            shared = min(len(row), len(parts))
            if row[-shared:-1] == parts[-shared:-1] and name not in ranked[shared]:
                ranked[shared].append(name)
    return ranked[max(ranked)] if ranked else []
