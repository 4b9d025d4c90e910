"""Whether two recordings are of one model is said in words that name what differs."""

from dataclasses import replace

import pytest

from nnviz_widgets.core.frame import Catalogue
from nnviz_widgets.core.same_model import difference_of_models
from tests.core.catalogues import dense, layer, specs_of


def changed(catalogue, place, **changes):
    """Return a catalogue with one other layer."""
    layers = list(catalogue.layers)
    layers[place] = replace(layers[place], **changes)
    return replace(catalogue, layers=tuple(layers))


def test_the_same_layers_are_the_same_model_whatever_the_probe_read():
    one, two = dense(4, 3, 2), dense(4, 3, 2)
    assert difference_of_models(one, two) is None
    assert difference_of_models(one, replace(two, specs=two.specs[:1])) is None
    assert difference_of_models(one, replace(two, specs=())) is None


def test_the_number_of_samples_and_what_is_not_known_may_differ():
    one = dense(4, 3, 2)
    for shape in ((32, 3), (None, None), None):
        assert difference_of_models(one, changed(one, 0, output_shape=shape)) is None


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (dense(4, 3), "only the first has the layer `dense_1`"),
        (dense(4, 3, 2, 2, 2), "only the second has the layers `dense_2`, `dense_3`"),
        (dense(*[4] * 9), "`dense_2`, `dense_3`, `dense_4`, `dense_5` and 2 more"),
        (dense(5, 3, 2), "`dense/kernel` has the shape (4, 3) in the first and (5, 3) in the second"),
        (
            changed(dense(4, 3, 2), 1, class_name="Conv2D"),
            "`dense_1` is a Dense in the first and a Conv2D in the second",
        ),
        (
            changed(dense(4, 3, 2), 1, variables=("kernel",)),
            "the variables of `dense_1` are kernel, bias in the first and kernel in the second",
        ),
        (
            changed(dense(4, 3, 2), 1, output_shape=(None, 9)),
            "the output of `dense_1` has the shape (None, 2) in the first and (None, 9) in the second",
        ),
        (changed(dense(4, 3, 2), 1, output_shape=(None, 2, 2)), "(None, 2, 2) in the second"),
        (Catalogue(), "no layer of the second is known yet"),
    ],
)
def test_what_differs_is_named(other, words):
    assert words in difference_of_models(dense(4, 3, 2), other)


def test_neither_has_a_layer_yet():
    assert difference_of_models(Catalogue(), Catalogue()) == "no layer of the first and of the second is known yet"


def test_a_wider_layer_is_named_once_for_each_variable_and_the_rest_counted():
    text = difference_of_models(dense(4, 3, 2), dense(4, 6, 7))
    assert text == (
        "`dense/kernel` has the shape (4, 3) in the first and (4, 6) in the second; "
        "`dense/bias` has the shape (3,) in the first and (6,) in the second; "
        "`dense_1/kernel` has the shape (3, 2) in the first and (6, 7) in the second; "
        "`dense_1/bias` has the shape (2,) in the first and (7,) in the second"
    )
    assert difference_of_models(dense(4, 3, 2, 1), dense(4, 6, 7, 8)).endswith(" and 2 more")


def test_the_second_call_of_a_layer_belongs_to_the_first():
    shared = Catalogue((layer("d", 3), layer("d#1", 3)), tuple(specs_of("d", 4, 3)))
    assert difference_of_models(shared, shared) is None
    assert "only the first has the layer `d#1`" in difference_of_models(
        shared, Catalogue((layer("d", 3),), shared.specs)
    )
