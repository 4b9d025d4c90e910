"""The object tree, and the names in it."""

from __future__ import annotations

from typing import Any

import pytest

from nnviz_widgets.core.backends.tensorflow.tree import name_variables, sibling_names, walk
from tests.core.backends.architectures import ARCHITECTURES


class Named:
    """What a layer or a variable is for its name."""

    def __init__(self, name: str, path: str = "") -> None:
        self.name = name
        self.path = path or name


class Dense(Named):
    """A layer whose automatic name is `dense`, with a number."""


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["dense", "dense_1"], ["dense", "dense_1"]),
        (["dense_17", "dense_18"], ["dense", "dense_1"]),
        (["q", "q"], ["q", "q_1"]),
        (["q", "q_1", "q"], ["q", "q_1", "q_2"]),
        (["mine", "dense_4"], ["mine", "dense"]),
        ([], []),
    ],
)
def test_numbers_of_automatic_names_begin_anew_in_each_model(names: list[str], expected: list[str]) -> None:
    assert sibling_names([Dense(name) for name in names]) == expected


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["d/bias", "d/kernel"], ["kernel", "bias"]),
        (["m/query/kernel", "m/key/kernel"], ["query/kernel", "key/kernel"]),
        (["x/w", "x/w"], ["x/w", "x/w_1"]),
        (["n/beta", "n/gamma"], ["gamma", "beta"]),
        ([], []),
    ],
)
def test_variables_have_the_shortest_names_that_differ(paths: list[str], expected: list[str]) -> None:
    variables = [Named(path.rsplit("/", 1)[-1], path) for path in paths]
    named = name_variables(variables)
    assert list(named) == expected
    assert sorted(map(id, named.values())) == sorted(map(id, variables))


PATHS = {
    "nested": ["inner", "inner/a", "inner/b", "a"],
    "subclassed": ["halves", "halves/inside", "head"],
    "shared": ["d"],
    "recurrent": ["embedding", "bidirectional", "lstm", "dense"],
}


@pytest.mark.parametrize("name", PATHS)
def test_paths_follow_the_tree_without_its_root(name: str) -> None:
    assert [entry.path for entry in walk(ARCHITECTURES[name]().network.model)] == PATHS[name]


def test_paths_stay_when_a_cell_is_run_again() -> None:
    first, second = (walk(ARCHITECTURES["dense"]().network.model) for _ in range(2))
    assert [entry.path for entry in first] == [entry.path for entry in second]
    assert [entry.layer.name for entry in first] != [entry.layer.name for entry in second]


def test_variables_of_a_layer_are_listed_once_and_states_of_random_generators_never() -> None:
    from tests.core import networks

    entries = walk(networks.mlp().model)
    assert [list(entry.variables) for entry in entries] == [["kernel", "bias"], [], ["kernel", "bias"]]
    both_ways = walk(ARCHITECTURES["recurrent"]().network.model)[1]
    assert len(both_ways.variables) == 6
    assert "bidirectional/forward_lstm" in both_ways.inner
    assert "bidirectional/forward_lstm/lstm_cell" in both_ways.inner


def test_names_of_variables_inside_a_wrapper_stay_when_a_cell_is_run_again() -> None:
    first, second = (walk(ARCHITECTURES["recurrent"]().network.model)[1] for _ in range(2))
    assert list(first.variables) == list(second.variables)
    assert next(iter(first.variables)) == "forward_lstm/lstm_cell/kernel"


def test_variables_of_the_model_itself_have_an_entry() -> None:
    import keras

    class Scaled(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="scaled")
            self.scale = self.add_weight(shape=(), name="scale")
            self.head = keras.layers.Dense(1, name="head")

        def call(self, x: Any) -> Any:
            return self.head(x) * self.scale

    entries = walk(Scaled())
    assert [entry.path for entry in entries] == ["scaled", "head"]
    assert list(entries[0].variables) == ["scale"]
