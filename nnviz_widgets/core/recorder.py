"""From what a step returned to what the recording keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnviz_widgets.core.labels import labels_of
from nnviz_widgets.core.schedule import Variant
from nnviz_widgets.core.sick_batch import sick_batch
from nnviz_widgets.core.sickness import SicknessWatch

if TYPE_CHECKING:
    from nnviz_widgets.core.branches import Branches
    from nnviz_widgets.core.frame import TensorKey
    from nnviz_widgets.core.probe import Probe
    from nnviz_widgets.core.recording import Recording


class Recorder:
    """Writes the recording of a session, on the training thread.

    Args:
        training: What is run.
        probe: What to keep.
        branches: Where: in the recording of the current one.

    Attributes:
        watch: Looks for values that are not finite.
    """

    def __init__(self, training: Any, probe: Probe, branches: Branches) -> None:
        self._training = training
        self._probe = probe
        self._branches = branches
        self._told: frozenset[str] = frozenset()
        self._first = 0
        self.watch = SicknessWatch(probe.samples)

    @property
    def _recording(self) -> Recording:
        return self._branches.current.recording

    def begin(self, step: int = 0) -> None:
        """Note layers and tensors, and the weights before the first step that follows.

        Args:
            step: The step that these weights are of: that of a saved session if one is gone on with.
        """
        self._first = step
        self._recording.set_catalogue(self._training.functions.catalogue)
        if "weights" in self._probe.kinds and (weights := self._training.functions.weights()):
            self._recording.add_tensors(step, weights, pinned=True)
        self._tell_notices(step)

    def renew(self, step: int, changed: str) -> None:
        """Note that the model changed after `step`, with the layers and tensors that it has now.

        Args:
            step: The last step before.
            changed: What came of it and what changed, in words.
        """
        self._recording.set_catalogue(self._training.functions.catalogue)
        self.note(step, f"after step {step} the model changed, {changed}")
        self._tell_notices(step)

    def add_step(self, step: int, event: Any, wanted: frozenset[TensorKey], *, read_all: bool) -> bool:
        """Record a step that was taken.

        Args:
            step: Its number.
            event: What the training yielded.
            wanted: Tensors that viewers asked for.
            read_all: Whether to keep all tensors of the probe's kinds.

        Returns:
            Whether values are not finite for the first time.
        """
        output, recording = event.output, self._recording
        numbers = {name: value for name, value in output.logs.items() if isinstance(value, float)}
        values = {"batch_loss": output.batch_loss, **numbers}
        if output.gradient_l2 is not None:
            values["gradient_l2"] = output.gradient_l2
        recording.add_step(step, event.epoch, event.batch, values)
        if output.skipped:
            before, after = output.loss_scales
            why = f"non-finite gradients, loss scale {before:g} -> {after:g}"
            recording.add_event(step, "no_update", f"step {step} skipped: {why}")
        elif output.updates == 0:
            recording.add_event(step, "no_update", f"step {step} updated no variable")
        if output.vitals is not None:
            self._add_reading(step, event.variant, output, wanted, read_all=read_all)
        elif event.variant > Variant.PLAIN:
            self._tell_notices(step)
        for sentence in self.watch.look(step, output, recording.catalogue):
            recording.add_event(step, "notice", sentence)
        if self.watch.since == step:
            self._look_at_batch(step, output)
        recording.commit()
        return self.watch.since == step

    def add_again(self, step: int, event: Any, wanted: frozenset[TensorKey], *, read_all: bool) -> bool:
        """Add what was read of a step that is recorded already, and came out as before; arguments as in `add_step`."""
        self.watch.look(step, event.output, self._recording.catalogue)
        if event.output.vitals is not None:
            self._add_reading(step, event.variant, event.output, wanted, read_all=read_all)
        self._recording.commit()
        return False

    def _look_at_batch(self, step: int, output: Any) -> None:
        """Say so if the batch was not finite itself: then no layer is to blame."""
        words = sick_batch(self._training.as_numpy(output.batch), self._training.arrays())
        if words is not None:
            self._recording.add_event(step, "notice", f"step {step}: its batch is not finite already: {words}")

    def end_epoch(self, step: int, event: Any) -> None:
        """Record the end of an epoch, whose last step was `step`, with the metrics of its validation."""
        if step > self._first:  # an empty data set has epochs without steps
            self._recording.amend_step(step, event.epoch_logs)
        self._recording.add_event(step, "epoch", f"end of epoch {event.epoch + 1}")

    def note(self, step: int, sentence: str, name: str = "notice") -> None:
        """Record an event."""
        self._recording.add_event(step, name, sentence)

    def _add_reading(
        self, step: int, variant: Variant, output: Any, wanted: frozenset[TensorKey], *, read_all: bool
    ) -> None:
        functions = self._training.functions
        if functions.catalogue is not self._recording.catalogue:
            self._recording.set_catalogue(functions.catalogue)
        self._recording.add_vitals(step, output.vitals)
        if variant is Variant.FULL:
            self._keep_tensors(step, output, set(wanted) | (self._all_keys() if read_all else set()))

    def _all_keys(self) -> set[TensorKey]:
        catalogue = self._training.functions.catalogue
        keys = {spec.key for spec in catalogue.specs} | {fed.key for fed in catalogue.inputs.values()}
        return {key for key in keys if key.kind in self._probe.kinds}

    def _keep_tensors(self, step: int, output: Any, keys: set[TensorKey]) -> None:
        n = self._probe.samples
        labels = labels_of(self._training.targets(output.batch), n)
        arrays = output.tensors(keys) | self._training.rows(output.batch, keys, n)
        self._recording.add_tensors(step, arrays, labels=labels)

    def read_again(self, step: int, output: Any) -> None:
        """Keep all tensors of the probe's kinds of a step that was taken once more, beside those that are kept."""
        self._keep_tensors(step, output, self._all_keys())

    def reread_weights(self, step: int) -> None:
        """Keep the weights after a step that is gone back to."""
        if "weights" in self._probe.kinds and (weights := self._training.functions.weights()):
            self._recording.add_tensors(step, weights)

    def _tell_notices(self, step: int) -> None:
        """Note what the training has to say, each sentence once."""
        texts = self._training.notices()
        for text in texts:
            if text not in self._told:
                self._recording.add_event(step, "notice", text)
        self._told = frozenset(texts)
