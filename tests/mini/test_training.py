"""How mini is trained: its schedule, its targets, its batches. No pool and no bank is needed."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from angen.conditioning.instruments import instrument_code
from angen.conditioning.tags import STOP, STRUCTURE_TAGS
from angen.conditioning.telling import LEARNED
from angen.conditioning.timeline import timeline
from angen.conditioning.vector import placed
from angen.vocoder.encoder import Encoder, fit_components
from angen.vocoder.istft import InverseStft
from angen.vocoder.twoband import TwoBand
from mini import latents
from mini.codec import (
    BANDS,
    DECODER,
    ENCODER,
    FULL,
    EnergyDistance,
    Targets,
    clips,
    feature_weights,
    level,
    mixed_clips,
    undo,
)
from mini.latents import Latents, bar_starts, draw, sections_in, tag_tokens
from mini.loop import Budget, repeatable, run
from mini.material import Entry, Material
from mini.style import TAGS, UNKNOWN, facts_of, named, told
from mini.timbres import random_sound
from tests.conditioning.test_style import tiny

BUDGET = Budget(steps=60, rate=0.05, warmup=5)


class Line(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.zeros(1, 1))


def losses_of(line: Line) -> dict[str, Tensor]:
    return {"total": (line.slope - 1).square().sum()}


def test_a_run_learns_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    path = tmp_path / "line.pt"
    line, mean = Line(), Line()
    run({"line": line}, {"line": mean}, lambda *_: losses_of(line), BUDGET, path)
    assert float(line.slope.detach()) == pytest.approx(1, abs=0.2)
    again, steps = Line(), []

    def count(step: int) -> dict[str, Tensor]:
        steps.append(step)
        return losses_of(again)

    run({"line": again}, {"line": Line()}, count, Budget(steps=62, rate=0.05), path)
    assert steps == [60, 61]


def test_a_training_that_goes_on_draws_what_it_would_have_drawn() -> None:
    def numbers() -> Callable[[int], float]:
        rng = np.random.default_rng(5)
        return repeatable(lambda: float(rng.random()))

    whole = numbers()
    drawn = [whole(step) for step in range(6)]
    assert len(set(drawn)) == 6
    later = numbers()
    assert [later(step) for step in (3, 4, 5)] == drawn[3:]


def test_muon_trains_the_matrices_that_it_is_given(tmp_path: Path) -> None:
    line = Line()
    faster = Budget(steps=60, rate=0.2, warmup=5)
    run({"line": line}, {}, lambda _: losses_of(line), faster, tmp_path / "a", by_muon=[line.slope])
    stored = torch.load(tmp_path / "a", weights_only=True)["optimisers"]
    assert list(stored[-1]["state"][0]) == ["momentum_buffer"]
    assert 0.1 < float(line.slope.detach()) < 1.5


def test_the_rate_warms_up_and_dies_away() -> None:
    assert BUDGET.rate_at(0) == pytest.approx(0.01)
    assert 0.02 < BUDGET.rate_at(30) < 0.03
    assert BUDGET.rate_at(60) == pytest.approx(0.001)
    flat = Budget(steps=60, rate=0.05, warmup=5, flat=0.5)
    assert flat.rate_at(29) == pytest.approx(0.05)
    assert 0.02 < flat.rate_at(45) < 0.03


def test_true_spectra_have_no_error_and_silence_has_little() -> None:
    targets = Targets(BANDS["full"])
    wave = torch.from_numpy(random_sound(24_000, 24_000, np.random.default_rng(1)))[None]
    magnitude, moved = targets(wave)
    assert magnitude.shape == moved.shape == (1, 481, 100)
    losses = targets.losses((magnitude + 1e-4).log(), moved, wave)
    assert float(losses["total"]) < 1e-3


class Tones:
    """A pool of tones."""

    def crop(self, samples: int, rng: np.random.Generator) -> NDArray[np.float32]:
        hz = 220 * 2 ** rng.uniform(0, 2)
        return (0.5 * np.sin(2 * np.pi * hz * np.arange(samples) / 24_000)).astype(np.float32)


def test_some_clips_for_the_decoder_are_two_at_once() -> None:
    pools = [cast(Material, Tones())] * 2
    single = clips(pools, 80, np.random.default_rng(3))
    mixed = mixed_clips(pools, 80, np.random.default_rng(3))
    assert mixed.shape == single.shape == (80, 48_000)
    same = (mixed == single).all(dim=1)
    assert 0.05 < 1 - float(same.float().mean()) < 0.3
    again = mixed_clips(pools, 80, np.random.default_rng(3))
    assert torch.equal(mixed, again)


@pytest.mark.parametrize("band", BANDS)
def test_spectra_that_are_too_soft_lack_energy(band: str) -> None:
    targets = Targets(BANDS[band])
    wave = 0.1 * torch.randn(1, 24_000, generator=torch.Generator().manual_seed(0))
    magnitude, moved = targets(wave)
    losses = targets.losses((magnitude / 2 + 1e-4).log(), moved, wave)
    assert float(losses["energy"]) == pytest.approx(0.5 * np.log(4), rel=0.02)


@pytest.mark.parametrize("band", BANDS)
def test_errors_are_weighed_and_summed_up_to_where_a_band_ends(band: str) -> None:
    targets = Targets(BANDS[band])
    end_hz = BANDS[band].config.sample_rate_hz / 2
    hz = torch.linspace(0, end_hz, targets.size // 2 + 1)
    for filters in (targets.filters, targets.broad):
        centres = filters @ hz
        assert centres[0] < 0.12 * end_hz
        assert 0.8 * end_hz < centres[-1] < end_hz
    ratio = targets.weight[0] / targets.weight[-1]
    assert float(ratio) == pytest.approx(1 + end_hz / 700, rel=1e-4)


@pytest.mark.parametrize(
    ("band", "bin_hz", "hop_share"), [("full", 25.0, 0.25), ("low", 6.25, 0.0625)]
)
def test_a_sine_moves_by_its_distance_from_the_bin(
    band: str, bin_hz: float, hop_share: float
) -> None:
    rate_hz = BANDS[band].config.sample_rate_hz
    wave = torch.sin(2 * torch.pi * 40.4 * bin_hz / rate_hz * torch.arange(rate_hz))[None]
    _, moved = Targets(BANDS[band])(wave)
    turn = float(moved[0, 40, 50].angle())
    assert turn == pytest.approx(0.4 * 2 * torch.pi * hop_share, abs=0.01)


def test_the_decoder_begins_with_the_inverse_of_the_encoder_but_for_a_constant() -> None:
    torch.manual_seed(0)
    encoder, decoder = Encoder(ENCODER), InverseStft(FULL)
    latent = torch.randn(3000, ENCODER.out_channels)
    features = latent @ torch.randn(ENCODER.out_channels, ENCODER.features) - 5
    fit_components(encoder, features, feature_weights())
    undo(encoder, decoder)
    with torch.no_grad():
        back = decoder.unfold(encoder.components(features)) * 2.5 - 5
    assert float((back - features).std(0).max()) < 0.05


def test_a_decoder_that_is_too_soft_is_made_louder() -> None:
    torch.manual_seed(0)
    encoder, decoder = Encoder(ENCODER), TwoBand(DECODER).eval().requires_grad_(False)
    waves = clips([cast(Material, Tones())] * 2, 6, np.random.default_rng(3))

    def loudness() -> Tensor:
        with torch.no_grad():
            made: Tensor = decoder(encoder(waves[:, None]))
        return made.square().mean((1, 2)).sqrt()

    before = loudness()
    louder_db = level(decoder, encoder, waves)
    gain = float((loudness() / before).log10().mean()) * 20
    assert abs(louder_db) > 1
    assert gain == pytest.approx(louder_db, rel=0.1)


@pytest.mark.parametrize("name", BANDS)
def test_sound_that_is_drawn_as_the_music_is_lies_nearer_than_any_one_sound(name: str) -> None:
    band = BANDS[name]
    distance, generator = EnergyDistance(band), torch.Generator().manual_seed(0)
    real, made, again = (
        0.1 * torch.randn(4, band.config.sample_rate_hz, generator=generator) for _ in range(3)
    )

    drawn, always_one = distance(real, made, again), distance(real, made, made)

    assert drawn < 0.7 * always_one
    assert distance(real, 0.5 * made, 0.5 * again) > 1.2 * drawn
    assert distance(real, real, real) < 0.02


def test_players_of_a_piece_are_true_in_the_places_of_their_codes() -> None:
    labels = {"instruments": ["oboe", "harp"], "energy": "low", "bpm": 90, "key": "A minor"}
    facts = facts_of([replace(entry(True), labels=labels)], ["jazz"])
    assert torch.equal(facts.instruments[0], instrument_code("a harp and an oboe"))


RECORDED = {"tags": dict.fromkeys(TAGS, 0.25), "words": ["calm"]}


def test_what_nobody_knows_of_a_recording_teaches_nothing() -> None:
    known = {"instruments": ["oboe"], "energy": "low", "bpm": 90, "key": "A minor"}
    both = [replace(entry(True), labels=known), replace(entry(True), style="", labels=RECORDED)]
    facts = facts_of(both, ["jazz"])

    assert facts.styles.tolist() == [0, UNKNOWN]
    assert facts.keys[1] == facts.energies[1] == UNKNOWN
    assert facts.bpm.isfinite().tolist() == [True, False]
    assert facts.tags.isfinite().all(1).tolist() == [False, True]
    scores = torch.tensor([[0.0], [9.0]])
    for rows in (facts.instruments, facts.tags):
        odds = torch.zeros_like(rows, requires_grad=True)
        told(odds, rows).backward()  # type: ignore[no-untyped-call]
        assert odds.grad is not None
        assert torch.equal(odds.grad != 0, rows.isfinite())
    assert named(torch.cat([scores, -scores], 1), facts.styles) == pytest.approx(0.5 * np.log(2))


def test_vectors_are_made_anew_when_captions_are_read_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entries, style = [replace(entry(True), captions=("jazz, double bass, 97 BPM",))], tiny()
    before = latents._fingerprint(style, entries)
    torch.set_flush_denormal(True)  # as trainings do
    try:
        assert latents._fingerprint(style, entries) == before
    finally:
        torch.set_flush_denormal(False)
    monkeypatch.setattr(latents, "instrument_code", lambda text: instrument_code(text) / 2)
    assert latents._fingerprint(style, entries) != before


FIRST_FRAME = 2.0  # frames tell their place, and none is all ones
STARTS = [0, *range(10, 200, 10)]  # of bars, in frames
BEATS = tuple(0.02 + 0.5 * beat for beat in range(80))  # 120 BPM
SECTIONS = [("intro", 0.0, 8.02), ("verse", 8.02, 30.0), ("outro", 30.0, 40.0)]


def entry(ends: bool) -> Entry:
    labels = {"sections": SECTIONS, "bpm": 120.0, "meter": "4/4"}
    return Entry(
        seed=0, start=0, samples=0, style="jazz", captions=(), labels=labels, beats=BEATS, ends=ends
    )  # fmt: skip


def pool_of_one(ends: bool) -> Latents:
    return Latents(
        frames=(FIRST_FRAME + np.arange(200.0)[:, None].repeat(4, 1)).astype(np.float16),
        starts=[0, 200],
        text=torch.randn(1, 2, 512).half(),
        sound=torch.randn(1, 2, 512).half(),
        entries=[entry(ends)],
    )


def test_tags_are_those_of_the_stretch() -> None:
    assert sections_in(entry(True), 10, 20) == ["verse"]
    assert sections_in(entry(True), 0, 20) == ["intro", "verse"]
    assert tag_tokens(["verse"]) == [STRUCTURE_TAGS["[verse]"], STOP]


def test_clips_begin_where_bars_do() -> None:
    # bars of 2 s from 0.02 s on: each begins in a frame of its own, every tenth
    assert bar_starts(entry(True), 200, 5.0) == STARTS


def test_bars_of_a_piece_that_slows_down_begin_where_they_fall() -> None:
    beats = (0.02, 0.5, 1.0, 1.5, 2.05, 2.8, 3.5, 4.3, 5.02, 5.9, 6.6, 7.2, 40.02)
    assert bar_starts(replace(entry(True), beats=beats), 200, 5.0) == [0, 10, 25]


def test_clips_of_recordings_begin_with_their_bars_or_anywhere() -> None:
    late = tuple(beat + 1.0 for beat in BEATS)  # the first bar in the fifth frame
    assert bar_starts(replace(entry(True), beats=late), 200, 5.0)[:2] == [5, 15]
    assert bar_starts(replace(entry(True), beats=()), 3, 5.0) == [0, 1, 2]


def test_a_batch_is_of_composed_and_recorded_music() -> None:
    recorded = replace(entry(False), style="", labels=RECORDED, beats=())
    other = replace(pool_of_one(False), entries=[recorded], sound=torch.zeros(1, 2, 512).half())
    other = replace(other, text=other.sound)

    batch = draw([pool_of_one(False), other], 200, 5, 10, 5.0, np.random.default_rng(0))

    assert batch.timeline is not None
    silent = ~batch.style.any(1)
    assert 60 < int(silent.sum()) < 100
    assert not batch.timeline[silent].any()
    assert set(batch.text[silent].flatten().tolist()) <= {0, STRUCTURE_TAGS["[start]"], STOP}


@pytest.mark.parametrize("ends", [False, True])
def test_the_timeline_of_a_steady_piece_is_that_of_a_song_in_its_tempo(ends: bool) -> None:
    batch = draw([pool_of_one(ends)] * 2, 16, 5, 10, 5.0, np.random.default_rng(0))
    assert batch.timeline is not None
    ended = (batch.latents[:, -1] == 1).all(1)
    timed = batch.timeline.any(dim=2).any(dim=1)
    assert timed.any()
    assert not timed.all()
    assert bool((timed & ended).any()) is ends
    for at in timed.nonzero().flatten():
        first, end_s = int(batch.latents[at, 0, 0] - FIRST_FRAME), 40.0 if ended[at] else None
        line = timeline(50, 5.0, bpm=120.0, first_beat_s=0.02, first=first, end_s=end_s)
        told = placed(line) + LEARNED.added(batch.style[at])
        torch.testing.assert_close(batch.timeline[at], told, atol=1e-4, rtol=0)


def test_a_batch_closes_with_end_marks_only_where_a_piece_ends_and_an_outro_is_named() -> None:
    batch = draw([pool_of_one(True)] * 2, 64, 5, 10, 5.0, np.random.default_rng(0))
    assert batch.latents.shape == (64, 50, 4)
    ended = (batch.latents[:, -1] == 1).all(1)
    assert 0 < int(ended.sum()) < 64
    assert (batch.latents[~ended] != 1).all()
    assert (batch.latents[:, :40] != 1).all()
    says_so = (batch.text == STRUCTURE_TAGS["[outro]"]).any(1)
    assert torch.equal(says_so, ended)


def test_a_piece_that_is_cut_never_closes() -> None:
    batch = draw([pool_of_one(False)] * 2, 64, 5, 10, 5.0, np.random.default_rng(0))
    assert (batch.latents != 1).all()
