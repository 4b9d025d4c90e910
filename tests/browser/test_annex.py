"""What a page loads only when it is first asked for comes through the comm of a real kernel, once."""

from __future__ import annotations

from tests.browser.inspector import Shown, setup


def test_the_list_of_keys_and_a_table_come_when_they_are_asked_for(lab):
    counting = """
fetched = []
from nnviz_widgets.widgets import door
ours = door.annex_front_end
door.annex_front_end = lambda: fetched.append(1) or ours()
session.step()
"""
    with lab.open([setup() + counting, "session", "print(len(fetched))"]) as notebook:
        notebook.run_cell(0)
        notebook.run_cell(1)
        shown = Shown(notebook, notebook.cell(1))
        shown.wait_until(lambda: shown.drawn("gradients"), "the maps are drawn")
        notebook.run_cell(2)
        assert notebook.text(2).strip() == "0"
        shown.root.locator(".nnv-ask").click()
        heading = shown.root.get_by_role("heading", name="Keys", exact=True)
        heading.wait_for()
        # Its style came with it: the groups of keys stand in columns.
        left = shown.root.locator(".nnv-help section").evaluate_all("all => all.map((each) => each.offsetLeft)")
        assert len(set(left)) == 2
        notebook.page.keyboard.press("Escape")
        heading.wait_for(state="hidden")
        shown.root.locator("[data-tensor=weights] [role=application]").press("t")
        shown.root.locator("[data-tensor=weights] table").wait_for()
        notebook.run_cell(2)
        assert notebook.text(2).strip() == "1"
        assert notebook.complaints == []
