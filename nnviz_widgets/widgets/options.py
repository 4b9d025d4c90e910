"""How views show themselves, for the whole session of Python: `nnviz.options`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from nnviz_widgets.core.attributes import NamedAttributes
from nnviz_widgets.core.calls import called
from nnviz_widgets.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEFAULTS = {"static": False}


class Options(NamedAttributes):
    """How views show themselves.

    Example:
        ```python
        nnviz.options.static = True     # from now on
        with nnviz.options(static=True):    # only here
            display(session)
        nnviz.options.reset()
        ```
    """

    def __init__(self) -> None:
        """Begin with the defaults."""
        self._values = dict(_DEFAULTS)

    @property
    def static(self) -> bool:
        """Whether a view is shown as by `inspector.show_static()`: it moves, also in a saved page, without a kernel."""
        return self._values["static"]

    @static.setter
    def static(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise InvalidArgumentError(
                f"`nnviz.options.static` must be True or False. Received: {value!r:.200} of type "
                f"{type(value).__name__}. Set it to True for views that move without a kernel."
            )
        self._values["static"] = value

    @called("nnviz.options.reset")
    def reset(self) -> None:
        """Go back to the defaults."""
        self._values = dict(_DEFAULTS)

    @called("nnviz.options")
    @contextmanager
    def __call__(self, *, static: bool | None = None) -> Iterator[Options]:
        """Set options for the block of a `with`; those that are left out stay as they are.

        Args:
            static: As the attribute.

        Raises:
            InvalidArgumentError: If a value is not what the attribute takes.
        """
        before = dict(self._values)
        try:
            if static is not None:
                self.static = static
            yield self
        finally:
            self._values = before

    def __repr__(self) -> str:
        """Name all options and their values."""
        return f"<Options: {', '.join(f'{name}={value!r}' for name, value in self._values.items())}>"


options = Options()
"""The options of this session of Python."""
