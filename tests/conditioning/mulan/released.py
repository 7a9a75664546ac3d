"""A MuQ-MuLan in exactly the released layout, of small random tensors, with a small tokenizer."""

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import Unigram
from tokenizers.pre_tokenizers import Metaspace
from tokenizers.processors import TemplateProcessing

from angen.conditioning.mulan.config import read_config
from angen.conditioning.mulan.weights import expected_shapes

FIXTURES = Path(__file__).parents[2] / "fixtures" / "muq-mulan"
NAMES = {
    "MuQ-MuLan-tiny": "MuQ-MuLan-large",
    "MuQ-tiny": "MuQ-large-msd-iter",
    "xlm-roberta-tiny": "xlm-roberta-base",
}


def write_mulan(folder: Path, *, pickled: bool = False, dim: int = 512) -> Path:
    """The recorded model ``a`` under the released names, its common space ``dim`` wide.

    Returns the main folder. pickled: as ``pytorch_model.bin``, as it was first released.
    """
    for recorded, released in NAMES.items():
        shutil.copytree(FIXTURES / "a" / recorded, folder / released, copy_function=shutil.copyfile)
    main = folder / "MuQ-MuLan-large"
    config = json.loads((main / "config.json").read_text())
    config["mulan"]["dim_latent"] = dim
    config["audio_model"]["name"] = "OpenMuQ/MuQ-large-msd-iter"
    config["text_model"]["name"] = "xlm-roberta-base"
    (main / "config.json").write_text(json.dumps(config))
    path = main / "model.safetensors"
    tensors = load_file(path)
    generator = torch.Generator().manual_seed(1)
    for name, shape in expected_shapes(read_config(main)).items():
        if tensors[name].shape != shape:
            tensors[name] = torch.randn(shape, generator=generator)
    save_file(tensors, path)
    if pickled:
        torch.save(tensors, main / "pytorch_model.bin")
        path.unlink()
    write_tokenizer(folder / "xlm-roberta-base" / "tokenizer.json")
    return main


def write_tokenizer(path: Path) -> None:
    """Letters, blanks and the marks of XLM-R; ids below the 180 of the recorded model."""
    marks = ["<s>", "<pad>", "</s>", "<unk>"]
    letters = ["▁", *"abcdefghijklmnopqrstuvwxyz0123456789,.-"]
    vocabulary = [(token, 0.0) for token in marks] + [(token, -2.0) for token in letters]
    tokenizer = Tokenizer(Unigram(vocabulary, unk_id=3))
    tokenizer.pre_tokenizer = Metaspace()
    tokenizer.post_processor = TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    path.write_text(tokenizer.to_str(), encoding="utf-8")
