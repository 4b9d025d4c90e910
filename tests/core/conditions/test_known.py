"""A condition is refused where it names what a model does not have, and taken where that is not known yet."""

from dataclasses import replace

import pytest

from nnviz_widgets.core.conditions.condition import CallableCondition, Condition
from nnviz_widgets.core.conditions.known import Known, check, known_of, reason_against, tensor_key
from nnviz_widgets.core.frame import Catalogue, TensorKey, TensorSpec
from nnviz_widgets.core.lookup import Lookup
from nnviz_widgets.core.recording import Recording
from nnviz_widgets.errors import NotACondition
from tests.core.catalogues import layer, specs_of


def spec(path, kind, variable=None, output=0):
    return TensorSpec(TensorKey(path, kind, variable, output), (3,), "float32", ("neuron",), 0)


CATALOGUE = Catalogue(
    layers=(
        layer("dense", 3, name="dense_7"),
        layer("dense#1", 3, name="dense_7"),
        layer("block/conv 1", 3, name="conv 1"),
        layer("other/conv 1", 3, name="conv 1"),
        layer("norm", 3, ("gamma", "beta")),
        layer("flatten", 0, ()),
        layer("split", 3, ()),
    ),
    specs=(
        *specs_of("dense", 4, 3),
        spec("dense#1", "activations"),
        spec("block/conv 1", "activations"),
        spec("norm", "weights", "gamma"),
        spec("norm", "weights", "beta"),
        spec("split", "activations", "data", 0),
        spec("split", "activations", None, 1),
        spec("split", "activations", None, 0),
    ),
    reasons={("rnn/cell", "activations"): "it runs inside the loop of `rnn`; read `rnn` instead"},
)
KNOWN = Known(Lookup(CATALOGUE), ("accuracy", "val_loss", "top-5"))


@pytest.mark.parametrize(
    "text",
    [
        "loss > 3 and step > 1 and epoch > 1 and lr > 1 and nan",
        "accuracy < val_loss",
        "'top-5' > 0.9",
        "l2(dense.gradients) > 1",
        "l2(dense_7.gradients) > 1",
        "l2('dense#1'.activations) > 1",
        "l2('dense#1'.weights) > 1",
        "max('block/conv 1'.activations) > 1",
        "update_ratio(norm.weights) > 1",
    ],
)
def test_what_there_is_may_be_named(text):
    check(Condition(text), KNOWN)
    assert reason_against(Condition(text), KNOWN) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("los > 3", "'los' is not known; did you mean 'loss'? (col 1)"),
        ("loss > 3 or acuracy > 1", "'acuracy' is not known; did you mean 'accuracy'? (col 13)"),
        ("'top 5' > 1", "'top 5' is not known; did you mean 'top-5'? (col 1)"),
        (
            "qqqq > 1",
            "'qqqq' is not known; there are loss, step, epoch, lr, nan, accuracy, val_loss, \"top-5\" (col 1)",
        ),
        ("dense > 3", "'dense' is a layer; name a number of it, such as l2(dense.weights) (col 1)"),
        ("l2(dens.weights) > 3", "layer 'dens' is not known; did you mean dense? (col 4)"),
        (
            "l2('block/conv 2'.activations) > 3",
            "layer 'block/conv 2' is not known; did you mean \"block/conv 1\"? (col 4)",
        ),
        ("l2('conv 1'.activations) > 3", "the name of `block/conv 1`, `other/conv 1`. Use a path. (col 4)"),
        ("l2(zzzz.weights) > 3", "layer 'zzzz' is not known; the first one is dense (col 4)"),
        ("loss > l2(flatten.gradients)", "cannot be read: layer `flatten` has no variables (col 11)"),
        ("max('rnn/cell'.activations) > 1", "it runs inside the loop of `rnn`; read `rnn` instead (col 5)"),
    ],
)
def test_r03_an_unknown_name_is_refused_with_the_nearest(text, said):
    with pytest.raises(NotACondition) as caught:
        check(Condition(text), KNOWN)
    assert str(caught.value).endswith(said)
    assert reason_against(Condition(text), KNOWN) == str(caught.value)


def test_what_is_not_known_yet_may_be_named():
    unbuilt = Known(Lookup(Catalogue()), None)
    check(Condition("accuracy > l2(dense.gradients)"), unbuilt)
    only_weights = replace(CATALOGUE, specs=tuple(s for s in CATALOGUE.specs if s.key.kind == "weights"))
    before_first_step = Known(Lookup(only_weights), None)
    check(Condition("accuracy > max(split.activations) + l2(norm.gradients)"), before_first_step)
    assert "has no variables" in reason_against(Condition("l2(flatten.gradients) > 1"), before_first_step)
    assert "inside the loop" in reason_against(Condition("l2('rnn/cell'.activations) > 1"), before_first_step)
    assert "did you mean dense" in reason_against(Condition("l2(dens.gradients) > 1"), before_first_step)


def test_a_function_names_nothing():
    check(CallableCondition(lambda report: True), KNOWN)


def test_very_long_names_are_refused_in_short():
    assert len(reason_against(Condition("a" * 900 + " > 1"), KNOWN)) < 300
    assert len(reason_against(Condition(f"l2({'a' * 900}.weights) > 1"), KNOWN)) < 300


@pytest.mark.parametrize(
    ("layer", "kind", "key"),
    [
        ("dense", "gradients", TensorKey("dense", "gradients", "kernel")),
        ("dense#1", "weights", TensorKey("dense", "weights", "kernel")),
        ("norm", "weights", TensorKey("norm", "weights", "gamma")),
        ("split", "activations", TensorKey("split", "activations")),
    ],
    ids=["kernel", "of the first call", "first variable", "first output of the batch"],
)
def test_the_tensor_that_stands_for_a_layer(layer, kind, key):
    assert tensor_key(Lookup(CATALOGUE), layer, kind) == key


def test_a_recording_knows_its_metrics_and_layers():
    recording = Recording()
    check(Condition("anything > l2(whatever.weights)"), known_of(recording))
    recording.set_catalogue(CATALOGUE)
    recording.add_step(1, 0, 0, {"batch_loss": 1.0, "accuracy": 0.5})
    check(Condition("accuracy > l2(dense.weights)"), known_of(recording))
    assert "did you mean 'accuracy'?" in reason_against(Condition("acuracy > 1"), known_of(recording))
