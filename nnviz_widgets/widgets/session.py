"""The training session that shows itself."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from nnviz_widgets.core.calls import called
from nnviz_widgets.core.session import Session
from nnviz_widgets.pictures.source import found
from nnviz_widgets.widgets.cursor import Cursor
from nnviz_widgets.widgets.inspector import Inspector

if TYPE_CHECKING:
    from collections.abc import Sequence


class Shown(Session):
    """A session with a cursor and an Inspector: named at the end of a notebook cell it shows itself."""

    _shown: Inspector | None = None

    @cached_property
    def cursor(self) -> Cursor:
        """Where all views of this session look: layer, step, neuron and sample."""
        cursor = Cursor()
        cursor.attach(found(self))
        return cursor

    @called("session.inspector")
    def inspector(self, panels: Sequence[str] | None = None) -> Inspector:
        """Make a new Inspector on this session.

        Args:
            panels: Which parts to show, of `Inspector.PANELS`; all of them by default.

        Raises:
            InvalidArgumentError: If a panel is unknown.
        """
        return Inspector(self, panels)

    def _own_inspector(self) -> Inspector:
        """Return the Inspector that the session shows, always the same until it is closed."""
        if self._shown is None or self._shown.comm is None:
            self._shown = self.inspector()
        return self._shown

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Show one Inspector, always the same: a second cell with the session is a second view of it."""
        bundle = self._own_inspector()._repr_mimebundle_(**kwargs)
        if bundle is not None:
            bundle[0]["text/plain"] = repr(self)
        return bundle


class TrainingSession(Shown):
    """A `core.session.Session` that shows itself."""


# What a person asks for with `help` are the arguments.
TrainingSession.__doc__ = Session.__doc__
