"""From the text of a condition to its tree. Python's parser is used, and nothing is ever run as Python."""

from __future__ import annotations

import ast
import math
from difflib import get_close_matches
from typing import TYPE_CHECKING, NoReturn

from nnviz_widgets.core.conditions.tokens import checked_tokens, one_line, refused
from nnviz_widgets.core.conditions.tree import (
    STATISTICS,
    Arithmetic,
    Comparison,
    Junction,
    Name,
    Negation,
    NonFinite,
    Number,
    Signed,
    Statistic,
    quoted,
    walk,
    written,
)
from nnviz_widgets.core.frame import KINDS
from nnviz_widgets.errors import NotACondition

if TYPE_CHECKING:
    from nnviz_widgets.core.conditions.tree import Logical, Numeric
    from nnviz_widgets.core.frame import Kind

MAX_DEPTH = 50
"""Levels of a tree: a chain of sums has one for each of its terms."""

_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
}  # fmt: skip
_COMPARISONS: dict[type[ast.AST], str] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip
_SIGNS: dict[type[ast.AST], str] = {ast.UAdd: "+", ast.USub: "-"}


def parse(text: str) -> Logical:
    """Read a condition.

    Args:
        text: In the language of conditions, at most 1000 characters.

    Raises:
        InvalidArgumentError: If it is no text.
        NotACondition: If it is not in the language; the message says what is wrong, and at which column.
    """
    checked_tokens(text)
    # In brackets, so that spaces before it are no indentation, and offsets from 0 are columns from 1.
    source = f"({one_line(text)})"
    try:
        tree = _Reader(source).logical(ast.parse(source, mode="eval").body, 0)
    except SyntaxError as error:
        column = min(max(1, (error.offset or 1) - 1), len(text) + 1)
        raise NotACondition("this cannot be read: something is missing, or one too many", column) from None
    except (RecursionError, MemoryError):  # where the caller is near the end of the stack himself
        raise NotACondition("a condition must be simpler: it is too deep to be read here", 1) from None
    if not any(isinstance(node, Name | Statistic | NonFinite) for node in walk(tree)):
        raise NotACondition("a condition must name what changes, such as loss; this one is always the same", 1)
    return tree


class _Reader:
    """Turns what Python's parser made into a tree, and refuses whatever is not in the language."""

    def __init__(self, source: str) -> None:
        self._bytes = source.encode()

    def logical(self, node: ast.expr, depth: int) -> Logical:
        """Read what is true or false."""
        depth = self._deeper(node, depth)
        match node:
            case ast.BoolOp(op=op, values=values):
                word = "and" if isinstance(op, ast.And) else "or"
                return Junction(word, tuple(self.logical(value, depth) for value in values))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return Negation(self.logical(operand, depth))
            case ast.Compare(left=left, ops=ops, comparators=comparators):
                operators = tuple(self._operator(op, _COMPARISONS, node) for op in ops)
                return Comparison(operators, tuple(self.numeric(one, depth) for one in (left, *comparators)))
            case ast.Name(id="nan"):
                return NonFinite()
        number = written(self.numeric(node, depth - 1))
        raise NotACondition(
            f"a condition must be true or false, and {_short(number)} is a number; compare it, as in "
            f"{_short(number)} > 1",
            self._column(node),
        )

    def numeric(self, node: ast.expr, depth: int) -> Numeric:
        """Read a number."""
        depth = self._deeper(node, depth)
        match node:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return Number(self._finite(value, node))
            case ast.Name(id="nan") | ast.Constant(value="nan"):
                raise NotACondition(
                    "nan is true or false, not a number; write it alone, or with and, or, not", self._column(node)
                )
            case ast.Name(id=name) | ast.Constant(value=str(name)):
                return Name(name, self._column(node))
            case ast.UnaryOp(op=ast.UAdd() | ast.USub() as op, operand=operand):
                return Signed(_SIGNS[type(op)], self.numeric(operand, depth))
            case ast.BinOp(op=op, left=left, right=right):
                operator = self._operator(op, _OPERATORS, node)
                return Arithmetic(operator, self.numeric(left, depth), self.numeric(right, depth))
            case ast.Call():
                return self._statistic(node)
        self._refuse(node)

    def _statistic(self, call: ast.Call) -> Statistic:
        """Read a function of a tensor."""
        column = self._column(call)
        match call.func:
            case ast.Name(id=statistic) if statistic in STATISTICS:
                pass
            case ast.Name(id=name):
                near = get_close_matches(name[:50], STATISTICS, n=1)
                raise refused(
                    f"{_short(name)}(); "
                    + (f"did you mean {near[0]}()?" if near else f"functions are {', '.join(STATISTICS)}"),
                    column,
                )
            case _:
                raise refused("a call of what is no function", column)
        match call:
            case ast.Call(args=[ast.Attribute(value=ast.Name() | ast.Constant() as of, attr=kind)], keywords=[]):
                layer = of.id if isinstance(of, ast.Name) else of.value
                if isinstance(layer, str) and kind in KINDS:
                    return self._of_tensor(statistic, layer, kind, self._column(of))
        raise NotACondition(f"{statistic}() takes one tensor: {self._suggestion(statistic, call)}", column)

    @staticmethod
    def _of_tensor(statistic: str, layer: str, kind: Kind, column: int) -> Statistic:
        if statistic == "update_ratio" and kind != "weights":
            raise NotACondition(
                f"update_ratio() is of weights, not of {kind.replace('_', ' ')}; write "
                f"update_ratio({quoted(layer)}.weights)",
                column,
            )
        return Statistic(statistic, layer, kind, column)

    def _suggestion(self, statistic: str, call: ast.Call) -> str:
        """Say what may have been meant with an argument that is no tensor."""
        match call.args:
            case [ast.Name(id=name)] | [ast.Constant(value=str(name))]:
                return f"name a kind too, as in {statistic}({quoted(name)}.weights)"
            case [ast.BinOp(op=ast.Div())]:
                return f'a path is written in quotes, as in {statistic}("block/conv".weights)'
        return f"a name or a path in quotes, a dot and a kind, as in {statistic}(dense.weights)"

    def _operator(self, op: ast.AST, known: dict[type[ast.AST], str], node: ast.expr) -> str:
        if type(op) not in known:
            raise refused(f"the operator {type(op).__name__}", self._column(node))
        return known[type(op)]

    def _refuse(self, node: ast.expr) -> NoReturn:
        match node:
            case ast.Compare() | ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
                raise NotACondition("a number must be here, and this is true or false", self._column(node))
            case ast.Attribute(value=ast.Name(id=layer) | ast.Constant(value=str(layer)), attr=kind) if kind in KINDS:
                tensor = f"{quoted(layer)}.{kind}"
                raise NotACondition(
                    f"{_short(tensor)} is a whole tensor; choose a number of it, as in l2({_short(tensor)})",
                    self._column(node),
                )
            case ast.Attribute():
                raise refused("attribute access", self._column(node))
            case ast.Tuple(elts=[]):
                raise NotACondition("these parentheses are empty", self._column(node))
        raise refused(type(node).__name__, self._column(node))

    def _finite(self, value: float, node: ast.expr) -> float:
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isinf(number):
            raise NotACondition("this number is larger than any float64", self._column(node))
        return number

    def _deeper(self, node: ast.expr, depth: int) -> int:
        if depth >= MAX_DEPTH:
            raise NotACondition(f"a condition has at most {MAX_DEPTH} levels", self._column(node))
        return depth + 1

    def _column(self, node: ast.expr) -> int:
        """Return where a node is written; Python counts bytes."""
        return len(self._bytes[: node.col_offset].decode())


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
