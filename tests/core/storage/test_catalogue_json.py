from __future__ import annotations

from types import MappingProxyType

import pytest

from nnviz_widgets.core.frame import Catalogue, LayerInput, TensorKey, TensorSpec, batch_key
from nnviz_widgets.core.grammar import Grammar
from nnviz_widgets.core.storage.catalogue_json import from_json, to_json
from nnviz_widgets.core.storage.planes import Damaged
from tests.core.catalogues import dense

GATED = TensorSpec(
    TensorKey("lstm", "weights", "kernel"),
    (3, None),
    "float32",
    ("in", "neuron"),
    1,
    "a note",
    Grammar(("i", "f"), labels=MappingProxyType({"in": ("größe", "</script>")})),
    "named",
)
CATALOGUE = Catalogue(
    dense(3, 2).layers,
    (*dense(3, 2).specs, GATED),
    MappingProxyType({("lstm/cell", "activations"): "inside a loop"}),
    MappingProxyType({"dense": LayerInput(batch_key(1), (None, 3), unflattened=(28, 28), guessed=True)}),
)


@pytest.mark.parametrize("catalogue", [Catalogue(), dense(4, 3, 2), CATALOGUE], ids=["empty", "dense", "all"])
def test_a_catalogue_comes_back_as_it_was(catalogue):
    assert from_json(to_json(catalogue)) == catalogue


def test_what_a_newer_version_adds_is_passed_over():
    assert from_json(to_json(CATALOGUE).replace(b'{"layers"', b'{"later":{"x":1},"layers"', 1)) == CATALOGUE


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b'{"layers":1}', b"\xff", b'{"layers":' + b"[" * 100_000, b'{"x":' + b"[" * 100_000],
    ids=["empty", "list", "number", "no text", "depth", "depth of an unknown field"],
)
def test_s13_json_that_is_none_of_ours_is_refused(text):
    with pytest.raises(Damaged):
        from_json(text)
