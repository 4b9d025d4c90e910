"""Layers and tensors of a model as JSON: words and numbers only, so that reading them runs nothing."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

import msgspec

from nnviz_widgets.core.frame import Catalogue, Kind, LayerInfo, LayerInput, TensorKey, TensorSpec
from nnviz_widgets.core.grammar import Grammar
from nnviz_widgets.core.storage.planes import Damaged

if TYPE_CHECKING:
    from collections.abc import Mapping

Shape = tuple[int | None, ...]
S = TypeVar("S", bound=msgspec.Struct)
T = TypeVar("T")


class _Layer(msgspec.Struct):
    path: str
    name: str
    class_name: str
    output_shape: Shape | None
    variables: tuple[str, ...]
    n_params: int
    neuron_axis: int | None
    n_neurons: int


class _Key(msgspec.Struct):
    layer: str
    kind: Kind
    variable: str | None
    output: int


class _Grammar(msgspec.Struct):
    blocks: tuple[str, ...]
    joined: int
    own: bool
    first_neuron: int
    labels: dict[str, tuple[str, ...]]


class _Spec(msgspec.Struct):
    key: _Key
    shape: Shape
    dtype: str
    axes: tuple[str, ...]
    neuron_axis: int | None
    note: str | None
    grammar: _Grammar
    output_name: str
    may_hold_data: bool = False


class _Input(msgspec.Struct):
    key: _Key
    shape: Shape
    unflattened: Shape | None
    guessed: bool
    channels_first: bool


class _Catalogue(msgspec.Struct):
    layers: tuple[_Layer, ...]
    specs: tuple[_Spec, ...]
    reasons: tuple[tuple[str, Kind, str], ...]
    inputs: dict[str, _Input]


def to_json(catalogue: Catalogue) -> bytes:
    """Write a catalogue."""
    document = _Catalogue(
        tuple(_as(_Layer, layer) for layer in catalogue.layers),
        tuple(_as(_Spec, spec, key=_as(_Key, spec.key), grammar=_grammar(spec.grammar)) for spec in catalogue.specs),
        tuple((path, kind, reason) for (path, kind), reason in catalogue.reasons.items()),
        {path: _as(_Input, fed, key=_as(_Key, fed.key)) for path, fed in catalogue.inputs.items()},
    )
    return msgspec.json.encode(document)


def from_json(text: bytes) -> Catalogue:
    """Read what `to_json` wrote. Fields that only a newer version knows are passed over.

    Raises:
        Damaged: If it is not of that form.
    """
    try:
        document = msgspec.json.decode(text, type=_Catalogue)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Damaged(f"the list of layers cannot be read ({error})") from None
    return Catalogue(
        tuple(_from(LayerInfo, layer) for layer in document.layers),
        tuple(
            _from(TensorSpec, spec, key=_from(TensorKey, spec.key), grammar=_read_grammar(spec.grammar))
            for spec in document.specs
        ),
        MappingProxyType({(path, kind): reason for path, kind, reason in document.reasons}),
        MappingProxyType(
            {path: _from(LayerInput, fed, key=_from(TensorKey, fed.key)) for path, fed in document.inputs.items()}
        ),
    )


def _as(struct: type[S], value: object, **given: object) -> S:
    return struct(**{name: given.get(name, getattr(value, name)) for name in struct.__struct_fields__})


def _from(made: type[T], struct: msgspec.Struct, **given: object) -> T:
    return made(**{name: given.get(name, getattr(struct, name)) for name in struct.__struct_fields__})


def _grammar(grammar: Grammar) -> _Grammar:
    return _as(_Grammar, grammar, labels=dict(grammar.labels))


def _read_grammar(grammar: _Grammar) -> Grammar:
    labels: Mapping[str, tuple[str, ...]] = MappingProxyType(grammar.labels)
    return _from(Grammar, grammar, labels=labels)
