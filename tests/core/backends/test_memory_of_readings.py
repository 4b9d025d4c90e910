"""When reading takes more memory than there is: the largest tensors are left out, and training goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnviz_widgets.core.backends.tensorflow.memory import LeftOut, largest, n_values, without
from nnviz_widgets.core.frame import Catalogue, TensorKey, TensorSpec
from nnviz_widgets.core.probe import Probe
from nnviz_widgets.errors import TensorUnavailable
from tests.core import networks
from tests.core.backends.test_parity import assert_same, fitted, watched
from tests.core.networks import Network, seeded
from tests.waiting import LIMIT_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnviz_widgets.core.session import Session


def short_of_memory(*names: str, **compile_arguments: Any) -> Callable[[], Network]:
    """Return a maker of a network whose layers `names` find no memory while somebody reads them."""

    @seeded
    def make() -> Network:
        import keras
        import tensorflow as tf

        def refuse() -> None:
            raise MemoryError("no memory is left")  # TensorFlow makes a ResourceExhaustedError of it

        class Large(keras.layers.Dense):
            def call(self, x: Any, training: bool | None = None) -> Any:
                if self.name in names and "call" in vars(self):
                    with tf.control_dependencies([tf.py_function(refuse, [], [])]):
                        x = tf.identity(x)
                return super().call(x)

        layers = [Large(300, "relu", name="wide"), Large(3, name="narrow"), Large(2, name="out")]
        model = keras.Sequential([keras.Input((5,)), *layers])
        model.compile(**{"optimizer": "adam", "loss": "mse", **compile_arguments})
        return Network(model, networks.features(), networks.features(width=2))

    return make


def notices(session: Session) -> list[tuple[int, str]]:
    return [(step, text) for step, name, text in session.recording.events if name == "notice"]


def test_K17_the_largest_is_left_out_and_the_step_is_taken_without_reading() -> None:
    with short_of_memory("wide")().session(probe=Probe(every=1)) as session:
        session.step(4)
        recording = session.recording
        sentence = "not enough memory for activations of 'wide' (9.6 kB)"
        assert notices(session) == [(1, f"{sentence}; it is not read any more")]
        assert recording.why("wide", "activations") == sentence
        assert recording.why("wide", "activation_gradients") == sentence
        with pytest.raises(TensorUnavailable, match="not enough memory"):
            recording.tensor("wide", "activations")
        assert recording.tensor_steps("wide", "gradients").tolist() == [2, 3, 4]
        assert recording.tensor_steps("narrow", "activations").tolist() == [2, 3, 4]
        assert recording.steps.tolist() == [1, 2, 3, 4]


def test_K17_a_model_run_eagerly_goes_on_unread() -> None:
    """Without a trace nobody knows the sizes of its activations."""
    with short_of_memory("wide", run_eagerly=True)().session(probe=Probe(every=1)) as session:
        session.step(9)
        assert session.state == "finished"
        assert "nothing can be read from this model: ResourceExhaustedError" in notices(session)[-1][1]


def test_K17_training_is_that_of_fit_and_no_batch_is_lost() -> None:
    make = short_of_memory("wide", "narrow")
    assert_same(watched(make(), Probe(every=1)), fitted(make()))


def test_K17_a_batch_larger_than_all_before_is_not_counted_twice() -> None:
    """Moving statistics and metrics change early in a step: they must not be those of two."""

    @seeded
    def make() -> Network:
        import keras
        import tensorflow as tf

        def refuse(x: Any) -> None:
            if len(x) > 4:
                raise MemoryError("no memory is left")

        class Large(keras.layers.Dense):
            def call(self, x: Any, training: bool | None = None) -> Any:
                if "call" in vars(self):
                    with tf.control_dependencies([tf.py_function(refuse, [x], [])]):
                        x = tf.identity(x)
                return super().call(x)

        layers = [keras.layers.BatchNormalization(name="norm"), Large(300, name="wide"), Large(2, name="out")]
        model = keras.Sequential([keras.Input((5,)), *layers])
        model.compile("sgd", "mse")
        data = tf.data.Dataset.from_tensor_slices((networks.features(), networks.features(width=2)))
        return Network(model, data.take(8).batch(4).concatenate(data.batch(8)), arguments={"shuffle": False})

    assert_same(watched(make(), Probe(every=1)), fitted(make()))


@seeded
def short_at_the_second_step() -> Network:
    """A network that finds no memory for its second reading, of a batch as large as the first."""
    import keras
    import tensorflow as tf

    calls: list[int] = []

    def refuse() -> None:
        calls.append(1)
        if len(calls) == 2:
            raise MemoryError("no memory is left")

    class Large(keras.layers.Dense):
        def call(self, x: Any, training: bool | None = None) -> Any:
            if "call" in vars(self):
                with tf.control_dependencies([tf.py_function(refuse, [], [])]):
                    x = tf.identity(x)
            return super().call(x)

    model = keras.Sequential([keras.Input((5,)), keras.layers.BatchNormalization(name="norm"), Large(9, name="wide")])
    model.compile("sgd", "mse")
    return Network(model, networks.features(), networks.features(width=9))


def test_K17_what_a_step_without_a_copy_had_changed_is_said() -> None:
    """A batch no larger than one that was read before: nobody expected it to need more memory."""
    with short_at_the_second_step().session(probe=Probe(every=1)) as session:
        session.step(3)
        said = [text for step, text in notices(session) if step == 2]
        assert len(said) == 2, notices(session)
        assert said[0].startswith("not enough memory for ")
        assert said[1] == (
            "memory ran short within a step: metrics, moving statistics and random numbers that it had changed by "
            "then count its batch twice (steps: 1)"
        )
        assert [step for step, _ in notices(session)] == [2, 2]


def test_n_values_counts_what_rows_of_any_length_hold() -> None:
    import tensorflow as tf

    assert n_values((tf.zeros((3, 4)), {"y": tf.zeros((3,))}, None)) == 15
    longer, shorter = (tf.ragged.constant([[1.0] * n, [1.0]]) for n in (9, 2))
    assert n_values((longer, None)) - n_values((shorter, None)) == 7


def test_K17_one_after_the_other_is_left_out_largest_first() -> None:
    with short_of_memory("wide", "narrow")().session(probe=Probe(every=1)) as session:
        session.step(7)
        texts = [text for _, text in notices(session)]
        order = [text.split("'")[1] for text in texts if "activations" in text]
        assert order == ["wide", "narrow"]
        assert texts[0].startswith("not enough memory for activations of 'wide'"), texts
        assert session.recording.tensor_steps("out", "activations")[-1] == 7
        assert session.state == "paused"


def test_K17_a_step_that_has_no_memory_by_itself_fails_as_in_fit() -> None:
    import tensorflow as tf

    def refuse(x: Any) -> Any:
        raise MemoryError("no memory is left")

    network = networks.line()
    data = tf.data.Dataset.from_tensor_slices((network.x, network.y)).batch(8)
    broken = data.map(lambda x, y: (tf.ensure_shape(tf.py_function(refuse, [x], tf.float32), (None, 5)), y))
    with Network(network.model, broken).session(probe=Probe(every=1), shuffle=False) as session:
        session.run()
        with pytest.raises(tf.errors.ResourceExhaustedError):
            session.wait(LIMIT_S)
        assert session.state == "failed"


def _spec(path: str, kind: str, *shape: int | None) -> TensorSpec:
    return TensorSpec(TensorKey(path, kind), shape, "float32", tuple(str(i) for i in range(len(shape))))


def test_K17_sizes_are_those_of_the_whole_batch() -> None:
    catalogue = Catalogue(
        specs=(_spec("conv3", "activations", 16, 500, 300), _spec("conv3#1", "activations", 16, 500, 300)),
    )
    found = largest(catalogue, 1000)
    assert found == LeftOut("conv3", "activations", 2 * 1000 * 500 * 300 * 4)
    assert found.reason == "not enough memory for activations of 'conv3' (1.2 GB)"
    assert without(catalogue, [found]).specs == ()
    assert largest(Catalogue(), 8) is None
    weights = Catalogue(specs=(_spec("d", "weights", 40, 30), _spec("d", "activations", 16, 2)))
    assert largest(weights, 8) == LeftOut("d", "weights", 4800)
    assert [spec.key.kind for spec in without(weights, [largest(weights, 8)]).specs] == ["activations"]
    np.testing.assert_equal(
        without(weights, [largest(weights, 8)]).reasons["d", "gradients"], largest(weights, 8).reason
    )
