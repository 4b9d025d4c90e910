"""A `fit` that is watched while its cell runs, with buttons only where what they say arrives meanwhile."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from IPython.display import DisplayHandle

from nnviz_widgets.core.fit_session import FitSession
from nnviz_widgets.pictures.source import as_source
from nnviz_widgets.pictures.status import status_of
from nnviz_widgets.widgets.fallback import still_html
from nnviz_widgets.widgets.session import Shown

if TYPE_CHECKING:
    from nnviz_widgets.core.frame import TensorKey
    from nnviz_widgets.widgets.inspector import Inspector

PATIENCE_S = 10.0
"""How long a page may take to say its first word. Where it can, that comes with the drawing of the view."""
STATUS_S = 0.5
NO_BUTTONS = """\
Nothing that a page says arrives here while a cell runs, so the view has no
buttons yet. Interrupt the kernel to end training. Layers, maps and curves come
when the cell has ended."""
GONE = (
    "Another fit with the same callback has begun: this is a picture of the end of the one before. To look into that "
    "one too, keep <code>callback.recording</code> before the next, and show <code>nnviz.Inspector(recording)</code>."
)


class ShownFit(Shown, FitSession):
    """The session of an `InspectCallback`: as a `TrainingSession`, it has a cursor and shows itself."""

    _handle: DisplayHandle | None = None
    _shown_by_a_person = False

    def show(self) -> None:
        """Show the view in the output of the running cell."""
        inspector = self._own_inspector()
        listener = Listener(self, inspector)
        self.add_viewer(listener)
        inspector.on_msg(listener.hear)
        self._handle = DisplayHandle()  # type: ignore[no-untyped-call]
        self._handle.display(inspector)  # type: ignore[no-untyped-call]

    def make_room(self) -> None:
        """Put a still picture in the place of the view that `show` has shown.

        A view lives as long as the kernel, and keeps what was recorded: with one for each `fit` of a loop, memory would
        run out. From now on the recording is kept by whoever holds it or the session, and by nobody else. The view
        stays if this `fit` still runs, around another one, or if a person has shown the session too.
        """
        inspector = self._shown
        if inspector is None or self._handle is None or self._shown_by_a_person or not self.worker.over.is_set():
            return
        self._handle.update(_still_bundle(inspector), raw=True)  # type: ignore[no-untyped-call]
        self._handle = self._shown = None
        inspector.close()

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        self._shown_by_a_person = True
        return super()._repr_mimebundle_(**kwargs)


def _still_bundle(inspector: Inspector) -> dict[str, Any]:
    """Return what an output shows of a `fit` whose view has gone."""
    picture = inspector._still()
    drawn = "" if picture is None else still_html(picture)
    return {"text/html": f"{drawn}<p>{GONE}</p>", "text/plain": repr(inspector.source)}


class Listener:
    """Waits for the first word of a page, which proves that its buttons work, and tells it meanwhile how it stands.

    A page greets the kernel by itself as soon as it is drawn. Under ipykernel 7 the greeting arrives at once, else only
    when the cell has ended. So nothing asks for versions, and training waits for nobody.
    """

    def __init__(self, session: FitSession, inspector: Inspector) -> None:
        """Listen to the pages of `inspector` while `session` trains."""
        self._session = session
        self._inspector = inspector
        self._began = self._told_at = time.monotonic()
        self._said = False

    def hear(self, widget: Any, content: Any, buffers: Any) -> None:
        """Take note that a page has said something."""
        self._session.hear()

    def wanted(self) -> frozenset[TensorKey]:
        """Return nothing: the view asks for itself."""
        return frozenset()

    def notify(self) -> None:
        """Tell the page how training stands, for as long as it cannot ask."""
        session, now = self._session, time.monotonic()
        if session.heard or now - self._told_at < STATUS_S:
            return
        self._told_at = now
        self._inspector._set_status(status_of(as_source(session)))
        if not self._said and now - self._began > PATIENCE_S and session.state in ("running", "paused"):
            self._said = True
            print(NO_BUTTONS)
