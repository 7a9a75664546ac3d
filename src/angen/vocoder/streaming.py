"""Latents to sound while they come, by a decoder whose phases are summed up from the beginning.

What a frame sounds like depends on few neighbours, but for the phase that the frames before it have
carried on. So a little context is decoded again with each piece, from the phase that it began with,
and the pieces meet as if they had been decoded in one: but for rounding, which at times turns a
phase that hangs between two peaks, as it does from one machine to another.

Shapes: T latent frames, C latent channels, F spectrum frames, K bins, S samples.
"""

from typing import Protocol

import torch
from torch import Tensor

from angen.vocoder.istft import NOISE_REACH, NOISE_SEED, InverseStft
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
        self._decoder = decoder
        self._full, self._low = OneBandStream(decoder.full), OneBandStream(decoder.low)
        self._margin = -(-decoder.margin // decoder.samples_per_frame)  # T
        self._heard = torch.zeros(2, decoder.full.bins, 0)  # all from the same frame on
        self._full_sound = torch.zeros(0)
        self._low_sound = torch.zeros(0)
        self._before = 0  # T of them that were given out before: context for the next

    @torch.no_grad()
    def push(self, latents: Tensor) -> Tensor:
        """Take in latents (T, C); sound (S,) of all frames that no later one will change."""
        known = self._keep(self._full.take(latents), self._low.push(latents))
        return self._sound(known, known - self._margin)

    @torch.no_grad()
    def finish(self) -> Tensor:
        """The rest of the sound: the song is over."""
        known = self._keep(self._full.rest(), self._low.finish())
        return self._sound(known, known)

    def _keep(self, full: tuple[Tensor, Tensor], low: Tensor) -> int:
        """Keep what is newest of both bands; how many frames there are of both."""
        self._full_sound = torch.cat([self._full_sound, full[0]])
        self._heard = torch.cat([self._heard, full[1]], dim=2)
        self._low_sound = torch.cat([self._low_sound, low])
        return min(
            len(self._full_sound) // self._decoder.full.samples_per_frame,
            len(self._low_sound) // self._decoder.low.samples_per_frame,
        )

    def _sound(self, known: int, until: int) -> Tensor:
        if until <= self._before:
            return torch.zeros(0)
        size, low_size = self._decoder.samples_per_frame, self._decoder.low.samples_per_frame
        frames, device = self._decoder.config.full.frames, self._decoder.full.window.device
        magnitude, rough = self._heard[:, :, : known * frames].to(device)
        joined = self._decoder.joined(
            magnitude[None],
            rough[None],
            self._full_sound[None, : known * size].to(device),
            self._low_sound[None, : known * low_size].to(device),
        )[0].cpu()
        gone = max(0, until - self._margin)
        self._heard = self._heard[:, :, gone * frames :]
        self._full_sound = self._full_sound[gone * size :]
        self._low_sound = self._low_sound[gone * low_size :]
        sound = joined[self._before * size : until * size]
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
        return self.take(latents)[0]

    @torch.no_grad()
    def finish(self) -> Tensor:
        """The rest of the sound: the song is over."""
        return self.rest()[0]

    @torch.no_grad()
    def take(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        """As ``push``, with the magnitudes and the roughness (2, K, F) of that sound."""
        self._tail = torch.cat([self._tail, latents.float().cpu()])
        known = self._first + len(self._tail)
        return self._sound(known - self._unsettled)

    @torch.no_grad()
    def rest(self) -> tuple[Tensor, Tensor]:
        """As ``finish``, with the magnitudes and the roughness (2, K, F) of that sound."""
        return self._sound(self._first + len(self._tail))

    def _sound(self, until: int) -> tuple[Tensor, Tensor]:
        if until <= self._given:
            return torch.zeros(0), torch.zeros(2, self._decoder.bins, 0)
        decoder, frames = self._decoder, self._decoder.config.frames
        channel_first = self._tail.T[None].to(decoder.window.device)
        logs, movement = decoder.spectra(channel_first)
        exact = (self._from - self._first) * frames
        logs, movement = logs[:, :, exact:], movement[:, :, exact:]
        noise = self._noise_of(logs.shape[2] + NOISE_REACH).to(logs.device)
        both = torch.cat([decoder.magnitude(logs), decoder.rough(movement, noise)])  # (2, K, F)
        magnitude = both.prod(0, keepdim=True)
        summed = decoder.summed(magnitude, movement, self._phase)
        phases = decoder.settled(magnitude, movement, summed, noise)
        wave = decoder.overlapped(magnitude, phases)[0].cpu()
        size = decoder.samples_per_frame
        new = slice(self._given - self._from, until - self._from)
        sound = wave[new.start * size : new.stop * size]
        heard = both[:, :, new.start * frames : new.stop * frames].cpu()
        self._forget(until, summed)
        return sound, heard

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
