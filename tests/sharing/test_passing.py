from __future__ import annotations

import pytest

from nnviz_widgets.core.frame import Catalogue, LayerInfo, LayerInput, TensorKey, TensorSpec, batch_key
from nnviz_widgets.sharing.passing import passing_layers, statistics_of
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


@pytest.mark.parametrize(
    ("shape", "hands_on"), [((4, 3), True), ((1, 3), True), ((3, 3), False), ((2, 4, 3), False), ((3,), True)]
)
def test_a_variable_that_lies_along_the_output_mixes_nothing(shape, hands_on):
    axes = tuple(f"axis {i}" for i in range(len(shape)))
    spec = TensorSpec(TensorKey("scale", "weights", "alpha"), shape, "float32", axes)
    info = LayerInfo("scale", "scale", "PReLU", (None, 4, 3), ("alpha",), 0, 2, 3)
    known = Catalogue((info,), (spec,), {}, {"scale": LayerInput(BATCH, (4, 3))})
    assert passing_layers(known) == ({"scale"} if hands_on else frozenset())


def test_what_the_catalogue_says_may_hold_data_counts_as_inputs_in_any_layer():
    held = TensorSpec(TensorKey("near", "weights", "memory"), (9, 3), "float32", ("a", "b"), may_hold_data=True)
    kernel = TensorSpec(TensorKey("near", "weights", "kernel"), (3, 3), "float32", ("in", "neuron"), 1)
    info = LayerInfo("near", "near", "Near", (None, 3), ("memory", "kernel"), 0, 1, 3)
    fed = LayerInput(TensorKey("dense", "activations"), (3,))
    assert statistics_of(Catalogue((info,), (held, kernel), {}, {"near": fed}), frozenset()) == {held.key}


def test_a_model_is_what_its_last_layer_is():
    first = ("prepare", BATCH), ("prepare/rescaling", BATCH), ("prepare/flatten", "prepare/rescaling")
    last = ("encoder", "prepare"), ("encoder/dense", "prepare", ("in", "neuron")), ("relu", "encoder")
    assert passing_layers(catalogue(*first, *last)) == {path for path, *_ in first}


def of(variables, trained):
    """One layer of vectors that is fed by the batch, and gradients of some of them."""
    specs = [TensorSpec(TensorKey("n", "weights", name), (3,), "float32", ("neuron",)) for name in variables]
    specs += [TensorSpec(TensorKey("n", "gradients", name), (3,), "float32", ("neuron",)) for name in trained]
    info = LayerInfo("n", "n", "Any", None, tuple(variables), 0, None, 0)
    return Catalogue((info,), tuple(specs), {}, {"n": LayerInput(BATCH, (3,))})


@pytest.mark.parametrize(
    ("variables", "trained", "statistics"),
    [
        (["mean", "variance", "count"], [], {"mean", "variance", "count"}),
        (["gamma", "beta", "moving_mean", "moving_variance"], ["gamma", "beta"], {"moving_mean", "moving_variance"}),
        (["gamma", "center"], ["gamma"], {"center"}),
        (["gamma", "beta"], [], set()),
    ],
)
def test_statistics_of_the_inputs_are_known_by_name_or_by_not_being_trained(variables, trained, statistics):
    known = of(variables, trained)
    assert {key.variable for key in statistics_of(known, passing_layers(known))} == statistics
    assert statistics_of(known, frozenset()) == frozenset()
