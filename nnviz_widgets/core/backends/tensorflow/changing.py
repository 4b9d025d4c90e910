"""A training that is set up otherwise between two of its steps: edits, and going back to before them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from nnviz_widgets.core.backends.tensorflow.feed import Feed, why_no_other
from nnviz_widgets.core.backends.tensorflow.resumption import Captured, capture_of
from nnviz_widgets.core.backends.tensorflow.script import write_script
from nnviz_widgets.core.backends.tensorflow.setup import CompiledLately, Setup
from nnviz_widgets.core.backends.tensorflow.state import of_tensorflow
from nnviz_widgets.core.backends.tensorflow.step import StepFunctions
from nnviz_widgets.core.backends.tensorflow.weight_edits import by_hand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    import numpy.typing as npt

    from nnviz_widgets.core.backends.tensorflow.snapshot import Snapshot
    from nnviz_widgets.core.edit import Edit
    from nnviz_widgets.core.fit_arguments import FitArguments
    from nnviz_widgets.core.journal import Told
    from nnviz_widgets.core.probe import Probe
    from nnviz_widgets.core.report import StepReport


class Changing:
    """What of a `Training` changes how it is set up; see there for its attributes."""

    model: Any
    arguments: FitArguments
    functions: StepFunctions
    feed: Feed
    next_feed: dict[str, Any]
    setup: Setup | None
    _compiled: CompiledLately
    _on_activity: Callable[[str | None], None]
    _probe: Probe

    if TYPE_CHECKING:

        @property
        def iterator(self) -> Any:
            """As in `Training`."""

        def release_validation(self) -> None:
            """As in `FitLoop`."""

        def _make_iterator(self) -> None: ...

        def _no_batches(self) -> Any: ...

        def _stop_loading(self) -> None: ...

    def why_no_other_feed(self) -> str | None:
        """Say why the data cannot be fed otherwise from the next epoch on, `None` if they can."""
        return why_no_other(self)

    def apply(self, edit: Edit) -> None:
        """Change what an edit changes; if the step cannot be built with it, all is as it was before."""
        before = self.setup
        edit.apply()
        try:
            if edit.retraces:
                self._build_anew()
        except BaseException:
            self.use(before)
            raise
        self.setup = Setup.of(self)

    def _build_anew(self) -> None:
        """Make another step for the model as it is set up now; the one before stays with its setup."""
        self._on_activity("building the training step anew")
        self.functions = StepFunctions(self.model, self._probe)
        try:
            self._compile()
        finally:
            self._on_activity(None)

    def _compile(self) -> None:
        self.functions.prepare(self._no_batches())
        self.functions.make_variables(self._no_batches())
        self._compiled.used(self.functions)

    def use(self, setup: Setup | None) -> None:
        """Be set up as at another time."""
        if setup is None or setup is self.setup:
            return
        setup.put_back()
        self.functions, self.feed, self.next_feed = setup.functions, setup.feed, dict(setup.next_feed)
        self.arguments.batch_size, self.arguments.class_weight = self.feed.batch_size, self.feed.class_weight
        self.setup = setup
        if self.functions.is_compiled:
            self._compiled.used(self.functions)
        elif self.iterator is not None:
            self._compile()

    def unexplained(
        self, changed: list[tuple[Any, npt.NDArray[Any]]], edits: Iterable[Edit]
    ) -> list[tuple[Any, npt.NDArray[Any]]]:
        """Return those of `changed`, TensorFlow's variables and their values, that no edit has made what they are."""
        made = {id(of_tensorflow(variable)): array for edit in edits for variable, array in edit.values}
        return [
            (variable, array)
            for variable, array in changed
            if id(variable) not in made or np.asarray(made[id(variable)]).tobytes() != array.tobytes()
        ]

    def by_hand(self, changed: list[tuple[Any, npt.NDArray[Any]]]) -> Edit:
        """Describe what somebody has assigned to TensorFlow's variables without an edit."""
        return by_hand(self.model, changed)

    def write_script(self, path: Path, told: Told) -> None:
        """Write a script in plain Keras that repeats what `told` says.

        Raises:
            ScriptNotPossible: If plain Keras cannot.
            OSError: If it cannot be written.
        """
        write_script(self, path, told)

    def capture_of(self, snapshot: Snapshot, report: StepReport | None) -> Captured:
        """Return what `capture` did when a snapshot was taken; the training must be set up as it was then."""
        facts, arrays = capture_of(self, snapshot)
        return {**facts, "report": None if report is None else asdict(report)}, arrays

    @contextmanager
    def as_set_up(self, setup: Setup) -> Iterator[None]:
        """Within the block, be set up as at another time."""
        now = self.setup
        self.use(setup)
        try:
            yield
        finally:
            self.use(now)

    def undo(self, before: Snapshot) -> None:
        """Take back what edits have changed since `before` was taken between the same two steps."""
        self.use(before.setup)
        before.put_back_values()

    def _change_feed(self, epoch: int) -> None:
        """Feed otherwise from the beginning of an epoch on."""
        old, wanted, self.next_feed = self.feed, self.next_feed, {}
        spec = self._no_batches().element_spec
        self._stop_loading()
        self.feed = Feed(
            wanted.get("batch_size", old.batch_size),
            wanted.get("class_weight", old.class_weight),
            epoch,
            old.n_until(epoch) or 0,
            before=old,
        )
        self._make_iterator()
        self.iterator.reset()
        self.release_validation()
        if self._no_batches().element_spec != spec:
            self._build_anew()
        self.setup = Setup.of(self)
