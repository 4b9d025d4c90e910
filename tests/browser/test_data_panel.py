"""The data panel in JupyterLab: drawn in the page's colours, moved by keyboard, whole on a narrow page."""

from __future__ import annotations

PANEL = """
import numpy as np
import nnviz_widgets as nnviz

x = np.random.default_rng(0).normal([0, 5, 100], [1, 2, 3000], (500, 3))
panel = nnviz.DataPanel(x, np.arange(500) % 3, nnviz.standardize(x)[1], ["age", "dose", "income"])
panel
"""

COLORS = """panel => [panel, panel.querySelector(".nnv-fed .nnv-bar")]
    .map(element => getComputedStyle(element)).map(style => [style.backgroundColor, style.fill])"""
TOO_WIDE = """panel => [...panel.querySelectorAll("svg")]
    .filter(svg => svg.getBoundingClientRect().right > panel.getBoundingClientRect().right).length"""


def test_slider_moves_by_keyboard_and_python_follows(lab):
    with lab.open([PANEL, "print(panel.feature)"]) as notebook:
        notebook.run_cell(0)
        panel = notebook.cell(0).locator(".nnv-prep")
        panel.get_by_role("slider").focus()
        notebook.page.keyboard.press("ArrowRight")
        chosen = panel.get_by_role("heading", name="dose")
        notebook.wait_until(chosen.is_visible, "the next feature is shown")
        notebook.run_cell(1)
        assert notebook.text(1).strip() == "1"
        assert panel.get_by_role("img", name="dose, as given: histogram of 500 values").count() == 1
        assert notebook.complaints == []


def test_theme_and_width_of_the_page_are_kept(lab):
    with lab.open([PANEL], width=620, height=1400) as notebook:
        notebook.run_cell(0)
        panel = notebook.cell(0).locator(".nnv-prep")
        panel.wait_for()
        seen = {}
        for theme in ("light", "dark"):
            notebook.set_theme(theme)
            seen[theme] = panel.evaluate(COLORS)
            notebook.screenshot(f"data_panel_{theme}", of=panel)
        notebook.set_theme("light")
        assert seen["light"][0][0] != seen["dark"][0][0]
        assert seen["light"][1][1] != seen["dark"][1][1]
        assert panel.evaluate(TOO_WIDE) == 0
