"""One step of a training, run eagerly on the model itself to be looked at closely; nothing of it stays."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

from nnviz_widgets.core.backends.tensorflow.batch_tape import End
from nnviz_widgets.core.backends.tensorflow.catalogue import before_tracing
from nnviz_widgets.core.backends.tensorflow.data import StoredOrderAdapter
from nnviz_widgets.core.backends.tensorflow.layer_calls import LayerCalls, in_python
from nnviz_widgets.core.backends.tensorflow.position import epochs_stand_alone, why_not
from nnviz_widgets.core.backends.tensorflow.put_aside import put_aside
from nnviz_widgets.core.backends.tensorflow.replicas import n_replicas
from nnviz_widgets.core.backends.tensorflow.traced import without_optionals
from nnviz_widgets.core.backends.tensorflow.tree import walk
from nnviz_widgets.core.frame import first_call
from nnviz_widgets.core.lookup import Lookup
from nnviz_widgets.errors import InvalidArgumentError, LayerNotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nnviz_widgets.core.call_trace import LayerCall
    from nnviz_widgets.core.frame import LayerInfo


def traced_calls(training: Any, batch: Any) -> tuple[LayerCall, ...]:
    """Return the layers' calls of one step on a batch, in the order in which they began.

    The step is taken twice: what TensorFlow does once for each operation is no part of the times.

    Args:
        training: A `Training` that stands still.
        batch: As the compiled step takes it.

    Raises:
        Exception: Whatever the step raises.
    """
    check_one_replica(training.model)
    for _ in range(2):
        calls = _run(training, batch)
    return tuple(call.as_value() for call in calls.calls)


def step_into(training: Any, batch: Any, layer: str | LayerInfo, debugger: Callable[[Any], Any]) -> None:
    """Run one step on a batch, and call a debugger where a layer is called.

    Args:
        training: A `Training` that stands still.
        batch: As the compiled step takes it.
        layer: Path or name of the layer; `"d#1"` is its second call in the step.
        debugger: Given the frame of the call, with `layer`, `inputs`, `args` and `kwargs` in its scope.

    Raises:
        LayerNotFound: There is no such layer, or the step does not call it.
        Exception: Whatever the step or the debugger raises.
    """
    check_one_replica(training.model)
    wanted = path_of_call(training.model, layer)
    stopped = False

    def around(path: str, layer: Any, call: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        nonlocal stopped
        if path != wanted:
            return call(*args, **kwargs)
        stopped = True
        return _stop_at(debugger, layer, call, args, kwargs)

    calls = _run(training, batch, around)
    if not stopped:
        raise LayerNotFound(_never_called(wanted, [call.path for call in calls.calls]))


def _stop_at(
    debugger: Callable[[Any], Any], layer: Any, call: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Stop before a layer's `call`; a person looks at this frame."""
    inputs, *others = args or (None,)
    debugger(sys._getframe())
    outputs = call(inputs, *others, **kwargs) if args else call(**kwargs)  # `s` leads into it, `n` to `outputs`
    return outputs


def _never_called(path: str, called: list[str]) -> str:
    others = [other for other in called if first_call(other) == first_call(path)]
    found = ", ".join(f"`{other}`" for other in others or called[:6])
    which = "The calls of that layer are" if others else "Called are"
    return f"`layer` must be one that the step calls. Received: {path!r}, which was not called. {which} {found}."


def path_of_call(model: Any, layer: str | LayerInfo) -> str:
    """Return the path of a call that a user names by path, by Keras' name or by a `LayerInfo`.

    Raises:
        LayerNotFound: There is no such layer, or it is part of one that Keras ships.
    """
    entries = walk(model)
    lookup = Lookup(before_tracing(entries, ()))
    named = getattr(layer, "path", layer)
    if not isinstance(named, str):
        return lookup.path(layer)
    base, mark, number = named.partition("#")
    holders = [entry for entry in entries if base in entry.inner]
    if holders:
        raise LayerNotFound(
            f"`layer` must be one that is called by itself. Received: {named!r}, which is part of layer "
            f"`{holders[0].path}`. Use that one, and go on with the debugger."
        )
    return lookup.path(base) + mark + number


def check_one_replica(model: Any) -> None:
    """Refuse a model on several replicas, each of which runs the step on a thread of its own.

    Raises:
        InvalidArgumentError: If it is one.
    """
    n = n_replicas(model)
    if n > 1:
        raise InvalidArgumentError(
            f"`model` must be trained on one replica to be looked at closely. Received: one on {n} replicas. Build it "
            "outside of the strategy."
        )


def _run(training: Any, batch: Any, around: Callable[..., Any] | None = None) -> LayerCalls:
    model = training.model
    with put_aside(model, training.keras_state), LayerCalls(model, walk(model), around) as calls:
        in_python(model.train_step)(without_optionals(batch))
    return calls


def next_batch(training: Any) -> Any:
    """Return the batch that comes next, which still comes next afterwards; `None` where it cannot be known.

    That is where the data come once and the batch has not come yet, where their order cannot be found again, where an
    edit feeds the next epoch otherwise, before training has begun and at its end.

    Args:
        training: A `Training` that stands still between two steps.
    """
    iterator, position = training.iterator, training.position
    if iterator is None or not position.order:
        return None
    if not epochs_stand_alone(iterator):
        return _on_tape(training.taped)
    if training.next_feed and not position.batch:
        return None
    seeded = training.origin["tensorflow_seed"] is not None
    if why_not(iterator, seeded=seeded) is not None or position.epoch >= training.epochs:
        return None
    adapter = iterator.data_adapter
    if isinstance(adapter, StoredOrderAdapter):
        with _order_put_back(training, adapter):
            training.random.bit_generator.state = position.order
            adapter.begin_with(position.batch)
            return next(iter(iterator._distributed_dataset), None)
    batches = iter(iterator._distributed_dataset)
    for _ in range(position.batch):
        next(batches)
    return next(batches, None)


def _on_tape(taped: Any) -> Any:
    """Return the batch of data that come once which comes again, after going back; `None` if none does."""
    if taped is None or taped.tape.place >= taped.tape.end:
        return None
    found = taped.tape.at_place()
    return None if isinstance(found, End) else found


@contextlib.contextmanager
def _order_put_back(training: Any, adapter: StoredOrderAdapter) -> Iterator[None]:
    """Put back the generator of the order and where the next epoch begins, which a pipeline that rests will ask for."""
    order, first = training.random.bit_generator.state, adapter.order.first
    try:
        yield
    finally:
        training.random.bit_generator.state, adapter.order.first = order, first
