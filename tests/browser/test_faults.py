"""A cell that blocks, and a cell that prints without end: the page waits in words, and is right in the end."""

from __future__ import annotations

from tests.browser.inspector import Shown, setup
from tests.browser.kernels import OLDER_IPYKERNEL

MOST_FLOODS = 4


def test_C12_buttons_wait_for_the_running_cell_in_words_and_then_do_what_they_were_pressed_for(lab):
    """Where messages of widgets wait for the cell: each is carried out once, in the order of the clicks."""
    busy = "print('begun', flush=True); time.sleep(6)"
    log = "print([text for text in asked], session.step_index)"
    noting = """
asked = []
for name in ("ask_run", "ask_pause", "ask_steps"):
    def noted(*args, name=name, ask=getattr(session, name)):
        asked.append(name)
        return ask(*args)
    object.__setattr__(session, name, noted)
"""
    with lab.open([setup() + noting, "session", busy, log], kernel=OLDER_IPYKERNEL) as notebook:
        notebook.run_cell(0)
        notebook.run_cell(1)
        shown = Shown(notebook, notebook.cell(1))
        shown.button("Step").click()
        shown.wait_for_chip("paused at step 1")
        notebook.start_cell(2)
        notebook.wait_until(lambda: "begun" in notebook.text(2), "the cell runs")
        shown.button("Step").click()
        shown.wait_for_chip("waiting for the running cell")
        assert notebook.running(2)
        shown.wait_for_chip("paused at step 2")
        assert not notebook.running(2)
        notebook.run_cell(3)
        assert notebook.text(3).strip() == "['ask_steps', 'ask_steps'] 2"
        assert notebook.complaints == []


def test_C14_a_flood_of_prints_loses_frames_and_the_page_is_right_in_the_end_and_says_so(lab):
    """The server drops messages of every kind for seconds; the run is not disturbed and its last step is shown."""
    # A carriage return keeps the page from growing. The server drops messages from the 30th print on until the kernel
    # was idle once, as it is when a page acknowledges a frame: so it prints for seconds. The pause lets its window of
    # 3 s go by. On a busy machine the page may acknowledge so steadily that nothing is lost: then once more.
    flood = """
import sys
session.speed = 50
session.run(until=session.step_index + 399)
for i in range(300):
    sys.stdout.write("\\r" + "." * 100_000)
    sys.stdout.flush()
    time.sleep(0.01)
session.wait()
time.sleep(5)
session.step()
None
"""
    ending = "print(session.state, session.step_index)"
    with lab.open([setup(epochs=20 * MOST_FLOODS), "session", flood, ending]) as notebook:
        notebook.run_cell(0)
        notebook.run_cell(1)
        shown = Shown(notebook, notebook.cell(1))
        shown.wait_until(lambda: shown.drawn("weights"), "the first picture came")
        notice = shown.root.locator(".nnv-notice", has_text="did not reach this page. The server drops messages")
        for n in range(1, MOST_FLOODS + 1):
            notebook.run_cell(2)
            shown.wait_until(lambda: shown.step() == 400 * n, "the last step is shown")  # noqa: B023
            shown.wait_until(lambda: shown.drawn("weights"), "the maps are drawn")
            if notice.count():
                break
        notebook.run_cell(3)
        assert notebook.text(3).strip().endswith(f" {400 * n}")
        assert "rate exceeded" in lab.server.log_tail(200), "messages were dropped"
        assert notice.count() == 1
        notice.get_by_role("button", name="dismiss").click()
        assert notice.count() == 0


def test_C14_no_frame_counts_as_lost_where_none_was(lab):
    """A second view of the page, and a page that is reloaded while it runs, get every frame that is sent to them."""
    start = "session.speed = 60\nsession.run()"
    end = "session.speed = None\nsession.wait()\nprint(session.step_index)"
    with lab.open([setup(epochs=60), "session", start, end]) as notebook:
        notebook.run_cell(0)
        notebook.run_cell(1)
        notebook.run_cell(2)
        notebook.open_second_view(1)
        shown = Shown(notebook, notebook.cell(1))
        shown.wait_until(lambda: shown.step() > 60, "it is followed")
        notebook.reload()
        shown = Shown(notebook, notebook.cell(1))
        reloaded_at = shown.step()
        shown.wait_until(lambda: shown.step() > reloaded_at + 60, "it is followed")
        notebook.run_cell(3)
        shown.wait_until(lambda: shown.step() == 1200, "the last step is shown")
        assert notebook.page.locator(".nnv-notice", has_text="did not reach").count() == 0
