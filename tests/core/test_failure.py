"""An exception of the user's ends the session in a way that shows where it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnviz_widgets.core.failure import failure_text, failure_title, trimmed_traceback
from nnviz_widgets.core.probe import Probe
from tests.core import networks
from tests.core.networks import Network

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nnviz_widgets.core.session import Session

pytestmark = pytest.mark.filterwarnings("ignore:`shuffle=True` was passed, but will be ignored")


class Boom(Exception):
    """What the user's code raises here."""


def on(data: Any) -> Session:
    """Return a session of `networks.mlp` on other data."""
    return Network(networks.mlp().model, data).session(probe=Probe(every=1), epochs=1)


def batch() -> tuple[np.ndarray, np.ndarray]:
    return networks.features(4), networks.classes(4)


def in_a_generator() -> Session:
    def failing_generator() -> Iterator[Any]:
        for _ in range(5):
            yield batch()
        raise Boom("in the generator")

    return on(failing_generator())


def in_a_py_dataset(workers: int = 1) -> Session:
    import keras

    class Failing(keras.utils.PyDataset):
        def __len__(self) -> int:
            return 9

        def __getitem__(self, index: int) -> Any:
            if index == 5:
                raise Boom("in the data set")
            return batch()

    network = Network(networks.mlp().model, Failing(workers=workers))
    return network.session(probe=Probe(every=1), epochs=1, shuffle=False)


def in_a_loader() -> Session:
    class FailingLoader:
        def __len__(self) -> int:
            return 9

        def __iter__(self) -> Iterator[Any]:
            for _ in range(5):
                yield list(batch())
            raise Boom("in the loader")

    return on(FailingLoader())


def in_a_callback() -> Session:
    import keras

    def fail_in_callback(index: int, logs: Any) -> None:
        if index == 5:
            raise Boom("in the callback")

    callback = keras.callbacks.LambdaCallback(on_train_batch_end=fail_in_callback)
    return networks.line().session(probe=Probe(every=1), callbacks=[callback], batch_size=2)


WHERE: dict[str, tuple[Callable[[], Session], str]] = {
    "generator": (in_a_generator, "failing_generator"),
    "PyDataset": (in_a_py_dataset, "__getitem__"),
    "PyDataset with two workers": (lambda: in_a_py_dataset(2), "__getitem__"),
    "loader": (in_a_loader, "__iter__"),
    "callback": (in_a_callback, "fail_in_callback"),
}


@pytest.mark.parametrize("where", WHERE)
def test_K15_exception_of_the_user_fails_the_session_and_keeps_what_was_recorded(where: str) -> None:
    """The exception itself is raised, by every call that trains or waits; reading goes on."""
    make, function = WHERE[where]
    with make() as session:
        session.run()
        with pytest.raises(Boom):
            session.wait(60)
        assert session.state == "failed"
        assert isinstance(session.error, Boom)
        assert session.step_index == 5
        assert session.recording.steps.tolist() == [1, 2, 3, 4, 5]
        layer = session.recording.layers[0].path
        assert session.recording.tensor_steps(layer, "weights").tolist() == [0, 1, 2, 3, 4, 5]
        assert session.batch is not None
        for call in (session.run, session.step, session.wait):
            with pytest.raises(Boom):
                call()
        assert session.step_index == 5
        assert_shows_the_users_code(session.failure_text, function)
        assert session.failure_title.startswith("Boom: in the ")
        assert "Boom: in the " in repr(session)
        session.stop()
        assert session.state == "failed"
    assert session.state == "failed"
    assert isinstance(session.error, Boom)


def assert_shows_the_users_code(text: str | None, function: str) -> None:
    """Fail unless a traceback ends in a function of this file, and shows no library."""
    assert text is not None
    assert text.startswith("Traceback (most recent call last):\n")
    frames = [line for line in text.splitlines() if line.startswith("  File ")]
    assert __file__ in frames[-1]
    assert frames[-1].endswith(f", in {function}")
    for library in ("/keras/", "/tensorflow/", "/nnviz_widgets/"):
        assert library not in text
    assert "Boom: " in text[text.index(frames[-1]) :]


def test_K15_exception_in_a_map_of_a_dataset_shows_the_users_function() -> None:
    """tf.data hands on its text alone; the traceback is made of that."""
    import tensorflow as tf

    def fail_in_map(i: Any) -> Any:
        if int(i) == 5:
            raise Boom("in the map")
        return networks.features(1)[0]

    def made(i: Any) -> tuple[Any, Any]:
        x = tf.py_function(fail_in_map, [i], tf.float32)
        x.set_shape((5,))
        return x, 1

    with on(tf.data.Dataset.range(9).map(made).batch(1)) as session:
        session.run()
        with pytest.raises(Exception, match="in the map"):
            session.wait(60)
        assert session.step_index == 5
        assert_shows_the_users_code(session.failure_text, "fail_in_map")
        assert session.failure_title == "Boom: in the map"


def subclassed(fails_in: str) -> Network:
    """Return a model whose `call` or `train_step` raises when it is traced."""
    import keras

    class Failing(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = keras.layers.Dense(2)

        def call(self, x: Any) -> Any:
            if fails_in == "call":
                raise Boom("in the call")
            return self.dense(x)

        def train_step(self, data: Any) -> Any:
            if fails_in == "train_step":
                raise Boom("in the train_step")
            return super().train_step(data)

    model = Failing()
    model.compile("sgd", "mse")
    return Network(model, networks.features(), networks.features(width=2))


@pytest.mark.parametrize("where", ["call", "train_step"])
def test_exception_in_the_model_fails_the_session_before_its_first_step(where: str) -> None:
    with subclassed(where).session() as session:
        with pytest.raises(Boom):
            session.step()
        assert session.state == "failed"
        assert session.step_index == 0
        assert_shows_the_users_code(session.failure_text, where)


def test_labels_that_do_not_fit_the_outputs_fail_in_keras_own_words() -> None:
    """Nothing here is the user's code, so the message has to say it."""
    network = networks.line()
    network.y = networks.features(width=3)
    with network.session() as session:
        with pytest.raises(Exception, match=r"3.*2|2.*3"):
            session.step()
        assert session.state == "failed"
        assert session.failure_text
        assert session.failure_title


def test_failed_validation_fails_the_session_at_the_end_of_the_epoch() -> None:
    with networks.line().session(validation_data=(networks.features(4), networks.features(4, 7))) as session:
        with pytest.raises(Exception, match=r"7|shape"):
            session.step(3)
        assert session.state == "failed"
        assert session.recording.steps.tolist() == [1, 2]


def test_failed_session_frees_its_model_for_another() -> None:
    with in_a_callback() as session:
        session.run()
        with pytest.raises(Boom):
            session.wait(60)
        model = session.model
    with Network(model, networks.features(), networks.features(width=2)).session() as second:
        assert second.step().step == 1


# --- tracebacks ---


def _raised(error: BaseException) -> BaseException:
    try:
        raise error
    except type(error) as caught:
        return caught


def test_traceback_of_the_users_own_code_is_left_as_it_is() -> None:
    error = _raised(Boom("here"))
    trimmed = trimmed_traceback(error)
    assert trimmed is not None
    assert trimmed.tb_frame.f_code.co_name == "_raised"
    assert_shows_the_users_code(failure_text(error, trimmed), "_raised")


def test_traceback_without_a_frame_of_the_user_is_shown_whole() -> None:
    error = _of_a_library("raise ValueError('deep')")
    assert trimmed_traceback(error) is error.__traceback__
    assert "deep.py" in failure_text(error, trimmed_traceback(error))


def _read_file() -> None:
    raise KeyError("label 11")


def _raise_from(cause: BaseException | None) -> None:
    raise Boom("a bad sample") from cause


def _chained(how: str) -> BaseException:
    """Return an exception that was raised while handling another one."""
    try:
        try:
            _read_file()
        except KeyError as error:
            if how == "context":
                raise Boom("a bad sample")  # noqa: B904
            _raise_from(error if how == "cause" else None)
    except Boom as error:
        return error
    raise AssertionError


@pytest.mark.parametrize(
    ("how", "joint"),
    [("cause", "The above exception was the direct cause"), ("context", "During handling of the above exception")],
)
def test_what_an_exception_was_raised_from_stands_before_it_with_its_own_frames(how: str, joint: str) -> None:
    error = _chained(how)
    text = failure_text(error, trimmed_traceback(error))
    cause, _, rest = text.partition(joint)
    assert "in _read_file" in cause
    assert cause.rstrip().endswith("KeyError: 'label 11'")
    assert_shows_the_users_code(text, "_raise_from" if how == "cause" else "_chained")
    assert rest.endswith("Boom: a bad sample")
    assert failure_title(error) == "Boom: a bad sample"


def test_an_exception_raised_from_none_stands_alone() -> None:
    error = _chained("none")
    assert "KeyError" not in failure_text(error, trimmed_traceback(error))


def _of_a_library(source: str) -> BaseException:
    """Return the exception that code of a library raises, without a frame of this file."""
    namespace: dict[str, Any] = {}
    exec(compile(f"def f(): {source}", "/x/site-packages/keras/deep.py", "exec"), namespace)
    with pytest.raises(ValueError, match=r"\w") as caught:
        namespace["f"]()
    return caught.value.with_traceback(caught.tb.tb_next)


def test_what_a_library_caught_from_itself_is_left_out_unless_it_is_the_cause() -> None:
    error = _raised(Boom("here"))
    error.__context__ = _of_a_library("raise ValueError('inside')")
    assert "inside" not in failure_text(error, trimmed_traceback(error))
    error.__cause__ = error.__context__
    assert "inside" in failure_text(error, trimmed_traceback(error))


def test_a_circle_of_causes_ends() -> None:
    error, other = _raised(Boom("one")), _raised(Boom("other"))
    error.__cause__, other.__cause__ = other, error
    text = failure_text(error, trimmed_traceback(error))
    assert text.count("Boom: one") == text.count("Boom: other") == 1


@pytest.mark.parametrize(
    ("error", "title"),
    [(Boom(), "Boom"), (Boom("one\ntwo"), "Boom: one"), (KeyError("x"), "KeyError: 'x'")],
)
def test_title_is_one_line(error: BaseException, title: str) -> None:
    assert failure_title(error) == title


def test_title_is_the_line_that_says_what_is_wrong() -> None:
    """Keras puts a line in front that names the layer, and colours."""
    text = (
        "Exception encountered when calling Sequential.call().\n\n\x1b[1mExpected shape (None, 784)\x1b[0m\n\nArguments"
    )
    error = ValueError(text)
    assert failure_title(error) == "ValueError: Expected shape (None, 784)"
    assert "\x1b" not in failure_text(error, None)


def test_what_an_operation_of_the_graph_said_comes_last():
    node = "loss/SparseSoftmaxCrossEntropyWithLogits"
    message = (
        f"Graph execution error:\n\nDetected at node {node} defined at (most recent call last):\n"
        f'  File "/lib/python3.11/site-packages/keras/src/ops/nn.py", line 2216, in loss\n\n'
        f'  File "/notebooks/train.py", line 7, in my_loss\n\n'
        f"Received a label value of 11 which is outside the valid range of [0, 3).\n\t "
        f"[[{{{{node {node}}}}}]] [Op:step]"
    )
    said = "RuntimeError: Received a label value of 11 which is outside the valid range of [0, 3)."
    assert failure_title(RuntimeError(message)) == said
    text = failure_text(RuntimeError(message), None)
    assert text.splitlines() == [
        "Traceback (most recent call last):",
        '  File "/notebooks/train.py", line 7, in my_loss',
        f"in the node {node} of the compiled step:",
        said,
    ]
