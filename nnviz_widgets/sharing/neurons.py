"""What a file tells of all neurons beside pictures: how they changed over the steps, and what may be multiplied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from nnviz_widgets.core.frame import NEURON_STATISTICS, first_call
from nnviz_widgets.core.numeric import as_real
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.pictures.kept import key_or_reason
from nnviz_widgets.pictures.neuron import NeuronParts
from nnviz_widgets.pictures.neuron_arrays import input_of, of_neuron, product
from nnviz_widgets.pictures.neuron_lines import LINES
from nnviz_widgets.protocol import MapRequest, Watch
from nnviz_widgets.sharing.contents import is_open
from nnviz_widgets.sharing.document import Fed, NeuronLines
from nnviz_widgets.sharing.reasons import shared_reason
from nnviz_widgets.sharing.subjects import LEFT_OUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy.typing as npt

    from nnviz_widgets.core.frame import Kind, LayerInfo
    from nnviz_widgets.core.readings import Snapshot
    from nnviz_widgets.core.recording import Recording
    from nnviz_widgets.sharing.chunks import Chunks
    from nnviz_widgets.sharing.contents import Contents
    from nnviz_widgets.sharing.privacy import Privacy

MOST_POINTS = 240
"""Steps of a line; a screen shows no more beside each other."""

_LOW_BITS = np.uint32(0xFFFFF000)
"""What is kept of a float32 in a line: 11 bits after the point, which deflate to half as many bytes."""


class Line(NamedTuple):
    """One statistic of all neurons of a layer over the steps: `(n_steps,)` and `(n_steps, n_neurons)`."""

    layer: str
    name: Literal["weights_l2", "gradients_l2", "activations_mean"]
    first_neuron: int
    steps: npt.NDArray[np.int64]
    values: npt.NDArray[np.floating]
    as_drawn: bool = False
    """Whether it has points at those steps only at which the weights are drawn: the norm of one weight is its size, and
    that of a few tells how they changed."""


def lines_of(
    recording: Recording, layers: Sequence[LayerInfo], kinds: Sequence[Kind], privacy: Privacy, contents: Contents
) -> Iterator[Line]:
    """Yield the lines that may be shown, whole.

    Args:
        recording: Where they are read.
        layers: Of which layers.
        kinds: Of which kinds of tensors.
        privacy: What may be shown.
        contents: What the tensors tell of.
    """
    specs = recording.catalogue.main_specs()
    readings: Snapshot = recording.readings()
    for layer in layers:
        for name, kind, statistic in LINES:
            spec = specs.get((layer.path, kind)) or specs.get((first_call(layer.path), kind))
            if kind not in kinds or spec is None or not spec.grammar.own or spec.neuron_axis is None:
                continue
            if not is_open(contents.of(spec.key), privacy):
                continue
            steps, values = readings.neurons(spec.key, NEURON_STATISTICS.index(statistic))
            if values.size:
                as_drawn = kind == "weights" and not privacy.allows("gradients")
                yield Line(layer.path, name, spec.grammar.first_neuron, steps, values, as_drawn)  # type: ignore[arg-type]


def at_steps(line: Line, steps: Iterable[int]) -> Line:
    """Return a line with those of its points that are at `steps`."""
    kept = np.isin(line.steps, list(steps))
    return line._replace(steps=line.steps[kept], values=line.values[kept])


def write_line(line: Line, n_points: int, chunks: Chunks) -> NeuronLines:
    """Write a line of at most `n_points` steps, spread evenly, the first and the last among them."""
    kept = np.unique(np.linspace(0, len(line.steps) - 1, min(n_points, len(line.steps))).round().astype(np.intp))
    with np.errstate(over="ignore"):
        values = np.ascontiguousarray(line.values[kept].T, np.float32)
    bits = values.view(np.uint32)
    shortened = np.where(np.isfinite(values), bits & _LOW_BITS, bits).view(np.float32)
    return NeuronLines(
        layer=line.layer,
        name=line.name,
        n_steps=len(kept),
        n_neurons=line.values.shape[1],
        first_neuron=line.first_neuron,
        steps=chunks.add_array(line.steps[kept], "<f8"),
        values=chunks.add_array(shortened, "<f4"),
    )


def fed_of(recording: Recording, layer: str, steps: Sequence[int], *, allowed: bool, chunks: Chunks) -> Fed:
    """Return whether weight x input of a layer has a sum, and write its biases at `steps`.

    Args:
        recording: Where they are read.
        layer: The layer's path.
        steps: The steps at which its biases may be shown.
        allowed: Whether what it is fed may be shown.
        chunks: Takes the biases.
    """
    why = _why_no_product(recording, layer) if allowed else f"{LEFT_OUT}: what the layer is fed"
    if why is not None:
        return Fed(layer, product=False, why=shared_reason(why))
    found = {step: bias for step in steps if (bias := _biases(recording, layer, step)) is not None}
    if not found:
        return Fed(layer, product=True, why=None)
    return Fed(
        layer,
        product=True,
        why=None,
        bias_steps=chunks.add_array(np.array(list(found)), "<f8"),
        biases=chunks.add_array(np.stack(list(found.values())), "<f4"),
    )


def _why_no_product(recording: Recording, layer: str) -> str | None:
    fed = recording.catalogue.inputs.get(layer)
    key = key_or_reason(recording, layer, "weights")
    if isinstance(key, str) or fed is None:
        return key if isinstance(key, str) else "what it is fed is not one tensor that can be read"
    try:
        weights, rows = recording.frame(key), recording.frame(fed.key)
    except NnvizError:
        return "its weights and what it is fed are not kept at one step"  # an error may name the recording's path
    of_one = of_neuron(weights, 0)
    made = None if of_one is None or not len(rows.array) else product(of_one, input_of(rows, fed, 0))
    if made is not None and made.names == ("in",) and made.array.dtype.kind != "c":
        return None
    request = MapRequest(tensor="weights", max_rows=1, max_cols=1, part="product")
    watch = Watch(id=0, client="", layer=layer, step=rows.step, sample=0, maps=[request])
    drawing = NeuronParts(recording, watch, rows.step).drawing(request, key)
    return drawing if isinstance(drawing, str) else "a file has it only where a neuron has one sum of a row of inputs"


def _biases(recording: Recording, layer: str, step: int) -> npt.NDArray[np.float64] | None:
    """Return the bias of each neuron at a step, `None` if it has none or it is not kept."""
    try:
        key = recording.resolve(layer, "weights", "bias")
        array = recording.frame(key, step).array
    except NnvizError:
        return None
    return as_real(array) if array.ndim == 1 else None
