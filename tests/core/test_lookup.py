"""A tensor is found by what a user calls it, and what cannot be found is explained."""

import time
from dataclasses import replace

import pytest

from nnviz_widgets.core.frame import KINDS, Catalogue, TensorKey, TensorSpec
from nnviz_widgets.core.lookup import Lookup
from nnviz_widgets.core.recording import Recording
from nnviz_widgets.errors import InvalidArgumentError, LayerNotFound, TensorUnavailable
from tests.core.catalogues import dense, layer


def spec(path, kind, variable=None, output=0):
    return TensorSpec(TensorKey(path, kind, variable, output), (3,), "float32", ("neuron",), 0)


CATALOGUE = Catalogue(
    layers=(
        layer("d", 3, name="shared_7"),
        layer("d#1", 3, name="shared_7"),
        layer("norm", 3, ("gamma", "beta"), name="norm_2"),
        layer("block/conv", 3, name="conv"),
        layer("other/conv", 3, name="conv"),
        layer("flatten", 0, ()),
        layer("split", 3, ()),
        layer("embed", 3, ("embeddings",)),
    ),
    specs=(
        *(spec("d", kind, name) for kind in ("weights", "gradients") for name in ("kernel", "bias")),
        spec("d", "activations"),
        spec("d#1", "activations"),
        spec("norm", "weights", "gamma"),
        spec("norm", "weights", "beta"),
        spec("split", "activations", output=0),
        spec("split", "activations", output=1),
        spec("embed", "weights", "embeddings"),
    ),
    reasons={("rnn/cell", "activations"): "it runs inside the loop of `rnn`; read `rnn` instead"},
)


@pytest.fixture
def lookup():
    return Lookup(CATALOGUE)


@pytest.mark.parametrize("name", ["d", CATALOGUE.layers[0], "shared_7"], ids=["path", "info", "name"])
def test_a_layer_is_a_path_an_info_or_a_name(lookup, name):
    assert lookup.resolve(name, "activations") == TensorKey("d", "activations")


def test_a_call_is_a_path_or_a_number(lookup):
    second = TensorKey("d#1", "activations")
    assert lookup.resolve("d#1", "activations") == second
    assert lookup.resolve("d", "activations", call=1) == second
    assert lookup.resolve("d#1", "activations", call=1) == second


def test_weights_of_every_call_are_those_of_the_first(lookup):
    assert lookup.resolve("d#1", "weights") == lookup.resolve("d", "weights", call=1) == lookup.resolve("d", "weights")


def test_the_kernel_or_the_only_variable_is_meant(lookup):
    assert lookup.resolve("d", "weights").variable == "kernel"
    assert lookup.resolve("embed", "weights").variable == "embeddings"


def test_without_a_kernel_the_choices_are_named(lookup):
    with pytest.raises(InvalidArgumentError, match=r'must be one of "gamma", "beta".* Received: variable=None'):
        lookup.resolve("norm", "weights")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"variable": "kernal"}, "Received: variable='kernal'"),
        ({"kind": "weight"}, 'Use "weights"'),
        ({"kind": ["weights"]}, r"Received: kind=\['weights'\]"),
        ({"kind": "activations", "variable": "kernel"}, "must be None for activations"),
        ({"layer": "split", "kind": "activations", "output": 2}, "must be one of 0, 1, .*Received: output=2"),
        ({"layer": 3}, "Received: 3 of type int"),
    ],
)
def test_wrong_arguments_name_the_right_ones(lookup, asked, message):
    with pytest.raises(InvalidArgumentError, match=message):
        lookup.resolve(**{"layer": "d", "kind": "weights", **asked})


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"layer": "norn"}, "Received: 'norn'. The nearest are `norm`"),
        ({"layer": "conv"}, "the name of `block/conv`, `other/conv`. Use a path"),
        ({"layer": "d", "call": 2}, "which has 2. Received: call=2"),
        ({"layer": "zzz"}, "The nearest are "),
    ],
)
def test_an_unknown_layer_names_the_nearest(lookup, asked, message):
    with pytest.raises(LayerNotFound, match=message):
        lookup.resolve(kind="weights", **asked)


def test_what_cannot_be_read_says_why(lookup):
    reason = "it runs inside the loop of `rnn`; read `rnn` instead"
    assert lookup.why("rnn/cell", "activations") == reason
    with pytest.raises(TensorUnavailable, match=reason):
        lookup.resolve("rnn/cell", "activations")
    assert lookup.why("flatten", "weights") == "layer `flatten` has no variables"
    assert lookup.why("d", "activation_gradients").startswith("no activation gradients are known yet")
    assert lookup.why("d", "weights") is None
    assert lookup.why("d#1", "gradients") is None


def test_an_empty_catalogue_says_that_no_layer_is_known():
    with pytest.raises(
        LayerNotFound, match=r"No layer is known yet.*once a first step was taken.*session\.step\(\)\.$"
    ):
        Lookup(Catalogue()).resolve("d", "weights")


def test_names_of_an_older_catalogue_stay_known():
    renamed = replace(dense(4, 3), layers=(replace(dense(4, 3).layers[0], name="dense_42"),))
    lookup = Lookup(renamed, Lookup(dense(4, 3, 2)))
    assert lookup.path("dense_42") == "dense"
    assert lookup.resolve("dense_1", "weights").layer == "dense_1"


def test_a_thousand_layers_say_at_once_why_nothing_is_read_of_them():
    """Each kind of each layer is asked for, before anything is kept: that must not look at all tensors each time."""
    recording, catalogue = Recording(), dense(*[3] * 1001)
    recording.set_catalogue(catalogue)
    began = time.thread_time()
    assert {recording.why(each, kind) for each in catalogue.layers for kind in KINDS} == {None}
    assert time.thread_time() - began < 0.2
