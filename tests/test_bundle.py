import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from angen.adapters.attach import attach, detach
from angen.adapters.shape import LoraShape
from angen.bundle import PIECE_FRAMES, Bundle, default_dtype, load_bundle
from angen.conditioning.lyrics import encode_lyrics
from angen.conditioning.telling import LEARNED
from angen.conditioning.timeline import timeline
from angen.conditioning.vector import KEY_PLACES, TEMPO_PLACES
from angen.diffrhythm import sampling
from angen.diffrhythm.config import STYLE_DIM
from angen.diffrhythm.objective import Batch
from angen.diffrhythm.sampling import SamplerConfig, Song
from angen.errors import BadInput, Incompatible, MissingWeights
from angen.parts import file_sha256, find_bundle
from angen.vocoder.generator import BigVGAN, BigVGANConfig
from angen.vocoder.istft import InverseStft
from angen.vocoder.weights import save_decoder
from tests.tiny import (
    BLOCK,
    CHANNELS,
    FRAME_SAMPLES,
    RATE_HZ,
    tiny_decoder,
    tiny_dit,
    write_tiny_bundle,
)

FAST = SamplerConfig(steps=2)


def silent(done: int, total: int) -> None:
    """Progress that nobody watches."""


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def song(bundle: Bundle, frames: int, seed: int = 0) -> Song:
    tokens = torch.tensor(bundle.tokenize("[verse]\n[chorus]").tokens)
    return Song(tokens=tokens, style=bundle.embed_text("folk"), frames=frames, seed=seed)


def batch_of(clips: int, frames: int) -> Batch:
    return Batch(
        text=torch.zeros(clips, 3, dtype=torch.int64),
        text_lengths=torch.full((clips,), 3),
        latents=noise(clips, frames, CHANNELS),
        frames=torch.full((clips,), frames),
        style=noise(clips, STYLE_DIM, seed=1),
    )


def test_a_bundle_knows_its_rates(tiny_bundle: Bundle) -> None:
    assert tiny_bundle.sample_rate_hz == RATE_HZ
    assert tiny_bundle.latent_rate_hz == RATE_HZ / FRAME_SAMPLES == 5
    assert (tiny_bundle.channels, tiny_bundle.block) == (CHANNELS, BLOCK)
    assert tiny_bundle.frames(2.4) == 12
    assert tiny_bundle.frames(0.01) == 1


@pytest.mark.parametrize(("samples", "frames"), [(1, 1), (1_600, 1), (1_601, 2), (160_000, 100)])
def test_encoding_counts_a_frame_that_is_not_full(
    tiny_bundle: Bundle, samples: int, frames: int
) -> None:
    assert tiny_bundle.encode_audio(noise(samples), RATE_HZ).shape == (frames, CHANNELS)


def test_encoding_brings_audio_to_the_rate_of_the_bundle(tiny_bundle: Bundle) -> None:
    time = torch.arange(4 * RATE_HZ) / RATE_HZ
    tone = torch.sin(2 * torch.pi * 440 * time)
    twice = torch.sin(2 * torch.pi * 440 * torch.arange(8 * RATE_HZ) / (2 * RATE_HZ))
    ours = tiny_bundle.encode_audio(tone, RATE_HZ)
    theirs = tiny_bundle.encode_audio(twice, 2 * RATE_HZ)
    assert theirs.shape == ours.shape
    torch.testing.assert_close(theirs[1:-1], ours[1:-1], atol=0.05, rtol=0.05)


def test_a_long_recording_is_encoded_in_parts_as_if_it_were_whole(tiny_bundle: Bundle) -> None:
    audio = noise(130 * RATE_HZ)  # more than two parts
    in_parts = tiny_bundle.encode_audio(audio, RATE_HZ)
    assert len(in_parts) == 650
    around = tiny_bundle.encode_audio(audio[280 * FRAME_SAMPLES : 320 * FRAME_SAMPLES], RATE_HZ)
    torch.testing.assert_close(in_parts[290:310], around[10:30])


@pytest.mark.parametrize("samples", [torch.zeros(0), torch.tensor([0.0, float("nan")])])
def test_sound_that_is_none_is_refused(tiny_bundle: Bundle, samples: torch.Tensor) -> None:
    with pytest.raises(BadInput, match="samples"):
        tiny_bundle.encode_audio(samples, RATE_HZ)
    if len(samples):  # of none, the style is that of silence
        with pytest.raises(BadInput, match="not numbers"):
            tiny_bundle.embed_audio(samples, RATE_HZ)


def test_sound_that_is_over_before_a_sample_of_ours_is_refused(tiny_bundle: Bundle) -> None:
    with pytest.raises(BadInput, match="too short: 1 samples at 192000 Hz"):
        tiny_bundle.encode_audio(torch.ones(1), 192_000)


@pytest.mark.parametrize("frames", [0, 1, 19, 50])
def test_decoding_gives_each_frame_its_samples(tiny_bundle: Bundle, frames: int) -> None:
    latents = noise(frames, CHANNELS)
    audio = tiny_bundle.decode(latents)
    assert audio.shape == (frames * FRAME_SAMPLES,)
    assert torch.equal(audio, tiny_bundle.decode(latents))


SHAKEN = FRAME_SAMPLES // 4  # the last frames are shaken by other numbers


@pytest.mark.parametrize("lengths", [[10, 10, 10, 3], [3], [1, 1, 1], [10, 0, 10, 0], [0], []])
def test_a_stream_is_the_whole_in_pieces(tiny_bundle: Bundle, lengths: list[int]) -> None:
    latents = noise(sum(lengths), CHANNELS)
    pieces = list(tiny_bundle.decode_stream(torch.split(latents, lengths) if lengths else []))
    streamed = torch.cat([torch.zeros(0), *pieces])
    whole = tiny_bundle.decode(latents)
    assert streamed.shape == whole.shape
    torch.testing.assert_close(streamed[:-SHAKEN], whole[:-SHAKEN], rtol=0, atol=1e-4)


def test_streamed_pieces_meet_without_a_step(tiny_bundle: Bundle) -> None:
    latents = noise(1, CHANNELS).expand(400, -1)  # one sound held for 80 s
    pieces = list(tiny_bundle.decode_stream(torch.split(latents, [BLOCK] * 40)))
    streamed = torch.cat(pieces)
    assert len(streamed) == 400 * FRAME_SAMPLES
    seams = torch.tensor([len(piece) for piece in pieces]).cumsum(0)[:-1]
    steps = streamed.diff().abs()
    assert steps[seams - 1].max() <= 1.01 * steps.max()
    assert steps[seams - 1].mean() < 2 * steps.mean()


@pytest.mark.parametrize("frames", [1, PIECE_FRAMES - 1, 2 * PIECE_FRAMES + 3])
def test_a_song_of_any_length_sounds_as_decoded_in_one_go(tiny_bundle: Bundle, frames: int) -> None:
    latents = noise(frames, CHANNELS)
    audio = tiny_bundle.decode(latents)
    with torch.no_grad():
        expected = tiny_bundle.sound(latents.T[None])[0]
    assert audio.shape == expected.shape == (frames * FRAME_SAMPLES,)
    until = (frames - 1) * FRAME_SAMPLES  # the last frame of fewer is shaken otherwise
    torch.testing.assert_close(audio[:until], expected[:until], atol=1e-3, rtol=0)


def test_no_frames_are_no_sound(tiny_bundle: Bundle) -> None:
    assert tiny_bundle.decode(torch.zeros(0, CHANNELS)).shape == (0,)


def test_the_first_sound_comes_after_the_first_block(tiny_bundle: Bundle) -> None:
    asked = 0

    def blocks() -> list[torch.Tensor]:
        nonlocal asked
        asked += 1
        return [noise(BLOCK, CHANNELS)]

    stream = tiny_bundle.decode_stream(block for _ in range(3) for block in blocks())
    assert len(next(stream)) == 9 * FRAME_SAMPLES
    assert asked == 1


def test_sampling_block_by_block_gives_the_whole(tiny_bundle: Bundle) -> None:
    songs = [song(tiny_bundle, 25, seed=1), song(tiny_bundle, 12, seed=2)]
    whole = tiny_bundle.sample(songs, FAST, silent)
    assert [len(latents) for latents in whole] == [25, 12]
    blocks = list(tiny_bundle.sample_blocks(songs, FAST, silent))
    for i, latents in enumerate(whole):
        assert torch.equal(torch.cat([block[i] for block in blocks]), latents)


def lines_of(bundle: Bundle, monkeypatch: pytest.MonkeyPatch, song: Song) -> list[torch.Tensor]:
    """The timelines that reach the sampler, of both ways to sample."""
    seen: list[torch.Tensor] = []

    def sampled(dit: object, songs: list[Song], *_: object) -> list[torch.Tensor]:
        seen.extend(song.timeline for song in songs if song.timeline is not None)
        return []

    monkeypatch.setattr(sampling, "sample", sampled)
    monkeypatch.setattr(sampling, "sample_blocks", lambda *given: iter(sampled(*given)))
    bundle.sample([song], FAST, silent)
    list(bundle.sample_blocks([song], FAST, silent))
    return seen


@pytest.mark.parametrize(("lyrics", "ends"), [("[verse]", False), ("[outro]", True), ("", False)])
def test_songs_get_their_timeline(
    tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch, lyrics: str, ends: bool
) -> None:
    frames = 2 * BLOCK + 1
    tokens = torch.tensor(tiny_bundle.tokenize(lyrics).tokens, dtype=torch.long)
    asked = Song(tokens=tokens, style=tiny_bundle.embed_text("120 BPM"), frames=frames, seed=0)
    line = timeline(3 * BLOCK, 5, bpm=120, end_s=frames / 5 if ends else None)
    found = lines_of(tiny_bundle, monkeypatch, asked)
    assert len(found) == 2
    for one in found:
        torch.testing.assert_close(one[:, TEMPO_PLACES], line, atol=1e-3, rtol=0)


def test_songs_are_told_loudly_unless_there_is_an_adapter(
    tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    vector = tiny_bundle.embed_text("harp, A minor, 120 BPM")
    asked = Song(tokens=torch.zeros(0, dtype=torch.long), style=vector, frames=30, seed=0)
    learned = LEARNED.added(vector)

    def told_at(frame: int) -> torch.Tensor:
        (found, again) = lines_of(tiny_bundle, monkeypatch, asked)
        assert torch.equal(found, again)
        return found[frame, KEY_PLACES]

    assert told_at(0).norm() > 2 * learned[KEY_PLACES].norm()
    torch.testing.assert_close(told_at(29), learned[KEY_PLACES])
    attach(tiny_bundle.dit, LoraShape(rank=2, alpha=2), seed=0)
    torch.testing.assert_close(told_at(0), learned[KEY_PLACES])
    detach(tiny_bundle.dit)
    assert told_at(0).norm() > 2 * learned[KEY_PLACES].norm()


def test_a_timeline_that_is_there_stays(
    tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = replace(song(tiny_bundle, 9), timeline=torch.zeros(9, STYLE_DIM))
    assert [one is given.timeline for one in lines_of(tiny_bundle, monkeypatch, given)] == [
        True
    ] * 2


def test_sampling_leaves_the_callers_modes_alone(tiny_bundle: Bundle) -> None:
    tiny_bundle.dit.train()
    for _ in tiny_bundle.sample_blocks([song(tiny_bundle, 20)], FAST, silent):
        assert torch.is_grad_enabled()
        assert tiny_bundle.dit.training
    assert tiny_bundle.dit.training


def test_the_loss_is_one_number_a_block(tiny_bundle: Bundle) -> None:
    losses = tiny_bundle.loss(
        batch_of(2, 30), noise(2, 30, CHANNELS), torch.full((2, 3), 0.5), torch.zeros(2).bool()
    )
    assert losses.shape == (2, 3)
    assert torch.isfinite(losses).all()


def test_the_loss_in_low_precision_is_close_to_the_loss(tiny_folder: Path) -> None:
    def loss(dtype: torch.dtype) -> torch.Tensor:
        return load_bundle(tiny_folder, dtype=dtype).loss(
            batch_of(2, 30), noise(2, 30, CHANNELS), torch.full((2, 3), 0.5), torch.zeros(2).bool()
        )

    torch.testing.assert_close(loss(torch.bfloat16), loss(torch.float32), rtol=0.05, atol=0)


def test_a_song_in_low_precision_is_float32_on_the_cpu(tiny_folder: Path) -> None:
    bundle = load_bundle(tiny_folder, dtype=torch.bfloat16)
    (latents,) = bundle.sample([song(bundle, 12)], FAST, silent)
    assert latents.dtype == torch.float32


def test_a_bundle_without_a_voice_reads_tags_and_says_where_words_go(tiny_bundle: Bundle) -> None:
    assert not tiny_bundle.sings
    sung = tiny_bundle.tokenize("[verse]\nпривет")
    assert sung.tokens == encode_lyrics("[verse]").tokens
    assert [text for text in sung.warnings if "has no voice" in text]
    assert tiny_bundle.tokenize("[verse]\n\n[chorus]").warnings == []


def test_style_vectors_have_length_one(tiny_bundle: Bundle) -> None:
    for style in (
        tiny_bundle.embed_text("folk, 92 BPM"),
        tiny_bundle.embed_audio(noise(2 * RATE_HZ), RATE_HZ),
    ):
        assert style.shape == (STYLE_DIM,)
        assert style.norm().item() == pytest.approx(1, abs=1e-4)


def test_weights_need_no_gradient(tiny_bundle: Bundle) -> None:
    assert not any(parameter.requires_grad for parameter in tiny_bundle.dit.parameters())


def test_a_bundle_without_encoder_plays_but_does_not_listen(tmp_path: Path) -> None:
    bundle = load_bundle(write_tiny_bundle(tmp_path / "b", encoder=False))
    assert len(bundle.decode(bundle.sample([song(bundle, 10)], FAST, silent)[0]))
    with pytest.raises(MissingWeights, match=r"angen encoder fit --base"):
        bundle.encode_audio(noise(100), RATE_HZ)


def test_a_bundle_without_style_says_where_to_get_it(tmp_path: Path) -> None:
    folder = write_tiny_bundle(tmp_path / "b")
    (folder / "style.json").unlink()
    bundle = load_bundle(folder)
    with pytest.raises(MissingWeights, match="MuQ-MuLan"):
        bundle.embed_text("folk")


def test_a_released_decoder_fits_in(tmp_path: Path) -> None:
    folder = write_tiny_bundle(tmp_path / "b", encoder=False)
    (folder / "decoder.safetensors").unlink()
    config = BigVGANConfig.from_json(
        {
            "in_channels": CHANNELS,
            "upsample_rates": [4, 2],
            "upsample_kernel_sizes": [8, 4],
            "upsample_initial_channel": 16,
            "resblock_kernel_sizes": [3],
            "resblock_dilation_sizes": [[1, 3, 5]],
            "sampling_rate": 40,
        }
    )
    save_decoder(BigVGAN(config), folder)
    bundle = load_bundle(folder)
    assert bundle.decode(noise(47, CHANNELS)).shape == (47 * 8,)
    assert bundle.sings
    sung = bundle.tokenize("[verse]\nhello there")
    assert sung.tokens == encode_lyrics("[verse]\nhello there").tokens
    assert sung.warnings == []


@pytest.mark.parametrize("name", ["model.json", "model.safetensors", "decoder.json"])
def test_a_missing_file_is_named_with_a_remedy(tmp_path: Path, name: str) -> None:
    folder = write_tiny_bundle(tmp_path / "ASLP-lab--DiffRhythm2")
    (folder / name).unlink()
    with pytest.raises(MissingWeights, match=rf"{name} is missing. Run `angen models fetch ASLP"):
        load_bundle("ASLP-lab/DiffRhythm2", fetched=tmp_path)


def test_a_fetched_bundle_is_found_by_its_hub_id(tmp_path: Path) -> None:
    write_tiny_bundle(tmp_path / "ASLP-lab--DiffRhythm2")
    assert load_bundle("ASLP-lab/DiffRhythm2", fetched=tmp_path).name == "ASLP-lab/DiffRhythm2"


def test_a_typing_error_is_told_from_a_missing_bundle() -> None:
    with pytest.raises(MissingWeights, match=r"'minni' is not a bundle.*angen models list"):
        find_bundle("minni")


def test_parts_of_different_bundles_do_not_go_together(tmp_path: Path) -> None:
    folder = write_tiny_bundle(tmp_path / "b")
    save_decoder(InverseStft(replace(tiny_decoder().config, in_channels=5)), folder)
    with pytest.raises(Incompatible, match=r"8 latent channels, decoder\.json wants 5"):
        load_bundle(folder)


def test_the_fingerprint_is_that_of_the_weights(
    tiny_folder: Path, tmp_path: Path, make_bundle: Callable[[int], Path]
) -> None:
    bundle = load_bundle(tiny_folder)
    assert load_bundle(write_tiny_bundle(tmp_path / "copy")).fingerprint == bundle.fingerprint
    other = load_bundle(make_bundle(5))
    assert other.fingerprint != bundle.fingerprint
    assert other.model_fingerprint != bundle.model_fingerprint


def test_an_adapter_knows_its_model_whatever_the_encoder(tiny_folder: Path, tmp_path: Path) -> None:
    bundle = load_bundle(tiny_folder)
    without = load_bundle(write_tiny_bundle(tmp_path / "b", encoder=False))
    assert without.model_fingerprint == bundle.model_fingerprint
    assert without.fingerprint != bundle.fingerprint


def test_the_hash_of_a_large_file_is_noted_and_dropped_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "large.safetensors"
    with path.open("wb") as file:
        file.truncate(201 * 2**20)
    first = file_sha256(path)
    note = tmp_path / ".large.safetensors.sha256.json"
    assert first in note.read_text()
    note.write_text(note.read_text().replace(first, "0" * 64))
    assert file_sha256(path) == "0" * 64  # taken from the note
    with path.open("ab") as file:
        file.write(b"x")
    assert file_sha256(path) not in (first, "0" * 64)


def test_a_cpu_computes_in_float32() -> None:
    assert default_dtype(torch.device("cpu")) == torch.float32
    assert tiny_dit().dtype == torch.float32


def test_a_file_that_is_replaced_while_it_is_in_use_is_told(tmp_path: Path) -> None:
    folder = write_tiny_bundle(tmp_path / "tiny")
    early, late = load_bundle(folder), load_bundle(folder)
    assert early.fingerprint == load_bundle(folder).fingerprint
    os.utime(folder / "encoder.safetensors", ns=(1, 1))
    assert early.fingerprint == load_bundle(folder).fingerprint  # known from before
    assert late.model_fingerprint == early.model_fingerprint  # another file
    with pytest.raises(Incompatible, match=r"replaced while .* was in use. Begin again"):
        _ = late.fingerprint
    (folder / "encoder.safetensors").unlink()
    with pytest.raises(Incompatible, match="replaced while"):
        _ = late.fingerprint
