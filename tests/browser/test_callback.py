"""A `fit` with the callback in JupyterLab, where the page is heard while the cell runs and where it is not."""

from __future__ import annotations

from tests.browser.inspector import Shown
from tests.browser.kernels import OLDER_IPYKERNEL

SETUP = """
import keras, numpy as np
import nnviz_widgets as nnviz
from nnviz_widgets.widgets import live_fit

live_fit.PATIENCE_S = HOW_LONG
keras.utils.set_random_seed(0)
rng = np.random.default_rng(0)
x, y = rng.random((640, 784)).astype("float32"), rng.integers(0, 10, 640)
model = keras.Sequential([
    keras.Input((784,)),
    keras.layers.Dense(128, activation="relu", name="hidden"),
    keras.layers.Dense(10, activation="softmax", name="digits"),
])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
inspect = nnviz.InspectCallback()

def fit(epochs):
    model.fit(x, y, epochs=epochs, verbose=0, callbacks=[inspect])
"""
"""20 steps an epoch."""


def setup(patience_s: float) -> str:
    """Return the source of a cell that makes `fit`, where a page may keep silent for so many seconds."""
    return SETUP.replace("HOW_LONG", str(patience_s))


def test_C18_a_view_without_buttons_says_why_moves_and_is_whole_when_the_cell_has_ended(lab):
    with lab.open([setup(1), "fit(1000)"], kernel=OLDER_IPYKERNEL) as notebook:
        notebook.run_cell(0)
        notebook.start_cell(1)
        shown = Shown(notebook, notebook.cell(1))
        notebook.wait_until(lambda: "Nothing that a page says" in notebook.text(1), "the cell says so")
        first = shown.step()
        shown.wait_until(lambda: shown.step() > first + 20, "the status moves")
        assert [shown.button(name).count() for name in ("Run", "Pause", "Step", "Stop")] == [0, 0, 0, 0]
        assert shown.chip() == "running"
        assert shown.text(".nnv-before") == "The maps come when the cell has ended."
        assert shown.text(".nnv-layers .nnv-empty") == "The layers appear when the cell has ended."
        for theme in ("light", "dark"):
            notebook.set_theme(theme)
            notebook.screenshot(f"callback_not_heard_{theme}")
        notebook.interrupt_kernel()
        notebook.wait_until(lambda: not notebook.running(1), "the interrupt ends the cell")
        assert notebook.errors(1) == ["KeyboardInterrupt: "]
        shown.wait_until(lambda: shown.drawn("weights"), "the maps come")
        notebook.screenshot("callback_heard_at_last")
        notebook.set_theme("light")
        assert notebook.complaints == []


def test_the_view_of_an_earlier_fit_becomes_a_picture_and_the_newest_is_live(lab):
    with lab.open([setup(60), "fit(2)", "fit(1000)", "print(inspect.session.state)"]) as notebook:
        notebook.run_cell(0)
        notebook.run_cell(1)
        first = Shown(notebook, notebook.cell(1))
        first.wait_for_chip("finished")
        notebook.start_cell(2)
        picture = notebook.cell(1).locator("img")
        notebook.wait_until(lambda: picture.count() == 1, "the view becomes a picture")
        assert "step 40" in picture.get_attribute("alt")
        assert "picture of the end of the one before" in notebook.text(1)
        assert notebook.cell(1).locator(".nnv-root").count() == 0
        second = Shown(notebook, notebook.cell(2))
        second.root.scroll_into_view_if_needed()  # a view that nobody sees draws nothing
        second.wait_until(lambda: second.button("Stop").count() == 1, "it has buttons")
        second.wait_until(lambda: second.drawn("weights"), "the maps come")
        for theme in ("light", "dark"):
            notebook.set_theme(theme)
            notebook.screenshot(f"callback_again_{theme}")
        notebook.set_theme("light")
        second.button("Stop").click()
        notebook.run_cell(3)
        assert notebook.text(3).strip() == "finished"
        assert notebook.complaints == []
