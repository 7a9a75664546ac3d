"""A server for tests, to be killed: a runner and nothing else.

python -m tests.jobs.server URL
"""

import logging
import sys
import threading

from angen.jobs.runner import Runner
from angen.jobs.store import Store
from tests.jobs.scripted import LANES, command

# Here it is the test that kills, not the jobs: none is to blame however often it is hit.
PATIENCE = 1000


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    with Store(sys.argv[1]) as store:
        Runner(
            store,
            LANES,
            command(store.url),
            patience=PATIENCE,
            orphan_s=3,
            oom_kills=lambda: 0,
        ).start()
        threading.Event().wait()
