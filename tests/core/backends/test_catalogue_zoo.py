"""Every kind of layer is read by its own grammar, and every value of every tensor has a place on its picture."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnviz_widgets.core import stats
from nnviz_widgets.core.backends.tensorflow.catalogue import containers_first
from nnviz_widgets.core.frame import NEURON_STATISTICS, TensorKey
from nnviz_widgets.core.probe import Probe
from nnviz_widgets.errors import TensorUnavailable
from nnviz_widgets.pictures.layer_list import layers_message
from nnviz_widgets.pictures.layout import layout_of
from nnviz_widgets.pictures.stack import stacked
from tests.core import networks
from tests.core.backends import layer_zoo as zoo
from tests.core.backends.architectures import ARCHITECTURES
from tests.core.networks import assert_same_weights, seeded, weights_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnviz_widgets.core.frame import Frame
    from nnviz_widgets.core.recording import Recording
    from nnviz_widgets.pictures.layout import Layout
    from tests.core.networks import Network

UNCONNECTED = "ignore:Gradients do not exist"
OF_VARIABLES = ("weights", "gradients")
PARITY = ("nested", "subclassed", "recurrent", "attention")
FORWARD = "forward_l/lstm_cell/kernel"


def recorded(network: Network) -> Recording:
    """Take one step with everything read."""
    with network.session(probe=Probe(every=1)) as session:
        session.step()
        return session.recording


def looks(frame: Frame) -> list[Layout]:
    """Return the layouts of a tensor at every place of every slider."""
    start = layout_of(frame)
    names = [each.name for each in start.further]
    n_samples = 1 if start.sample_axis is None else start.view.shape[start.sample_axis]
    places = itertools.product(range(n_samples), *(range(each.size) for each in start.further))
    return [layout_of(frame, sample, dict(zip(names, at, strict=True))) for sample, *at in places]


def assert_every_value_has_a_place(frame: Frame) -> None:
    """Fail unless each value is in one cell of one picture, which shows it, in a column of its own neuron."""
    seen = []
    for layout in looks(frame):
        tiles = layout.arrange(frame.array)
        cells, shown = [], []
        for row, column in itertools.product(range(layout.rows.full), range(layout.cols.full)):
            index = layout.index(row, column)
            if index is not None:
                cells.append((*divmod(row, layout.rows.pitch), *divmod(column, layout.cols.pitch)))
                shown.append(index)
        np.testing.assert_array_equal([frame.array[index] for index in shown], [tiles[cell] for cell in cells])
        seen += shown
    assert len(seen) == len(set(seen)) == frame.array.size


def assert_all_can_be_drawn(recording: Recording) -> None:
    """Fail unless all tensors have a picture and statistics per neuron that are those of the columns."""
    for spec in recording.catalogue.specs:
        frame = recording.frame(spec.key)
        where = {"variable": spec.key.variable, "output": spec.key.output}
        np.testing.assert_array_equal(recording.tensor(spec.key.layer, spec.key.kind, **where), frame.array)
        assert len(spec.axes) == frame.array.ndim
        if frame.array.size < 2000:
            assert_every_value_has_a_place(frame)
        layout = layout_of(frame)
        if spec.n_neurons is None:
            assert layout.neuron_cols == 0
            continue
        assert layout.n_neurons == (spec.n_neurons if spec.grammar.own and not spec.grammar.first_neuron else 0)
        slow = stats.neuron_statistics(frame.array, spec.neuron_axis, spec.n_neurons)
        for i, statistic in enumerate(NEURON_STATISTICS):
            fast = recording.neurons(spec.key.layer, spec.key.kind, statistic, **where)[-1]
            np.testing.assert_allclose(fast, slow[i], rtol=2e-4, atol=1e-5, err_msg=str(spec.key))


CASES: dict[str, tuple[Callable[[], Network], dict[str, tuple[Any, ...]], str]] = {
    # variable, or "" for the output: axes on the rows, on the columns, further ones, and neurons side by side
    "Dense": (
        lambda: zoo.one(zoo.VECTOR, lambda k: k.Dense(3, name="z")),
        {"kernel": ("in", "neuron", "", 3), "bias": ("", "neuron", "", 3), "": ("sample", "neuron", "", 3)},
        "Dense 6 → 3",
    ),
    "Conv1D": (
        lambda: zoo.one(zoo.SEQUENCE, lambda k: k.Conv1D(3, 2, name="z")),
        {"kernel": ("in time", "filter", "", 3), "": ("time", "filter", "", 3)},
        "Conv1D 2, 4 → 3",
    ),
    "Conv2D": (
        lambda: zoo.one(zoo.IMAGE, lambda k: k.Conv2D(3, 2, name="z")),
        {"kernel": ("in y", "filter x", "", 3), "bias": ("", "filter", "", 3), "": ("y", "filter x", "", 3)},
        "Conv2D 2×2, 2 → 3",
    ),
    "Conv2D, one value a kernel": (
        lambda: zoo.one(zoo.IMAGE, lambda k: k.Conv2D(3, 1, name="z")),
        {"kernel": ("in y", "filter x", "", 3)},
        "Conv2D 1×1, 2 → 3",
    ),
    "Conv3D": (
        lambda: zoo.one(zoo.VOLUME, lambda k: k.Conv3D(3, 2, name="z")),
        {"kernel": ("in y", "filter x", "z", 3), "": ("y", "filter x", "z", 3)},
        "Conv3D 2×2×2, 2 → 3",
    ),
    "Conv1DTranspose": (
        lambda: zoo.one(zoo.SEQUENCE, lambda k: k.Conv1DTranspose(3, 2, name="z")),
        {"kernel": ("in time", "filter", "", 3)},
        "Conv1DTranspose 2, 4 → 3",
    ),
    "Conv2DTranspose": (
        lambda: zoo.one(zoo.IMAGE, lambda k: k.Conv2DTranspose(3, 2, name="z")),
        {"kernel": ("in y", "filter x", "", 3)},
        "Conv2DTranspose 2×2, 2 → 3",
    ),
    "Conv3DTranspose": (
        lambda: zoo.one(zoo.VOLUME, lambda k: k.Conv3DTranspose(3, 2, name="z")),
        {"kernel": ("in y", "filter x", "z", 3)},
        "Conv3DTranspose 2×2×2, 2 → 3",
    ),
    "DepthwiseConv1D": (
        lambda: zoo.one(zoo.SEQUENCE, lambda k: k.DepthwiseConv1D(2, depth_multiplier=2, name="z")),
        {"kernel": ("time", "filter", "", 8), "bias": ("", "filter", "", 8), "": ("time", "filter", "", 8)},
        "DepthwiseConv1D 2, 4 → 8",
    ),
    "DepthwiseConv2D": (
        lambda: zoo.one(zoo.IMAGE, lambda k: k.DepthwiseConv2D(2, depth_multiplier=2, name="z")),
        {"kernel": ("y", "filter x", "", 4), "": ("y", "filter x", "", 4)},
        "DepthwiseConv2D 2×2, 2 → 4",
    ),
    "SeparableConv1D": (
        lambda: zoo.one(zoo.SEQUENCE, lambda k: k.SeparableConv1D(3, 2, depth_multiplier=2, name="z")),
        {"pointwise_kernel": ("in time", "filter", "", 3), "depthwise_kernel": ("time", "filter", "", 0)},
        "SeparableConv1D 2, 4 → 3",
    ),
    "SeparableConv2D": (
        lambda: zoo.one(zoo.IMAGE, lambda k: k.SeparableConv2D(3, 2, name="z")),
        {"pointwise_kernel": ("in y", "filter x", "", 3), "depthwise_kernel": ("y", "filter x", "", 0)},
        "SeparableConv2D 2×2, 2 → 3",
    ),
    "Embedding": (
        zoo.tokens,
        {"embeddings": ("token", "neuron", "", 4), "": ("time", "neuron", "", 4)},
        "Embedding 1,000 × 4",
    ),
    "SimpleRNN": (
        lambda: zoo.one(zoo.SEQUENCE, lambda k: k.SimpleRNN(3, name="z")),
        {
            "kernel": ("in", "neuron", "", 3),
            "recurrent_kernel": ("state", "neuron", "", 3),
            "bias": ("", "neuron", "", 3),
        },
        "SimpleRNN 4 → 3",
    ),
    "LSTM": (
        lambda: zoo.one(zoo.SEQUENCE, lambda k: k.LSTM(3, return_sequences=True, name="z")),
        {
            "kernel": ("gate in", "neuron", "", 3),
            "recurrent_kernel": ("gate state", "neuron", "", 3),
            "bias": ("gate", "neuron", "", 3),
            "": ("time", "neuron", "", 3),
        },
        "LSTM 4 → 3",
    ),
    "GRU": (
        lambda: zoo.one(zoo.SEQUENCE, lambda k: k.GRU(3, name="z")),
        {
            "kernel": ("gate in", "neuron", "", 3),
            "bias": ("bias gate", "neuron", "", 3),
            "": ("sample", "neuron", "", 3),
        },
        "GRU 4 → 3",
    ),
    "GRU, one bias": (
        lambda: zoo.one(zoo.SEQUENCE, lambda k: k.GRU(3, reset_after=False, name="z")),
        {"bias": ("gate", "neuron", "", 3)},
        "GRU 4 → 3",
    ),
    "ConvLSTM2D": (
        lambda: zoo.one(zoo.FILM, lambda k: k.ConvLSTM2D(3, 2, return_sequences=True, name="z")),
        {
            "kernel": ("gate in y", "filter x", "", 3),
            "recurrent_kernel": ("gate state y", "filter x", "", 3),
            "bias": ("gate", "neuron", "", 3),
            "": ("y", "filter x", "time", 3),
        },
        "ConvLSTM2D 2×2, 2 → 3",
    ),
    "Bidirectional": (
        lambda: zoo.one(zoo.SEQUENCE, lambda k: k.Bidirectional(k.LSTM(3, name="l"), name="z")),
        {
            FORWARD: ("gate in", "neuron", "", 3),
            "backward_l/lstm_cell/bias": ("gate", "neuron", "", 0),
            "": ("sample", "neuron", "", 6),
        },
        "Bidirectional 4 → 6",
    ),
    "StackedRNNCells": (
        lambda: zoo.one(zoo.SEQUENCE, lambda k: k.RNN([k.LSTMCell(2, name="a"), k.GRUCell(3, name="b")], name="z")),
        {"a/kernel": ("gate in", "neuron", "", 0), "b/kernel": ("gate in", "neuron", "", 3)},
        "RNN 4 → 3",
    ),
    "TimeDistributed": (
        lambda: zoo.one(zoo.FILM, lambda k: k.TimeDistributed(k.Conv2D(3, 2), name="z")),
        {"kernel": ("in y", "filter x", "", 3), "": ("y", "filter x", "time", 3)},
        "TimeDistributed 2×2, 2 → 3",
    ),
    "MultiHeadAttention": (
        lambda: zoo.attention("MultiHeadAttention", scores=True, num_heads=2, key_dim=3),
        {
            "query/kernel": ("in", "dim", "head", 0),
            "query/bias": ("head", "dim", "", 0),
            "attention_output/kernel": ("dim", "neuron", "head", 4),
            "attention_output/bias": ("", "neuron", "", 4),
            "": ("time", "neuron", "", 4),
        },
        "MultiHeadAttention 2 heads × 3",
    ),
    "GroupedQueryAttention": (
        lambda: zoo.attention(
            "GroupQueryAttention", scores=False, num_query_heads=4, num_key_value_heads=2, head_dim=3
        ),
        {"query/kernel": ("in", "dim", "head", 0), "attention_output/kernel": ("dim", "neuron", "head", 4)},
        "GroupedQueryAttention 4 heads × 3",
    ),
    "BatchNormalization": (
        lambda: zoo.one(zoo.IMAGE, lambda k: k.BatchNormalization(name="z")),
        dict.fromkeys(("gamma", "beta", "moving_mean", "moving_variance"), ("", "filter", "", 2)),
        "BatchNormalization 6×6×2",
    ),
    "LayerNormalization over two axes": (
        lambda: zoo.one(zoo.SEQUENCE, lambda k: k.LayerNormalization(axis=[1, 2], name="z")),
        {"gamma": ("time", "neuron", "", 4)},
        "LayerNormalization 5×4",
    ),
    "PReLU": (
        lambda: zoo.one(zoo.IMAGE, lambda k: k.PReLU(name="z")),
        {"alpha": ("y", "filter x", "", 2)},
        "PReLU 6×6×2",
    ),
    "EinsumDense": (
        lambda: zoo.one(zoo.SEQUENCE, lambda k: k.EinsumDense("abc,cd->abd", (5, 3), bias_axes="d", name="z")),
        {"kernel": ("in", "neuron", "", 3)},
        "EinsumDense 4 → 3",
    ),
}


@pytest.mark.filterwarnings(UNCONNECTED)
@pytest.mark.parametrize("name", CASES)
def test_each_kind_of_layer_lies_as_its_grammar_says(name: str) -> None:
    make, expected, words = CASES[name]
    recording = recorded(make())
    (entry,) = layers_message(recording, zoo.N).layers
    assert entry.summary == words
    for variable, (rows, cols, further, n_neurons) in expected.items():
        for kind in OF_VARIABLES if variable else ("activations", "activation_gradients"):
            if kind == "gradients" and variable.startswith("moving"):
                continue
            layout = layout_of(recording.frame(recording.resolve("z", kind, variable or None)))
            assert " ".join(layout.rows.names) == rows, (variable, kind)
            assert " ".join(layout.cols.names) == cols, (variable, kind)
            assert " ".join(each.name for each in layout.further) == further, (variable, kind)
            assert layout.n_neurons == n_neurons, (variable, kind)
            assert not variable or variable in entry.variables
    assert_all_can_be_drawn(recording)


@pytest.mark.parametrize(("rank", "shape"), [(2, zoo.VECTOR), (3, zoo.SEQUENCE), (4, zoo.IMAGE), (5, zoo.VOLUME)])
def test_every_simple_layer_of_keras_can_be_drawn(rank: int, shape: tuple[int, ...]) -> None:
    made = zoo.simple_layers(rank)
    recording = recorded(zoo.many(shape, made))
    assert_all_can_be_drawn(recording)
    entries = {entry.path: entry for entry in layers_message(recording, zoo.N).layers}
    for name in made:
        entry = entries[name]
        assert "activations" in entry.tensors
        assert bool(entry.variables) == ("weights" in entry.tensors)
        assert entry.variables or "has no variables" in entry.reasons["weights"]


def test_gates_are_in_the_order_of_keras() -> None:
    """The forget gate is found by its bias, which Keras starts at 1; a GRU's update gate by keeping the state."""
    recording = recorded(zoo.one(zoo.SEQUENCE, lambda k: k.LSTM(3, name="z")))
    frame = recording.frame(TensorKey("z", "weights", "bias"), 0)
    layout = layout_of(frame)
    ones = [row for row in range(4) if all(frame.array[layout.index(row, unit)] == 1 for unit in range(3))]
    assert [layout.rows.labels[0][row] for row in ones] == ["forget"]
    (gate,) = layout_of(
        recorded(zoo.one(zoo.SEQUENCE, lambda k: k.GRU(3, reset_after=False, name="z"))).frame(
            TensorKey("z", "weights", "bias")
        )
    ).rows.dimensions
    assert gate.labels == ["update", "reset", "candidate"]


def test_columns_of_a_depthwise_kernel_are_the_filters_that_they_make() -> None:
    """The filter of a column is the one that changes when the column does."""
    import keras

    layer = keras.layers.DepthwiseConv2D(2, depth_multiplier=3, use_bias=False, name="z")
    recording = recorded(zoo.one(zoo.IMAGE, lambda k: layer))
    frame = recording.frame(TensorKey("z", "weights", "kernel"))
    layout = layout_of(frame)
    x = zoo.numbers(*zoo.IMAGE)
    before = layer(x).numpy()
    for neuron in range(6):
        changed = frame.array.copy()
        changed[layout.index(0, neuron * layout.neuron_cols)] += 1
        layer.kernel.assign(changed)
        differs = (layer(x).numpy() != before).any(axis=(0, 1, 2))
        assert np.flatnonzero(differs).tolist() == [neuron]


def test_halves_of_a_bidirectional_layer_stand_below_their_neurons() -> None:
    recording = recorded(CASES["Bidirectional"][0]())
    firsts = {
        spec.key.variable.split("_")[0]: spec.grammar.first_neuron
        for spec in recording.catalogue.specs
        if spec.key.kind == "weights"
    }
    assert firsts == {"forward": 0, "backward": 3}
    assert layout_of(stacked(recording, recording.frame(TensorKey("z", "weights", FORWARD)))).n_neurons == 6


def test_attention_scores_are_an_output_with_a_name_or_the_reason_is_given() -> None:
    recording = recorded(CASES["MultiHeadAttention"][0]())
    (entry,) = layers_message(recording, zoo.N).layers
    assert entry.outputs == ["output", "attention_scores"]
    scores = recording.tensor("z", "activations", output=1)
    np.testing.assert_allclose(scores.sum(axis=-1), 1, rtol=1e-5)
    layout = layout_of(recording.frame(recording.resolve("z", "activations", output=1)), at={"head": 1})
    assert (layout.rows.names, layout.cols.names) == (("query",), ("key",))
    assert [(each.name, each.index) for each in layout.further] == [("head", 1)]
    without = recorded(CASES["GroupedQueryAttention"][0]())
    assert "return_attention_scores=True" in str(without.spec(without.resolve("z", "activations")).note)


@pytest.mark.filterwarnings(UNCONNECTED)
def test_states_of_recurrent_layers_are_outputs_with_names() -> None:
    made = {
        "LSTM": (lambda k: k.LSTM(3, return_state=True, name="z"), ["output", "hidden state", "cell state"]),
        "GRU": (lambda k: k.GRU(3, return_state=True, name="z"), ["output", "state"]),
        "Bidirectional": (
            lambda k: k.Bidirectional(k.GRU(3, return_state=True), name="z"),
            ["output", "forward state", "backward state"],
        ),
        "apart": (lambda k: k.Bidirectional(k.GRU(3), merge_mode=None, name="z"), ["forward", "backward"]),
    }
    for make, names in made.values():
        (entry,) = layers_message(recorded(zoo.one(zoo.SEQUENCE, make)), zoo.N).layers
        assert entry.outputs == names


def test_outputs_of_a_layer_of_the_users_own_have_its_names() -> None:
    recording = recorded(ARCHITECTURES["subclassed"]().network)
    entries = {entry.path: entry for entry in layers_message(recording, 8).layers}
    assert entries["halves"].outputs == ["left", "right"]
    assert entries["halves/inside"].outputs == []


def test_layers_without_variables_say_what_they_do_instead() -> None:
    import keras

    inputs = keras.Input((4,))
    x = keras.layers.Rescaling(2.0, offset=-1.0, name="rescaling")(inputs)
    x = keras.layers.Normalization(mean=1.0, variance=2.0, name="fixed")(x)
    x = keras.layers.Dropout(0.5, name="drop")(keras.layers.Dense(4, name="d")(x))
    model = keras.Model(inputs, keras.layers.Add(name="add")([x, inputs]))
    model.compile("sgd", "mse")
    recording = recorded(networks.Network(model, zoo.numbers(4), zoo.numbers(4)))
    assert "scale 2 and offset -1 are fixed numbers" in str(recording.why("rescaling", "weights"))
    assert "mean and variance" in str(recording.why("fixed", "weights"))
    assert "at random" in str(recording.why("drop", "gradients"))
    assert "combines its inputs" in str(recording.why("add", "weights"))


def test_an_adapted_normalization_has_its_statistics_as_variables() -> None:
    import keras

    layer = keras.layers.Normalization(name="z")
    layer.adapt(zoo.numbers(4))
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Dense(2, name="d")(layer(inputs)))
    model.compile("sgd", "mse")
    recording = recorded(networks.Network(model, zoo.numbers(4), zoo.numbers(2)))
    entry = layers_message(recording, zoo.N).layers[0]
    assert entry.variables == ["mean", "variance", "count"]
    assert "frozen" in str(recording.why("z", "gradients"))
    assert_all_can_be_drawn(recording)


def test_a_nested_model_is_listed_before_the_layers_in_it() -> None:
    recording = recorded(ARCHITECTURES["nested"]().network)
    entries = {entry.path: entry for entry in layers_message(recording, 8).layers}
    assert list(entries) == ["inner", "inner/a", "inner/b", "a"]
    assert entries["inner"].summary == "Sequential of 2 layers"
    np.testing.assert_array_equal(recording.tensor("inner", "activations"), recording.tensor("inner/b", "activations"))
    assert "listed with the layers in it" in entries["inner"].reasons["weights"]


@pytest.mark.parametrize(
    ("called", "listed"),
    [
        (["a/x", "a/y", "a", "b"], ["a", "a/x", "a/y", "b"]),
        (["a/x", "a", "a/x#1", "a#1"], ["a", "a/x", "a/x#1", "a#1"]),
        (["c/b/a", "c/b", "c"], ["c", "c/b", "c/b/a"]),
        (["a/x"], ["a/x"]),
    ],
)
def test_what_holds_others_comes_before_them(called: list[str], listed: list[str]) -> None:
    assert containers_first(called) == listed


def test_numbers_of_neurons_are_per_unit_also_where_gates_lie_side_by_side() -> None:
    recording = recorded(CASES["LSTM"][0]())
    kernel = recording.tensor("z", "weights").reshape(4, 4, 3)
    found = {statistic: recording.neurons("z", "weights", statistic)[-1] for statistic in NEURON_STATISTICS}
    np.testing.assert_allclose(found["l2"], np.sqrt((kernel**2).sum(axis=(0, 1))), rtol=1e-5)
    np.testing.assert_allclose(found["mean"], kernel.mean(axis=(0, 1)), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found["max"], kernel.max(axis=(0, 1)), rtol=1e-5)
    np.testing.assert_allclose(found["zeros"], 0)


def test_what_tells_of_no_neurons_says_so() -> None:
    recording = recorded(CASES["MultiHeadAttention"][0]())
    with pytest.raises(TensorUnavailable, match=r"no neurons.*\(in, head, dim\)"):
        recording.neurons("z", "weights", variable="query/kernel")


@seeded
def nested_sums() -> Network:
    """A model in the model whose output and input are added, which is where TensorFlow orders sums anew."""
    import keras

    inner = keras.Sequential([keras.layers.Dense(6, "relu"), keras.layers.Dense(6)], name="inner")
    inputs = keras.Input(zoo.VECTOR)
    outputs = keras.layers.Dense(2)(keras.layers.Add()([inner(inputs), inputs, inner(inputs * 0.5)]))
    model = keras.Model(inputs, outputs)
    model.compile("adam", "mse")
    return networks.Network(model, networks.features(width=6), networks.features(width=2))


@pytest.mark.parametrize("make", [nested_sums, *(lambda n=n: ARCHITECTURES[n]().network for n in PARITY)])
def test_training_is_bit_equal_to_fit_where_containers_and_wrappers_are_read(make: Callable[[], Network]) -> None:
    by_fit, network = make(), make()
    by_fit.fit()
    with network.session(probe=Probe(every=1)) as session:
        session.run()
        assert session.wait(120)
        assert session.state == "finished"
    assert_same_weights(weights_of(network.model), weights_of(by_fit.model))


def test_a_nested_model_that_is_called_twice_has_an_entry_for_each_call() -> None:
    recording = recorded(nested_sums())
    paths = [layer.path for layer in recording.layers]
    assert paths[:3] == ["inner", "inner/dense", "inner/dense_1"]
    assert {"inner#1", "inner/dense#1", "inner/dense_1#1"} < set(paths)
    np.testing.assert_array_equal(
        recording.tensor("inner#1", "activations"), recording.tensor("inner/dense_1#1", "activations")
    )
