"""Recordings of small networks, made without Keras."""

from __future__ import annotations

import numpy as np

from nnviz_widgets.core.frame import Catalogue, LayerInfo, LayerInput, TensorKey, TensorSpec, batch_key
from nnviz_widgets.core.recording import Recording
from tests.core.catalogues import reading_of, specs_of

SIDE = 4


def catalogue(n_hidden=8, n_out=3, side=SIDE) -> Catalogue:
    """An image, flattened, and two Dense layers."""
    n_in = side * side
    flat = TensorKey("flatten", "activations")
    layers = (
        LayerInfo("flatten", "flatten", "Flatten", (None, n_in), (), 0, 1, n_in),
        LayerInfo("hidden", "hidden", "Dense", (None, n_hidden), ("kernel", "bias"), n_in * n_hidden, 1, n_hidden),
        LayerInfo("digits", "digits", "Dense", (None, n_out), ("kernel", "bias"), n_hidden * n_out, 1, n_out),
    )
    specs = (
        TensorSpec(flat, (None, n_in), "float32", ("sample", "neuron"), 1),
        *specs_of("hidden", n_in, n_hidden),
        *specs_of("digits", n_hidden, n_out),
    )
    inputs = {
        "flatten": LayerInput(batch_key(0), (side, side)),
        "hidden": LayerInput(flat, (n_in,), (side, side)),
        "digits": LayerInput(TensorKey("hidden", "activations"), (n_hidden,)),
    }
    reasons = {("flatten", kind): "'flatten' has no variables" for kind in ("weights", "gradients")}
    return Catalogue(layers, specs, reasons, inputs)


def arrays_at(known: Catalogue, step: int, n_samples: int, seed: int = 0) -> dict[TensorKey, np.ndarray]:
    """Every tensor of a step, and the batch that the flattened one is of."""
    rng = np.random.default_rng([seed, step])
    arrays = {
        spec.key: rng.standard_normal([n_samples if n is None else n for n in spec.shape]).astype("f4")
        for spec in known.specs
    }
    flat = arrays[TensorKey("flatten", "activations")]
    side = round(flat.shape[1] ** 0.5)
    return arrays | {batch_key(0): flat.reshape(-1, side, side)}


def run(n_steps=5, n_samples=12, name="run", known: Catalogue | None = None, change=None) -> Recording:
    """A run whose every step was read whole; `change(step, arrays)` may plant something."""
    known = catalogue() if known is None else known
    recording = Recording(name)
    recording.set_catalogue(known)
    for step in range(n_steps + 1):
        arrays = arrays_at(known, step, n_samples)
        if change is not None:
            change(step, arrays)
        if step == 0:
            weights = {key: array for key, array in arrays.items() if key.kind == "weights"}
            recording.add_tensors(0, weights)
            continue
        recording.add_step(step, 0, step - 1, {"loss": 1 / step, "batch_loss": 1.5 / step, "gradient_l2": 2.0})
        recording.add_tensors(step, arrays, labels=tuple(f"digit {i}" for i in range(n_samples)))
        recording.add_vitals(step, reading_of(known, arrays))
    return recording
