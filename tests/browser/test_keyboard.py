"""The Inspector in a real JupyterLab without a mouse: Tab reaches every control, keys do everything."""

from __future__ import annotations

from tests.browser.inspector import Shown, setup

FOCUSED = """() => {
    const element = document.activeElement;
    const role = element.getAttribute("role") ?? element.type ?? element.localName;
    return `${role} ${element.getAttribute("aria-label") ?? element.textContent.trim()}`;
}"""
MOST_STOPS = 60


class Keys:
    """A person at the keyboard."""

    def __init__(self, notebook, shown):
        self.page = notebook.page
        self.shown = shown
        shown.root.locator(".nnv-inspector").focus()  # as the first Tab into the output does

    def press(self, *keys):
        """Press keys one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def focused(self):
        """Return what has the focus: its role, or kind of control, and its name."""
        return self.page.evaluate(FOCUSED)

    def tab_to(self, what, key="Tab"):
        """Press Tab until `what` has the focus."""
        seen = []
        for _ in range(MOST_STOPS):
            if (at := self.focused()) == what:
                return
            seen.append(at)
            self.press(key)
        raise AssertionError(f"Tab never came to {what!r}; it came to {seen}")


def test_a_whole_session_by_keyboard_alone(lab):
    with lab.open([setup(epochs=100_000), "session"]) as notebook:
        notebook.run_cell(0)
        notebook.run_cell(1)
        shown = Shown(notebook, notebook.cell(1))
        shown.wait_until(lambda: shown.drawn("weights"), "the weights are drawn")
        n_cells = notebook.page.locator(".jp-Cell").count()
        keys = Keys(notebook, shown)

        keys.tab_to("button Step")
        keys.press("Enter")
        shown.wait_for_chip("paused at step 1")
        assert keys.focused() == "button Step"
        keys.press("Enter")
        shown.wait_for_chip("paused at step 2")

        keys.tab_to("button Run", "Shift+Tab")
        keys.press("Enter")
        shown.wait_until(lambda: shown.step() > 5, "it runs")
        assert keys.focused() == "button Pause"
        keys.press("Enter")
        shown.wait_for_chip("paused at step")

        keys.tab_to("tree Layers")
        keys.press("ArrowDown")
        shown.wait_until(lambda: "128 × 10" in shown.text(".nnv-map[data-tensor=weights]"), "the next layer is shown")
        keys.press("ArrowUp")
        shown.wait_until(lambda: "784 × 128" in shown.text(".nnv-map[data-tensor=weights]"), "and the one before")

        keys.tab_to("application weights of hidden")
        keys.press("ArrowRight", "ArrowRight", "PageDown")
        shown.wait_until(lambda: shown.slider("neuron").input_value() == "2", "arrows move the neuron")
        shown.wait_until(lambda: "neuron 2" in shown.text(".nnv-spoken"), "and the value is said")

        keys.press("t")
        shown.wait_until(lambda: keys.focused() == "section weights of hidden as a table", "the table has the focus")
        cell = shown.root.locator("td[aria-current]")
        before = cell.inner_text()
        keys.press("ArrowRight")
        shown.wait_until(lambda: cell.inner_text() != before, "arrows move over the table")
        assert shown.root.locator("th.nnv-here[scope=col]").inner_text().split()[-1] == "3"
        keys.press("t")
        shown.wait_until(lambda: keys.focused() == "application weights of hidden", "the picture has it again")

        keys.tab_to("range step")
        newest = int(shown.slider("step").input_value())
        keys.press("ArrowLeft")
        shown.wait_until(lambda: int(shown.slider("step").input_value()) == newest - 1, "an arrow goes a step back")
        keys.press("End")
        keys.tab_to("range neuron")
        keys.press("ArrowRight")
        shown.wait_until(lambda: shown.slider("neuron").input_value() == "4", "an arrow moves the neuron")
        keys.tab_to("range sample")
        keys.press("ArrowRight", "ArrowRight")
        shown.wait_until(lambda: shown.slider("sample").input_value() == "2", "an arrow moves the sample")

        keys.press("?")
        shown.root.locator("dialog[open]").wait_for()
        keys.press("Escape")
        shown.root.locator("dialog[open]").wait_for(state="detached")
        assert keys.focused() == "range sample"

        keys.press("b", "x")  # JupyterLab would insert a cell, and cut one
        keys.press("Space")
        shown.wait_for_chip("running")
        keys.press("Space")
        shown.wait_for_chip("paused at step")
        assert notebook.page.locator(".jp-Cell").count() == n_cells
        assert notebook.complaints == []
