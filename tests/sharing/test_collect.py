"""The twin: what a file shows is what the live view would be sent."""

from __future__ import annotations

import numpy as np
import pytest

from nnviz_widgets.core.frame import Catalogue, LayerInfo, TensorKey, TensorSpec
from nnviz_widgets.pictures.frames import frame_message, keys_of
from nnviz_widgets.protocol import MapRequest, Watch
from nnviz_widgets.sharing.live_file import live_file
from nnviz_widgets.sharing.privacy import Privacy
from tests.sharing import runs
from tests.sharing.files import SharedFile, values

EVERYTHING = Privacy(include=("activations", "gradients", "inputs", "labels"))


def opened(recording, **arguments):
    """The file of a recording, read again."""
    return SharedFile(live_file(recording, privacy=arguments.pop("privacy", EVERYTHING), **arguments).text)


def live(recording, layer, step, request, sample=0, neuron=0):
    """The header and the bfloat16 patterns that a page of the live view is sent."""
    watch = Watch(id=1, client="page", layer=layer, step=step, sample=sample, maps=[request], neuron=neuron)
    frame, buffers = frame_message(recording, watch, keys_of(recording, watch), step, 0, exact=False)
    (plane,) = frame.planes
    return plane, None if plane.buffer < 0 else np.frombuffer(buffers[plane.buffer], "<u2").reshape(plane.rows, -1)


def request_of(plane, size=8192):
    """The request that has this header as its answer."""
    at = {further.name: further.index for further in plane.further}
    return MapRequest(
        tensor=plane.tensor, max_rows=size, max_cols=size, variable=plane.variable, output=plane.output, at=at
    )


IGNORED = ("buffer", "histogram", "part", "value")


def assert_twins(shared, recording, size=8192, *, exact=True):
    """Compare every map of a file with the live view, cell by cell; returns how many there were."""
    n = 0
    for picture in shared.pictures(part="map"):
        plane = shared.document.headers[picture.header]
        if picture.cells < 0:
            continue
        n += 1
        wanted, bits = live(recording, picture.layer, picture.step, request_of(plane, size), picture.sample or 0)
        for name in plane.__struct_fields__:
            if name in IGNORED:
                continue
            found = getattr(picture, name) if hasattr(picture, name) else getattr(plane, name)
            assert found == getattr(wanted, name), name
        cells = shared.cells(picture)
        if exact or picture.palette < 0:
            assert np.array_equal(cells, bits)
        else:
            assert_near(values(cells), values(bits))
    return n


def assert_near(found, wanted):
    """Within a hundredth of what the colours are spread over."""
    finite = np.isfinite(wanted)
    assert np.array_equal(found[~finite], wanted[~finite], equal_nan=True)
    low, high = np.percentile(wanted[finite], [1, 99])
    inside = finite & (wanted >= low) & (wanted <= high)
    assert np.abs(found - wanted)[inside].max(initial=0) <= (high - low) / 100


def test_every_cell_is_that_of_the_live_view():
    recording = runs.run(4)
    # 2 kernels and 2 biases at 5 steps, their gradients at 4, 3 activations and 2 gradients of them at 4
    assert assert_twins(opened(recording), recording) == 4 * 5 + 4 * 4 + 3 * 4 + 2 * 4


def test_bytes_are_within_a_shade_of_the_live_view():
    recording = runs.run(10, known=runs.catalogue(n_hidden=40, side=8))
    shared = opened(recording, max_bytes=235_000)
    assert sum(picture.palette >= 0 for picture in shared.document.pictures) >= 10
    assert assert_twins(shared, recording, exact=False) > 50


def test_a_pooled_picture_is_that_of_a_live_view_of_its_size():
    known = runs.catalogue(n_hidden=400, side=20)
    recording = runs.run(3, known=known)
    shared = opened(recording, privacy=None, kinds="weights")
    pooled = shared.pictures("hidden", "weights", variable="kernel")
    plane = shared.document.headers[pooled[0].header]
    assert (plane.full_rows, plane.full_cols, plane.rows, plane.cols) == (400, 400, 200, 200)
    assert assert_twins(shared, recording, size=256, exact=False) > 3


def zoo():
    """Layers whose pictures are more than a matrix: maps of a convolution, a normalization, both halves, heads."""
    layers = tuple(
        LayerInfo(path, path, path, None, variables, 1, axis, n)
        for path, variables, axis, n in [
            ("conv", ("kernel",), 3, 5),
            ("norm", ("gamma", "beta"), 3, 5),
            ("attention", ("query/kernel",), None, 0),
        ]
    )
    specs = [
        TensorSpec(TensorKey("conv", "activations"), (None, 6, 7, 5), "float32", ("sample", "y", "x", "filter"), 3),
        TensorSpec(TensorKey("attention", "weights", "query/kernel"), (4, 3, 6), "float32", ("in", "head", "dim")),
    ]
    for kind in ("weights", "gradients"):
        axes = ("y", "x", "in", "filter")
        specs.append(TensorSpec(TensorKey("conv", kind, "kernel"), (3, 3, 2, 5), "float32", axes, 3))
        for name in ("gamma", "beta"):
            specs.append(TensorSpec(TensorKey("norm", kind, name), (5,), "float32", ("filter",), 0))
    return Catalogue(layers, tuple(specs))


@pytest.fixture(scope="module")
def zoo_run():
    known = zoo()
    recording = runs.Recording("zoo")
    recording.set_catalogue(known)
    rng = np.random.default_rng(0)
    for step in (1, 2):
        recording.add_step(step, 0, step - 1, {"loss": 1.0, "batch_loss": 1.0})
        arrays = {
            spec.key: rng.standard_normal([11 if n is None else n for n in spec.shape]).astype("f4")
            for spec in known.specs
        }
        arrays[TensorKey("conv", "activations")][3, 2, 1, 0] = np.nan if step == 2 else 1
        recording.add_tensors(step, arrays)
    return recording


def test_samples_slices_and_variables_together_are_those_of_the_live_view(zoo_run):
    shared = opened(zoo_run)
    assert assert_twins(shared, zoo_run) > 0
    samples = shared.pictures("conv", "activations", step=1)
    assert [picture.sample for picture in samples] == list(range(11))
    further = [shared.document.headers[picture.header].further for picture in shared.pictures("attention", step=1)]
    assert sorted(each[0].index for each in further) == list(range(len(further)))
    assert len(further) > 1
    together = shared.pictures("norm", "weights", step=1, variable=None)
    assert [shared.document.headers[picture.header].rows for picture in together] == [2]


def test_what_is_fed_is_drawn_for_each_sample_as_in_the_neuron_panel():
    recording = runs.run(2)
    shared = opened(recording)
    for layer in ("flatten", "hidden", "digits"):
        for sample in range(12):
            (picture,) = shared.pictures(layer, part="input", step=2, sample=sample)
            request = MapRequest(tensor="activations", max_rows=99, max_cols=99, part="input")
            _, bits = live(recording, layer, 2, request, sample)
            assert np.array_equal(shared.cells(picture), bits)


def test_the_same_bytes_are_written_once():
    def frozen(step, arrays):
        arrays[TensorKey("digits", "weights", "kernel")] = np.arange(24, dtype="f4").reshape(8, 3)

    shared = opened(runs.run(5, change=frozen))
    pictures = shared.pictures("digits", "weights", variable="kernel")
    assert len(pictures) == 6
    assert len({picture.cells for picture in pictures}) == 1


def test_series_labels_and_status_are_those_of_the_run():
    recording = runs.run(3)
    shared = opened(recording)
    (loss,) = [column for column in shared.document.series.columns if column.name == "loss"]
    assert shared.array(loss.x_buffer, "<f8").tolist() == [1, 2, 3]
    assert shared.array(loss.y_buffer, "<f4").tolist() == [1, 0.5, np.float32(1 / 3)]
    assert shared.document.labels["2"][:2] == ["digit 0", "digit 1"]
    assert (shared.document.status.source, shared.document.status.state) == ("recording", "finished")
    assert shared.document.layer == "hidden"


def test_lines_are_those_of_each_neuron():
    recording = runs.run(6)
    shared = opened(recording)
    lines = {(line.layer, line.name): line for line in shared.document.lines}
    assert set(lines) == {
        (layer, name) for layer in ("hidden", "digits") for name in ("weights_l2", "gradients_l2", "activations_mean")
    } | {("flatten", "activations_mean")}
    line = lines["hidden", "gradients_l2"]
    assert shared.array(line.steps, "<f8").tolist() == [1, 2, 3, 4, 5, 6]
    found = shared.array(line.values, "<f4").reshape(line.n_neurons, line.n_steps)
    assert np.allclose(found.T, recording.neurons("hidden", "gradients"), rtol=1e-3)


def test_biases_come_with_a_product_only():
    shared = opened(runs.run(2))
    fed = {each.layer: each for each in shared.document.fed}
    assert fed["hidden"].product
    steps = shared.array(fed["hidden"].bias_steps, "<f8")
    assert steps.tolist() == [0, 1, 2]
    assert shared.array(fed["hidden"].biases, "<f4").size == 3 * 8
    assert not fed["flatten"].product
    assert fed["flatten"].why
    without_gradients = opened(runs.run(4), privacy=Privacy(include=("inputs",)))
    (hidden,) = [each for each in without_gradients.document.fed if each.layer == "hidden"]
    assert without_gradients.array(hidden.bias_steps, "<f8").tolist() == [0, 2, 4]


def test_a_palette_is_named_only_where_there_is_one():
    shared = opened(runs.run(2), privacy=None)
    for picture in shared.document.pictures:
        assert (picture.palette >= 0) <= (picture.cells >= 0)
        plane = shared.document.headers[picture.header]
        assert (picture.cells < 0) == (plane.missing is not None)
