"""What songs are, beside what their prompts asked for, as ears of ours hear it.

Tempo, key and instruments are heard by ``angen.audio``; styles are named by the style encoder.
Composed music of the same labels goes through the same ears: no model can be better than that.

Shapes: B songs, S samples, E = 512.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from angen.audio.listening import listen
from angen.bundle import Bundle
from angen.conditioning.figures import key_in
from angen.conditioning.vector import MEANING
from angen.diffrhythm.dit import DiT
from angen.diffrhythm.sampling import SamplerConfig, Song
from angen.errors import BadInput
from angen.mel import LogMel
from mini.bank import RATE_HZ
from mini.frechet import frechet_distance
from mini.material import Entry, Material
from mini.pieces import STYLES

log = logging.getLogger(__name__)
SECONDS = 20.0
TOGETHER = 25  # songs sampled at once
LONG_S = (60.0, 180.0)
FORM = "[intro]\n[verse]\n[chorus]\n[outro]"
CLOSE = RATE_HZ // 2  # samples
BESIDE_S = 4.0  # to either side of a seam
CALM, FULL = "[intro]\n[verse]", "[chorus]\n[inst]"


def prompt_of(entry: Entry) -> str:
    """A prompt for music like a piece's, which names two of its instruments."""
    labels = entry.labels
    parts = [entry.style, labels["mood"], *labels["instruments"][:2]]
    return ", ".join([*parts, f"{float(labels['bpm']):.0f} BPM", labels["key"]])


def play(
    bundle: Bundle,
    prompts: Sequence[str],
    guidance: float,
    *,
    lyrics: str = "",
    first_seed: int = 0,
    seconds: float = SECONDS,
) -> list[Tensor]:
    """A song (S,) of that length, or less where it ended before, for each prompt."""
    frames = round(seconds * bundle.latent_rate_hz)
    tokens = torch.tensor(bundle.tokenize(lyrics).tokens if lyrics else [], dtype=torch.long)
    made: list[Tensor] = []
    for start in range(0, len(prompts), TOGETHER):
        songs = [
            Song(
                tokens=tokens,
                style=bundle.embed_text(prompt),
                frames=frames,
                seed=first_seed + start + i,
            )
            for i, prompt in enumerate(prompts[start : start + TOGETHER])
        ]
        config = SamplerConfig(guidance=guidance)
        for latents in bundle.sample(songs, config, lambda *_: None):
            made.append(bundle.decode(latents))
    return made


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the ears say of one song against one piece's labels."""

    style: bool
    cosine: float
    tempo: bool
    key: bool
    near_key: bool
    heard: frozenset[str]  # instruments
    instruments: float  # share of the two named that are heard


def octave_free(ours: float, true: float, off: float = 0.04) -> bool:
    """Whether two tempi agree within a share ``off``, twice and half as fast allowed."""
    return any(abs(ours * factor / true - 1) < off for factor in (0.5, 1, 2))


def near_key(ours: str, true: str) -> bool:
    """Whether a key is the wanted one, its relative, or a fifth away in the same mode."""
    a, b = key_in(ours), key_in(true)
    if a is None or b is None:
        return False
    if a // 12 == b // 12:
        return (a - b) % 12 in (0, 5, 7)
    major, minor = (a, b) if a < 12 else (b, a)
    return bool((major - 3) % 12 == minor - 12)


def verdict(bundle: Bundle, wave: Tensor, entry: Entry, named: Tensor) -> Verdict | None:
    """The ears' opinion of (S,); None where there is nothing to hear."""
    try:
        heard = listen(wave.numpy()[None], RATE_HZ)
    except BadInput:
        return None
    vector = bundle.embed_audio(wave, RATE_HZ)
    key = heard.key or ""
    names = frozenset(heard.instruments)
    return Verdict(
        style=STYLES[int((named @ vector).argmax())] == entry.style,
        cosine=float(bundle.embed_text(prompt_of(entry)) @ vector),
        tempo=octave_free(heard.bpm or 0.0, float(entry.labels["bpm"])),
        key=key == entry.labels["key"],
        near_key=near_key(key, str(entry.labels["key"])),
        heard=names,
        instruments=share_heard(names, entry),
    )


def share_heard(heard: frozenset[str], entry: Entry) -> float:
    """The share of the instruments that a piece's prompt names."""
    return float(np.mean([name in heard for name in entry.labels["instruments"][:2]]))


def exchanged(found: Sequence[Verdict | None], entries: Sequence[Entry]) -> float:
    """Share of the instruments heard that another prompt of the same style names.

    As the share of those asked for, but with prompts exchanged within each style: what reading them
    brings is the difference. Songs that are alone in their style are left out.
    """
    shares = []
    for one, entry in zip(found, entries, strict=True):
        others = [e for e in entries if e is not entry and e.style == entry.style]
        if others:
            heard = frozenset() if one is None else one.heard
            shares.append(np.mean([share_heard(heard, other) for other in others]))
    return float(np.mean(shares)) if shares else float("nan")


def judge(bundle: Bundle, waves: Sequence[Tensor], entries: Sequence[Entry], name: str) -> None:
    """One row of the table."""
    named = torch.stack([bundle.embed_text(style) for style in STYLES])
    found = [verdict(bundle, w, e, named) for w, e in zip(waves, entries, strict=True)]
    heard = [one for one in found if one is not None]
    if not heard:
        log.info("songs | %s | nothing to hear", name)
        return
    parts = [
        f"{word} {sum(float(getattr(one, word)) for one in heard) / len(found):.2f}"
        for word in ("style", "cosine", "tempo", "key", "near_key", "instruments")
    ]
    parts.append(f"those of another prompt of the style {exchanged(found, entries):.2f}")
    log.info("songs | %s | %s | %d of %d sound", name, " | ".join(parts), len(heard), len(found))


def vectors(bundle: Bundle, waves: Sequence[Tensor]) -> NDArray[np.float64]:
    """Learned parts (B, MEANING) of the style vectors of songs, of length 1."""
    found = torch.stack([bundle.embed_audio(wave, RATE_HZ)[:MEANING] for wave in waves])
    return np.asarray(torch.nn.functional.normalize(found, dim=1).double().numpy())


def lengths(bundle: Bundle, waves: Sequence[Tensor], lyrics: str) -> None:
    """How many songs of 20 s end before their time."""
    seconds = np.array([len(wave) / RATE_HZ for wave in waves])
    whole = float((seconds >= SECONDS - 0.5 / bundle.latent_rate_hz).mean())
    log.info(
        "length | lyrics %r | last 20 s %.2f | median %.1f s | shortest %.1f s",
        lyrics.replace("\n", " "),
        whole,
        float(np.median(seconds)),
        float(seconds.min()),
    )


def level_db(wave: Tensor) -> float:
    """Loudness of (S,) as RMS in dB."""
    return float(10 * torch.log10(wave.square().mean() + 1e-8))


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Unseen pieces that songs are asked to be like, their sound, and that of others."""

    entries: list[Entry]
    prompts: list[str]
    real: list[Tensor]  # 20 s of each
    others: list[Tensor]  # 20 s of as many other pieces

    @classmethod
    def from_pool(cls, material: Material, count: int) -> "Chosen":
        """Pieces of the styles that the DiT learns; the same ones each time."""
        pool = [entry for entry in material.entries if entry.style in STYLES]
        rng = np.random.default_rng(0)
        found = [torch.from_numpy(material.crop_of(e, 20 * RATE_HZ, rng)) for e in pool]
        return cls(
            entries=pool[:count],
            prompts=[prompt_of(entry) for entry in pool[:count]],
            real=found[:count],
            others=found[-count:],
        )


def _distance(bundle: Bundle, waves: Sequence[Tensor], chosen: Chosen, name: str) -> None:
    held = vectors(bundle, chosen.real)
    log.info("distance | %s | %.3f", name, frechet_distance(vectors(bundle, waves), held))


def composed_rows(bundle: Bundle, chosen: Chosen) -> None:
    """What the ears make of composed music, and how far one half of it is from the other.

    Through the codec too, since songs come out of it: what ears can be expected to hear of songs.
    """
    judge(bundle, chosen.real, chosen.entries, "composed music")
    coded = [bundle.decode(bundle.encode_audio(wave, RATE_HZ)) for wave in chosen.real]
    judge(bundle, coded, chosen.entries, "composed music through the codec")
    _distance(bundle, coded, chosen, "composed music through the codec")
    _distance(bundle, chosen.others, chosen, "other composed music")


def song_rows(bundle: Bundle, chosen: Chosen, guidance: float) -> list[Tensor]:
    """Adherence, distance and lengths of the bundle's songs, which are returned."""
    began = time.process_time()
    made = play(bundle, chosen.prompts, guidance)
    log.info("%.1f processor seconds a song", (time.process_time() - began) / len(made))
    judge(bundle, made, chosen.entries, f"mini, guidance {guidance}")
    _distance(bundle, made, chosen, f"mini, guidance {guidance}")
    lengths(bundle, made, "")
    return made


def untrained_rows(bundle: Bundle, chosen: Chosen) -> None:
    """The same of a DiT that has learned nothing."""
    trained, bundle.dit = bundle.dit, DiT(bundle.dit.config).eval()
    noise = play(bundle, chosen.prompts, 1.0)
    bundle.dit = trained
    judge(bundle, noise, chosen.entries, "untrained")
    _distance(bundle, noise, chosen, "untrained")


def close_db(waves: Sequence[Tensor]) -> float:
    """Level of the last half second of songs (S,) against the whole of each: their median."""
    return float(np.median([level_db(wave[-CLOSE:]) - level_db(wave) for wave in waves]))


def long_rows(bundle: Bundle, chosen: "Chosen", songs: int, guidance: float) -> None:
    """What is left of style, tempo and key at the end of longer songs, their seams, their close.

    songs: of 20 s, that are as much music as those of each length.
    """
    for seconds in LONG_S:
        count = max(1, round(songs * SECONDS / seconds))
        waves = play(bundle, chosen.prompts[:count], guidance, lyrics=FORM, seconds=seconds)
        log.info("songs of %.0f s | last half second %+.1f dB", seconds, close_db(waves))
        seam_row(bundle, waves, seconds)
        ends = [wave[-round(SECONDS * RATE_HZ) :] for wave in waves]
        judge(bundle, ends, chosen.entries[: len(ends)], f"their last {SECONDS:.0f} s")


def change(wave: Tensor, at_s: float) -> float:
    """How another the sound of (S,) is after a moment than before: mean difference in log-mel.

    Of the mean spectra of ``BESIDE_S`` to either side.
    """
    first, at, last = (round((at_s + off) * RATE_HZ) for off in (-BESIDE_S, 0, BESIDE_S))
    ear = LogMel(rate_hz=RATE_HZ, fft_samples=1024, hop_samples=256, bands=48)
    before, after = (ear(part[None])[0].mean(1) for part in (wave[first:at], wave[at:last]))
    return float((after - before).abs().mean())


def seams(seconds: float, span_s: float) -> tuple[list[float], list[float]]:
    """Where a song forgets all but half of what it knows, and moments halfway between those."""
    half_s = span_s / 2
    forgets = np.arange(span_s, seconds - BESIDE_S, half_s)
    return list(forgets), list(forgets[:-1] + half_s / 2)


def seam_row(bundle: Bundle, waves: Sequence[Tensor], seconds: float) -> None:
    """Whether songs become others where they forget, more than they do anyway."""
    span_s = bundle.dit.config.span / bundle.latent_rate_hz
    forgets, between = seams(seconds, span_s)
    whole = [wave for wave in waves if len(wave) >= (seconds - 1) * RATE_HZ]
    if len(whole) < 2:
        log.info("seams | %d whole songs of %.0f s: too few to tell", len(whole), seconds)
        return
    at, off = (
        np.array([np.mean([change(wave, at_s) for at_s in times]) for wave in whole])
        for times in (forgets, between)
    )
    log.info(
        "seams of %d songs of %.0f s | change where it forgets %.3f, halfway between %.3f "
        "| difference %+.3f, standard error %.3f",
        *(len(whole), seconds, at.mean(), off.mean(), (at - off).mean()),
        (at - off).std(ddof=1) / np.sqrt(len(whole)),
    )


def structure_rows(bundle: Bundle, prompts: Sequence[str], guidance: float) -> None:
    """Whether tags are followed, songs end where one is named, and seeds matter."""
    ended = play(bundle, prompts, guidance, lyrics=FORM)
    lengths(bundle, ended, FORM)
    for name, waves in (("with", ended), ("without", play(bundle, prompts, guidance))):
        log.info("last half second %s [outro] | %+.1f dB to the song", name, close_db(waves))
    rise = [
        level_db(full) - level_db(calm)
        for full, calm in zip(
            play(bundle, prompts, guidance, lyrics=FULL),
            play(bundle, prompts, guidance, lyrics=CALM),
            strict=True,
        )
    ]
    log.info(
        "sections | chorus and inst over intro and verse, same seed: %+.1f dB, louder in %.2f",
        float(np.mean(rise)),
        float(np.mean(np.array(rise) > 0)),
    )
    first, again = (play(bundle, prompts[:4], guidance) for _ in range(2))
    other = play(bundle, prompts[:4], guidance, first_seed=1000)
    same = all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    differ = all(not torch.equal(a, b) for a, b in zip(first, other, strict=True))
    log.info("seeds | the same repeats: %s | another differs: %s", same, differ)
