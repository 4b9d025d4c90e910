"""Breakpoints of a session: stopped before harm is done, and what comes of the step that was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnviz_widgets.core.backends.tensorflow import state
from nnviz_widgets.core.probe import Probe
from nnviz_widgets.core.snapshots import Snapshots
from nnviz_widgets.core.storage.reader import open_recording
from nnviz_widgets.errors import InvalidArgumentError, NotACondition
from tests.core import networks
from tests.core.networks import Network, assert_same_weights, weights_of
from tests.core.sessions import N_STEPS, endless
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nnviz_widgets.core.session import Session


def poisoned(network: Network, bad_batch: int) -> Network:
    """Put a NaN into one batch of each epoch, counted from 1; nothing is shuffled."""
    n = network.arguments.get("batch_size", networks.BATCH_SIZE)
    network.x = network.x.copy()
    network.x[(bad_batch - 1) * n].flat[0] = np.nan
    network.arguments["shuffle"] = False
    return network


def run(session: Session, **arguments: Any) -> None:
    session.run(**arguments)
    session.wait()


def everything(session: Session) -> dict[str, np.ndarray]:
    """Read each variable that training changes."""
    found = state.variables_of(session.model, session._training.keras_state)
    return {name: np.asarray(variable.numpy()) for name, variable in found.items()}


def assert_same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    assert one.keys() == other.keys()
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name], err_msg=name)


def told(session: Session, name: str = "breakpoint") -> list[tuple[int, str]]:
    return [(step, text) for step, kind, text in session.recording.events if kind == name]


def with_batch_normalization() -> Network:
    import keras

    network = networks.line()
    layers = [keras.layers.Dense(4, name="a"), keras.layers.BatchNormalization(), keras.layers.Dense(2, name="d")]
    network.model = keras.Sequential([keras.Input((5,)), *layers])
    network.model.compile("adam", "mse", metrics=["mae"])
    return network


def accumulating() -> Network:
    import keras

    return networks.line(optimizer=keras.optimizers.Adam(0.01, gradient_accumulation_steps=2))


NETWORKS = {
    "SGD": networks.line,
    "Dropout and Adam": networks.mlp,
    "BatchNormalization": with_batch_normalization,
    "accumulating": accumulating,
    "own train_step": networks.own_step,
}


@pytest.mark.parametrize("step", [1, 2, 3], ids=["the first", "within", "the last of an epoch"])
@pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS.keys())
def test_training_is_stopped_before_a_nan_does_harm(make: Callable[[], Network], step: int) -> None:
    with poisoned(make(), step).session() as free:
        if step > 1:
            free.step(step - 1)
        else:
            free.step()
            free.rewind(0)
        before = everything(free)
        free.step()
        after, loss = everything(free), free.batch_loss

    with poisoned(make(), step).session() as session:
        guard = session.breakpoints.add("nan")
        run(session)
        assert session.state == "paused"
        assert session.step_index == step - 1
        assert session.paused_by is guard
        assert guard.hits == 1
        assert_same(everything(session), before)
        assert all(np.isfinite(array).all() for array in everything(session).values())
        assert session.batch is not None
        assert np.isnan(session.batch[0]).any(), "the batch that was refused"
        assert session.recording.steps.tolist() == list(range(1, step + 1))
        assert told(session) == [(step, f"breakpoint 1, nan: paused before the update of step {step}")]
        assert ", paused by nan" in repr(session)
        metrics = {name: values.copy() for name, values in session.recording.metric_arrays()[1].items()}

        session.step()  # takes the batch after all, and exactly as it was
        assert session.step_index == step
        assert session.paused_by is None
        assert guard.hits == 1
        assert_same(everything(session), after)
        np.testing.assert_equal(session.batch_loss, loss)
        assert session.branches.names == ("main",)
        assert session.recording.steps.tolist() == list(range(1, step + 1))
        for name, values in metrics.items():
            np.testing.assert_array_equal(session.recording.metric_arrays()[1][name], values)


def test_a_blow_up_is_stopped_at_its_first_step() -> None:
    import keras

    def make() -> Network:
        return networks.line(optimizer=keras.optimizers.SGD(1e10))

    with make().session() as free:
        free.run()
        free.wait()
        losses = free.recording.metrics["batch_loss"].to_numpy()
    first = int(np.flatnonzero(~np.isfinite(losses))[0]) + 1
    with make().session() as session:
        session.breakpoints.add("nan")
        run(session)
        assert session.step_index <= first - 1
        assert all(np.isfinite(array).all() for array in weights_of(session.model))


@pytest.mark.parametrize("step", [3, 4], ids=["the last of an epoch", "the first of an epoch"])
def test_an_epoch_that_a_refused_step_begins_or_ends_leaves_no_trace(step: int) -> None:
    network = networks.mlp()
    validation = {"validation_data": (network.x, network.y)}
    with network.session(**validation) as free:
        free.step(step - 1)
        history, before = {k: list(v) for k, v in free.history.items()}, everything(free)
        free.run()
        free.wait()
        whole, end = free.history, weights_of(free.model)
        metrics = free.recording.metrics
    with networks.mlp().session(**validation) as session:
        guard = session.breakpoints.add(f"step == {step} and gradient_l2 > 0")
        run(session)
        assert session.step_index == step - 1
        assert session.history == history
        assert_same(everything(session), before)
        assert not [s for s, name, _ in session.recording.events if name == "epoch" and s >= step]
        run(session)
        assert session.state == "finished"
        assert guard.hits == 1
        assert session.history == whole
        assert_same_weights(weights_of(session.model), end)
        assert session.recording.metrics[metrics.columns].equals(metrics)
        assert len(session.branches) == 1


def test_a_guard_on_a_gradient_pauses_before_the_update() -> None:
    with networks.mlp().session(probe=Probe(every=1)) as free:
        run(free)
        steps, norms = free.recording.vital_arrays(free.recording.resolve("hidden", "gradients"), "l2")
    bound = float(np.median(norms))
    first = int(steps[norms > bound][0])
    with networks.mlp().session() as session:
        guard = session.breakpoints.add(f"l2(hidden.gradients) > {bound!r}")
        run(session)
        assert session.step_index == first - 1
        assert guard.hits == 1
        kept, values = session.recording.vital_arrays(session.recording.resolve("hidden", "gradients"), "l2")
        assert (kept[-1], values[-1]) == (first, norms[first - 1]), "what was read of the step stays"


def test_a_condition_on_finished_steps_pauses_after_the_step_which_is_read_in_full() -> None:
    with networks.mlp().session(probe=Probe(every=10**6)) as session:
        found = session.breakpoints.add("step == 7")
        run(session)
        assert (session.state, session.step_index, session.paused_by) == ("paused", 7, found)
        assert session.recording.tensor("hidden", "gradients", 7).shape == (5, 8)
        assert told(session) == [(7, "breakpoint 1, step == 7: paused after step 7")]
        run(session)
        assert session.state == "finished"
        assert len(session.branches) == 1
        assert session.recording.steps.tolist() == list(range(1, N_STEPS + 1))
    with networks.mlp().session(probe=Probe(every=10**6)) as other:
        run(other)
        assert other.recording.metrics.equals(session.recording.metrics)


def test_a_callback_of_the_users_does_not_hear_of_a_step_twice() -> None:
    import keras

    heard: list[int] = []
    callback = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: heard.append(batch))
    with networks.mlp().session(probe=Probe(every=10**6), callbacks=[callback]) as session:
        session.breakpoints.add("step == 2")
        run(session)
        assert session.step_index == 2
        assert heard == [0, 1]


def test_no_callback_hears_of_a_step_that_is_refused() -> None:
    import keras

    heard: list[int] = []
    callback = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: heard.append(batch))
    options = {"snapshots": Snapshots(every=1), "callbacks": [callback]}
    with poisoned(networks.mlp(), 3).session(**options) as session:
        session.breakpoints.add("nan")
        run(session)
        assert heard == [0, 1]


def test_all_that_the_probe_reads_can_be_read_of_a_refused_step() -> None:
    with poisoned(networks.mlp(), 2).session(probe=Probe(every=10**6)) as session:
        session.breakpoints.add("nan")
        run(session)
        assert session.step_index == 1
        assert all(np.isfinite(array).all() for array in weights_of(session.model))
        assert np.isnan(session.recording.tensor("hidden", "gradients", 2)).any()
        assert np.isnan(session.recording.tensor("hidden", "weights", 2)).any()
        assert np.isfinite(session.recording.tensor("hidden", "weights", 1)).all()


def test_a_recording_on_disk_has_a_refused_step_once(tmp_path: Path) -> None:
    path = tmp_path / "a.nnv"
    with poisoned(networks.mlp(), 2).session(probe=Probe(every=1), record=path) as session:
        session.breakpoints.add("step == 4 and nan")
        session.breakpoints.add("step == 2 and nan", once=True)
        run(session)
        run(session)
        assert session.step_index == 3
        run(session)
        metrics = session.recording.metrics
        assert session.state == "finished"
        assert len(session.branches) == 1
    read = open_recording(path)
    try:
        assert read.metrics.equals(metrics)
        assert [step for step, name, _ in read.events if name == "breakpoint"] == [2, 4]
        assert read.vitals("hidden", "gradients").index.tolist() == list(range(1, N_STEPS + 1))
    finally:
        read.close()


def test_conditions_on_losses_metrics_and_functions() -> None:
    with networks.mlp().session() as free:
        run(free)
        metrics = free.recording.metrics
    losses, accuracy = metrics["batch_loss"], metrics["accuracy"]
    bound = float(losses.iloc[:3].min())
    first = int(losses.index[losses < bound][0])
    with networks.mlp().session() as session:
        session.breakpoints.add(f"loss < {bound!r}")
        run(session)
        assert session.step_index == first
    with networks.mlp().session() as session:
        best = float(accuracy.iloc[0])
        session.breakpoints.add(lambda report: report.logs["accuracy"] != best, once=True)
        run(session)
        assert session.step_index == int(accuracy.index[accuracy != best][0])
        assert len(session.breakpoints) == 0
        run(session)
        assert session.state == "finished"


def test_run_until_a_condition_is_for_that_run_alone() -> None:
    with networks.mlp().session() as session:
        run(session, until="step == 4")
        assert session.step_index == 4
        assert repr(session.paused_by) == "<Breakpoint 1: step == 4, 1 hit>"
        assert told(session) == [(4, "until step == 4: paused after step 4")]
        assert len(session.breakpoints) == 0
        run(session, until=lambda report: report.step == 6)
        assert session.step_index == 6
        run(session)
        assert session.state == "finished"
        assert session.paused_by is None


def test_run_until_a_guard_comes_past_its_step() -> None:
    with poisoned(networks.line(), 2).session() as session:
        run(session, until="nan")
        assert session.step_index == 1
        run(session, until="nan")  # takes step 2 after all, which leaves nothing that is finite
        assert session.step_index == 2
        assert session.recording.steps.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("loss >", "col 7"),
        ("los > 3 and", "col"),
        ("__import__('os').system('x')", "not"),
        ("loss.__class__ == 3", "col"),
        ("l2(dense.gradients)", "col"),
    ],
)
def test_R02_what_is_no_condition_is_refused_where_it_is_typed(wrong: str, words: str) -> None:
    with networks.line().session() as session:
        with pytest.raises(NotACondition, match=words):
            session.run(until=wrong)
        with pytest.raises(NotACondition, match=words):
            session.breakpoints.add(wrong)
        assert session.state == "idle"
        assert len(session.breakpoints) == 0


def test_R03_what_there_is_not_is_refused_with_the_nearest() -> None:
    with networks.line().session() as session:
        session.step()
        with pytest.raises(NotACondition, match="'los' is not known; did you mean 'loss'"):
            session.breakpoints.add("los > 3")
        with pytest.raises(NotACondition, match="'los' is not known; did you mean 'loss'"):
            session.run(until="los > 3")
        with pytest.raises(NotACondition, match="layer 'e' is not known"):
            session.breakpoints.add("l2(e.gradients) > 3")
        with pytest.raises(NotACondition, match="val_loss"):
            session.breakpoints.add("val_loss > 3")


@pytest.mark.parametrize("pauses", [False, True])
def test_R03_a_condition_that_breaks_is_told_once_and_training_goes_on_or_pauses(pauses: bool) -> None:
    with unbuilt().session() as session:
        broken = session.breakpoints.add("los > 3")  # no metric is known before the first step
        session.breakpoints.pause_when_broken = pauses
        run(session)
        assert session.step_index == (1 if pauses else N_STEPS)
        assert session.paused_by is (broken if pauses else None)
        assert [text for _, text in told(session, "notice")] == [
            "breakpoint 1, los > 3: step 1: 'los' is not known; did you mean 'loss'?"
        ]


def test_R03_a_function_that_raises_breaks_alone() -> None:
    def wrong(report: Any) -> bool:
        raise RuntimeError("no")

    with networks.line().session() as session:
        session.breakpoints.add(wrong)
        session.breakpoints.add("step == 2")
        run(session)
        assert session.step_index == 2
        assert ("breakpoint 1, wrong(report): step 1: wrong(report) raised RuntimeError: no") in [
            text for _, text in told(session, "notice")
        ]


def test_R03_a_run_whose_goal_cannot_be_answered_pauses() -> None:
    with unbuilt().session() as session:
        run(session, until="los < 3")
        assert (session.state, session.step_index) == ("paused", 1)


def test_conditions_on_tensors_are_refused_where_nothing_is_read() -> None:
    with networks.line().session(probe=Probe(layers=())) as session:
        for ask in (session.breakpoints.add, lambda text: session.run(until=text)):
            with pytest.raises(InvalidArgumentError, match=r"Probe\(layers=\(\)\)"):
                ask("l2(d.weights) > 3")
        session.breakpoints.add("step == 2 and gradient_l2 > 0")
        run(session)
        assert session.step_index == 1, "the norm of all gradients is read for it"


def test_hits_are_not_counted_again_when_steps_are_taken_again() -> None:
    with networks.mlp().session(snapshots=Snapshots(every=100)) as session:
        seen: list[int] = []
        small = session.breakpoints.add("loss > 0", for_steps=100)
        session.breakpoints.add(lambda report: bool(seen.append(report.step)))
        session.breakpoints.add("step == 5")
        run(session)
        assert small.steps_held == 5
        session.rewind(4)
        assert seen == [1, 2, 3, 4, 5]


def test_for_steps_counts_over_a_refused_step_once() -> None:
    with networks.mlp().session() as session:
        guard = session.breakpoints.add("gradient_l2 > 0", for_steps=3)
        run(session)
        assert session.step_index == 2
        run(session)
        assert (session.step_index, guard.hits) == (5, 2)


def test_a_breakpoint_is_disabled_enabled_and_added_while_training_runs() -> None:
    with endless() as session:
        disabled = session.breakpoints.add("step > 0")
        session.breakpoints.disable(disabled)
        session.run()
        until(lambda: session.step_index > 3)
        session.breakpoints.enable(disabled)
        session.wait()
        assert session.paused_by is disabled
        assert disabled.hits == 1


def test_R07_what_was_changed_before_a_refused_step_makes_a_branch() -> None:
    with networks.mlp().session() as session:
        session.breakpoints.add("step == 4 and gradient_l2 > 0")
        run(session)
        main = session.recording
        assert session.step_index == 3
        session.model.optimizer.learning_rate.assign(1e-4)  # shows in the weights alone
        session.step()
        assert session.branches.names == ("main", "branch 1")
        assert session.step_index == 4
        assert main.steps.tolist() == session.recording.steps.tolist() == [1, 2, 3, 4]
        assert any("branch 1 leaves main after step 3" in text for _, _, text in session.recording.events)


def test_R07_what_was_changed_before_a_refused_step_is_where_its_branch_begins() -> None:
    with networks.mlp().session(snapshots=Snapshots(every=10**9)) as session:
        session.breakpoints.add("step == 4 and gradient_l2 > 0")
        run(session)
        at_3 = everything(session)
        session.model.get_layer("hidden").kernel.assign(np.ones((5, 8), np.float32))
        changed = everything(session)
        run(session, until=5)
        at_5 = everything(session)
        run(session, until=8)
        session.rewind(3)
        assert_same(everything(session), changed)
        session.rewind(4)
        session.rewind(5)
        assert_same(everything(session), at_5)
        session.rewind(4, "main")  # the step that was refused, from where nothing was changed
        session.rewind(3, "main")
        assert_same(everything(session), at_3)
        assert not any("differs" in text for branch in session.branches for _, _, text in branch.recording.events)


def test_R07_what_was_changed_before_a_step_that_was_then_refused_begins_no_branch() -> None:
    with networks.mlp().session() as session:
        session.step(3)
        session.model.get_layer("hidden").kernel.assign(np.ones((5, 8), np.float32))
        session.breakpoints.add("step == 4 and gradient_l2 > 0")
        run(session)
        assert session.step_index == 3
        session.step(2)
        assert session.branches.names == ("main",)
        assert session.recording.steps.tolist() == [1, 2, 3, 4, 5]


def test_what_was_changed_at_a_pause_is_not_lost_when_a_later_step_is_refused() -> None:
    with networks.mlp().session(snapshots=Snapshots(every=100)) as session:
        session.step(2)
        session.model.get_layer("hidden").kernel.assign(np.ones((5, 8), np.float32))
        session.step(2)
        at_4 = everything(session)
    with networks.mlp().session(snapshots=Snapshots(every=100)) as session:
        session.step(2)
        session.model.get_layer("hidden").kernel.assign(np.ones((5, 8), np.float32))
        session.breakpoints.add("step == 5 and gradient_l2 > 0")
        run(session)
        assert session.step_index == 4
        assert_same(everything(session), at_4)
        assert not any("differs" in text for _, _, text in session.recording.events)


def test_rewinding_from_a_refused_step_forgets_it() -> None:
    with networks.mlp().session() as session:
        session.breakpoints.add("step == 4 and gradient_l2 > 0", once=True)
        run(session)
        session.rewind(2)
        assert session.paused_by is None
        assert session.batch is not None
        np.testing.assert_array_equal(session.batch[0].shape, (8, 5))
        session.step(2)
        assert session.branches.names == ("main", "branch 1")
        assert session.recording.steps.tolist() == [1, 2, 3, 4]


def test_a_guard_that_cannot_go_back_pauses_after_the_step_and_says_why() -> None:
    with poisoned(networks.line(), 2).session(snapshots=False) as session:
        guard = session.breakpoints.add("nan")
        run(session)
        assert session.step_index == 2
        assert session.paused_by is guard
        assert not np.isfinite(session.batch_loss)
        assert session.recording.steps.tolist() == [1, 2]
        notices = [text for _, text in told(session, "notice") if "a guard could pause only after" in text]
        assert len(notices) == 1
        assert "takes no snapshots" in notices[0]
        session.step()
        assert session.step_index == 3


def test_an_overflow_that_a_loss_scale_skips_is_no_nan() -> None:
    import keras

    inner = keras.optimizers.SGD(0.1)
    network = networks.line(optimizer=keras.optimizers.LossScaleOptimizer(inner, initial_scale=2.0**127))
    network.y = 100 * network.y
    with network.session() as session:
        session.breakpoints.add("nan")
        run(session)
        assert session.state == "finished"
        assert any("loss scale" in text for _, text in told(session, "no_update"))


def test_a_condition_on_the_validation_is_asked_at_the_end_of_each_epoch() -> None:
    network = networks.mlp()
    with network.session(validation_data=(network.x, network.y)) as session:
        found = session.breakpoints.add("val_loss > 0")
        guard = session.breakpoints.add("nan or val_accuracy >= 0")
        run(session)
        assert (session.step_index, found.hits, guard.hits) == (3, 1, 1)
        run(session)
        assert (session.step_index, found.hits, guard.hits) == (6, 2, 2)


def test_the_learning_rate_is_that_of_the_step() -> None:
    import keras

    rates = keras.optimizers.schedules.PiecewiseConstantDecay([3], [0.1, 0.01])
    with networks.line(optimizer=keras.optimizers.SGD(rates)).session() as session:
        session.breakpoints.add("lr < 0.05")
        run(session)
        assert session.step_index == 5, "steps 1 to 4 are of the first rate, as Keras counts"


# --- metrics, before the first step ---


def reversed_outputs() -> Network:
    """Two outputs, a dictionary, and metrics of each, some of them twice."""
    network = networks.two_inputs(
        metrics={"big": ["mae", "mse"], "small": ["mae", "mae"]}, weighted_metrics={"big": ["mse"], "small": []}
    )
    network.arguments["sample_weight"] = np.ones(networks.N_SAMPLES, "float32")
    return network


def several_metrics() -> Network:
    import keras

    def own_metric(y: Any, outputs: Any) -> Any:
        return keras.ops.mean(outputs)

    metrics = ["mae", keras.metrics.mean_squared_error, keras.metrics.RootMeanSquaredError(), own_metric, "mae"]
    return networks.line(metrics=metrics, weighted_metrics=["mae", "mse"])


KNOWN = {
    "the loss alone": networks.line,
    "one": networks.mlp,
    "several": several_metrics,
    "two outputs": networks.two_inputs,
    "two outputs with metrics": reversed_outputs,
}
"""Networks whose metrics are known by their names before a step was taken."""


@pytest.mark.parametrize("make", KNOWN.values(), ids=KNOWN.keys())
def test_R03_the_metrics_that_are_known_before_a_step_are_those_that_it_has(make: Callable[[], Network]) -> None:
    with make().session() as session:
        known = session._training.metric_names()
        assert session.state == "idle"
        session.step()
        assert known is not None
        assert set(known) == session.recording.metric_arrays()[1].keys() - {"batch_loss", "gradient_l2"}


@pytest.mark.parametrize("make", KNOWN.values(), ids=KNOWN.keys())
def test_R03_a_misspelt_metric_is_refused_before_a_step_was_taken(make: Callable[[], Network]) -> None:
    network = make()
    names = {"loss", *(network.model.metrics_names)}
    with network.session(validation_data=(network.x, network.y)) as session:
        with pytest.raises(NotACondition, match="'los' is not known; did you mean 'loss'"):
            session.breakpoints.add("los > 3")
        with pytest.raises(NotACondition, match="'val_los' is not known; did you mean 'val_loss'"):
            session.run(until="val_los > 3")
        for name in ("loss", "batch_loss", "val_loss", "gradient_l2", *(names & {"accuracy"})):
            session.breakpoints.add(f"{name} > 1e9")
        assert session.state == "idle"
        assert network.model.metrics_names == make().model.metrics_names, "nothing was built"


def test_R03_a_misspelt_metric_is_refused_with_the_nearest_before_a_step_was_taken() -> None:
    with networks.mlp().session() as session:
        with pytest.raises(NotACondition, match="'acuracy' is not known; did you mean 'accuracy'"):
            session.breakpoints.add("acuracy > 0.9")
        with pytest.raises(NotACondition, match="'val_accuracy' is not known"):
            session.breakpoints.add("val_accuracy > 0.9")


def unbuilt() -> Network:
    import keras

    network = networks.line()
    network.model = keras.Sequential([keras.layers.Dense(2)])
    network.model.compile("sgd", "mse", metrics=["mae"])
    return network


def metric_class() -> Network:
    import keras

    class Two(keras.metrics.Mean):  # type: ignore[misc]
        def update_state(self, y: Any, outputs: Any, sample_weight: Any = None) -> Any:
            return super().update_state(outputs)

        def result(self) -> Any:
            return {"first": super().result(), "second": super().result()}

    return networks.line(metrics=[Two()])


@pytest.mark.parametrize("make", [networks.own_step, unbuilt, metric_class], ids=["own step", "unbuilt", "own metric"])
def test_R03_where_only_a_step_can_tell_its_metrics_any_is_taken_until_then(make: Callable[[], Network]) -> None:
    with make().session() as session:
        broken = session.breakpoints.add("los > 3")
        session.step()
        assert "did you mean 'loss'" in str(broken.broken)
        with pytest.raises(NotACondition, match="did you mean 'loss'"):
            session.breakpoints.add("los > 3")


def test_R03_a_session_that_was_prepared_knows_the_metrics_of_any_step() -> None:
    with networks.own_step().session() as session:
        session.edit.learning_rate(0.01)  # prepares it
        assert session.step_index == 0
        session.breakpoints.add("size > 3")
        with pytest.raises(NotACondition, match="'sise' is not known; did you mean 'size'"):
            session.breakpoints.add("sise > 3")


def test_R03_K08_a_model_that_was_compiled_anew_may_have_other_metrics() -> None:
    with networks.mlp().session() as session:
        session.step()
        session.model.compile("sgd", "sparse_categorical_crossentropy", metrics=["top_k_categorical_accuracy"])
        session.breakpoints.add("top_k_categorical_accuracy > 2")
        with pytest.raises(NotACondition, match="did you mean 'top_k_categorical_accuracy'"):
            session.breakpoints.add("top_k_categorial_accuracy > 2")
