"""The capsule: what repeats the first step that is not finite, written whole, and read without TensorFlow."""

from __future__ import annotations

import io
import itertools
import json
import os
import re
import subprocess
import sys
import warnings
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnviz_widgets.core import capsule_files
from nnviz_widgets.core.capsule import open_capsule
from nnviz_widgets.core.probe import Probe
from nnviz_widgets.core.snapshots import Snapshots
from nnviz_widgets.errors import InvalidArgumentError, NotACapsule
from tests.core import networks
from tests.core.backends import structures
from tests.core.networks import Network, features
from tests.core.sessions import Journal, assert_same, everything

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from nnviz_widgets.core.capsule import Capsule
    from nnviz_widgets.core.session import Session

pytestmark = [
    pytest.mark.filterwarnings("ignore:A capsule holds training data"),
    pytest.mark.filterwarnings("ignore:`shuffle=True` was passed, but will be ignored"),
]


def model_of(*layers: Any, **compile_arguments: Any) -> Any:
    import keras

    keras.utils.set_random_seed(7)
    model = keras.Sequential([keras.Input((5,)), *(layer() for layer in layers)], name="small")
    model.compile(**{"optimizer": keras.optimizers.Adam(0.01), "loss": "mse", **compile_arguments})
    return model


def dense(n: int, name: str) -> Callable[[], Any]:
    def make() -> Any:
        import keras

        return keras.layers.Dense(n, name=name)

    return make


def bounded() -> Any:
    """A layer whose output is finite where its input is infinite."""
    import keras

    return keras.layers.Activation("tanh", name="bounded")


def going_wrong(row: int = 9) -> tuple[Network, Any]:
    """A network whose `c` overflows on one sample, and that sample: in order, it is of step 2, or of 3 from row 16."""
    x = features()
    x[row] = 3e38
    model = model_of(dense(4, "c"), dense(2, "d"))
    return Network(model, x, features(width=2), {"shuffle": False}), x[row]


def trained(network: Network, path: Path, **arguments: Any) -> tuple[Session, Capsule]:
    """Train to the end, and return the session, which is closed, and its capsule."""
    with network.session(capsule=path, **arguments) as session:
        session.run()
        assert session.wait(120)
    (written,) = session.capsules
    return session, open_capsule(written)


ALONE = "import runpy, sys; sys.modules['nnviz_widgets'] = None; runpy.run_path(sys.argv[1], run_name='__main__')"
ONE_AFTER_THE_OTHER = """
import runpy, sys
sys.modules['nnviz_widgets'] = None
for path in sys.argv[1:]:
    code = 0
    try:
        runpy.run_path(path, run_name='__main__')
    except SystemExit as end:
        code = end.code
    print('ended with', code)
"""


def repeated(*capsules: Capsule, code: str = ALONE) -> subprocess.CompletedProcess[str]:
    """Run the scripts of capsules in a process that cannot import this package."""
    return subprocess.run(
        [sys.executable, "-c", code, *(str(capsule.path / "reproduce.py") for capsule in capsules)],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        cwd=capsules[0].path.parent,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
    )


# --- what is in it ---


def test_K16_the_capsule_holds_batch_state_and_where_it_began(tmp_path: Path) -> None:
    network, sample = going_wrong()
    session, capsule = trained(network, tmp_path / "nan")
    sick = session.recording.metrics["batch_loss"]
    assert capsule.step == int(sick.index[~np.isfinite(sick)][0]) == 2
    assert (capsule.layer, capsule.what, capsule.variable) == ("c", "output", None)
    assert capsule.kind in ("nan", "inf")
    x, y, sample_weight = capsule.batch
    assert (x == sample).all(axis=1).sum() == 1
    assert y.shape == (len(x), 2)
    assert sample_weight is None
    assert capsule.state["optimizer/0/Adam/0"] == capsule.step - 1, "before the step"
    assert capsule.state["weights/d/kernel"].shape == (4, 2)
    assert "The output of 'c' is the first that is not finite" in capsule.why
    assert "Batch and state were finite before the step." in capsule.why
    assert any(capsule.path.name in text for _, _, text in session.recording.events)
    assert "x (8,5) float32, y (8,2) float32" in repr(capsule)
    for drawn in (repr(capsule), capsule._repr_html_()):
        assert "output of c" in drawn
        assert "holds training data" in drawn
    readme = (capsule.path / "README.md").read_text()
    assert "**This folder holds training data**" in readme
    listed = {line.split("`")[1] for line in readme.splitlines() if line.startswith("| `")}
    assert listed | {"README.md"} == {path.name for path in capsule.path.iterdir()}


@pytest.mark.parametrize("hears", [False, True])
@pytest.mark.parametrize("row", [1, 9, 20])
def test_training_with_a_capsule_is_bit_equal_to_training_without(row: int, hears: bool, tmp_path: Path) -> None:
    """Also where the step is the first one, or ends the epoch; callbacks of the user's hear of each step once."""

    def run(**arguments: Any) -> tuple[dict[str, Any], Any, Any]:
        network, _ = going_wrong(row)
        journal = Journal()
        with network.session(callbacks=[journal.callback()] if hears else [], **arguments) as session:
            session.run()
            session.wait(120)
            losses = session.recording.metrics["batch_loss"].to_numpy()
            told = session.step_index, session.branches.names, session.history["loss"], journal.calls
            return everything(session), losses, told

    one, other = run(), run(capsule=tmp_path / "nan")
    assert_same(one[0], other[0])
    np.testing.assert_array_equal(one[1], other[1])
    assert repr(one[2]) == repr(other[2])
    assert (tmp_path / "nan").is_dir()


def test_the_state_is_bit_by_bit_that_before_the_step(tmp_path: Path) -> None:
    network, _ = going_wrong(row=20)
    _, capsule = trained(network, tmp_path / "nan")
    again, _ = going_wrong(row=20)
    with again.session() as session:
        session.step(2)
        found = everything(session)
    assert capsule.step == 3
    assert_same(found, {name: capsule.state[name] for name in capsule.state})


def test_a_gradient_is_told_with_what_computed_it(tmp_path: Path) -> None:
    import keras

    @keras.saving.register_keras_serializable("tests")
    class Root(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return keras.ops.sqrt(keras.ops.relu(x))

    model = model_of(dense(4, "before"), lambda: Root(name="root"), dense(1, "after"), optimizer="sgd")
    network = Network(model, features(), features(width=1))
    _, capsule = trained(network, tmp_path / "nan", epochs=1)
    assert (capsule.layer, capsule.what, capsule.variable) == ("before", "gradient", None)
    assert "it was computed by 'root'" in capsule.why
    assert "Root, which Keras does not know" in (capsule.path / "README.md").read_text()
    script = capsule.path / "reproduce.py"
    text = script.read_text()
    assert 'def make_model():\n    """FILL IN' in text
    done = repeated(capsule)
    assert done.returncode != 0
    assert "make_model: return the model as your code makes it" in done.stderr
    made = """
    class Root(keras.layers.Layer):
        def call(self, x):
            return keras.ops.sqrt(keras.ops.relu(x))

    layers = [keras.layers.Dense(4, name="before"), Root(name="root"), keras.layers.Dense(1, name="after")]
    return keras.Sequential([keras.Input((5,)), *layers])
"""
    script.write_text(
        text.replace('    raise NotImplementedError("make_model: return the model as your code makes it")\n', made)
    )
    done = repeated(capsule)
    assert done.returncode == 0, done.stderr
    assert re.search(r"gradient of \S*before/kernel: 20 NaN", done.stdout)


def test_a_loss_that_is_not_finite_is_told_as_such(tmp_path: Path) -> None:
    import keras

    def own_loss(y: Any, outputs: Any) -> Any:
        return keras.ops.log(keras.ops.mean(outputs - y) * 0.0)

    network = Network(model_of(dense(2, "d"), loss=own_loss), features(), features(width=2))
    _, capsule = trained(network, tmp_path / "nan", epochs=1)
    assert (capsule.layer, capsule.what, capsule.kind) == (None, "loss", "inf")
    assert "own_loss(), which Keras does not know" in (capsule.path / "README.md").read_text()
    assert (capsule.path / "model.json").exists()
    assert not (capsule.path / "compile.json").exists()


def test_functions_of_keras_make_a_capsule_that_runs_by_itself(tmp_path: Path) -> None:
    import keras

    compiled = {"loss": keras.losses.mean_squared_error, "metrics": [keras.metrics.mean_absolute_error]}
    model = model_of(dense(4, "c"), dense(2, "d"), **compiled)
    _, capsule = trained(Network(model, going_wrong()[0].x, features(width=2), {"shuffle": False}), tmp_path / "nan")
    assert (capsule.path / "compile.json").exists()
    done = repeated(capsule)
    assert done.returncode == 0, done.stderr
    assert "c" in done.stdout


def test_a_function_of_the_users_is_not_taken_for_that_of_keras_by_its_name(tmp_path: Path) -> None:
    import keras

    def mean_squared_error(y: Any, outputs: Any) -> Any:
        return keras.ops.mean(keras.ops.square(outputs - y)) * 3.0

    model = model_of(dense(4, "c"), dense(2, "d"), loss=mean_squared_error)
    _, capsule = trained(Network(model, going_wrong()[0].x, features(width=2), {"shuffle": False}), tmp_path / "nan")
    assert "mean_squared_error(), which Keras does not know" in (capsule.path / "README.md").read_text()
    assert not (capsule.path / "compile.json").exists()


def test_a_batch_that_is_not_finite_itself_is_named(tmp_path: Path) -> None:
    network = networks.mlp()
    network.x[4, 2] = np.nan
    _, capsule = trained(network, tmp_path / "nan")
    assert capsule.layer == "hidden"
    assert "The batch was not finite itself: x of sample" in capsule.why


def test_K11_a_step_that_a_loss_scale_skips_is_no_capsule(tmp_path: Path) -> None:
    import keras

    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.01), initial_scale=2.0**120)
    network = Network(model_of(dense(2, "d"), optimizer=optimizer), features(), 1e12 * features(width=2))
    with network.session(capsule=tmp_path / "nan", epochs=1) as session:
        session.run()
        session.wait(120)
        assert any("skipped" in text for _, _, text in session.recording.events)
        assert session.capsules == ()
    assert list(tmp_path.iterdir()) == []


def test_K09_a_train_step_of_the_users_has_a_capsule_to_be_filled_in(tmp_path: Path) -> None:
    network = networks.own_step()
    network.x[3] = np.nan
    _, capsule = trained(network, tmp_path / "nan", epochs=1)
    assert capsule.layer == "body"
    assert "OwnStep, which Keras does not know" in (capsule.path / "reproduce.py").read_text()
    assert any(name.startswith("optimizer/1/") for name in capsule.state)


# --- the script ---


REPEATED = ("mlp", "cnn", "lstm", "two_inputs")


def of_infinite_weights(network: Network, folder: Path) -> Capsule:
    """Return the capsule of a third step that an infinite bias has spoiled."""
    with network.session(capsule=folder) as session:
        session.step(2)
        layer = session.model.layers[-1]
        layer.bias.assign(np.full(layer.bias.shape, np.inf))
        session.step()
    return open_capsule(session.capsules[0])


@pytest.fixture(scope="module")
def told_by_scripts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Capsule, str]]:
    """Capsules and what their scripts print, one after the other in a process: most of each would be its start."""
    folder = tmp_path_factory.mktemp("capsules")
    capsules = {name: of_infinite_weights(getattr(networks, name)(), folder / name) for name in REPEATED}
    done = repeated(*capsules.values(), code=ONE_AFTER_THE_OTHER)
    assert done.returncode == 0, done.stderr
    *told, rest = done.stdout.split("ended with 0\n")
    assert rest == "", done.stdout
    return dict(zip(REPEATED, zip(capsules.values(), told, strict=True), strict=True))


@pytest.mark.parametrize("name", REPEATED)
def test_the_script_repeats_the_step_in_plain_keras(name: str, told_by_scripts: dict[str, tuple[Capsule, str]]) -> None:
    capsule, told = told_by_scripts[name]
    assert capsule.step == 3
    assert f"weights/{capsule.layer}/bias" in capsule.why
    assert told.startswith(("output of ", "loss of "))
    assert capsule.layer is not None
    assert capsule.why in told


def test_the_script_ends_otherwise_where_all_is_finite(tmp_path: Path) -> None:
    network, _ = going_wrong()
    _, capsule = trained(network, tmp_path / "nan")
    batch = dict(np.load(capsule.path / "batch.npz"))
    np.savez(capsule.path / "batch.npz", **{name: np.zeros_like(array) for name, array in batch.items()})
    done = repeated(capsule)
    assert done.returncode == 1
    assert "Here, every value is finite." in done.stdout


@pytest.mark.parametrize("name", ["ragged", "sparse", "masked"])
def test_K13_batches_of_any_structure_are_kept(name: str, tmp_path: Path) -> None:
    network = structures.STRUCTURES[name]()
    with network.session(capsule=tmp_path / "nan", epochs=2) as session:
        session.step(2)
        head = session.model.layers[-1]
        head.bias.assign(np.full(head.bias.shape, np.nan))
        session.step()
        batch = session.batch
    x, y, _ = open_capsule(session.capsules[0]).batch
    assert batch is not None
    rows = list(batch[0])
    assert len(x) == len(rows)
    for kept, row in zip(x, rows, strict=True):
        np.testing.assert_array_equal(kept, row)
    np.testing.assert_array_equal(y, batch[1])


def test_K16_an_activation_that_is_not_finite_is_enough_where_it_is_read(tmp_path: Path) -> None:
    x = features()
    x[9] = 3e38
    model = model_of(dense(4, "c"), bounded, dense(2, "d"))
    network = Network(model, x, features(width=2), {"shuffle": False})
    session, capsule = trained(network, tmp_path / "nan", epochs=1, probe=Probe(every=1))
    assert (capsule.step, capsule.layer, capsule.what) == (2, "c", "output")
    assert np.isfinite(session.recording.metrics.loc[2, "batch_loss"])


def test_a_pause_that_was_asked_for_comes_at_the_step_itself(tmp_path: Path) -> None:
    network, _ = going_wrong()
    with network.session(capsule=tmp_path / "nan") as session:
        session.pause_when_non_finite = True
        session.run()
        session.wait(120)
        assert (session.state, session.step_index) == ("paused", open_capsule(session.capsules[0]).step)
        assert np.isinf(session.recording.tensor("c", "activations", session.step_index)).any()


# --- where the session cannot go back ---


def test_where_the_data_come_once_the_state_before_is_held(tmp_path: Path) -> None:
    def batches() -> Iterator[Any]:
        for n in itertools.count():
            x = features(4)
            x[1] += n == 3 and np.inf
            yield x, features(4, width=2)

    model = model_of(dense(2, "d"))
    once = {"epochs": 1, "steps_per_epoch": 6, "snapshots": False}
    with Network(model, batches()).session(capsule=tmp_path / "nan", **once) as session:
        session.step(3)
        before = everything(session)
        session.run()
        session.wait(120)
        assert session.step_index == 6
        after = everything(session)
    capsule = open_capsule(session.capsules[0])
    assert capsule.step == 4
    assert_same(before, {name: capsule.state[name] for name in capsule.state})
    assert np.isinf(capsule.batch[0]).any()
    plain = model_of(dense(2, "d"))
    with Network(plain, batches()).session(**once) as without:
        without.run()
        without.wait(120)
        assert_same(everything(without), after)


def test_holding_states_is_no_snapshot_to_go_back_to(tmp_path: Path) -> None:
    """Batches that come once are kept only as far as the newest snapshot: a state that is held must not be one."""
    import keras

    def stored(**arguments: Any) -> tuple[int, ...]:
        def batches() -> Iterator[Any]:
            while True:
                yield features(2000), features(2000, width=2)

        heard = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)
        once = {"epochs": 1, "steps_per_epoch": 60, "callbacks": [heard]}
        seldom = Snapshots(every=10**9, memory="2 MB")
        with Network(model_of(dense(2, "d")), batches()).session(**once, snapshots=seldom, **arguments) as session:
            session.run()
            session.wait(120)
            return session.snapshot_steps

    without = stored()
    assert len(without) > 2
    assert stored(capsule=tmp_path / "nan") == without


# --- beside breakpoints and going back ---


def test_beside_a_guard_training_pauses_before_the_update(tmp_path: Path) -> None:
    network, _ = going_wrong()
    with network.session(capsule=tmp_path / "nan") as session:
        session.breakpoints.add("nan")
        session.run()
        session.wait(120)
        assert session.state == "paused"
        capsule = open_capsule(session.capsules[0])
        assert session.step_index == capsule.step - 1
        assert_same(everything(session), {name: capsule.state[name] for name in capsule.state})
        session.run()
        session.wait(120)
        assert len(session.capsules) == 1, "only the first"


def test_R07_another_future_has_a_capsule_of_its_own(tmp_path: Path) -> None:
    network, _ = going_wrong()
    with network.session(capsule=tmp_path / "nan") as session:
        session.run()
        session.wait(120)
        step = open_capsule(session.capsules[0]).step
        session.rewind(step - 1)
        session.run()
        session.wait(120)
        assert [path.name for path in session.capsules] == ["nan", "nan-2"]
        assert [open_capsule(path).step for path in session.capsules] == [step, step]


def test_without_layers_to_read_the_norm_is_watched_all_the_same(tmp_path: Path) -> None:
    network, _ = going_wrong()
    session, capsule = trained(network, tmp_path / "nan", probe=Probe(layers=()))
    assert capsule.layer == "c"
    assert "gradient_l2" in session.recording.metrics


# --- disk and privacy ---


def test_a_session_with_a_capsule_warns_that_it_holds_training_data(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="A capsule holds training data") as told:
        networks.line().session(capsule=tmp_path / "nan").close()
    assert told[0].filename == networks.__file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        networks.line().session().close()


def test_a_folder_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "nan").mkdir()
    (tmp_path / "nan" / "mine.txt").write_text("mine")
    network, _ = going_wrong()
    with pytest.warns(UserWarning, match="which is there and stays as it is"):
        _, capsule = trained(network, tmp_path / "nan")
    assert capsule.path.name == "nan-2"
    assert [path.name for path in (tmp_path / "nan").iterdir()] == ["mine.txt"]


def test_what_is_no_folder_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidArgumentError, match="which is a file"):
        networks.line().session(capsule=tmp_path / "file")
    with pytest.raises(InvalidArgumentError, match="`capsule` must be a path"):
        networks.line().session(capsule=3)


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    network, _ = going_wrong()
    _, capsule = trained(network, tmp_path / "nan")
    assert capsule.path.stat().st_mode & 0o077 == 0


def test_S03_a_disk_that_fails_ends_no_training_and_leaves_nothing(tmp_path: Path) -> None:
    """A real limit on the size of files, in a process of its own."""
    code = f"""
import resource, signal, warnings
warnings.simplefilter("ignore")
from pathlib import Path
from tests.core.test_capsule import going_wrong
network, _ = going_wrong()
session = network.session(capsule={str(tmp_path / "nan")!r}, epochs=3)
session.model.optimizer.build(session.model.trainable_variables)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (700, 700))
session.run()
session.wait(120)
texts = [text for _, _, text in session.recording.events if "capsule" in text]
print(session.state, session.step_index, session.capsules, texts)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=200, check=False)
    assert done.stdout.startswith("finished 9 () "), done.stderr
    assert "was not written: OSError" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_S01_a_process_that_is_killed_leaves_no_half_capsule(tmp_path: Path) -> None:
    """It is killed at each file that it writes; then there is no folder of that name, and the next run writes one."""
    code = f"""
import os, sys, warnings
warnings.simplefilter("ignore")
from nnviz_widgets.core import capsule_files
keep, n = capsule_files._keep, int(sys.argv[1])
def killed(file):
    global n
    n -= 1
    if n == 0:
        os.kill(os.getpid(), 9)
    keep(file)
capsule_files._keep = killed
from tests.core.test_capsule import going_wrong
network, _ = going_wrong()
session = network.session(capsule={str(tmp_path / "nan")!r})
session.run()
session.wait(120)
print("written", session.capsules)
"""
    for n in (1, 4, 7):
        done = subprocess.run([sys.executable, "-c", code, str(n)], capture_output=True, text=True, check=False)
        assert done.returncode == -9, done.stderr
        assert not (tmp_path / "nan").exists()
    network, _ = going_wrong()
    _, capsule = trained(network, tmp_path / "nan")
    assert capsule.path == tmp_path / "nan"


# --- reading ---


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A capsule that was written without a model."""
    import ml_dtypes

    from nnviz_widgets.core.capsule_contents import Bad, Contents, Source

    contents = Contents(
        model=Source(None, "no model"),
        compiled=Source("{}"),
        structure={"tuple": [{"array": "batch/0"}, {"dict": {"a": {"array": "batch/1/a"}}}]},
        batch={"batch/0": np.ones((2, 3)), "batch/1/a": np.array([b"x", b"yy"])},
        state={"weights/d/kernel": np.array([1.5, np.inf], ml_dtypes.bfloat16)},
        model_variables=("weights/d/kernel",),
        optimizer_variables=(),
        bad=Bad("d", "output", None, (2, 3), 0, 5),
        why_unknown="",
        versions={"keras": "3"},
    )
    about = {"session": "s", "model": "m", "step": 5, "epoch": 0, "batch_index": 4, "loss": np.nan, "gradient_l2": None}
    return capsule_files.write_capsule(tmp_path / "a" / "nan", {**about, "sick_batch": None}, contents)


def test_it_is_read_without_tensorflow(written: Path) -> None:
    code = (
        "import sys, nnviz_widgets as nnviz\n"
        f"capsule = nnviz.open_capsule({str(written)!r})\n"
        "print(capsule.kind, capsule.batch[0].sum(), capsule.batch[1]['a'].tolist(), len(repr(capsule)) > 99)\n"
        "print(capsule.state['weights/d/kernel'].dtype, sorted({'tensorflow', 'keras'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "inf 6.0 [b'x', b'yy'] True\nbfloat16 []\n", done.stderr


def test_the_state_is_a_mapping(written: Path) -> None:
    capsule = open_capsule(written)
    assert list(capsule.state) == ["weights/d/kernel"]
    assert len(capsule.state) == 1
    with pytest.raises(KeyError):
        capsule.state["weights/e"]
    assert "Not finite before the step: weights/d/kernel." in capsule.why


def test_what_is_no_capsule_is_refused(tmp_path: Path, written: Path) -> None:
    with pytest.raises(FileNotFoundError, match="There is no"):
        open_capsule(tmp_path / "nowhere")
    with pytest.raises(NotACapsule, match="must be a folder that a session"):
        open_capsule(tmp_path)
    facts = json.loads((written / "capsule.json").read_text())
    for broken in ("", "[]", "{", json.dumps({**facts, "format": 9}), json.dumps({**facts, "dtypes": 3})):
        (written / "capsule.json").write_text(broken)
        with pytest.raises(NotACapsule):
            open_capsule(written)


def test_S04_damaged_arrays_are_named(written: Path) -> None:
    data = bytearray((written / "batch.npz").read_bytes())
    data[150] ^= 255
    (written / "batch.npz").write_bytes(bytes(data))
    capsule = open_capsule(written)
    with pytest.raises(NotACapsule, match="batch"):
        _ = capsule.batch
    (written / "state.npz").write_bytes(b"")
    with pytest.raises(NotACapsule, match=r"state\.npz"):
        _ = capsule.state


def test_S13_nothing_in_it_is_unpickled(written: Path) -> None:
    np.savez(written / "batch.npz", **{"batch/0": np.array([{}], dtype=object)})
    with pytest.raises(NotACapsule, match=r"batch\.npz"):
        _ = open_capsule(written).batch


def test_S13_nothing_is_allocated_that_the_file_does_not_hold(written: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (2**62,)})
    with zipfile.ZipFile(written / "batch.npz", "w") as archive:
        archive.writestr("batch/0.npy", header.getvalue())
    with pytest.raises(NotACapsule, match="does not hold what it says"):
        _ = open_capsule(written).batch
    np.savez_compressed(written / "batch.npz", **{"batch/0": np.zeros(10**6)})
    with pytest.raises(NotACapsule, match="compressed"):
        _ = open_capsule(written).batch
    (written / "capsule.json").write_text("[" * 10**5)
    with pytest.raises(NotACapsule):
        open_capsule(written)
