"""In which order the neurons of a layer lie: found once, so that it stands still while training goes on."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from nnviz_widgets.core.grammar import view_of
from nnviz_widgets.core.numeric import as_real, is_numeric, pointwise, without_repeats
from nnviz_widgets.core.seriation import by_similarity
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.pictures.kept import kept_at, key_of
from nnviz_widgets.pictures.stack import companions, stacked
from nnviz_widgets.protocol import MAX_FRAME_BYTES

if TYPE_CHECKING:
    import numpy.typing as npt

    from nnviz_widgets.core.frame import Catalogue, Frame, Kind, TensorKey
    from nnviz_widgets.core.recording import Recording
    from nnviz_widgets.protocol import Order

    Known = dict[tuple[str, Order], npt.NDArray[np.int32]]

MAX_KNOWN = 64
"""Orders kept of one recording; the oldest makes room."""

MAX_SORTED = MAX_FRAME_BYTES // 2 // np.dtype(np.int32).itemsize
"""More neurons are not sorted: their order would leave less than half of a frame for the pictures."""

_known: WeakKeyDictionary[Recording, tuple[Catalogue, Known]] = WeakKeyDictionary()
_lock = Lock()  # pages are answered on several threads; never held while an order is found


def order_of(recording: Recording, layer: str, order: Order) -> npt.NDArray[np.int32] | str:
    """Return the neuron at each place, shape `(n_neurons,)`, or the reason why they cannot be sorted.

    The same answer to the same question until the model changes, also for the newest step.

    Args:
        recording: Where the tensors are read.
        layer: Path of the layer.
        order: What to sort by, and the step of what counts; the nearest kept one at or before it does.
    """
    known = _orders_of(recording)
    found = known.get((layer, order))
    if found is not None:
        return found
    n_neurons = _n_neurons(recording, layer)
    if n_neurons > MAX_SORTED:
        return f"not sorted: {n_neurons:,} neurons are more than the {MAX_SORTED:,} whose places fit into a frame"
    frame = _basis(recording, layer, order)
    if isinstance(frame, str):
        return frame
    found = sort_neurons(frame, order.by).astype(np.int32)
    with _lock:
        while len(known) >= MAX_KNOWN:
            del known[next(iter(known))]
        return known.setdefault((layer, order), found)


def _n_neurons(recording: Recording, layer: str) -> int:
    return next((each.n_neurons for each in recording.layers if each.path == layer), 0)


def _orders_of(recording: Recording) -> Known:
    with _lock:
        catalogue, known = _known.get(recording, (None, {}))
        if catalogue is not recording.catalogue:
            known = {}
            _known[recording] = recording.catalogue, known
        return known


def _basis(recording: Recording, layer: str, order: Order) -> Frame | str:
    """Return the tensor that tells of the neurons, or the reason why there is none."""
    kinds: tuple[Kind, ...] = ("activations",) if order.by == "activity" else ("weights", "activations")
    reasons = []
    for kind in kinds:
        try:
            key = _key_of_neurons(recording, layer, kind)
            frame = None if key is None else kept_at(recording, key, order.step)
        except NnvizError as error:
            reasons.append(str(error))
            continue
        if key is None or (frame is not None and not _tells_of_neurons(frame)):
            reasons.append(f"its {kind} tell of no neurons")
        elif frame is None:
            reasons.append(f"no {kind} are kept " + ("yet" if order.step == -1 else f"at or before step {order.step}"))
        else:
            # Both halves of a `Bidirectional`; of a normalization only what it scales by.
            return stacked(recording, frame) if frame.array.ndim > 1 else frame
    return f"not sorted: {reasons[-1]}"


def _key_of_neurons(recording: Recording, layer: str, kind: Kind) -> TensorKey | None:
    """Return the tensor of a kind that tells of all neurons of a layer, first the one that stands for the layer.

    In a `Bidirectional` that is one of both halves, in a separable convolution the second kernel.
    """
    main = key_of(recording, layer, kind)
    n_neurons = _n_neurons(recording, layer)
    specs = [spec for spec in recording.catalogue.specs if (spec.key.layer, spec.key.kind) == (main.layer, kind)]
    for spec in sorted(specs, key=lambda spec: spec.key != main):
        if spec.neuron_axis is None or not spec.grammar.own:
            continue
        n_halves = len(companions(recording, spec.key)) if len(spec.shape) > 1 else 1
        if spec.n_neurons is None or spec.n_neurons * n_halves == n_neurons:
            return spec.key
    return None


def _tells_of_neurons(frame: Frame) -> bool:
    return frame.neuron_axis is not None and frame.array.size > 0 and is_numeric(frame.array.dtype)


def sort_neurons(frame: Frame, by: str) -> npt.NDArray[np.intp]:
    """Return the neurons in order, those first whose norm or activity is not finite.

    Args:
        frame: A tensor with a neuron axis. A neuron of several gates is all of them.
        by: What to sort by, as in `protocol.Order`.
    """
    every = neuron_values(frame)
    (values,) = without_repeats(every)
    if values.shape[1] < every.shape[1]:
        return np.arange(every.shape[1])  # numpy repeats one neuron
    if by == "similarity":
        return by_similarity(values.T)
    with np.errstate(over="ignore", invalid="ignore"):
        found = _norms(values) if by == "norm" else values.mean(axis=0, dtype=np.float64)
    return np.argsort(-np.where(np.isfinite(found), found, np.inf), kind="stable")


def neuron_values(frame: Frame) -> npt.NDArray[Any]:
    """Return the values of each neuron as a column, shape `(n_values, n_neurons)`, real."""
    view = view_of(frame.array.shape, frame.axes, frame.neuron_axis, frame.grammar)
    assert view.neuron_axis is not None
    last = np.moveaxis(frame.array.reshape(view.shape), view.neuron_axis, -1)
    matrix = last.reshape(-1, last.shape[-1])
    return matrix if matrix.dtype in (np.float32, np.float64) else pointwise(as_real, matrix)


def _norms(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return the Euclidean norm of each column; squares of 1e200 do not overflow."""
    largest = np.abs(values).max(axis=0)
    scale = np.where(np.isfinite(largest) & (largest > 0), largest, 1).astype(values.dtype)
    scaled = values / scale
    squares: npt.NDArray[np.float64] = np.einsum("ij,ij->j", scaled, scaled, dtype=np.float64)
    return np.sqrt(squares) * scale.astype(np.float64)
