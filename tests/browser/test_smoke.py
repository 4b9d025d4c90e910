"""The driver itself: without these, a green browser test could have looked at nothing."""

from __future__ import annotations

import pytest

from tests.browser.kernels import KERNELS, OLDER_IPYKERNEL

COUNTER = '''
import threading, time, traitlets, anywidget

class Counter(anywidget.AnyWidget):
    _esm = """
    export default { render({ model, el }) {
      const button = document.createElement("button");
      button.className = "smoke";
      const show = () => { button.textContent = `count ${model.get("count")}`; };
      button.onclick = () => model.send({ kind: "add" });
      model.on("change:count", show);
      show();
      el.append(button);
    } };
    """
    count = traitlets.Int(0).tag(sync=True)

    def __init__(self):
        super().__init__()
        self.on_msg(lambda _, message, buffers: self.add())

    def add(self):
        self.count += 1

counter = Counter()
'''


@pytest.mark.parametrize("kernel", KERNELS)
def test_widget_answers_a_click_and_survives_a_reload(lab, kernel):
    with lab.open([COUNTER, "counter", "import ipykernel; print(ipykernel.__version__)"], kernel=kernel) as notebook:
        notebook.run_all()
        assert notebook.text(2).startswith("6.29") == (kernel == OLDER_IPYKERNEL)
        button = notebook.cell(1).locator("button.smoke")
        button.click()
        notebook.wait_until(lambda: button.inner_text() == "count 1", "the click counts")
        notebook.reload()
        notebook.wait_until(lambda: button.inner_text() == "count 1", "the count is there after a reload")
        button.click()
        notebook.wait_until(lambda: button.inner_text() == "count 2", "a click counts after a reload")
        assert notebook.complaints == []


def test_second_view_follows_a_background_thread(lab):
    count_in_thread = "threading.Thread(target=lambda: [counter.add() for _ in range(5)]).start()"
    with lab.open([COUNTER, "counter", count_in_thread]) as notebook:
        notebook.run_cell(0)
        notebook.run_cell(1)
        view = notebook.open_second_view(1).locator("button.smoke")
        notebook.run_cell(2)
        notebook.wait_until(lambda: view.inner_text() == "count 5", "the second view follows")
        assert notebook.cell(1).locator("button.smoke").inner_text() == "count 5"


def test_second_page_shares_the_kernel(lab):
    with lab.open([COUNTER, "counter"]) as notebook:
        notebook.run_all()
        notebook.save()
        with lab.open_file(notebook.path) as other:
            button = other.cell(1).locator("button.smoke")
            button.click()
            other.wait_until(lambda: button.inner_text() == "count 1", "the second page counts")
            here = notebook.cell(1).locator("button.smoke")
            notebook.wait_until(lambda: here.inner_text() == "count 1", "the first page follows")


def test_theme_changes_the_page(lab):
    with lab.open(["1"]) as notebook:
        backgrounds = []
        for theme in ("light", "dark"):
            notebook.set_theme(theme)
            backgrounds.append(
                notebook.page.evaluate("getComputedStyle(document.body).getPropertyValue('--jp-layout-color1')")
            )
            assert notebook.screenshot(f"smoke_{theme}").stat().st_size > 10_000
        notebook.set_theme("light")
        assert backgrounds[0] != backgrounds[1]


def test_errors_and_complaints_are_seen(lab):
    with lab.open(["raise ValueError('seen')", "1"]) as notebook:
        with pytest.raises(AssertionError, match="ValueError: seen"):
            notebook.run_all()
        notebook.run_all(may_raise=True)
        assert notebook.errors() == ["ValueError: seen"]
        assert not notebook.running(1)
        notebook.page.evaluate("setTimeout(() => { throw new Error('also seen'); })")
        notebook.wait_until(lambda: any("also seen" in c for c in notebook.complaints), "the exception is noted")


def test_interrupt_and_restart_reach_the_kernel(lab):
    with lab.open(
        ["import time; print('begun'); time.sleep(600)", "kept = 1", "print('kept' in globals())"]
    ) as notebook:
        notebook.start_cell(0)
        # A kernel that has not begun the cell yet would take the interrupt for the one before.
        notebook.wait_until(lambda: "begun" in notebook.text(0), "the cell runs")
        assert notebook.running(0)
        notebook.interrupt_kernel()
        notebook.wait_until(lambda: not notebook.running(0), "the interrupt ends the cell")
        assert notebook.errors() == ["KeyboardInterrupt: "]
        notebook.run_cell(1)
        notebook.restart_kernel()
        notebook.run_cell(2)
        assert notebook.text(2).strip() == "False"


def test_a_condition_that_does_not_come_fails(lab):
    with lab.open(["1"]) as notebook, pytest.raises(TimeoutError, match="never true: not within"):
        notebook.wait_until(lambda: False, "never true", timeout_s=0.2)
