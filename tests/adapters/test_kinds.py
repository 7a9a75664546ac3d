"""Adapters as other tools write them: taken with the right scale, or refused with the reason."""

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from angen.adapters.archive import import_adapter
from angen.adapters.files import AdapterFile, read_adapter
from angen.adapters.loose import ASSUMED
from angen.adapters.metadata import read_metadata
from angen.adapters.packing import export_adapter
from angen.bundle import Bundle
from angen.errors import BadInput, Incompatible
from tests.adapters.fill import written
from tests.adapters.test_files import load

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"
MODULE = "transformer_blocks.0.self_attn.q_proj"
PREFIX = "base_model.model."


@pytest.fixture
def peft_folder(tiny_bundle: Bundle, tmp_path: Path) -> Path:
    """Rank 4, alpha 8, in all attention layers of two blocks; no word of its base."""
    folder = written(tiny_bundle, tmp_path / "plain")
    save_file(load_file(folder / WEIGHTS), folder / WEIGHTS)
    return folder


def zipped(folder: Path, target: Path) -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder).as_posix())
    return target


def taken(source: Path, tmp_path: Path) -> AdapterFile:
    folder = import_adapter(tmp_path / "library", source, "taken").folder
    return read_adapter(folder / "best_model")


def renamed(folder: Path, spell: Callable[[str, str], str]) -> dict[str, Tensor]:
    """The tensors under other names: ``spell`` gets layer and "A" or "B"."""
    tensors = {}
    for name, tensor in load_file(folder / WEIGHTS).items():
        module, _, part = name.removeprefix(PREFIX).partition(".lora_")
        tensors[spell(module, part[0])] = tensor
    return tensors


def kohya(module: str, part: str) -> str:
    way = {"A": "down", "B": "up"}[part]
    return f"lora_unet_{module.replace('.', '_')}.lora_{way}.weight"


def same(adapter: AdapterFile, folder: Path, scale: float) -> None:
    original = read_adapter(folder)
    assert adapter.scales == dict.fromkeys(original.scales, scale)
    for name, tensor in original.tensors.items():
        assert torch.equal(adapter.tensors[name], tensor)


@pytest.mark.parametrize("archive", [False, True])
def test_a_named_folder_of_peft_is_imported(
    peft_folder: Path, tmp_path: Path, archive: bool
) -> None:
    outer = tmp_path / "saved"
    shutil.copytree(peft_folder, outer / "myname")
    (outer / "README.md").write_text("# A card")
    same(taken(zipped(outer, tmp_path / "a.zip") if archive else outer, tmp_path), peft_folder, 2)


def test_the_adapter_on_top_goes_before_the_named_ones(peft_folder: Path, tmp_path: Path) -> None:
    outer = tmp_path / "saved"
    shutil.copytree(peft_folder, outer)
    (outer / "other").mkdir()
    (outer / "other" / WEIGHTS).write_bytes(b"no adapter")
    same(taken(outer, tmp_path), peft_folder, 2)


def test_of_several_named_ones_a_person_chooses(peft_folder: Path, tmp_path: Path) -> None:
    outer = tmp_path / "saved"
    for name in ("one", "two"):
        shutil.copytree(peft_folder, outer / name)
    with pytest.raises(BadInput, match=r"2 adapters \(one/adapter_model.safetensors, two/"):
        import_adapter(tmp_path / "library", outer)
    same(taken(outer / "two", tmp_path), peft_folder, 2)


def test_paths_are_read_however_they_are_written(peft_folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in (CONFIG, WEIGHTS):
            archive.writestr(f"./x//best_model/./{name}", (peft_folder / name).read_bytes())
    same(taken(tmp_path / "a.zip", tmp_path), peft_folder, 2)
    with zipfile.ZipFile(tmp_path / "twice.zip", "w") as archive:
        for name in (CONFIG, WEIGHTS, f"./{WEIGHTS}"):
            archive.writestr(name, (peft_folder / Path(name).name).read_bytes())
    with pytest.raises(BadInput, match="File exists"):
        import_adapter(tmp_path / "library", tmp_path / "twice.zip", "twice")


def test_a_checkpoint_of_a_trainer_is_imported(peft_folder: Path, tmp_path: Path) -> None:
    files = ("optimizer.pt", "scheduler.pt", "rng_state.pth", "training_args.bin")
    for name in (*files, "trainer_state.json", "optimizer.safetensors"):
        (peft_folder / name).write_bytes(b"x")
    archive = zipped(peft_folder, tmp_path / "checkpoint-500.zip")
    imported = import_adapter(tmp_path / "library", archive)
    assert {*files, "trainer_state.json", "optimizer.safetensors"} <= set(imported.ignored)
    assert sorted(path.name for path in imported.folder.rglob("*.*") if path.is_file()) == [
        CONFIG, WEIGHTS, "metadata.json",
    ]  # fmt: skip


def test_weights_in_a_library_keep_the_configuration_beside_them(
    peft_folder: Path, tmp_path: Path
) -> None:
    same(taken(peft_folder / WEIGHTS, tmp_path), peft_folder, 2)


@pytest.mark.parametrize("prefix", ["", PREFIX, "transformer.", "diffusion_model."])
def test_one_file_without_an_alpha_is_taken_as_stored_and_that_is_said(
    peft_folder: Path, tmp_path: Path, prefix: str
) -> None:
    file = tmp_path / "one.safetensors"
    save_file(renamed(peft_folder, lambda m, p: f"{prefix}{m}.lora_{p}.weight"), file)
    imported = import_adapter(tmp_path / "library", file)
    assert (imported.name, imported.warnings[0]) == ("one", ASSUMED)
    metadata = read_metadata(imported.folder)
    assert metadata is not None
    assert metadata.notes == (ASSUMED,)
    same(read_adapter(imported.folder / "best_model"), peft_folder, 1)


def test_one_file_that_names_its_base_keeps_it(tiny_bundle: Bundle, tmp_path: Path) -> None:
    folder = written(tiny_bundle, tmp_path / "a")
    (folder / CONFIG).unlink()
    adapter = taken(folder / WEIGHTS, tmp_path)
    assert adapter.base_fingerprint == tiny_bundle.model_fingerprint
    assert load(tiny_bundle, adapter.folder).matched == 16


def test_a_file_of_kohya_has_its_alphas(peft_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "k.safetensors"
    tensors = renamed(peft_folder, kohya)
    modules = {name.partition(".")[0] for name in tensors}
    alphas = {f"{m}.alpha": torch.tensor(2.0 if "blocks_0" in m else 6.0) for m in modules}
    save_file(tensors | alphas, file)
    imported = import_adapter(tmp_path / "library", file)
    assert ASSUMED not in imported.warnings
    scales = read_adapter(imported.folder / "best_model").scales
    assert scales == {m: 0.5 if "blocks.0" in m else 1.5 for m in read_adapter(peft_folder).modules}


def test_an_alpha_in_the_header_counts(peft_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "k.safetensors"
    save_file(renamed(peft_folder, kohya), file, metadata={"ss_network_alpha": "6.0"})
    same(taken(file, tmp_path), peft_folder, 1.5)


def test_the_fields_that_diffusers_writes_into_the_header_count(
    peft_folder: Path, tmp_path: Path
) -> None:
    fields = {"r": 4, "lora_alpha": 6, "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj"]}
    named = {f"transformer.{name}": value for name, value in fields.items()}
    tensors = renamed(peft_folder, lambda m, p: f"transformer.{m}.lora_{p}.weight")
    file = tmp_path / "d.safetensors"
    save_file(tensors, file, metadata={"lora_adapter_metadata": json.dumps(named)})
    same(taken(file, tmp_path), peft_folder, 1.5)
    named["transformer.use_dora"] = True
    save_file(tensors, file, metadata={"lora_adapter_metadata": json.dumps(named)})
    with pytest.raises(Incompatible, match="use_dora=True"):
        import_adapter(tmp_path / "library", file)


@pytest.mark.parametrize(
    "name",
    ["lycoris_blocks_0.hada_w1_a", f"{MODULE}.dora_scale", f"{MODULE}.diff", "q.lora_A.bias"],
)
def test_what_is_no_plain_lora_is_refused_by_its_tensor(
    peft_folder: Path, tmp_path: Path, name: str
) -> None:
    file = tmp_path / "one.safetensors"
    save_file(load_file(peft_folder / WEIGHTS) | {name: torch.ones(2)}, file)
    with pytest.raises(Incompatible, match=rf"{name} is no tensor of a plain LoRA"):
        import_adapter(tmp_path / "library", file)


@pytest.mark.parametrize("spelling", [MODULE, PREFIX + MODULE, f"transformer.{MODULE}"])
def test_one_tensor_under_two_names_is_refused_with_both(
    peft_folder: Path, tmp_path: Path, spelling: str
) -> None:
    tensors = load_file(peft_folder / WEIGHTS)
    twin = f"{spelling}.lora_A.default.weight"
    tensors[twin] = tensors[f"{PREFIX}{MODULE}.lora_A.weight"].clone()
    save_file(tensors, peft_folder / WEIGHTS)
    with pytest.raises(Incompatible, match="one tensor under two names") as caught:
        import_adapter(tmp_path / "library", peft_folder)
    assert twin in str(caught.value)
    assert not list((tmp_path / "library").iterdir())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: t.to(torch.float8_e4m3fn), "F8_E4M3"),
        (lambda t: t.to(torch.float8_e5m2), "F8_E5M2"),
        (lambda t: t.to(torch.int8), "I8"),
        (lambda t: t.to(torch.int64), "I64"),
        (lambda t: t.to(torch.bool), "BOOL"),
        (lambda t: t.to(torch.complex64), "C64"),
        (lambda t: t[:0], "rank"),
        (lambda t: t[:, :0], "holds no numbers"),
        (lambda t: t[0], "no pair of matrices"),
        (lambda t: t[None], "no pair of matrices"),
        (lambda t: t[:2], "ranks"),
        (lambda t: t * float("nan"), "NaN"),
        (lambda t: t.double() * 1e300, "infinity"),
        (lambda t: t / t.abs().max() * 3e38, "beyond all bounds"),
    ],
)
@pytest.mark.parametrize("alone", [False, True])
def test_damaged_tensors_are_told_by_name(
    peft_folder: Path,
    tmp_path: Path,
    change: Callable[[Tensor], Tensor],
    told: str,
    alone: bool,
) -> None:
    tensors = load_file(peft_folder / WEIGHTS)
    name = f"{PREFIX}{MODULE}.lora_A.weight"
    tensors[name] = change(tensors[name]).contiguous()
    save_file(tensors, peft_folder / WEIGHTS)
    if alone:
        (peft_folder / CONFIG).unlink()
    with pytest.raises(Incompatible, match=told) as caught:
        import_adapter(tmp_path / "library", peft_folder)
    assert MODULE in str(caught.value)
    assert not list((tmp_path / "library").iterdir())


def test_half_precision_is_taken_and_a_rank_of_nothing_is_not(
    peft_folder: Path, tmp_path: Path
) -> None:
    tensors = {n: t.bfloat16() for n, t in load_file(peft_folder / WEIGHTS).items()}
    save_file(tensors, peft_folder / WEIGHTS)
    assert taken(peft_folder, tmp_path).rank == 4
    save_file({n: t[:0] if "_A" in n else t[:, :0] for n, t in tensors.items()},
              peft_folder / WEIGHTS)  # fmt: skip
    with pytest.raises(Incompatible, match="rank 0"):
        import_adapter(tmp_path / "other", peft_folder)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "Expecting value"),
        ("[]", "holds a list"),
        ('{"peft_type": "LORA", "r": 4, "r": 8}', "'r' stands in it twice"),
        ('{"peft_type": "LORA", "revision": "\\ud800"}', r"'\\ud800' in it holds half a char"),
        ('{"peft_type": "LORA", "\\udfff": null}', "half a character"),
        ('{"a": ' * 60 + "1" + "}" * 60, "nested more than 50"),
        ('{"a": ' * 100_000, "nested without end"),
        ("[" * 100_000 + "]" * 100_000, "nested without end"),
        ('{"peft_type": "LORA", "lora_alpha": NaN}', "NaN"),
        ('{"peft_type": "LORA", "lora_alpha": -Infinity}', "Infinity"),
        ('{"peft_type": "LORA", "lora_alpha": 1e999}', "1e999"),
        ('{"peft_type": "LORA", "lora_alpha": 1' + "0" * 9_000 + "}", "no number that can be used"),
        ('{"a": "' + "x" * 1_000_001 + '"}', "larger than 1 MB"),
    ],
)
def test_a_damaged_configuration_is_told_as_that(
    peft_folder: Path, tmp_path: Path, text: str, told: str
) -> None:
    (peft_folder / CONFIG).write_text(text)
    with pytest.raises((Incompatible, BadInput), match=told) as caught:
        import_adapter(tmp_path / "library", peft_folder)
    assert CONFIG in str(caught.value)


def test_bytes_that_are_no_text_are_told_as_damage(peft_folder: Path, tmp_path: Path) -> None:
    (peft_folder / CONFIG).write_bytes(b'{"peft_type": "LORA\xff"}')
    with pytest.raises(Incompatible, match=rf"{CONFIG} is damaged"):
        import_adapter(tmp_path / "library", peft_folder)


def test_an_endless_header_is_not_read(peft_folder: Path, tmp_path: Path) -> None:
    header = b'{"__metadata__":{"a":"' + b"x" * 6_000_000 + b'"}}'
    (peft_folder / WEIGHTS).write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(Incompatible, match=r"header would be 6,000,025 bytes"):
        import_adapter(tmp_path / "library", peft_folder)


@pytest.mark.parametrize(
    "junk", [b"", b"x", b"no weights", b"\xff" * 64, b"\x02" + b"\0" * 7 + b"{}"]
)
def test_junk_under_the_right_name_is_told_by_name(tmp_path: Path, junk: bytes) -> None:
    file = tmp_path / "one.safetensors"
    file.write_bytes(junk)
    with pytest.raises((BadInput, Incompatible), match=r"one\.safetensors"):
        import_adapter(tmp_path / "library", file)


def test_both_kinds_of_alpha_at_once_are_not_clear(peft_folder: Path, tmp_path: Path) -> None:
    tensors = load_file(peft_folder / WEIGHTS) | {f"{MODULE}.alpha": torch.tensor(3.0)}
    save_file(tensors, peft_folder / WEIGHTS)
    with pytest.raises(Incompatible, match=r"q_proj\.alpha"):
        import_adapter(tmp_path / "library", peft_folder)


@pytest.mark.parametrize("alpha", [float("nan"), -1.0, 1e30, float("inf")])
def test_an_alpha_that_is_none_is_refused(peft_folder: Path, tmp_path: Path, alpha: float) -> None:
    tensors = renamed(peft_folder, kohya)
    modules = {name.partition(".")[0] for name in tensors}
    file = tmp_path / "k.safetensors"
    save_file(tensors | {f"{m}.alpha": torch.tensor(alpha) for m in modules}, file)
    with pytest.raises(Incompatible, match=r"\.alpha (is no alpha|holds NaN)"):
        import_adapter(tmp_path / "library", file)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda folder: zero(folder, "_B"), "all its matrices lora_B are zero"),
        (lambda folder: zero(folder, "_A"), "its matrices lora_A and lora_B give zero"),
        (lambda folder: rewrite(folder, lora_alpha=0), "its lora_alpha is 0"),
    ],
)
def test_an_adapter_that_changes_nothing_is_imported_and_that_is_said(
    peft_folder: Path, tmp_path: Path, change: Callable[[Path], None], told: str
) -> None:
    change(peft_folder)
    imported = import_adapter(tmp_path / "library", peft_folder)
    assert f"This adapter changes nothing: {told}" in imported.warnings[0]
    metadata = read_metadata(imported.folder)
    assert metadata is not None
    assert told in metadata.notes[0]
    again = import_adapter(
        tmp_path / "other", export_adapter(tmp_path / "library", imported.name, tmp_path)
    )
    metadata = read_metadata(again.folder)
    assert metadata is not None
    assert len(metadata.notes) == 1


def zero(folder: Path, part: str) -> None:
    tensors = load_file(folder / WEIGHTS)
    save_file({n: t * 0 if part in n else t for n, t in tensors.items()}, folder / WEIGHTS)


def rewrite(folder: Path, **values: object) -> None:
    path = folder / CONFIG
    path.write_text(json.dumps(json.loads(path.read_text()) | values))
