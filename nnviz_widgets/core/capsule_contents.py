"""What goes into a capsule, before it is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt


What = Literal["output", "loss", "gradient"]


@dataclass(frozen=True, slots=True)
class Source:
    """A configuration.

    Attributes:
        text: JSON, `None` if there is none that plain Keras understands.
        why_not: What keeps it from that, in words; empty if nothing does.
    """

    text: str | None
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Bad:
    """The first value of a step that is not finite.

    Attributes:
        layer: Path of the call of the layer whose it is, `None` of the loss.
        what: What of it.
        variable: The variable whose gradient it is; `None` for that of the layer's output.
        shape: Of the whole tensor.
        n_nan: How many of its values are NaN.
        n_inf: How many are infinite.
        of_logits: Whether it is what the layer computes its output from, by a softmax or sigmoid.
        computed_by: Of the gradient of an output, the calls that are fed by it and have handed the gradient back.
    """

    layer: str | None
    what: What
    variable: str | None
    shape: tuple[int, ...]
    n_nan: int
    n_inf: int
    of_logits: bool = False
    computed_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Contents:
    """What the backend knows of a step that goes non-finite.

    Attributes:
        model: The model's configuration.
        compiled: That of its `compile`.
        structure: How the batch is put together of its arrays, in JSON's values.
        batch: Its arrays, by name.
        state: All variables before the step, by name.
        model_variables: For each of `model.variables` its name in `state`.
        optimizer_variables: For each of `model.optimizer.variables` its name in `state`.
        bad: Where it began, if that is known.
        why_unknown: Why it is not, in words.
        versions: Of the libraries.
    """

    model: Source
    compiled: Source
    structure: Any
    batch: Mapping[str, npt.NDArray[Any]]
    state: Mapping[str, npt.NDArray[Any]]
    model_variables: tuple[str | None, ...]
    optimizer_variables: tuple[str | None, ...]
    bad: Bad | None
    why_unknown: str
    versions: Mapping[str, str]
