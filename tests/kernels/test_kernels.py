"""Each kernel with each way in which JupyterLab sends a widget's messages: the same answers, in order, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import numpy as np
import pytest

from tests.browser.kernels import KERNELS, OLDER_IPYKERNEL
from tests.kernels.driver import Kernel, Mode

if TYPE_CHECKING:
    from collections.abc import Iterator

SETUP = """
import sys, time
from tests.kernels import fake_backend
fake_backend.forbid_tensorflow()
session = fake_backend.make_session()
inspector = session.inspector()
print(inspector.comm.comm_id)
"""

SHORT_S, LONG_S = 1.5, 60
"""How long a cell blocks where messages must wait for it, and at most where they must not."""


@pytest.fixture(params=[(name, mode) for name in KERNELS for mode in get_args(Mode)], ids="-".join)
def kernel(request: pytest.FixtureRequest) -> Iterator[Kernel]:
    name, mode = request.param
    with Kernel(name, mode) as kernel:
        kernel.connect(kernel.run(SETUP).strip())
        assert kernel.has_subshells == (name != OLDER_IPYKERNEL)
        yield kernel


def test_C10_C11_C12_a_widget_in_this_kernel(kernel: Kernel) -> None:
    """One kernel is started for all: its start takes longer than what is tested."""
    answers_when_idle(kernel)
    commands_meet_a_running_cell(kernel)
    an_interrupt_pauses(kernel)
    a_second_interrupt_does_not_wait(kernel)
    loaded = kernel.run("print([name for name in ('keras', 'tensorflow') if sys.modules[name] is not None])")
    assert loaded.strip() == "[]"


def answers_when_idle(kernel: Kernel) -> None:
    """A page is greeted, sees the weights, and takes three steps."""
    greeting, watching = kernel.greet(), kernel.watch()
    assert kernel.reply(greeting)["ok"]
    assert kernel.reply(watching)["ok"]
    kernel.until(lambda: bool(kernel.customs("layers")), "the layers are told")
    kernel.frame(0)
    assert kernel.reply(kernel.ask("step", n=3))["ok"]
    frame, buffers = kernel.frame(3)
    (plane,) = frame["planes"]
    kernel.until(lambda: kernel.frame(3)[0]["planes"][0]["encoding"] == "f32", "the numbers come as they are")
    frame, buffers = kernel.frame(3)
    np.testing.assert_array_equal(np.frombuffer(buffers[frame["planes"][0]["buffer"]], "<f4"), np.full(12, 6.0))
    assert (plane["rows"], plane["cols"]) == (4, 3)


def commands_meet_a_running_cell(kernel: Kernel) -> None:
    """With a subshell they are carried out at once, else after the cell; all of them, in order, once."""
    kernel.run("session.asked.clear()")
    limit = LONG_S if kernel.answers_while_busy else SHORT_S
    cell = kernel.start(
        f"""
print("begun", flush=True)
end = time.monotonic() + {limit}
while session.step_index < 9 and time.monotonic() < end:
    time.sleep(0.01)
print(session.step_index)
"""
    )
    kernel.until(lambda: "begun" in kernel.printed(cell), "the cell runs")
    steps_before = [content["step"] for _, content, _ in kernel.customs("frame")]
    numbers = [kernel.ask("speed", steps_per_second=500.0), kernel.ask("run", until=9), kernel.ask("pause")]
    numbers += [
        kernel.ask("run", until=9),
        kernel.ask("read", layer="dense", step=0, sample=0, tensor="weights", row=0, column=0),
    ]
    for number in numbers:
        assert kernel.reply(number)["ok"], kernel.reply(number)
    kernel.finish(cell)
    kernel.frame(9)
    answered = [(place, content["id"]) for place, content in kernel.replies() if content["id"] in numbers]
    assert [number for _, number in answered] == numbers, "each once, in the order in which they were sent"
    end = kernel.ended(cell)
    assert end is not None
    if kernel.answers_while_busy:
        assert all(place < end for place, _ in answered)
        assert kernel.printed(cell).split() == ["begun", "9"]
    else:
        assert all(place > end for place, _ in answered)
        assert kernel.printed(cell).split() == ["begun", "3"], "no step was taken before the cell ended"
    assert kernel.run("print(session.asked)").strip() == "[('run', 9), ('pause', None), ('run', 9)]"
    assert kernel.run("session.wait(); print(session.state, session.step_index, session.speed)") == "paused 9 500.0\n"
    steps = [content["step"] for _, content, _ in kernel.customs("frame")][len(steps_before) :]
    assert steps == sorted(steps)


def an_interrupt_pauses(kernel: Kernel) -> None:
    """The stop button while a cell waits for the training."""
    cell = kernel.start("session.speed = 50; session.run(); print('begun', flush=True); session.wait()")
    kernel.until(lambda: "begun" in kernel.printed(cell), "the cell runs")
    kernel.until(lambda: kernel.customs("frame")[-1][1]["step"] > 10, "it trains")
    kernel.interrupt()
    kernel.finish(cell)
    said = kernel.error(cell)
    step = int(kernel.run("print(session.step_index)"))
    assert said == f"KeyboardInterrupt: Paused by interrupt at step {step}; session.run() goes on from there."
    assert kernel.run("print(session.state, session.step().step)") == f"paused {step + 1}\n"


def a_second_interrupt_does_not_wait(kernel: Kernel) -> None:
    """A step may take minutes; the person gets the notebook back, and the session pauses when it can."""
    kernel.run("session._training.step_s = 4.0; session.speed = None")
    step = int(kernel.run("print(session.step_index)"))
    cell = kernel.start("session.run(); print('begun', flush=True); time.sleep(0.5); session.wait()")
    kernel.until(lambda: "begun" in kernel.printed(cell), "the cell runs")
    kernel.listen(1.0)
    kernel.interrupt()
    kernel.listen(0.5)
    kernel.interrupt()
    kernel.finish(cell)
    assert f"Interrupted again: the session pauses as soon as step {step + 1} is taken" in kernel.error(cell)
    assert kernel.run("print(session.state)") == "running\n"
    assert kernel.run("print(session.wait(), session.state, session.step_index)") == f"True paused {step + 1}\n"
    kernel.run("session._training.step_s = 0.002")
    assert kernel.run("print(session.step().step, len(session.recording.steps))") == f"{step + 2} {step + 2}\n"
