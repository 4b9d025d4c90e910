"""How a tensor is read where the shape alone does not say it: gates in one axis, neurons over two, names of indices."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BLOCK_AXIS = "gate"
"""What the blocks of a `Grammar` are called as an axis."""


@dataclass(frozen=True, slots=True)
class Grammar:
    """What names of axes leave open.

    Attributes:
        blocks: Names of equal blocks that lie one after the other along the neuron axis, such as the gates of an
            LSTM. Each block has a value of every neuron.
        joined: How many axes, the neuron axis last, count neurons together, the last one fastest: 2 in a depthwise
            kernel `(y, x, in, multiplier)`, whose neuron is `in * n_multipliers + multiplier`.
        own: Whether the neurons are those of the layer. They are not in the first kernel of a separable convolution,
            whose columns are channels between its two kernels.
        first_neuron: Which neuron of the layer comes first. Not 0 for the backward half of a `Bidirectional`.
        labels: Name of an axis to the names of its indices.
    """

    blocks: tuple[str, ...] = ()
    joined: int = 1
    own: bool = True
    first_neuron: int = 0
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}), hash=False)


PLAIN = Grammar()


@dataclass(frozen=True, slots=True)
class View:
    """A tensor's axes as they are read: the same values in the same order under another shape.

    Attributes:
        shape: What `array.reshape` is given: blocks are an axis of their own, joined axes are one.
        names: A name for each axis.
        neuron_axis: The axis that counts neurons, or `None`.
        labels: For each axis the names of its indices, empty where they are numbers.
    """

    shape: tuple[int, ...]
    names: tuple[str, ...]
    neuron_axis: int | None
    labels: tuple[tuple[str, ...], ...]


def view_of(shape: Sequence[int], axes: Sequence[str], neuron_axis: int | None, grammar: Grammar = PLAIN) -> View:
    """Return how a tensor of this shape is read.

    Args:
        shape: The tensor's shape.
        axes: A name for each axis.
        neuron_axis: The axis that counts neurons, or `None`; then blocks and joined axes mean nothing.
        grammar: What the names leave open.
    """
    sizes, names, place = list(shape), list(axes), neuron_axis
    if place is not None and grammar.joined > 1:
        first = place - grammar.joined + 1
        sizes[first : place + 1] = [math.prod(sizes[first : place + 1])]
        names[first : place + 1] = ["filter"]
        place = first
    if place is not None and grammar.blocks and sizes[place] % len(grammar.blocks) == 0:
        sizes[place : place + 1] = [len(grammar.blocks), sizes[place] // len(grammar.blocks)]
        names.insert(place, BLOCK_AXIS)
        place += 1
    given = {**grammar.labels, BLOCK_AXIS: grammar.blocks}
    return View(tuple(sizes), tuple(names), place, tuple(given.get(name, ()) for name in names))


def neuron_count(shape: Sequence[int | None], neuron_axis: int | None, grammar: Grammar = PLAIN) -> int | None:
    """Return how many neurons a tensor tells of, `None` if it has no neuron axis or its length is not fixed."""
    if neuron_axis is None:
        return None
    counting = [size for size in shape[neuron_axis - grammar.joined + 1 : neuron_axis + 1] if size is not None]
    if len(counting) < grammar.joined:
        return None
    total = math.prod(counting)
    return total // len(grammar.blocks) if grammar.blocks and total % len(grammar.blocks) == 0 else total
