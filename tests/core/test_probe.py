"""What a probe accepts, and which layers it means."""

from __future__ import annotations

from typing import Any

import pytest

from nnviz_widgets.core.frame import KINDS
from nnviz_widgets.core.probe import Probe
from nnviz_widgets.errors import InvalidArgumentError, LayerNotFound


def test_probe_reads_everything_when_the_budget_allows() -> None:
    probe = Probe()
    assert (probe.layers, probe.kinds, probe.every, probe.samples, probe.budget) == (None, KINDS, None, 16, 0.05)
    assert repr(probe) == (
        "<Probe all layers, weights, activations, gradients, activation_gradients, budget 5%, 16 samples>"
    )


@pytest.mark.parametrize(
    ("probe", "words"),
    [
        (Probe(layers=()), "none"),
        (Probe(kinds=()), "vitals only"),
        (Probe(every=1), "every step"),
        (Probe(every=5), "every 5 steps"),
        (Probe(budget=None), "unlimited"),
        (Probe(layers=["a", "b"]), "2 layer patterns"),
        (Probe(every=lambda step: True), "every"),
        (Probe(replica=0), "replica 0"),
    ],
)
def test_repr_says_in_one_line_what_is_read(probe: Probe, words: str) -> None:
    assert words in repr(probe)
    assert "\n" not in repr(probe)
    assert "0x" not in repr(probe)


@pytest.mark.parametrize(
    ("layers", "selected"),
    [
        (None, ["block/conv", "block/conv 1", "head"]),
        ((), []),
        ("head", ["head"]),
        (["block/*"], ["block/conv", "block/conv 1"]),
        (["*conv"], ["block/conv"]),
        (["keras_name_7"], ["head"]),
        (["HEAD"], []),
    ],
)
def test_layers_are_names_paths_or_patterns(layers: Any, selected: list[str]) -> None:
    names = {"block/conv": "conv_3", "block/conv 1": "conv_4", "head": "keras_name_7"}
    probe = Probe(layers=layers)
    assert [path for path, name in names.items() if probe.selects(path, name)] == selected


def test_path_with_brackets_is_a_name_before_it_is_a_pattern() -> None:
    assert Probe(layers=["a[0]"]).selects("a[0]", "a")


def test_pattern_that_matches_nothing_names_the_nearest_layers() -> None:
    with pytest.raises(LayerNotFound, match=r"'hiden'.*Nearest: 'hidden'"):
        Probe(layers=["hiden"]).check_layers(["hidden", "out"], ["hidden", "out"])
    Probe(layers=["hid*"]).check_layers(["hidden", "out"], ["hidden", "out"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"kinds": ("weight",)},
        {"every": 0},
        {"every": True},
        {"every": 1.5},
        {"every": "1"},
        {"samples": 0},
        {"samples": True},
        {"replica": -1},
        {"replica": True},
        {"replica": 0.5},
        {"budget": -0.1},
        {"budget": "5%"},
        {"budget": float("nan")},
        {"layers": 5},
        {"layers": [5]},
    ],
)
def test_anything_else_is_refused_by_name(wrong: dict[str, Any]) -> None:
    (name,) = wrong
    with pytest.raises(InvalidArgumentError, match=f"`{name}`"):
        Probe(**wrong)
