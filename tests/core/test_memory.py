"""A recording stays within its budget: new steps dense, old ones sparse, step 0 and pinned ones always."""

import gc
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnviz_widgets.core.frame import Catalogue, TensorKey, TensorSpec, VitalsReading
from nnviz_widgets.core.recording import Recording
from nnviz_widgets.core.tensor_store import ARRAY_BYTES, LABEL_BYTES, STEP_BYTES
from tests.core.catalogues import dense

KEY = TensorKey("dense", "activations")
BIAS = TensorKey("dense", "weights", "bias")


ONE = STEP_BYTES + ARRAY_BYTES
"""What a step with one array takes beside the numbers."""


def tensors(n_bytes: int) -> dict[TensorKey, np.ndarray]:
    return {KEY: np.zeros(n_bytes, np.int8)}


def kept(recording: Recording) -> list[int]:
    return recording.tensor_steps("dense", "activations").tolist()


def filled(
    n_steps: int, budget_bytes: int, step_bytes: int = 100 * ONE, pinned: frozenset[int] = frozenset()
) -> Recording:
    recording = Recording(budget_bytes=budget_bytes)
    recording.set_catalogue(dense(4, 3))
    for step in range(n_steps):
        recording.add_tensors(step, tensors(step_bytes), pinned=step in pinned)
    return recording


@given(
    st.lists(st.integers(1, 400), min_size=1, max_size=120),
    st.integers(1, 50_000),
    st.sets(st.integers(0, 119), max_size=5),
)
def test_within_budget_whenever_a_step_can_be_dropped(sizes, budget, pinned):
    recording = Recording(budget_bytes=budget)
    recording.set_catalogue(dense(4, 3))
    for step, size in enumerate(sizes):
        recording.add_tensors(step, tensors(size), pinned=step in pinned)
        always = {0, step} | {other for other in pinned if other <= step}
        steps = set(kept(recording))
        assert always <= steps
        assert recording.n_bytes <= budget or steps == always
        assert recording.n_bytes == sum(sizes[other] + ONE for other in steps)


def test_newest_are_dense_and_older_ones_sparse():
    steps = kept(filled(3000, budget_bytes=100 * 101 * ONE))
    gaps = np.diff(steps)
    assert 80 < len(steps) <= 100
    assert gaps[-12:].tolist() == [1] * 12
    assert (np.diff(gaps) <= 0).all()
    assert gaps[0] >= 256


def test_steps_that_were_dropped_are_gone_with_their_labels():
    recording = Recording(budget_bytes=3 * (100 + ONE + LABEL_BYTES))
    recording.set_catalogue(dense(4, 3))
    for step in range(8):
        recording.add_tensors(step, tensors(100), labels=(f"sample of {step}",))
    assert 5 not in kept(recording)
    assert recording.labels(5) == ()
    assert recording.labels(7) == ("sample of 7",)


def test_a_step_larger_than_the_budget_is_kept_alone():
    assert kept(filled(5, budget_bytes=10)) == [0, 4]


def test_pinned_later_counts_too():
    recording = filled(3, budget_bytes=6 * (100 + ONE), step_bytes=100)
    recording.add_tensors(1, {BIAS: np.zeros(3, np.int8)}, pinned=True)
    for step in range(3, 50):
        recording.add_tensors(step, tensors(100))
    assert 1 in kept(recording)


def test_lowering_the_budget_drops_at_once():
    recording = filled(50, budget_bytes=1_000_000, step_bytes=100)
    assert recording.n_bytes == 50 * (100 + ONE)
    recording.budget_bytes = 10_000
    assert recording.n_bytes <= 10_000
    assert kept(recording)[-1] == 49
    assert recording.budget_bytes == 10_000


def test_one_array_under_many_keys_and_steps_counts_once():
    recording = Recording()
    recording.set_catalogue(dense(4, 3))
    frozen = np.zeros(600, np.int8)
    for step in range(20):
        recording.add_tensors(step, {KEY: frozen, BIAS: frozen[:10]})
    assert recording.n_bytes == 600 + 20 * (STEP_BYTES + 2 * ARRAY_BYTES)


def test_replacing_an_array_frees_it():
    recording = filled(1, budget_bytes=1000, step_bytes=100)
    recording.add_tensors(0, tensors(7))
    assert recording.n_bytes == 7 + ONE


def test_a_view_counts_as_what_it_keeps_alive_and_a_broadcast_as_what_is_in_memory():
    recording = Recording()
    recording.set_catalogue(dense(4, 3))
    recording.add_tensors(1, {KEY: np.zeros(500, np.int8)[:5]})
    assert recording.n_bytes == 500 + ONE
    recording.add_tensors(2, {KEY: np.broadcast_to(np.zeros(1, np.float32), (100_000, 100_000))})
    assert recording.n_bytes == 504 + 2 * ONE


def test_a_small_array_of_another_library_is_copied_and_a_large_one_is_not():
    """TensorFlow's own objects would live on with it, a kilobyte for each array."""
    recording = Recording()
    recording.set_catalogue(dense(4, 3))
    small, large = (np.frombuffer(bytearray(n), np.int8) for n in (16, 1 << 20))
    recording.add_tensors(1, {KEY: small, BIAS: large})
    assert not np.shares_memory(recording.tensor("dense", "activations"), small)
    assert np.shares_memory(recording.tensor("dense", "weights", variable="bias"), large)


@pytest.mark.parametrize("n_labels", [0, 4])
def test_what_is_counted_is_what_python_takes_of_tensors_of_one_value(n_labels):
    recording = Recording()
    recording.set_catalogue(dense(1, 1))
    keys = [spec.key for spec in recording.catalogue.specs]

    def add(steps: range) -> None:
        for step in steps:
            labels = tuple(f"{step}.{n}" for n in range(n_labels))
            recording.add_tensors(step, {key: np.zeros(1, np.float32) for key in keys}, labels=labels)

    add(range(100))
    gc.collect()
    counted = recording.n_bytes
    tracemalloc.start()
    try:
        add(range(100, 3100))
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert recording.n_bytes - counted == pytest.approx(taken, rel=0.15)


def test_events_count_and_make_room_for_themselves():
    recording = filled(50, budget_bytes=50 * (100 + ONE), step_bytes=100)
    assert len(kept(recording)) == 50
    for step in range(20):
        recording.add_event(step, "notice", "x" * 1000)
    assert recording.n_bytes <= recording.budget_bytes
    assert len(kept(recording)) < 30


def one_tensor() -> Catalogue:
    return Catalogue((), (TensorSpec(KEY, (None, 4), "float32", ("sample", "neuron"), 1),))


def reading(step: int) -> VitalsReading:
    return VitalsReading(np.full((1, 9), float(step)), np.full(16, step, np.float32))


def with_readings(n_steps: int, budget_bytes: int) -> Recording:
    recording = Recording(budget_bytes=budget_bytes)
    recording.set_catalogue(one_tensor())
    for step in range(1, n_steps + 1):
        recording.add_vitals(step, reading(step))
    return recording


@pytest.mark.parametrize("n_steps", [1, 63, 64, 65, 200, 5000])
def test_readings_stay_within_a_quarter_and_say_what_was_read(n_steps):
    recording = with_readings(n_steps, budget_bytes=400_000)
    vitals = recording.vitals("dense", "activations")
    steps = vitals.index.to_numpy()
    assert recording.n_bytes <= 100_000
    assert steps[-1] == n_steps
    assert len(steps) == n_steps or 200 < len(steps) < n_steps
    assert (np.diff(np.diff(steps)) <= 0).all()
    np.testing.assert_array_equal(vitals["mean"], steps)
    series_steps, series = recording.neuron_arrays(KEY, "max")
    np.testing.assert_array_equal(series_steps, steps)
    np.testing.assert_array_equal(series, np.repeat(steps[:, None], 4, axis=1))


def test_a_million_steps_do_not_explode():
    recording = with_readings(200, budget_bytes=200_000)
    values = {"batch_loss": 0.5}
    shared = reading(0)
    for step in range(201, 1_000_001):
        recording.add_step(step, 0, step, values)
        if step % 10 == 0:
            recording.add_vitals(step, shared)
    assert recording.n_bytes <= 50_000 + 8 * 4 * (1 << 20)
    assert recording.steps.size == 999_800
    assert recording.vitals("dense", "activations").index[-1] == 1_000_000


class LateReading:
    """A reading that computes itself when somebody looks, and counts how often."""

    n_specs, n_neuron_values = 1, 16

    def __init__(self, step: int, n_bytes: int = 1000) -> None:
        self.step, self.n_bytes, self.n_settled = step, n_bytes, 0

    @staticmethod
    def settle(readings):
        for late in readings:
            late.n_settled += 1
        return [reading(late.step) for late in readings]


@pytest.mark.parametrize("n_bytes", [10, 1 << 20, 64 << 20])
@pytest.mark.parametrize("looks", [(), (1,), (5, 6, 64, 65, 200)])
def test_readings_that_wait_are_computed_once_and_counted_right(looks, n_bytes):
    recording = Recording(budget_bytes=1 << 40)
    recording.set_catalogue(one_tensor())
    plain = with_readings(300, budget_bytes=1 << 40)
    late = [LateReading(step, n_bytes) for step in range(1, 301)]
    for each in late:
        # A backend may hand over computed ones in between.
        recording.add_vitals(each.step, reading(each.step) if each.step % 7 == 0 else each)
        if each.step in looks:
            assert recording.vitals("dense", "activations").index[-1] == each.step
    np.testing.assert_array_equal(recording.vitals("dense", "activations"), plain.vitals("dense", "activations"))
    np.testing.assert_array_equal(recording.neuron_arrays(KEY, "max")[1], plain.neuron_arrays(KEY, "max")[1])
    assert recording.n_bytes == plain.n_bytes
    assert {each.n_settled for each in late if each.step % 7} == {1}


def test_K24_readings_that_cannot_be_computed_are_left_out_and_said_so(monkeypatch, caplog):
    recording = Recording(budget_bytes=1 << 40)
    recording.set_catalogue(one_tensor())

    def settle(readings):
        raise RuntimeError("a mistake of ours")

    for step in range(1, 101):
        recording.add_vitals(step, reading(step) if step <= 10 else LateReading(step))
        if step == 80:
            monkeypatch.setattr(LateReading, "settle", staticmethod(settle))
    assert recording.vitals("dense", "activations").index.tolist() == list(range(1, 65))
    assert "the vitals of 36 steps could not be computed" in caplog.text
    recording.add_vitals(101, reading(101))
    assert recording.vitals("dense", "activations").index[-1] == 101


def test_the_newest_reading_stays_whatever_the_budget():
    recording = with_readings(100, budget_bytes=1)
    assert recording.vitals("dense", "activations").index.tolist() == [100]
    recording.add_vitals(100, reading(7))
    assert recording.vitals("dense", "activations")["mean"].tolist() == [7.0]


def test_readings_across_segments_are_thinned_together():
    recording = Recording(budget_bytes=100_000)
    for half, n_neurons in enumerate((4, 6)):
        recording.set_catalogue(
            Catalogue((), (TensorSpec(KEY, (None, n_neurons), "float32", ("sample", "neuron"), 1),))
        )
        for step in range(half * 500, half * 500 + 500):
            recording.add_vitals(step, VitalsReading(np.full((1, 9), float(step)), np.full(4 * n_neurons, step, "f4")))
    steps = recording.vitals("dense", "activations").index
    assert recording.n_bytes <= 25_000
    assert steps[0] < 500 < steps[-1] == 999
    assert recording.neurons("dense", "activations").shape[1] == 6


def test_a_reading_in_place_of_one_that_was_left_out_replaces_no_other(monkeypatch):
    recording = Recording(budget_bytes=1 << 40)
    recording.set_catalogue(one_tensor())

    def settle(readings):
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(LateReading, "settle", staticmethod(settle))
    recording.add_vitals(1, LateReading(1))
    assert recording.vitals("dense", "activations").empty
    recording.add_vitals(1, reading(1))
    recording.add_vitals(2, LateReading(2))
    assert recording.vitals("dense", "activations").index.tolist() == [1]
    recording.add_vitals(2, reading(2))
    assert recording.vitals("dense", "activations").index.tolist() == [1, 2]
