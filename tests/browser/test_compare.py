"""In JupyterLab: two recordings of trainings at different rates beside each other, and what differs between them."""

from __future__ import annotations

import numpy as np
import pytest

import nnviz_widgets as nnviz
from tests.browser.inspector import Shown

TRAIN = """
import keras, numpy as np
import nnviz_widgets as nnviz

rng = np.random.default_rng(0)
x = rng.random((640, 784)).astype("float32")
y = (x[:, :10].argmax(axis=1)).astype("int32")
for name, rate, epochs in (("slow", 0.001, 3), ("fast", 0.02, 4)):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([
        keras.Input((784,)),
        keras.layers.Dense(64, activation="relu", name="hidden"),
        keras.layers.Dense(10, activation="softmax", name="digits"),
    ])
    model.compile(keras.optimizers.SGD(rate * 10), "sparse_categorical_crossentropy", metrics=["accuracy"])
    session = nnviz.TrainingSession(
        model, x, y, batch_size=32, epochs=epochs, validation_split=0.1, verbose=0,
        probe=nnviz.Probe(every=3), record=f"FOLDER/{name}.nnv", name=f"rate {rate}",
    )
    session.run()
    session.wait()
    session.close()
"""
"""18 steps an epoch: tensors of steps 3, 6, …, 54 of the first, and to 72 of the second."""

COMPARE = """
inspector = nnviz.compare("FOLDER/slow.nnv", "FOLDER/fast.nnv")
inspector
"""


@pytest.fixture
def opened(lab, tmp_path):
    """A notebook with both recordings side by side, the view of them, and the recordings."""
    cells = [source.replace("FOLDER", str(tmp_path)) for source in (TRAIN, COMPARE)]
    with lab.open(cells) as notebook:
        notebook.run_all()
        shown = Shown(notebook, notebook.cell(1))
        shown.wait_until(lambda: shown.drawn("weights"), "the weights of the first are drawn")
        recordings = [nnviz.open_recording(tmp_path / f"{name}.nnv") for name in ("slow", "fast")]
        yield notebook, shown, recordings
        for recording in recordings:
            recording.close()
        assert notebook.complaints == []


def weight_read(shown):
    """The step, the cell and the exact weight under the cursor, as they are told."""
    values = shown.readout()
    exact = shown.root.locator(".nnv-readout > span").filter(has_text="weight").first.get_attribute("title")
    step = shown.root.locator(".nnv-slider b").nth(1).inner_text()
    return int(step), int(values["in"]), int(values["neuron"]), exact


def shows(shown, expected, at=None):
    """Whether the weight that is read out is what numpy says it is at a step, by default the one on the slider."""
    step, row, column, exact = weight_read(shown)
    wanted = expected(step if at is None else at)[row, column]
    return exact not in (None, "\u2026") and np.float32(exact) == np.float32(wanted)


def test_a_person_switches_between_two_runs_and_their_difference(opened):
    notebook, shown, (slow, fast) = opened

    def kernel(recording, step):
        return recording.tensor("hidden", "weights", step=step).astype(float)

    def difference(step):
        return kernel(fast, step) - kernel(slow, step)

    assert shown.chip() == "comparison"
    runs = shown.root.get_by_role("group", name="runs").get_by_role("button")
    assert [name.strip() for name in runs.all_inner_texts()] == ["rate 0.001", "rate 0.02", "difference"]
    notebook_map = shown.root.locator(".nnv-map[data-tensor=weights] .nnv-map-body")
    notebook_map.click(position={"x": 60, "y": 60})
    shown.wait_until(lambda: shows(shown, lambda step: kernel(slow, step)), "a weight of the first is read")
    assert weight_read(shown)[0] == 54, "both are at the end of the first"
    seen = [shown.pixels("weights")]
    for name, expected in (
        ("rate 0.02", lambda step: kernel(fast, step)),
        ("difference", difference),
    ):
        shown.button(name).click()
        shown.wait_until(lambda expected=expected: shows(shown, expected), f"a weight is read of: {name}")
        shown.wait_until(lambda: shown.pixels("weights") not in seen, f"{name} is drawn")
        seen.append(shown.pixels("weights"))
        assert shown.button(name).get_attribute("aria-pressed") == "true"
    assert "rate 0.02 − rate 0.001" in shown.text(".nnv-map[data-tensor=weights] .nnv-map-label")
    shown.move("step", 31)
    shown.wait_until(lambda: "30" in shown.readout().get("as kept at step", ""), "the step that both keep is told")
    shown.wait_until(lambda: shows(shown, difference, at=30), "the difference at step 30 is read")
    for theme in ("light", "dark"):
        notebook.set_theme(theme)
        notebook.screenshot(f"compare_difference_{theme}", shown.root)
    notebook_map.press("r")
    shown.wait_until(lambda: shown.button("rate 0.001").get_attribute("aria-pressed") == "true", "a key leads on")
    shown.move("step", 72)
    shown.button("rate 0.02").click()
    shown.wait_until(lambda: weight_read(shown)[0] == 72, "the longer run is seen to its end")
    shown.wait_until(lambda: shows(shown, lambda step: kernel(fast, step)), "its last weight is read")
    for theme in ("dark", "light"):
        notebook.set_theme(theme)
        notebook.screenshot(f"compare_second_{theme}", shown.root)
