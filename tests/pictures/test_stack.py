"""Several small variables of a layer as one picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nnviz_widgets.core.frame import Catalogue, LayerInfo, TensorKey, TensorSpec
from nnviz_widgets.core.grammar import Grammar
from nnviz_widgets.core.recording import Recording
from nnviz_widgets.pictures import stack
from nnviz_widgets.pictures.frames import frame_message, keys_of
from nnviz_widgets.pictures.kept import key_of
from nnviz_widgets.pictures.layer_list import layers_message
from nnviz_widgets.pictures.layout import layout_of
from nnviz_widgets.pictures.readout import value_text
from nnviz_widgets.pictures.stack import companions, every_key, stacked
from nnviz_widgets.protocol import MapRequest, ReadValues, Watch

GATES = ("update", "reset", "candidate")


def recorded(specs: list[TensorSpec], step: int = 0) -> tuple[Recording, dict[str, np.ndarray]]:
    """Return a recording of one layer `z`, and what is kept of it by the names of its variables."""
    recording = Recording()
    names = tuple(str(spec.key.variable) for spec in specs)
    recording.set_catalogue(Catalogue((LayerInfo("z", "z", "Z", (None, 4), names, 0, 1, 4),), tuple(specs)))
    rng = np.random.default_rng(0)
    arrays = {spec.key: rng.normal(size=spec.shape).astype("float32") for spec in specs}
    recording.add_tensors(step, dict(arrays))
    return recording, {str(key.variable): array for key, array in arrays.items()}


def vector(name: str, n: int = 4) -> TensorSpec:
    return TensorSpec(TensorKey("z", "weights", name), (n,), "float32", ("neuron",), 0)


def half(name: str, first_neuron: int, n_in: int = 2) -> TensorSpec:
    grammar = Grammar(blocks=GATES, first_neuron=first_neuron)
    return TensorSpec(TensorKey("z", "weights", name), (n_in, 6), "float32", ("in", "neuron"), 1, grammar=grammar)


def drawn(recording: Recording, **request: Any) -> Any:
    """Return the header of the layer's weights on a page that asks for them."""
    watch = Watch(1, "page", "z", -1, 0, [MapRequest("weights", 64, 64, **request)])
    message, _ = frame_message(recording, watch, keys_of(recording, watch), 0, 1, exact=True)
    return message.planes[0]


def test_vectors_of_a_normalization_are_rows_with_their_names() -> None:
    recording, arrays = recorded([vector("gamma"), vector("beta"), vector("moving_mean"), vector("count", 1)])
    frame = stacked(recording, recording.frame(TensorKey("z", "weights", "gamma")))
    np.testing.assert_array_equal(frame.array, [arrays["gamma"], arrays["beta"], arrays["moving_mean"]])
    layout = layout_of(frame)
    assert layout.rows.labels == (("gamma", "beta", "moving_mean"),)
    assert (layout.rows.full, layout.n_neurons) == (3, 4)
    assert not frame.array.flags.writeable


def test_kernels_of_both_halves_lie_side_by_side_gate_by_gate() -> None:
    recording, arrays = recorded([half("f/kernel", 0), half("b/kernel", 2), half("f/recurrent_kernel", 0)])
    frame = stacked(recording, recording.frame(TensorKey("z", "weights", "f/kernel")))
    layout = layout_of(frame)
    assert (layout.rows.names, layout.rows.labels[0], layout.n_neurons) == (("gate", "in"), GATES, 4)
    for neuron in range(4):
        of, unit = (arrays["f/kernel"], neuron) if neuron < 2 else (arrays["b/kernel"], neuron - 2)
        for gate in range(3):
            for row in range(2):
                index = layout.index(layout.rows.cell((gate, row)), neuron)
                assert frame.array[index] == of[row, 2 * gate + unit]


def test_both_halves_of_a_step_are_joined_once() -> None:
    recording, arrays = recorded([half("f/kernel", 0), half("b/kernel", 2)])
    key = TensorKey("z", "weights", "f/kernel")
    first, again = (stacked(recording, recording.frame(key)) for _ in range(2))
    assert again.array is first.array
    assert not first.array.flags.writeable
    recording.add_tensors(0, {key: arrays["f/kernel"] + 1})
    other = stacked(recording, recording.frame(key)).array
    np.testing.assert_array_equal(other - first.array == 0, np.tile([False, False, True, True], (2, 3)))


def test_a_half_alone_stands_below_no_neuron_unless_it_is_the_first() -> None:
    recording, _ = recorded([half("f/kernel", 0), half("b/kernel", 2)])
    assert layout_of(recording.frame(TensorKey("z", "weights", "f/kernel"))).neuron_cols == 1
    assert layout_of(recording.frame(TensorKey("z", "weights", "b/kernel"))).neuron_cols == 0


def test_a_page_that_names_no_variable_gets_the_stack_and_its_values() -> None:
    recording, arrays = recorded([vector("gamma"), vector("beta")])
    plane = drawn(recording)
    assert (plane.full_rows, plane.full_cols, plane.variable) == (2, 4, None)
    assert plane.row_axes[0].labels == ["gamma", "beta"]
    place = ReadValues(1, "page", "z", -1, 0, "weights", 1, 3)
    assert value_text(recording, place) == str(arrays["beta"][3])
    one = drawn(recording, variable="beta")
    assert (one.full_rows, one.variable) == (1, "beta")


@pytest.mark.parametrize(
    "specs",
    [
        [TensorSpec(TensorKey("z", "weights", "kernel"), (3, 4), "float32", ("in", "neuron"), 1), vector("bias")],
        [vector("gamma")],
        [vector("gamma"), vector("beta", 5)],
        [half("f/kernel", 0), half("f/recurrent_kernel", 0)],
        [half("f/kernel", 0), half("b/kernel", 0)],
    ],
)
def test_what_does_not_belong_together_is_drawn_alone(specs: list[TensorSpec]) -> None:
    recording, _ = recorded(specs)
    frame = recording.frame(specs[0].key)
    assert companions(recording, frame.key) == (frame.key,)
    assert stacked(recording, frame) is frame


def test_activations_have_no_companions() -> None:
    key = TensorKey("z", "activations")
    assert companions(recorded([vector("gamma")])[0], key) == (key,)


def test_every_companion_is_read_at_a_step_at_which_one_is_wanted() -> None:
    specs = [vector("gamma"), vector("beta")]
    assert every_key(recorded(specs)[0], [specs[0].key]) == {spec.key for spec in specs}


def test_one_stands_alone_at_a_step_at_which_the_others_are_not_kept() -> None:
    specs = [vector("gamma"), vector("beta")]
    recording, arrays = recorded(specs)
    recording.add_tensors(3, {specs[0].key: arrays["gamma"] + 1})
    frame = recording.frame(specs[0].key, 3)
    assert stacked(recording, frame) is frame


def test_large_kernels_are_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    recording, _ = recorded([half("f/kernel", 0), half("b/kernel", 2)])
    frame = recording.frame(TensorKey("z", "weights", "f/kernel"))
    monkeypatch.setattr(stack, "MOST_BYTES", 10)
    assert stacked(recording, frame) is frame


def test_the_second_call_of_a_layer_shows_what_stands_for_the_first() -> None:
    specs = [vector("mean"), vector("variance")]
    calls = tuple(LayerInfo(path, "z", "Z", (None, 4), ("mean", "variance"), 0, 1, 4) for path in ("z", "z#1"))
    recording = Recording()
    recording.set_catalogue(Catalogue(calls, tuple(specs)))
    assert key_of(recording, "z#1", "weights") == key_of(recording, "z", "weights") == specs[0].key


@pytest.mark.parametrize(
    ("specs", "called"),
    [
        ([vector("gamma"), vector("beta")], "all"),
        ([vector("mean"), vector("variance"), vector("count", 1)], "mean + variance"),
        ([half("f/kernel", 0), half("b/kernel", 2)], "all"),
        ([vector("gamma")], ""),
        ([vector("gamma"), vector("beta", 5)], ""),
    ],
)
def test_the_layer_list_says_what_is_drawn_together(specs: list[TensorSpec], called: str) -> None:
    recording, _ = recorded(specs)
    (entry,) = layers_message(recording, 4).layers
    assert entry.together == called
