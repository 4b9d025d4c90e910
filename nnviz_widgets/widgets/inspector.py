"""The widget: weights, activations and gradients of one layer, beside the training that makes them."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from os import PathLike
from threading import RLock
from typing import TYPE_CHECKING, Any, Protocol

import anywidget
import msgspec
import traitlets
from IPython.display import display
from ipywidgets import Layout, widget_serialization
from ipywidgets.widgets.trait_types import InstanceDict

from nnviz_widgets.core.calls import called
from nnviz_widgets.core.storage.reader import open_recording
from nnviz_widgets.errors import InvalidArgumentError
from nnviz_widgets.front_end import front_end
from nnviz_widgets.pictures.panels import PANELS
from nnviz_widgets.pictures.source import as_source, found, runs_of
from nnviz_widgets.pictures.status import status_of
from nnviz_widgets.sharing.live_file import live_file
from nnviz_widgets.widgets.channel import Channel
from nnviz_widgets.widgets.cursor import Cursor, cursor_of
from nnviz_widgets.widgets.door import Door
from nnviz_widgets.widgets.fallback import fallback, still_of
from nnviz_widgets.widgets.options import options
from nnviz_widgets.widgets.publisher import Publisher
from nnviz_widgets.widgets.route import heed_the_page
from nnviz_widgets.widgets.static import static_html

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnviz_widgets.core.frame import Kind
    from nnviz_widgets.core.recording import Recording
    from nnviz_widgets.protocol import Status
    from nnviz_widgets.sharing.live_file import LiveFile
    from nnviz_widgets.sharing.privacy import Privacy
    from nnviz_widgets.sharing.still import Still


class Closing(Protocol):
    """What a view opened itself, and lets go of when it is closed."""

    def close(self) -> None:
        """Let go of it."""


STATIC_BYTES = "2 MB"
"""Of a view that moves without a kernel: a notebook of a few of them can still be sent by mail."""

_OURS = frozenset({"_status", "_panels", "_esm", "_css", "cursor"})
"""Traits that only Python writes; a page that sends them is not heard."""


class Inspector(anywidget.AnyWidget):
    """A view of a session, a recording or an inspection.

    A neuron is a column: activations above, weights in the middle, gradients beneath, with the same columns at the same
    place. Views that share a cursor show the same layer, step, neuron and sample.

    Attributes:
        cursor: Where it looks. Several Inspectors on one session share the session's.
    """

    PANELS = PANELS

    _esm = traitlets.Unicode().tag(sync=True)
    _css = traitlets.Unicode().tag(sync=True)
    _status = traitlets.Dict().tag(sync=True, echo_update=False)
    _panels = traitlets.List(traitlets.Unicode()).tag(sync=True)
    cursor = InstanceDict(Cursor).tag(sync=True, **widget_serialization)

    _publisher: Publisher | None = None
    _closing = False
    _opened: Closing | None = None

    def __init__(
        self,
        source: Any,
        panels: Sequence[str] | None = None,
        cursor: Cursor | None = None,
        *,
        follow: bool = False,
    ) -> None:
        """Make a view; show it by naming it at the end of a notebook cell.

        Args:
            source: A session, a recording, the path of one, or what `nnviz.inspect` returned, whose cursor is then
                shared; another Inspector, for another view of what it shows. `nnviz.compare` shows two runs.
            panels: Which parts to show, of `Inspector.PANELS`; all of them by default.
            cursor: Where to look; by default the cursor that all views of `source` share.
            follow: Of a path: whether to show what another process writes there from now on.

        Raises:
            InvalidArgumentError: If `source` is none of these, or a panel is unknown.
            NotARecording: If there is no recording at the path.
        """
        if isinstance(source, Inspector):
            source, cursor = source.source, source.cursor if cursor is None else cursor
        if isinstance(source, str | PathLike):
            source = self._opened = open_recording(source, follow)
        elif follow:
            raise InvalidArgumentError(
                f"`follow` must come with the path of a recording. Received: {source!r:.200}. Leave it out: a session "
                "is always followed, and a recording if it was opened so."
            )
        self._source_view = as_source(source)
        self._source = source
        self._lock = RLock()  # against a message from the page and a status of the publisher at one time
        shown = _checked(panels)
        esm, css = front_end()
        if cursor is None:
            cursor = cursor_of(source)
        cursor.attach(found(source))
        self._own_layout = Layout(width="100%")
        super().__init__(
            _esm=esm,
            _css=css,
            _panels=shown,
            _status=msgspec.to_builtins(status_of(self._source_view)),
            cursor=cursor,
            layout=self._own_layout,
        )
        self._publisher = Publisher(self._source_view, Channel(self.send), self._set_status, cursor)
        self._door = Door(self._source_view, self._publisher)
        self.on_msg(_receive)
        for run in runs_of(self._source_view):
            if run.session is not None:
                run.session.add_viewer(self._publisher)
            else:
                run.recording.add_listener(self._publisher)
        heed_the_page(self.comm)
        _close_with_comm(self)

    @property
    def source(self) -> Any:
        """The session, recording or inspection that is shown, or the comparison of two runs."""
        return self._source

    @property
    def recording(self) -> Recording:
        """Where the tensors and series that it shows are read; of two runs that of the first."""
        return self._source_view.recording

    def close(self) -> None:
        """Remove the view from all pages and end its thread; the session goes on. Closing twice does nothing more."""
        if self._closing:
            return
        self._closing = True
        if self._publisher is not None:  # else it could not be made
            for run in runs_of(self._source_view):
                if run.session is not None:
                    run.session.remove_viewer(self._publisher)
            self._publisher.close()
            self._own_layout.close()
        if self._opened is not None:
            self._opened.close()
        super().close()

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take over what a page says of the traits that are its to change."""
        with self._lock:
            super().set_state({name: value for name, value in sync_data.items() if name not in _OURS})

    def _set_status(self, status: Status) -> None:
        """Tell the pages, also what they were told before: they may have missed it."""
        told = msgspec.to_builtins(status)
        with self._lock:
            if told == self._status:
                self.send_state("_status")
            else:
                self._status = told

    def __repr__(self) -> str:
        """Say in one line what it shows."""
        closed = ", closed" if self._closing else ""
        return f"<Inspector of {self._source!r}: {', '.join(self._panels)}{closed}>"

    @called("inspector.show_static")
    def show_static(
        self,
        *,
        layers: str | Sequence[str] | None = None,
        steps: int | Iterable[int] | None = None,
        kinds: Kind | Sequence[Kind] | None = None,
        max_bytes: int | str = STATIC_BYTES,
        title: str | None = None,
        privacy: Privacy | None = None,
    ) -> None:
        """Show what `nnviz.export_html` would write, in the output of this cell: it moves without a kernel.

        It is saved with the notebook, and moves in pages that nbconvert makes of it, without a network too. It shows
        the run as it is now. `nnviz.options.static = True` does this for every view.

        Args:
            layers: As for `nnviz.export_html`: names, paths or patterns of layers; all by default.
            steps: Which of the kept steps; all by default.
            kinds: Which kinds of tensors; all by default.
            max_bytes: The most bytes of the view. The notebook grows by as much.
            title: What it is called; the name of the run by default.
            privacy: What it may hold; `None` is the safe default.

        Raises:
            InvalidArgumentError: If an argument is not one of these, nothing fits `max_bytes`, or it shows two runs.
            LayerNotFound: If a name or pattern matches no layer.
            FrontEndMissing: If the package was made without its page.
        """
        made = live_file(
            self, layers=layers, steps=steps, kinds=kinds, max_bytes=max_bytes, title=title, privacy=privacy
        )
        display(self._static_bundle(made), raw=True)  # type: ignore[no-untyped-call]

    def _static_bundle(self, made: LiveFile) -> dict[str, Any]:
        picture = self._still()
        data, _ = fallback(picture, self._name)
        manifest = made.manifest
        opened, timeline = bool(manifest.opened), "timeline" in self._panels
        html = static_html(made.text, picture, manifest.title, opened=opened, timeline=timeline)
        return {**data, "text/html": html, "text/plain": repr(self)}

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        if options.static and not self._closing and self._source_view.kind != "comparison":
            return self._static_bundle(live_file(self, max_bytes=STATIC_BYTES)), {}
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return None
        data, metadata = bundle
        more, described = fallback(self._still(), self._name)
        return {**data, **more}, {**metadata, **described}

    @property
    def _name(self) -> str:
        return str(self._status.get("name") or "a model")

    def _still(self) -> Still | None:
        """Draw what it shows now, of what may be seen by anybody."""
        cursor = self.cursor
        return still_of(self._source_view, cursor.layer, -1 if cursor.follow else cursor.step)


def _receive(inspector: Inspector, content: object, buffers: object) -> None:
    inspector._door.handle(content)


def _close_with_comm(inspector: Inspector) -> None:
    """Close the Inspector when the page closes its comm."""
    reference = weakref.ref(inspector)

    def close(message: object) -> None:
        alive = reference()
        if alive is not None:
            alive.close()

    inspector.comm.on_close(close)


def _checked(panels: Sequence[str] | None) -> list[str]:
    if panels is None:
        return list(PANELS)
    chosen = list(panels) if isinstance(panels, Iterable) and not isinstance(panels, str) else [panels]
    unknown = [panel for panel in chosen if panel not in PANELS]
    if unknown or not chosen:
        choices = ", ".join(f'"{panel}"' for panel in PANELS)
        raise InvalidArgumentError(
            f"`panels` must be among {choices}. Received: panels={panels!r}. Leave it out for all."
        )
    return chosen
