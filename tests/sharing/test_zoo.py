"""Layers of each kind that Keras has, trained for a step: what their file shows is what the live view is sent."""

from __future__ import annotations

import pytest

from nnviz_widgets.sharing.passing import passing_layers
from tests.browser import zoo
from tests.sharing.test_collect import assert_twins, opened
from tests.sharing.test_gathers import assert_parts

PASSING = {
    "images": {"rescaling"},
    "sequences": set(),
    # What is looked up is the tokens again; of a sum of two tensors it is not known what they are.
    "tokens": {"embedding", "add", "layer_normalization", "average"},
    "volumes": set(),
    "joined": {"normalization", "normalization#1", "flatten", "flatten_1", "concatenate"},
}


@pytest.fixture(scope="module", params=zoo.MODELS)
def trained(request):
    """The name of a network, and a session on it that took a step."""
    names = {}
    exec(zoo.prepare().replace("session.step(20)", "session.step()") + zoo.MODELS[request.param], names)
    with names["session"] as session:
        yield request.param, session


def test_every_picture_and_every_part_is_that_of_the_live_view(trained):
    _, session = trained
    shared = opened(session, steps=[0, -1])
    assert assert_twins(shared, session.recording) > 10
    assert assert_parts(shared, session.recording)


def test_which_layers_hand_the_batch_on(trained):
    name, session = trained
    assert passing_layers(session.recording.catalogue) == PASSING[name]


def test_every_layer_with_neurons_has_parts_or_says_why(trained):
    _, session = trained
    shared = opened(session, steps=[-1])
    has = {(each.layer, each.tensor) for each in shared.document.gathers}
    says = {
        (each.layer, shared.document.headers[each.header].tensor)
        for each in shared.pictures(part=None)
        if shared.document.headers[each.header].part != "map" and shared.document.headers[each.header].missing
    }
    for layer in shared.document.layers:
        for tensor in ("weights", "gradients", "activations"):
            if shared.pictures(layer.path, tensor):
                assert (layer.path, tensor) in has | says
