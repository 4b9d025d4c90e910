"""The recording gives back what was written, in the words of the public contract."""

import re
import warnings

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnviz_widgets.core.frame import VITALS, Catalogue, TensorKey, TensorSpec, VitalsReading
from nnviz_widgets.core.recording import Recording
from nnviz_widgets.core.tensor_store import ARRAY_BYTES, STEP_BYTES
from nnviz_widgets.errors import InvalidArgumentError, TensorNotRecorded
from tests.core.catalogues import arrays_of, dense, layer, reading_of, specs_of

KERNEL = TensorKey("dense", "weights", "kernel")


@pytest.fixture
def recording():
    """Three steps of a chain of two Dense layers; tensors at 0, 1 and 3, vitals at 1 and 3."""
    recording = Recording("small")
    catalogue = dense(4, 3, 2)
    recording.set_catalogue(catalogue)
    start = {key: array for key, array in arrays_of(catalogue).items() if key.kind == "weights"}
    recording.add_tensors(0, start)
    for step in (1, 2, 3):
        recording.add_step(step, step // 3, step - 1, {"batch_loss": 1 / step, "gradient_l2": float(step)})
        if step != 2:
            arrays = arrays_of(catalogue, seed=step)
            recording.add_vitals(step, reading_of(catalogue, arrays))
            recording.add_tensors(step, arrays, labels=("7", "2"))
    return recording


def test_metrics_are_indexed_by_step(recording):
    assert recording.steps.tolist() == [1, 2, 3]
    assert recording.epochs.tolist() == [0, 0, 1]
    metrics = recording.metrics
    assert metrics.index.name == "step"
    assert metrics.index.tolist() == [1, 2, 3]
    assert metrics["batch_loss"].tolist() == [1, 1 / 2, 1 / 3]


def test_a_metric_may_come_late_and_a_step_may_be_amended(recording):
    recording.amend_step(3, {"val_loss": 0.25, "batch_loss": 9.0})
    recording.add_step(4, 1, 1, {"late": 7.0})
    metrics = recording.metrics
    np.testing.assert_array_equal(metrics["val_loss"], [np.nan, np.nan, 0.25, np.nan])
    np.testing.assert_array_equal(metrics["late"], [np.nan, np.nan, np.nan, 7.0])
    np.testing.assert_array_equal(metrics["batch_loss"], [1, 0.5, 9, np.nan])


def test_metrics_that_were_read_do_not_change_when_more_steps_come(recording):
    steps, columns = recording.metric_arrays()
    frame = recording.metrics
    for step in range(4, 5000):
        recording.add_step(step, 1, step, {"batch_loss": 0.0})
    recording.amend_step(1, {"batch_loss": 5.0})
    assert steps.tolist() == [1, 2, 3]
    assert len(columns["batch_loss"]) == 3
    assert frame["batch_loss"].tolist() == [1, 1 / 2, 1 / 3]
    assert recording.metrics["batch_loss"].iloc[0] == 5.0


@pytest.mark.parametrize("step", [3, 0, -1])
def test_steps_only_go_forward(recording, step):
    with pytest.raises(InvalidArgumentError, match=rf"newest step, 3. Received: step={step}"):
        recording.add_step(step, 0, 0, {})
    assert recording.steps.tolist() == [1, 2, 3]


def test_only_a_step_that_was_taken_can_be_amended(recording):
    with pytest.raises(InvalidArgumentError, match="Received: step=7"):
        recording.amend_step(7, {"val_loss": 1.0})


def test_tensors_come_back_bit_for_bit_and_read_only(recording):
    written = arrays_of(recording.catalogue, seed=3)
    for key, array in written.items():
        read = recording.tensor(key.layer, key.kind, variable=key.variable)
        np.testing.assert_array_equal(read, array)
        assert read.dtype == array.dtype
        with pytest.raises(ValueError, match="read-only"):
            read[...] = 0
        with pytest.raises(ValueError, match="WRITEABLE"):
            read.flags.writeable = True


def test_the_newest_step_is_that_of_the_tensor_asked_for(recording):
    recording.add_tensors(5, {KERNEL: np.ones((4, 3), np.float32)})
    assert recording.frame(KERNEL).step == 5
    assert recording.frame(recording.resolve("dense", "activations")).step == 3


def test_frames_name_their_axes(recording):
    assert recording.frame(KERNEL, 1).axes == ("in", "neuron")
    assert recording.spec(KERNEL).neuron_axis == 1


def test_tensor_steps_and_labels(recording):
    assert recording.tensor_steps("dense", "weights").tolist() == [0, 1, 3]
    assert recording.tensor_steps("dense", "activations").tolist() == [1, 3]
    assert recording.labels(3) == ("7", "2")
    assert recording.labels(0) == recording.labels(99) == ()


def test_tensor_steps_without_a_variable_are_those_that_all_have(recording):
    recording.add_tensors(5, {KERNEL: np.ones((4, 3), np.float32)})
    assert recording.tensor_steps("dense", "weights").tolist() == [0, 1, 3]
    assert recording.tensor_steps("dense", "weights", variable="kernel").tolist() == [0, 1, 3, 5]


@pytest.mark.parametrize(("step", "nearest"), [(2, "1 and 3"), (9, "3")])
def test_a_step_that_was_not_kept_names_the_nearest(recording, step, nearest):
    with pytest.raises(TensorNotRecorded, match=f"Received: step={step}, the nearest kept: {nearest}\\."):
        recording.tensor("dense", "weights", step=step)


def test_a_tensor_that_was_never_kept_says_so():
    recording = Recording()
    recording.set_catalogue(dense(4, 3))
    with pytest.raises(TensorNotRecorded, match="no step of it is kept yet"):
        recording.tensor("dense", "weights")


@pytest.mark.parametrize("step", [-2, 1.5, "newest", True, None])
def test_a_step_must_be_a_step(recording, step):
    with pytest.raises(InvalidArgumentError, match=re.escape(f"Received: step={step!r}")):
        recording.tensor("dense", "weights", step=step)


def test_vitals_have_the_columns_of_the_contract(recording):
    vitals = recording.vitals("dense", "weights")
    assert vitals.index.name == "step"
    assert vitals.index.tolist() == [1, 3]
    assert tuple(vitals.columns) == (*VITALS, "update_ratio")
    assert vitals["l2"].loc[3] == pytest.approx(np.linalg.norm(recording.tensor("dense", "weights").astype(float)))
    assert vitals["nan"].dtype == np.int64
    assert vitals["update_ratio"].tolist() == [0.01, 0.01]
    assert tuple(recording.vitals("dense", "activations").columns) == VITALS


def test_vitals_name_the_variable_they_are_of(recording):
    bias = recording.tensor("dense", "gradients", variable="bias")
    assert recording.vitals("dense", "gradients", variable="bias")["max"].loc[3] == bias.max()


def test_vitals_leave_out_steps_at_which_the_tensor_was_not_read(recording):
    some = {key: array for key, array in arrays_of(recording.catalogue).items() if key.kind != "gradients"}
    recording.add_vitals(4, reading_of(recording.catalogue, some))
    assert recording.vitals("dense", "gradients").index.tolist() == [1, 3]
    assert recording.vitals("dense", "weights").index.tolist() == [1, 3, 4]
    assert recording.neurons("dense", "gradients").shape == (2, 3)


@pytest.mark.parametrize(
    ("statistic", "function"),
    [
        ("l2", lambda kernel: np.linalg.norm(kernel, axis=0)),
        ("mean", lambda kernel: kernel.mean(axis=0)),
        ("max", lambda kernel: kernel.max(axis=0)),
        ("zeros", lambda kernel: (kernel == 0).mean(axis=0)),
    ],
)
def test_neurons_are_columns(recording, statistic, function):
    for path, n_neurons in (("dense", 3), ("dense_1", 2)):
        series = recording.neurons(path, "weights", statistic)
        assert series.shape == (2, n_neurons)
        np.testing.assert_allclose(series[-1], function(recording.tensor(path, "weights")), rtol=1e-6)


def test_an_unknown_statistic_names_the_known(recording):
    with pytest.raises(InvalidArgumentError, match="'l1'"):
        recording.neurons("dense", "weights", "l1")
    with pytest.raises(InvalidArgumentError, match='"update_ratio"'):
        recording.vital_arrays(KERNEL, "median")


def test_a_second_reading_of_a_step_replaces_the_first(recording):
    arrays = arrays_of(recording.catalogue, seed=9)
    recording.add_vitals(3, reading_of(recording.catalogue, arrays))
    assert recording.vitals("dense", "weights").index.tolist() == [1, 3]
    assert recording.vitals("dense", "weights")["max"].loc[3] == arrays[KERNEL].max()
    with pytest.raises(InvalidArgumentError, match="the newest is 3"):
        recording.add_vitals(2, reading_of(recording.catalogue, arrays))


def test_a_reading_that_does_not_fit_the_catalogue_is_refused(recording):
    with pytest.raises(InvalidArgumentError, match="tell of 12 tensors"):
        recording.add_vitals(4, VitalsReading(np.zeros((3, 9)), np.zeros(0)))


def test_events_are_kept_in_order(recording):
    recording.add_event(2, "epoch", "epoch 1 begins")
    recording.add_event(1, "pause", "paused")
    assert recording.events == ((2, "epoch", "epoch 1 begins"), (1, "pause", "paused"))


def test_repr_says_what_it_is_and_how_it_stands(recording):
    line = r"<Recording 'small': 3 steps, 2 layers, whole tensors of 3 steps, \d+\.?\d* kB of 1\.07 GB>"
    assert re.fullmatch(line, repr(recording))
    assert repr(Recording()) == "<Recording: 0 steps, 0 layers, whole tensors of 0 steps, 0 B of 1.07 GB>"


@pytest.mark.parametrize("budget", [0, -5, 1.5, "1 GB", None, True])
def test_a_budget_is_a_number_of_bytes(budget):
    with pytest.raises(InvalidArgumentError, match="budget_bytes"):
        Recording(budget_bytes=budget)


NUMBERS = [
    np.array([np.nan, np.inf, -np.inf, 1.0], np.float32),
    np.array([1e-45, -0.0, 0.0, 0.0], np.float32),
    np.array([65504, -65504], np.float16),
    np.array([1.5, -2.0], ml_dtypes.bfloat16),
    np.array([448.0, 0.5], ml_dtypes.float8_e4m3fn),
    np.array([7, -8], ml_dtypes.int4),
    np.array([1e300, -1e300]),
    np.array([127, -128], np.int8),
    np.array([2**64 - 1], np.uint64),
    np.array([True, False]),
    np.array([3 + 4j, complex(np.nan, 1)]),
    np.array(2.5),
    np.empty((0, 5), np.float32),
    np.zeros((1, 2, 1, 2, 1, 2, 1)),
]


@pytest.mark.parametrize("array", NUMBERS, ids=lambda array: f"{array.dtype.name}{array.shape}")
def test_N01_N02_N03_N04_N05_every_number_comes_back_as_it_was(array):
    key = TensorKey("zoo", "weights", "kernel")
    recording = Recording()
    recording.set_catalogue(Catalogue((), (TensorSpec(key, array.shape, array.dtype.name, ()),)))
    recording.add_tensors(1, {key: array.copy()})
    read = recording.tensor("zoo", "weights")
    assert (read.dtype, read.shape) == (array.dtype, array.shape)
    assert read.tobytes() == array.tobytes()


@pytest.mark.parametrize(
    "array",
    [np.array(["a"]), np.array([b"a"]), np.array([None]), np.array([1], "M8[s]"), np.array([(1,)], [("a", "i4")])],
    ids=lambda array: array.dtype.name,
)
def test_N08_what_is_no_number_is_refused_by_dtype_name_and_nothing_is_kept(recording, array):
    before = recording.n_bytes
    with pytest.raises(InvalidArgumentError, match=re.escape(f"dtype {array.dtype.name}")):
        recording.add_tensors(4, {KERNEL: np.ones((4, 3), np.float32), TensorKey("dense", "activations"): array})
    assert recording.tensor_steps("dense", "weights").tolist() == [0, 1, 3]
    assert recording.n_bytes == before


def test_a_scalar_may_come_as_a_numpy_number(recording):
    recording.add_tensors(4, {KERNEL: np.float32(2.5)})
    read = recording.tensor("dense", "weights")
    assert (read.shape, read.dtype, float(read)) == ((), np.float32, 2.5)


def test_N09_a_tensor_may_change_its_shape_and_the_old_stays_readable(recording):
    wider = dense(4, 5, 2)
    recording.set_catalogue(wider)
    arrays = arrays_of(wider, seed=4)
    recording.add_tensors(4, arrays)
    recording.add_vitals(4, reading_of(wider, arrays))
    assert recording.tensor("dense", "weights", step=3).shape == (4, 3)
    assert recording.tensor("dense", "weights").shape == (4, 5)
    assert recording.vitals("dense", "weights").index.tolist() == [1, 3, 4]
    assert recording.neurons("dense", "weights").shape == (1, 5)  # another number of neurons: a new series
    assert recording.neurons("dense_1", "weights").shape == (3, 2)
    steps, series = recording.neuron_arrays(KERNEL, "max")
    assert steps.tolist() == [4]
    np.testing.assert_allclose(series[0], arrays[KERNEL].max(axis=0), rtol=1e-6)


def test_N09_axes_of_a_frame_that_is_shaped_otherwise_are_numbered(recording):
    recording.add_tensors(4, {KERNEL: np.ones((4, 3, 2), np.float32)})
    assert recording.frame(KERNEL).axes == ("axis 0", "axis 1", "axis 2")


def test_a_catalogue_may_grow_when_the_step_is_traced():
    whole = dense(4, 3)
    weights_only = Catalogue(whole.layers, tuple(spec for spec in whole.specs if spec.key.kind == "weights"))
    recording = Recording()
    recording.set_catalogue(weights_only)
    recording.add_vitals(0, reading_of(weights_only, arrays_of(weights_only)))
    recording.set_catalogue(whole)
    recording.add_vitals(1, reading_of(whole, arrays_of(whole)))
    assert recording.vitals("dense", "weights").index.tolist() == [0, 1]
    assert recording.vitals("dense", "activations").index.tolist() == [1]


def test_a_layer_that_is_gone_stays_readable(recording):
    recording.set_catalogue(Catalogue(*(part[:n] for part, n in ((dense(4, 3).layers, 1), (dense(4, 3).specs, 6)))))
    assert [info.path for info in recording.layers] == ["dense"]
    assert recording.tensor("dense_1", "weights", step=1).shape == (3, 2)
    assert recording.vitals("dense_1", "weights").index.tolist() == [1, 3]


STEPS = st.dictionaries(st.integers(0, 40), st.sets(st.sampled_from(["kernel", "bias"]), min_size=1), max_size=20)


@given(STEPS, st.lists(st.integers(0, 40), max_size=20))
def test_the_recording_agrees_with_a_dictionary(writes, order):
    """Whatever is added in whatever order, with repeats that replace, reads like a plain dictionary."""
    recording = Recording()
    recording.set_catalogue(dense(4, 3))
    model: dict[tuple[int, str], np.ndarray] = {}
    for n, step in enumerate([*writes, *order]):
        arrays = {
            TensorKey("dense", "weights", variable): np.full((2, 2), n, np.float32)
            for variable in writes.get(step, {"kernel"})
        }
        recording.add_tensors(step, arrays)
        model.update(((step, str(key.variable)), array) for key, array in arrays.items())
    for variable in ("kernel", "bias"):
        kept = sorted(step for step, name in model if name == variable)
        assert recording.tensor_steps("dense", "weights", variable=variable).tolist() == kept
        for step in range(41):
            if (step, variable) in model:
                read = recording.tensor("dense", "weights", step, variable)
                np.testing.assert_array_equal(read, model[step, variable])
            else:
                with pytest.raises(TensorNotRecorded):
                    recording.tensor("dense", "weights", step, variable)
    overhead = STEP_BYTES * len({step for step, _ in model}) + ARRAY_BYTES * len(model)
    assert recording.n_bytes == sum(array.nbytes for array in model.values()) + overhead


def test_a_word_that_may_mean_two_layers_is_said_to_be_read_as_a_path():
    specs = (*specs_of("lstm", 4, 3), *specs_of("lstm_1", 4, 3))
    catalogue = Catalogue((layer("lstm", 3, name="lstm_1"), layer("lstm_1", 3, name="lstm_2")), tuple(specs))
    recording = Recording()
    recording.set_catalogue(catalogue)
    arrays = arrays_of(catalogue)
    recording.add_tensors(0, arrays)
    with pytest.warns(UserWarning, match="'lstm_1' is read as the path of the layer that Keras calls 'lstm_2'"):
        read = recording.tensor("".join(["lstm", "_1"]), "weights")
    assert np.array_equal(read, arrays[TensorKey("lstm_1", "weights", "kernel")])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        recording.tensor("lstm_2", "weights")
        recording.tensor("lstm", "weights")
        recording.tensor(catalogue.layers[1], "weights")
        recording.tensor(catalogue.layers[1].path, "weights")
