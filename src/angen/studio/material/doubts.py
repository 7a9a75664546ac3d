"""What is doubtful about the clips of a table, seen beside each other: for a person to look again.

The same clip twice, much louder or softer than the rest, a tempo or key that was hardly heard, or
that a person wrote in a way that nobody reads; and guesses too unsure to be told to the model.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from statistics import median

from angen.conditioning.figures import FASTEST, SLOWEST, key_in
from angen.data.manifest import Clip, ClipMetadata, tempo_told, trusted

FAR_LU = 9.0  # from the median loudness of the table: heard as twice or half as loud
DOUBTFUL = 0.4  # confidence below which tempo and key are wrong more often than not
_NEEDED = 3  # clips without which there is no usual loudness

Seen = tuple[str, str, float | None, ClipMetadata]  # song, sha256, loudness in LUFS, metadata


def judged(clips: Sequence[Seen], left_out: Collection[int] = frozenset()) -> list[tuple[str, ...]]:
    """The doubts about each clip, in words with a remedy.

    left_out: numbers of clips that count for nothing, and of which nothing needs to be said.
    """
    twins: defaultdict[str, list[int]] = defaultdict(list)
    heard = [number for number in range(len(clips)) if number not in left_out]
    for number in heard:
        twins[clips[number][1]].append(number)
    levels = [lufs for number in heard if (lufs := clips[number][2]) is not None]
    usual = median(levels) if len(levels) >= _NEEDED else None
    return [
        ()
        if number in left_out
        else (
            *_twin(number, clip, clips, twins),
            *_level(clip[2], usual),
            *_unsure(clip[3]),
            *_untold(clip[3]),
            *unread(clip[3]),
        )
        for number, clip in enumerate(clips)
    ]


def _twin(
    number: int, clip: Seen, clips: Sequence[Seen], twins: dict[str, list[int]]
) -> tuple[str, ...]:
    first = twins[clip[1]][0]
    if first == number:
        return ()
    return (f"The same sound as row {first + 1} ({clips[first][0]}). One of them is enough.",)


def _level(lufs: float | None, usual: float | None) -> tuple[str, ...]:
    if lufs is None or usual is None or abs(lufs - usual) <= FAR_LU:
        return ()
    word = "louder" if lufs > usual else "softer"
    return (
        f"It is {abs(lufs - usual):.0f} dB {word} than the other clips usually are. "
        "Bring them to one level, or leave it out.",
    )


def _unsure(metadata: ClipMetadata) -> tuple[str, ...]:
    doubts = []
    for field, word in (("bpm", "tempo"), ("key", "key")):
        sure = metadata.confidence.get(field, 1.0)
        if field in metadata.edited or sure >= DOUBTFUL:
            continue
        told = "and may be wrong" if trusted(metadata, field) else "and is not told to the model"
        doubts.append(f"Its {word} was hardly heard ({sure:.0%} sure) {told}. Listen, and set it.")
    return tuple(doubts)


def _untold(metadata: ClipMetadata) -> tuple[str, ...]:
    """The other guesses that the prompt leaves out, in one line."""
    found = [
        f"{field} ({metadata.confidence[field]:.0%} sure)"
        for field in ("genre", "mood", "instruments", "energy")
        if getattr(metadata, field) and not trusted(metadata, field)
    ]
    if not found:
        return ()
    return (f"Hardly heard and not told to the model: {', '.join(found)}. Set what you know.",)


def unread(metadata: ClipMetadata) -> tuple[str, ...]:
    """What a person wrote of tempo and key that a prompt will not be read to say."""
    doubts = []
    bpm, key = tempo_told(metadata), metadata.key
    if "bpm" in metadata.edited and bpm is not None and not SLOWEST <= bpm <= FASTEST:
        other = bpm * 2 if bpm < SLOWEST else bpm / 2
        remedy = f": is it {other:g}?" if SLOWEST <= other <= FASTEST else "."
        doubts.append(
            f"A tempo of {metadata.bpm:g} BPM is none of music, {SLOWEST:g} to {FASTEST:g}{remedy}"
        )
    if "key" in metadata.edited and key and key_in(key) is None:
        doubts.append(f"{key[:40]!r} is not read as a key. Write it like A minor or Eb major.")
    return tuple(doubts)


def unread_in(clips: Iterable[Clip]) -> list[tuple[str, str]]:
    """The same of clips: which ones, and what; those of one song together."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for clip in clips:
        for doubt in unread(clip.metadata):
            found[doubt].append(clip.file)
    return [
        (files[0] if len(files) == 1 else f"{files[0]} and {len(files) - 1} more", doubt)
        for doubt, files in found.items()
    ]
