"""The main job in one go: recordings in, an adapter, songs before and after, and a report."""

from dataclasses import dataclass
from pathlib import Path

from angen.data.manifest import DatasetInfo, prompt_of
from angen.data.prepare import PrepareConfig
from angen.errors import BadInput
from angen.studio.learning.training import OnQuote, TrainedLora, train_lora
from angen.studio.material.preparing import prepare_dataset
from angen.studio.playing.songs import MadeSong, generate_song
from angen.studio.requests.songs import AdapterUse, SongRequest
from angen.studio.requests.training import TrainRequest
from angen.studio.settings import Settings
from angen.studio.watch import Watch

NAME = "demo"
SEED = 7
DURATION_S = 20.0
STEPS = 300
EXAMPLES = Path("examples") / "songs"
_HERE = Path(__file__).resolve()
_ROOTS = (_HERE.parents[1], _HERE.parents[3])  # of an installed package, of the source


@dataclass(frozen=True, kw_only=True)
class Demo:
    """Where everything is."""

    dataset: DatasetInfo
    dataset_folder: Path
    lora: TrainedLora
    before: MadeSong
    after: MadeSong


def example_songs() -> Path:
    """The songs that come with the program. Raises BadInput when somebody removed them."""
    for root in _ROOTS:
        if (root / EXAMPLES).is_dir():
            return root / EXAMPLES
    raise BadInput(f"{EXAMPLES} is not here. Name a folder of recordings: angen demo --songs DIR")


def run_demo(
    songs: Path | None,
    settings: Settings,
    watch: Watch,
    on_quote: OnQuote,
    *,
    steps: int = STEPS,
) -> Demo:
    """Prepare, train, play before and after, measure. An earlier demo gives way."""
    info = prepare_dataset(
        [songs or example_songs()],
        settings,
        watch.stage("Listening to the recordings"),
        name=NAME,
        config=PrepareConfig(replace=True),
    )
    request = TrainRequest(name=NAME, dataset=NAME, max_steps=steps, overwrite=True, samples=0)
    lora = train_lora(request, settings, watch, on_quote)
    asked = SongRequest(
        prompt=prompt_of((info.side("validation") or info.clips)[0].metadata),
        duration_s=DURATION_S,
        seed=SEED,
    )
    outputs = settings.outputs
    before = generate_song(asked, settings, watch, out=outputs / "demo_before.wav")
    adapted = asked.model_copy(update={"adapters": (AdapterUse(name=NAME),)})
    after = generate_song(adapted, settings, watch, out=outputs / "demo_after.wav")
    return Demo(
        dataset=info,
        dataset_folder=settings.datasets / NAME,
        lora=lora,
        before=before,
        after=after,
    )
