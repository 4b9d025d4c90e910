"""The neuron panel: what one neuron is made of at one step, part by part."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from nnviz_widgets.core.frame import Frame, of_batch
from nnviz_widgets.core.grammar import BLOCK_AXIS
from nnviz_widgets.core.numeric import as_real, is_numeric, part_of
from nnviz_widgets.errors import NnvizError, TensorTooLarge
from nnviz_widgets.pictures.compare import difference
from nnviz_widgets.pictures.kept import earlier_of, key_of, key_or_reason, whose_batches
from nnviz_widgets.pictures.neuron_arrays import (
    Named,
    incoming,
    input_of,
    of_neuron,
    output_of,
    product,
    samples_of,
    unflattened,
)
from nnviz_widgets.pictures.neuron_layout import lay_out_part
from nnviz_widgets.pictures.neuron_lines import lines_of
from nnviz_widgets.pictures.picture import DRAWN, Picture, joined
from nnviz_widgets.pictures.stack import stacked
from nnviz_widgets.pictures.window import spans
from nnviz_widgets.protocol import Neuron

if TYPE_CHECKING:
    from nnviz_widgets.core.frame import Kind, LayerInput, TensorKey
    from nnviz_widgets.core.numeric import ComplexPart
    from nnviz_widgets.core.recording import Recording
    from nnviz_widgets.pictures.kept import Beside
    from nnviz_widgets.protocol import Column, MapRequest, Part, Watch

OF_SAMPLES: tuple[Part, ...] = ("product", "output", "samples")
"""Parts of which a reader must know that the samples are others at each step; the input is one itself."""

NO_SAMPLES = "an empty batch has no sample"
NOT_FED = "what {layer} is fed is not one tensor that can be read"
"""Several inputs, or values that the model's own code computes."""

NOT_YET = "what {layer} is fed is known after the first step"

NO_SUM: dict[str, str] = {
    "y": "a filter is applied at every place of its input: see its output",
    "x": "a filter is applied at every place of its input: see its output",
    BLOCK_AXIS: "each gate weighs the input for itself: there is no one sum",
}
"""Why there is no weight x input, by an axis that the weights of a neuron have."""


def _not_fed(recording: Recording, watch: Watch) -> str:
    # Before the step is traced no layer has outputs, and nobody knows what feeds which.
    traced = any(spec.key.kind == "activations" for spec in recording.catalogue.specs)
    return (NOT_FED if traced else NOT_YET).format(layer=watch.layer)


def part_key(recording: Recording, watch: Watch, request: MapRequest) -> TensorKey | str:
    """Return the key of the tensor that a part is first of all made of, or the reason why there is none."""
    if request.part == "input":
        fed = recording.catalogue.inputs.get(watch.layer)
        return _not_fed(recording, watch) if fed is None else fed.key
    if request.part == "product":
        return key_or_reason(recording, watch.layer, "weights")
    return key_or_reason(recording, watch.layer, request.tensor, request.variable, request.output)


def further_keys(recording: Recording, watch: Watch) -> list[TensorKey]:
    """Return the keys that the parts of a watch need beside those of `part_key`."""
    if not any(request.part == "product" for request in watch.maps):
        return []
    bias = key_or_reason(recording, watch.layer, "weights", "bias")
    fed = recording.catalogue.inputs.get(watch.layer)
    return [*([] if isinstance(bias, str) else [bias]), *([] if fed is None else [fed.key])]


class NeuronParts:
    """The parts of the neuron that a page watches, at one step."""

    def __init__(self, recording: Recording, watch: Watch, step: int, beside: Beside | None = None) -> None:
        """Read nothing yet.

        Args:
            recording: Where tensors are read.
            watch: What the page shows.
            step: The step.
            beside: What it is drawn beside, where it is the second of two runs.
        """
        self._recording = recording
        self._watch = watch
        self._step = step
        self._beside = beside

    def drawing(self, request: MapRequest, key: TensorKey) -> Picture | str:
        """Return a part as a picture, or the reason why it has none: empty where nobody would look for one.

        Args:
            request: The part.
            key: From `part_key`.
        """
        part, note = self._kept(request, key)
        if isinstance(part, str):
            return part
        if not self._of_two:
            return _picture(key, self._step, part, request.complex, note)
        return self._difference(request, key, part, note)

    def _difference(self, request: MapRequest, key: TensorKey, part: Named, note: str | None) -> Picture | str:
        """Return by how much a part is greater than elsewhere, or the reason why that cannot be said."""
        made_of = self._fed.key if request.part == "product" and self._fed is not None else key
        try:
            elsewhere = self._elsewhere(made_of)
        except NnvizError as error:
            return str(error)
        earlier, _ = elsewhere._kept(request, key)
        if isinstance(earlier, str):
            return earlier
        compared = elsewhere._step
        array = difference(_frame(key, self._step, part), _frame(key, compared, earlier))
        if isinstance(array, str):
            return array
        batches = whose_batches(self._recording, self._step, self._beside) if request.part in OF_SAMPLES else None
        changed = replace(part, array=array)
        return _picture(key, self._step, changed, request.complex, joined(note, batches), compared)

    def _elsewhere(self, made_of: TensorKey) -> NeuronParts:
        """Return the parts that are taken off: of the first run, or of another step."""
        if self._minus is not None and self._beside is not None:
            return NeuronParts(self._beside.first, self._watch, self._minus)
        assert self._watch.compare is not None  # else nothing is taken off
        return NeuronParts(self._recording, self._watch, earlier_of(self._recording, made_of, self._watch.compare).step)

    @property
    def _minus(self) -> int | None:
        return None if self._beside is None else self._beside.minus

    @property
    def _of_two(self) -> bool:
        """Whether something is taken off."""
        return self._watch.compare is not None or self._minus is not None

    def facts(self, *, lines: bool) -> tuple[Neuron, list[bytes]]:
        """Return what is told of the neuron in numbers, and the buffers of its lines, counted from 0.

        Args:
            lines: Whether to tell how it changed over the steps.
        """
        # The pictures of a difference have another sum than the step.
        summed = self._asked("product") and not self._of_two
        total, bias, step = self._sum() if summed else (None, None, None)
        columns, buffers = self._lines() if lines else (None, [])
        return Neuron(index=self._neuron, weighted=total, bias=bias, weights_step=step, lines=columns), buffers

    def _lines(self) -> tuple[list[Column], list[bytes]]:
        """Return how it changed over the steps, which are those of the first run; of a difference there is no line."""
        if self._minus is not None:
            return [], []
        alignment = None if self._beside is None else self._beside.alignment
        return lines_of(self._recording, self._watch.layer, self._neuron, alignment)

    def _asked(self, part: Part) -> bool:
        return any(request.part == part for request in self._watch.maps)

    def _sum(self) -> tuple[float | None, float | None, int | None]:
        """Return the sum of weight x input, the bias and the step of both."""
        try:
            made = self._product
            if isinstance(made, str) or made.names != ("in",) or made.array.dtype.kind == "c":
                return None, None, None
            step = self._weights.step
            return _finite(float(made.array.sum())), self._bias(step), step
        except NnvizError:
            return None, None, None  # weights or input are not kept at this step: there is no number to tell

    @property
    def _neuron(self) -> int:
        layer = next((each for each in self._recording.layers if each.path == self._watch.layer), None)
        return max(0, min(self._watch.neuron, (layer.n_neurons if layer is not None else 1) - 1))

    def _kept(self, request: MapRequest, key: TensorKey) -> tuple[Named | str, str | None]:
        """Return the values of a part, or why there are none, and what a reader must know."""
        try:
            return self._part(request, key)
        except TensorTooLarge as error:
            return str(error), None
        except NnvizError:
            return f"not kept at step {self._step}", None

    def _part(self, request: MapRequest, key: TensorKey) -> tuple[Named | str, str | None]:
        match request.part:
            case "incoming":
                frame = self._recording.frame(key, self._step)
                if request.variable is None and frame.array.ndim == 1:
                    frame = stacked(self._recording, frame)  # as in the map: all vectors of a normalization
                found = incoming(frame, self._neuron, self._fed)
                return found or f"{_words(key)} are not of this neuron", self._guess(found)
            case "input":
                assert self._fed is not None  # else there is no key
                given = self._input
                note = None if of_batch(key) else f"output of {key.layer}"
                return (given if isinstance(given, str) else unflattened(given, self._fed)), note
            case "product":
                made = self._product
                return (made if isinstance(made, str) else unflattened(made, self._fed)), None
            case "output":
                return output_of(self._recording.frame(key, self._step), self._neuron, self._watch.sample) or "", None
            case _:
                frame = self._recording.frame(key, self._step)
                note = "mean over all places" if frame.array.ndim > 2 else None
                return samples_of(frame, self._neuron) or "no axis of the output counts samples", note

    @cached_property
    def _fed(self) -> LayerInput | None:
        return self._recording.catalogue.inputs.get(self._watch.layer)

    @cached_property
    def _input(self) -> Named | str:
        assert self._fed is not None
        rows = self._recording.frame(self._fed.key, self._step)
        return input_of(rows, self._fed, self._watch.sample) if len(rows.array) else NO_SAMPLES

    @cached_property
    def _weights(self) -> Frame:
        """The weights with which the activations of this step were computed: those of the step before, if kept."""
        key = key_of(self._recording, self._watch.layer, "weights")
        try:
            return self._recording.frame(key, self._step - 1) if self._step > 0 else self._recording.frame(key, 0)
        except NnvizError:
            return self._recording.frame(key, self._step)

    @cached_property
    def _product(self) -> Named | str:
        if self._fed is None:
            return _not_fed(self._recording, self._watch)
        weights = of_neuron(self._weights, self._neuron)
        if weights is None:
            return "the layer's weights are not of this neuron"
        given = self._input
        if isinstance(given, str):
            return given
        found = product(weights, given)
        if found is not None:
            return found
        return next((NO_SUM[name] for name in weights.names if name in NO_SUM), "it is no sum of weights times inputs")

    def _bias(self, step: int) -> float | None:
        try:
            key = self._recording.resolve(self._watch.layer, "weights", "bias")
            bias = of_neuron(self._recording.frame(key, step), self._neuron)
        except NnvizError:
            return None  # it has none
        return _finite(float(as_real(np.asarray(bias.array)))) if bias is not None and bias.array.ndim == 0 else None

    def _guess(self, part: Named | None) -> str | None:
        fed = self._fed
        if part is None or fed is None or not fed.guessed or part.names[:2] != ("y", "x"):
            return None
        return f"{math.prod(part.array.shape)} values, drawn as {' × '.join(map(str, part.array.shape))}"


def _frame(key: TensorKey, step: int, part: Named) -> Frame:
    return Frame(key, step, part.array, part.names)


def _picture(
    key: TensorKey, step: int, part: Named, of_complex: ComplexPart, note: str | None, compared: int | None = None
) -> Picture | str:
    if not is_numeric(part.array.dtype):
        return f"dtype {part.array.dtype.name}: values that are no numbers cannot be drawn"
    if part.array.size == 0:
        return f"shape {part.array.shape}: no values"
    array, layout = lay_out_part(part)
    rows, cols = spans(layout.rows, layout.cols, None)
    return Picture(
        frame=Frame(key, step, array, layout.view.names),
        exact=array,
        values=part_of(array, of_complex),
        compared=compared,
        note=joined(note, DRAWN[of_complex] if array.dtype.kind == "c" else None),
        layout=layout,
        rows=rows,
        cols=cols,
        places=None,
    )


def _words(key: TensorKey) -> str:
    words: dict[Kind, str] = {"weights": "these weights", "gradients": "these gradients"}
    return words.get(key.kind, "these values")


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
