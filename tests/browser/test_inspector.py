"""The Inspector in a real JupyterLab: what a person presses, drags and sees."""

from __future__ import annotations

import pytest

from tests.browser.inspector import Shown, setup
from tests.browser.kernels import KERNELS

MAPS = ("activations", "weights", "gradients")


def open_inspector(lab, epochs=2, cells=(), **options):
    """Open a notebook with an Inspector in cell 1 and `cells` after it."""
    notebook = lab.open([setup(epochs), "session", *cells], **options)
    notebook.run_cell(0)
    notebook.run_cell(1)
    return notebook, Shown(notebook, notebook.cell(1))


@pytest.mark.parametrize("kernel", KERNELS)
def test_step_run_pause_and_the_end(lab, kernel):
    notebook, shown = open_inspector(lab, epochs=40, cells=["session.batch_loss, session.step_index"], kernel=kernel)
    with notebook:
        shown.wait_until(lambda: shown.drawn("weights"), "the weights before any step are drawn")
        assert "idle" in shown.chip()
        assert "known yet" in shown.text(".nnv-map[data-tensor=gradients] .nnv-missing")
        shown.button("Step").click()
        shown.wait_for_chip("paused at step 1")
        shown.wait_until(lambda: all(shown.drawn(name) for name in MAPS), "all maps are drawn after a step")
        shown.button("Run").click()
        shown.wait_for_chip("running")
        shown.wait_until(lambda: shown.step() > 3, "steps are counted while it runs")
        shown.button("Pause").click()
        shown.wait_for_chip("paused at step")
        paused_at = shown.step()
        notebook.run_cell(2)
        assert notebook.text(2).strip().endswith(f", {paused_at})")
        shown.button("Epoch").click()
        shown.wait_until(
            lambda: shown.step() % 20 == 0 and "paused" in shown.chip(), "it pauses at the end of an epoch"
        )
        shown.button("Stop").click()
        shown.wait_for_chip("stopped at step")
        assert shown.button("Run").is_disabled()
        assert notebook.complaints == []


def test_every_slider_changes_what_is_seen(lab):
    values = (
        "[session.recording.tensor('hidden', 'weights', step=2)[392, 17], "
        "session.recording.tensor('hidden', 'gradients', step=2)[392, 17], "
        "session.recording.tensor('hidden', 'activations', step=2)[3, 17]]"
    )
    notebook, shown = open_inspector(lab, cells=["for _ in range(3): session.step()", values])
    with notebook:
        notebook.run_cell(2)
        shown.wait_until(lambda: all(shown.drawn(name) for name in MAPS), "all maps are drawn")
        shown.wait_until(lambda: "3" in shown.root.locator(".nnv-slider b").nth(1).inner_text(), "step 3 is shown")

        before = shown.pixels("weights", "nnv-overlay")
        shown.move("neuron", 17)
        shown.wait_until(lambda: shown.pixels("weights", "nnv-overlay") != before, "the column of the neuron moves")
        before = shown.pixels("activations", "nnv-overlay")
        shown.move("sample", 3)
        shown.wait_until(lambda: shown.pixels("activations", "nnv-overlay") != before, "the row of the sample moves")
        before = {name: shown.pixels(name) for name in MAPS}
        shown.move("step", 2)
        for name in MAPS:
            shown.wait_until(lambda name=name: shown.pixels(name) != before[name], f"step 2 has other {name}")

        notebook.run_cell(3)
        exact = [float(part.split("(")[-1].strip("[]) \n")) for part in notebook.text(3).split(",")]
        names = ("weight", "gradient", "activation")
        shown.wait_until(lambda: "…" not in shown.readout().values(), "the readout has values")
        for name, value in zip(names, exact, strict=True):
            shown.wait_until(
                lambda name=name, value=value: (
                    float(shown.readout()[name].replace("−", "-")) == pytest.approx(value, rel=6e-3, abs=1e-9)
                ),
                f"the readout says {name} {value}",
            )

        before = shown.pixels("weights")
        shown.move("layer", 1)
        shown.wait_until(lambda: shown.pixels("weights")[:2] != before[:2], "the other layer has other weights")
        assert "128 × 10" in shown.text(".nnv-map[data-tensor=weights]")
        assert notebook.complaints == []


def test_cursor_and_python_drive_each_other(lab):
    cells = ["session.step(); session.cursor.neuron = 5; session.cursor.layer = 'digits'", "session.cursor"]
    link = "import ipywidgets as w; s = w.IntSlider(max=9); w.jslink((s, 'value'), (session.cursor, 'neuron')); s"
    notebook, shown = open_inspector(lab, cells=[*cells, link, "print(session.cursor.neuron, session.cursor.layer)"])
    with notebook:
        notebook.run_cell(2)
        shown.wait_until(lambda: shown.slider("neuron").input_value() == "5", "Python moves the neuron")
        shown.wait_until(lambda: shown.slider("layer").input_value() == "1", "and the layer")
        notebook.run_cell(4)
        notebook.cell(4).locator(".widget-readout").fill("7")
        notebook.page.keyboard.press("Enter")
        shown.wait_until(lambda: shown.slider("neuron").input_value() == "7", "a linked slider moves the neuron")
        shown.move("neuron", 3)
        notebook.wait_until(
            lambda: notebook.run_cell(5) or notebook.text(5).strip() == "3 digits", "Python hears of the page's cursor"
        )


def test_keyboard_does_what_the_mouse_does(lab):
    notebook, shown = open_inspector(lab, cells=["session.step()"])
    with notebook:
        notebook.run_cell(2)
        shown.wait_until(lambda: all(shown.drawn(name) for name in MAPS), "all maps are drawn")
        n_cells = notebook.page.locator(".jp-Cell").count()
        shown.root.get_by_role("application", name="weights of hidden").focus()
        for key in ("ArrowRight", "ArrowRight", "PageDown"):
            notebook.page.keyboard.press(key)
        shown.wait_until(lambda: shown.slider("neuron").input_value() == "2", "arrows move the neuron")
        notebook.page.keyboard.press("b")  # JupyterLab would insert a cell
        notebook.page.keyboard.press(" ")
        shown.wait_for_chip("finished")
        assert notebook.page.locator(".jp-Cell").count() == n_cells


def test_C04_reload_in_mid_run_shows_the_run_again(lab):
    notebook, shown = open_inspector(lab, epochs=100_000, cells=["session.run()", "session.close()"])
    with notebook:
        notebook.run_cell(2)
        shown.wait_until(lambda: shown.step() > 3, "it runs")
        before = shown.step()
        notebook.reload()
        again = Shown(notebook, notebook.cell(1))
        again.wait_until(lambda: again.step() > before, "it went on meanwhile and is shown")
        again.wait_until(lambda: all(again.drawn(name) for name in MAPS), "the maps are drawn again")
        hidden = again.pixels("gradients")
        again.wait_until(lambda: again.pixels("gradients") != hidden, "and live")
        notebook.run_cell(3)


def test_C05_second_view_lives_and_dies_alone(lab):
    notebook, shown = open_inspector(lab, epochs=100_000, cells=["session.close()"], width=2400)
    with notebook:
        second = Shown(notebook, notebook.open_second_view(1))
        second.button("Step").click()
        for view in (shown, second):
            view.wait_for_chip("paused at step 1")
            view.wait_until(lambda view=view: all(view.drawn(name) for name in MAPS), "both views draw")
        notebook.evaluate("app => [...app.shell.widgets('main')].find(w => !w.context)?.close()")
        second.root.wait_for(state="detached")
        shown.button("Step").click()
        shown.wait_for_chip("paused at step 2")
        assert notebook.complaints == []
        notebook.run_cell(2)


def test_panels_can_be_spread_over_cells(lab):
    cells = ["session.inspector(panels=['timeline'])", "session.inspector(['weights'])", "session.step()"]
    with lab.open([setup(), *cells]) as notebook:
        notebook.run_all()
        alone = Shown(notebook, notebook.cell(2))
        alone.wait_until(lambda: alone.drawn("weights"), "the weights stand alone")
        assert alone.root.locator(".nnv-map").count() == 1
        assert notebook.cell(1).locator(".nnv-map").count() == 0
        assert notebook.complaints == []


def test_a_failure_shows_the_users_own_traceback(lab):
    source = """
def broken():
    yield x[:32], y[:32]
    yield x[:32], y[:32]
    raise RuntimeError("the disk is on fire")

other = keras.models.clone_model(model)
other.compile("adam", "sparse_categorical_crossentropy")
failing = nnviz.TrainingSession(other, broken(), shuffle=False)
failing
"""
    with lab.open([setup(), source, "failing.run()", "failing.wait()"]) as notebook:
        notebook.run_cell(0)
        notebook.run_cell(1)
        shown = Shown(notebook, notebook.cell(1))
        notebook.run_cell(2)
        shown.wait_for_chip("failed")
        shown.wait_until(lambda: "the disk is on fire" in shown.root.inner_text(), "the error is in the transport bar")
        notebook.run_cell(3, may_raise=True)
        assert notebook.errors(3) == ["RuntimeError: the disk is on fire"]
        assert "broken" in notebook.text(3)
        assert "tensorflow" not in notebook.text(3)


def test_C10_interrupting_a_waiting_cell_pauses(lab):
    cells = ["session.run(); session.wait()", "print(session.state, session.step_index)", "session.step()"]
    notebook, shown = open_inspector(lab, epochs=100_000, cells=cells)
    with notebook:
        notebook.start_cell(2)
        shown.wait_until(lambda: shown.step() > 3, "it runs")
        notebook.interrupt_kernel()
        notebook.wait_until(lambda: not notebook.running(2), "the cell ends")
        assert "Paused by interrupt at step" in notebook.errors(2)[0]
        notebook.run_cell(3)
        assert notebook.text(3).startswith("paused")
        notebook.run_cell(4)
        shown.wait_for_chip("paused at step")


def test_P01_hostile_names_are_text(lab):
    """TensorFlow refuses to train such layers, but a recording may come from anywhere."""
    source = """
import numpy as np
import nnviz_widgets as nnviz
from nnviz_widgets.core.frame import Catalogue, LayerInfo, TensorKey, TensorSpec

name = "</script><img src=x onerror=window.__pwned=1>"
key = TensorKey(name, "weights", "kernel")
recording = nnviz.Recording(name)
recording.set_catalogue(Catalogue(
    (
        LayerInfo(name, name, name, (None, 5), ("kernel",), 20, 1, 5),
        LayerInfo("a" * 10_000, "", "", None, (), 0, None, 0),
    ),
    (TensorSpec(key, (4, 5), "float32", (name, "neuron"), 1, note=name),),
))
for step in range(1, 4):
    recording.add_step(step, 0, step, {"batch_loss": 1.0 / step, name: float(step)})
    values = np.random.default_rng(step).normal(size=(4, 5)).astype("float32")
    recording.add_tensors(step, {key: values}, labels=(name,))
recording.add_event(2, "notice", name)
nnviz.Inspector(recording)
"""
    with lab.open([source]) as notebook:
        notebook.run_all()
        shown = Shown(notebook, notebook.cell(0))
        shown.wait_until(lambda: shown.drawn("weights"), "it is drawn")
        assert "onerror" in shown.root.inner_text()
        assert notebook.page.evaluate("[window.__pwned ?? null, document.querySelectorAll('img[src=x]').length]") == [
            None,
            0,
        ]
        assert notebook.complaints == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_looks_right_in_both_themes(lab, theme):
    """A picture for people to look at, and what a program can say of it: the maps wear the theme's colours."""
    cells = ["session.run(until=30); session.wait(); session.cursor.neuron = 17; session.cursor.sample = 3"]
    notebook, shown = open_inspector(lab, cells=cells, width=1500, height=1250)
    with notebook:
        notebook.set_theme(theme)
        notebook.run_cell(2)
        shown.wait_until(lambda: all(shown.drawn(name) for name in MAPS), "all maps are drawn")
        shown.root.scroll_into_view_if_needed()
        ground = shown.root.locator(".nnv-map[data-tensor=gradients] canvas.nnv-data").evaluate(
            "canvas => [...canvas.getContext('2d').getImageData(3, 3, 1, 1).data].slice(0, 3)"
        )
        notebook.screenshot(f"inspector_{theme}", shown.root)
        assert (sum(ground) > 600) == (theme == "light"), "a gradient of 0 has the colour of the ground"


@pytest.mark.parametrize("kernel", KERNELS)
def test_K01_messages_reach_the_kernel_after_the_page_got_another_subshell(lab, kernel):
    """As after a reload: the subshell on which the page was answered so far is gone."""
    notebook, shown = open_inspector(lab, epochs=4, kernel=kernel)
    with notebook:
        shown.button("Step").click()
        shown.wait_for_chip("paused at step 1")
        notebook.evaluate(
            """async app => {
                const kernel = app.shell.currentWidget.sessionContext.session.kernel;
                kernel.commsOverSubshells = "disabled";
                kernel.commsOverSubshells = "perCommTarget";
                await new Promise(resolve => setTimeout(resolve, 1000));
            }"""
        )
        shown.button("Step").click()
        shown.wait_for_chip("paused at step 2")
        assert notebook.complaints == []
