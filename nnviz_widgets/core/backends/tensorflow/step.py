"""The compiled training step in its variants, built once and mixed freely from step to step.

Each is the model's own `train_step` on the next batch of an iterator, returning besides what was asked for.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from nnviz_widgets.core.backends.tensorflow.catalogue import before_tracing, unreadable
from nnviz_widgets.core.backends.tensorflow.composites import RowLengths, with_row_lengths
from nnviz_widgets.core.backends.tensorflow.fingerprint import Fingerprint
from nnviz_widgets.core.backends.tensorflow.memory import LeftOut, State, largest, most_rows, n_values, without
from nnviz_widgets.core.backends.tensorflow.metrics import build_metrics
from nnviz_widgets.core.backends.tensorflow.replicas import has_strategy
from nnviz_widgets.core.backends.tensorflow.traced import READING, StepOutput, TracedStep
from nnviz_widgets.core.backends.tensorflow.tree import Entry, walk
from nnviz_widgets.core.backends.tensorflow.values import read_now
from nnviz_widgets.core.frame import Catalogue, TensorKey
from nnviz_widgets.core.schedule import Variant

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnviz_widgets.core.probe import Probe
    from nnviz_widgets.core.tensor_store import Held


class StepFunctions:
    """Compiles the variants of the training step of one model, each when it is first needed.

    Args:
        model: A compiled Keras model.
        probe: What to read.

    Attributes:
        catalogue: Layers and tensors as they are known so far.
        n_traces: How often a step was traced.
        data_failed: Why the probe's own batch cannot be run through the model, if it cannot.
        taps_failed: What went wrong in our own reading of the step, if anything; then only the plain step is taken.
        left_out: What is not read any more because memory ran short.
        stays: Why Keras cannot build the step for the model as it is now, if so: then it stays what it was.
        n_counted_twice: How often memory ran short in a step of whose beginning no copy was at hand.
        takes_batches: Whether every variant takes its batch from outside, not only the one that reads: then the end of
            the data is met before a step is begun.
    """

    def __init__(self, model: Any, probe: Probe) -> None:
        self._model = model
        self._probe = probe
        self._compiled: dict[Variant, tuple[TracedStep, Callable[[Any], Any]]] = {}
        self._entries: tuple[Entry, ...] = ()
        self._chosen: tuple[Entry, ...] = ()
        self.catalogue = Catalogue()
        self.n_traces = 0
        self._built = False
        self._made_for: Fingerprint | None = None
        self.taps_failed: BaseException | None = None
        self.data_failed: BaseException | None = None
        self.left_out: list[LeftOut] = []
        self.n_counted_twice = 0
        self.takes_batches = False
        self.stays: Exception | None = None
        self._proven_size = -1
        self._row_lengths: dict[TensorKey, RowLengths] = {}

    def look(self) -> Catalogue:
        """Read the layers of the model as it stands, without tracing anything."""
        self._built = bool(self._model.built)
        self._entries = walk(self._model)
        self._chosen = tuple(e for e in self._entries if self._probe.selects(e.path, e.layer.name))
        self.catalogue = before_tracing(self._entries, self._chosen)
        self._made_for = Fingerprint.of(self._model, self._entries)
        return self.catalogue

    def prepare(self, iterator: Any) -> Catalogue:
        """Build the model if it is not built, and trace the step that reads everything, for the catalogue.

        Nothing is executed: no weight, no random stream and no batch is used up.
        """
        optimizer = getattr(self._model, "optimizer", None)
        if self._model.built and optimizer is not None and not optimizer.built:
            with self._model.distribute_strategy.scope():
                optimizer.build(self._model.trainable_variables)
        if not self._model.built or (optimizer is not None and not optimizer.built):
            self._function(Variant.PLAIN, iterator)
        self.look()
        self.check_probe()
        if not self._model.run_eagerly:
            build_metrics(self._model, iterator.element_spec)
            if self._chosen:
                self._function(READING, iterator)
        return self.catalogue

    def make_variables(self, iterator: Any) -> None:
        """Let the step make the variables that it makes when it is first traced: metrics, other optimizers.

        Nothing is executed. A step that runs eagerly and cannot be traced makes them when it is first taken.
        """
        if self._compiled:
            return
        if not self._model.run_eagerly:
            self._function(Variant.PLAIN, iterator)
            return
        with suppress(Exception):  # who needs the variables tells which are missing
            tf.function(self._model.train_step).get_concrete_function(iterator.element_spec)

    @property
    def is_compiled(self) -> bool:
        """Whether a variant is."""
        return bool(self._compiled)

    def release(self) -> None:
        """Let go of what is compiled: graphs are large, and are made again when a step is taken."""
        self._compiled = {}

    @property
    def log_names(self) -> tuple[str, ...] | None:
        """The names of the numbers that the step returns, `None` while no variant was traced."""
        return next((names for traced, _ in self._compiled.values() if (names := traced.log_names) is not None), None)

    def graphs(self) -> list[Any]:
        """Return the graphs of the variants that are compiled; none of a model that is run eagerly."""
        return [function.graph for _, function in self._compiled.values() if hasattr(function, "graph")]

    def changes(self) -> list[str]:
        """Say how the model differs from the one that the step was built for: sentences, none if it does not."""
        if self._made_for is None:
            return []
        return self._made_for.changes(Fingerprint.of(self._model, walk(self._model)))

    def renew(self, iterator: Any) -> Exception | None:
        """Build the step anew, for the model as it is now.

        Returns:
            Why it could not be, where `fit` would go on with the step that it has: it builds another one only once the
            model is compiled anew. Then this step stays, too.
        """
        before = vars(self).copy()
        self._compiled = {}
        self.taps_failed = self.data_failed = self.stays = None
        self.left_out = []
        try:
            self.prepare(iterator)
            if not self._compiled and before["_compiled"]:
                self._function(min(before["_compiled"]), iterator)
        except Exception as error:
            now = Fingerprint.of(self._model, walk(self._model))
            if before["_made_for"].compiled_anew(now):
                raise
            vars(self).update(before, _made_for=now, stays=error)
        return self.stays

    def check_probe(self) -> None:
        """Raise `LayerNotFound` if the probe names layers that the model does not have."""
        self._probe.check_layers([e.path for e in self._entries], [e.layer.name for e in self._entries])

    def weights(self) -> dict[TensorKey, Held]:
        """Return the chosen layers' variables as they are now, and as they stay when training goes on."""
        return {
            TensorKey(entry.path, "weights", variable=name): read_now(variable.value.read_value())
            for entry in self._chosen
            for name, variable in entry.variables.items()
        }

    def take(self, variant: Variant, iterator: Any) -> StepOutput:
        """Run one training step on the next batch of `iterator`.

        Raises:
            tf.errors.OutOfRangeError: If the iterator has no batch left; nothing was changed then.
        """
        # In eager mode a model may be built by its first step; what it has is known only then.
        building = self._model.run_eagerly and not self._built
        form = Variant.PLAIN if building or self.taps_failed is not None else min(variant, READING)
        if self.stays is not None and self._compiled and form not in self._compiled:
            form = min(self._compiled)
        traced, function = self._function(form, iterator)
        if form is READING and traced.reads and not has_strategy(self._model):
            batch = self._next_batch(iterator)
            traced, outputs = self._read(traced, function, batch, iterator.element_spec)
        elif self.takes_batches:
            batch = iterator.get_next()
            outputs = function(batch)
        else:
            outputs, batch = function(iterator)
        if building:
            self.look()
        self.data_failed = self.data_failed or traced.data_failed
        output = traced.unpack(outputs, batch, keep_tensors=variant is Variant.FULL)
        self._renew_catalogue(traced, output)
        self.taps_failed = self.taps_failed or traced.failed
        return output

    def _renew_catalogue(self, traced: TracedStep, output: StepOutput) -> None:
        """Note what only the step itself could tell: of a model run eagerly everything, else how long rows are."""
        lengths = output.row_lengths()
        if not (lengths or self._model.run_eagerly):
            return
        before = dict(self._row_lengths)
        for key, (low, high) in lengths.items():
            known = before.get(key, (low, high))
            self._row_lengths[key] = min(low, known[0]), max(high, known[1])
        seen = traced.catalogue if self._model.run_eagerly else None
        if seen is None and self._row_lengths == before:
            return
        catalogue = self._with_row_lengths(seen or self.catalogue)
        if catalogue != self.catalogue:
            self.catalogue = catalogue

    def _with_row_lengths(self, catalogue: Catalogue) -> Catalogue:
        return with_row_lengths(catalogue, self._row_lengths, so_far=True)

    def _next_batch(self, iterator: Any) -> Any:
        """Return the next batch; at the end of the data, end as the step of `fit` does.

        That one finds out inside: what in it needs no batch, such as the count of updates, has been done by then.
        """
        try:
            return iterator.get_next()
        except tf.errors.OutOfRangeError:
            if self.takes_batches:
                raise
            at_hand = Variant.SENTINEL if Variant.SENTINEL in self._compiled else Variant.PLAIN
            if not self._model.run_eagerly and (self.stays is None or at_hand in self._compiled):
                self._function(at_hand, iterator)[1](iterator)
            raise

    def _read(
        self, traced: TracedStep, function: Callable[[Any], Any], batch: Any, spec: Any
    ) -> tuple[TracedStep, Any]:
        """Run the step that reads on a batch, or without reading if memory does not suffice.

        The largest of what it read is then left out of later readings.
        """
        # What does not fit does not fit the first time; only a larger batch needs a copy of the state again.
        size = n_values(batch)
        before = State(self._model) if size > self._proven_size else None
        try:
            outputs = function(batch)
        except tf.errors.ResourceExhaustedError as error:
            if before is not None:
                before.put_back()
            else:
                self.n_counted_twice += 1
            self._read_less(error, most_rows(batch))
            traced, function = self._on_batch(Variant.SENTINEL, spec)
            return traced, function(batch)
        self._proven_size = max(size, self._proven_size)
        return traced, outputs

    def _read_less(self, error: Exception, n_rows: int) -> None:
        """Leave the largest tensors out of later readings; if none are known, read nothing at all."""
        found = largest(self.catalogue, n_rows)
        if found is None:
            self.taps_failed = error
            return
        self.left_out.append(found)
        self.catalogue = without(self.catalogue, self.left_out)
        del self._compiled[READING]

    def _on_batch(self, variant: Variant, spec: Any) -> tuple[TracedStep, Callable[[Any], Any]]:
        """Return a variant as a function of a batch, which is at hand for another try if memory runs short."""
        traced, train = self._traced(variant)

        def step(data: Any) -> Any:
            self.n_traces += 1
            return traced.run(train, data)

        if self._model.run_eagerly:
            return traced, step
        return traced, tf.function(step, reduce_retracing=True, autograph=False).get_concrete_function(spec)

    def _traced(self, variant: Variant) -> tuple[TracedStep, Callable[[Any], Any]]:
        model = self._model
        traced = TracedStep(model, self._probe, variant, self._entries, self._chosen, self.left_out)
        if model.jit_compile and not model.run_eagerly:
            return traced, tf.function(traced.train, jit_compile=True, reduce_retracing=True, autograph=False)
        return traced, traced.train

    def _function(self, variant: Variant, iterator: Any) -> tuple[TracedStep, Callable[[Any], Any]]:
        if variant not in self._compiled:
            try:
                self._compiled[variant] = self._compile(variant, iterator)
            except Exception as error:
                if variant is Variant.PLAIN:
                    raise
                # Is it the user's own step that fails, or our reading of it? The plain step tells.
                self._compiled[variant] = self._function(Variant.PLAIN, iterator)
                self.taps_failed = error
                self.catalogue = unreadable(self._entries, f"nothing can be read from this model: {plain(error)}")
        return self._compiled[variant]

    def _compile(self, variant: Variant, iterator: Any) -> tuple[TracedStep, Callable[[Any], Any]]:
        if variant is READING and not has_strategy(self._model):
            return self._compile_reading(iterator.element_spec)
        if self.takes_batches:
            return self._on_batch(variant, iterator.element_spec)
        traced, train = self._traced(variant)

        def step(iterator: Any) -> Any:
            self.n_traces += 1
            data = iterator.get_next()
            return traced.run(train, data), data

        if self._model.run_eagerly:
            return traced, step
        if has_strategy(self._model):
            return self._compile_for_replicas(traced, step, iterator)
        # The concrete function skips the look-up by signature, 8 % of a small step. One signature serves a whole
        # session: the iterators of all epochs have the element_spec of one data set.
        return traced, tf.function(step, reduce_retracing=True, autograph=False).get_concrete_function(iterator)

    def _compile_for_replicas(
        self, traced: TracedStep, step: Callable[[Any], Any], iterator: Any
    ) -> tuple[TracedStep, Callable[[Any], Any]]:
        """Trace `step` for an iterator that hands out shares: those of other epochs may be of another type."""
        function = tf.function(step, reduce_retracing=True, autograph=False)
        function.get_concrete_function(iterator)
        if traced.catalogue is not None:
            self.catalogue = self._with_row_lengths(traced.catalogue)
        return traced, function

    def _compile_reading(self, spec: Any) -> tuple[TracedStep, Callable[[Any], Any]]:
        traced, function = self._on_batch(READING, spec)
        self._proven_size = -1
        if traced.catalogue is not None:
            self.catalogue = self._with_row_lengths(traced.catalogue)
        self.data_failed = self.data_failed or traced.data_failed
        return traced, function


def plain(error: BaseException) -> str:
    """Return the text of an exception without the colours that Keras puts in it, its first lines alone."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip()
    return f"{type(error).__name__}: " + " ".join(text.split("\n\nArguments received")[0].split())
