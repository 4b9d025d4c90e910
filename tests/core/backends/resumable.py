"""Runs that are saved in one process and gone on with in another; as a script it goes on with all of them.

Each makes its model and its data as a person's script would, with the same seeds.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nnviz_widgets.core.backends.tensorflow import state
from nnviz_widgets.core.probe import Probe
from nnviz_widgets.core.session import Session
from tests.core import networks
from tests.core.networks import BATCH_SIZE, Network, seeded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True)
class Run:
    """A run of `fit`, and the steps after which it is saved.

    Attributes:
        make: Makes network and data.
        steps: Where to save: within an epoch, and at the end of one.
        arguments: Made anew for each run.
        like_fit: Whether `fit` trains as the session does; not where no seed fixes the order.
    """

    make: Callable[[], Network]
    steps: tuple[int, ...] = (5,)
    arguments: Callable[[], dict[str, Any]] = dict
    like_fit: bool = True

    def session(self, network: Network, **more: Any) -> Session:
        return network.session(**{"probe": Probe(layers=()), **self.arguments(), **more})


@seeded
def augmented() -> Network:
    """A CNN with batch normalization whose images are flipped, turned and moved at random."""
    import keras
    from keras import layers

    model = keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            layers.RandomFlip("horizontal"),
            layers.RandomRotation(0.1),
            layers.RandomTranslation(0.2, 0.2),
            layers.Conv2D(3, 3),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return Network(model, networks.images(), networks.classes())


@seeded
def recurrent() -> Network:
    """An LSTM with both kinds of dropout."""
    import keras
    from keras import layers

    model = keras.Sequential([keras.Input((5, 1)), layers.LSTM(4, dropout=0.2, recurrent_dropout=0.3), layers.Dense(2)])
    model.compile("rmsprop", "mse", metrics=["mae"])
    return Network(model, networks.features()[..., None], networks.features(width=2))


def mixed() -> Network:
    """An MLP in `mixed_float16`, with a loss scale that overflows and grows on the way."""
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        inner = keras.optimizers.Adam(0.01)
        scaled = keras.optimizers.LossScaleOptimizer(inner, initial_scale=2.0**24, dynamic_growth_steps=2)
        return networks.mlp(optimizer=scaled)
    finally:
        keras.config.set_dtype_policy(before)


@seeded
def loose() -> Network:
    """A model that keeps what Keras does not track: a `tf.Variable`, a `tf.random.Generator`, and the global seeds."""
    import keras
    import tensorflow as tf

    class Loose(keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.count = tf.Variable(0.0, trainable=False)
            self.draws = tf.random.Generator.from_seed(3)

        def call(self, x: Any, training: bool = False) -> Any:
            if training:
                self.count.assign_add(1.0)
            noise = self.draws.normal(tf.shape(x)) + keras.random.normal(tf.shape(x))
            return x + (noise * 0.1 + self.count * 0.01 if training else 0.0)

    model = keras.Sequential([keras.Input((5,)), Loose(), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    return Network(model, networks.features(), networks.features(width=2))


def without_seed() -> Network:
    """An MLP whose data come in an order that no seed fixes."""
    import tensorflow as tf

    network = networks.mlp()
    tf.random.set_seed(None)
    return network


def on(make_data: Callable[[], Any], network: Callable[[], Network] = networks.mlp) -> Callable[[], Network]:
    """Return the maker of a network on other data."""

    def make() -> Network:
        made = network()
        return Network(made.model, make_data())

    return make


def dataset() -> Any:
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((networks.features(), networks.classes())).shuffle(9, seed=4).batch(8)


def of_unknown_length() -> Any:
    import tensorflow as tf

    return dataset().filter(lambda x, y: tf.shape(x)[0] > 0)


def batches(n_epochs: int = 1) -> Iterator[Any]:
    x, y = networks.features(), networks.classes()
    for _ in range(n_epochs):
        for start in range(0, len(x), BATCH_SIZE):
            yield x[start : start + BATCH_SIZE], y[start : start + BATCH_SIZE]


def py_dataset(workers: int = 1) -> Any:
    import keras

    class Batches(keras.utils.PyDataset):
        """Draws its order anew after each epoch, as many do."""

        def __init__(self) -> None:
            super().__init__(workers=workers)
            self.order = np.arange(len(networks.features()))

        def __len__(self) -> int:
            return 3

        def __getitem__(self, index: int) -> Any:
            rows = self.order[index * BATCH_SIZE : (index + 1) * BATCH_SIZE]
            return networks.features()[rows], networks.classes()[rows]

        def on_epoch_end(self) -> None:
            self.order = np.random.default_rng(int(self.order[0])).permutation(self.order)

    return Batches()


def remembering() -> dict[str, Any]:
    """Return callbacks that remember: the rate falls, training ends early, the best weights come back."""
    import keras

    x, y = networks.features(), networks.classes()
    callbacks = [
        keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=1, min_delta=10.0),
        keras.callbacks.EarlyStopping(patience=4, min_delta=10.0, restore_best_weights=True),
    ]
    return {"epochs": 9, "validation_data": (x[::-1], y), "callbacks": callbacks}


def sgd(**arguments: Any) -> Any:
    import keras

    return keras.optimizers.SGD(0.05, momentum=0.9, **arguments)


RUNS = {
    "mlp": Run(networks.mlp, (3, 5)),
    "mlp read in full": Run(networks.mlp, arguments=lambda: {"probe": Probe(every=1)}),
    "mlp without a seed": Run(without_seed, (3, 5), like_fit=False),
    "mlp with steps_per_epoch": Run(networks.mlp, (2,), lambda: {"steps_per_epoch": 2}),
    "mlp without a seed with steps_per_epoch": Run(without_seed, (3,), lambda: {"steps_per_epoch": 2}, like_fit=False),
    "mlp with a validation split": Run(networks.mlp, (2,), lambda: {"validation_split": 0.3}),
    "cnn": Run(networks.cnn),
    "cnn run eagerly": Run(lambda: networks.cnn(run_eagerly=True)),
    "augmented": Run(augmented),
    "recurrent": Run(recurrent),
    "loose": Run(loose),
    "mixed": Run(mixed),
    "two optimizers": Run(networks.own_step, (4,)),
    "two inputs": Run(networks.two_inputs),
    "accumulation": Run(lambda: networks.mlp(optimizer=sgd(gradient_accumulation_steps=2)), (4,)),
    "averages": Run(lambda: networks.mlp(optimizer=sgd(use_ema=True, ema_overwrite_frequency=4))),
    "averages at the end": Run(lambda: networks.mlp(optimizer=sgd(use_ema=True))),
    "data set": Run(on(dataset), (3, 5)),
    "repeated data set": Run(on(lambda: dataset().repeat()), (5,), lambda: {"steps_per_epoch": 4}),
    "data set of unknown length": Run(on(of_unknown_length), (2, 3, 6)),
    "PyDataset": Run(on(py_dataset), (3, 5)),
    "PyDataset with two workers": Run(on(lambda: py_dataset(2)), (5,), lambda: {"shuffle": False}),
    "generator": Run(on(lambda: batches(3)), (4,), lambda: {"steps_per_epoch": 3}),
    "callbacks": Run(networks.mlp, (5,), remembering),
}


@dataclass
class Outcome:
    """What a run left behind."""

    losses: list[float] = field(default_factory=list)
    logs: list[dict[str, float]] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    history: dict[str, list[float]] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        words = {"losses": self.losses, "logs": self.logs, "steps": self.steps, "history": self.history}
        path.with_suffix(".json").write_text(json.dumps(words))
        np.savez(path.with_suffix(".npz"), **{name.replace("/", "|"): array for name, array in self.arrays.items()})

    @classmethod
    def read(cls, path: Path) -> Outcome:
        with np.load(path.with_suffix(".npz")) as file:
            arrays = {name.replace("|", "/"): file[name] for name in file.files}
        return cls(**json.loads(path.with_suffix(".json").read_text()), arrays=arrays)


def to_the_end(session: Session) -> Outcome:
    """Take all steps that are left one by one, and return what came of them."""
    outcome = Outcome()
    while session.state != "finished":
        before = session.step_index
        session.run(until=before + 1)
        session.wait()
        if session.step_index > before:
            outcome.steps.append(session.step_index)
            outcome.losses.append(session.batch_loss)
            outcome.logs.append(session.logs)
    outcome.history = session.history
    outcome.arrays = state.capture(session.model, session._training.keras_state)
    return outcome


def file_of(folder: Path, name: str, step: int) -> Path:
    return folder / f"{name.replace(' ', '_')}_{step}"


def go_on_with_all(folder: Path) -> None:
    """Go on with every run of a folder, where other seeds are set than those that it was saved with."""
    import keras

    for name, run in RUNS.items():
        for step in run.steps:
            network = run.make()
            arguments = {"probe": Probe(layers=()), **network._all(run.arguments())}
            path = file_of(folder, name, step)
            keras.utils.set_random_seed(99)
            with Session.resume(path, network.model, network.x, network.y, **arguments) as session:
                assert session.step_index == step, (name, session.step_index)
                to_the_end(session).write(path)


if __name__ == "__main__":
    go_on_with_all(Path(sys.argv[1]))
