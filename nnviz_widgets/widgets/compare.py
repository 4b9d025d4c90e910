"""`nnviz.compare`: an Inspector on two runs of the same model."""

from __future__ import annotations

import re
from contextlib import ExitStack
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from nnviz_widgets.core.alignment import By
from nnviz_widgets.core.calls import called
from nnviz_widgets.core.same_model import difference_of_models
from nnviz_widgets.core.storage.reader import open_recording
from nnviz_widgets.errors import InvalidArgumentError
from nnviz_widgets.pictures.comparison import Comparison
from nnviz_widgets.pictures.source import as_source
from nnviz_widgets.widgets.inspector import Inspector

_AUTOMATIC = re.compile(r"(sequential|functional|model)(_\d+)?")
"""What Keras calls a model to which nobody gave a name: the number tells only which one was made first."""

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnviz_widgets.pictures.source import Source


@called("nnviz.compare")
def compare(
    a: Any,
    b: Any,
    by: By = "step",
    *,
    names: Sequence[str] | None = None,
    panels: Sequence[str] | None = None,
) -> Inspector:
    """Show two runs of the same model beside each other.

    The timeline has the metrics of both and the layer list the norms of their gradients: lines of the first are drawn
    through, those of the second dotted. The maps and the neuron show the first run, the second, or their difference,
    the values of the second minus those of the first; the two runs are on one colour scale. Steps are counted as the
    first run counts them, and a difference is of the newest step, at or before the one that is chosen, at which both
    keep the tensor.

    Args:
        a: The first run: a recording, the path of one, or a session. To follow a file that is being written, give
            what `nnviz.open_recording(path, follow=True)` returns.
        b: The second, likewise.
        by: What is compared: steps of the same number (`"step"`), or steps at the same place within the same epoch
            (`"epoch"`), as of runs with batches of different sizes.
        names: What the two are called, where the names of their recordings do not tell them apart.
        panels: Which parts to show, of `Inspector.PANELS`; all of them by default.

    Returns:
        An Inspector. It has no buttons to train: each session has those of its own.

    Raises:
        InvalidArgumentError: If an argument is not one of these, or the models differ: layers, or shapes of variables.
        NotARecording: If there is no recording at a path.

    Example:
        ```python
        slow, fast = nnviz.open_recording("runs/slow.nnv"), nnviz.open_recording("runs/fast.nnv")
        nnviz.compare(slow, fast)
        ```
    """
    if by not in get_args(By):
        raise InvalidArgumentError(f'`by` must be "step" or "epoch". Received: by={by!r:.200}.')
    with ExitStack() as opened:
        first, second = (_source(name, value, opened) for name, value in (("a", a), ("b", b)))
        _check_models(first, second)
        called_so = _checked_names(names) or _names(first, second, _stem(a), _stem(b))
        inspector = Inspector(Comparison(first, second, by, called_so), panels)
        inspector._opened = opened.pop_all()  # closes with it
    return inspector


def _source(argument: str, value: Any, opened: ExitStack) -> Source:
    if isinstance(value, str | PathLike):
        value = open_recording(value)
        opened.callback(value.close)
    try:
        source = as_source(value)
    except InvalidArgumentError:
        source = None
    if source is None or isinstance(source, Comparison):
        raise InvalidArgumentError(
            f"`{argument}` must be a recording, the path of one, or a session. Received: {value!r:.200} of type "
            f"{type(value).__name__}. Open one with `nnviz.open_recording(path)`."
        )
    return source


def _check_models(first: Source, second: Source) -> None:
    difference = difference_of_models(first.recording.catalogue, second.recording.catalogue)
    if difference is not None:
        raise InvalidArgumentError(
            f"`a` and `b` must be runs of the same model. Received: {first.recording.name!r} and "
            f"{second.recording.name!r}: {difference}. Compare runs whose layers have the same names and shapes."
        )


def _checked_names(names: Sequence[str] | None) -> tuple[str, str] | None:
    if names is None:
        return None
    if isinstance(names, str) or len(names) != 2 or not all(isinstance(name, str) and name for name in names):
        raise InvalidArgumentError(
            f'`names` must be two texts. Received: names={names!r:.200}. Write names=("before", "after"), say.'
        )
    one, two = names
    return one, two


def _stem(value: Any) -> str:
    return Path(fspath(value)).stem if isinstance(value, str | PathLike) else ""


def _names(first: Source, second: Source, *stems: str) -> tuple[str, str]:
    """Return the recordings' names if a person gave them and they tell them apart, else those of the files."""
    one, two = first.recording.name, second.recording.name
    stem, other = stems
    of_files = bool(stem and other and stem != other)
    if one and two and one != two and not (of_files and _AUTOMATIC.fullmatch(one) and _AUTOMATIC.fullmatch(two)):
        return one, two
    return (stem, other) if of_files else ("first", "second")
