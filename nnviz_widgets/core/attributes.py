"""A misspelt attribute must not be taken in silence, as Python would take it."""

from __future__ import annotations

import inspect

from nnviz_widgets.core.names import nearest
from nnviz_widgets.errors import UnknownAttribute


class NamedAttributes:
    """Refuses to set public attributes that the class does not name, in its body or a base's: `x: int` is enough."""

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("_") and not hasattr(type(self), name) and name not in _annotated(type(self)):
            title = type(self).__name__
            near = ", ".join(f"`{known}`" for known in nearest(name, self._settable()))
            raise UnknownAttribute(
                f"An attribute of a {title} must be one that it has, to be set. Received: `{name}`. Nearest: {near}."
            )
        super().__setattr__(name, value)

    @classmethod
    def _settable(cls) -> list[str]:
        """List what a user may set: properties that can be set, then what is annotated."""
        properties = {name for name in dir(cls) if getattr(getattr(cls, name, None), "fset", None) is not None}
        public = {name for name in _annotated(cls) if not name.startswith("_")}
        return [*sorted(properties), *sorted(public - properties)]


def _annotated(owner: type) -> set[str]:
    return {name for base in owner.__mro__ for name in inspect.get_annotations(base)}
