"""What musicnn itself says: its own graph under TensorFlow, for ``golden.json``.

Not run by the tests. Python 3.11, in a virtual environment of its own, from the repository's root:

    pip install tensorflow-cpu==2.21.0 tf_keras==2.21.0 librosa==0.7.2 numba==0.68.1
    pip install --no-deps musicnn==0.1.0
    TF_USE_LEGACY_KERAS=1 TF_ENABLE_ONEDNN_OPTS=0 python -m tests.judge.original
"""

import json
import sys
import types
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from tests.judge.signals import sung_and_struck

GOLDEN = Path(__file__).with_name("golden.json")
_FRAMES = 187


def _librosa() -> Any:
    """Its version of then, which looks for names that numba and numpy have given up."""
    decorators: Any = types.ModuleType("numba.decorators")
    decorators.jit = import_module("numba").jit
    sys.modules["numba.decorators"] = decorators
    for name, kind in {"complex": complex, "float": float, "int": int}.items():
        if not hasattr(np, name):
            setattr(np, name, kind)
    return import_module("librosa")


def _mel() -> Any:
    """As the package's ``extractor.batch_data`` has it, but for its half precision.

    There numbers above 65,504 are infinite: the tags of loud sounds would be none.
    """
    mel = _librosa().feature.melspectrogram(
        y=sung_and_struck(), sr=16000, hop_length=256, n_fft=512, n_mels=96
    )
    return np.log10(10000 * mel.T + 1)


def _said(net: str, patches: Any) -> dict[str, Any]:
    """Probabilities and penultimate layer of one net for patches (P, frames, bands)."""
    package, tf = import_module("musicnn.models"), import_module("tensorflow")
    v1 = tf.compat.v1
    v1.reset_default_graph()
    with tf.name_scope("model"):
        x = v1.placeholder(tf.float32, [None, _FRAMES, 96])
        training = v1.placeholder(tf.bool)
        outputs = package.define_model(x, training, net, 50)
        wanted = [tf.nn.sigmoid(outputs[0]), outputs[-1]]
    with v1.Session() as session:
        v1.train.Saver().restore(session, f"{Path(str(package.__file__)).parent}/{net}/")
        tags, embedding = session.run(wanted, {x: patches, training: False})
    return {
        "tags": np.round(tags[:, ::5].astype(float), 7).tolist(),
        "embedding": np.round(embedding[:, ::20].astype(float), 6).tolist(),
    }


def main() -> None:
    import_module("tensorflow").compat.v1.disable_eager_execution()
    mel = _mel()
    patches = np.stack([mel[:_FRAMES], mel[_FRAMES : 2 * _FRAMES]])
    golden: dict[str, Any] = {
        "made_by": "python -m tests.judge.original",
        "holds": "every 5th tag and every 20th number of the embedding, of 2 patches",
        "mel": np.round(patches[:, ::40, ::12].astype(float), 6).tolist(),
    }
    golden |= {net: _said(f"{net.upper()}_musicnn", patches) for net in ("msd", "mtt")}
    GOLDEN.write_text(json.dumps(golden) + "\n", "utf-8")


if __name__ == "__main__":
    main()
