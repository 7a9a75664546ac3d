"""Losses out of what ``make mini`` prints."""

from mini.curves import losses

LOG = """
python -m torch.distributed.run -m mini.codec
2026-11-29 07:44:19 band: full
2026-11-29 07:44:43 step 50, 0.4 min: total=3.9699 log=1.2283
2026-11-29 07:45:02 step 100, 0.7 min: total=2.2094 log=0.8020
2026-11-29 07:46:19 band: low
2026-11-29 07:46:43 step 50, 0.4 min: total=1.5 log=0.4
python -m mini.dit
2026-11-29 07:47:43 step 50, 1.4 min: total=0.75
"""


def test_each_training_has_its_losses() -> None:
    assert losses(LOG) == {
        "codec, full band": [(50, 3.9699), (100, 2.2094)],
        "codec, low band": [(50, 1.5)],
        "dit": [(50, 0.75)],
    }
