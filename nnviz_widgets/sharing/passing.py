"""Which layers hand the batch on: their outputs are the inputs again, perhaps scaled, moved or picked from.

And which variables may be data themselves, such as the mean of the inputs or a memory of samples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnviz_widgets.core.frame import first_call, of_batch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nnviz_widgets.core.frame import Catalogue, TensorKey, TensorSpec

    Shape = tuple[int | None, ...]


def passing_layers(catalogue: Catalogue) -> frozenset[str]:
    """Return the paths of the layers whose outputs count as inputs.

    Such a layer has no weights that mix values, and is fed by the batch, by another such layer, or by what is not
    known: by several tensors, or by what the model's own code computes. A model within the model is one if the last
    layer in it is.
    """
    outputs = {layer.path: layer.output_shape for layer in catalogue.layers}
    mixing = {
        spec.key.layer
        for spec in catalogue.specs
        if spec.key.kind == "weights" and _mixes(spec, outputs.get(spec.key.layer))
    }
    fed = {path: given.key for path, given in catalogue.inputs.items()}
    layers = [layer.path for layer in catalogue.layers]
    last_inside = {above: path for path in layers for above in _above(path)}
    passing: set[str] = set()
    # In call order what feeds a layer comes before it, but a model comes before the layers in it.
    for path in [*layers, *layers]:
        last, source = last_inside.get(first_call(path)), fed.get(path)
        if last is not None:
            hands_on = last in passing
        else:
            hands_on = source is None or of_batch(source) or source.layer in passing
        (passing.add if hands_on and first_call(path) not in mixing else passing.discard)(path)
    return frozenset(passing)


def _above(path: str) -> Iterator[str]:
    """Yield the paths of the layers that a layer is in."""
    parts = path.split("/")
    return ("/".join(parts[:n]) for n in range(1, len(parts)))


def _mixes(spec: TensorSpec, output: Shape | None) -> bool:
    """Whether a value of the output is made of many of the input: not where each is scaled, or a token looked up."""
    if len(spec.shape) < 2 or "token" in spec.axes or spec.may_hold_data:
        return False
    return output is None or not _lies_along(spec.shape, output[1:])


def _lies_along(shape: Shape, output: Shape) -> bool:
    """Whether a variable has one value for each value of a sample's output, or one for all along some of its axes."""
    return len(shape) == len(output) and all(n in (1, size) for n, size in zip(shape, output, strict=True))


def statistics_of(catalogue: Catalogue, passing: frozenset[str]) -> frozenset[TensorKey]:
    """Return the variables that may be data or are computed from the inputs, and are not trained.

    Of any layer those that the catalogue says so of. Of the layers that hand the batch on, they are known by their
    names, or by having no gradient where other variables have one.

    Args:
        catalogue: All layers and tensors.
        passing: From `passing_layers`.
    """
    trained = {(spec.key.layer, spec.key.variable) for spec in catalogue.specs if spec.key.kind == "gradients"}

    def not_trained(spec: TensorSpec) -> bool:
        return bool(trained) and (spec.key.layer, spec.key.variable) not in trained

    return frozenset(
        spec.key
        for spec in catalogue.specs
        if spec.key.kind == "weights"
        and (
            spec.may_hold_data
            or (
                spec.key.layer in passing
                and "token" not in spec.axes
                and (_names_a_statistic(spec) or not_trained(spec))
            )
        )
    )


def _names_a_statistic(spec: TensorSpec) -> bool:
    return str(spec.key.variable).rpartition("/")[2].removeprefix("moving_") in ("mean", "variance", "count")
