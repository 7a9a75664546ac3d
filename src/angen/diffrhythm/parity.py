"""The transformer and its sampler against recorded numbers of the released code.

A recording is a set of tensors ``group/name``: what went in and what came out of one part.

Shapes as in the module that is checked; recordings of whole songs have a batch axis of one.
"""

import copy
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from angen.diffrhythm.attention import rope_tables
from angen.diffrhythm.blocks import Block, sinusoid
from angen.diffrhythm.cache import Cache
from angen.diffrhythm.dit import CLEAN_TIME, TEXT_TIME, DiT
from angen.diffrhythm.ending import Ending
from angen.diffrhythm.objective import Batch, block_flow_loss, one_pass_velocity, visibility
from angen.diffrhythm.sampling import Noise, SamplerConfig, Song, sample
from angen.parity import Row, compare, exact, grouped

Case = Mapping[str, Tensor]  # the tensors of one group


def check_tensors(dit: DiT, tensors: Mapping[str, Tensor]) -> list[Row]:
    """A row for each recorded output of the transformer. A group without a check is a failure."""
    groups = grouped(tensors)
    rows: list[Row] = []
    with torch.no_grad():
        for name, case in groups.items():
            kind = name.split("_")[0] if name.startswith(("sample_", "eos_")) else name
            if kind == "cached":
                made = _cached(dit, case, groups["forward_train_layout"])
            elif kind in _CHECKS:
                made = _CHECKS[kind](dit, case)
            else:
                made = [exact("", False, "there is no check for this case")]
            rows += [
                Row(case=f"{name}/{r.case}", error=r.error, limit=r.limit, note=r.note)
                for r in made
            ]
    return rows


def _text_embed(dit: DiT, case: Case) -> list[Row]:
    return [compare("out", dit.embed_text(case["ids"]), case["out"])]


def _time_embed(dit: DiT, case: Case) -> list[Row]:
    return [
        compare("sinusoid", sinusoid(case["t"]), case["sinusoid"]),
        compare("out", dit.embed_times(case["t"]), case["out"]),
    ]


def _latent_embed(dit: DiT, case: Case) -> list[Row]:
    return [compare("out", dit.embed_latents(case["x"]), case["out"])]


def _input_embed(dit: DiT, case: Case) -> list[Row]:
    ours = dit.input_embed(case["x"], case["style"], case["time_emb"])
    return [compare("out", ours, case["out"])]


def _rope(dit: DiT, case: Case) -> list[Row]:
    cos, sin = rope_tables(case["position_ids"], dit.config.head_dim)
    return [compare("cos", cos, case["cos"]), compare("sin", sin, case["sin"])]


def _block(dit: DiT, case: Case) -> list[Row]:
    block = dit.transformer_blocks[0]
    assert isinstance(block, Block)
    rope = rope_tables(case["position_ids"], dit.config.head_dim)
    normed = block.input_layernorm(case["hidden"])
    return [
        compare("norm1", normed, case["norm1"]),
        compare("attn_out", block.self_attn(normed, rope, case["mask"]), case["attn_out"]),
        compare("out", block(case["hidden"], rope, case["mask"]), case["out"]),
    ]


def _forward(dit: DiT, case: Case) -> list[Row]:
    tau = dit.embed_times(case["time"])
    positions, mask = case["position_ids"], case["mask"]
    rope = rope_tables(positions, dit.config.head_dim)
    rows = []
    h = dit.input_embed(case["x"], case["style"], tau)
    for layer, block in enumerate(dit.transformer_blocks):
        h = block(h, rope, mask)
        rows.append(compare(f"hidden_{layer}", h, case[f"hidden_{layer}"]))
        if layer + 1 == dit.config.repa_depth:
            rows += [
                compare(f"repa_{j}", projector(h), case[f"repa_{j}"])
                for j, projector in enumerate(dit.projectors)
            ]
    ours = dit(case["x"], case["style"], tau, positions, mask=mask)
    return [*rows, compare("out", ours, case["out"])]


def _train_layout(dit: DiT, case: Case) -> list[Row]:
    length, frames, block = case["text"].shape[1], case["clean"].shape[1], dit.config.block_size
    batch = _batch(case)
    word, frame = torch.arange(length), torch.arange(frames)
    t = case["t_block"].repeat_interleave(block, dim=1)  # (1, N)
    time = torch.cat([torch.full((1, length), TEXT_TIME), torch.full_like(t, CLEAN_TIME), t], dim=1)
    positions = torch.cat([word, frame, frame])[None]
    mask = visibility(batch.text_lengths, length, frames, block)
    x_t = torch.lerp(case["noise"], case["clean"], t[..., None])
    latents = dit.embed_latents(torch.cat([case["clean"], x_t], dim=1))
    tokens = torch.cat([dit.embed_text(case["text"]), latents], dim=1)
    every = dit(tokens, case["style"], dit.embed_times(time), positions, mask=mask)
    kept = torch.tensor([False])
    noisy = one_pass_velocity(dit, batch, x_t, case["t_block"], kept)
    loss = block_flow_loss(dit, batch, case["noise"], case["t_block"], kept)
    return [
        exact("mask", torch.equal(mask[0, 0], case["mask"]), "other tokens see each other"),
        exact("position_ids", torch.equal(positions, case["position_ids"]), "other positions"),
        compare("time", time, case["time"]),
        compare("x_t", x_t, case["x_t"]),
        compare("out", every, case["out"]),
        compare("out_noisy", noisy, case["out_noisy"]),
        compare("loss", loss.mean()[None], case["loss"]),
    ]


def _batch(case: Case) -> Batch:
    return Batch(
        text=case["text"],
        text_lengths=torch.tensor([case["text"].shape[1]]),
        latents=case["clean"],
        frames=torch.tensor([case["clean"].shape[1]]),
        style=case["style"],
    )


def _cached(dit: DiT, case: Case, inputs: Case) -> list[Row]:
    """The path of the sampler, fed with the clip of ``forward_train_layout``."""
    text, style, block = inputs["text"], inputs["style"], dit.config.block_size
    length, frames = text.shape[1], inputs["clean"].shape[1]
    lengths = torch.tensor([length])
    cache = Cache(dit.config, lengths, frames, device=dit.device, dtype=dit.dtype)
    words, word = dit.embed_text(text), torch.arange(length)[None]
    clean_tau = dit.embed_times(torch.tensor([[CLEAN_TIME]]))
    text_tau = dit.embed_times(torch.tensor([[TEXT_TIME]]))
    rows = [compare("text_out", dit(words, style, text_tau, word), case["text_out"])]
    if length:
        dit.memorise(words, style, text_tau, word, cache)
    for layer in range(dit.config.depth):
        keys, values = cache.text(layer)
        rows.append(compare(f"text_k_{layer}", keys, case[f"text_k_{layer}"]))
        rows.append(compare(f"text_v_{layer}", values, case[f"text_v_{layer}"]))
    for index in range(frames // block):
        here = slice(index * block, (index + 1) * block)
        positions = torch.arange(frames)[None, here]
        tau = dit.embed_times(inputs["t_block"][:, index, None])
        noisy = dit.embed_latents(inputs["x_t"][:, here])
        velocity = dit(noisy, style, tau, positions, cache=cache)
        rows.append(compare(f"velocity_block_{index}", velocity, case[f"velocity_block_{index}"]))
        clean = dit.embed_latents(inputs["clean"][:, here])
        dit.memorise(clean, style, clean_tau, positions, cache)
        keys, _ = cache.frames(dit.config.depth - 1)
        name = f"k_last_after_block_{index}"
        rows.append(compare(name, keys, case[name]))
    return rows


def _sample(dit: DiT, case: Case) -> list[Row]:
    ours, _ = _run(dit, case, case["noise"])
    return [compare("out", ours, case["out"])]


def _end_of_song(dit: DiT, case: Case) -> list[Row]:
    """Without a velocity a block equals its noise, so the recording decides where marks stand."""
    still = copy.deepcopy(dit)
    torch.nn.init.zeros_(still.proj_out.weight)
    torch.nn.init.zeros_(still.proj_out.bias)
    ours, drawn = _run(still, case, case["noise_all"])
    used = int(case["blocks_used"])
    return [
        exact("blocks_used", drawn == used, f"{drawn} instead of {used}"),
        compare("out", ours, case["out"]),
    ]


def _run(dit: DiT, case: Case, noise: Tensor) -> tuple[Tensor, int]:
    """The sampler by upstream's rules: the song (1, T, C) and the number of blocks drawn."""
    frames, grid_points, strength = case["params"].tolist()
    drawn = 0

    def recorded(song: int) -> Tensor:
        nonlocal drawn
        drawn += 1
        return noise[drawn - 1, song]

    draw: Noise = recorded
    config = SamplerConfig(
        steps=int(grid_points) - 1, guidance=1 + strength, ending=Ending.UPSTREAM
    )
    song = Song(tokens=case["text"][0], style=case["style"][0], frames=int(frames), seed=0)
    return sample(dit, [song], config, noise=draw)[0][None], drawn


_CHECKS: dict[str, Callable[[DiT, Case], list[Row]]] = {
    "text_embed": _text_embed,
    "time_embed": _time_embed,
    "latent_embed": _latent_embed,
    "input_embed": _input_embed,
    "rope": _rope,
    "block0": _block,
    "forward_random_mask": _forward,
    "forward_train_layout": _train_layout,
    "sample": _sample,
    "eos": _end_of_song,
}
