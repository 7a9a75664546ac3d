"""Training sets, made from recordings."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from angen.data.manifest import DatasetInfo
from angen.data.prepare import PrepareConfig, prepare
from angen.data.tables import read_table
from angen.studio.settings import Settings

OnStep = Callable[[int, int], None]  # seconds of audio done, in all; may raise Stopped


def prepare_dataset(
    sources: Sequence[Path],
    settings: Settings,
    on_step: OnStep,
    *,
    name: str | None = None,
    config: PrepareConfig | None = None,
    table: Path | None = None,
) -> DatasetInfo:
    """Make a training set from recordings: listen, cut, describe, keep a tenth aside.

    name: ``user_dataset_<time>`` unless given. table: a person's CSV or JSON of metadata.

    Raises BadInput for a bad or taken name and when the recordings give fewer than two clips;
    OutOfSpace.
    """
    return prepare(
        sources,
        name or f"user_dataset_{int(datetime.now(UTC).timestamp())}",
        settings.datasets,
        config or PrepareConfig(),
        on_step,
        table=None if table is None else read_table(table),
    )
