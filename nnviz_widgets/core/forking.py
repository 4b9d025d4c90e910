"""A second session that goes on from a step of the first, on a model of its own."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from nnviz_widgets.core.asking import checked_step
from nnviz_widgets.core.backends import load_tensorflow_backend
from nnviz_widgets.core.calls import all_called
from nnviz_widgets.core.editing import EDITS, Editing, received_edit
from nnviz_widgets.core.warn import warn
from nnviz_widgets.errors import InvalidArgumentError, NotClonable, NotResumable, SessionBusy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    from nnviz_widgets.core.report import StepReport
    from nnviz_widgets.core.snapshots import Snapshots

_OF_ONE_VALUE = ("learning_rate", "batch_size", "class_weight")


@dataclass(frozen=True, slots=True)
class _HeldRun:
    """What `SavedRun` is, in memory."""

    facts: dict[str, Any]
    arrays: Mapping[str, npt.NDArray[Any]]
    path: Path = Path("a fork")

    @property
    def shapes(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """As of a `SavedRun`."""
        return {name: (array.dtype.name, array.shape) for name, array in self.arrays.items()}

    def array(self, name: str) -> npt.NDArray[Any]:
        """As of a `SavedRun`."""
        return self.arrays[name]


@all_called("session")
class Forking(Editing):
    """A session from which another one can set out."""

    model: Any
    _snapshots: Snapshots | bool | None = None

    if TYPE_CHECKING:

        def step(self, n: int = 1) -> StepReport | None:
            """As in `Session`."""

    def fork(
        self,
        at: int | None = None,
        name: str | None = None,
        rebuild: Callable[[], Any] | None = None,
        **edits: Any,
    ) -> Self:
        """Return a second session that goes on from a step of this one, on a model of its own; this one stays as it is.

        The other model is made from the configuration of this one's, or by `rebuild`. Weights, optimizer, random
        states, metrics and the place in the data are those of the step, and training goes on from there bit by bit as
        it would here. Where the state of the step is not stored, the fork takes the steps after the newest one before
        it. To compare both: `nnviz.compare(session, fork)`.

        Its breakpoints are those of this session. Keras' own callbacks are copied with what they remember; those that
        write files are left out. The random streams of the process belong to both: what draws from them outside the
        model comes in the order in which both ask.

        Args:
            at: How many steps are completed where it sets out; where this session stands if `None`.
            name: Of the fork.
            rebuild: A function without arguments that makes and compiles the model as the first, and returns it: where
                its configuration does not tell all, as of a subclass without `get_config`, or a loss or metric that is
                a function or class of the user's and not registered with Keras.
            edits: Edits of `edit` by name, made where the fork sets out: `learning_rate=0.01`, `batch_size=64`,
                `class_weight={...}`; of one with several arguments a tuple of them, `dropout=("dropout", 0.2)`, or a
                list of such tuples.

        Returns:
            The session, paused.

        Warns:
            UserWarning: Names callbacks that are left out, or of which it is not known what they remember.

        Raises:
            NotClonable: If the model cannot be made a second time, or the data come once.
            InvalidArgumentError: If there is no such step or edit.
            ReplayNotExact: If no state at or before the step is stored.
            SessionBusy: If this session is running, or has not begun.
            SessionClosed: If it is closed.

        Example:
            ```python
            slow = session.fork(at=300, learning_rate=1e-4)
            slow.run(until=600)
            nnviz.compare(session, slow)
            ```
        """
        check_edits(edits)
        with self.standing_still():
            self._require_forkable()
            step = self.step_index if at is None else checked_step(at)
            try:
                made = self._forked(step, name or f"{self.name} fork", rebuild)
            except NotResumable as error:
                raise NotClonable(
                    "A fork must find the same model and the same batches in the same order again. Received: others. "
                    f"{error} A data set that is shuffled anew each time needs reshuffle_each_iteration=False."
                ) from error
        try:
            if made.step_index < step:
                made.step(step - made.step_index)
            for one, value in edits.items():
                for arguments in _calls(one, value):
                    getattr(made.edit, one)(*arguments)
            for listed in self.breakpoints:
                added = made.breakpoints.add(listed.condition, for_steps=listed.for_steps, once=listed.once)
                if not listed.enabled:
                    made.breakpoints.disable(added)
        except BaseException:
            made.close()
            raise
        return made

    def _require_forkable(self) -> None:
        if self._training.origin is None or not self._worker.prepared:
            raise SessionBusy(f"A session must have taken a step to be forked. Received: {self.name!r}, which has not.")
        why = load_tensorflow_backend().cloning.why_not_twice(self._training.arguments.x)
        if why is not None:
            raise NotClonable(
                f"Data must be such that two sessions can read them. Received: {why}. Give arrays, a tf.data.Dataset "
                "or a keras.utils.PyDataset."
            )

    def _forked(self, step: int, name: str, rebuild: Callable[[], Any] | None) -> Self:
        backend, training, worker = load_tensorflow_backend(), self._training, self._worker
        batch = None if worker.output is None else worker.output.batch
        if step == worker.step and training.setup is not None:
            setup = training.setup
            facts, arrays = training.capture(worker.output, worker.report)
            about = {"step": worker.step, "batch": worker.batch}
            model = backend.cloning.clone_of(self.model, rebuild, batch)
        else:
            _, kept = worker.travel.plan(step, worker.branches.current.name, state_only=True, values=True)
            setup = kept.state.setup
            with training.as_set_up(setup):
                facts, arrays = training.capture_of(kept.state, kept.report)
                model = backend.cloning.clone_of(self.model, rebuild, batch)
            about = {"step": kept.step, "batch": kept.batch}
        run = _HeldRun({**facts, **about, "name": name, "recording": None}, arrays)
        return self._begun(model, run, setup, name)

    def _begun(self, model: Any, run: _HeldRun, setup: Any, name: str) -> Self:
        """Make the session and let it go to its place; the random streams stay where they are."""
        backend, feed = load_tensorflow_backend(), setup.feed
        given = {one.name: getattr(self._training.arguments, one.name) for one in fields(self._training.arguments)}
        callbacks, forgetful, written = backend.cloning.copied_callbacks(self._training.callbacks)
        given |= {"callbacks": callbacks, "batch_size": feed.batch_size, "class_weight": feed.class_weight}
        made = type(self).__new__(type(self))
        made._saved = (run, False)  # type: ignore[assignment]
        with backend.random_streams.kept():
            made.__init__(  # type: ignore[misc]
                model, given.pop("x"), given.pop("y"), **given, probe=self.probe, snapshots=self._snapshots, name=name
            )
            made._go_to_its_place()
        if backend.cloning.gives_the_same(feed):
            made._training.feed.source = feed.source
        made.recording.add_event(made.step_index, "notice", f"sets out from step {made.step_index} of {self.name!r}")
        made.recording.commit()
        as_now = "are copied as they are now, and share lists and dicts with the first"
        for names, why in ((forgetful, as_now), (written, "write to files and are left out")):
            if names:
                warn(f"Callbacks of the first session: {', '.join(names)} {why}.")
        return made


def check_edits(edits: dict[str, Any]) -> None:
    """Refuse edits that there are not.

    Raises:
        InvalidArgumentError: The message names the nearest.
    """
    for name in edits:
        if name not in EDITS:
            raise InvalidArgumentError(f"`edits` must be those of session.edit. {received_edit(name)}")


def _calls(name: str, value: Any) -> list[tuple[Any, ...]]:
    if name in _OF_ONE_VALUE:
        return [(value,)]
    if isinstance(value, list):
        return [one if isinstance(one, tuple) else (one,) for one in value]
    return [value if isinstance(value, tuple) else (value,)]
