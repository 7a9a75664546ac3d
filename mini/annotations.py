"""What is known of a stretch of a real recording: tags, tempo, key, beats and captions of them.

Nobody wrote it down, so it is estimated, and what is uncertain is left out: a label that is missing
is unknown. Tags are those of the MagnaTagATune net of ``angen.judge``, which may be learned from.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from angen.audio.description import describe
from angen.audio.listening import Listening, listen
from mini.captions import ENERGY_WORDS, TEMPO_WORDS

SURE = {"bpm": 0.7, "key": 0.7, "downbeats": 0.5}  # confidence from which a label is kept
LEVEL = 0.1  # root mean square of what is tagged: the net's answers depend on it
LIKELY, VOICE_LIKELY = 0.2, 0.4  # probability from which a tag is named
MOST_TAGS = 6
QUIET_LUFS, LOUD_LUFS = -22.0, -16.0
CALM = frozenset({"slow", "ambient", "night", "sad", "new age", "solo"})
LIVELY = frozenset(
    {"battle", "fast", "techno", "dance", "rock", "metal", "beats", "drums", "upbeat"}
)
FAST_BPM, SLOW_BPM = 85.0, 150.0  # a tempo below or above them contradicts "fast" or "slow"

# How the net's tags are worded; tags of one meaning count as one.
_WORDED = {
    **dict.fromkeys(("classical", "classic"), "classical"),
    **dict.fromkeys(("beat", "beats"), "beats"),
    **dict.fromkeys(("choir", "choral"), "choir"),
    **dict.fromkeys(("vocal", "vocals", "voice", "singing"), "vocals"),
    **dict.fromkeys(("female", "woman", "female vocal", "female voice"), "female vocals"),
    **dict.fromkeys(("male", "man", "male vocal", "male voice"), "male vocals"),
}
_UNNAMED = {"no vocals", "no vocal", "no voice", "weird", "loud", "quiet", "soft"}
_VOICES = {"vocals", "female vocals", "male vocals", "choir", "opera"}
_INSTRUMENTS = {
    *("guitar", "strings", "drums", "piano", "violin", "synth", "harpsichord", "flute", "sitar"),
    *("harp", "cello", *_VOICES),
}
_MANNERS = {"slow", "fast", "solo", "theme", "beats"}

Samples = NDArray[np.float32]
Tagger = Callable[[Samples, int], dict[str, float]]  # samples (S,), rate -> probabilities


@dataclass(frozen=True, kw_only=True, slots=True)
class Annotations:
    """Labels of an entry of a pool; ``beats`` (N,) in seconds, none where bars are uncertain."""

    labels: dict[str, Any]
    captions: tuple[str, ...]
    beats: NDArray[np.float64]


def annotate(
    samples: Samples, rate_hz: int, words: Sequence[str], tagger: Tagger, rng: np.random.Generator
) -> Annotations:
    """What is known of samples (S,). words: genre and mood as somebody wrote them down.

    Raises BadInput for silence and for less than a second.
    """
    heard = listen(samples, rate_hz)
    level = float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))
    tags = tagger((samples * (LEVEL / level)).astype(np.float32), rate_hz)
    labels: dict[str, Any] = {
        "words": list(words),
        "tags": {tag: round(chance, 3) for tag, chance in tags.items()},
        "lufs": round(heard.loudness_lufs, 1),
    }
    named = named_tags(tags)
    force = energy(heard.loudness_lufs, {*words, *named})
    if force:
        labels["energy"] = force
    beats = np.zeros(0)
    if heard.bpm and heard.confidence["bpm"] >= SURE["bpm"] and not _odd(heard.bpm, named):
        labels["bpm"] = heard.bpm
        beats = bar_beats(heard)
    if len(beats):
        labels["meter"] = f"{heard.beats_per_bar}/4"
    if heard.key and heard.confidence["key"] >= SURE["key"]:
        labels["key"] = heard.key
    return Annotations(labels=labels, captions=captions(labels, named, rng), beats=beats)


def energy(lufs: float, words: Collection[str]) -> str | None:
    """Energy by loudness; None where words or tags contradict it, since levels differ by author."""
    if lufs < QUIET_LUFS:
        return None if LIVELY.intersection(words) else "low"
    if lufs < LOUD_LUFS:
        return "medium"
    return None if CALM.intersection(words) else "high"


def named_tags(tags: Mapping[str, float]) -> list[str]:
    """Words for the likely tags, likeliest first."""
    worded: dict[str, float] = {}
    for tag, chance in tags.items():
        if tag not in _UNNAMED:
            word = _WORDED.get(tag, tag)
            worded[word] = max(chance, worded.get(word, 0.0))
    likely = [
        w for w, chance in worded.items() if chance >= (VOICE_LIKELY if w in _VOICES else LIKELY)
    ]
    return sorted(likely, key=lambda word: -worded[word])[:MOST_TAGS]


def _odd(bpm: float, named: Sequence[str]) -> bool:
    """Whether the tags contradict the tempo: it is likely half or twice the true one."""
    return ("fast" in named and bpm < FAST_BPM) or ("slow" in named and bpm > SLOW_BPM)


def bar_beats(heard: Listening) -> NDArray[np.float64]:
    """Beats (N,) from the first of a bar on; none where bars are uncertain or not all alike."""
    if heard.confidence["downbeats"] < SURE["downbeats"] or not len(heard.downbeats):
        return np.zeros(0)
    beats = heard.beats[heard.beats >= heard.downbeats[0]]
    bars = beats[:: heard.beats_per_bar]
    alike = len(bars) == len(heard.downbeats) and np.allclose(bars, heard.downbeats)
    return beats if alike else np.zeros(0)


def captions(
    labels: Mapping[str, Any], named: Sequence[str], rng: np.random.Generator, count: int = 6
) -> tuple[str, ...]:
    """``count`` wordings, as a person might prompt: first all that is known, then parts of it."""
    known = list(dict.fromkeys([*labels["words"], *named]))
    bpm, key, force = labels.get("bpm"), labels.get("key"), labels.get("energy")
    figures = [f"{bpm:.0f} BPM"] if bpm else []
    figures += [key] if key else []
    made = [", ".join([*known, *([f"{force} energy"] if force else []), *figures])]
    made.append(_sentence(labels, known))
    while len(made) < count:
        loose = [_pick(ENERGY_WORDS[force], rng)] if force else []
        if bpm:
            loose.append(_pick(next(words for limit, words in TEMPO_WORDS if bpm < limit), rng))
        kept = [part for part in (*known, *figures, *loose) if rng.random() < 0.5]
        made.append(", ".join(kept[i] for i in rng.permutation(len(kept))))
    return tuple(text for text in dict.fromkeys(made) if text)


def _sentence(labels: Mapping[str, Any], known: Sequence[str]) -> str:
    names = [word for word in known if word not in _INSTRUMENTS and word not in _MANNERS]
    return describe(
        genre=" ".join(names[:2]),
        mood="",
        instruments=[word for word in known if word in _INSTRUMENTS],
        energy=labels.get("energy"),
        bpm=labels.get("bpm"),
        key=labels.get("key"),
    )


def _pick(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]
