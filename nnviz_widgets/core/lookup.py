"""From what a user calls a tensor, such as `("dense_1", "weights")`, to its key."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, cast

from nnviz_widgets.core.frame import KINDS, Catalogue, Kind, LayerInfo, TensorKey, first_call
from nnviz_widgets.core.names import nearest
from nnviz_widgets.errors import InvalidArgumentError, LayerNotFound, TensorUnavailable

if TYPE_CHECKING:
    from nnviz_widgets.core.frame import TensorSpec

_OF_VARIABLES: tuple[Kind, ...] = ("weights", "gradients")


class Lookup:
    """An index of one catalogue and of the names that only an older one knew. Never changes once made."""

    def __init__(self, catalogue: Catalogue, older: Lookup | None = None) -> None:
        """Index `catalogue`; names and tensors that only `older` knew stay known."""
        self.catalogue = catalogue
        self._specs: dict[TensorKey, TensorSpec] = {} if older is None else dict(older._specs)
        self._specs.update((spec.key, spec) for spec in catalogue.specs)
        self._of_now = {(spec.key.layer, spec.key.kind) for spec in catalogue.specs}
        self._layers: dict[str, LayerInfo] = {} if older is None else dict(older._layers)
        self._layers.update((layer.path, layer) for layer in catalogue.layers)
        self._keys: dict[tuple[str, Kind], list[TensorKey]] = {}
        for key in self._specs:
            self._keys.setdefault((key.layer, key.kind), []).append(key)
        self._paths_of_name: dict[str, list[str]] = {}
        for layer in catalogue.layers or self._layers.values():
            self._paths_of_name.setdefault(layer.name, []).append(layer.path)
        self._paths = {*self._layers, *(key.layer for key in self._specs), *(path for path, _ in catalogue.reasons)}

    def spec(self, key: TensorKey) -> TensorSpec | None:
        """Look up what is known of a tensor, `None` if nothing is."""
        return self._specs.get(key)

    def path(self, layer: str | LayerInfo, call: int = 0) -> str:
        """Find the path of a layer.

        Args:
            layer: A `LayerInfo`, a path, or a Keras name that only one layer has.
            call: Index of the call of a layer that is called more than once.

        Raises:
            LayerNotFound: The message names the nearest paths.
        """
        path = self._path(layer)
        if not call:
            return path
        asked = path if path.endswith(f"#{call}") else f"{path}#{call}"
        if asked not in self._paths:
            n_calls = sum(known == path or known.startswith(f"{path}#") for known in self._layers)
            raise LayerNotFound(
                f"`call` must be the index of a call of layer `{path}`, which has {n_calls}. Received: call={call}. "
                f"Use 0 to {n_calls - 1}."
            )
        return asked

    def _path(self, layer: str | LayerInfo) -> str:
        name = layer.path if isinstance(layer, LayerInfo) else layer
        if not isinstance(name, str):
            raise InvalidArgumentError(
                f"`layer` must be a path, a name or a LayerInfo. Received: {name!r} of type {type(name).__name__}. "
                "Take one of `recording.layers`."
            )
        if name in self._paths:
            return name
        paths = self._paths_of_name.get(name, [])
        if len({first_call(path) for path in paths}) == 1:
            return paths[0]
        raise LayerNotFound(_unknown(name, paths or nearest(name, sorted(self._paths)), ambiguous=bool(paths)))

    def misread(self, layer: str | LayerInfo) -> str | None:
        """Return what to say where a word is the path of one layer and Keras' name of another, `None` otherwise."""
        if not isinstance(layer, str) or layer not in self._layers:
            return None
        if layer is self._layers[layer].path:  # the very text of a `LayerInfo`, which nobody typed
            return None
        named = [path for path in self._paths_of_name.get(layer, []) if first_call(path) != first_call(layer)]
        if not named or self._layers[layer].name == layer:
            return None
        return (
            f"{layer!r} is read as the path of the layer that Keras calls {self._layers[layer].name!r}; the layer that "
            f"Keras calls {layer!r} has the path {named[0]!r}. Numbers in paths restart in each model: see "
            "`recording.layers`."
        )

    def why(self, layer: str | LayerInfo, kind: str) -> str | None:
        """Say why a kind of a layer cannot be read, `None` if it can.

        Args:
            layer: As in `path`.
            kind: One of `KINDS`.
        """
        return self._why(self.path(layer), check_kind(kind))

    def _why(self, path: str, kind: Kind) -> str | None:
        if self._keys_of(path, kind):
            return None
        reasons = self.catalogue.reasons
        reason = reasons.get((path, kind)) or reasons.get((first_call(path), kind))
        return reason or self._guess_why(path, kind)

    def why_now(self, path: str, kind: Kind) -> str | None:
        """Say why a kind is read no longer, though an older catalogue had it; `None` if it is."""
        if (path, kind) in self._of_now:
            return None
        reasons = self.catalogue.reasons
        return reasons.get((path, kind)) or reasons.get((first_call(path), kind))

    def _guess_why(self, path: str, kind: Kind) -> str:
        layer = self._layers.get(path)
        if kind in _OF_VARIABLES and layer is not None and not layer.variables:
            return f"layer `{path}` has no variables"
        if not any(known == kind for _, known in self._keys):
            return f"no {words(kind)} are known yet: they are found when the first step is taken"
        return f"no {words(kind)} of layer `{path}` were found when the step was built"

    def _keys_of(self, path: str, kind: Kind) -> list[TensorKey]:
        """List the tensors of a kind; those of variables belong to the first call of a shared layer."""
        keys = self._keys.get((path, kind), [])
        if not keys and kind in _OF_VARIABLES:
            keys = self._keys.get((first_call(path), kind), [])
        return keys

    def keys(self, layer: str | LayerInfo, kind: str, call: int = 0) -> list[TensorKey]:
        """List all tensors of one kind of one layer, at least one.

        Raises:
            LayerNotFound: There is no such layer or call.
            TensorUnavailable: There is no such tensor; the message is the reason.
        """
        checked = check_kind(kind)
        path = self.path(layer, call)
        keys = self._keys_of(path, checked)
        if not keys:
            raise TensorUnavailable(
                f"The {words(checked)} of layer `{path}` cannot be read: {self._why(path, checked)}"
            )
        return keys

    def resolve(
        self, layer: str | LayerInfo, kind: str, variable: str | None = None, call: int = 0, output: int = 0
    ) -> TensorKey:
        """Find the one tensor that is meant.

        Args:
            layer: As in `path`.
            kind: One of `KINDS`.
            variable: Name of the variable; the kernel or the only one if not given. For activations, `"data"` means
                those on the probe's fixed batch.
            call: As in `path`.
            output: Index of the layer's output.
        """
        keys = self.keys(layer, kind, call)
        if kind in _OF_VARIABLES:
            return _of_variable(keys, variable)
        of_batch = [key for key in keys if key.variable == variable]
        if not of_batch:
            raise InvalidArgumentError(
                f"`variable` must be None for {words(keys[0].kind)}, which belong to a layer and not to a variable"
                f"{_or_fixed_batch(keys)}. Received: variable={variable!r}. Leave it out."
            )
        return _of_output(of_batch, output)


def check_kind(kind: Any) -> Kind:
    """Return `kind` if it is one, or name those that are."""
    if kind in KINDS:
        return cast("Kind", kind)
    near = get_close_matches(str(kind), KINDS, n=1)
    choices = ", ".join(f'"{known}"' for known in KINDS)
    raise InvalidArgumentError(
        f"`kind` must be one of {choices}. Received: kind={kind!r}. "
        + (f'Use "{near[0]}".' if near else "Use one of them.")
    )


def words(kind: Kind) -> str:
    """Write a kind as in a sentence."""
    return kind.replace("_", " ")


def _of_variable(keys: list[TensorKey], variable: str | None) -> TensorKey:
    by_name = {str(key.variable): key for key in keys}
    name = next(iter(by_name)) if variable is None and len(keys) == 1 else variable or "kernel"
    if name in by_name:
        return by_name[name]
    choices = ", ".join(f'"{name}"' for name in by_name)
    raise InvalidArgumentError(
        f"`variable` must be one of {choices}, whose {words(keys[0].kind)} layer `{keys[0].layer}` has. "
        f"Received: variable={variable!r}. Name one of them."
    )


def _or_fixed_batch(keys: list[TensorKey]) -> str:
    others = sorted({key.variable for key in keys if key.variable is not None})
    return "".join(f', or "{name}" for those on the fixed batch of the probe' for name in others)


def _of_output(keys: list[TensorKey], output: int) -> TensorKey:
    for key in keys:
        if key.output == output:
            return key
    choices = ", ".join(str(key.output) for key in keys)
    raise InvalidArgumentError(
        f"`output` must be one of {choices}, the outputs of layer `{keys[0].layer}`. Received: output={output!r}. "
        "Use one of them."
    )


def _unknown(name: str, paths: list[str], *, ambiguous: bool) -> str:
    listed = ", ".join(f"`{path}`" for path in paths)
    if ambiguous:
        return f"`layer` must be a path, or a name of one layer. Received: {name!r}, the name of {listed}. Use a path."
    found = (
        f"The nearest are {listed}. Take one of `recording.layers`."
        if paths
        # A model that builds itself when it is called tells nothing before.
        else "No layer is known yet: layers are known once a first step was taken. Take it with session.step()."
    )
    return f"`layer` must be a path or the name of a layer. Received: {name!r}. {found}"
