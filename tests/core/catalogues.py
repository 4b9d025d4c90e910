"""Small models as catalogues, and readings of them, without Keras."""

from __future__ import annotations

import numpy as np

from nnviz_widgets.core.frame import Catalogue, LayerInfo, TensorKey, TensorSpec, VitalsReading
from nnviz_widgets.core.stats import neuron_statistics, vitals


def layer(path: str, n_neurons: int, variables: tuple[str, ...] = ("kernel", "bias"), name: str | None = None):
    """Make the info of a Dense-like layer."""
    return LayerInfo(
        path, name or path.split("/")[-1], "Dense", (None, n_neurons), variables, 0, 1 if n_neurons else None, n_neurons
    )


def specs_of(path: str, n_in: int, n_neurons: int) -> list[TensorSpec]:
    """List the tensors of a Dense layer: kernel and bias with their gradients, activations with theirs."""
    specs = []
    for kind in ("weights", "gradients"):
        kernel, bias = TensorKey(path, kind, "kernel"), TensorKey(path, kind, "bias")
        specs.append(TensorSpec(kernel, (n_in, n_neurons), "float32", ("in", "neuron"), 1))
        specs.append(TensorSpec(bias, (n_neurons,), "float32", ("neuron",), 0))
    specs.extend(
        TensorSpec(TensorKey(path, kind), (None, n_neurons), "float32", ("sample", "neuron"), 1)
        for kind in ("activations", "activation_gradients")
    )
    return specs


def dense(*sizes: int) -> Catalogue:
    """Make the catalogue of a chain of Dense layers: `dense(4, 3, 2)` has two, `dense` and `dense_1`."""
    paths = ["dense", *(f"dense_{index}" for index in range(1, len(sizes)))]
    pairs = list(zip(paths, sizes[:-1], sizes[1:], strict=False))
    layers = tuple(layer(path, n_out) for path, _, n_out in pairs)
    return Catalogue(layers, tuple(spec for path, n_in, n_out in pairs for spec in specs_of(path, n_in, n_out)))


def arrays_of(catalogue: Catalogue, seed: int = 0, n_samples: int = 5) -> dict[TensorKey, np.ndarray]:
    """Draw every tensor of a catalogue."""
    rng = np.random.default_rng(seed)
    return {
        spec.key: rng.normal(size=[n_samples if n is None else n for n in spec.shape]).astype(spec.dtype)
        for spec in catalogue.specs
    }


def reading_of(catalogue: Catalogue, arrays: dict[TensorKey, np.ndarray], update_ratio: float = 0.01) -> VitalsReading:
    """Compute the reading of these arrays; what is not among them is not read."""
    table = np.full((len(catalogue.specs), 9), np.nan)
    neurons = []
    n_neurons = {info.path: info.n_neurons for info in catalogue.layers}
    for row, spec in enumerate(catalogue.specs):
        array = arrays.get(spec.key)
        if array is not None:
            table[row, :8] = vitals(array)
            table[row, 8] = update_ratio if spec.key.kind == "weights" else np.nan
        if spec.neuron_axis is not None:
            empty = np.full((4, n_neurons[spec.key.layer]), np.nan)
            neurons.append(empty if array is None else neuron_statistics(array, spec.neuron_axis))
    return VitalsReading(table, np.concatenate([part.ravel() for part in neurons]).astype(np.float32))
