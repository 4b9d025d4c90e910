"""`step_into` in a real kernel: IPython's debugger asks in the page, and the state is put back when it is left."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from jupyter_client.manager import start_new_kernel

if TYPE_CHECKING:
    from jupyter_client.blocking.client import BlockingKernelClient

LIMIT_S = 120

CELL = """
import os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras, numpy as np
import nnviz_widgets as nnviz
model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(2, name="d")])
model.compile("sgd", "mse")
session = nnviz.TrainingSession(model, np.ones((8, 5), "float32"), np.ones((8, 2), "float32"), batch_size=4)
session.step()
kernel = model.get_layer("d").kernel.numpy()
session.step_into("d")
print("equal", bool((model.get_layer("d").kernel.numpy() == kernel).all()), session.step().step)
session.close()
"""


def test_the_debugger_of_ipython_asks_in_the_page() -> None:
    manager, client = start_new_kernel(kernel_name="python3", startup_timeout=LIMIT_S)
    try:
        said = run(client, CELL, iter(["p inputs.shape", "n", "p outputs.shape", "c"]))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert "TensorShape([4, 5])" in said
    assert "TensorShape([4, 2])" in said
    assert "equal True 2" in said


def run(client: BlockingKernelClient, code: str, answers: Any) -> str:
    """Run a cell, answer what it asks for, and return all that it printed."""
    asked, end, said = client.execute(code, allow_stdin=True), time.monotonic() + LIMIT_S, ""
    while time.monotonic() < end:
        if client.stdin_channel.msg_ready():
            client.get_stdin_msg(timeout=1)
            client.input(next(answers))
        if not client.iopub_channel.msg_ready():
            time.sleep(0.01)
            continue
        message = client.get_iopub_msg(timeout=1)
        content = message["content"]
        said += content.get("text", "") + "\n".join(content.get("traceback", ()))
        ended = message["msg_type"] == "status" and content["execution_state"] == "idle"
        if ended and message["parent_header"].get("msg_id") == asked:
            return said
    raise AssertionError(f"the cell did not end; it printed: {said}")
