"""What a person might write about a piece: many wordings of the same labels."""

import numpy as np

from mini.compose.catalogue import ALL_STYLES
from mini.compose.score import Labels

SYNONYMS: dict[str, tuple[str, ...]] = {
    "lofi hip hop": ("lofi hip hop", "lo-fi hip hop", "lofi", "chillhop"),
    "classical piano": ("classical piano", "solo piano", "classical"),
    "orchestral march": ("orchestral march", "march", "orchestral"),
    "bossa nova": ("bossa nova", "bossa", "latin bossa nova"),
    "chiptune": ("chiptune", "8-bit", "chip music"),
    "house": ("house", "house music", "deep house"),
    "pop": ("pop", "pop music"),
    "rock": ("rock", "rock music"),
    "jazz": ("jazz", "swing jazz"),
}
TEMPO_WORDS = (
    (76, ("slow", "very slow", "unhurried")),
    (96, ("slow to medium", "relaxed tempo", "moderately slow")),
    (120, ("mid-tempo", "moderate tempo", "medium pace")),
    (142, ("upbeat", "fast", "lively tempo")),
    (999, ("very fast", "fast", "rapid tempo")),
)
ENERGY_WORDS = {
    "low": ("soft", "low energy", "gentle", "quiet"),
    "medium": ("medium energy", "steady", "moderately energetic"),
    "high": ("high energy", "energetic", "powerful", "loud"),
}
METER_WORDS = {
    "4/4": ("4/4", "in four"),
    "3/4": ("3/4", "in three", "waltz time"),
    "6/8": ("6/8", "in six-eight", "compound time"),
}


def captions(labels: Labels, rng: np.random.Generator, count: int = 6) -> tuple[str, ...]:
    """``count`` wordings: first the studio's own prompt, then a part of it, then free ones."""
    writers = (_sentence, _request, _tags, _short, _tags, _story)
    made = [prompt(labels), _partial_prompt(labels, rng)]
    made += [writers[i](labels, rng) for i in rng.permutation(len(writers))]
    return tuple(dict.fromkeys(made))[:count]


def prompt(labels: Labels) -> str:
    """What the studio writes for a clip of which it knows everything (``angen.data.manifest``)."""
    return ", ".join(_facts(labels).values())


def _facts(labels: Labels) -> dict[str, str]:
    return {
        "genre": labels.style,
        "mood": labels.mood,
        "instruments": ", ".join(labels.instruments),
        "energy": f"{labels.energy} energy",
        "bpm": f"{labels.bpm:.0f} BPM",
        "key": labels.key,
    }


def _partial_prompt(labels: Labels, rng: np.random.Generator) -> str:
    """The studio's prompt where some facts are unknown and a person has added words."""
    facts = _facts(labels)
    for name in ("mood", "instruments", "energy", "bpm", "key"):
        if rng.random() < 0.35:
            del facts[name]
    if len(facts) > 2 and rng.random() < 0.1:
        facts["genre"] = "instrumental"
    if rng.random() < 0.4:
        facts["description"] = _pick(ALL_STYLES[labels.style].words, rng)
    return ", ".join(facts.values())


def _pick(choices: tuple[str, ...], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]


def _joined(names: tuple[str, ...]) -> str:
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _style(labels: Labels, rng: np.random.Generator) -> str:
    return _pick(SYNONYMS.get(labels.style, (labels.style,)), rng)


def _tempo(labels: Labels, rng: np.random.Generator) -> str:
    words = next(words for limit, words in TEMPO_WORDS if labels.bpm < limit)
    number = (
        f"{labels.bpm:.0f} BPM",
        f"{labels.bpm:.0f} bpm",
        f"{labels.bpm:.0f} beats per minute",
    )
    return _pick(number, rng) if rng.random() < 0.6 else _pick(words, rng)


def _key(labels: Labels, rng: np.random.Generator) -> str:
    return labels.key if rng.random() < 0.8 else f"{labels.key.split()[1]} key"


def _some(labels: Labels, rng: np.random.Generator) -> str:
    """One to three of the instruments, the leading ones more often."""
    count = min(len(labels.instruments), int(rng.integers(1, 4)))
    weights = 1 / np.arange(1, len(labels.instruments) + 1)
    which = rng.choice(len(labels.instruments), count, replace=False, p=weights / weights.sum())
    return _joined(tuple(labels.instruments[i] for i in sorted(which)))


def _a(words: str) -> str:
    return ("an " if words[0].lower() in "aeiou8" else "a ") + words


def _tags(labels: Labels, rng: np.random.Generator) -> str:
    """Comma-separated tags in any order, some left out."""
    tags = [
        _tempo(labels, rng),
        _key(labels, rng),
        labels.mood,
        _some(labels, rng),
        _pick(ENERGY_WORDS[labels.energy], rng),
        _pick(METER_WORDS[labels.meter], rng),
    ]
    kept = [tags[i] for i in rng.permutation(len(tags))[: int(rng.integers(2, 6))]]
    kept.insert(int(rng.integers(0, 2)), _style(labels, rng))
    return ", ".join(kept)


def _sentence(labels: Labels, rng: np.random.Generator) -> str:
    verb = _pick(("with", "featuring", "played on", "built on"), rng)
    where = _pick((f"in {labels.key}", f"in the key of {labels.key}", ""), rng)
    at = _pick((f"at {labels.bpm:.0f} BPM", f"around {labels.bpm:.0f} BPM", ""), rng)
    subject = (
        f"{labels.mood} {_style(labels, rng)} {_pick(('piece', 'track', 'tune', 'song'), rng)}"
    )
    text = " ".join(part for part in (_a(subject), verb, _some(labels, rng), where, at) if part)
    return text[0].upper() + text[1:] + _pick((".", ""), rng)


def _request(labels: Labels, rng: np.random.Generator) -> str:
    ask = _pick(("I want", "play", "make", "give me", "something like"), rng)
    what = f"{_a(_tempo(labels, rng))} {_style(labels, rng)} track"
    return f"{ask} {what}, {labels.mood}, {_some(labels, rng)}"


def _short(labels: Labels, rng: np.random.Generator) -> str:
    first = _pick((labels.mood, _pick(ENERGY_WORDS[labels.energy], rng), _tempo(labels, rng)), rng)
    return f"{first} {_style(labels, rng)}"


def _story(labels: Labels, rng: np.random.Generator) -> str:
    words = _pick(ALL_STYLES[labels.style].words, rng)
    rest = (
        f"{_some(labels, rng)}, {labels.mood}",
        f"{labels.mood}, {_tempo(labels, rng)}",
        f"{_tempo(labels, rng)}, {_key(labels, rng)}, {_some(labels, rng)}",
    )
    return f"{words}, {_pick(rest, rng)}"
