"""Which layers, kinds and steps a person wants in a file, from what they wrote."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from nnviz_widgets.core.arguments import whole_number
from nnviz_widgets.core.frame import KINDS, Kind
from nnviz_widgets.core.lookup import check_kind
from nnviz_widgets.core.names import nearest
from nnviz_widgets.core.probe import Probe
from nnviz_widgets.errors import InvalidArgumentError, LayerNotFound
from nnviz_widgets.sharing.subjects import kept_steps

if TYPE_CHECKING:
    from nnviz_widgets.core.frame import LayerInfo
    from nnviz_widgets.core.recording import Recording


def chosen_layers(recording: Recording, layers: Any) -> tuple[LayerInfo, ...]:
    """Return the layers that are meant, in call order.

    Raises:
        InvalidArgumentError: If `layers` is not what `Probe` takes.
        LayerNotFound: If one of its words means no layer; the message names the nearest.
    """
    if layers is None:
        return recording.layers
    patterns = Probe(layers=layers).layers or ()
    paths = [layer.path for layer in recording.layers]
    for pattern in patterns:
        one = Probe(layers=pattern)
        if not any(one.selects(layer.path, layer.name) for layer in recording.layers):
            near = ", ".join(map(repr, nearest(pattern, paths))) or "none, as no layer is known yet"
            raise LayerNotFound(
                f"`layers` must name layers of the run. Received: {pattern!r}, which matches none. Nearest: {near}."
            )
    wanted = Probe(layers=patterns)
    return tuple(layer for layer in recording.layers if wanted.selects(layer.path, layer.name))


def chosen_kinds(kinds: Any) -> tuple[Kind, ...]:
    """Return the kinds that are meant, all if `None`.

    Raises:
        InvalidArgumentError: If one is not known, or it is no list of kinds.
    """
    if kinds is None:
        return KINDS
    given = (kinds,) if isinstance(kinds, str) else kinds
    if not isinstance(given, Iterable):
        raise InvalidArgumentError(
            f"`kinds` must be a list of kinds. Received: kinds={kinds!r}. Leave it out for all of them."
        )
    wanted = {check_kind(kind) for kind in given}
    return tuple(kind for kind in KINDS if kind in wanted)


def chosen_steps(recording: Recording, steps: Any, last_step: int) -> tuple[int, ...]:
    """Return the kept steps that are meant, ascending.

    Args:
        recording: Where they are kept.
        steps: `None` for all, a step, or several; -1 is the newest. Of a range, for each of its steps the newest kept
            one that is not after it, and not before the range begins.
        last_step: No later one is taken.

    Raises:
        InvalidArgumentError: If it is none of these, or a step is not kept; the message names the nearest.
    """
    kept = _kept(recording, last_step)
    if steps is None:
        return kept
    if isinstance(steps, range):
        found = _in_range(kept, steps)
        if not found and kept:
            raise InvalidArgumentError(_not_kept(steps, steps.start, kept))
        return found
    given = steps if isinstance(steps, Iterable) and not isinstance(steps, str) else [steps]
    return tuple(sorted({_kept_step(step, kept, steps) for step in given}))


def _in_range(kept: tuple[int, ...], steps: range) -> tuple[int, ...]:
    """Return those of `kept` that are the newest one at a step of a range, which may be as long as it likes."""
    asked = steps if steps.step > 0 else steps[::-1]
    found = []
    for step, following in zip(kept, [*kept[1:], None], strict=True):
        first = asked.start - (asked.start - step) // asked.step * asked.step  # the range's first that is not before it
        if step >= asked.start and first in asked and (following is None or first < following):
            found.append(step)
    return tuple(found)


def _kept(recording: Recording, last_step: int) -> tuple[int, ...]:
    """Return every step of which a tensor is kept."""
    found: set[int] = set()
    for spec in recording.catalogue.specs:
        found |= kept_steps(recording, spec.key)
    return tuple(sorted(step for step in found if step <= last_step))


def _kept_step(step: Any, kept: tuple[int, ...], steps: Any) -> int:
    number = whole_number(step)
    if number is None or number < -1:
        raise InvalidArgumentError(
            f"`steps` must be None, a step, or a list or range of steps from 0 (-1: the newest). Received: "
            f"steps={steps!r:.200}. Leave it out for all kept steps."
        )
    if number == -1 and kept:
        return kept[-1]
    if number not in kept:
        raise InvalidArgumentError(_not_kept(steps, number, kept))
    return number


def _not_kept(steps: Any, step: int, kept: tuple[int, ...]) -> str:
    if not kept:
        near = "none, as no step is kept yet. Take a step, or leave `steps` out"
    else:
        at = int(np.searchsorted(kept, step))
        near = " and ".join(str(each) for each in kept[max(0, at - 1) : at + 1]) + ". Use one of these"
    return f"`steps` must be steps of which tensors are kept. Received: steps={steps!r:.200}. The nearest kept: {near}."
