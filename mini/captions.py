"""What a person might write about a piece: many wordings from the same labels, never one template."""

import numpy as np

from mini.compose.planning import ALL_STYLES
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


def captions(labels: Labels, rng: np.random.Generator, count: int = 5) -> tuple[str, ...]:
    """``count`` different wordings. The first has the form of a dataset prompt, in full."""
    made = [prompt(labels, rng)]
    writers = (_sentence, _request, _list, _short, _list, _story)
    order = rng.permutation(len(writers))
    made += [writers[i](labels, rng) for i in order[: count - 1]]
    return tuple(made)


def prompt(labels: Labels, rng: np.random.Generator) -> str:
    """The labels in the order and form that the studio's datasets use for their prompts."""
    return ", ".join(
        (
            labels.style,
            f"{labels.bpm:.0f} BPM",
            labels.key,
            labels.mood,
            _joined(labels.instruments[:4]),
            _pick(ALL_STYLES[labels.style].words, rng),
        )
    )


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
    count = int(min(len(labels.instruments), rng.integers(1, 4)))
    weights = 1 / np.arange(1, len(labels.instruments) + 1)
    which = rng.choice(len(labels.instruments), count, replace=False, p=weights / weights.sum())
    return _joined(tuple(labels.instruments[i] for i in sorted(which)))


def _a(words: str) -> str:
    return ("an " if words[0].lower() in "aeiou8" else "a ") + words


def _list(labels: Labels, rng: np.random.Generator) -> str:
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
    return f"{ask} {_a(_tempo(labels, rng))} {_style(labels, rng)} track, {labels.mood}, {_some(labels, rng)}"


def _short(labels: Labels, rng: np.random.Generator) -> str:
    first = _pick((labels.mood, _pick(ENERGY_WORDS[labels.energy], rng), _tempo(labels, rng)), rng)
    return f"{first} {_style(labels, rng)}"


def _story(labels: Labels, rng: np.random.Generator) -> str:
    words = _pick(ALL_STYLES[labels.style].words, rng)
    rest = (f"{_some(labels, rng)}, {labels.mood}", f"{labels.mood}, {_tempo(labels, rng)}", f"{_tempo(labels, rng)}, {_key(labels, rng)}, {_some(labels, rng)}")  # fmt: skip
    return f"{words}, {_pick(rest, rng)}"
