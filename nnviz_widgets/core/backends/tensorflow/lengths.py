"""Arrays that belong together have an entry for each sample. Keras asks for it at the first step only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras.src.trainers.data_adapters.array_data_adapter import can_convert_arrays

from nnviz_widgets.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nnviz_widgets.core.fit_arguments import FitArguments


_MOST_NAMED = 6


def check_lengths(arguments: FitArguments) -> None:
    """Refuse arrays that differ in length, among the training data and among the validation data.

    Data sets, generators and loaders are left to Keras: they tell when they are read.

    Raises:
        InvalidArgumentError: The message names each array with its shape.
    """
    _check({"x": arguments.x, "y": arguments.y, "sample_weight": arguments.sample_weight})
    validation = arguments.validation_data
    if isinstance(validation, (tuple, list)):
        _check({f"validation_data[{index}]": part for index, part in enumerate(validation)})


def _check(parts: dict[str, Any]) -> None:
    if not can_convert_arrays(tuple(parts.values())):
        return
    shapes = {name: shape for part in parts.items() for name, shape in _shapes(*part)}
    if len({shape[:1] for shape in shapes.values()}) > 1:
        received = [f"`{name}` of shape {shape}" for name, shape in shapes.items()]
        more = f" and {len(received) - _MOST_NAMED} more" if len(received) > _MOST_NAMED else ""
        what_to_do = "Give the same samples to each."
        if any(shape == () for shape in shapes.values()):
            what_to_do = "Give one array instead of a list of numbers: `numpy.asarray(y)`."
        raise InvalidArgumentError(
            "Arrays must have the same length, an entry for each sample. "
            f"Received: {', '.join(received[:_MOST_NAMED])}{more}. {what_to_do}"
        )


def _shapes(name: str, part: Any) -> Iterator[tuple[str, tuple[int | None, ...]]]:
    """Yield the shape of each array in dicts, tuples and lists of arrays, under the name by which one would get it."""
    if isinstance(part, dict):
        for key, inner in part.items():
            yield from _shapes(f"{name}[{key!r}]", inner)
    elif isinstance(part, (tuple, list)):
        for index, inner in enumerate(part):
            yield from _shapes(f"{name}[{index}]", inner)
    elif hasattr(part, "shape"):
        yield name, tuple(part.shape)
