"""Figures say what they show, in numbers and words, over everything that a recording can hold."""

import ml_dtypes
import numpy as np
import plotly.graph_objects as go
import pytest

from nnviz_widgets.core.figure_series import _smoothed, _thinned
from nnviz_widgets.core.figure_style import NON_FINITE
from nnviz_widgets.core.frame import Catalogue, TensorKey, TensorSpec
from nnviz_widgets.core.recording import Recording
from tests.core.catalogues import arrays_of, dense, layer, reading_of

KEY = TensorKey("dense", "weights", "kernel")


@pytest.fixture
def recording():
    """Sixty steps over three epochs, with a validation loss at the end of each; vitals every third step."""
    recording = Recording("small")
    catalogue = dense(6, 4, 3)
    recording.set_catalogue(catalogue)
    for step in range(1, 61):
        recording.add_step(step, (step - 1) // 20, (step - 1) % 20, {"batch_loss": 2 / step, "accuracy": step / 60})
        if step % 20 == 0:
            recording.amend_step(step, {"val_loss": 3 / step})
        if step % 3 == 0:
            arrays = arrays_of(catalogue, seed=step)
            recording.add_vitals(step, reading_of(catalogue, arrays))
            recording.add_tensors(step, arrays)
    return recording


def of_array(
    array: np.ndarray, axes: tuple[str, ...] = (), kind="weights", neuron_axis: int | None = None
) -> Recording:
    """Make a recording of one tensor at step 5."""
    key = TensorKey("dense", kind, "kernel" if kind == "weights" else None)
    recording = Recording()
    spec = TensorSpec(key, array.shape, array.dtype.name, axes, neuron_axis)
    recording.set_catalogue(Catalogue((layer("dense", 4),), (spec,)))
    recording.add_tensors(5, {key: array})
    return recording


def traces(figure: go.Figure) -> dict[str, go.Scatter]:
    return {trace.name: trace for trace in figure.data}


def subtitle(figure: go.Figure) -> str:
    return figure.layout.title.subtitle.text


def said(figure: go.Figure) -> list[str]:
    return [annotation.text for annotation in figure.layout.annotations]


def test_metrics_show_the_raw_and_the_smoothed_loss_and_mark_epochs(recording):
    figure = recording.figure.metrics()
    assert type(figure) is go.Figure
    assert figure.layout.title.text == "Metrics of small"
    by_name = traces(figure)
    np.testing.assert_array_equal(by_name["batch_loss"].y, 2 / np.arange(1, 61))
    assert by_name["batch_loss"].opacity < 1
    assert len(by_name["batch_loss, smoothed"].x) == 60
    assert said(figure) == ["epoch 2", "epoch 3"]
    assert {shape.x0 for shape in figure.layout.shapes} == {20.5, 40.5}


def test_a_metric_of_some_steps_is_drawn_at_those(recording):
    trace = traces(recording.figure.metrics())["val_loss"]
    assert list(trace.x) == [20, 40, 60]
    assert "markers" in trace.mode


def test_metrics_say_when_the_loss_stopped_being_a_number(recording):
    recording.add_step(61, 3, 0, {"batch_loss": np.inf})
    recording.add_step(62, 3, 1, {"batch_loss": np.nan})
    assert "batch_loss is not finite at 2 steps, first at 61" in subtitle(recording.figure.metrics())


def test_metrics_of_no_steps_say_so():
    assert said(Recording().figure.metrics()) == ["no step was taken yet"]


def test_metrics_that_are_never_a_number_are_drawn_without_a_warning():
    recording = Recording()
    for step in range(1, 4):
        recording.add_step(step, 0, step, {"batch_loss": np.nan, "gradient_l2": np.nan})
    assert "first at 1" in subtitle(recording.figure.metrics())


def test_a_long_run_is_drawn_by_its_extremes():
    recording = Recording()
    for step in range(1, 50_001):
        recording.add_step(step, step // 1000, 0, {"batch_loss": 77.0 if step == 31_234 else 1.0})
    figure = recording.figure.metrics()
    assert max(traces(figure)["batch_loss"].y) == 77.0
    assert all(len(trace.x) <= 4000 for trace in figure.data)
    assert len(said(figure)) <= 12


def test_thinning_a_line_keeps_gaps_and_extremes():
    values = np.ones(10_000)
    values[:5000] = np.nan
    values[7777] = -3.0
    steps, drawn = _thinned(np.arange(10_000), values)
    assert np.isnan(drawn[steps < 4990]).all()
    assert np.nanmin(drawn) == -3.0


def test_a_spike_does_not_spoil_what_is_smoothed_after_it():
    values = np.ones(20_000)
    values[100] = 1e30
    values[200] = np.nan
    steps, smooth = _smoothed(np.arange(20_000), values)
    np.testing.assert_allclose(smooth[(steps > 2000) & (steps < 19_000)], 1.0)


def test_vitals_draw_a_line_for_each_layer_in_each_panel(recording):
    figure = recording.figure.vitals()
    assert [trace.name for trace in figure.data] == ["dense", "dense_1"] * 3
    assert [trace.showlegend for trace in figure.data] == [True, True, False, False, False, False]
    assert figure.layout.yaxis.type == figure.layout.yaxis2.type == "log"
    expected = recording.vitals("dense_1", "gradients")
    np.testing.assert_array_equal(figure.data[1].x, expected.index)
    np.testing.assert_array_equal(figure.data[1].y, expected["l2"])


def test_vitals_of_one_layer_draw_a_line_for_each_variable(recording):
    figure = recording.figure.vitals("dense")
    assert [trace.name for trace in figure.data] == ["kernel", "bias", "kernel", "bias", "output"]


def test_vitals_say_since_when_values_are_no_numbers(recording):
    catalogue = recording.catalogue
    for step in (61, 62):
        arrays = arrays_of(catalogue, seed=step)
        arrays[TensorKey("dense_1", "gradients", "kernel")][0, step - 61] = np.nan
        recording.add_vitals(step, reading_of(catalogue, arrays))
    assert subtitle(recording.figure.vitals()) == "dense_1 kernel gradients: NaN or Inf since step 61"
    assert subtitle(recording.figure.vitals("dense")) == ""


def test_vitals_that_were_not_read_say_so():
    recording = Recording()
    recording.set_catalogue(dense(3, 2))
    assert said(recording.figure.vitals()) == ["no vitals were read yet"]


def test_a_map_of_weights_is_symmetric_around_zero_and_names_its_axes(recording):
    figure = recording.figure.heatmap("dense", "weights", step=30)
    trace = figure.data[0]
    assert figure.layout.title.text == "dense · kernel weights at step 30"
    np.testing.assert_array_equal(trace.z, recording.tensor("dense", "weights", step=30))
    assert trace.zmin == -trace.zmax < 0
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("neuron", "in")
    assert list(figure.layout.yaxis.range) == [5.5, -0.5]  # the first row is at the top


def test_a_map_of_activations_starts_at_zero():
    recording = of_array(np.array([[0.0, 0.5], [0.2, 0.0]], np.float32), ("sample", "neuron"), "activations", 1)
    trace = recording.figure.heatmap("dense", "activations").data[0]
    assert (trace.zmin, trace.zmax) == (0.0, 0.5)


def test_a_column_is_a_neuron_whatever_its_axis():
    array = np.arange(24.0).reshape(2, 3, 4)
    figure = of_array(array, ("y", "neuron", "x"), neuron_axis=1).figure.heatmap("dense", "weights")
    np.testing.assert_array_equal(figure.data[0].z[:, 1], array[:, 1, :].ravel())
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("neuron", "y × x")


def test_N01_a_map_says_how_many_cells_are_no_numbers_and_colours_them():
    array = np.array([[1.0, np.nan], [np.inf, -np.inf]], np.float32)
    figure = of_array(array, ("in", "neuron"), neuron_axis=1).figure.heatmap("dense", "weights")
    assert "magenta: 1 NaN, 1 +Inf, 1 −Inf" in subtitle(figure)
    assert figure.layout.plot_bgcolor == NON_FINITE
    assert "not drawn: 1 NaN, 1 +Inf, 1 −Inf" in subtitle(
        of_array(array, ("in", "neuron")).figure.histogram("dense", "weights")
    )


@pytest.mark.parametrize("draw", ["heatmap", "histogram"])
@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.full((2, 2), np.nan, np.float32), "no finite values: 4 NaN"),
        (np.empty((0, 5), np.float32), "shape (0, 5): no values"),
    ],
    ids=["N01", "N05"],
)
def test_N01_N05_nothing_to_draw_is_said_in_words(draw, array, text):
    figures = of_array(array, ("in", "neuron"), neuron_axis=1).figure
    assert said(getattr(figures, draw)("dense", "weights")) == [text]


def test_N07_an_outlier_leaves_the_rest_visible_and_is_counted():
    array = np.random.default_rng(0).normal(size=(100, 100)).astype(np.float32)
    array[3, 4] = 1e12
    figures = of_array(array, ("in", "neuron"), neuron_axis=1).figure
    assert figures.heatmap("dense", "weights").data[0].zmax < 3
    assert "values −3" in subtitle(figures.heatmap("dense", "weights"))
    assert "to 1e+12" in subtitle(figures.heatmap("dense", "weights"))
    histogram = figures.histogram("dense", "weights")
    assert sum(histogram.data[0].y) == 9999
    assert "1 above" in subtitle(histogram)


ZOO = {
    "constant": np.full((2, 2), 3.0, np.float32),
    "zeros": np.zeros((2, 2)),
    "denormals": np.full((2, 2), 1e-45, np.float32),
    "smallest": np.array([[0.0, 5e-324]]),
    "almost equal": np.array([[1.0, np.nextafter(1.0, 2.0)]]),
    "float16": np.array([[65504, -65504]], np.float16),
    "bfloat16": np.array([[1.5, -2.0]], ml_dtypes.bfloat16),
    "float8": np.array([[448.0, 0.5]], ml_dtypes.float8_e4m3fn),
    "int4": np.array([[7, -8]], ml_dtypes.int4),
    "1e300": np.array([[1e300, -1e300], [1e300, 1e300]]),
    "constant 1e300": np.full((2, 2), 1e300),
    "int8": np.array([[127, -128]], np.int8),
    "uint64": np.array([[2**64 - 1, 0]], np.uint64),
    "bool": np.array([[True, False]]),
    "complex": np.array([[3 + 4j, 1j]]),
    "scalar": np.array(2.5),
    "vector": np.arange(4.0),
    "rank 7": np.ones((1, 2, 1, 2, 1, 2, 1)),
    "1xN": np.ones((1, 5)),
    "Nx1": np.ones((5, 1)),
    "negative": np.array([[-5.0, -3.0]]),
}


@pytest.mark.parametrize("kind", ["weights", "activations"])
@pytest.mark.parametrize("name", ZOO)
def test_N02_N03_N04_N05_anything_can_be_drawn(name, kind):
    array = ZOO[name]
    figures = of_array(array.copy(), tuple(f"axis {n}" for n in range(array.ndim)), kind).figure
    trace = figures.heatmap("dense", kind).data[0]
    assert np.isfinite([trace.zmin, trace.zmax]).all()
    assert trace.zmin < trace.zmax
    assert np.asarray(trace.z).size == array.size
    histogram = figures.histogram("dense", kind).data[0]
    assert sum(histogram.y) == array.size


def test_a_big_tensor_is_pooled_and_keeps_its_one_NaN():
    array = np.zeros((1500, 700), np.float32)
    array[1234, 567] = np.nan
    array[7, 9] = -5.0
    figure = of_array(array, ("in", "neuron"), neuron_axis=1).figure.heatmap("dense", "weights")
    cells = np.asarray(figure.data[0].z)
    assert cells.shape == (500, 350)
    assert np.isnan(cells).sum() == 1
    assert cells[2, 4] == -5.0
    assert "a cell is the max |value| of 3 × 2 values" in subtitle(figure)
    assert (figure.data[0].x0, figure.data[0].dx, figure.data[0].dy) == (0.5, 2, 3)


def test_a_histogram_counts_every_value(recording):
    figure = recording.figure.histogram("dense", "weights", step=30, variable="kernel")
    assert sum(figure.data[0].y) == 24
    assert "24 values, mean" in subtitle(figure)


def test_N03_what_is_too_wide_for_a_histogram_is_counted():
    figures = of_array(np.array([[1.79e308, -1.79e308, 0.0]])).figure
    assert figures.heatmap("dense", "weights").data[0].zmax == 1.79e308
    histogram = figures.histogram("dense", "weights")
    assert sum(histogram.data[0].y) == 1
    assert "1 below" in subtitle(histogram)
    assert "1 above" in subtitle(histogram)


def test_figures_are_plain_and_small(recording):
    """A FigureWidget carries 4.96 MB of its own code; a figure is its numbers."""
    figures = recording.figure
    for figure in (figures.metrics(), figures.vitals(), figures.heatmap("dense", "weights")):
        assert type(figure) is go.Figure
        assert len(figure.to_json()) < 50_000
