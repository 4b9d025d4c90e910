"""Every file is read back with TensorBoard's own loader."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from nnviz_widgets.core.deferred import Deferred
from nnviz_widgets.core.frame import Catalogue, TensorKey, TensorSpec
from nnviz_widgets.core.recording import Recording
from nnviz_widgets.core.storage.reader import open_recording
from nnviz_widgets.errors import InvalidArgumentError, LayerNotFound
from nnviz_widgets.pictures.picture import picture
from nnviz_widgets.sharing.map_images import colors_of, scale_of
from nnviz_widgets.sharing.tensorboard import spread
from tests.core.catalogues import layer
from tests.sharing.runs import run

KERNEL = TensorKey("hidden", "weights", "kernel")


class Logged:
    """What TensorBoard's loader finds in a folder."""

    def __init__(self, folder):
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        self._found = EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()

    @property
    def tags(self) -> set[str]:
        """Every name, with its plugin before a colon."""
        names = self._found.Tags()["tensors"]
        return {f"{self._found.SummaryMetadata(name).plugin_data.plugin_name}:{name}" for name in names}

    def words(self, tag) -> str:
        """What a reader is told of a tag."""
        return self._found.SummaryMetadata(tag).summary_description

    def points(self, tag) -> dict[int, np.ndarray]:
        """The tensor of a tag at each step."""
        from tensorboard.util.tensor_util import make_ndarray

        events = self._found.Tensors(tag)
        assert len({event.step for event in events}) == len(events)
        return {event.step: make_ndarray(event.tensor_proto) for event in events}

    def numbers(self, tag) -> dict[int, float]:
        """The number of a tag at each step."""
        return {step: number.item() for step, number in self.points(tag).items()}

    def pixels(self, tag) -> dict[int, np.ndarray]:
        """The image of a tag at each step."""
        found = {}
        for step, (width, height, data) in self.points(tag).items():
            found[step] = np.asarray(Image.open(io.BytesIO(data)))
            assert found[step].shape == (int(height), int(width), 3)
        return found


def expected_colors(recording, key, steps):
    """The colours of a tensor's map at some steps, on one scale."""
    drawn = [picture(recording.frame(key, step)).draw(256, 256, "f32") for step in steps]
    scale = scale_of([plane for plane, _ in drawn])
    return [colors_of(np.frombuffer(cells, "<u4").reshape(p.rows, p.cols), scale) for p, cells in drawn]


@pytest.fixture(scope="module")
def recording():
    return run(20)


@pytest.fixture(scope="module")
def logged(recording, tmp_path_factory):
    folder = tmp_path_factory.mktemp("logs") / "first" / "run"
    recording.to_tensorboard(folder)
    return Logged(folder)


def test_every_metric_at_every_step(recording, logged):
    steps, columns = recording.metric_arrays()
    assert len(columns) == 3
    for name, column in columns.items():
        assert logged.numbers(f"metrics/{name}") == dict(zip(steps.tolist(), np.float32(column).tolist(), strict=True))


def test_vitals_at_every_step(recording, logged):
    table = recording.vitals("hidden", "weights")
    for name in ("l2", "update_ratio"):
        expected = {step: float(np.float32(value)) for step, value in table[name].items()}
        assert logged.numbers(f"layers/hidden/weights/kernel/{name}") == expected
    assert not any(tag.endswith(("gradients/kernel/update_ratio", "/mean")) for tag in logged.tags)


def test_histograms_have_the_bounds_and_counts_of_the_values(recording, logged):
    found = logged.points("layers/hidden/weights/kernel")
    assert list(found) == recording.tensor_steps("hidden", "weights", "kernel").tolist() == list(range(21))
    for step, ranges in found.items():
        values = recording.tensor("hidden", "weights", step).astype(float)
        counts, edges = np.histogram(values, 30)
        np.testing.assert_allclose(ranges, np.stack([edges[:-1], edges[1:], counts], 1), rtol=1e-12, atol=1e-12)
    assert list(logged.points("layers/hidden/activations")) == list(range(1, 21))


def test_images_are_the_pixels_of_the_maps_on_one_scale(recording, logged):
    found = logged.pixels("layers/hidden/weights/map")
    assert list(found) == list(spread(range(21), 10))
    for pixels, colors in zip(found.values(), expected_colors(recording, KERNEL, found), strict=True):
        np.testing.assert_array_equal(pixels, colors.repeat(512 // 16, 0).repeat(512 // 8, 1))
    assert logged.words("layers/hidden/weights/map").startswith("Rows: in. Columns: neuron. Blue is -")


def test_each_tag_belongs_to_its_layer_and_one_plugin(logged):
    of_hidden = {tag for tag in logged.tags if "/hidden/" in tag and "gradients" not in tag}
    weights = "layers/hidden/weights"
    assert of_hidden == {
        *(f"histograms:{weights}/{name}" for name in ("kernel", "bias")),
        *(f"scalars:{weights}/{name}/{of}" for name in ("kernel", "bias") for of in ("l2", "update_ratio")),
        f"images:{weights}/map",
        "histograms:layers/hidden/activations",
        "scalars:layers/hidden/activations/l2",
        "images:layers/hidden/activations/map",
    }
    assert not any("//" in tag for tag in logged.tags), "the batch is no layer"


def test_a_recording_from_a_file_gives_the_same(recording, logged, tmp_path):
    recording.save(tmp_path / "run.nnv")
    opened = open_recording(tmp_path / "run.nnv")
    opened.to_tensorboard(tmp_path / "logs")
    opened.close()
    again = Logged(tmp_path / "logs")
    assert again.tags == logged.tags
    for tag in (name.partition(":")[2] for name in logged.tags):
        here, there = logged.points(tag), again.points(tag)
        assert list(here) == list(there)
        assert all(np.array_equal(here[step], there[step]) for step in here)


def plant(step, arrays):
    """Put values that are not finite into two steps."""
    if step == 2:
        arrays[KERNEL][0, :3] = np.nan, np.inf, -np.inf
    if step == 3:
        arrays[KERNEL][:] = np.nan


def test_values_that_are_not_finite(tmp_path):
    recording = run(4, change=plant)
    recording.add_step(5, 0, 4, {"loss": np.nan, "batch_loss": -np.inf, "huge": 1e300})
    recording.amend_step(4, {"val_loss": 0.5})
    recording.amend_step(5, {"val_loss": np.nan})
    recording.save(tmp_path / "run.nnv")
    for at, source in enumerate((recording, open_recording(tmp_path / "run.nnv"))):
        source.to_tensorboard(tmp_path / f"logs{at}")
        logged = Logged(tmp_path / f"logs{at}")
        assert np.isnan(logged.numbers("metrics/loss")[5])
        assert logged.numbers("metrics/batch_loss")[5] == -np.inf
        assert logged.numbers("metrics/huge") == {5: float(np.finfo(np.float32).max)}, "finite stays finite"
        assert list(logged.numbers("metrics/gradient_l2")) == [1, 2, 3, 4], "step 5 had none"
        val_loss = logged.numbers("metrics/val_loss")
        assert (list(val_loss), val_loss[4], np.isnan(val_loss[5])) == ([4, 5], 0.5, True)
        ranges = logged.points("layers/hidden/weights/kernel")
        assert list(ranges) == [0, 1, 2, 4], "at step 3 nothing is finite"
        assert ranges[2][:, 2].sum() == recording.tensor("hidden", "weights", 2).size - 3
        assert logged.numbers("layers/hidden/weights/kernel/not_finite") == {2: 3, 3: 16 * 8}
        pixels = logged.pixels("layers/hidden/weights/map")
        assert {tuple(color) for color in pixels[3].reshape(-1, 3)} == {(0xFF, 0x00, 0xE5)}


def test_a_run_of_keras_bit_by_bit(tmp_path):
    import keras

    from nnviz_widgets.core.session import Session

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(24, 5)), rng.normal(size=(24, 1))
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3, "relu", name="hidden"), keras.layers.Dense(1)])
    model.compile("adam", "mse", metrics=["mae"])
    with Session(model, x, y, batch_size=8, epochs=4, validation_data=(x, y), validation_freq=2, verbose=0) as session:
        session.run()
        session.wait()
        recording = session.recording
        recording.to_tensorboard(tmp_path)
        logged = Logged(tmp_path)
        metrics = recording.metrics
        for name in metrics:
            assert logged.numbers(f"metrics/{name}") == metrics[name].dropna().to_dict(), name
        assert list(logged.numbers("metrics/val_mae")) == [6, 12]
        assert list(logged.numbers("metrics/batch_loss")) == list(range(1, 13))
        np.testing.assert_array_equal(
            logged.points("layers/hidden/weights/kernel")[12][[0, -1], [0, 1]],
            [recording.tensor("hidden", "weights", 12).min(), recording.tensor("hidden", "weights", 12).max()],
        )


def test_a_long_run_keeps_every_metric_and_spreads_the_rest(tmp_path):
    recording = run(3)
    for step in range(4, 10_001):
        recording.add_step(step, 0, step, {"loss": step})
    recording.to_tensorboard(tmp_path, histograms=2, images=1)
    logged = Logged(tmp_path)
    loss = logged.numbers("metrics/loss")
    assert (len(loss), loss[4097], loss[10_000]) == (10_000, 4097, 10_000)
    assert list(logged.points("layers/hidden/weights/kernel")) == [0, 3]
    assert list(logged.points("layers/hidden/weights/map")) == [3]


def test_steps_are_spread_evenly_with_both_ends():
    assert spread(range(100), 4) == (0, 33, 66, 99)
    assert spread([0, 5, 7], 3) == spread([0, 5, 7], None) == spread([0, 5, 7], 9) == (0, 5, 7)
    assert (spread([0, 5, 7], 1), spread([0, 5, 7], 0), spread([], 3)) == ((7,), (), ())


def test_what_is_chosen_and_nothing_else(recording, tmp_path):
    recording.to_tensorboard(tmp_path, layers="dig*", kinds=["weights"], images=0, vitals=())
    names = {"histograms:layers/digits/weights/kernel", "histograms:layers/digits/weights/bias"}
    assert {tag for tag in Logged(tmp_path).tags if "metrics/" not in tag} == names


def test_a_file_that_is_there_stays_beside_the_new_one(recording, tmp_path):
    first = recording.to_tensorboard(tmp_path)
    before = first.read_bytes()
    second = recording.to_tensorboard(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([first, second])
    assert first.read_bytes() == before


def test_a_variable_called_map_and_the_map_have_names_of_their_own(tmp_path):
    key = TensorKey("d", "weights", "map")
    recording = Recording()
    recording.set_catalogue(
        Catalogue((layer("d", 2, ("map",)),), (TensorSpec(key, (3, 2), "float32", ("in", "neuron"), 1),))
    )
    recording.add_tensors(0, {key: np.ones((3, 2), np.float32)})
    recording.to_tensorboard(tmp_path)
    assert Logged(tmp_path).tags == {"histograms:layers/d/weights/map", "images:layers/d/weights/map drawn"}


def test_an_empty_recording(tmp_path):
    run(0).to_tensorboard(tmp_path, layers=[])
    assert Logged(tmp_path).tags == set()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"images": -1}, "`images` must be a whole number from 0"),
        ({"histograms": 1.5}, "`histograms` must be a whole number from 0"),
        ({"vitals": "l3"}, "`vitals` must be one of"),
        ({"kinds": "weight"}, "`kind` must be"),
        ({"logdir": 3}, "`logdir` must be a folder"),
        ({"logdir": ""}, "`logdir` must be a folder"),
    ],
)
def test_arguments_that_it_does_not_take(recording, tmp_path, arguments, words):
    with pytest.raises(InvalidArgumentError, match=words):
        recording.to_tensorboard(**{"logdir": tmp_path / "logs", **arguments})
    assert not (tmp_path / "logs").exists()


def test_a_layer_that_there_is_not(recording, tmp_path):
    with pytest.raises(LayerNotFound, match="hidden"):
        recording.to_tensorboard(tmp_path / "logs", layers="hiden")
    assert not (tmp_path / "logs").exists()


def test_a_file_in_the_place_of_the_folder(recording, tmp_path):
    (tmp_path / "logs").write_text("mine")
    with pytest.raises(InvalidArgumentError, match="the file"):
        recording.to_tensorboard(tmp_path / "logs")
    assert (tmp_path / "logs").read_text() == "mine"


def test_tensorboard_sees_nothing_before_all_is_written_nor_when_the_disk_is_full(recording, tmp_path, monkeypatch):
    seen = []

    def full(handle):
        seen.extend(path.name for path in tmp_path.iterdir())
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        recording.to_tensorboard(tmp_path)
    assert len(seen) == 1
    assert "tfevents" not in seen[0]
    assert list(tmp_path.iterdir()) == []


def test_a_tensor_that_cannot_be_read_is_told_of(tmp_path):
    recording = run(2)
    recording.add_tensors(2, {KERNEL: Deferred((16, 8), "float32", None)})
    with pytest.warns(UserWarning, match=r"1 tensor has steps .* layers/hidden/weights/kernel: .* at most 1.07 GB"):
        recording.to_tensorboard(tmp_path)
    logged = Logged(tmp_path)
    assert list(logged.points("layers/hidden/weights/kernel")) == [0, 1]
    assert list(logged.points("layers/hidden/weights/map")) == [0, 1]
    assert list(logged.points("layers/hidden/weights/bias")) == [0, 1, 2]


def test_neither_tensorflow_nor_tensorboard_is_needed(recording, tmp_path):
    recording.save(tmp_path / "run.nnv")
    code = """
import sys
for name in ("tensorflow", "keras", "tensorboard"):
    sys.modules[name] = None
import nnviz_widgets as nnviz
print(nnviz.open_recording(sys.argv[1]).to_tensorboard(sys.argv[2]))
"""
    arguments = [sys.executable, "-c", code, str(tmp_path / "run.nnv"), str(tmp_path / "logs")]
    answer = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == str(next((tmp_path / "logs").iterdir()))
    assert len(Logged(tmp_path / "logs").numbers("metrics/loss")) == 20
