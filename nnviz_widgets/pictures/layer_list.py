"""The `Layers` message: a row for each layer, with its shape in words and what can be read of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from nnviz_widgets.core.frame import KINDS, first_call
from nnviz_widgets.pictures.kept import key_or_reason
from nnviz_widgets.pictures.stack import companions
from nnviz_widgets.pictures.summary import summary
from nnviz_widgets.protocol import LayerEntry, Layers

if TYPE_CHECKING:
    from nnviz_widgets.core.frame import Catalogue, Kind, LayerInfo, TensorSpec
    from nnviz_widgets.core.recording import Recording


def layers_message(recording: Recording, n_samples: int) -> Layers:
    """Return all layers of `recording` in call order, each that holds others before them."""
    catalogue = recording.catalogue
    specs = _by_layer(catalogue)
    inside = _inside(catalogue)
    return Layers([_entry(recording, layer, specs, inside[layer.path], n_samples) for layer in catalogue.layers])


def _by_layer(catalogue: Catalogue) -> dict[tuple[str, Kind], list[TensorSpec]]:
    """Return the tensors of each layer and kind but for those on the probe's own batch."""
    found: dict[tuple[str, Kind], list[TensorSpec]] = {}
    for spec in catalogue.specs:
        if spec.key.variable is None or spec.key.kind in ("weights", "gradients"):
            found.setdefault((spec.key.layer, spec.key.kind), []).append(spec)
    return found


def _inside(catalogue: Catalogue) -> Counter[str]:
    """Count for each path the layers right beneath it, repeated calls once."""
    paths = {first_call(layer.path) for layer in catalogue.layers}
    return Counter(path.rpartition("/")[0] for path in paths)


def _entry(
    recording: Recording,
    layer: LayerInfo,
    specs: dict[tuple[str, Kind], list[TensorSpec]],
    n_inside: int,
    n_samples: int,
) -> LayerEntry:
    reasons = {kind: recording.why(layer.path, kind) for kind in KINDS}
    # Variables of a layer that is called again are listed with its first call.
    weights = specs.get((first_call(layer.path), "weights"), [])
    names = [spec.output_name for spec in specs.get((layer.path, "activations"), [])]
    return LayerEntry(
        path=layer.path,
        name=layer.name,
        class_name=layer.class_name,
        summary=summary(layer, weights, n_inside),
        n_neurons=layer.n_neurons,
        n_params=layer.n_params,
        n_samples=n_samples,
        tensors=[kind for kind, reason in reasons.items() if reason is None],
        reasons={kind: reason for kind, reason in reasons.items() if reason is not None},
        variables=[str(spec.key.variable) for spec in weights],
        outputs=names if len(names) > 1 else [],
        together=_together(recording, layer, len(weights)),
    )


def _together(recording: Recording, layer: LayerInfo, n_variables: int) -> str:
    """Return what variables are called that are drawn in one picture, empty if it is one."""
    main = key_or_reason(recording, layer.path, "weights") if n_variables > 1 else ""
    keys = () if isinstance(main, str) else companions(recording, main)
    if len(keys) < 2:
        return ""
    return "all" if len(keys) == n_variables else " + ".join(str(key.variable) for key in keys)
