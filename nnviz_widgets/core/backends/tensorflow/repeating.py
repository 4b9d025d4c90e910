"""What every script that `session.journal.to_script` writes has in it: Keras, TensorFlow and numpy are all it needs.

Its text is copied into the scripts from the first import on.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf


class Done(Exception):
    """The last step was taken."""


class Edits(keras.callbacks.Callback):  # type: ignore[misc]
    """Makes each edit between the two steps between which it was made. Must be the first callback."""

    def __init__(self, edit: Any, step: int) -> None:
        super().__init__()
        self.edit, self.step, self.made = edit, step, -1

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Make the edits after the last step of the epoch before."""
        self.make()

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Make the edits after the step before."""
        self.make()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Count the steps."""
        self.step += 1

    def make(self) -> None:
        """Make the edits of this place, once."""
        if self.made < self.step and self.edit(self.model, self.step):
            self.model.make_train_function(force=True)  # it was traced with what is changed now
        self.made = self.step


class Stop(keras.callbacks.Callback):  # type: ignore[misc]
    """Leaves `fit` after a step, or after the epoch that this step ends. Must be the last callback."""

    def __init__(self, step: int, last: int, ends_epoch: bool) -> None:
        super().__init__()
        self.step, self.last, self.ends_epoch = step, last, ends_epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Leave after the last step."""
        self.step += 1
        if self.step == self.last and not self.ends_epoch:
            raise Done

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Leave after the end of the epoch."""
        if self.step == self.last and self.ends_epoch:
            raise Done


def variables(model: Any) -> list[Any]:
    """List weights, statistics, random states and what the optimizer keeps, in an order that stays."""
    metrics = {id(variable) for variable in model.metrics_variables}
    return [*(one for one in model.variables if id(one) not in metrics), *model.optimizer.variables]


def begin(model: Any, stored: Any) -> None:
    """Let the model begin where the training did."""
    model.steps_per_execution = 1  # what is changed lies between two steps
    if not model.built:
        raise ValueError("The model must be built. Call it on a batch, `model(x[:1])`, before `train`.")
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    then = [stored[name].shape for name in stored if name.startswith("initial ")]
    if [tuple(variable.shape) for variable in variables(model)] != then:
        raise ValueError(f"The model must be made as it was then, with the {len(then)} variables that it had.")
    for index, variable in enumerate(variables(model)):
        variable.assign(stored[f"initial {index}"])


def fed(array: Any) -> Any:
    """Return an array as `fit` feeds it: numbers that are no integers in Keras' float."""
    array = np.asarray(array)
    return array.astype(keras.backend.floatx()) if array.dtype.kind == "f" else array


def batches(arrays: Any, order: Any, size: int) -> Any:
    """Return the batches of epochs whose samples come in the order of the rows of `order`."""
    even = order.shape[1] % size == 0
    arrays = tf.nest.map_structure(fed, arrays)

    @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
    def cut(epoch: Any) -> Any:
        return tf.data.Dataset.from_tensor_slices(epoch).batch(size, drop_remainder=even)

    @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
    def gather(index: Any) -> Any:
        return tf.nest.map_structure(lambda array: tf.gather(array, index), arrays)

    return tf.data.Dataset.from_tensor_slices(order).flat_map(cut).map(gather)


def repeat(
    model: Any, data: Any, stored: Any, legs: list[dict[str, Any]], edit: Any, last: int | None, **options: Any
) -> None:
    """Train as it was done, leg by leg: each was fed alike.

    Args:
        model: Built and compiled as it was.
        data: `(x, y)` or `(x, y, sample_weight)`; where no order is stored, what gives batches.
        stored: The initial values, and the order of each leg.
        legs: First epoch, number of epochs, batch size, weights of the classes and first step of each.
        edit: Called before each step; makes the edits of that place, and tells whether the step is to be traced anew.
        last: The step to stop after; `None` is the end of training.
        options: For `fit`.
    """
    begin(model, stored)
    callbacks = list(options.pop("callbacks", ()))
    for leg in legs:
        n = leg["steps_per_epoch"]
        end = leg["step"] + leg["epochs"] * n
        until = end if last is None or last > end else last
        if until <= leg["step"]:
            break
        if leg["order"] is None:
            x, steps = data, {}
        else:
            arrays = data if len(data) > 1 and data[1] is not None else data[:1]
            x, steps = batches(arrays, stored[leg["order"]], leg["batch_size"]), {"steps_per_epoch": n}
        stop = [] if last is None and leg is legs[-1] else [Stop(leg["step"], until, (until - leg["step"]) % n == 0)]
        model.train_function = None  # it is traced for the shapes of its batches
        try:
            model.fit(
                x,
                initial_epoch=leg["epoch"],
                epochs=leg["epoch"] + leg["epochs"],
                class_weight=leg["class_weight"],
                shuffle=False,
                callbacks=[Edits(edit, leg["step"]), *callbacks, *stop],
                **steps,
                **options,
            )
        except Done:
            continue
        break  # the training came to its end by itself
    if last is not None:
        edit(model, last)
