"""P04: what is planted in the data, in paths and in names is found nowhere in a file of the safe default.

Every byte of the file is searched, and every byte of what is packed in it, for each form that a value may have.
"""

from __future__ import annotations

import getpass
import inspect
import json
import socket
import struct
from dataclasses import replace
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from nnviz_widgets.core.frame import TensorKey, batch_key
from nnviz_widgets.sharing.export import export_html
from nnviz_widgets.sharing.privacy import Privacy
from nnviz_widgets.sharing.reasons import UNREADABLE
from tests.sharing import runs
from tests.sharing.files import SharedFile

CANARIES = {
    "inputs": [7331.53125, -815.40625, 4242.28125, 60606.8125],
    "labels": [918273645.0],
    "activations": [531.734375, 8675.3125, -299.796875, 1618.03125],
    "gradients": [-2718.28125, 6.62607, 1729.09375, -1414.21875],
    "activation_gradients": [3141.59375, -1202.05625, 905.71875, 2236.06875],
}
"""Runs of numbers that nothing else makes."""

LABEL = "label-of-the-canary"


def plant(step, arrays):
    """Put each run of numbers at the beginning of each sample or row of its kind."""
    for key, array in arrays.items():
        kind = "inputs" if key == batch_key(0) or key.layer == "flatten" else key.kind
        if kind in CANARIES and array.shape[-1] >= 4:
            array.reshape(-1, array.shape[-1])[:, :4] = CANARIES[kind]
        elif kind in CANARIES and array.ndim:
            array[...] = CANARIES[kind][0]


def forms(numbers):
    """The bytes of a run of numbers in every form in which they may stand in a file."""
    for dtype in ("<f4", ">f4", "<f8", "<f2", ml_dtypes.bfloat16):
        with np.errstate(over="ignore"):
            array = np.array(numbers).astype(dtype)
        yield array.tobytes()
        planes = np.frombuffer(array.tobytes(), np.uint8).reshape(len(numbers), -1).T
        yield from (
            b"".join(plane.tobytes() for plane in planes[order]) for order in (slice(None), slice(None, None, -1))
        )
    for number in numbers:
        yield from (text.encode() for text in (repr(number), f"{number:.6g}", f"{number:.3f}") if len(text) > 5)
        yield struct.pack("<f", number)


def found_in(shared, forms):
    """Which of these stand anywhere in a file."""
    everything = shared.every_byte()
    return [form for form in set(forms) if len(form) > 3 and any(form in data for data in everything)]


@pytest.fixture(scope="module")
def recording():
    return runs.run(3, n_samples=12, known=runs.catalogue(n_hidden=8, n_out=4), change=plant)


@pytest.fixture
def read(tmp_path):
    def read(source, **arguments):
        path = tmp_path / "file.html"
        export_html(source, path, **arguments)
        return SharedFile(path.read_text(encoding="utf-8"))

    return read


def test_p04_no_value_of_a_sample_or_batch_is_in_a_file_of_the_safe_default(recording, read):
    shared = read(recording)
    for kind, numbers in CANARIES.items():
        assert found_in(shared, forms(numbers)) == [], kind
    assert found_in(shared, [b"digit 3"]) == []


@pytest.mark.parametrize("kind", ["activations", "inputs", "gradients", "activation_gradients"])
def test_p04_what_is_opened_is_found_by_the_same_search(recording, read, kind):
    opened = "gradients" if kind == "activation_gradients" else kind
    shared = read(recording, privacy=Privacy(include=(opened,)))
    assert found_in(shared, forms(CANARIES[kind]))
    for other, numbers in CANARIES.items():
        if other not in (kind, "activation_gradients" if kind == "gradients" else "gradients"):
            assert found_in(shared, forms(numbers)) == [], other


def test_p04_labels_only_if_they_are_opened(recording, read):
    assert (
        found_in(read(recording, privacy=Privacy(include=("activations", "gradients", "inputs"))), [b"digit 3"]) == []
    )
    assert found_in(read(recording, privacy=Privacy(include=("labels",))), [b"digit 3"])


def test_p04_what_only_one_sample_has_is_no_end_of_a_histogram(read):
    def one(step, arrays):
        if step:
            arrays[TensorKey("hidden", "activations")][3, 2] = 8675.3125
            arrays[TensorKey("hidden", "gradients", "kernel")][3, 2] = -2718.28125

    shared = read(runs.run(2, change=one))
    assert shared.pictures("hidden", "activations")[0].high > 8675.3125
    assert found_in(shared, [*forms([8675.3125]), *forms([-2718.28125])]) == []


def test_p04_nothing_names_a_place_a_person_or_a_machine(recording, read, tmp_path, monkeypatch):
    folder = tmp_path / "cwd-of-the-canary"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for shared in (read(recording), read(recording, privacy=Privacy(include=tuple(Privacy.REVEALS)))):
        names = [Path.cwd(), tmp_path, Path.home(), Path(__file__).parent, "cwd-of-the-canary"]
        words = [*(str(name) for name in names), socket.gethostname()]
        user = getpass.getuser()
        words += [f"/{user}", f'"{user}"', f"{user}@"]
        assert found_in(shared, [word.encode() for word in words if len(word) > 3]) == []


def test_p04_an_event_that_quotes_a_callback_is_not_in_any_file(read):
    recording = runs.run(1)
    recording.add_event(1, "notice", f"callback {Path(__file__)} failed: {LABEL}")
    recording.add_event(1, "of another kind", LABEL)
    shared = read(recording, privacy=Privacy(include=tuple(Privacy.REVEALS)))
    assert found_in(shared, [LABEL.encode(), b"test_canaries"]) == []


def test_p04_why_a_model_cannot_be_read_is_told_without_the_words_of_the_exception(read):
    why = f"nothing can be read from this model: {LABEL} in {Path(__file__)}"
    known = replace(runs.catalogue(), reasons={("flatten", "weights"): why, ("flatten", "gradients"): "it is fixed"})
    shared = read(runs.run(1, known=known), privacy=Privacy(include=tuple(Privacy.REVEALS)))
    assert found_in(shared, [LABEL.encode(), b"test_canaries"]) == []
    told = {"weights": "nothing can be read from this model", "gradients": "it is fixed"}
    reasons = next(layer.reasons for layer in shared.document.layers if layer.path == "flatten")
    assert {kind: reasons[kind] for kind in told} == told


def test_p04_a_model_whose_step_cannot_be_read_says_so_with_that_beginning():
    """It is by the beginning that a file knows such a reason."""
    pytest.importorskip("keras")
    from nnviz_widgets.core.backends.tensorflow import step

    assert f'f"{UNREADABLE}: ' in inspect.getsource(step)


def test_p04_a_failed_session_keeps_its_words_to_itself(read):
    keras = pytest.importorskip("keras")
    import nnviz_widgets as nnviz

    class Fails(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                raise RuntimeError(f"{LABEL} in {Path(__file__)}")

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    model.compile("sgd", "mse")
    x, y = np.full((48, 4), 7331.53125, "f4"), np.full((48, 3), -815.40625, "f4")
    with nnviz.TrainingSession(model, x, y, batch_size=16, callbacks=[Fails()], probe=nnviz.Probe(every=1)) as session:
        with pytest.raises(RuntimeError, match=LABEL):
            session.step(3)
        assert session.state == "failed"
        shared = read(session)
        assert shared.document.status.state == "failed"
        words = [LABEL.encode(), b"test_canaries", b"RuntimeError", b"Traceback"]
        assert found_in(shared, [*words, *forms([7331.53125]), *forms([-815.40625])]) == []
        assert shared.pictures(tensor="weights")


def test_p04_the_mean_that_a_normalization_learned_is_data(read):
    keras = pytest.importorskip("keras")
    import nnviz_widgets as nnviz

    keras.utils.set_random_seed(1)
    x, y = np.tile(np.array(CANARIES["inputs"], "f4"), (48, 1)), np.zeros((48, 1), "f4")
    x[::2, 1] += 1
    normalization = keras.layers.Normalization()
    normalization.adapt(x)
    layers = normalization, keras.layers.BatchNormalization(name="batch"), keras.layers.Dense(1, name="dense")
    model = keras.Sequential([keras.Input((4,)), *layers])
    model.compile("sgd", "mse")
    with nnviz.TrainingSession(model, x, y, batch_size=16, probe=nnviz.Probe(every=1)) as session:
        session.step(3)
        shared = read(session)
        assert found_in(shared, [*forms(x[0, :1].tolist()), *forms(x[0, 2:].tolist())]) == []
        drawn = [each for each in shared.pictures() if each.cells >= 0]
        variables = {(each.layer, shared.document.headers[each.header].variable) for each in drawn}
        assert variables == {("batch", "gamma"), ("batch", "beta"), ("dense", "kernel"), ("dense", "bias")}
        opened = read(session, privacy=Privacy(include=("inputs",)))
        assert found_in(opened, forms(x[0, 2:].tolist()))


def test_p04_the_mean_image_that_a_normalization_learned_is_data_and_so_is_what_it_puts_out(read):
    keras = pytest.importorskip("keras")
    import nnviz_widgets as nnviz

    keras.utils.set_random_seed(1)
    image = np.tile(np.array(CANARIES["inputs"], "f4"), (4, 1))
    x, y = np.tile(image, (48, 1, 1)), np.zeros((48, 1), "f4")
    normalization = keras.layers.Normalization(axis=(1, 2), name="normalization")
    normalization.adapt(x)
    normalization.adapt_variance.assign(np.ones((4, 4), "f4"))
    normalization.finalize_state()
    scale = keras.layers.PReLU(alpha_initializer="ones", name="scale")
    after = normalization, keras.layers.Flatten(), keras.layers.Dense(1)
    model = keras.Sequential([keras.Input((4, 4)), scale, *after])
    model.compile("sgd", "mse")
    with nnviz.TrainingSession(model, x, y, batch_size=16, probe=nnviz.Probe(every=1)) as session:
        session.step(3)
        assert found_in(read(session), forms(CANARIES["inputs"])) == []
        shared = read(session, privacy=Privacy(include=("activations", "gradients")))
        assert found_in(shared, forms(CANARIES["inputs"])) == []
        assert not [each for each in shared.pictures("scale", "activations") if each.cells >= 0]
        assert found_in(read(session, privacy=Privacy(include=("inputs",))), forms(CANARIES["inputs"]))


def test_p04_the_mean_that_a_rescaling_takes_off_is_data(read):
    keras = pytest.importorskip("keras")
    import nnviz_widgets as nnviz

    mean = -CANARIES["inputs"][0]
    rescaling = keras.layers.Rescaling(2.0, offset=mean, name="rescaling")
    model = keras.Sequential([keras.Input((4,)), rescaling, keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.zeros((16, 4), "f4")
    with nnviz.TrainingSession(model, x, x[:, :1], batch_size=16, probe=nnviz.Probe(every=1)) as session:
        session.step()
        assert f"{mean:.6g}" in str(session.recording.why("rescaling", "weights"))
        shared = read(session)
    assert found_in(shared, [*forms([mean]), f"{mean:.6g}".encode()]) == []
    (layer,) = [layer for layer in shared.document.layers if layer.path == "rescaling"]
    assert "its scale and offset are fixed numbers" in layer.reasons["weights"]


@pytest.mark.parametrize("traced", [True, False])
def test_p04_samples_and_labels_that_a_layer_of_ones_own_remembers_are_data(read, traced):
    keras = pytest.importorskip("keras")
    import nnviz_widgets as nnviz

    class Nearest(keras.layers.Layer):
        def build(self, shape):
            self.kernel = self.add_weight((4, 4), name="kernel")
            self.memory = self.add_weight((8, 4), trainable=False, name="memory")
            self.targets = self.add_weight((8,), trainable=False, name="targets", dtype="float32")

        def call(self, x):
            return keras.ops.softmax(x @ self.kernel @ keras.ops.transpose(self.memory)) * self.targets

    layer = Nearest(name="nearest")
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4, name="dense"), layer])
    model.compile("sgd", "mse")
    layer.memory.assign(np.tile(np.array(CANARIES["inputs"], "f4"), (8, 1)))
    layer.targets.assign(np.full(8, CANARIES["labels"][0], "f4"))
    x = np.zeros((48, 4), "f4")
    with nnviz.TrainingSession(model, x, np.zeros((48, 8), "f4"), batch_size=16, probe=nnviz.Probe(every=1)) as session:
        if traced:
            session.step(3)
        shared = read(session)
        assert found_in(shared, [*forms(CANARIES["inputs"]), *forms(CANARIES["labels"])]) == []
        if traced:
            drawn = [each for each in shared.pictures("nearest") if each.cells >= 0]
            assert {shared.document.headers[each.header].variable for each in drawn} == {"kernel"}
            assert found_in(read(session, privacy=Privacy(include=("inputs",))), forms(CANARIES["inputs"]))


def test_p04_of_fewer_than_ten_samples_there_is_no_histogram_also_where_rows_are_no_samples(read):
    folded = TensorKey("flatten", "activations")

    def fold(step, arrays):
        if folded in arrays:
            arrays[folded] = np.repeat(arrays[folded], 8, axis=0)

    shared = read(runs.run(2, n_samples=4, change=fold))
    assert not [each for each in shared.document.pictures if each.histogram and each.cells < 0]
    told = read(runs.run(2, n_samples=10, change=fold))
    assert [each for each in told.document.pictures if each.histogram and each.cells < 0]


def test_p04_the_norms_of_weights_are_told_at_no_other_steps_than_the_weights(read):
    """The norm of one weight is its size: of two steps in a row it would tell the gradient."""
    recording = runs.run(9)
    shared = read(recording)
    for line in shared.document.lines:
        drawn = {each.step for each in shared.pictures(line.layer, "weights", variable="kernel")}
        assert line.name == "weights_l2"
        assert 0 < line.n_steps < 9
        assert set(shared.array(line.steps, "<f8")) <= drawn
    opened = read(recording, privacy=Privacy(include=("gradients",)))
    assert {line.n_steps for line in opened.document.lines} == {9}


def test_p04_the_search_finds_what_is_packed():
    """A search that finds nothing proves nothing."""
    shared = object.__new__(SharedFile)
    number = np.array(CANARIES["inputs"], "<f4")
    packed = json.dumps({"a": CANARIES["labels"]}).encode()
    shared.every_byte = lambda: [b"x" + number.tobytes() + b"y", packed]
    assert found_in(shared, forms(CANARIES["inputs"]))
    assert found_in(shared, forms(CANARIES["labels"]))
    assert found_in(shared, forms(CANARIES["gradients"])) == []
