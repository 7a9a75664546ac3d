"""The desk counts what it changes itself, so that answers that were kept are given up."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import soundfile

from angen.errors import Unknown
from angen.jobs.store import Store
from angen.studio.desk import Desk
from angen.studio.settings import Settings


def test_what_is_changed_without_a_job_is_counted(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    sound = BytesIO()
    soundfile.write(sound, 0.1 * np.ones(48_000), 24_000, format="WAV")
    sound.seek(0)
    with Store(settings.database) as store:
        desk = Desk(settings, store)
        kept = desk.save_upload("tune.wav", sound)
        assert desk.changes == 1
        desk.uploads(), desk.datasets(), desk.songs(), desk.adapters()
        assert desk.changes == 1
        desk.delete_upload(kept.id)
        assert desk.changes == 2
        with pytest.raises(Unknown):
            desk.delete_song("none")
        assert desk.changes == 3  # who knows how far it came
