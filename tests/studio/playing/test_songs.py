import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from angen.audio.files import read_audio
from angen.bundle import LOUDEST, Bundle
from angen.errors import BadInput
from angen.studio.playing.outputs import read_note
from angen.studio.playing.songs import finished, generate_song
from angen.studio.requests.asking import asked
from angen.studio.requests.songs import SongRequest
from angen.studio.settings import Settings, read_settings
from angen.studio.watch import OnStep
from tests.adapters.fill import written
from tests.tiny import rewrite

ASKED = {"prompt": "house, 120 BPM", "duration_s": 3.0, "seed": 4, "steps": 2}


class Noted:
    """A watch that keeps what it was told."""

    def __init__(self) -> None:
        self.stages: list[str] = []
        self.steps: list[tuple[int, int]] = []

    def stage(self, title: str) -> OnStep:
        self.stages.append(title)
        return lambda done, total: self.steps.append((done, total))

    def say(self, message: str) -> None:
        self.stages.append(message)


@pytest.fixture
def settings(tmp_path: Path, tiny_folder: Path) -> Settings:
    return read_settings({}, home=tmp_path / "home", base=str(tiny_folder), device="cpu")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"duration_s": 0}, "1 to 600 seconds"),
        ({"duration_s": 36_000}, "1 to 600 seconds"),
        ({"prompt": ""}, "prompt"),
        ({"steps": 0}, "steps=0"),
        ({"guidance": float("inf")}, "guidance"),
        ({"seed": -1}, "seed=-1"),
        ({"colour": "red"}, "colour"),
        ({"adapters": [{"name": "x", "strength": 9}]}, "adapters.0.strength=9"),
    ],
)
def test_a_request_out_of_range_names_the_value(values: dict[str, object], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        asked(SongRequest, ASKED | values)


def test_a_song_is_as_long_as_asked_and_holds_its_request(settings: Settings) -> None:
    watch = Noted()
    made = generate_song(asked(SongRequest, ASKED), settings, watch)
    assert made.path.parent == settings.outputs
    assert read_audio(made.path).duration_s == pytest.approx(3.0)
    assert made.duration_s == pytest.approx(3.0)
    assert read_note(made.path).request == made.request
    assert made.request.base == settings.base
    assert made.warnings == ()
    assert watch.stages == ["Loading the model", "Making the song"]
    assert watch.steps[-1] == (4, 4)  # two blocks of two steps


def test_songs_never_overwrite_each_other(settings: Settings) -> None:
    request = asked(SongRequest, ASKED)
    first = generate_song(request, settings, Noted())
    second = generate_song(request, settings, Noted())
    assert first.path != second.path
    assert first.path.read_bytes() == second.path.read_bytes()


def test_another_seed_is_another_song(settings: Settings) -> None:
    first = generate_song(asked(SongRequest, ASKED), settings, Noted())
    other = generate_song(asked(SongRequest, ASKED | {"seed": 5}), settings, Noted())
    assert first.path.read_bytes() != other.path.read_bytes()


def test_an_adapter_that_is_off_leaves_the_song_of_the_base(
    settings: Settings, tiny_bundle: Bundle, tmp_path: Path
) -> None:
    adapter = str(written(tiny_bundle, tmp_path / "a"))

    def song(*uses: dict[str, object]) -> bytes:
        request = asked(SongRequest, ASKED | {"prompt": "harp, 120 BPM", "adapters": uses})
        return read_audio(generate_song(request, settings, Noted()).path).samples.tobytes()

    off = {"name": adapter, "strength": 0}
    assert song(off) == song(off, off) == song() != song(off, {"name": adapter})


@pytest.mark.parametrize(
    ("part", "alpha", "strength"),
    [("lora_B", 8, 1), ("lora_A", 8, 2), ("none", 0, 1), ("none", 8, 1e-46)],
)
def test_adapters_that_change_nothing_leave_the_song_of_the_base(
    settings: Settings,
    tiny_bundle: Bundle,
    tmp_path: Path,
    part: str,
    alpha: int,
    strength: float,
) -> None:
    """Zero matrices, an alpha of 0, a strength that float32 cannot tell from 0."""
    idle, real = (written(tiny_bundle, tmp_path / name) for name in ("idle", "real"))
    tensors = load_file(idle / "adapter_model.safetensors")
    changed = {name: t * 0 if part in name else t for name, t in tensors.items()}
    save_file(changed, idle / "adapter_model.safetensors", metadata={"format": "pt"})
    rewrite(idle / "adapter_config.json", lora_alpha=alpha)

    def song(*adapters: dict[str, object]) -> tuple[bytes, str]:
        request = asked(SongRequest, ASKED | {"prompt": "harp, 120 BPM", "adapters": adapters})
        made = generate_song(request, settings, Noted())
        return read_audio(made.path).samples.tobytes(), " ".join(made.warnings)

    off: dict[str, object] = {"name": str(idle), "strength": strength}
    on: dict[str, object] = {"name": str(real)}
    assert song(off)[0] == song(off, off)[0] == song()[0]
    assert song(off, on)[0] == song(on)[0] != song()[0]
    assert "changes nothing" in song(off)[1]


class Short:
    """A base whose songs end early: after seven frames, each a fifth of a second."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bundle, name)

    def sample(self, *arguments: Any) -> list[torch.Tensor]:
        return [latents[:7] for latents in self._bundle.sample(*arguments)]


def test_a_song_that_ends_before_its_time_says_so(settings: Settings, tiny_bundle: Bundle) -> None:
    made = generate_song(
        asked(SongRequest, ASKED),
        settings,
        Noted(),
        open_bundle=lambda _settings, _name: Short(tiny_bundle),  # type: ignore[arg-type,return-value]
    )
    assert made.duration_s == read_audio(made.path).duration_s == pytest.approx(1.4)
    (warning,) = made.warnings
    assert "came to its end after 1.4 s of 3 s" in warning


def test_a_note_that_was_tampered_with_is_refused(settings: Settings, tmp_path: Path) -> None:
    made = generate_song(asked(SongRequest, ASKED), settings, Noted())
    data = made.path.read_bytes()
    assert b'"seed":4' in data
    (tmp_path / "bad.wav").write_bytes(data.replace(b'"seed":4', b'"seed":x'))
    with pytest.raises(BadInput, match="holds no request"):
        read_note(tmp_path / "bad.wav")


def test_a_song_that_would_clip_is_turned_down() -> None:
    class Loud(Bundle):
        """Decodes to twice full scale."""

        def __init__(self) -> None:
            pass

        def decode(self, latents: torch.Tensor) -> torch.Tensor:
            return torch.tensor([0.5, -2.0])

    audio = finished(Loud(), torch.zeros(1, 8))
    assert audio.abs().max() == pytest.approx(LOUDEST)
    assert audio[0] == pytest.approx(0.25 * LOUDEST)


def test_a_request_is_plain_json() -> None:
    request = asked(SongRequest, ASKED)
    assert SongRequest.model_validate(json.loads(request.model_dump_json())) == request
