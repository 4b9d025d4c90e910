"""The values that everything else passes around: what a layer is, what a tensor is, and one reading of it.

Nothing here knows Keras. The backend makes these values, the recording keeps them, the widgets draw them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

import numpy as np

from nnviz_widgets.core.grammar import PLAIN, Grammar, neuron_count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

Kind = Literal["weights", "activations", "gradients", "activation_gradients"]
"""What a tensor is: a variable, a layer's output, or the gradient of the loss with respect to either."""

KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class LayerInfo:
    """One layer of the model, or one call of a layer that is called more than once.

    Attributes:
        path: Names along the object tree without the root, `"block/conv"`; the second call of a shared layer is
            `"d#1"`. Stable when a notebook cell is run again, which Keras' own numbers are not.
        name: Keras' `layer.name`.
        class_name: Name of the layer's class.
        output_shape: Shape of the (first) output, `None` where it varies; `None` if it is not known yet.
        variables: Names of the layer's variables, kernel first where there is one.
        n_params: How many numbers these variables hold.
        neuron_axis: The axis of the output that counts neurons (units, filters, features), or `None`.
        n_neurons: Length of that axis, 0 if there is none.
    """

    path: str
    name: str
    class_name: str
    output_shape: tuple[int | None, ...] | None
    variables: tuple[str, ...]
    n_params: int
    neuron_axis: int | None
    n_neurons: int


def first_call(path: str) -> str:
    """Return the path of a layer's first call: `"d"` of the second, `"d#1"`. Its variables are listed there."""
    base, mark, call = path.rpartition("#")
    return base if mark and call.isdigit() else path


@dataclass(frozen=True, slots=True)
class TensorKey:
    """The identity of one tensor of the model, the same at every step.

    Attributes:
        layer: `LayerInfo.path`; weights and gradients of a shared layer belong to its first call.
        kind: What the tensor is.
        variable: Name of the variable, for weights and gradients.
        output: Index of the layer's output, for activations and their gradients.
    """

    layer: str
    kind: Kind
    variable: str | None = None
    output: int = 0


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """What is known of a tensor before it is read.

    Attributes:
        key: Which tensor.
        shape: Its shape, `None` where it varies; activations are cut to the probe's samples.
        dtype: Name of its dtype, `"float32"`.
        axes: A name for each axis, such as `("in", "neuron")`.
        neuron_axis: The axis that counts neurons, or `None`.
        note: What a reader must know, such as "with respect to the logits", or `None`.
        grammar: What the names of the axes leave open, such as gates.
        output_name: What the output is called, of a layer that has several; else empty.
        may_hold_data: Whether it is a variable that no training made what it is: a memory of samples, say, or the
            mean of all inputs.
    """

    key: TensorKey
    shape: tuple[int | None, ...]
    dtype: str
    axes: tuple[str, ...]
    neuron_axis: int | None = None
    note: str | None = None
    grammar: Grammar = PLAIN
    output_name: str = ""
    may_hold_data: bool = False

    @property
    def n_neurons(self) -> int | None:
        """How many neurons it tells of, `None` if it tells of none or their number varies."""
        return neuron_count(self.shape, self.neuron_axis, self.grammar)


def batch_key(leaf: int) -> TensorKey:
    """Return the key under which the rows of the batch are kept: of the `leaf`-th array of its `x`."""
    return TensorKey("", "activations", variable="x", output=leaf)


def of_batch(key: TensorKey) -> bool:
    """Whether it is one that `batch_key` makes."""
    return not key.layer


@dataclass(frozen=True, slots=True)
class LayerInput:
    """What one call of a layer is fed.

    Attributes:
        key: The tensor that holds its values: an output of another layer, or rows of the batch.
        shape: Of one sample as the layer is fed it, `None` where it varies.
        unflattened: Where that is one row of values: the shape they had before they were flattened, or `None`.
        guessed: Whether that shape is taken from the number of values alone: a flat row of 784 may be an image.
        channels_first: Whether an image has its channels before its places, in `shape` or in `unflattened`.
    """

    key: TensorKey
    shape: tuple[int | None, ...]
    unflattened: tuple[int | None, ...] | None = None
    guessed: bool = False
    channels_first: bool = False


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All layers and tensors of a model, and the reason for everything that cannot be read.

    Attributes:
        layers: In call order; layers that were never called come last.
        specs: Every tensor that a probe can read. The rows of a vitals reading are in this order.
        reasons: `(path, kind)` to the reason why that kind of that layer cannot be read. May also hold paths
            that are not in `layers`, such as a cell inside a recurrent layer.
        inputs: Path of a call to what it is fed, where that can be read.
    """

    layers: tuple[LayerInfo, ...] = ()
    specs: tuple[TensorSpec, ...] = ()
    reasons: Mapping[tuple[str, Kind], str] = field(default_factory=lambda: MappingProxyType({}))
    inputs: Mapping[str, LayerInput] = field(default_factory=lambda: MappingProxyType({}))

    def main_specs(self) -> dict[tuple[str, Kind], TensorSpec]:
        """Return for each layer and kind the tensor that stands for it: the kernel, or else the first."""
        main: dict[tuple[str, Kind], TensorSpec] = {}
        for spec in self.specs:
            of = spec.key.layer, spec.key.kind
            if of not in main or spec.key.variable == "kernel":
                main[of] = spec
        return main


@dataclass(frozen=True, slots=True)
class Frame:
    """One tensor as it was at one step.

    Attributes:
        key: Which tensor.
        step: The step, counted in batches from 1; 0 is the state before any.
        array: Its values, never written to after the frame is made.
        axes: A name for each axis of `array`.
        neuron_axis: The axis that counts neurons, or `None`; also `None` where the array is not shaped as the
            catalogue says now.
        grammar: What the names of the axes leave open, such as gates.
    """

    key: TensorKey
    step: int
    array: npt.NDArray[Any]
    axes: tuple[str, ...]
    neuron_axis: int | None = None
    grammar: Grammar = PLAIN


@dataclass(frozen=True, slots=True)
class VitalsReading:
    """Statistics of every probed tensor at one step.

    Attributes:
        table: Shape `(n_specs, 9)`, float64: the columns of `VITALS` and then `update_ratio` (NaN for tensors
            that are not weights). Rows follow `Catalogue.specs`; a tensor that was not read is a row of NaN.
        neurons: Per spec that has a neuron axis, an array of shape `(4, n_neurons)`: the rows are
            `NEURON_STATISTICS`. Laid end to end in one vector, in the order of `Catalogue.specs`.
    """

    table: npt.NDArray[np.float64]
    neurons: npt.NDArray[np.floating[Any]]

    @property
    def n_specs(self) -> int:
        """How many tensors it tells of."""
        return len(self.table)

    @property
    def n_neuron_values(self) -> int:
        """The length of `neurons`."""
        return int(self.neurons.size)

    @property
    def n_bytes(self) -> int:
        """Memory held, in bytes."""
        return self.table.nbytes + self.neurons.nbytes

    def value(self, row: int, column: int) -> float:
        """Return one number of `table`."""
        return float(self.table[row, column])

    def non_finite_rows(self) -> Sequence[int]:
        """Return the tensors that have a value which is not finite."""
        return [int(row) for row in np.flatnonzero((self.table[:, _NAN] > 0) | (self.table[:, _INF] > 0))]

    @staticmethod
    def settle(readings: Sequence[VitalsReading]) -> list[VitalsReading]:
        """Return them as they are: nothing is left to compute."""
        return list(readings)


class Reading(Protocol):
    """A `VitalsReading`, or what becomes one when somebody looks: a backend may leave most of the work for later."""

    @property
    def n_specs(self) -> int:
        """As in `VitalsReading`."""
        ...

    @property
    def n_neuron_values(self) -> int:
        """As in `VitalsReading`."""
        ...

    @property
    def n_bytes(self) -> int:
        """As in `VitalsReading`."""
        ...

    @property
    def table(self) -> npt.NDArray[np.float64]:
        """As in `VitalsReading`."""
        ...

    @property
    def neurons(self) -> npt.NDArray[np.floating[Any]]:
        """As in `VitalsReading`."""
        ...

    def value(self, row: int, column: int) -> float:
        """As in `VitalsReading`, without computing the rest."""
        ...

    def non_finite_rows(self) -> Sequence[int]:
        """As in `VitalsReading`, without computing the rest."""
        ...

    @staticmethod
    def settle(readings: Sequence[Any]) -> list[VitalsReading]:
        """Compute what is left of many readings of this type at once."""
        ...


VITALS: tuple[str, ...] = ("mean", "std", "min", "max", "l2", "zeros", "nan", "inf")
"""Statistics of one tensor. `mean std min max l2` are over its finite values (NaN if there are none), `zeros` is
the share of values that are exactly 0, `nan` and `inf` count values."""

_NAN, _INF = VITALS.index("nan"), VITALS.index("inf")

NEURON_STATISTICS: tuple[str, ...] = ("l2", "mean", "max", "zeros")
"""Statistics over all axes of a tensor but the neurons', each as in `VITALS`."""
