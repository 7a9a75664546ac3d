"""Latents to sound while they come, by a decoder whose phases are summed up from the beginning.

What a frame sounds like depends on few neighbours, but for the phase that the frames before it have
carried on. So a little context is decoded again with each piece, from the phase that it began with,
and the pieces meet as if they had been decoded in one.

Shapes: T latent frames, C latent channels, F spectrum frames, K bins, S samples.
"""

import torch
from torch import Tensor

from angen.vocoder.istft import TOUCHES, InverseStft, draw

_FIRST_NOISE = 100  # latent frames that noise is drawn for at first


class DecodingStream:
    """One song on its way through the decoder."""

    def __init__(self, decoder: InverseStft) -> None:
        config = decoder.config
        self._decoder = decoder
        laps = config.fft_samples // config.hop_samples
        unsure = 2 + config.blocks * (config.kernel // 2)  # F at an edge that convolutions blur
        self._blurred = -(-unsure // config.frames)  # the same in T
        self._touched = -(-laps * (TOUCHES + 1) // config.frames)  # T that the last touches reach
        self._tail = torch.zeros(0, config.in_channels)  # latents from ``_first`` on
        self._first = 0
        self._from = 0  # T from which spectra are exact; ``_phase`` is that of the frame before
        self._phase: Tensor | None = None  # (1, K)
        self._given = 0  # T whose sound was given out
        self._noise = torch.zeros(0, decoder.bins)  # (F, K)

    @torch.no_grad()
    def push(self, latents: Tensor) -> Tensor:
        """Take in latents (T, C); sound (S,) of all frames that no later one will change."""
        self._tail = torch.cat([self._tail, latents.float().cpu()])
        known = self._first + len(self._tail)
        return self._sound(known - self._blurred - self._touched)

    @torch.no_grad()
    def finish(self) -> Tensor:
        """The rest of the sound: the song is over."""
        return self._sound(self._first + len(self._tail))

    def _sound(self, until: int) -> Tensor:
        if until <= self._given:
            return torch.zeros(0)
        decoder, frames = self._decoder, self._decoder.config.frames
        channel_first = self._tail.T[None].to(decoder.window.device)
        logs, movement = decoder.spectra(channel_first)
        exact = (self._from - self._first) * frames
        logs, movement = logs[:, :, exact:], movement[:, :, exact:]
        magnitude = decoder.magnitude(logs)
        summed = decoder.summed(magnitude, movement, self._phase)
        noise = self._noise_of(logs.shape[2]).to(logs.device)
        phases = decoder.settled(magnitude, movement, summed, noise)
        wave = decoder.overlapped(magnitude, phases)[0].cpu()
        size = decoder.samples_per_frame
        sound = wave[(self._given - self._from) * size : (until - self._from) * size]
        self._forget(until, summed)
        return sound

    def _noise_of(self, count: int) -> Tensor:
        """What a decoding in one piece would shake these frames with."""
        frames = self._decoder.config.frames
        first = self._from * frames
        while len(self._noise) <= first + count:
            self._noise = draw(max(2 * len(self._noise), _FIRST_NOISE * frames), self._decoder.bins)
        return self._noise[first : first + count]

    def _forget(self, until: int, summed: Tensor) -> None:
        """Keep what the frames after ``until`` need, and no more."""
        self._given = until
        start = max(self._from, until - self._touched)
        if start > self._from:
            self._phase = summed[:, :, (start - self._from) * self._decoder.config.frames - 1]
            self._from = start
        first = max(self._first, start - self._blurred)
        self._tail = self._tail[first - self._first :]
        self._first = first
