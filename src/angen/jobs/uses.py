"""What jobs need and make: so that nothing is taken from under a job, and nothing made twice.

A resource is a text such as ``adapter:blues``, of which this room knows nothing more. Every check
stands inside the transaction that adds a job, or within which a resource is changed at once.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from angen.errors import Taken
from angen.jobs.job import OVER, JobState
from angen.jobs.tables import jobs


@dataclass(frozen=True, kw_only=True, slots=True)
class Uses:
    """The resources of a job."""

    reads: tuple[str, ...] = ()  # have to stay as they are until it is over
    writes: tuple[str, ...] = ()  # it makes, changes or replaces them


NOTHING = Uses()


def as_kept(uses: Uses) -> dict[str, Any]:
    """For the column of a job."""
    return asdict(uses)


def refuse_conflict(
    connection: Connection, uses: Uses, *, lane: str | None = None, after: Sequence[str] = ()
) -> None:
    """Raise Taken, naming the job, when an unfinished one stands in the way.

    lane: of the new job; it may read there what an earlier one writes, since they run one by one.
    after: ids of jobs that go first; they, and what they wait for, do not stand in the way.
    """
    earlier = {row.id for row in _ancestors(connection, after)}
    unfinished = select(jobs).where(jobs.c.state.not_in(OVER)).order_by(jobs.c.number)
    for row in connection.execute(unfinished):
        if row.id in earlier or row.uses is None:
            continue
        taken = {*uses.writes} & {*row.uses["reads"], *row.uses["writes"]}
        if row.lane != lane:
            taken |= {*uses.reads} & {*row.uses["writes"]}
        if taken:
            kind, _, name = min(taken).partition(":")
            raise Taken(
                f"The {kind} {name!r} is needed by {row.title!r} (job {row.id}), which is "
                f"{row.state}. Let that job end, or stop it first."
            )


def refuse_conflict_of(connection: Connection, row: Row[Any]) -> None:
    """The same for a job that was over and is to be done after all."""
    if row.uses is not None:
        uses = Uses(reads=tuple(row.uses["reads"]), writes=tuple(row.uses["writes"]))
        refuse_conflict(connection, uses, lane=row.lane, after=row.after)


def to_be_made(connection: Connection, after: Iterable[str]) -> frozenset[str]:
    """What the jobs ``after``, and those that they wait for, have still to write."""
    return frozenset(
        resource
        for row in _ancestors(connection, after)
        if row.state is not JobState.DONE and row.uses is not None
        for resource in row.uses["writes"]
    )


def _ancestors(connection: Connection, ids: Iterable[str]) -> Iterator[Row[Any]]:
    seen: set[str] = set()
    left = list(ids)
    while left:
        seen.update(left)
        rows = connection.execute(select(jobs).where(jobs.c.id.in_(left))).all()
        yield from rows
        left = [id for row in rows for id in row.after if id not in seen]
