"""What killed runs, downloads and imports leave in a home, removed when a server starts.

incoming/    archives: while a job needs them; a week for those of a job that can be tried again
exports/     archives: a day, they are made anew when asked for
.making/     songs in the making: while their job is not over, else a day
.*.part ...  folders of runs that were killed; of uploads: a week; of downloads, which go on: a
             month
"""

import logging
import shutil
import time
from pathlib import Path

from angen.files import restore_replaced, sweep
from angen.jobs.job import JobState
from angen.jobs.store import Store
from angen.studio.settings import Settings

logger = logging.getLogger(__name__)

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
WEEK_S = 7 * DAY_S
MONTH_S = 30 * DAY_S
MOST = 100_000  # jobs that are looked through; settings allow fewer

_UNFINISHED = (JobState.WAITING, JobState.QUEUED, JobState.RUNNING, JobState.STOPPING)
_RETRIABLE = (JobState.FAILED, JobState.STOPPED)


def tidy_home(store: Store, settings: Settings) -> None:
    """End what was cut short, and remove what nobody needs. A fault costs its folder alone."""
    roots = (settings.datasets, settings.loras, settings.bundles, settings.uploads)
    fits = settings.encoders.iterdir() if settings.encoders.is_dir() else ()
    for root in (*roots, *(fit for fit in fits if fit.is_dir())):
        restore_replaced(root)
    for root in (settings.datasets, settings.loras):
        for pattern in (".*.part", ".import-*"):
            sweep(root, pattern)
    for root in (settings.uploads, settings.clips):
        _sweep(root, (".*.part",), WEEK_S)
    _sweep(settings.bundles, (".*.part",), MONTH_S)
    _sweep(settings.incoming, (".*",), HOUR_S)
    unfinished = store.jobs(states=_UNFINISHED, limit=MOST)
    retriable = store.jobs(states=_RETRIABLE, limit=MOST)
    archives = {str(job.arguments.get("archive")) for job in unfinished}
    again = {str(job.arguments.get("archive")) for job in retriable}
    _sweep(settings.incoming, ("[!.]*",), HOUR_S, keep=archives | again)
    _sweep(settings.incoming, ("[!.]*",), WEEK_S, keep=archives)
    alive = {job.id for job in unfinished}
    making = {p.name for p in settings.making.glob("*") if p.stem.partition("-")[0] in alive}
    _sweep(settings.making, ("*",), DAY_S, keep=making)
    prune_exports(settings)


def prune_exports(settings: Settings) -> None:
    """Remove archives that were made to be taken away, and surely have been."""
    _sweep(settings.exports, ("*",), DAY_S)


def _sweep(
    root: Path,
    patterns: tuple[str, ...],
    age_s: float,
    keep: set[str] | frozenset[str] = frozenset(),
) -> None:
    """Remove what fits a pattern, is not among ``keep`` and has not changed for ``age_s``."""
    for path in [path for pattern in patterns for path in root.glob(pattern)]:
        try:
            if path.name in keep or time.time() - path.lstat().st_mtime <= age_s:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
            logger.info("%s was left behind, and is removed", path)
        except FileNotFoundError:
            continue
        except OSError as error:
            logger.warning("%s was left behind, and cannot be removed: %s", path, error)
