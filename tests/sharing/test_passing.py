from __future__ import annotations

import pytest

from nnviz_widgets.core.frame import Catalogue, LayerInfo, LayerInput, TensorKey, TensorSpec, batch_key
from nnviz_widgets.sharing.passing import passing_layers
from tests.sharing import runs

BATCH = batch_key(0)


def catalogue(*layers):
    """Layers in call order: path, what feeds it (a path, `BATCH` or `None`), and the axes of its weights."""
    infos, specs, inputs = [], [], {}
    for path, fed, *weights in layers:
        infos.append(LayerInfo(path, path, "Any", None, tuple(f"w{i}" for i in range(len(weights))), 0, None, 0))
        for i, axes in enumerate(weights):
            key = TensorKey(path.partition("#")[0], "weights", f"w{i}")
            specs.append(TensorSpec(key, tuple(3 for _ in axes), "float32", axes))
        if fed is not None:
            inputs[path] = LayerInput(fed if fed is BATCH else TensorKey(fed, "activations"), (3,))
    return Catalogue(tuple(infos), tuple(specs), {}, inputs)


def test_of_a_usual_network_only_what_stands_before_the_first_weights():
    assert passing_layers(runs.catalogue()) == {"flatten"}


@pytest.mark.parametrize(
    "layers",
    [
        [("rescaling", BATCH)],
        [("normalization", BATCH, ("neuron",), ("neuron",))],
        [("embedding", BATCH, ("token", "neuron"))],
        [("rescaling", BATCH), ("flatten", "rescaling"), ("norm", "flatten", ("neuron",))],
        [("concatenate", None)],
        [("crop", None), ("flatten", "crop")],
    ],
)
def test_these_all_hand_the_batch_on(layers):
    assert passing_layers(catalogue(*layers)) == {path for path, *_ in layers}


@pytest.mark.parametrize(
    "layers",
    [
        [("dense", BATCH, ("in", "neuron"), ("neuron",))],
        [("conv", BATCH, ("y", "x", "in", "filter")), ("norm", "conv", ("neuron",)), ("relu", "norm")],
        [("lstm", None, ("in", "neuron"), ("state", "neuron"))],
        [("dense", BATCH, ("in", "neuron")), ("dense#1", "dense")],
    ],
)
def test_these_do_not(layers):
    assert passing_layers(catalogue(*layers)) == frozenset()


def test_a_model_is_what_its_last_layer_is():
    first = ("prepare", BATCH), ("prepare/rescaling", BATCH), ("prepare/flatten", "prepare/rescaling")
    last = ("encoder", "prepare"), ("encoder/dense", "prepare", ("in", "neuron")), ("relu", "encoder")
    assert passing_layers(catalogue(*first, *last)) == {path for path, *_ in first}
