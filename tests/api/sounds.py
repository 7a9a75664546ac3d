"""Recordings for uploads."""

import io

import numpy as np
import soundfile

RATE_HZ = 8_000


def wav(seconds: float = 1.0, hertz: float = 440.0) -> bytes:
    """A tone as a WAV file."""
    times = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    buffer = io.BytesIO()
    soundfile.write(buffer, 0.3 * np.sin(2 * np.pi * hertz * times), RATE_HZ, format="WAV")
    return buffer.getvalue()
