"""What the tests of a session share: one without an end, and a record of what callbacks were told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnviz_widgets.core.probe import Probe
from nnviz_widgets.core.session import Session
from tests.core import networks
from tests.core.networks import STEPS_PER_EPOCH

if TYPE_CHECKING:
    from collections.abc import Callable

N_STEPS = 3 * STEPS_PER_EPOCH


def endless(**arguments: Any) -> Session:
    """Return a session that does not end by itself."""
    return networks.line().session(**{"epochs": 10**9, "probe": Probe(layers=()), **arguments})


def on_batch_end(action: Callable[[int], None]) -> Any:
    """Return a callback that acts at the end of each batch."""
    import keras

    return keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: action(batch))


def everything(session: Session) -> dict[str, np.ndarray[Any, Any]]:
    """Return all that a step may change."""
    from nnviz_widgets.core.backends.tensorflow import state

    return state.capture(session.model, session._training.keras_state)


def assert_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Fail unless two states are equal to the last bit."""
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


class Journal:
    """Counts the calls of every method of a callback, and keeps their logs."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any, dict[str, float]]] = []

    def callback(self) -> Any:
        import keras

        calls = self.calls

        def noting(name: str) -> Any:
            def note(self: Any, *args: Any, **kwargs: Any) -> None:
                logs = kwargs.get("logs") or (args[-1] if args and isinstance(args[-1], dict) else {})
                index = args[0] if args and not isinstance(args[0], dict) else None
                calls.append((name, index, {key: float(value) for key, value in logs.items()}))

            return note

        names = [
            f"on_{what}_{when}"
            for what in ("train", "epoch", "train_batch", "test", "test_batch")
            for when in ("begin", "end")
        ]
        return type("Noting", (keras.callbacks.Callback,), {name: noting(name) for name in names})()

    def names(self) -> list[str]:
        return [name for name, _, _ in self.calls]
