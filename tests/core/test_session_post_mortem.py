"""What is told of a failure: the layer, what it was fed, and the user's own line."""

from __future__ import annotations

import io
import linecache
import pdb
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnviz_widgets.core.probe import Probe
from nnviz_widgets.errors import NotFailed
from tests.core import networks
from tests.core.networks import Network, classes, features
from tests.core.sessions import assert_same, everything

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from nnviz_widgets.core.post_mortem import PostMortem
    from nnviz_widgets.core.session import Session

pytestmark = pytest.mark.filterwarnings("ignore:`shuffle=True` was passed, but will be ignored")


def failed(session: Session) -> PostMortem:
    """Train until it fails, and return what is known of that."""
    session.run()
    with pytest.raises(Exception):  # noqa: B017, PT011
        session.wait(120)
    assert session.state == "failed"
    return session.post_mortem()


def model_of(*layers: Any, **compile_arguments: Any) -> Any:
    import keras

    model = keras.Sequential(list(layers))
    model.compile(**{"optimizer": "sgd", "loss": "mse", **compile_arguments})
    return model


def wrong_shape() -> Session:
    """A layer of the user's whose product does not fit, in a subclassed model that its first step builds."""
    import keras
    import tensorflow as tf

    class Product(keras.layers.Layer):
        def build(self, shape: Any) -> None:
            self.matrix = self.add_weight(shape=(7, 2), name="matrix")

        def call(self, x: Any) -> Any:
            return tf.matmul(x, self.matrix)

    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="net")
            self.body, self.product = keras.layers.Dense(4, name="body"), Product(name="product")

        def call(self, x: Any) -> Any:
            return self.product(self.body(x))

    model = Net()
    model.compile("sgd", "mse")
    return Network(model, features(), features(width=2)).session()


def wrong_width() -> Session:
    """A layer of Keras' that refuses what it is fed, deep in a model of models that was built for something else."""
    import keras

    class Cut(keras.layers.Layer):
        whole = True

        def call(self, x: Any) -> Any:
            return x if self.whole else x[:, :3]

    cut = Cut(name="cut")
    inner = keras.Sequential([keras.Input((5,)), cut, keras.layers.Dense(2, name="narrow")], name="inner")
    model = model_of(keras.Input((5,)), inner)
    cut.whole = False
    return Network(model, features(), features(width=2)).session()


def out_of_range() -> Session:
    """An embedding that is asked for a token that it has not, in one batch of the first epoch: a graph's error."""
    import keras

    tokens = networks.sentences()
    tokens[13, 0] = 99
    model = model_of(
        keras.Input((5,), dtype="int32"),
        keras.layers.Embedding(9, 4, name="words"),
        keras.layers.Flatten(),
        keras.layers.Dense(1),
    )
    return Network(model, tokens, features(width=1)).session()


def in_train_step() -> Session:
    """An exception of the user's in a step of their own, between two layers."""
    import keras
    import tensorflow as tf

    class Own(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.head = keras.layers.Dense(1, name="head")

        def call(self, x: Any) -> Any:
            return self.head(x)

        def train_step(self, data: Any) -> Any:
            x, y = data
            with tf.GradientTape() as tape:
                prediction = self(x, training=True)
                loss = tf.reduce_mean(tf.square(prediction - y[:, :0]["wrong"]))
            return {"loss": loss, "n": len(tape.watched_variables())}

    model = Own()
    model.compile("sgd")
    return Network(model, features(), features(width=1)).session()


def loss_of_wrong_shape() -> Session:
    """Targets of another width than the outputs."""
    import keras

    return Network(
        model_of(keras.Input((5,)), keras.layers.Dense(3, name="d")), features(), features(width=2)
    ).session()


def in_a_loss() -> Session:
    """A loss of the user's that raises."""
    import keras

    def own_loss(y: Any, outputs: Any) -> Any:
        raise KeyError("no such loss")

    return Network(
        model_of(keras.Input((5,)), keras.layers.Dense(2, name="d"), loss=own_loss), features(), features(width=2)
    ).session()


def in_a_generator() -> Session:
    """Data that end in an exception."""

    def failing() -> Iterator[Any]:
        for _ in range(5):
            yield features(4), classes(4)
        raise OSError("no more data")

    return Network(networks.mlp().model, failing()).session(epochs=1)


def in_a_callback() -> Session:
    """A callback that raises."""
    import keras

    def fail(batch: int, logs: Any) -> None:
        raise RuntimeError("in the callback")

    return networks.line().session(callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=fail)])


CASES: dict[str, tuple[Callable[[], Session], str, str | None, str, str]] = {
    "a layer of the user's": (wrong_shape, "layer", "product", "(None,4) float32", "tf.matmul(x, self.matrix)"),
    "a layer of Keras'": (wrong_width, "layer", "inner/narrow", "(None,3) float32", ""),
    "an index out of range": (out_of_range, "layer", "words", "5) int32", ""),
    "a train_step": (in_train_step, "step", None, "", 'y[:, :0]["wrong"]'),
    "targets of another width": (loss_of_wrong_shape, "loss", None, "y=(None,2) float32, y_pred=(None,3) float32", ""),
    "a loss of the user's": (in_a_loss, "loss", None, "y=(None,2) float32", 'raise KeyError("no such loss")'),
    "data": (in_a_generator, "data", None, "", 'raise OSError("no more data")'),
    "a callback": (in_a_callback, "callback", None, "", 'raise RuntimeError("in the callback")'),
}


@pytest.mark.parametrize("case", CASES)
def test_K15_a_failure_is_told_with_its_layer_its_inputs_and_the_users_line(case: str) -> None:
    make, part, layer, inputs, code = CASES[case]
    with make() as session:
        found = failed(session)
        assert (found.part, found.layer) == (part, layer)
        assert inputs in repr(found)
        assert session.error is not None
        assert found.error == type(session.error).__name__
        if code:
            assert found.line is not None
            assert found.line.file == __file__
            assert code in found.line.code == linecache.getline(__file__, found.line.line).strip()
        html = found._repr_html_()
        assert found.error in html
        assert "<script" not in html


def test_the_step_that_failed_is_counted() -> None:
    with out_of_range() as session:
        found = failed(session)
        assert found.step == session.step_index + 1
        assert found.found == "by running the batch again, eagerly"
        assert re.fullmatch(r"indices\[\d,0\] = 99 is not in \[0, 9\)", found.message)
    with in_a_generator() as session:
        assert failed(session).step == 5


def test_a_post_mortem_leaves_the_state_as_the_failure_did() -> None:
    with out_of_range() as session:
        session.run()
        with pytest.raises(Exception):  # noqa: B017, PT011
            session.wait(120)
        before = everything(session)
        first, second = repr(session.post_mortem()), repr(session.post_mortem())
        assert first == second
        assert_same(everything(session), before)
        session.rewind(0)
        assert session.state == "paused"
        with pytest.raises(NotFailed, match="which is paused"):
            session.post_mortem()


def test_where_the_batch_that_failed_is_gone_the_error_names_the_layer() -> None:
    """The batches come once, and the plain step takes them inside of the graph."""
    import keras

    def batches() -> Iterator[Any]:
        yield networks.sentences(4), features(4, width=1)
        yield np.full((4, 5), 77), features(4, width=1)

    model = model_of(
        keras.Input((5,), dtype="int32"),
        keras.layers.Embedding(9, 4, name="words"),
        keras.layers.Flatten(),
        keras.layers.Dense(1),
    )
    with Network(model, batches()).session(epochs=1, probe=Probe(layers=()), snapshots=False) as session:
        found = failed(session)
    assert (found.layer, found.found) == ("words", "by the name in the error")


def test_the_debugger_opens_at_the_users_frame_with_the_values_of_the_batch() -> None:
    import keras
    import tensorflow as tf

    class Checked(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            largest = tf.reduce_max(x)
            tf.debugging.assert_less(largest, 50.0)
            return x

    x = features()
    x[5, 1] = 1e3
    model = model_of(keras.Input((5,)), Checked(name="checked"), keras.layers.Dense(2))
    said = io.StringIO()
    with Network(model, x, features(width=2)).session() as session:
        failed(session)

        def debugger(traceback: TracebackType) -> None:
            real = pdb.Pdb(stdin=io.StringIO("p float(largest)\nq\n"), stdout=said, nosigint=True, readrc=False)
            real.reset()
            real.interaction(None, traceback)

        found = session.post_mortem(debugger=debugger)
    assert found.layer == "checked"
    assert "1000.0" in said.getvalue()


def test_a_session_that_has_not_failed_has_nothing_to_show(session: Session) -> None:
    with pytest.raises(NotFailed, match="which is idle"):
        session.post_mortem()


def test_a_failure_in_the_validation_is_told_as_one() -> None:
    import keras

    class Small(keras.layers.Layer):
        def call(self, x: Any, training: bool = False) -> Any:
            if not training:
                raise NotImplementedError("not for inference")
            return x

    model = model_of(keras.Input((5,)), keras.layers.Dense(2), Small(name="small"))
    data = features(), features(width=2)
    with Network(model, *data).session(validation_data=data) as session:
        found = failed(session)
    assert (found.part, found.layer, found.step) == ("validation", "small", 3)
