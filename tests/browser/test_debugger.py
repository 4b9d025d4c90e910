"""A run that goes wrong, by hand in a real JupyterLab: stopped, taken back, changed, branched, and both compared."""

from __future__ import annotations

from tests.browser.inspector import Shown, setup

WRONG = """
x[256:288] *= 1000  # a batch that nobody has scaled
model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
session = nnviz.TrainingSession(model, x, y, batch_size=32, epochs=2, shuffle=False)
"""
"""The loss is in the hundreds at step 9."""

ASKED = """
print(session.branches.names, session.step_index, float(model.optimizer.learning_rate))
print([entry.text for entry in session.journal])
print(session.branches["branch 1"].step, session.branches["main"].last_step)
print([(one.condition.text, one.for_steps, one.once) for one in session.breakpoints])
"""


def test_a_run_that_goes_wrong_is_stopped_taken_back_changed_branched_and_compared(lab):
    first = setup().replace("session = nnviz.TrainingSession", "unused = lambda *args, **more: 0  # ")
    with lab.open([first + WRONG, "session", ASKED]) as notebook:
        notebook.run_cell(0)
        notebook.run_cell(1)
        shown = Shown(notebook, notebook.cell(1))
        root = shown.root
        shown.button("Step").click()
        shown.wait_for_chip("paused at step 1")

        # A breakpoint, typed with what is offered.
        root.locator(".nnv-inspector").press("d")
        field = root.get_by_role("combobox", name="condition to pause at")
        field.press_sequentially("los")
        root.get_by_role("option", name="loss name").first.wait_for()
        field.press("ArrowDown")
        field.press("Enter")
        shown.wait_until(lambda: field.input_value() == "loss ", "what was offered is taken")
        field.press_sequentially("> > 5")
        field.press("Enter")
        root.locator(".nnv-wrong").wait_for()
        assert "(col 8)" in shown.text(".nnv-wrong")
        field.fill("loss > 5")
        field.press("Enter")
        root.locator(".nnv-breakpoint").wait_for()
        field.fill("nan")
        root.get_by_label("steps in a row at which it holds").fill("2")
        root.get_by_role("checkbox", name="once").click()
        shown.button("Add").click()
        shown.wait_until(lambda: root.locator(".nnv-breakpoint").count() == 2, "the second is listed")
        assert "2 in a row · once" in root.locator(".nnv-breakpoint").nth(1).inner_text()

        # It is hit.
        shown.button("Run").click()
        shown.wait_for_chip("by loss > 5")
        assert shown.step() == 9
        shown.wait_until(lambda: "1 hit" in shown.text(".nnv-breakpoint"), "the hit is counted")
        root.locator(".nnv-mark.nnv-at-breakpoint").wait_for(state="attached")

        # Back to an earlier step, by looking at it first: that alone changes nothing.
        shown.move("step", 4)
        shown.button("To 4").wait_for()
        assert shown.step() == 9
        shown.button("To 4").click()
        shown.wait_for_chip("paused at step 4")
        shown.wait_until(lambda: shown.button("Back").is_enabled(), "the session rests")
        assert shown.slider("step").get_attribute("max") == "9"

        # Another learning rate, and another future.
        rate = root.get_by_label("learning rate", exact=True)
        shown.wait_until(lambda: rate.is_enabled() and rate.input_value() == "0.1", "the rate is told")
        rate.fill("-1")
        rate.press("Enter")
        shown.wait_until(lambda: "It is still 0.1." in shown.text(".nnv-refused"), "it is refused at its field")
        assert rate.evaluate("field => field.getRootNode().activeElement === field")
        for theme in ("light", "dark"):
            notebook.set_theme(theme)
            notebook.screenshot(f"refused-{theme}", root)
        rate.fill("0.05")
        assert root.locator(".nnv-refused").count() == 0
        rate.press("Enter")
        shown.wait_until(lambda: "learning rate: 0.1 → 0.05" in shown.text(".nnv-journal"), "the journal has it")
        for step in (5, 6, 7):
            shown.button("Step").click()
            shown.wait_for_chip(f"paused at step {step}")
        branch = root.get_by_label("branch that is shown")
        shown.wait_until(lambda: "branch 1" in branch.locator("option:checked").inner_text(), "a branch was begun")

        # The other one ends farther on, and says so where it does.
        end = root.locator(".nnv-branch-end")
        shown.wait_until(lambda: end.count() == 1, "the other branch ends on the timeline")
        assert end.get_attribute("title") == "main: ends at step 9"
        end.hover()
        notebook.screenshot("branch-end", root.locator(".nnv-timeline"))

        # A weight is dragged, and all variables are listed; neither changes anything.
        root.get_by_text("What if a weight were another?").click()
        slider = root.locator(".nnv-what-if-slider")
        shown.wait_until(slider.is_enabled, "the weight and the loss of the batch are told")
        slider.focus()
        slider.press("End")
        shown.wait_until(lambda: "→" in shown.text(".nnv-what-if p"), "the loss with another weight is told")
        assert shown.button("Keep").is_enabled()
        slider.press("Escape")
        shown.wait_until(lambda: "→" not in shown.text(".nnv-what-if p"), "the weight is what it was")
        root.get_by_text("All variables").click()
        root.locator(".nnv-variables tbody tr").first.wait_for()
        assert "optimizer" in shown.text(".nnv-variables")
        for theme in ("light", "dark"):
            notebook.set_theme(theme)
            notebook.screenshot(f"edits-{theme}", root)
        root.get_by_text("All variables").click()

        # Both beside each other.
        root.get_by_label("branch beside it").select_option(label="main")
        shown.button("difference").click()
        label = "[data-tensor=weights] .nnv-map-label"
        shown.wait_until(lambda: "main − branch 1" in shown.text(label), "they are subtracted")
        assert shown.slider("step").input_value() == "7", "of main there are 9 steps"
        shown.wait_until(lambda: shown.drawn("weights"), "the difference is drawn")
        for theme in ("light", "dark"):
            notebook.set_theme(theme)
            notebook.screenshot(f"debugger-{theme}", root)

        notebook.run_cell(2)
        names, journal, steps, breakpoints = notebook.text(2).strip().splitlines()
        assert names == "('main', 'branch 1') 7 0.05000000074505806"
        assert "learning rate: 0.1 → 0.05" in journal
        assert steps == "4 9"
        assert breakpoints == "[('loss > 5', 1, False), ('nan', 2, True)]"
        assert notebook.complaints == []
