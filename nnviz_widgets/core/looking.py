"""Looking closer at a session that stands still: its variables, the calls of a step, a debugger in it, a failure."""

from __future__ import annotations

import bdb
from typing import TYPE_CHECKING, Any

from nnviz_widgets.core.backends import load_tensorflow_backend
from nnviz_widgets.core.call_trace import Trace
from nnviz_widgets.core.calls import all_called
from nnviz_widgets.core.debugger import Debugger, look_at
from nnviz_widgets.core.failure import trimmed_traceback
from nnviz_widgets.core.forking import Forking
from nnviz_widgets.core.post_mortem import PostMortem, plain_words, users_line
from nnviz_widgets.core.warn import warn
from nnviz_widgets.core.what_if import WhatIf
from nnviz_widgets.errors import InvalidArgumentError, NotFailed, SessionBusy, SessionClosed

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType

    import numpy.typing as npt
    import pandas as pd

    from nnviz_widgets.core.frame import LayerInfo
    from nnviz_widgets.core.post_mortem import Part


@all_called("session")
class Looking(Forking):
    """A session of which a person asks what a step does, layer by layer; training knows nothing of it."""

    model: Any

    def variables(self) -> pd.DataFrame:
        """Return a table of all variables as they are now: of the layers in their order, then of the optimizers.

        Its columns are `path` (of the layer, `"optimizer"` for that of `compile`), `variable`, `shape`, `dtype`,
        `trainable` (whether a step updates it), `mean`, `std` and `norm` over finite values, `n_nonfinite`, `slots`
        (what the optimizer keeps for it, such as `"momentum, velocity"`), and the norm of each slot.

        Raises:
            SessionBusy: If the session is running, or the model is built by its first step.
            SessionClosed: If the session is closed.
        """
        import pandas as pd

        self._require_open("list variables")
        with self.standing_still():
            if not self.model.built:
                raise SessionBusy(
                    f"A model must be built to have variables. Received: {self.model.name!r}, which its first step "
                    "builds. Call session.step() first."
                )
            return pd.DataFrame(load_tensorflow_backend().variables.variable_rows(self.model))

    def trace(self) -> Trace:
        """Run the last batch once more, eagerly, and return the calls of its layers with shapes, dtypes and times.

        The step is the model's own `train_step`, so layers are called in training mode, as often and in the order in
        which it calls them. Where a breakpoint has paused training before an update, it is the batch of that step. The
        weights are those of now. Afterwards all is as it was, bit by bit: variables, random streams, metrics, the
        optimizer, the place in the data. Only what the user's own code does elsewhere, such as printing, happens; the
        step is taken twice, since TensorFlow's first time is no measure.

        Raises:
            SessionBusy: If the session is running, or has taken no step.
            SessionClosed: If the session is closed.
            InvalidArgumentError: If the model is trained on several replicas.
            BaseException: What the step raises.

        Example:
            ```python
            session.step()
            session.trace()         # a table, also as session.trace().table
            ```
        """
        self._require_open("trace a step")
        with self.standing_still():
            batch, what = self._batch_at_hand()
            return Trace(load_tensorflow_backend().looking.traced_calls(self._training, batch), what)

    def what_if(
        self,
        layer: str | LayerInfo,
        value: npt.ArrayLike,
        variable: str | None = None,
        neuron: int | None = None,
        index: tuple[int, ...] | None = None,
    ) -> WhatIf:
        """Return what the loss of the last batch would be if a weight were another; nothing stays changed.

        The loss is that of inference: without dropout, with the moving statistics. Where a breakpoint has paused
        training before an update, the batch is that of the step which is still to be taken. To make it so:
        `session.edit.weights` with the same arguments.

        Args:
            layer: As in `session.edit.weights`.
            value: As there.
            variable: As there.
            neuron: As there.
            index: As there.

        Raises:
            InvalidArgumentError: If an argument is not what it must be, or the model has no compiled loss.
            LayerNotFound: If no layer has that path or name.
            SessionBusy: If the session is running, or has taken no step.
            SessionClosed: If the session is closed.

        Example:
            ```python
            session.what_if("dense", 0.0, index=(3, 5))     # <what if: loss 0.4312 → 0.4319>
            ```
        """
        self._require_open("try a weight")
        backend = load_tensorflow_backend()
        with self.standing_still():
            batch, _ = self._batch_at_hand()
            edit = backend.editing.weights(self._training, layer, value, variable, neuron, index)
            answer: WhatIf = backend.trying.try_edit(self._training, batch, edit)
            return answer

    def step_into(self, layer: str | LayerInfo, *, debugger: Callable[[FrameType], Any] | None = None) -> None:
        """Run the next batch eagerly and stop in Python's debugger where a layer is called.

        In scope are `layer`, `inputs` (its first argument), `args` and `kwargs`; `s` leads into the layer's `call`, `n`
        over it to `outputs`, `c` to the end of the step, `q` out of it. Afterwards all is as it was, as after `trace`:
        the batch still comes next. Where the batches come once it is the last one, with a warning.

        Args:
            layer: Its path or name; `"d#1"` is its second call in the step.
            debugger: Called with the frame in place of the debugger, which is IPython's in a notebook and else `pdb`.

        Warns:
            UserWarning: If the next batch is not known, so that it is the last one.

        Raises:
            LayerNotFound: If there is no such layer, or the step does not call it.
            SessionBusy: If the session is running, or has taken no step.
            SessionClosed: If the session is closed.
            InvalidArgumentError: If the model is trained on several replicas, or `debugger` cannot be called.
            BaseException: What the step raises.
        """
        self._require_open("step into a layer")
        if debugger is not None and not callable(debugger):
            raise InvalidArgumentError(
                f"`debugger` must be a function of a frame, or None. Received: {debugger!r:.100}. Give, for example, "
                "pdb.Pdb().set_trace."
            )
        own = Debugger()
        with self.standing_still():
            try:
                load_tensorflow_backend().looking.step_into(self._training, self._next_batch(), layer, debugger or own)
            except bdb.BdbQuit:
                pass  # the person has left the step; its state is put back
            finally:
                own.end()

    def post_mortem(self, *, debugger: bool | Callable[[TracebackType], Any] = False) -> PostMortem:
        """Return what is known of a failure: the layer whose call failed, what it was fed, and the user's own line.

        An exception of a compiled step tells little. So the step that failed is taken again, eagerly on its batch
        where that is found, with the state put aside and put back.

        Args:
            debugger: Whether to look around in Python's debugger, at the user's innermost frame; a function is called
                with the traceback that ends there.

        Raises:
            NotFailed: If nothing has failed.
            SessionBusy: If the session is running.
            SessionClosed: If the session is closed.
        """
        self._require_open("look into a failure")
        with self.standing_still():
            error = self.error
            if error is None:
                raise NotFailed(
                    f"A session must have failed for a post-mortem. Received: {self.name!r}, which is {self.state}."
                )
            found, traceback = self._find_failure(error)
        if debugger and traceback is not None:
            (debugger if callable(debugger) else look_at)(traceback)
        return found

    def _find_failure(self, error: BaseException) -> tuple[PostMortem, TracebackType | None]:
        backend, frames = load_tensorflow_backend(), self._worker.error_stack
        trimmed, message = self._worker.error_traceback, str(error)
        part: Part = "data" if backend.failing.of_data(self._training, error) else backend.failing.failed_part(frames)
        place, how = backend.failing.in_frames(frames, backend.failing.with_root(self.model)), "in the traceback"
        if part == "step":
            found = backend.failing.find_failing(self._training, error, frames)
            place, how = found.place, found.how
            if found.error is not None:
                again = trimmed_traceback(found.error)
                if users_line(again, "") is not None:
                    trimmed = again
                message = str(found.error)
            part = part if place is None else place.part
        return (
            PostMortem(
                step=self.step_index + (part != "data"),
                part=part,
                layer=None if place is None else place.path,
                inputs=() if place is None else place.inputs,
                line=users_line(trimmed, str(error)),
                error=type(error).__name__,
                message=plain_words(message),
                found=how,
            ),
            trimmed,
        )

    def _require_open(self, what: str) -> None:
        if self._closed:
            raise SessionClosed(
                f"A session must be open to {what}. Received: {self.name!r}, which is closed. Make a new one."
            )

    def _batch_at_hand(self) -> tuple[Any, str]:
        """Return the batch of the last step, or of one that a breakpoint has refused, and which one it is in words."""
        refused = self._worker.stops.refused
        if refused is not None:
            return refused.output.batch, f"batch of step {refused.step}, which is still to be taken"
        if self._worker.output is None:
            raise SessionBusy(
                f"A session must have taken a step to have a batch. Received: {self.name!r}, which has taken none. "
                "Call session.step() first."
            )
        return self._worker.output.batch, f"batch of step {self.step_index}"

    def _next_batch(self) -> Any:
        """Return the batch of the next step where it can be known, else that of the last one."""
        batch, _ = self._batch_at_hand()
        if self._worker.stops.refused is not None:
            return batch
        coming = load_tensorflow_backend().looking.next_batch(self._training)
        if coming is None:
            warn(
                "The next batch cannot be looked at: the data come once, their order cannot be found again, the next "
                f"epoch is fed otherwise, or training is at its end. So it is the batch of step {self.step_index}."
            )
        return batch if coming is None else coming
