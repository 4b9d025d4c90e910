"""What a condition says, as a tree of values: equal where two texts say the same, whatever their spaces."""

from __future__ import annotations

import keyword
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nnviz_widgets.core.frame import Kind

STATISTICS: tuple[str, ...] = ("mean", "std", "min", "max", "l2", "zeros", "update_ratio")
"""Functions of one tensor: columns of `recording.vitals`. `update_ratio` is of weights only."""

NAMES: tuple[str, ...] = ("loss", "step", "epoch", "lr", "nan")
"""Names that there are in every session. `loss` is that of the batch; `epoch` counts from 0; `nan` is true or false."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number that was written."""

    value: float


@dataclass(frozen=True, slots=True)
class Name:
    """`loss`, `step`, `epoch`, `lr` or a metric."""

    name: str
    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Statistic:
    """A number of a tensor: `l2(dense.gradients)`.

    Attributes:
        statistic: One of `STATISTICS`.
        layer: A path or a name, as it was written.
        kind: What the tensor is.
        column: Where the layer is written.
    """

    statistic: str
    layer: str
    kind: Kind
    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Signed:
    """A number with `+` or `-` before it."""

    sign: str
    operand: Numeric


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Two numbers with `+ - * / // % **` between them."""

    operator: str
    left: Numeric
    right: Numeric


@dataclass(frozen=True, slots=True)
class NonFinite:
    """`nan`: some value is not finite."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two or more numbers with comparisons between neighbours, all of which must hold."""

    operators: tuple[str, ...]
    operands: tuple[Numeric, ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """`not`."""

    operand: Logical


@dataclass(frozen=True, slots=True)
class Junction:
    """Two or more conditions with `and`, or with `or`, between them."""

    word: str
    operands: tuple[Logical, ...]


Numeric = Number | Name | Statistic | Signed | Arithmetic
Logical = NonFinite | Comparison | Negation | Junction
Node = Numeric | Logical


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and all below it, in the order of the text."""
    yield node
    match node:
        case Signed(operand=below) | Negation(operand=below):
            yield from walk(below)
        case Arithmetic(left=left, right=right):
            yield from walk(left)
            yield from walk(right)
        case Comparison(operands=operands) | Junction(operands=operands):
            for operand in operands:
                yield from walk(operand)


def written(node: Node) -> str:
    """Write a node so that it is read as the same one: with brackets around each part that has parts."""
    match node:
        case Number(value):
            return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        case Name(name):
            return quoted(name)
        case Statistic(statistic, layer, kind):
            return f"{statistic}({quoted(layer)}.{kind})"
        case Signed(sign, operand):
            return sign + _within(operand)
        case Arithmetic(operator, left, right):
            return f"{_within(left)} {operator} {_within(right)}"
        case NonFinite():
            return "nan"
        case Comparison(operators, operands):
            rest = zip(operators, operands[1:], strict=True)
            return _within(operands[0]) + "".join(f" {operator} {_within(operand)}" for operator, operand in rest)
        case Negation(operand):
            return f"not {_within(operand)}"
        case Junction(word, conditions):
            return f" {word} ".join(map(_within, conditions))


def _within(node: Node) -> str:
    text = written(node)
    return f"({text})" if isinstance(node, Signed | Arithmetic | Comparison | Negation | Junction) else text


def quoted(name: str) -> str:
    """Write the name of a metric or a layer as it stands in a condition: in quotes where it is not a plain name."""
    if name.isidentifier() and name.isascii() and not keyword.iskeyword(name):
        return name
    return f"'{name}'" if '"' in name else f'"{name}"'
