"""A training that is a few random numbers: the real session, worker and widgets run on it without TensorFlow."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from nnviz_widgets.core.frame import VITALS, Catalogue, LayerInfo, TensorKey, TensorSpec, VitalsReading
from nnviz_widgets.core.stats import neuron_statistics, vitals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KERNEL = TensorKey("dense", "weights", "kernel")
CATALOGUE = Catalogue(
    (LayerInfo("dense", "dense", "Dense", (None, 3), ("kernel",), 12, 1, 3),),
    (TensorSpec(KERNEL, (4, 3), "float32", ("in", "neuron"), 1),),
)
STEPS_PER_EPOCH = 1000


class Model:
    """What a session wants to know of a model."""

    name = "fake"
    built = True
    stop_training = False


@dataclass
class Output:
    """One step's numbers, as the TensorFlow backend gives them."""

    kernel: np.ndarray
    batch_loss: float
    has_loss: bool = True
    updates: int = 1
    loss_scales: None = None
    skipped: bool = False
    gradient_l2: float = 1.0
    batch: Any = None
    logs: dict[str, float] = field(default_factory=dict)

    @property
    def vitals(self) -> VitalsReading:
        table = np.full((1, len(VITALS) + 1), np.nan)
        table[0, :-1] = vitals(self.kernel)
        return VitalsReading(table, neuron_statistics(self.kernel, 1).ravel())

    def tensors(self, keys: Any) -> dict[TensorKey, np.ndarray]:
        return {KERNEL: self.kernel} if KERNEL in keys else {}


class Functions:
    """The compiled steps, had there been any."""

    catalogue = CATALOGUE

    def __init__(self) -> None:
        self.kernel = np.zeros((4, 3), np.float32)

    def look(self) -> Catalogue:
        return CATALOGUE

    def check_probe(self) -> None:
        """Every probe is taken."""

    def weights(self) -> dict[TensorKey, np.ndarray]:
        return {KERNEL: self.kernel.copy()}


class Training:
    """A run of steps, each `step_s` long, that adds the number of the step to every weight."""

    step_s = 0.002
    epoch = 0
    steps_per_epoch = STEPS_PER_EPOCH

    resumption = None  # it goes on from no file
    feed = SimpleNamespace(source="nothing")

    def __init__(self, model: Model, arguments: Any, probe: Any, on_activity: Callable[[str | None], None]) -> None:
        self.model, self.arguments = model, arguments
        self.functions = Functions()
        self.epochs = arguments.epochs
        self.total_steps = STEPS_PER_EPOCH * self.epochs
        self.next_batch = 0
        self.history: dict[str, list[float]] = {}

    def steps(self, choose: Callable[[], Any]) -> Iterator[Any]:
        yield SimpleNamespace(output=None)  # all is as it is before the first step
        for step in range(1, STEPS_PER_EPOCH * self.epochs + 1):
            self.next_batch = (step - 1) % STEPS_PER_EPOCH
            variant = choose()
            time.sleep(self.step_s)
            self.functions.kernel += step
            self.epoch = (step - 1) // STEPS_PER_EPOCH
            batch = (step - 1) % STEPS_PER_EPOCH
            output = Output(self.functions.kernel.copy(), 1 / step, logs={"loss": 1 / step})
            yield SimpleNamespace(
                epoch=self.epoch,
                batch=batch,
                output=output,
                variant=variant,
                ends_epoch=False,
                epoch_logs=None,
                refused=False,
            )

    def targets(self, batch: Any) -> None:
        """There are none."""

    def rows(self, batch: Any, keys: Any, n: int) -> dict[TensorKey, np.ndarray]:
        return {}

    def n_updates(self) -> tuple[Any, int]:
        return None, 0

    def notices(self) -> list[str]:
        return []

    def averages_weights_at_end(self) -> bool:
        return False

    def original(self, error: BaseException) -> BaseException:
        return error

    def _nothing(self) -> None:
        """What only a real backend has to do."""

    prepare = renew = enter_thread = end_progress_line = release = release_validation = _nothing


def forbid_tensorflow() -> None:
    """Make this interpreter one without Keras and TensorFlow."""
    for name in ("keras", "tensorflow"):
        if name in sys.modules:
            raise RuntimeError(f"{name} is loaded already")
        sys.modules[name] = None  # type: ignore[assignment]


def make_session() -> Any:
    """Return a `TrainingSession` on this backend that notes what buttons asked of it in `asked`."""
    from nnviz_widgets.core import session as session_module
    from nnviz_widgets.widgets import inspector as inspector_module
    from nnviz_widgets.widgets.session import TrainingSession

    # A kernel without a page does not need the front end, which may not be built.
    inspector_module.front_end = lambda: ("export default {}", "")
    session_module.load_tensorflow_backend = lambda: sys.modules[__name__]

    class Noting(TrainingSession):
        asked: ClassVar[list[tuple[str, Any]]] = []

        def ask_run(self, until: Any = None) -> str | None:
            self.asked.append(("run", until))
            return super().ask_run(until)

        def ask_steps(self, n: int = 1) -> str | None:
            self.asked.append(("step", n))
            return super().ask_steps(n)

        def ask_pause(self) -> None:
            self.asked.append(("pause", None))
            super().ask_pause()

    return Noting(Model(), np.zeros((8, 4)), epochs=1000, snapshots=False)
