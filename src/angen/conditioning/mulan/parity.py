"""Our MuQ-MuLan against recorded numbers of the original.

inputs.safetensors                waveforms ``wav.<case>``, token ids ``text_<v>.<case>.input_ids``
<v>/MuQ-MuLan-tiny/ and beside    a small model of some variant
<v>/expected.safetensors          what the original made of the inputs
"""

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from angen.conditioning.mulan.config import RELEASED
from angen.conditioning.mulan.conformer import ConformerLayer
from angen.conditioning.mulan.encoder import Mulan
from angen.conditioning.mulan.towers import AudioTower, TextTower, cut
from angen.conditioning.mulan.weights import check_weights, expected_shapes, weights_file
from angen.parity import Row, compare, exact
from angen.tensors import read_tensors

INPUTS, EXPECTED = "inputs.safetensors", "expected.safetensors"
SMALL = "MuQ-MuLan-tiny"
ORDER = ("w3", "wodd", "w10", "w14", "w27")  # of the recorded tables
Made = dict[str, Tensor]


def variants(folder: Path) -> list[Path]:
    """The folders of recorded models in ``folder``."""
    return sorted(path.parent for path in folder.glob(f"*/{EXPECTED}"))


@torch.no_grad()
def check_folder(folder: Path) -> list[Row]:
    """A row for each recorded tensor of each variant in ``folder``.

    Raises what loading raises when weights or inputs are absent, damaged or do not fit.
    """
    rows = []
    for variant in variants(folder):
        inputs = read_tensors(folder / INPUTS)
        expected = read_tensors(variant / EXPECTED)
        model = Mulan(variant / SMALL)
        check_weights(weights_file(model.folder), expected_shapes(model.config))
        made = _made(model, inputs, variant.name)
        rows += [
            _row(f"{variant.name}/{name}", made.get(name), expected[name]) for name in expected
        ]
    return rows


def released_shapes() -> dict[str, tuple[int, ...]]:
    """Names and shapes of the full-size release."""
    return expected_shapes(RELEASED)


def used_shapes(recorded: Mapping[str, object]) -> dict[str, object]:
    """Of a recorded list of tensors, name to shape and role, those that are used and stored."""
    return {
        name: facts["shape"]
        for name, facts in recorded.items()
        if isinstance(facts, dict) and facts.get("role") == "used"
    }


def _row(case: str, ours: Tensor | None, theirs: Tensor) -> Row:
    if ours is None:
        return exact(case, False, "there is no check for this case")
    if not theirs.is_floating_point():
        return exact(case, bool(torch.equal(ours, theirs)), f"{ours.tolist()} is not as recorded")
    return compare(case, ours, theirs)


def _made(model: Mulan, inputs: Mapping[str, Tensor], variant: str) -> Made:
    """Everything that is recorded of a variant, by our own arithmetic."""
    made: Made = {}
    waves = {name.removeprefix("wav."): w for name, w in inputs.items() if name.startswith("wav.")}
    for name in waves:
        made |= _audio(model, f"audio.{name}", waves[name].float() / 32768)
    made |= _layers(model.audio, waves["wodd"].float() / 32768, model.config.clip_samples)
    ids = re.compile(rf"text_{variant}\.(\w+)\.input_ids")
    for name, tokens in inputs.items():
        if match := ids.fullmatch(name):
            made |= _text(model.text, f"text.{match[1]}", tokens)
    vectors = torch.stack([made[f"audio.{name}.embedding"] for name in ORDER if name in waves])
    made["audio.all_embeddings"] = vectors
    singles = torch.cat([made[f"text.single{i}.embedding"] for i in range(4)])
    made["similarity.audio_x_single"] = vectors @ singles.T
    made["similarity.audio_x_batch4"] = vectors @ made["text.batch4.embedding"].T
    return made


def _audio(model: Mulan, case: str, wave: Tensor) -> Made:
    clips = cut(wave, model.config.clip_samples)
    made: Made = {
        f"{case}.n_clips": torch.tensor(len(clips)),
        f"{case}.clip_samples": torch.tensor(len(clips[0])),
    }
    vectors = []
    for i, clip in enumerate(clips):
        steps = _clip(model.audio, clip)
        vectors.append(functional.normalize(steps["projected_raw"], dim=0))
        made |= {f"{case}.clip{i}.{name}": tensor for name, tensor in steps.items()}
    made[f"{case}.clip_embeddings"] = torch.stack(vectors)
    made[f"{case}.embedding"] = model.embed_audio(wave, model.config.rate_hz)
    return made


def _clip(tower: AudioTower, clip: Tensor) -> Made:
    states = tower.muq(clip[None])
    positions = tower.positions(states)
    return {
        "logmel_db": tower.muq.mel(clip[None])[0],
        "subsampled": states[0][0],
        "conformer_used": states[tower.layer][0],
        "latents_before_pool": positions[0],
        "projected_raw": tower.to_latents(positions.mean(1))[0],
    }


def _layers(tower: AudioTower, wave: Tensor, clip_samples: int) -> Made:
    states = tower.muq(cut(wave, clip_samples)[0][None])
    first = tower.muq.conformer.layers[0]
    assert isinstance(first, ConformerLayer)
    made = {f"debug.wodd.hidden_states.{i}": state[0] for i, state in enumerate(states)}
    parts = first.parts(states[0])
    return made | {f"debug.wodd.layer0.{name}": part[0] for name, part in parts.items()}


def _text(tower: TextTower, case: str, ids: Tensor) -> Made:
    read = tower.read(ids)
    positions = tower.positions(read)
    raw = tower.to_latents(positions.mean(1))
    return {
        f"{case}.xlmr_last_hidden": read,
        f"{case}.transformer_out": positions,
        f"{case}.projected_raw": raw,
        f"{case}.embedding": functional.normalize(raw, dim=1),
    }
