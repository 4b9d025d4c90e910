"""The neuron panel in a real JupyterLab."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.browser.inspector import PIXELS, Shown, setup

if TYPE_CHECKING:
    from tests.browser.lab import Lab

PARTS = ("weights incoming", "gradients incoming", "activations input", "weights product")


def pixels(shown: Shown, part: str) -> list[Any]:
    """Return a hash of a part's pixels, how many colours they have, width and height; `[]` if there are none."""
    found = shown.root.locator(f'[data-part="{part}"] canvas')
    return found.evaluate(PIXELS) if found.count() else []


def test_another_neuron_and_another_sample_are_other_pictures(lab: Lab) -> None:
    """All parts of the neuron move with its slider, the sample with the sample's, and a bar selects its sample."""
    with lab.open([setup(), "session", "for _ in range(3): session.step()", "session.cursor.sample"]) as notebook:
        for cell in range(3):
            notebook.run_cell(cell)
        shown = Shown(notebook, notebook.cell(1))
        shown.wait_until(lambda: all(pixels(shown, part) for part in PARTS), "all parts are drawn")
        assert shown.text(".nnv-neuron h3") == "Neuron 0 of hidden"

        before = {part: pixels(shown, part) for part in PARTS}
        shown.move("neuron", 17)
        shown.wait_until(lambda: "17" in shown.text(".nnv-neuron h3"), "the panel says which neuron it is")
        for part in ("weights incoming", "gradients incoming", "weights product"):
            shown.wait_until(lambda part=part: pixels(shown, part) != before[part], f"neuron 17 has other {part}")
        assert pixels(shown, "activations input") == before["activations input"], "the sample is still the same"

        shown.move("sample", 3)
        shown.wait_until(
            lambda: pixels(shown, "activations input") != before["activations input"], "sample 3 is another image"
        )
        bars = shown.root.locator(".nnv-bars")
        box = bars.bounding_box()
        assert box is not None
        bars.click(position={"x": box["width"] * 7.5 / 16, "y": box["height"] / 2})
        notebook.run_cell(3)
        assert notebook.text(3).split()[-1] == "7"
        assert notebook.complaints == []


def test_it_moves_while_it_runs(lab: Lab) -> None:
    """The parts are those of the newest step."""
    with lab.open([setup(400), "session"]) as notebook:
        notebook.run_cell(0)
        notebook.run_cell(1)
        shown = Shown(notebook, notebook.cell(1))
        shown.button("Run").click()
        shown.wait_until(lambda: pixels(shown, "weights product") != [], "the product is drawn")
        before = pixels(shown, "activations input")
        shown.wait_until(lambda: pixels(shown, "activations input") != before, "another batch has another sample")
        shown.button("Pause").click()
        shown.wait_for_chip("paused at step")
        assert notebook.complaints == []
