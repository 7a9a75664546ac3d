"""Is this the model that was released? Recorded numbers of the original against ours."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from angen.conditioning import parity as words
from angen.conditioning.mulan import parity as style
from angen.conditioning.vocabulary import symbols
from angen.diffrhythm import parity as model
from angen.diffrhythm import weights as dit_weights
from angen.diffrhythm.config import RELEASED as RELEASED_DIT
from angen.errors import BadInput
from angen.parity import Row, exact
from angen.tensors import Shapes, read_json, read_tensors
from angen.vocoder import parity as sound
from angen.vocoder import weights as decoder_weights
from angen.vocoder.generator import RELEASED as RELEASED_DECODER
from angen.vocoder.generator import BigVGAN

MANIFEST = "manifest.json"
MODEL_CASES, MODEL_WEIGHTS = "cases.safetensors", "dit.safetensors"
DECODER_CASES = "decoder_cases.safetensors"
SPOKEN, SUNG, CHINESE = "g2p.json", "lyrics.json", "g2p_zh_stub.json"
VOCABULARY = "phoneme_vocab.json"
MODEL_SHAPES, DECODER_SHAPES = "full_state_dict_shapes.json", "full_decoder_shapes.json"
STYLE_SHAPES = "full_mulan_shapes.json"


def check_fixtures(folder: Path) -> list[Row]:
    """A row for each recorded case in ``folder``, good or bad.

    Parts that the folder does not have are left out. Raises BadInput when it has none, and what
    loading weights raises when these are absent or damaged.
    """
    rows = [
        *_check_files(folder),
        *_check_model(folder),
        *_check_decoder(folder),
        *style.check_folder(folder),
        *_check_shapes(folder),
        *_check_words(folder),
    ]
    if not rows:
        raise BadInput(
            f"{folder} holds no recordings; expected files like {MODEL_CASES} with {MODEL_WEIGHTS}."
        )
    return rows


def _check_files(folder: Path) -> list[Row]:
    """Every file that the manifest lists, by its hash: a damaged recording proves nothing."""
    if not (folder / MANIFEST).is_file():
        return []
    listed = read_json(folder / MANIFEST).get("files")
    if not isinstance(listed, dict):
        return [exact(f"{MANIFEST}/files", False, "the list of files is missing")]
    return [
        _check_hash(folder, name, facts if isinstance(facts, dict) else {})
        for name, facts in sorted(listed.items())
    ]


def _check_hash(folder: Path, name: str, facts: dict[str, object]) -> Row:
    case, path = f"file/{name}", folder / name
    if not path.is_file():
        return exact(case, False, "the manifest lists it, but it is missing")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    return exact(case, found == facts.get("sha256"), "is not what was recorded: other sha256")


def _check_model(folder: Path) -> list[Row]:
    if not (folder / MODEL_CASES).is_file():
        return []
    dit = dit_weights.load_dit(folder, weights_file=MODEL_WEIGHTS)
    return model.check_tensors(dit, read_tensors(folder / MODEL_CASES))


def _check_decoder(folder: Path) -> list[Row]:
    if not (folder / DECODER_CASES).is_file():
        return []
    decoder = decoder_weights.load_decoder(folder)
    if not isinstance(decoder, BigVGAN):
        return [exact(DECODER_CASES, False, "recorded with another kind of decoder")]
    return sound.check_tensors(decoder, read_tensors(folder / DECODER_CASES))


def _check_shapes(folder: Path) -> list[Row]:
    """Names and shapes of the full-size release, without building it."""
    rows = []
    if (folder / MODEL_SHAPES).is_file():
        ours = dit_weights.expected_shapes(RELEASED_DIT)
        rows.append(_shapes(MODEL_SHAPES, ours, read_json(folder / MODEL_SHAPES)))
    if (folder / DECODER_SHAPES).is_file():
        ours = decoder_weights.expected_shapes(RELEASED_DECODER)
        rows.append(_shapes(DECODER_SHAPES, ours, read_json(folder / DECODER_SHAPES)))
    if (folder / STYLE_SHAPES).is_file():
        taking_part = style.used_shapes(read_json(folder / STYLE_SHAPES))
        rows.append(_shapes(STYLE_SHAPES, style.released_shapes(), taking_part))
    return rows


def _shapes(file: str, ours: Shapes, theirs: Mapping[str, object]) -> Row:
    mine = {name: list(shape) for name, shape in ours.items()}
    names = sorted(mine.keys() | theirs.keys())
    differing = [name for name in names if mine.get(name) != theirs.get(name)]
    note = f"differ: {', '.join(differing[:3])}" if differing else ""
    return Row(case=file.removesuffix(".json"), error=len(differing), limit=0, note=note)


def _check_words(folder: Path) -> list[Row]:
    """Phonemes and lyrics, token for token."""
    rows: list[words.Row] = []
    if (folder / SPOKEN).is_file():
        rows += words.check_g2p(_recorded(folder / SPOKEN, list))
    if (folder / SUNG).is_file():
        rows += words.check_lyrics(_recorded(folder / SUNG, list))
    if (folder / CHINESE).is_file():
        rows += words.check_chinese(_recorded(folder / CHINESE, dict))
    found = [exact(row.case, row.ok, row.detail) for row in rows]
    if (folder / VOCABULARY).is_file():
        places = _recorded(folder / VOCABULARY, dict)
        same = symbols() == {symbol: place + 1 for symbol, place in places.items()}
        found.append(exact(VOCABULARY, same, "another vocabulary than ours"))
    return found


def _recorded(path: Path, kind: type) -> Any:
    try:
        values = json.loads(path.read_text("utf-8"))
    except ValueError as fault:
        raise BadInput(f"{path} is not JSON ({fault}); copy the recordings again.") from fault
    if not isinstance(values, kind):
        raise BadInput(f"{path} holds a {type(values).__name__}, not a {kind.__name__}.")
    return values
