"""Changing a training between two of its steps: `session.edit`, `session.undo`, `session.journal`."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnviz_widgets.core.backends import load_tensorflow_backend
from nnviz_widgets.core.calls import all_called
from nnviz_widgets.core.control import Goal
from nnviz_widgets.core.edited import Wish, nothing_since
from nnviz_widgets.core.journal import Told
from nnviz_widgets.core.names import nearest
from nnviz_widgets.core.saving import Saving
from nnviz_widgets.errors import (
    InvalidArgumentError,
    NothingToUndo,
    ScriptNotPossible,
    SessionBusy,
    SessionClosed,
    UnknownAttribute,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    import numpy.typing as npt

    from nnviz_widgets.core.frame import LayerInfo
    from nnviz_widgets.core.journal import Entry, Journal

EDITS = (
    *("learning_rate", "hyperparameter", "trainable", "weights"),
    *("reinitialize", "dropout", "class_weight", "batch_size"),
)
"""The names of all edits."""

_LOOK_S = 0.05
"""How often it is looked whether a session that has just begun is ready for its first step."""


def received_edit(name: Any) -> str:
    """Say what was received in place of an edit, and which are the nearest."""
    return f"Received: {name!r:.100}. Nearest: {', '.join(nearest(str(name), EDITS))}."


@all_called("session.edit")
class Editor:
    """What may be changed between two steps: `session.edit`.

    Each edit is checked, applied before the next step, written to `session.journal` and taken back by `session.undo()`.
    The calls return once it is applied. A session that has taken no step yet is prepared first, and is then paused at
    step 0. After `rewind` an edit begins the branch that the next step is of.

    Raises:
        InvalidArgumentError: If an argument is not what it must be; nothing has changed then.
        LayerNotFound: If no layer has that path or name.
        SessionClosed: If training has ended. `session.rewind` leads back.
        BaseException: The error of a failed session, again.
    """

    def __init__(self, session: Editing) -> None:
        self._session = weakref.ref(session)

    def __getattr__(self, name: str) -> Any:
        raise UnknownAttribute(f"session.edit must be asked for an edit that there is. {received_edit(name)}")

    def __repr__(self) -> str:
        return f"<edits of a session: {', '.join(EDITS)}>"

    def _do(self, name: str, *arguments: Any, **named: Any) -> Entry:
        session = self._session()
        if session is None:
            raise SessionClosed("The session must still be there to be edited. Received: one that nobody has any more.")
        return session._edit_now(name, arguments, named)

    def learning_rate(self, value: float) -> Entry:
        """Set the learning rate of the optimizer, at least 0; its moments and counts stay."""
        return self._do("learning_rate", value)

    def hyperparameter(self, name: str, value: float | None) -> Entry:
        """Set another number of the optimizer: `"beta_1"`, `"momentum"`, `"weight_decay"`, `"clipnorm"` and so on.

        Args:
            name: As Keras calls it.
            value: A number; `None` turns off a clipping or the weight decay.
        """
        return self._do("hyperparameter", name, value)

    def trainable(self, layer: str | LayerInfo, flag: bool) -> Entry:
        """Let a layer learn, or freeze it; as in Keras, with all layers inside it."""
        return self._do("trainable", layer, flag)

    def weights(
        self,
        layer: str | LayerInfo,
        value: npt.ArrayLike,
        variable: str | None = None,
        neuron: int | None = None,
        index: tuple[int, ...] | None = None,
    ) -> Entry:
        """Set a variable of a layer, what of it belongs to one neuron, or a single value.

        Args:
            layer: A `LayerInfo`, a path or a unique name.
            value: A number for all of it, or an array of its shape; of a neuron, the shape without the neurons' axis.
            variable: Its name; the kernel, or the only one, if `None`.
            neuron: Index of the neuron (unit, filter, feature), whose gates are among it; all if `None`.
            index: The place of a single value, a whole number for each axis.
        """
        return self._do("weights", layer, value, variable, neuron, index)

    def reinitialize(self, layer: str | LayerInfo, neuron: int | None = None, *, seed: int | None = None) -> Entry:
        """Draw the variables of a layer, or of one neuron, anew with the layer's own initializers.

        The slots of the optimizer stay as they are.

        Args:
            layer: As in `weights`.
            neuron: As in `weights`.
            seed: For the same values each time; others are drawn each time if `None`. No stream of the training is
                touched.
        """
        return self._do("reinitialize", layer, neuron, seed)

    def dropout(self, layer: str | LayerInfo, rate: float) -> Entry:
        """Set the share of values that a dropout layer drops, from 0 to below 1."""
        return self._do("dropout", layer, rate)

    def class_weight(self, mapping: Mapping[int, float] | None) -> Entry:
        """Weigh samples by their class from the next epoch on, as `fit(class_weight=...)`; `None` weighs all alike.

        The data must be arrays.
        """
        return self._do("class_weight", mapping)

    def batch_size(self, n: int) -> Entry:
        """Feed batches of `n` samples from the next epoch on. The data must be arrays."""
        return self._do("batch_size", n)


@all_called("session")
class Editing(Saving):
    """A session that can be changed between two steps."""

    @property
    def edit(self) -> Editor:
        """Changes the training between two steps.

        Example:
            ```python
            session.pause()
            session.edit.learning_rate(1e-4)
            session.edit.dropout("dropout", 0.2)
            session.edit.weights("dense", 0, neuron=3)
            session.undo()
            session.run()
            ```
        """
        return Editor(self)

    @property
    def journal(self) -> Journal:
        """All that was changed, the oldest first; `to_script` writes it as plain Keras."""
        return self._worker.edits.journal

    @property
    def n_to_undo(self) -> int:
        """How many edits `undo` can take back: those since the last step."""
        return self._worker.edits.n_to_undo

    def _write_script(self, path: str | PathLike[str], data: bool) -> None:
        target = Path(path)
        if target.suffix != ".py":
            raise InvalidArgumentError(f"`path` must end with .py. Received: path={str(path)!r:.200}.")
        with self.standing_still():
            worker = self._worker
            branch = worker.branches.current.name
            first = worker.travel.first(branch)
            if first is None:
                raise ScriptNotPossible(
                    f"The state before the first step must be stored to write a script. Received: {self.name!r}, which "
                    "takes no snapshots, has not begun, was changed or is closed."
                )
            if worker.has_unwritten_changes():
                raise ScriptNotPossible(
                    "All that was changed must be in the journal to be repeated. Received: variables that were changed "
                    f"by hand since step {worker.step}, which is written down with the next step. Call session.step() "
                    f"first, or session.rewind({worker.step}) to take the change back."
                )
            entries = self.journal.of(worker.branches.lineage(branch), worker.step, worker.edits.entries_since)
            completed = self.state == "finished" and worker.completed
            told = Told(self.name, branch, first, worker.step, entries, completed, data)
            self._training.write_script(target, told)

    def undo(self) -> Entry:
        """Take back the last edit that was made since the last step, exactly; call again for the one before.

        A step that a guard has refused was not taken: the edits before it can be taken back, too. That step stays
        recorded with them, so a branch begins that has them in the journal once more, and there they are undone.

        Returns:
            Its line in the journal, now marked as undone.

        Raises:
            NothingToUndo: If there is none. `rewind` leads back to before an older one.
            SessionClosed: If training has ended.
            BaseException: The error of a failed session, again.
        """
        self._require_undo()
        return self._grant(Wish(None))

    def ask_edit(self, name: str, /, **arguments: Any) -> None:
        """Ask for an edit of `edit` by its name, and return at once.

        Args:
            name: One of `edit`'s methods.
            arguments: Its arguments.

        Raises:
            InvalidArgumentError: If it is refused.
            SessionBusy: If the session has not begun.
        """
        self._ask_wish(self._wish(name, (), arguments))

    def ask_undo(self) -> None:
        """Ask for what `undo` does, and return at once.

        Raises:
            NothingToUndo: If there is nothing to undo.
        """
        self._require_undo()
        if self.n_to_undo:
            self._ask_wish(Wish(None))
        else:  # it runs, and may make an edit before its next step: it is heard whether it did
            self._grant(Wish(None))

    def _require_undo(self) -> None:
        """Refuse to take back what was not done; of a training that runs only its own thread knows."""
        with self._control.changed:
            self._require_editable()
            if not self.n_to_undo and self.state != "running":
                raise NothingToUndo(nothing_since(self.step_index))

    def _edit_now(self, name: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> Entry:
        self._prepare_first()
        return self._grant(self._wish(name, arguments, named))

    def _prepare_first(self) -> None:
        """Let a session that has not begun be ready for its first step."""
        with self._control.changed:
            self._require_editable()
            while self.state == "running" and not self._worker.prepared and not self._worker.is_current_thread():
                self._control.changed.wait(_LOOK_S)
            if self.state != "idle":
                return
            self._begin(Goal(at_once=True))
        self._wait()
        self._raise_error()

    def _wish(self, name: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> Wish:
        """Return a wish for an edit that was checked just now. It is made again when it is granted, as values move."""
        if name not in EDITS:
            raise InvalidArgumentError(f"`name` must be an edit. {received_edit(name)}")
        with self._control.changed:
            self._require_editable()
            if not self._worker.prepared:
                raise SessionBusy(
                    "A session must have begun to be edited. Received: one that is idle. Take a step first."
                )
        make = getattr(load_tensorflow_backend().editing, name)
        make(self._training, *arguments, **named)
        return Wish(lambda: make(self._training, *arguments, **named))

    def _ask_wish(self, wish: Wish) -> None:
        with self._control.changed:
            self._require_editable()
            self._worker.edits.ask(wish)
            if self.state == "running":
                self._control.changed.notify_all()
            else:
                self._begin(Goal(at_once=True))

    def _grant(self, wish: Wish) -> Entry:
        """Wait until a wish is granted."""
        if self._worker.is_current_thread():
            raise SessionBusy("A callback cannot wait for an edit that is made after its step. Use session.ask_edit.")
        self._ask_wish(wish)
        try:
            with self._control.changed:
                while not wish.is_done:
                    self._control.changed.wait(_LOOK_S)  # in slices, as an interrupt may not end a wait
        except KeyboardInterrupt:
            with self._control.changed:
                self._worker.edits.withdraw(wish)
            raise
        if not self._control.running or self._control.goal.at_once:
            self._wait()
        if wish.error is not None:
            raise wish.error
        assert wish.entry is not None, "a wish that is done has an entry or an error"
        return wish.entry

    def _require_editable(self) -> None:
        self._require_usable()
        if self.state == "finished":
            raise SessionClosed(
                f"Training must not have ended for it to be edited. Received: {self.name!r}, which is finished at step "
                f"{self.step_index}. session.rewind(step) leads back."
            )
