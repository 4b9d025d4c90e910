"""The numbers of one step that was just taken, as conditions name them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from nnviz_widgets.core.conditions.condition import GRADIENT_NORM
from nnviz_widgets.core.conditions.known import Known, tensor_key, unknown_name
from nnviz_widgets.core.conditions.quick import Unclear, unclear
from nnviz_widgets.core.conditions.tree import NAMES
from nnviz_widgets.core.lookup import Lookup
from nnviz_widgets.core.readings import COLUMNS
from nnviz_widgets.errors import ConditionBroken, LayerNotFound, TensorUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from nnviz_widgets.core.frame import Catalogue, Kind
    from nnviz_widgets.core.report import StepReport

BATCH_LOSS = "batch_loss"

_COLUMNS = {name: column for column, name in enumerate(COLUMNS)}


class TensorRows:
    """Where the tensors that conditions name lie in a reading, looked up once.

    Args:
        catalogue: The order of the rows.

    Attributes:
        cells: Row and column of each number that a condition has named.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.lookup = Lookup(catalogue)
        self._rows = {spec.key: row for row, spec in enumerate(catalogue.specs)}
        self._activations = {row for key, row in self._rows.items() if key.kind == "activations"}
        self.cells: dict[tuple[str, str, str], tuple[int, int]] = {}

    def cell(self, statistic: str, layer: str, kind: Kind) -> tuple[int, int]:
        """Find row and column of a number of the tensor that a condition means, and keep them in `cells`.

        Raises:
            ConditionBroken: If there is no such tensor.
        """
        try:
            row = self._rows[tensor_key(self.lookup, layer, kind)]
        except (LayerNotFound, TensorUnavailable) as error:
            raise ConditionBroken(str(error)) from None
        cell = self.cells[statistic, layer, kind] = row, _COLUMNS[statistic]
        return cell

    def non_finite(self, output: Any) -> bool:
        """Whether loss or gradients are not finite, unless a loss scale has skipped the step; or an activation is not.

        Activations are looked at where vitals are read.
        """
        if output.has_loss and not math.isfinite(output.batch_loss):
            return True
        norm = output.gradient_l2
        if norm is not None and not math.isfinite(norm) and not output.skipped:
            return True
        sick = () if output.vitals is None else output.vitals.non_finite_rows()
        return bool(sick) and not self._activations.isdisjoint(sick)

    # As `quick.Source`.

    def number(self, name: str) -> Callable[[Any], float]:
        """Return the function that reads a number that is of the whole step."""
        if name in ("loss", BATCH_LOSS):
            return _loss
        if name == GRADIENT_NORM:
            return _gradient_norm
        # The learning rate, and where the step stands, are not in what it returned.
        return unclear if name in NAMES else _metric(name)

    def statistic(self, statistic: str, layer: str, kind: Kind) -> Callable[[Any], float]:
        """Return the function that reads a number of a tensor."""
        try:
            row, column = self.cell(statistic, layer, kind)
        except ConditionBroken:
            return unclear

        def read(output: Any) -> float:
            vitals = output.vitals
            if vitals is None:
                raise Unclear
            value: float = vitals.value(row, column)
            return value

        return read


def _loss(output: Any) -> float:
    if not output.has_loss:
        raise Unclear
    loss: float = output.batch_loss
    return loss


def _gradient_norm(output: Any) -> float:
    norm: float | None = output.gradient_l2
    if norm is None:
        raise Unclear
    return norm


def _metric(name: str) -> Callable[[Any], float]:
    def read(output: Any) -> float:
        value = output.logs.get(name)
        if type(value) is not float:
            raise Unclear
        return value

    return read


class StepValues:
    """The numbers of one step, as `evaluate.Values`.

    Args:
        step: Its number.
        epoch: 0-based.
        output: What it returned.
        rows: Where tensors lie in its reading.
        rate: The learning rate of its update, `None` if that was not read or there is none.
        metrics: Returns the metrics that other steps had.

    Attributes:
        output: As given.
        report: Of the step, `None` before it counts.
        epoch_logs: The metrics of the epoch that it ends, `None` if it ends none.
    """

    def __init__(
        self,
        step: int,
        epoch: int,
        output: Any,
        rows: TensorRows,
        rate: float | None = None,
        metrics: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        self._step, self._epoch, self.output, self._rows, self._rate = step, epoch, output, rows, rate
        self._metrics = metrics
        self.report: StepReport | None = None
        self.epoch_logs: Mapping[str, float] | None = None

    def number(self, name: str) -> float | None:
        """Return `loss`, `step`, `epoch`, `lr` or a metric.

        Raises:
            ConditionBroken: If no step has it.
        """
        output = self.output
        if name in ("loss", BATCH_LOSS):
            loss: float | None = output.batch_loss if output.has_loss else None
            return loss
        if name in ("step", "epoch"):
            return float(self._step if name == "step" else self._epoch)
        if name == GRADIENT_NORM:
            norm: float | None = output.gradient_l2
            return norm
        if name == "lr":
            if self._rate is None:
                raise ConditionBroken("the optimizer has no learning rate")
            return self._rate
        value: float | None = output.logs.get(name)
        if value is None and self.epoch_logs is not None:
            value = self.epoch_logs.get(name)
        if value is None:
            self._require_metric(name)
        return value

    def _require_metric(self, name: str) -> None:
        """Refuse a name that no step has; others come at the end of an epoch."""
        logs = self.output.logs
        known = tuple(dict.fromkeys((*logs, *self._metrics())))
        if name not in known and not (name.startswith("val_") and name.removeprefix("val_") in logs):
            raise ConditionBroken(unknown_name(name, Known(self._rows.lookup, known)))

    def statistic(self, statistic: str, layer: str, kind: Kind) -> float | None:
        """Return a number of a tensor, `None` if the step was not read.

        Raises:
            ConditionBroken: If there is no such tensor.
        """
        cell = self._rows.cells.get((statistic, layer, kind)) or self._rows.cell(statistic, layer, kind)
        vitals = self.output.vitals
        return None if vitals is None else vitals.value(*cell)

    @property
    def non_finite(self) -> bool:
        """As `TensorRows.non_finite`."""
        return self._rows.non_finite(self.output)
