"""Which layers hand the batch on: their outputs are the inputs again, perhaps scaled, moved or picked from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnviz_widgets.core.frame import first_call, of_batch

if TYPE_CHECKING:
    from nnviz_widgets.core.frame import Catalogue, TensorSpec


def passing_layers(catalogue: Catalogue) -> frozenset[str]:
    """Return the paths of the layers whose outputs count as inputs.

    Such a layer has no weights that mix values, and is fed by the batch, by another such layer, or by what is not
    known: by several tensors, or by what the model's own code computes. A model within the model is one if the last
    layer in it is.
    """
    mixing = {spec.key.layer for spec in catalogue.specs if spec.key.kind == "weights" and _mixes(spec)}
    fed = {path: given.key for path, given in catalogue.inputs.items()}
    passing: set[str] = set()
    # In call order what feeds a layer comes before it, but a model comes before the layers in it.
    layers = [layer.path for layer in catalogue.layers]
    for path in [*layers, *layers]:
        inside = [other for other in layers if other.startswith(f"{first_call(path)}/")]
        if inside:
            hands_on = first_call(path) not in mixing and inside[-1] in passing
        else:
            source = fed.get(path)
            known = source is not None and not of_batch(source)
            hands_on = first_call(path) not in mixing and not (
                known and source is not None and source.layer not in passing
            )
        (passing.add if hands_on else passing.discard)(path)
    return frozenset(passing)


def _mixes(spec: TensorSpec) -> bool:
    """Whether a value of the output is made of many of the input: not where each is scaled, or a token looked up."""
    return len(spec.shape) > 1 and "token" not in spec.axes
