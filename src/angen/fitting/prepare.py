"""All that a fit needs, made ready: songs of the base model, recordings, a fresh encoder."""

from collections.abc import Callable, Sequence
from pathlib import Path

from angen.bundle import Bundle
from angen.fitting.config import FitConfig
from angen.fitting.fit import Fit
from angen.fitting.network import network_for
from angen.fitting.pairs import AT_ONCE, Pairs, make_pairs, missing_pairs
from angen.fitting.recordings import Rates, Recordings
from angen.fitting.team import Team

OnStep = Callable[[int, int], None]  # songs made, in all; may raise Stopped


def recordings_for(bundle: Bundle, config: FitConfig, sources: Sequence[Path]) -> Recordings | None:
    """The recordings in files and folders as this fit hears them; None when none are given."""
    if not sources:
        return None
    rates = Rates(
        encoder_hz=network_for(bundle, config).sample_rate_hz,
        decoder_hz=bundle.sample_rate_hz,
        frame_s=1 / bundle.latent_rate_hz,
    )
    return Recordings(sources, config, rates)


def make_songs(
    bundle: Bundle, folder: Path, config: FitConfig, team: Team, on_step: OnStep
) -> None:
    """Make the songs that are still missing, some at a time; each process its share."""
    rate_hz = network_for(bundle, config).sample_rate_hz
    missing = [i for i in missing_pairs(folder, config) if i // AT_ONCE % team.size == team.rank]
    for done in range(0, len(missing), AT_ONCE):
        on_step(done, len(missing))
        make_pairs(bundle, folder, config, missing[done : done + AT_ONCE], rate_hz)
    on_step(len(missing), max(1, len(missing)))
    team.wait()


def prepare_fit(
    bundle: Bundle,
    config: FitConfig,
    folder: Path,
    songs: Path,
    recordings: Recordings | None,
    on_step: OnStep,
    *,
    team: Team,
    clips_at_once: int | None = None,
) -> Fit:
    """A fit with its state in ``folder``, once all ``songs`` are there.

    clips_at_once: that the memory holds; all of a step when None.

    Raises BadInput for songs that are too few or too short.
    """
    make_songs(bundle, songs, config, team, on_step)
    folder.mkdir(parents=True, exist_ok=True)
    return Fit(
        bundle=bundle,
        config=config,
        folder=folder,
        pairs=Pairs(songs, config, network_for(bundle, config).samples_per_frame),
        recordings=recordings,
        team=team,
        clips_at_once=clips_at_once or config.clips,
    )
