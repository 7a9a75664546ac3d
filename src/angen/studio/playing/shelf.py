"""The base model that is at hand: loaded once, kept from song to song, let go for a training."""

import gc
import logging

import torch

from angen.adapters.attach import detach, slots
from angen.bundle import Bundle
from angen.diffrhythm.sampling import SamplerConfig, Song
from angen.studio.base import open_base
from angen.studio.settings import Settings

logger = logging.getLogger(__name__)


class Shelf:
    """Holds one base model at the most."""

    def __init__(self) -> None:
        self._bundle: Bundle | None = None
        self._asked: tuple[str, str] | None = None  # name and device that it was opened by

    def open(self, settings: Settings, name: str | None = None) -> Bundle:
        """The base model, without adapters; loaded only when another one was here.

        Raises what ``open_base`` raises.
        """
        asked = (name or settings.base, settings.device)
        if self._bundle is None or asked != self._asked:
            self.let_go()
            self._bundle, self._asked = open_base(settings, name), asked
        elif slots(self._bundle.dit):  # a job that broke left some in
            detach(self._bundle.dit)
        return self._bundle

    def let_go(self) -> None:
        """Make room: nothing is held any more, on the device either."""
        if self._bundle is None:
            return
        self._bundle = self._asked = None
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def warm(self, settings: Settings) -> None:
        """Load the model of the settings, and run it once: the first song then starts at once."""
        if self._bundle is not None:
            return
        bundle = self.open(settings)
        song = Song(
            tokens=torch.tensor(bundle.tokenize("[verse]\nla").tokens, dtype=torch.int64),
            style=bundle.embed_text("music"),
            frames=bundle.block,
            seed=0,
        )
        (latents,) = bundle.sample([song], SamplerConfig(steps=1), _uncounted)
        bundle.decode(latents)
        logger.info("%s is loaded and warm", bundle.name)


def _uncounted(done: int, total: int) -> None:
    """Nobody waits."""
