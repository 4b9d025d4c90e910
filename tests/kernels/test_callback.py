"""`fit` with the callback in real kernels: a page is heard while the cell runs, or the cell says that it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.kernels import OLDER_IPYKERNEL
from tests.kernels.driver import Kernel

if TYPE_CHECKING:
    from collections.abc import Iterator

VIEW = "application/vnd.jupyter.widget-view+json"

SETUP = """
import os
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
import nnviz_widgets as nnviz
from nnviz_widgets.widgets import inspector as inspector_module, live_fit
from tests.core import networks

inspector_module.front_end = lambda: ("export default {}", "")
live_fit.PATIENCE_S = HOW_LONG
inspect = nnviz.InspectCallback(probe=nnviz.Probe(budget=0))
network = networks.line()
"""


def started(kernel: Kernel, epochs: int, patience: float) -> str:
    """Start a cell that trains, and be the page of the view that it shows."""
    kernel.run(SETUP.replace("HOW_LONG", str(patience)))
    cell = kernel.start(f"network.fit(epochs={epochs}, callbacks=[inspect]); print('returned')")
    kernel.until(lambda: bool(kernel.of(cell, "display_data")), "the view is shown while the cell runs")
    (shown,) = kernel.of(cell, "display_data")
    kernel._comm = shown["content"]["data"][VIEW]["model_id"]
    return cell


def statuses(kernel: Kernel) -> list[dict[str, Any]]:
    """Return what the page was told of how training stands."""
    updates = [m["content"]["data"] for m in kernel.heard if m["msg_type"] == "comm_msg"]
    states = [data.get("state") or {} for data in updates if data.get("method") == "update"]
    return [state["_status"] for state in states if "_status" in state]


def told(kernel: Kernel, *names: str) -> tuple[Any, ...]:
    """Return the newest of it, `None` for each before anything came."""
    newest = (statuses(kernel) or [{}])[-1]
    return tuple(newest.get(name) for name in names)


@pytest.fixture
def kernel(request: pytest.FixtureRequest) -> Iterator[Kernel]:
    with Kernel(request.param, "perCommTarget") as kernel:
        kernel.connect("")
        yield kernel


@pytest.mark.parametrize("kernel", ["python3"], indirect=True)
def test_a_page_pauses_steps_and_stops_while_the_cell_runs(kernel: Kernel) -> None:
    cell = started(kernel, epochs=10**9, patience=30)
    assert kernel.reply(kernel.greet())["ok"]
    kernel.until(lambda: told(kernel, "controls") == (True,), "the page gets its buttons")
    assert kernel.reply(kernel.ask("pause"))["ok"]
    kernel.until(lambda: told(kernel, "state") == ("paused",), "training pauses")
    (at,) = told(kernel, "step")
    assert kernel.reply(kernel.ask("step", n=2))["ok"]
    kernel.until(lambda: told(kernel, "state", "step") == ("paused", at + 2), "it steps")
    assert kernel.ended(cell) is None
    assert kernel.reply(kernel.ask("stop"))["ok"]
    kernel.finish(cell)
    assert kernel.printed(cell) == "returned\n"
    assert kernel.run("print(inspect.session.state, inspect.session.step_index)") == f"finished {at + 2}\n"


@pytest.mark.parametrize("kernel", [OLDER_IPYKERNEL], indirect=True)
def test_C18_a_page_that_is_not_heard_gets_words(kernel: Kernel) -> None:
    """The answer comes when the cell was interrupted, which ends `fit` as without the callback."""
    cell = started(kernel, epochs=10**9, patience=0.5)
    greeting = kernel.greet()
    kernel.until(lambda: "Nothing that a page says" in kernel.printed(cell), "the cell says so")
    kernel.until(lambda: len(statuses(kernel)) > 3, "the status moves all the same")
    assert not any(status["controls"] for status in statuses(kernel))
    assert kernel.replies() == []
    kernel.interrupt()
    kernel.finish(cell)
    assert kernel.error(cell).startswith("KeyboardInterrupt")
    assert kernel.reply(greeting)["ok"]
    kernel.until(lambda: told(kernel, "controls", "state") == (True, "finished"), "the page is heard now")
    assert kernel.printed(cell).count("Nothing that a page says") == 1
