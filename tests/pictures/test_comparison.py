"""Two runs beside each other: which step of which is drawn, on which scale, and what the timeline tells."""

from itertools import pairwise

import msgspec
import numpy as np
import pytest

from nnviz_widgets.core.frame import TensorKey
from nnviz_widgets.core.recording import Recording
from nnviz_widgets.errors import TensorNotRecorded
from nnviz_widgets.pictures.comparison import Comparison
from nnviz_widgets.pictures.frames import frame_message, keys_of
from nnviz_widgets.pictures.moments import moment_of, read_value
from nnviz_widgets.pictures.order import order_of
from nnviz_widgets.pictures.series import MAX_EVENTS, METRIC_POINTS, both_series
from nnviz_widgets.pictures.source import as_source, runs_of, why_nothing
from nnviz_widgets.pictures.status import status_of
from nnviz_widgets.protocol import MAX_FRAME_BYTES, MapRequest, Order, ReadValues, Watch
from tests.core.catalogues import arrays_of, dense, reading_of
from tests.widgets.fakes import FakeSession

CATALOGUE = dense(6, 5, 3)
KERNEL = TensorKey("dense", "weights", "kernel")
WEIGHTS = MapRequest("weights", 9, 9)
EVERYTHING = [MapRequest(kind, 9, 9) for kind in ("weights", "activations", "gradients")]


def run(n_steps, *, every=1, epoch=4, seed=0, scale=1.0, name="run"):
    """A run whose tensors are kept at every `every`-th step; each run and step has numbers of its own."""
    recording = Recording(name)
    recording.set_catalogue(CATALOGUE)
    for step in range(n_steps + 1):
        arrays = {key: scale * array for key, array in arrays_of(CATALOGUE, seed=1000 * seed + step).items()}
        if step:
            recording.add_step(step, (step - 1) // epoch, 0, {"loss": (1 + seed) / step, "batch_loss": 1.0})
            recording.add_vitals(step, reading_of(CATALOGUE, arrays))
            if step % epoch == 0:
                recording.add_event(step, "epoch", f"end of epoch {step // epoch}")
        if step % every == 0:
            kept = {key: array for key, array in arrays.items() if step or key.kind == "weights"}
            recording.add_tensors(step, kept, labels=tuple("abcde"))
    return recording


def compared(first, second, by="step", names=("slow", "fast")):
    return Comparison(as_source(first), as_source(second), by, names)


def shown(source, *requests, step=-1, exact=True, **watch):
    """Draw what a page gets."""
    watch = Watch(1, "page", "dense", step, 0, list(requests) or [WEIGHTS], **watch)
    moment = moment_of(source, watch, lambda recording: keys_of(recording, watch))
    frame, buffers = frame_message(
        moment.recording, moment.watch, moment.keys, moment.step, 1, exact=exact, beside=moment.beside, twin=moment.twin
    )
    return moment.as_the_page_counts(frame, watch), buffers


def cells_of(plane, buffers):
    assert plane.missing is None, plane.missing
    return np.frombuffer(buffers[plane.buffer], "<f4").reshape(plane.rows, plane.cols)


def place(step, row=2, column=3, **fields):
    return ReadValues(1, "page", "dense", step, 0, "weights", row, column, **fields)


def kernel(recording, step):
    return recording.tensor("dense", "weights", step=step)


def test_first_second_and_their_difference_at_one_step():
    first, second = run(8), run(8, seed=1)
    source = compared(first, second)
    wanted = {
        "first": kernel(first, 5),
        "second": kernel(second, 5),
        "difference": kernel(second, 5) - kernel(first, 5),
    }
    for name, values in wanted.items():
        frame, buffers = shown(source, step=5, run=name)
        (plane,) = frame.planes
        assert (frame.step, frame.newest) == (5, False)
        np.testing.assert_array_equal(cells_of(plane, buffers), values)
        assert read_value(source, place(5, run=name)) == str(
            np.float64(kernel(second, 5)[2, 3]) - np.float64(kernel(first, 5)[2, 3])
            if name == "difference"
            else values[2, 3]
        )
        difference = name == "difference"
        assert (plane.compared, plane.other) == ((5, 5) if difference else (None, None))
        assert plane.note is None


def test_a_run_beside_itself_does_not_differ():
    recording = run(4)
    frame, buffers = shown(compared(recording, recording), run="difference")
    assert not cells_of(frame.planes[0], buffers).any()


def test_both_are_on_one_scale_at_once():
    source = compared(run(8), run(8, seed=1, scale=10))
    (first,), (second,) = (shown(source, step=3, run=name)[0].planes for name in ("first", "second"))
    assert (first.clip_low, first.clip_high) == (second.clip_low, second.clip_high)
    assert first.high < second.clip_high, "the larger one has room"
    assert first.clip_high == shown(as_source(source.other), step=3)[0].planes[0].clip_high
    (alone,), _ = (shown(source, step=3, run="first", compare=0)[0].planes, None)
    assert alone.clip_high <= alone.high, "a difference to another step has a scale of its own"


def test_a_difference_is_of_the_newest_step_that_both_keep():
    first, second = run(30, every=6), run(30, every=4, seed=1)
    source = compared(first, second)
    for asked, kept in ((30, 24), (24, 24), (23, 12), (11, 0), (-1, 24)):
        frame, buffers = shown(source, step=asked, run="difference")
        assert frame.step == kept
        np.testing.assert_array_equal(cells_of(frame.planes[0], buffers), kernel(second, kept) - kernel(first, kept))
    assert shown(source, step=23, run="first")[0].step == 18
    assert shown(source, step=23, run="second")[0].step == 20


def test_where_steps_never_meet_it_says_of_which_steps_the_difference_is():
    first, second = Recording("a"), Recording("b")
    for recording, steps in ((first, range(1, 40, 2)), (second, range(2, 40, 2))):
        recording.set_catalogue(CATALOGUE)
        for step in steps:
            recording.add_step(step, 0, 0, {"loss": 1.0})
            recording.add_tensors(step, arrays_of(CATALOGUE, seed=step))
    source = compared(first, second)
    frame, buffers = shown(source, run="difference")
    (plane,) = frame.planes
    assert (frame.step, plane.compared, plane.other, plane.note) == (37, 37, 36, "step 36 minus step 37")
    np.testing.assert_array_equal(cells_of(plane, buffers), kernel(second, 36) - kernel(first, 37))
    assert read_value(source, place(37, run="difference")) == str(
        np.float64(kernel(second, 36)[2, 3]) - np.float64(kernel(first, 37)[2, 3])
    )


def test_steps_that_never_meet_are_taken_close_to_each_other_though_one_run_is_longer():
    first, second = Recording("a"), Recording("b")
    for recording, steps in ((first, range(1, 60, 2)), (second, range(2, 21, 2))):
        recording.set_catalogue(CATALOGUE)
        for step in steps:
            recording.add_step(step, 0, 0, {"loss": 1.0})
            recording.add_tensors(step, arrays_of(CATALOGUE, seed=step))
    (plane,) = shown(compared(first, second), step=59, run="difference")[0].planes
    assert (plane.compared, plane.other) == (19, 18)


def test_by_epoch_steps_are_at_the_same_place_within_the_epoch():
    first, second = run(16, epoch=4), run(32, epoch=8, seed=1)
    source = compared(first, second, "epoch")
    for asked in (1, 4, 7, 16):
        frame, buffers = shown(source, step=asked, run="second")
        (plane,) = frame.planes
        assert (frame.step, plane.note) == (asked, f"step {2 * asked} of fast")
        np.testing.assert_array_equal(cells_of(plane, buffers), kernel(second, 2 * asked))
        assert read_value(source, place(asked, run="second")) == str(kernel(second, 2 * asked)[2, 3])
        frame, buffers = shown(source, step=asked, run="difference")
        (plane,) = frame.planes
        assert (plane.compared, plane.other) == (asked, 2 * asked)
        assert plane.note == f"step {2 * asked} minus step {asked}"
        np.testing.assert_array_equal(cells_of(plane, buffers), kernel(second, 2 * asked) - kernel(first, asked))


@pytest.mark.parametrize(("epochs", "every"), [((4, 9), (1, 3)), ((9, 4), (2, 1)), ((5, 7), (4, 3))])
def test_by_epoch_what_is_read_out_is_what_is_drawn(epochs, every):
    first, second = (run(36, epoch=epochs[i], every=every[i], seed=i) for i in (0, 1))
    source = compared(first, second, "epoch")
    for asked in range(source.last_step + 1):
        for name in ("first", "second", "difference"):
            frame, buffers = shown(source, step=asked, run=name)
            drawn = cells_of(frame.planes[0], buffers)[2, 3]
            assert np.float32(read_value(source, place(frame.step, run=name))) == drawn
            assert frame.step <= asked or frame.step == 0


def test_minus_a_step_is_counted_as_the_page_does():
    first, second = run(8, epoch=4), run(16, epoch=8, seed=1)
    source = compared(first, second, "epoch")
    frame, buffers = shown(source, step=6, run="second", compare=2)
    (plane,) = frame.planes
    assert (frame.step, plane.compared, plane.other) == (6, 2, None)
    np.testing.assert_array_equal(cells_of(plane, buffers), kernel(second, 12) - kernel(second, 4))
    text = read_value(source, place(6, run="second", compare=2))
    assert np.float32(text) == cells_of(plane, buffers)[2, 3]
    frame, _ = shown(source, step=6, run="difference", compare=2)
    assert (frame.planes[0].compared, frame.planes[0].other) == (6, 12), "of two runs one difference is enough"


def test_the_newest_moment_is_where_both_are_or_the_one_that_goes_on():
    first, second = run(6), FakeSession(CATALOGUE)
    for _ in range(9):
        second.take_step(full=True)
    source = compared(first, second)
    assert (source.newest, source.last_step, source.running) == (6, 9, False)
    assert [shown(source, run=name)[0].step for name in ("first", "second", "difference")] == [6, 6, 6]
    second.state = "running"
    assert (source.newest, source.running) == (9, True)
    assert [shown(source, run=name)[0].step for name in ("first", "second", "difference")] == [6, 9, 6]
    assert shown(source)[0].newest
    assert shown(source, step=8, run="second")[0].step == 8


def test_all_maps_come_and_a_difference_of_samples_says_that_they_are_others():
    source = compared(run(4), run(4, seed=1))
    frame, _ = shown(source, *EVERYTHING, step=3, run="difference")
    notes = [plane.note for plane in frame.planes]
    assert notes == [None, "each run has batches of its own", None]
    assert [plane.missing for plane in frame.planes] == [None] * 3
    assert frame.labels == list("abcde")
    frame, _ = shown(source, *EVERYTHING, step=0, run="difference")
    assert [plane.missing is None for plane in frame.planes] == [True, False, False]


def test_the_neurons_of_both_lie_in_the_order_of_the_first():
    first, second = run(4), run(4, seed=1)
    source = compared(first, second)
    order = Order("norm", 3)
    places = order_of(first, "dense", order)
    assert places.tolist() != order_of(second, "dense", order).tolist()
    for name, values in (("second", kernel(second, 3)), ("difference", kernel(second, 3) - kernel(first, 3))):
        frame, buffers = shown(source, step=3, run=name, order=order)
        np.testing.assert_array_equal(cells_of(frame.planes[0], buffers), values[:, places])
        text = read_value(source, place(3, run=name, order=order, column=0))
        assert np.float32(text) == values[2, places[0]]


def test_what_one_run_did_not_read_has_a_reason():
    second = Recording("b")
    second.set_catalogue(CATALOGUE)
    source = compared(run(4), second)
    frame, buffers = shown(source, run="difference")
    assert frame.planes[0].missing
    assert buffers == []
    with pytest.raises(TensorNotRecorded):
        read_value(source, place(4, run="difference"))
    assert shown(source)[0].planes[0].missing is None


def test_the_neuron_is_that_of_the_run_and_a_difference_has_no_lines():
    first, second = run(8, epoch=4), run(16, epoch=8, seed=1)
    source = compared(first, second, "epoch")
    incoming = MapRequest("weights", 9, 9, part="incoming")
    frame, buffers = shown(source, WEIGHTS, incoming, step=5, run="second", neuron=2)
    np.testing.assert_array_equal(cells_of(frame.planes[1], buffers).ravel(), kernel(second, 10)[:, 2])
    line = next(line for line in frame.neuron.lines if line.name == "weights_l2")
    steps = np.frombuffer(buffers[line.x_buffer], "<f8")
    assert steps.tolist() == [step / 2 for step in range(1, 17)]
    frame, buffers = shown(source, WEIGHTS, incoming, step=5, run="difference", neuron=2)
    np.testing.assert_array_equal(
        cells_of(frame.planes[1], buffers).ravel(), (kernel(second, 10) - kernel(first, 5))[:, 2]
    )
    assert (frame.planes[1].compared, frame.planes[1].other, frame.neuron.lines) == (5, 10, [])


def test_the_timeline_has_the_lines_of_both_over_the_steps_of_the_first():
    first, second = run(8, epoch=4), run(20, epoch=8, seed=1)
    second.add_event(16, "notice", "the loss is NaN")
    message, buffers = both_series(compared(first, second, "epoch"))
    lines = {
        (column.name, column.layer, column.run): (
            np.frombuffer(buffers[column.x_buffer], "<f8"),
            np.frombuffer(buffers[column.y_buffer], "<f4"),
        )
        for column in message.columns
    }
    assert set(lines) == {
        (name, layer, side)
        for side in (0, 1)
        for name, layer in [
            ("loss", None),
            ("batch_loss", None),
            ("gradient_l2", "dense"),
            ("gradient_l2", "dense_1"),
        ]
    }
    assert lines["loss", None, 0][0].tolist() == list(range(1, 9))
    assert lines["loss", None, 1][0].tolist() == [step / 2 for step in range(1, 21)]
    np.testing.assert_allclose(lines["loss", None, 1][1], 2 / np.arange(1, 21), rtol=1e-6)
    key = second.resolve("dense", "gradients")
    assert lines["gradient_l2", "dense", 1][1][-1] == np.float32(second.vital_arrays(key, "l2")[1][-1])
    assert (message.first_step, message.last_step) == (0, 10)
    assert [(event.step, event.text) for event in message.events] == [
        (4, "end of epoch 1"),
        (4, "fast: end of epoch 1"),
        (8, "end of epoch 2"),
        (8, "fast: end of epoch 2"),
        (8, "fast: the loss is NaN"),
    ]
    assert [health.layer for health in message.health] == ["dense", "dense_1"]


def apart(source):
    """How far the weights of each layer are apart, as the list of layers tells it."""
    return {health.layer: health.update_ratio for health in both_series(source)[0].health}


def test_the_list_of_layers_tells_how_far_the_weights_are_apart():
    first, second = run(8, every=2), run(8, every=4, seed=1)
    source = compared(first, second)
    for _ in range(2):
        found = apart(source)
        for layer in ("dense", "dense_1"):
            one, two = (each.tensor(layer, "weights", step=8).astype(float) for each in (first, second))
            assert found[layer] == pytest.approx(np.linalg.norm(two - one) / np.linalg.norm(one), rel=1e-6)
    assert set(source.distances) == {KERNEL, TensorKey("dense_1", "weights", "kernel")}
    assert {steps for steps, _ in source.distances.values()} == {(8, 8)}
    for recording in (first, second):
        recording.add_step(12, 2, 0, {"loss": 1.0})
        recording.add_tensors(12, {KERNEL: np.full((6, 5), 1 + (recording is second), "f4")})
    assert apart(source)["dense"] == 1.0
    assert apart(compared(first, first)) == {"dense": 0.0, "dense_1": 0.0}


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_what_is_no_number_is_not_told(value):
    recordings = [Recording("a"), Recording("b")]
    for recording in recordings:
        recording.set_catalogue(CATALOGUE)
        recording.add_tensors(0, {KERNEL: np.full((6, 5), value, "f4")})
    assert apart(compared(*recordings)) == {"dense": None, "dense_1": None}


def test_what_is_not_finite_in_either_is_named():
    first, second = run(4), run(4, seed=1)
    for recording, key in ((first, KERNEL), (second, TensorKey("dense", "activations"))):
        arrays = arrays_of(CATALOGUE, seed=5)
        arrays[key] = np.full(arrays[key].shape, np.nan, "f4")
        recording.add_step(5, 1, 0, {"loss": 1.0})
        recording.add_vitals(5, reading_of(CATALOGUE, arrays))
    (dense_layer, _) = both_series(compared(first, second))[0].health
    assert {(each.tensor, each.count) for each in dense_layer.non_finite} == {("weights", 30), ("activations", 25)}


def test_each_of_two_long_lines_has_half_the_points():
    recordings = [Recording("a"), Recording("b")]
    for recording in recordings:
        for step in range(1, 5001):
            recording.add_step(step, 0, 0, {"loss": (step * 7919) % 101})
    message, _ = both_series(compared(*recordings))
    assert [METRIC_POINTS // 2 - 5 < column.n <= METRIC_POINTS // 2 for column in message.columns] == [True, True]


def test_what_is_not_there_yet_may_come_while_one_of_them_goes_on():
    second = FakeSession(CATALOGUE)
    source = compared(run(2), second)
    assert why_nothing(source) == "nothing was read"
    second.state = "running"
    assert why_nothing(source) == "nothing was read yet"


def test_two_long_runs_fit_a_message():
    first, second = Recording("a"), Recording("b")
    for recording in (first, second):
        recording.set_catalogue(dense(*[2] * 200))
        metrics = {f"metric {i}": 1.0 for i in range(150)}
        for step in range(1, 1201):
            recording.add_step(step, 0, 0, metrics)
            recording.add_event(step, "notice", f"{step} " + "x" * 300)
    message, buffers = both_series(compared(first, second))
    assert sum(map(len, buffers)) + len(msgspec.json.encode(message)) <= MAX_FRAME_BYTES
    assert len(message.events) <= MAX_EVENTS
    assert {column.n for column in message.columns} <= set(range(METRIC_POINTS // 2 + 1))
    assert {column.run for column in message.columns} == {0, 1}
    assert all(before.step <= after.step for before, after in pairwise(message.events))


def test_the_status_names_both_and_tells_the_newest_metrics_of_each():
    source = compared(run(4), run(8, seed=1))
    status = status_of(source)
    assert (status.source, status.state, status.controls) == ("comparison", "finished", False)
    assert (status.name, status.runs) == ("slow and fast", ["slow", "fast"])
    assert (status.step, status.total_steps, status.epoch, status.epochs, status.samples) == (8, 8, 1, 2, 5)
    assert status.logs == {"loss, slow": 0.25, "loss, fast": 0.25}, "not those of the last batch alone"
    assert [each.recording for each in runs_of(source)] == [source.recording, source.other]
    assert status_of(as_source(run(2))).runs == []
