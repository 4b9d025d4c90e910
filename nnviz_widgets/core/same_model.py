"""Whether two recordings are of the same model, and in words why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nnviz_widgets.core.frame import Catalogue, LayerInfo, TensorKey

    Shape = tuple[int | None, ...]

MOST_NAMED = 4
"""Differences that are named; of others only their number is told."""


def difference_of_models(first: Catalogue, second: Catalogue) -> str | None:
    """Return in words how two models differ, `None` if they have the same layers with variables of the same shapes.

    What a probe left out, and the number of samples in a batch, may differ.
    """
    unknown = [name for name, known in (("first", first), ("second", second)) if not known.layers]
    if unknown:
        return f"no layer of the {' and of the '.join(unknown)} is known yet"
    found = list(_differences(first, second))
    return _some(found, "; ") if found else None


def _some(texts: Sequence[str], between: str) -> str:
    """Join the first few."""
    more = len(texts) - MOST_NAMED
    return between.join(texts[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _differences(first: Catalogue, second: Catalogue) -> Iterator[str]:
    ours, theirs = ({layer.path: layer for layer in known.layers} for known in (first, second))
    for name, these, those in (("first", ours, theirs), ("second", theirs, ours)):
        alone = [f"`{path}`" for path in these if path not in those]
        if alone:
            yield f"only the {name} has the layer{'' if len(alone) == 1 else 's'} {_some(alone, ', ')}"
    shapes = [_shapes_of_weights(known) for known in (first, second)]
    for path, layer in ours.items():
        if path in theirs:
            yield from _of_layer(layer, theirs[path], *shapes)


def _shapes_of_weights(catalogue: Catalogue) -> dict[TensorKey, Shape]:
    return {spec.key: spec.shape for spec in catalogue.specs if spec.key.kind == "weights"}


def _of_layer(
    layer: LayerInfo, other: LayerInfo, ours: dict[TensorKey, Shape], theirs: dict[TensorKey, Shape]
) -> Iterator[str]:
    """Name the differences of one layer: not its output where its variables have told already."""
    if layer.class_name != other.class_name:
        yield f"`{layer.path}` is a {layer.class_name} in the first and a {other.class_name} in the second"
        return
    if set(layer.variables) != set(other.variables):
        one, two = (", ".join(each.variables) or "none" for each in (layer, other))
        yield f"the variables of `{layer.path}` are {one} in the first and {two} in the second"
        return
    mine = [key for key in ours if key.layer == layer.path and theirs.get(key, ours[key]) != ours[key]]
    for key in mine:
        yield f"`{key.layer}/{key.variable}` has the shape {ours[key]} in the first and {theirs[key]} in the second"
    if not mine and _differ(layer.output_shape, other.output_shape):
        yield (
            f"the output of `{layer.path}` has the shape {layer.output_shape} in the first and {other.output_shape} in "
            "the second"
        )


def _differ(shape: Shape | None, other: Shape | None) -> bool:
    """Whether two shapes cannot be one; the first axis counts samples, and what is not known may be anything."""
    if shape is None or other is None:
        return False
    pairs = zip(shape[1:], other[1:], strict=False)
    return len(shape) != len(other) or any(None not in pair and pair[0] != pair[1] for pair in pairs)
