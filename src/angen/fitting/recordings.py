"""Recordings to learn from: stretches of them, at the encoder's rate and at the decoder's.

One recording in ten, by its content, is never learned from.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from angen.audio.files import probe, read_audio
from angen.data.manifest import Problem
from angen.data.scan import find_audio
from angen.errors import BadInput
from angen.fitting.config import FitConfig
from angen.vocoder.encoding import at_rate

HELD_OUT = 10
QUIET = 1e-3  # root mean square below which a stretch teaches nothing: -60 dB


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    """A recording that is long enough."""

    path: Path
    label: str
    sha256: str
    duration_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Rates:
    """Who listens and who speaks, at which rate, and how long a latent frame is."""

    encoder_hz: int
    decoder_hz: int
    frame_s: float


class Recordings:
    """The recordings in files and folders, some kept aside; and those left out, with the reason."""

    def __init__(self, sources: Sequence[Path], config: FitConfig, rates: Rates) -> None:
        self.config, self.rates = config, rates
        self.clip_s = config.clip_frames * rates.frame_s
        found, problems = find_audio(sources) if sources else ([], [])
        good: list[Recording] = []
        for item in found:
            try:
                duration_s = probe(item.path).duration_s
            except BadInput as error:
                problems.append(Problem(file=item.label, reason=str(error)))
                continue
            if duration_s < self.clip_s:
                reason = f"lasts {duration_s:.2f} s, and {self.clip_s:g} s are needed"
                problems.append(Problem(file=item.label, reason=reason))
                continue
            good.append(
                Recording(
                    path=item.path, label=item.label, sha256=item.sha256, duration_s=duration_s
                )
            )
        self.problems = problems
        good.sort(key=lambda recording: recording.sha256)
        aside = max(1, len(good) // HELD_OUT) if len(good) > 1 else 0
        self.held_out, self.learned = good[:aside], good[aside:]

    @property
    def minutes(self) -> float:
        return sum(recording.duration_s for recording in self.learned) / 60

    def batch(
        self, of: Sequence[Recording], generator: torch.Generator
    ) -> tuple[Tensor, Tensor] | None:
        """Sound at the encoder's rate (B, 1, S) and at the decoder's (B, S'); None for silence.

        Longer recordings are drawn more often. Raises BadInput for a file that cannot be read.
        """
        weights = torch.tensor([recording.duration_s for recording in of])
        picks = torch.multinomial(weights, self.config.clips, True, generator=generator)
        places = torch.rand(self.config.clips, generator=generator)
        clips = []
        for pick, place in zip(picks.tolist(), places.tolist(), strict=True):
            recording = of[pick]
            start_s = place * (recording.duration_s - self.clip_s)
            clip = self.stretch(recording, start_s, self.clip_s)
            if clip.square().mean().sqrt() > QUIET:
                clips.append(clip)
        if not clips:
            return None
        return self.both(torch.stack(clips))

    def stretch(self, recording: Recording, start_s: float, duration_s: float) -> Tensor:
        """A stretch (S',) of a recording at the decoder's rate, mono, of exactly that length."""
        rate = self.rates.decoder_hz
        sound = read_audio(
            recording.path, rate_hz=rate, mono=True, start_s=start_s, duration_s=duration_s
        )
        size = round(duration_s * rate)
        samples = np.zeros(size, np.float32)
        samples[: min(size, sound.samples.shape[1])] = sound.samples[0, :size]
        return torch.from_numpy(samples)

    def both(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """Clips (B, S') at the decoder's rate as (B, 1, S) for the encoder, and as they are."""
        size = round(audio.shape[1] / self.rates.decoder_hz * self.rates.encoder_hz)
        heard = torch.zeros(len(audio), 1, size)
        for row, clip in zip(heard, audio, strict=True):
            at = at_rate(clip, self.rates.decoder_hz, self.rates.encoder_hz)[:size]
            row[0, : len(at)] = at
        return heard, audio
