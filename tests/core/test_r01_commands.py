"""Every command in any order, against a model of what a session must be: where it stands, its branches, its state."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from nnviz_widgets.core.probe import Probe
from nnviz_widgets.core.session import Session
from nnviz_widgets.core.snapshots import Snapshots
from nnviz_widgets.errors import InvalidArgumentError, NothingToUndo, SessionBusy, SessionClosed
from tests.core.networks import Network
from tests.core.sessions import everything

PER_EPOCH = 3
TOTAL = 12
STEPS = st.integers(0, TOTAL + 2)
FROM_STEP_ON = 8
"""Commands after which nothing is left to do come only so late."""


def network(*, once: bool) -> Network:
    """Two inputs, four units, one output: the quickest that has dropout, momentum and metrics."""
    import keras
    import tensorflow as tf
    from keras import layers

    keras.utils.set_random_seed(5)
    model = keras.Sequential(
        [keras.Input((2,)), layers.Dense(4, "tanh", name="a"), layers.Dropout(0.2), layers.Dense(1, name="b")]
    )
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), "mse", metrics=["mae"])
    random = np.random.default_rng(0)
    x, y = random.normal(size=(12, 2)).astype("float32"), random.normal(size=(12, 1)).astype("float32")
    if once:
        return Network(model, tf.data.Dataset.from_tensor_slices((x, y)).shuffle(12).batch(4))
    return Network(model, x, y, {"batch_size": 4})


def bits(session: Session) -> str:
    """Return what tells all that a step may change from anything else."""
    found = hashlib.sha256()
    for name, array in sorted(everything(session).items()):
        found.update(name.encode() + np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


@dataclass
class Line:
    """One branch.

    Attributes:
        parent: Name of the branch that it left.
        begins: The last step that it shares.
        last: Its newest step.
    """

    name: str
    parent: str | None = None
    begins: int = 0
    last: int = 0


@dataclass
class Stop:
    """A breakpoint: at a step, before its update or after it.

    Attributes:
        number: As the session counts them.
    """

    number: int
    step: int
    is_guard: bool
    once: bool
    enabled: bool = True


@dataclass
class Model:
    """What a session must be.

    Attributes:
        state: As `session.state`.
        step: Where it stands.
        lines: The branches in the order of their beginnings.
        here: The current one.
        must_fork: Whether the next step begins a branch.
        refused: The guards that have refused the next step; `None` if none has.
        touched: Whether somebody has changed something at this step, which a step that is refused leaves as it is.
        altered: Whether somebody has since the session was paused there.
        is_changed: Whether that was an edit; then the branch is there of which the next step is.
    """

    state: str = "idle"
    step: int = 0
    lines: list[Line] = field(default_factory=lambda: [Line("main")])
    here: Line = field(init=False)
    must_fork: bool = False
    refused: set[int] | None = None
    touched: bool = False
    altered: bool = False
    is_changed: bool = False
    stops: list[Stop] = field(default_factory=list)
    n_begun: int = 0
    forked_at: list[tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.here = self.lines[0]

    @property
    def key(self) -> tuple[str, int]:
        """Branch and step whose state it is, of the branches that share a step the one that took it."""
        return self.key_of(self.here, self.step)

    def key_of(self, line: Line, step: int) -> tuple[str, int]:
        """As `key`; the step where a branch begins is its own."""
        while line.parent is not None and step < line.begins:
            line = self.line(line.parent)
        return line.name, step

    def line(self, name: str) -> Line:
        return next(line for line in self.lines if line.name == name)

    def fork(self) -> None:
        """Begin a branch where it stands."""
        owner = self.here
        while owner.parent is not None and self.step <= owner.begins:
            owner = self.line(owner.parent)
        self.n_begun += 1
        self.here = Line(f"branch {self.n_begun}", owner.name, self.step, self.step)
        self.lines.append(self.here)
        self.must_fork = False
        self.forked_at.append((self.here.name, self.step))

    def run(self, until: int) -> None:
        """Take steps up to one, or to where a breakpoint stops it before."""
        self.state = "paused"
        if self.must_fork and self.refused is None:
            self.fork()
        while self.step < until:
            if self.step == TOTAL:
                break
            if self._take():
                break
        if self.step == TOTAL and self.refused is None:
            self.state = "finished"

    def _take(self) -> bool:
        """Take a step; whether a breakpoint stops there."""
        step, passed, self.refused = self.step + 1, self.refused, None
        asked = [stop for stop in self.stops if stop.enabled and stop.step == step]
        guards = [stop for stop in asked if stop.is_guard and stop.number not in (passed or ())]
        if self.must_fork or (passed is not None and self.altered and not self.is_changed):
            self.fork()
        self.here.last = max(self.here.last, step)
        if guards:
            self.refused = {*(passed or ()), *(stop.number for stop in guards)}
            self._hit(guards)
            self.altered = self.is_changed = False
            return True
        self.step, self.touched, self.altered, self.is_changed = step, False, False, False
        others = [stop for stop in asked if not stop.is_guard]
        self._hit(others)
        return bool(others)

    def _hit(self, stops: list[Stop]) -> None:
        self.stops = [one for one in self.stops if not (one.once and one in stops)]

    def rewind(self, step: int, line: Line) -> None:
        """Go back."""
        self.step, self.here, self.state = step, line, "paused"
        self.must_fork, self.refused = step < line.last, None
        self.touched = self.altered = self.is_changed = False

    def change(self) -> None:
        """Begin the branch that an edit begins."""
        if self.must_fork or (self.refused is not None and not self.is_changed):
            self.fork()
        self.touched = self.altered = self.is_changed = True


class Commands(RuleBasedStateMachine):
    """A session beside its model."""

    @initialize(
        once=st.booleans(),
        reads=st.booleans(),
        every=st.sampled_from([1, 4, 100, None]),
        memory=st.sampled_from([10**9, 60_000]),
        disk=st.sampled_from([None, 10**9, 20_000]),
    )
    def make(self, once: bool, reads: bool, every: int | None, memory: int, disk: int | None) -> None:
        memory = 10**9 if once else memory  # batches that are not held any more are another test's
        self.session = network(once=once).session(
            probe=Probe(every=5) if reads else Probe(layers=()),
            epochs=TOTAL // PER_EPOCH,
            snapshots=Snapshots(every, memory, disk),
        )
        self.model = Model()
        self.known: dict[tuple[str, int], str] = {}
        self.losses: dict[tuple[str, int], float] = {}
        self.undo: list[str] = []
        self.closed = False
        self.n_commands = self.n_named = 0

    def teardown(self) -> None:
        if hasattr(self, "session"):
            self.session.close()

    # --- forward ---

    def forward(self, until: int) -> None:
        """Expect the session to go forward to a step."""
        step = self.model.step
        self.model.run(until)
        self.note_forks(self.began)
        if self.model.step != step:  # else a step was refused, and what was edited before it can still be undone
            self.undo.clear()
        elif self.began:
            assert bits(self.session) == self.began, "what was changed before a refused step is there"

    def note_forks(self, now: str) -> None:
        """Expect a branch to begin where it was left by hand, before all edits that can be undone."""
        begins = self.undo[0] if self.undo else now
        for key in self.model.forked_at:
            if begins:
                self.known.setdefault(key, begins)
        self.model.forked_at.clear()

    def may_run(self) -> bool:
        """Whether the session can take steps; check that it says so if it cannot."""
        self.n_commands += 1
        if self.closed:
            with pytest.raises(SessionClosed, match="is closed"):
                self.session.run()
            return False
        if self.model.state == "finished":
            with pytest.warns(UserWarning, match="changes nothing: training"):
                self.session.run()
            return False
        self.began = bits(self.session) if self.model.state != "idle" else ""
        return True

    @rule(step=STEPS)
    def run_until_a_step(self, step: int) -> None:
        if not self.may_run():
            return
        if step <= self.model.step:
            with pytest.warns(UserWarning, match="must be a step that is still to come"):
                self.session.run(until=step)
            return
        self.session.run(until=step)
        self.session.wait()
        self.forward(step)

    @rule()
    def run_until_the_end_of_the_epoch(self) -> None:
        if self.may_run():
            self.session.run(until="epoch")
            self.session.wait()
            self.forward((self.model.step // PER_EPOCH + 1) * PER_EPOCH)

    @rule(step=STEPS)
    def run_until_a_condition_holds(self, step: int) -> None:
        if self.may_run():
            self.session.run(until=f"step == {step}")
            self.session.wait()
            self.forward(step if step > self.model.step else TOTAL + 1)

    @rule(n=st.integers(1, 4))
    def take_steps(self, n: int) -> None:
        if self.may_run():
            self.session.step(n)
            self.forward(self.model.step + n)

    @precondition(lambda self: self.model.state == "paused" and 0 < self.model.step < TOTAL)
    @rule(step=STEPS)
    def while_it_runs_what_needs_a_pause_is_refused(self, step: int) -> None:
        self.may_run()
        self.session.speed = 1e-3
        self.session.run()
        assert self.session.state == "running"
        with pytest.raises(SessionBusy, match="cannot step while running"):
            self.session.step()
        with pytest.raises(SessionBusy, match="cannot be rewound while running"):
            self.session.rewind(step)
        with pytest.raises(SessionBusy, match="must rest for its branches"):
            self.session.branches.rename(self.model.here.name, "another")
        with pytest.raises(SessionBusy, match="must rest for its branches"):
            self.session.branches.drop(self.model.here.name)
        self.session.speed = None
        self.session.wait()
        self.forward(TOTAL + 1)

    @rule()
    def pause_what_does_not_run(self) -> None:
        self.session.pause()

    # --- back ---

    @rule(step=STEPS, which=st.integers(0, 5))
    def rewind(self, step: int, which: int) -> None:
        line = self.model.lines[which % len(self.model.lines)]
        if self.closed:
            with pytest.raises(SessionClosed, match="cannot be rewound any more"):
                self.session.rewind(step, line.name)
        elif self.model.state == "idle" and not step:
            self.session.rewind(step, line.name)
        elif self.model.state == "idle" or step > line.last:
            with pytest.raises(InvalidArgumentError, match="`step` must be a step that was taken"):
                self.session.rewind(step, line.name)
        elif self.session.snapshot_steps:
            assert self.session.rewind_plan(step, line.name).grade == "exact"
            self.session.rewind(step, line.name)
            self.model.rewind(step, line)
            self.undo.clear()

    # --- branches ---

    @rule(which=st.integers(0, 5), at=st.booleans())
    def rename_a_branch(self, which: int, at: bool) -> None:
        line = self.model.lines[which % len(self.model.lines)]
        old, new = line.name, line.name if at else f"name {self.n_named}"
        if at:
            with pytest.raises(InvalidArgumentError, match="has or had"):
                self.session.branches.rename(old, new)
            return
        self.n_named += 1
        self.session.branches.rename(old, new)
        for one in self.model.lines:
            one.name = new if one.name == old else one.name
            one.parent = new if one.parent == old else one.parent
        self.known = {(new if name == old else name, step): value for (name, step), value in self.known.items()}
        self.losses = {(new if name == old else name, step): value for (name, step), value in self.losses.items()}

    @rule(which=st.integers(0, 5))
    def drop_a_branch(self, which: int) -> None:
        line = self.model.lines[which % len(self.model.lines)]
        if line is self.model.here or any(one.parent == line.name for one in self.model.lines):
            with pytest.raises(InvalidArgumentError, match="must not be"):
                self.session.branches.drop(line.name)
            return
        self.session.branches.drop(line.name)
        self.model.lines.remove(line)
        with pytest.raises(InvalidArgumentError, match="must be the name of a branch"):
            self.session.rewind(0, line.name) if self.session.snapshot_steps else self.session.branches[line.name]

    # --- breakpoints ---

    @rule(step=STEPS, is_guard=st.booleans(), once=st.booleans())
    def add_a_breakpoint(self, step: int, is_guard: bool, once: bool) -> None:
        text = f"step == {step} and gradient_l2 >= 0" if is_guard else f"step == {step}"
        added = self.session.breakpoints.add(text, once=once)
        self.model.stops.append(Stop(added.number, step, is_guard, once))

    @precondition(lambda self: self.model.stops)
    @rule(which=st.integers(0, 9), action=st.sampled_from(["remove", "enable", "disable"]))
    def change_a_breakpoint(self, which: int, action: str) -> None:
        stop = self.model.stops[which % len(self.model.stops)]
        getattr(self.session.breakpoints, action)(stop.number)
        if action == "remove":
            self.model.stops.remove(stop)
            with pytest.raises(InvalidArgumentError, match="must be one in the list"):
                self.session.breakpoints.remove(stop.number)
        else:
            stop.enabled = action == "enable"

    # --- changes ---

    @precondition(lambda self: self.model.state in ("idle", "paused") and not self.closed)
    @rule(factor=st.sampled_from([0.5, 1.5]))
    def change_a_weight_by_hand(self, factor: float) -> None:
        kernel = self.session.model.layers[0].kernel
        kernel.assign(kernel * factor)
        self.model.touched = True
        self.model.altered = self.model.altered or bool(kernel.numpy().any())

    @rule(rate=st.sampled_from([0.01, 0.1]))
    def edit_the_learning_rate(self, rate: float) -> None:
        self.edit(lambda: self.session.edit.learning_rate(rate))
        assert (
            self.closed
            or self.model.state == "finished"
            or np.isclose(float(self.session.model.optimizer.learning_rate), rate)
        )

    @rule(layer=st.sampled_from(["a", "b"]), value=st.sampled_from([0.0, 0.5]))
    def edit_weights(self, layer: str, value: float) -> None:
        self.edit(lambda: self.session.edit.weights(layer, value))

    def edit(self, do: Any) -> None:
        """Expect an edit that begins a branch where one must begin."""
        if self.closed or self.model.state == "finished":
            with pytest.raises(SessionClosed):
                do()
            return
        before = bits(self.session) if self.model.state == "paused" else None
        do()
        self.model.state = "paused"
        self.model.change()
        self.note_forks(before or "")
        self.undo.append(before or "")

    @rule()
    def take_back_an_edit(self) -> None:
        if self.closed or (self.model.state == "finished" and self.undo):
            with pytest.raises(SessionClosed):
                self.session.undo()
        elif not self.undo:
            with pytest.raises(SessionClosed if self.model.state == "finished" else NothingToUndo):
                self.session.undo()
        else:
            self.session.undo()
            if self.model.refused is not None:  # another step than the one that was refused
                self.model.change()
                self.note_forks("")
            before = self.undo.pop()
            assert not before or bits(self.session) == before

    @precondition(lambda self: self.model.state == "paused" and self.model.step < TOTAL and not self.closed)
    @rule(rate=st.sampled_from([0.02, 0.2]), n_undone=st.integers(0, 2))
    def edit_before_a_step_that_is_refused(self, rate: float, n_undone: int) -> None:
        """Few orders of commands come to this by chance."""
        self.edit_the_learning_rate(rate)
        self.add_a_breakpoint(self.model.step + 1, is_guard=True, once=True)
        self.run_until_a_step(self.model.step + 1)
        assert self.model.refused
        for _ in range(n_undone):
            self.take_back_an_edit()

    # --- the end ---

    @precondition(lambda self: self.n_commands >= FROM_STEP_ON)
    @rule()
    def stop(self) -> None:
        self.n_commands = 0
        self.session.stop()
        if not self.closed:
            self.model.state = "finished"
            self.undo.clear()

    @precondition(lambda self: self.n_commands >= 2 * FROM_STEP_ON)
    @rule()
    def close(self) -> None:
        self.session.close()
        self.closed, self.model.state = True, "finished"

    # --- what must be so after each ---

    @invariant()
    def it_stands_where_it_must(self) -> None:
        session, model = self.session, self.model
        assert (session.state, session.step_index) == (model.state, model.step)
        assert [one.number for one in session.breakpoints] == [one.number for one in model.stops]

    @invariant()
    def the_branches_are_those_of_the_model(self) -> None:
        found = [(one.name, one.parent, one.step, one.last_step) for one in self.session.branches]
        assert found == [(one.name, one.parent, one.begins, one.last) for one in self.model.lines]
        assert self.session.branches.current.name == self.model.here.name

    @invariant()
    def the_state_of_a_step_is_always_the_very_same(self) -> None:
        if self.model.state == "idle" or self.model.touched or self.closed:
            return
        now = bits(self.session)
        assert self.known.setdefault(self.model.key, now) == now, self.model.key

    @invariant()
    def what_was_recorded_stays(self) -> None:
        for branch in self.session.branches:
            steps, columns = branch.recording.metric_arrays()
            for step, loss in zip(steps.tolist(), columns.get("batch_loss", ()), strict=False):
                assert self.losses.setdefault((branch.name, step), loss) == loss

    @invariant()
    def no_replay_differed(self) -> None:
        assert self.session._worker.difference is None


def test_R01_any_order_of_commands_leaves_what_the_model_says() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*shuffle.*")
        run_state_machine_as_test(
            Commands,
            settings=settings(
                max_examples=20,
                stateful_step_count=30,
                deadline=None,
                phases=[Phase.generate],  # a session an example: to shrink one that fails takes minutes
                suppress_health_check=list(HealthCheck),
            ),
        )
