"""Writing the steps of a session as a script in plain Keras that repeats them, bit by bit on a CPU.

What every script does the same way is the text of `repeating.py`; in front of it stand the model, the edits, and what
is fed when. Beside it lie the initial values and the order of the samples.
"""

from __future__ import annotations

import inspect
import io
import json
import platform
import re
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf
from keras import tree

from nnviz_widgets.core.atomic import write_whole
from nnviz_widgets.core.backends.tensorflow import random_streams, repeating
from nnviz_widgets.core.backends.tensorflow.cloning import config_of, excludes_from_decay, shares_layers
from nnviz_widgets.core.backends.tensorflow.data import StoredOrderAdapter
from nnviz_widgets.core.backends.tensorflow.of_keras import names_of_others, own_functions
from nnviz_widgets.core.backends.tensorflow.position import epochs_stand_alone
from nnviz_widgets.core.backends.tensorflow.replicas import has_strategy
from nnviz_widgets.core.backends.tensorflow.rewinding import called_again
from nnviz_widgets.core.backends.tensorflow.state import of_tensorflow, shortened, variables_of
from nnviz_widgets.errors import ScriptNotPossible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from nnviz_widgets.core.backends.tensorflow.feed import Feed
    from nnviz_widgets.core.backends.tensorflow.setup import Setup
    from nnviz_widgets.core.backends.tensorflow.snapshot import Snapshot
    from nnviz_widgets.core.journal import Entry, Told


def write_script(training: Any, path: Path, told: Told) -> None:
    """Write the script and what it needs beside it.

    Args:
        training: A `Training` that stands still.
        path: Of the script.
        told: What it is to repeat.

    Raises:
        ScriptNotPossible: If plain Keras cannot repeat it; nothing is written then.
        OSError: If a file cannot be written.
    """
    _require_repeatable(training, told)
    stored = _initial(training, told.first)
    legs = _legs(training, told, stored)
    edits = _edits(training, told.entries, stored)
    config = _config(training, told.first.setup)
    if told.with_data:
        stored |= _data(training)
    text = _text(training, told, legs, edits, config)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = io.BytesIO()
    np.savez_compressed(beside, **stored)  # type: ignore[arg-type]
    write_whole(path.with_suffix(".npz"), [beside.getvalue()])
    write_whole(path, [text.encode()])


# --- what cannot be repeated ---


def _require_repeatable(training: Any, told: Told) -> None:
    why = _why_not(training, told)
    if why is not None:
        raise ScriptNotPossible(f"A session must be one that plain Keras can repeat. Received: {told.name!r}: {why}.")


def _why_not(training: Any, told: Told) -> str | None:
    model = training.model
    if training.resumption is not None:
        return "it goes on from a saved session, whose first steps are not here"
    if has_strategy(model):
        return "it trains on replicas"
    if getattr(training.iterator.data_adapter, "shuffle", False):
        return "Keras shuffles the batches of its PyDataset, in an order that is not kept; train with shuffle=False"
    if not isinstance(model.optimizer, keras.optimizers.Optimizer):
        return "it has not one optimizer that `fit` would use"
    hidden = training.hidden_streams()
    if hidden:
        return f"the model draws random numbers with {', '.join(hidden)} of TensorFlow, whose state cannot be read"
    if _frozen_since(training, told.first.setup):
        return "its optimizer was built for layers that were frozen before the first step"
    known = {id(of_tensorflow(one)) for one in (*repeating.variables(model), *model.metrics_variables)}
    names = {name: of_tensorflow(one) for name, one in variables_of(model, training.keras_state).items()}
    drawn = {id(source) for graph in training.functions.graphs() for source, _ in graph.captures}
    loose = [
        name
        for name, one in names.items()
        if id(one) not in known and (not name.startswith("random/") or id(one.handle) in drawn)
    ]
    if loose:
        return f"Keras does not track all that its steps change: {', '.join(shortened(loose))}"
    unknown = [entry.text for entry in told.entries if entry.edit is None or entry.edit.code is None]
    return f"it was changed in a way that has no lines of its own: {unknown[0]}" if unknown else None


def _frozen_since(training: Any, setup: Setup) -> bool:
    """Whether the optimizer knows variables that do not learn under a setup: a model made anew would lack its slots."""
    optimizer = training.model.optimizer
    known = getattr(optimizer, "inner_optimizer", optimizer)._trainable_variables
    with training.as_set_up(setup):
        learning = {id(variable) for variable in training.model.trainable_variables}
    return any(id(variable) not in learning for variable in known)


# --- what lies beside the script ---


def _initial(training: Any, first: Snapshot) -> dict[str, npt.NDArray[Any]]:
    values = first.values()
    return {
        f"initial {index}": values[id(of_tensorflow(variable))]
        for index, variable in enumerate(repeating.variables(training.model))
    }


def _legs(training: Any, told: Told, stored: dict[str, npt.NDArray[Any]]) -> list[dict[str, Any]]:
    """Return what is fed when; the orders are stored beside."""
    legs = []
    epoch_after = training.epoch + 1
    for number, feed in enumerate(_feeds(training.feed)):
        per_epoch = feed.steps_per_epoch
        if per_epoch is None:
            raise ScriptNotPossible(
                "An epoch must have ended to know how long it is. Received: data of unknown length."
            )
        following = _feeds(training.feed)[number + 1 :]
        end = following[0].first_epoch if following else epoch_after
        if end == feed.first_epoch and following:  # changed again before it has fed anything
            continue
        n_epochs = training.epochs - feed.first_epoch if told.completed and not following else end - feed.first_epoch
        leg = {
            "epoch": feed.first_epoch,
            "epochs": max(n_epochs, 1),
            "step": feed.n_before,
            "steps_per_epoch": per_epoch,
            "batch_size": feed.batch_size or 32,
            "class_weight": feed.class_weight,
            "order": None,
        }
        if epochs_stand_alone(feed.iterator):
            leg["order"] = f"order {number}"
            stored[leg["order"]] = _orders(training, feed, max(n_epochs, 1))
        legs.append(leg)
    return legs


def _feeds(last: Feed) -> list[Feed]:
    """Return all feeds up to one, the oldest first."""
    found = [last]
    while found[0].before is not None:
        found.insert(0, found[0].before)
    return found


def _orders(training: Any, feed: Feed, n_epochs: int) -> npt.NDArray[Any]:
    """Return the order of the samples in the epochs of a feed, `(n_epochs, n_samples)`."""
    adapter, origin = feed.iterator.data_adapter, feed.origin
    assert origin is not None, "a feed that has an iterator has an origin"
    n = int(adapter._num_samples)
    if isinstance(adapter, StoredOrderAdapter):
        random = np.random.default_rng()
        random.bit_generator.state = origin["order"]
        return np.stack([random.permutation(n) for _ in range(n_epochs)])
    if not adapter._shuffle:
        return np.tile(np.arange(n), (n_epochs, 1))
    with random_streams.kept():
        random_streams.restore(origin)
        twin = type(adapter)(np.arange(n), batch_size=adapter._batch_size, shuffle=adapter._shuffle)
        batches = twin.get_tf_dataset()
        return np.stack(
            [np.concatenate([tree.flatten(batch)[0].numpy() for batch in batches]) for _ in range(n_epochs)]
        )


def _data(training: Any) -> dict[str, npt.NDArray[Any]]:
    arguments = training.arguments
    if not epochs_stand_alone(training.iterator):
        raise ScriptNotPossible(
            "The training data must be arrays to be written beside the script. Received: a "
            f"{type(arguments.x).__name__}. Leave out data=True."
        )
    parts = {"x": arguments.x, "y": arguments.y, "sample_weight": arguments.sample_weight}
    if any(tree.is_nested(part) for part in parts.values()):
        raise ScriptNotPossible(
            "`x` and `y` must be single arrays to be written beside the script. Received: several. Leave out data=True."
        )
    return {f"data {name}": np.asarray(part) for name, part in parts.items() if part is not None}


# --- the edits as lines ---


def _edits(training: Any, entries: Sequence[Entry], stored: dict[str, npt.NDArray[Any]]) -> list[str]:
    """Return the body of `edit`; the values that it sets are stored beside."""
    by_step: dict[int, list[Entry]] = {}
    for entry in entries:
        by_step.setdefault(entry.step, []).append(entry)
    lines: list[str] = []
    for step, here in sorted(by_step.items()):
        body = [line for number, entry in enumerate(here) for line in _lines(training, entry, number, stored)]
        retraces = any(entry.edit is not None and entry.edit.retraces for entry in here)
        if body:
            lines += [f"if step == {step}:", *(f"    {line}" for line in body), f"    return {retraces!r}"]
    return [*lines, "return False"]


def _lines(training: Any, entry: Entry, number: int, stored: dict[str, npt.NDArray[Any]]) -> Iterator[str]:
    edit = entry.edit
    assert edit is not None, "what has no edit was refused before"
    if edit.feed:
        return  # what is fed when stands in the legs
    yield f"# {entry.text}"
    if edit.code:
        yield from edit.code
        return
    known = {id(of_tensorflow(one)): index for index, one in enumerate(repeating.variables(training.model))}
    for place, (variable, array) in enumerate(edit.values):
        index = known.get(id(of_tensorflow(variable)))
        if index is None:  # the sums of a metric, which begin anew with each epoch
            continue
        name = f"edit {entry.step}.{number}.{place}"
        stored[name] = array
        yield f"variables(model)[{index}].assign(STORED[{name!r}])  # {repeating.variables(training.model)[index].path}"


# --- the model ---


def _config(training: Any, setup: Setup) -> str | None:
    """Return the model as JSON, as it was before any edit; `None` if only the user's code can make it."""
    model = training.model
    if excludes_from_decay(model) or own_functions(model) or shares_layers(model):  # no configuration tells it
        return None
    try:
        with training.as_set_up(setup):
            config = config_of(model)
        text = json.dumps(config)
    except Exception:  # a class of the user's need not say how it is made; then the script asks for it
        return None
    return None if any(names_of_others(config)) else text


# --- the text ---


def _text(training: Any, told: Told, legs: list[dict[str, Any]], edits: list[str], config: str | None) -> str:
    source = re.sub(r"  # type: ignore\[[\w-]+\]", "", inspect.getsource(repeating))
    body = source.partition("from typing")
    return "\n\n\n".join(
        [
            _head(training, told, config) + "\n" + (body[1] + body[2]).split("\n\n\n", 1)[0].rstrip(),
            "\n".join(
                [
                    'STORED = np.load(Path(__file__).with_suffix(".npz"))',
                    f"LEGS: list[dict[str, Any]] = {_shown(legs)}",
                    f"LAST = {None if told.completed else told.step!r}",
                ]
            ),
            _model(training, config),
            "def edit(model: Any, step: int) -> bool:\n"
            '    """Make what was changed after `step`, before the next; whether the step must be traced anew."""\n'
            + "\n".join(f"    {line}" for line in edits),
            (body[1] + body[2]).split("\n\n\n", 1)[1].rstrip(),
            _main(training, told),
        ]
    )


def _shown(legs: list[dict[str, Any]]) -> str:
    return "[\n" + "".join(f"    {leg!r},\n" for leg in legs) + "]"


def _head(training: Any, told: Told, config: str | None) -> str:
    changed = [f"    {entry}" for entry in told.entries] or ["    nothing"]
    callbacks = [*dict.fromkeys(type(one).__name__ for one in training.callbacks)]
    own = [name for name in callbacks if name not in ("History", "ProgbarLogger")]
    remarks = []
    if own:
        remarks.append(f"It was trained with the callbacks {', '.join(own)}: give them to `train` as they were.")
    if called_again(training.callbacks):
        remarks.append("Callbacks of one's own must do what they did then.")
    if not epochs_stand_alone(training.iterator):
        remarks.append("Its data must give the same batches in the same order again.")
    if len(_feeds(training.feed)) > 1 and own:
        remarks.append("Where the batch size changes, callbacks begin anew.")
    where = "to its end" if told.completed else f"up to step {told.step}"
    lines = [
        f"Repeats the training of {told.name!r} {where}, {told.branch}, in plain Keras: bit by bit on a CPU.",
        "",
        "Changed on the way:",
        *changed,
        "",
        *remarks,
        f"Made with Keras {keras.__version__}, TensorFlow {tf.__version__}, Python {platform.python_version()}.",
    ]
    return (
        '"""'
        + "\n".join(lines).replace("\\", "\\\\").replace('"""', "'''")
        + '\n"""\n\nimport json\nfrom pathlib import Path'
    )


def _model(training: Any, config: str | None) -> str:
    head = 'def make_model() -> Any:\n    """Return the model as it was before the first step, but for its values."""\n'
    if config is None:
        name = type(training.model).__name__
        return head + f'    raise NotImplementedError("Return the {name} here, made and compiled as it was then.")'
    return head + f"    return keras.saving.deserialize_keras_object(json.loads({config!r}))"


def _main(training: Any, told: Told) -> str:
    has = [name for name in ("y", "sample_weight") if getattr(training.arguments, name) is not None]
    takes = "x: Any, y: Any = None, sample_weight: Any = None"
    data = "(x, y) if sample_weight is None else (x, y, sample_weight)"
    if not epochs_stand_alone(training.iterator):
        takes, data, has = "data: Any", "data", []
    lines = [
        f"def train(model: Any, {takes}, **options: Any) -> Any:",
        '    """Train `model` as it was done and return it; `options` are those of `fit`, such as `callbacks`."""',
        f"    repeat(model, {data}, STORED, LEGS, edit, LAST, **options)",
        "    return model",
        "",
        "",
        'if __name__ == "__main__":',
    ]
    if told.with_data:
        arguments = ", ".join(f"{name}=STORED['data {name}']" for name in ("x", *has)).replace("'", '"')
        lines.append(f"    trained = train(make_model(), {arguments})")
        lines.append('    print("loss:", float(trained.get_metrics_result().get("loss", float("nan"))))')
    else:
        lines.append(
            '    raise SystemExit("Import this file and call train(make_model(), ...) with the training data.")'
        )
    return "\n".join(lines) + "\n"
