"""A data set as a training takes it: two sides of clips, and the facts for the metadata."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from angen.adapters.metadata import DatasetFacts
from angen.amounts import counted
from angen.bundle import Bundle
from angen.data.dataset import DataConfig, LatentDataset
from angen.data.latents import Encoded, encode_dataset
from angen.data.manifest import DatasetInfo
from angen.training.config import TrainingConfig
from angen.training.plan import Clips

OnStep = Callable[[int, int], None]  # clips encoded, in all; may raise Stopped


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    """A data set, ready to train on."""

    facts: DatasetFacts
    training: Clips
    validation: Clips  # may be empty
    kind: str = "user"  # user, vocal or symbolic
    notes: tuple[str, ...] = ()  # what was left out, and why


def training_data(
    info: DatasetInfo, folder: Path, bundle: Bundle, config: TrainingConfig, on_step: OnStep
) -> TrainingData:
    """The data set in ``folder``, encoded by ``bundle``, or found encoded, as the recipe says.

    Raises what ``encode_dataset`` raises.
    """
    encoded = encode_dataset(info, folder, bundle, on_step)
    how = DataConfig(style=config.style, max_s=config.max_clip_s, seed=config.seed)
    training = LatentDataset(info, encoded, bundle, "train", how)
    validation = LatentDataset(info, encoded, bundle, "validation", how)
    left_out = (*training.left_out, *validation.left_out)
    return TrainingData(
        facts=DatasetFacts(
            name=info.name,
            fingerprint=info.fingerprint,
            folder=str(folder),
            training_clips=len(training),
            validation_clips=len(validation),
            minutes=round(info.duration_s / 60, 2),
            licences=tuple(sorted({c.source.licence for c in info.clips if c.source.licence})),
        ),
        training=training,
        validation=validation,
        kind=info.kind,
        notes=(
            *info.notes,
            *(f"{problem.file}: {problem.reason}" for problem in left_out),
            *(f"{path} was damaged; it was computed anew" for path in encoded.repaired),
            *_untold(info, encoded, bundle),
        ),
    )


def _untold(info: DatasetInfo, encoded: Encoded, bundle: Bundle) -> list[str]:
    """What of the clips this base is not told, in sentences."""
    notes = []
    beatless = sum(not len(beats) for beats in encoded.beats.values())
    if beatless:
        notes.append(
            f"No beats are told of {beatless} of {counted(len(info.clips), 'clip')}: a tempo that "
            "is not told, or is none of music, or is not what is heard, or bars that are hardly "
            "heard. Check the tempo in the metadata."
        )
    lyrics = [] if bundle.sings else [clip.metadata.lyrics for clip in info.clips]
    worded = sum(bundle.tokenize(text).unsung > 0 for text in lyrics)
    if worded:
        clips = counted(worded, "clip")
        notes.append(f"{bundle.name} has no voice: the words of {clips} are not learned.")
    return notes
