"""Which layers a model has and what they are called: the object tree, walked once.

A model within the model is an entry, and so is each layer inside it; the outermost model is none unless it owns
variables. A layer that Keras ships is one entry whatever it holds inside (`Bidirectional`, `MultiHeadAttention`, an
RNN with its cell): its inner layers may run in a loop, and their variables are listed with it. A user's own layer is
an entry and so is each layer inside it.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import keras
from keras.src.utils.naming import to_snake_case

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Entry:
    """One layer object of the model.

    Attributes:
        path: Names along the tree without the root.
        layer: The Keras layer.
        variables: Name within the entry to `keras.Variable`, kernel first.
        inner: Paths of layers inside it that are no entries themselves, such as the cell of an RNN.
    """

    path: str
    layer: Any
    variables: dict[str, Any] = field(hash=False)
    inner: tuple[str, ...] = ()


def walk(model: Any) -> tuple[Entry, ...]:
    """Return the entries of `model` in the order in which its layers were attached."""
    entries: list[Entry] = []
    seen: set[int] = {id(model)}
    own = _own_variables(model)
    if own:
        entries.append(Entry(sibling_names([model])[0], model, name_variables(own)))
    _descend(model, "", entries, seen)
    return tuple(entries)


def _descend(parent: Any, prefix: str, entries: list[Entry], seen: set[int]) -> None:
    children = [layer for layer in _children(parent) if not isinstance(layer, keras.layers.InputLayer)]
    for layer, name in zip(children, sibling_names(children), strict=True):
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        path = prefix + name
        if isinstance(layer, keras.Model):
            entries.append(Entry(path, layer, name_variables(_own_variables(layer))))
            _descend(layer, path + "/", entries, seen)
        elif _shipped_by_keras(layer):
            inner = tuple(_inner_paths(layer, path + "/"))
            entries.append(Entry(path, layer, name_variables(_readable(layer.variables), _renamed(layer)), inner))
        else:
            entries.append(Entry(path, layer, name_variables(_own_variables(layer))))
            _descend(layer, path + "/", entries, seen)


def _children(layer: Any) -> list[Any]:
    return list(layer._flatten_layers(include_self=False, recursive=False))


def _shipped_by_keras(layer: Any) -> bool:
    return type(layer).__module__.split(".")[0] == "keras"


def _inner_paths(layer: Any, prefix: str) -> Iterator[str]:
    children = _children(layer)
    for child, name in zip(children, sibling_names(children), strict=True):
        yield prefix + name
        yield from _inner_paths(child, prefix + name + "/")


def _renamed(layer: Any) -> dict[str, str]:
    """Return Keras' names of the layers inside `layer` that carry a number, to the names that we give them."""
    children = _children(layer)
    names = {child.name: name for child, name in zip(children, sibling_names(children), strict=True)}
    for child in children:
        names |= _renamed(child)
    return names


def _own_variables(layer: Any) -> list[Any]:
    return _readable([*layer._trainable_variables, *layer._non_trainable_variables])


def _readable(variables: list[Any]) -> list[Any]:
    """Leave out the states of random generators: they are counters, not weights."""
    return [v for v in variables if v.name != "seed_generator_state"]


def sibling_names(layers: list[Any]) -> list[str]:
    """Return a name for each layer, unique among these siblings.

    Keras' automatic names carry a number that grows with every model made in the process (`dense_17`), so that
    the same cell run twice gives other names; here the numbers restart. Names that a user gave stay as they are, and a
    repeated one gets `_1`, `_2`.
    """
    taken: Counter[str] = Counter()
    names: list[str] = []
    wanted = [_automatic_stem(layer) or layer.name for layer in layers]
    for stem in wanted:
        name = stem
        while name in names or (name != stem and name in wanted):
            taken[stem] += 1
            name = f"{stem}_{taken[stem]}"
        names.append(name)
    return names


def _automatic_stem(layer: Any) -> str | None:
    """Return `dense` for a `Dense` layer that Keras named `dense` or `dense_17`, `None` for a name from the user.

    `Bidirectional` puts a word before the names of its two layers.
    """
    stem = to_snake_case(type(layer).__name__)
    match = re.fullmatch(rf"((?:forward_|backward_)?{re.escape(stem)})(_\d+)?", layer.name)
    return match[1] if match else None


_MAIN = ("kernel", "pointwise_kernel", "embeddings", "gamma")
"""The variables that stand for a layer: their columns are its neurons."""


def name_variables(variables: list[Any], renamed: Mapping[str, str] = MappingProxyType({})) -> dict[str, Any]:
    """Return the variables under short names that are unique among them.

    The name is the variable's own (`kernel`); where several share it, as in `MultiHeadAttention`, names of the
    layers around are put in front until they differ (`query/kernel`).

    Args:
        variables: Keras variables.
        renamed: Names of layers in the variables' paths that we call otherwise.
    """
    parts = [[renamed.get(part, part) for part in v.path.split("/")] for v in variables]
    length = [1] * len(variables)
    names = [p[-1] for p in parts]
    for depth in range(2, max((len(p) for p in parts), default=0) + 1):
        counts = Counter(names)
        for i, name in enumerate(names):
            if counts[name] > 1:
                length[i] = depth
        names = ["/".join(p[-n:]) for p, n in zip(parts, length, strict=True)]
    repeats: Counter[str] = Counter()
    unique: dict[str, Any] = {}
    for name, variable in zip(names, variables, strict=True):
        key = f"{name}_{repeats[name]}" if repeats[name] else name
        repeats[name] += 1
        unique[key] = variable
    main = next((n for n in _MAIN if n in unique), None)
    return {main: unique.pop(main), **unique} if main else unique


def main_variable(names: list[str]) -> str | None:
    """Return the variable that stands for a layer, of those that it has: its kernel, or the only one."""
    return next((name for name in _MAIN if name in names), names[0] if len(names) == 1 else None)
