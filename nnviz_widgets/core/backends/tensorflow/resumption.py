"""Putting a run where a saved one was: the state of its model, its place in the data, what its callbacks remember."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from nnviz_widgets.core.backends.tensorflow import callback_state, random_streams, state
from nnviz_widgets.core.backends.tensorflow.data_facts import changed, data_facts
from nnviz_widgets.core.backends.tensorflow.position import (
    Position,
    check,
    checksum_of,
    epochs_stand_alone,
    pass_epochs,
    why_not,
)
from nnviz_widgets.core.backends.tensorflow.taps import find_optimizers
from nnviz_widgets.core.backends.tensorflow.tree import walk
from nnviz_widgets.core.storage.run_facts import check_facts, facts_of
from nnviz_widgets.errors import NotResumable

if TYPE_CHECKING:
    import numpy.typing as npt

    from nnviz_widgets.core.backends.tensorflow.snapshot import Snapshot
    from nnviz_widgets.core.storage.run_file import SavedRun


Captured = tuple[dict[str, Any], "dict[str, npt.NDArray[Any]]"]
"""Plain values of JSON, and arrays by name."""


def capture(training: Any, batch: Any) -> Captured:
    """Return everything that another process needs to go on bit by bit: plain values of JSON, and arrays by name.

    Args:
        training: A `Training` between two steps.
        batch: The last batch that it has trained on, `None` if it has taken no step yet.
    """
    arrays = state.capture(training.model, training.keras_state)
    callbacks, more = callback_state.capture(training.callbacks)
    facts = _facts(training, training.position, batch) | {
        "epoch": training.epoch,
        "random": random_streams.capture(),
        "callbacks": callbacks,
        "stop_training": bool(training.model.stop_training),
    }
    return facts, {f"state/{name}": array for name, array in arrays.items()} | more


def capture_of(training: Any, snapshot: Snapshot) -> Captured:
    """Return what `capture` did when a snapshot was taken, of a training that is set up as it was then."""
    names = state.variables_of(training.model, training.keras_state)
    values = snapshot.values()
    arrays = {f"state/{name}": values[id(state.of_tensorflow(one))] for name, one in names.items()}
    callbacks, more = callback_state.capture(training.callbacks, snapshot.memories)
    batch = None if snapshot.output is None else snapshot.output.batch
    facts = _facts(training, snapshot.position, batch) | {
        "epoch": snapshot.epoch,
        "random": random_streams.as_facts(snapshot.streams),
        "callbacks": callbacks,
        "stop_training": snapshot.stop_training,
    }
    return facts, arrays | more


def _facts(training: Any, position: Position, batch: Any) -> dict[str, Any]:
    if batch is not None:
        position = Position(**{**asdict(position), "checksum": checksum_of(batch)})
    return {
        "position": asdict(position),
        "origin": training.origin,
        "data": data_facts(training.arguments),
        "feed": _feed_facts(training),
        "model": model_facts(training.model),
    }


def _feed_facts(training: Any) -> dict[str, Any]:
    """Return since when the data are fed as they are, and how they will be from the next epoch on."""
    wanted = dict(training.next_feed)
    weights = wanted.pop("class_weight", None)
    if "class_weight" in training.next_feed:  # JSON has texts only for keys
        wanted["class_weight"] = None if weights is None else [list(pair) for pair in weights.items()]
    return {"first_epoch": training.feed.first_epoch, "n_before": training.feed.n_before, "next": wanted}


def model_facts(model: Any) -> dict[str, Any]:
    """Return what a model is besides its variables: layers, losses and optimizers with their plain settings."""
    facts = {f"layer {entry.path!r}": _settings(entry.layer) for entry in walk(model) if entry.layer is not model}
    for index, optimizer in enumerate(find_optimizers(model)):
        facts[f"optimizer {index}"] = _settings(optimizer)
    return facts


_NOT_COMPARED = ("name", "learning_rate", "seed", "trainable_variables")


def _settings(thing: Any) -> dict[str, Any]:
    """Return the class and the plain settings of a layer or optimizer; names, rates and initial values are left out."""
    try:
        config = thing.get_config()
    except Exception:  # a class of the user's need not have one; it is told by its variables then
        config = {}
    plain = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in config.items()
        if name not in _NOT_COMPARED and not name.endswith("_initializer") and _is_plain(value)
    }
    policy = getattr(getattr(thing, "dtype_policy", None), "name", None)
    return {"class": type(thing).__name__, **plain, "dtype": policy}


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(_is_plain(item) for item in value)
    return value is None or isinstance(value, (bool, int, float, str))


def _model_changes(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    found = []
    for name in {**before, **now}:
        if name not in now or name not in before:
            found.append(f"{name} is {'missing' if name not in now else 'new'} here")
            continue
        old, new = before[name], now[name]
        keys = sorted({*old, *new}) if old["class"] == new["class"] else ["class"]  # else all the rest differs too
        for key in keys:
            if old.get(key) != new.get(key):
                found.append(f"{name}: {key} was {old.get(key)!r} and is {new.get(key)!r}")
    return state.shortened(found)


class Resumption:
    """Puts a `Training` where a saved one was.

    Args:
        saved: What was saved.
        state_only: Whether the data begin anew, since they cannot be put back.

    Attributes:
        facts: What was saved besides arrays.
        position: The place to go to.
        done: Whether it is reached.
        warnings: What does not go on as it was, in sentences: callbacks that do not remember, validation data that
            begin anew.
    """

    activity = "going to where the saved session was in the data"
    begins_epoch = True
    on_tape = False

    def __init__(self, saved: SavedRun, *, state_only: bool) -> None:
        self._saved = saved
        self._state_only = state_only
        self._last: Any = None
        self.facts = saved.facts
        self.done = False
        self.warnings: list[str] = []
        check_facts(saved.path, saved.facts)
        self.position = Position(**saved.facts["position"])

    @property
    def epoch(self) -> int:
        """The epoch of the last step that was taken, 0-based."""
        return int(self.facts["epoch"])

    @property
    def logs(self) -> dict[str, float]:
        """The metrics after the last step that was taken."""
        report = self.facts.get("report")
        return dict(report["logs"]) if report else {}

    def require_done(self) -> None:
        """Refuse data that ended before the place was reached."""
        if not self.done:
            raise NotResumable(
                f"The data must reach batch {self.position.batch} of epoch {self.position.epoch + 1}, where the saved "
                "session was. Received: data that ended before. Give the same data."
            )

    def begin(self, training: Any) -> None:
        """Put the random streams to where they were when the saved session made its data pipeline."""
        with facts_of(self._saved.path):
            training.random.bit_generator.state = self.facts["origin"]["order"]
            random_streams.restore(self.facts["origin"])
            self._begin_feed(training)

    def _begin_feed(self, training: Any) -> None:
        feed = self.facts.get("feed")  # a file of an older version has none
        if feed is None:
            return
        training.feed.first_epoch, training.feed.n_before = int(feed["first_epoch"]), int(feed["n_before"])
        training.next_feed = dict(feed["next"])
        weights = training.next_feed.get("class_weight")
        if weights is not None:
            training.next_feed["class_weight"] = {int(key): float(value) for key, value in weights}

    def check(self, training: Any) -> None:
        """Refuse another model, other data, or data whose order cannot be found again.

        Raises:
            NotResumable: The message says what is different.
        """
        shapes = {
            name.removeprefix("state/"): form for name, form in self._saved.shapes.items() if name.startswith("state/")
        }
        found = _model_changes(self.facts["model"], model_facts(training.model))
        found = found or state.differences(training.model, shapes)
        if found:
            raise NotResumable(
                "`model` must be the one that was saved, made and compiled as it was. Received: "
                f"{training.model.name!r}, where {'; '.join(found)}. Make it as before."
            )
        self._check_data(training)

    def _check_data(self, training: Any) -> None:
        found = changed(self.facts["data"], data_facts(training.arguments))
        if found:
            raise NotResumable(
                f"The data must be those of the saved session. Received: others: {'; '.join(found)}. Give the same "
                "data and arguments."
            )
        if self.position.batch and training.epochs <= self.position.epoch:
            raise NotResumable(
                f"`epochs` must reach the epoch of the saved session, which was in epoch {self.position.epoch + 1}. "
                f"Received: epochs={training.epochs}. Use {self.position.epoch + 1} or more."
            )
        reason = why_not(training.iterator, seeded=self.facts["origin"]["tensorflow_seed"] is not None)
        if reason is not None and not self._state_only:
            raise NotResumable(
                f"The order of the data must be one that can be found again. Received: {reason}. Set a seed before "
                "training, or go on with the data from their beginning: resume(..., state_only=True)."
            )

    def go_to_epoch(self, training: Any) -> None:
        """Go to the beginning of the epoch in which the saved session was."""
        if self._state_only:
            return
        if epochs_stand_alone(training.iterator):
            with facts_of(self._saved.path):
                training.random.bit_generator.state = self.position.order
        else:
            self._last = pass_epochs(training.iterator, self.position)

    def pass_over(self, batch: int, batches: Any, training: Any) -> bool:
        """Leave a batch that the saved session has trained on; whether it was the last of them."""
        if not self._state_only:
            self._last = next(batches)
        if batch + 1 < self.position.batch:
            return False
        self.put_back(training)
        return True

    def put_back(self, training: Any) -> None:
        """Give the model, the random streams and the callbacks what they had.

        Raises:
            NotResumable: If the data on the way here were others.
        """
        if not self._state_only:
            check(self.position, self._last)
        self._last = None
        arrays = {name.removeprefix("state/"): name for name in self._saved.shapes if name.startswith("state/")}
        state.restore(training.model, {name: self._saved.array(stored) for name, stored in arrays.items()})
        self._put_back_callbacks(training)
        self._look_at_validation(training)
        # What reads its batches in Python may have drawn from these streams, and has done so again on the way here.
        if epochs_stand_alone(training.iterator) or isinstance(training.arguments.x, tf.data.Dataset):
            with facts_of(self._saved.path):
                random_streams.restore(self.facts["random"])
        training.model.stop_training = self.facts["stop_training"]
        self.done = True

    def _put_back_callbacks(self, training: Any) -> None:
        with facts_of(self._saved.path):
            callback_state.restore(training.callbacks, self.facts["callbacks"], self._saved.array)
        names = callback_state.forgetful(training.callbacks)
        before = [one["class"] for one in self.facts["callbacks"] if one["class"] != "ProgbarLogger"]
        now = [type(callback).__name__ for callback in training.callbacks]
        names += [name for name in before if name not in now]
        if names:
            self.warnings.append(
                "Callbacks must be Keras' own, and those of the saved session, to remember what they did then. "
                f"Received besides: {', '.join(dict.fromkeys(names))}, which begin anew or are missing here."
            )

    def _look_at_validation(self, training: Any) -> None:
        """Say so if a generator gives validation data: how far it was is not known, as Keras reads ahead of it."""
        data, frequency = training.arguments.validation_data, training.arguments.validation_freq
        epochs = range(self.position.first_epoch, self.position.epoch)
        if isinstance(data, Iterator) and any(training.model._should_eval(epoch, frequency) for epoch in epochs):
            self.warnings.append(
                "`validation_data` must be the same at each validation for its metrics to go on as they would have. "
                f"Received: a {type(data).__name__}, which begins anew here, where it had been read from already. "
                "Training itself goes on bit by bit. Use arrays or a tf.data.Dataset."
            )
