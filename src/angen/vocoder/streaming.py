"""Latents to sound while they come, by a decoder whose phases are summed up from the beginning.

What a frame sounds like depends on few neighbours, but for the phase that the frames before it have
carried on. So a little context is decoded again with each piece, from the phase that it began with,
and the pieces meet as if they had been decoded in one.

Shapes: T latent frames, C latent channels, F spectrum frames, K bins, S samples.
"""

from typing import Protocol

import torch
from torch import Tensor

from angen.vocoder.istft import NOISE_SEED, InverseStft
from angen.vocoder.twoband import SmallDecoder, TwoBand

_TOUCH_REACH = 3  # windows: what lies farther off moves no sound, however often it is touched up
_NOISE_FRAMES = 1_600  # drawn at once; a multiple of 16, so that the numbers are those of ``draw``


class DecodingStream(Protocol):
    """One song on its way through a decoder."""

    def push(self, latents: Tensor, /) -> Tensor:
        """Take in latents (T, C); sound (S,) of all frames that no later one will change."""

    def finish(self) -> Tensor:
        """The rest of the sound: the song is over."""


def decoding_stream(decoder: SmallDecoder) -> DecodingStream:
    """The beginning of a song."""
    return TwoBandStream(decoder) if isinstance(decoder, TwoBand) else OneBandStream(decoder)


class TwoBandStream:
    """A song on its way through a decoder of two bands."""

    def __init__(self, decoder: TwoBand) -> None:
        self._crossover = decoder.crossover
        self._full, self._low = OneBandStream(decoder.full), OneBandStream(decoder.low)
        self._full_size = decoder.full.samples_per_frame
        self._low_size = decoder.low.samples_per_frame
        self._margin = -(-decoder.crossover.margin // self._full_size)  # T
        self._full_sound = torch.zeros(0)  # both from the same frame on,
        self._low_sound = torch.zeros(0)
        self._before = 0  # so many of which were given out before: context for the next

    @torch.no_grad()
    def push(self, latents: Tensor) -> Tensor:
        """Take in latents (T, C); sound (S,) of all frames that no later one will change."""
        known = self._take(self._full.push(latents), self._low.push(latents))
        return self._sound(known, known - self._margin)

    @torch.no_grad()
    def finish(self) -> Tensor:
        """The rest of the sound: the song is over."""
        known = self._take(self._full.finish(), self._low.finish())
        return self._sound(known, known)

    def _take(self, full: Tensor, low: Tensor) -> int:
        """Keep both bands' newest sound; how many frames there are of both."""
        self._full_sound = torch.cat([self._full_sound, full])
        self._low_sound = torch.cat([self._low_sound, low])
        return min(len(self._full_sound) // self._full_size, len(self._low_sound) // self._low_size)

    def _sound(self, known: int, until: int) -> Tensor:
        if until <= self._before:
            return torch.zeros(0)
        device = self._crossover.taps.device
        full = self._full_sound[None, : known * self._full_size].to(device)
        low = self._low_sound[None, : known * self._low_size].to(device)
        joined = self._crossover.exchanged(full, low)[0].cpu()
        sound = joined[self._before * self._full_size : until * self._full_size]
        gone = max(0, until - self._margin)
        self._full_sound = self._full_sound[gone * self._full_size :]
        self._low_sound = self._low_sound[gone * self._low_size :]
        self._before = until - gone
        return sound


class OneBandStream:
    """A song on its way through a decoder of one band."""

    def __init__(self, decoder: InverseStft) -> None:
        config = decoder.config
        self._decoder = decoder
        laps = config.fft_samples // config.hop_samples
        unsure = 2 + config.blocks * (config.kernel // 2)  # F at an edge that convolutions blur
        self._blurred = -(-unsure // config.frames)  # the same in T
        touched = laps * min(config.touches + 1, _TOUCH_REACH)  # F that the last touches reach
        self._touched = -(-touched // config.frames)
        self._unsettled = -(-(unsure + touched) // config.frames)  # T at the end that may change
        self._tail = torch.zeros(0, config.in_channels)  # latents from ``_first`` on
        self._first = 0
        self._from = 0  # T from which spectra are exact; ``_phase`` is that of the frame before
        self._phase: Tensor | None = None  # (1, K)
        self._given = 0  # T whose sound was given out
        self._generator = torch.Generator().manual_seed(NOISE_SEED)
        self._noise = torch.zeros(0, decoder.bins)  # (F, K), of frames from ``_from`` on

    @torch.no_grad()
    def push(self, latents: Tensor) -> Tensor:
        """Take in latents (T, C); sound (S,) of all frames that no later one will change."""
        self._tail = torch.cat([self._tail, latents.float().cpu()])
        known = self._first + len(self._tail)
        return self._sound(known - self._unsettled)

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
        while len(self._noise) < count:
            more = torch.randn(_NOISE_FRAMES, self._decoder.bins, generator=self._generator)
            self._noise = torch.cat([self._noise, more])
        return self._noise[:count]

    def _forget(self, until: int, summed: Tensor) -> None:
        """Keep what the frames after ``until`` need, and no more."""
        self._given = until
        start = max(self._from, until - self._touched)
        if start > self._from:
            gone = (start - self._from) * self._decoder.config.frames  # F
            self._phase = summed[:, :, gone - 1]
            self._noise = self._noise[gone:]
            self._from = start
        first = max(self._first, start - self._blurred)
        self._tail = self._tail[first - self._first :]
        self._first = first
