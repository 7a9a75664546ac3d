"""What stands for a clip's style in training. Needs no torch: forms show it."""

from enum import StrEnum


class StyleSource(StrEnum):
    """What stands for a clip's style in training."""

    TEXT = "text"  # its prompt
    AUDIO = "audio"  # its sound
    BOTH = "both"  # the one and the other in turn, so that either can be asked with later
