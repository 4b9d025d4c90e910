"""Where everyone looks: one layer, step, neuron and sample, shared by all views of a session."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from threading import RLock, local
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import ipywidgets
import traitlets

from nnviz_widgets.core.attributes import NamedAttributes
from nnviz_widgets.core.names import nearest
from nnviz_widgets.errors import LayerNotFound, WrongArguments
from nnviz_widgets.widgets.route import heed_the_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from nnviz_widgets.core.frame import LayerInfo
    from nnviz_widgets.pictures.source import Source


class _UnknownLayer(LayerNotFound, traitlets.TraitError):
    """A `TraitError` too: traitlets then takes back a change of several traits at once."""


class Cursor(NamedAttributes, ipywidgets.Widget):  # type: ignore[misc]
    """The place in the network and in time that linked views show.

    Assign to the traits, `observe` them, or link them to widgets of your own:

    ```python
    slider = ipywidgets.IntSlider(max=127)
    ipywidgets.jslink((slider, "value"), (session.cursor, "neuron"))
    ```

    Values beyond the limits are moved to the nearest that there is. While training runs and `follow` is on, `step`
    moves with it; observers are then called from a thread of the widget.

    Attributes:
        layer: Path of the layer; a name that only one layer has is replaced by its path.
        layer_index: Its place in the list of layers. Always says the same as `layer`.
        step: The step; 0 is the state before any. Setting it turns `follow` off.
        neuron: Index of the neuron.
        sample: Index of the sample in the batch.
        follow: Whether `step` moves to the newest step.
    """

    layer = traitlets.Unicode("").tag(sync=True)
    layer_index = traitlets.Int(0).tag(sync=True)
    step = traitlets.Int(0).tag(sync=True)
    neuron = traitlets.Int(0).tag(sync=True)
    sample = traitlets.Int(0).tag(sync=True)
    follow = traitlets.Bool(True).tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        """Make a cursor of its own; that of a session is `session.cursor`.

        Args:
            **traits: Where to begin, by the names of the traits.

        Raises:
            WrongArguments: If there is no trait of such a name.
        """
        self._check_names(traits)
        self._lock = RLock()  # against a message from the page and a step of the training at one time
        self._moving = local()
        self._find: Callable[[], Source | None] | None = None
        follow = traits.pop("follow", "step" not in traits)
        super().__init__(**traits)
        heed_the_page(self.comm)
        self.follow = follow

    @classmethod
    def _settable(cls) -> list[str]:
        return [name for name in cls.class_traits(sync=True) if not name.startswith("_")]

    @classmethod
    def _check_names(cls, traits: Iterable[str]) -> None:
        for name in traits:
            if name not in cls.class_traits():
                near = ", ".join(f"`{known}`" for known in nearest(name, cls._settable()))
                raise WrongArguments(f"`Cursor` must get traits that it has. Received: `{name}`. Nearest: {near}.")

    def attach(self, find: Callable[[], Source | None]) -> None:
        """Take the limits from a session or recording, unless there is one already.

        Args:
            find: Returns it while it lives. The cursor does not keep it alive.
        """
        if self._find is None:
            self._find = find
            self.refresh()

    def refresh(self) -> None:
        """Stand on a layer that there is and, if it follows, on the newest step."""
        source = self._source()
        if source is None:
            return
        with self._lock, self._quietly():
            paths = [layer.path for layer in source.recording.layers]
            if paths and self.layer not in paths:
                self.layer_index = 0 if self.layer else min(self.layer_index, len(paths) - 1)
                self.layer = paths[self.layer_index]
            elif paths:
                self.layer_index = paths.index(self.layer)
            if self.follow:
                self.step = source.newest

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take over what the page says; a step that comes with `follow` does not turn it off."""
        with self._lock, self._quietly() if "follow" in sync_data else nullcontext():
            super().set_state(sync_data)

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        """Move `step` without turning `follow` off, on this thread."""
        before = getattr(self._moving, "quiet", False)
        self._moving.quiet = True
        try:
            yield
        finally:
            self._moving.quiet = before

    def _source(self) -> Source | None:
        return None if self._find is None else self._find()

    def _layers(self) -> tuple[LayerInfo, ...]:
        source = self._source()
        return () if source is None else source.recording.layers

    def _n_neurons(self) -> int | None:
        return next((layer.n_neurons or None for layer in self._layers() if layer.path == self.layer), None)

    @staticmethod
    def _clip(value: int, count: int | None) -> int:
        return max(0, value if count is None else min(value, count - 1))

    @traitlets.validate("layer")
    def _known_layer(self, proposal: dict[str, Any]) -> str:
        name: str = proposal["value"]
        layers = self._layers()
        paths = [layer.path for layer in layers]
        if not paths or name in paths:
            return name
        named = [layer.path for layer in layers if layer.name == name]
        if len(named) == 1:
            return named[0]
        near = ", ".join(f"`{path}`" for path in named or nearest(name, paths))
        raise _UnknownLayer(
            f"`layer` must be the path of a layer, or a name that one layer has. Received: {name[:200]!r}. "
            f"The nearest are {near}. Use one of `recording.layers`."
        )

    @traitlets.validate("layer_index")
    def _near_layer_index(self, proposal: dict[str, Any]) -> int:
        return self._clip(proposal["value"], len(self._layers()) or None)

    @traitlets.validate("step")
    def _near_step(self, proposal: dict[str, Any]) -> int:
        source = self._source()
        return self._clip(proposal["value"], None if source is None else source.last_step + 1)

    @traitlets.validate("neuron")
    def _near_neuron(self, proposal: dict[str, Any]) -> int:
        return self._clip(proposal["value"], self._n_neurons())

    @traitlets.validate("sample")
    def _near_sample(self, proposal: dict[str, Any]) -> int:
        source = self._source()
        return self._clip(proposal["value"], None if source is None else source.n_samples or None)

    @traitlets.observe("layer")
    def _move_index(self, change: dict[str, Any]) -> None:
        paths = [layer.path for layer in self._layers()]
        if change["new"] in paths:
            self.layer_index = paths.index(change["new"])
            self.neuron = self._clip(self.neuron, self._n_neurons())

    @traitlets.observe("layer_index")
    def _move_layer(self, change: dict[str, Any]) -> None:
        layers = self._layers()
        if change["new"] < len(layers):
            self.layer = layers[change["new"]].path

    @traitlets.observe("step")
    def _stop_following(self, change: dict[str, Any]) -> None:
        if not getattr(self._moving, "quiet", False):
            self.follow = False

    @traitlets.observe("follow")
    def _catch_up(self, change: dict[str, Any]) -> None:
        source = self._source()
        if change["new"] and source is not None:
            with self._quietly():
                self.step = source.newest

    def __repr__(self) -> str:
        """Say in one line where it stands."""
        following = ", following" if self.follow else ""
        return (
            f"<Cursor: layer {self.layer!r}, step {self.step}{following}, neuron {self.neuron}, sample {self.sample}>"
        )


_cursors: WeakKeyDictionary[Any, Cursor] = WeakKeyDictionary()


def cursor_of(source: Any) -> Cursor:
    """Return the cursor that all views of a session or recording share; made when it is first asked for."""
    own = getattr(source, "cursor", None)
    if isinstance(own, Cursor):
        return own
    known = _cursors.get(source)
    if known is None or known.comm is None:
        known = _cursors[source] = Cursor()
    return known
