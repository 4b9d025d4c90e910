"""A kernel and a page, without a browser: what JupyterLab does with a comm, over the same sockets."""

from __future__ import annotations

import queue
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from jupyter_client.manager import KernelManager

from nnviz_widgets.protocol import PROTOCOL_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

Mode = Literal["disabled", "perComm", "perCommTarget"]
"""JupyterLab's setting `commsOverSubshells`."""

LIMIT_S = 60
CLIENT = "page"


class Kernel:
    """A running kernel with one Inspector in it, and the page that looks at it.

    Attributes:
        heard: Every message on iopub, in order.
    """

    def __init__(self, name: str, mode: Mode) -> None:
        self._name, self._mode = name, mode
        self._subshell: str | None = None
        self._comm = ""
        self._n_asked = 0
        self.heard: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        self._manager = KernelManager(kernel_name=self._name)
        self._manager.start_kernel(cwd=str(Path(__file__).parents[2]))
        self._client = self._manager.blocking_client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=LIMIT_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)

    # --- cells ---

    def start(self, code: str) -> str:
        """Send a cell and return the id of its request."""
        request: str = self._client.execute(code, allow_stdin=False)
        return request

    def run(self, code: str) -> str:
        """Run a cell and return what it printed; an error in it fails the test."""
        request = self.start(code)
        self.finish(request)
        errors = [m["content"] for m in self.of(request, "error")]
        assert not errors, errors
        return self.printed(request)

    def finish(self, request: str) -> None:
        """Wait for the end of a cell."""
        self.until(lambda: self.ended(request) is not None, "the cell ends")

    def printed(self, request: str) -> str:
        return "".join(m["content"]["text"] for m in self.of(request, "stream"))

    def error(self, request: str) -> str:
        """Return the exception of a cell as `Name: text`."""
        (message,) = self.of(request, "error")
        return f"{message['content']['ename']}: {message['content']['evalue']}"

    def ended(self, request: str) -> int | None:
        """Return where in `heard` a cell ended, `None` if it runs."""
        for place, message in enumerate(self.heard):
            mine = message["parent_header"].get("msg_id") == request and message["msg_type"] == "status"
            if mine and message["content"]["execution_state"] == "idle":
                return place
        return None

    def of(self, request: str, kind: str) -> list[dict[str, Any]]:
        return [m for m in self.heard if m["msg_type"] == kind and m["parent_header"].get("msg_id") == request]

    def interrupt(self) -> None:
        self._manager.interrupt_kernel()

    # --- the page ---

    def connect(self, comm: str) -> None:
        """Be the page of the widget with this comm, in the way that JupyterLab's setting says."""
        self._comm = comm
        self.has_subshells = "kernel subshells" in self._information().get("supported_features", [])
        # One widget is one comm: a subshell for each comm, and one for all comms of its target, are the same here but
        # for the time of their making, before the first message or with it.
        if self._mode != "disabled" and self.has_subshells:
            self._subshell = self._new_subshell()
            if self._mode == "perComm":
                self._say({"method": "request_state"})

    def _information(self) -> dict[str, Any]:
        request = self._client.kernel_info()
        while True:
            reply = self._client.get_shell_msg(timeout=LIMIT_S)
            if reply["parent_header"].get("msg_id") == request:
                content: dict[str, Any] = reply["content"]
                return content

    def _new_subshell(self) -> str:
        message = self._client.session.msg("create_subshell_request", {})
        self._client.control_channel.send(message)
        reply = self._client.get_control_msg(timeout=LIMIT_S)
        subshell: str = reply["content"]["subshell_id"]
        return subshell

    @property
    def answers_while_busy(self) -> bool:
        return self._subshell is not None

    def ask(self, kind: str, **fields: Any) -> int:
        """Send a message of the page and return its number."""
        self._n_asked += 1
        self._say({"method": "custom", "content": {"kind": kind, "id": self._n_asked, "client": CLIENT, **fields}})
        return self._n_asked

    def greet(self) -> int:
        return self.ask("ready", protocol=PROTOCOL_VERSION)

    def watch(self) -> int:
        maps = [{"tensor": "weights", "max_rows": 64, "max_cols": 64}]
        return self.ask("watch", layer="dense", step=-1, sample=0, maps=maps)

    def _say(self, data: dict[str, Any]) -> None:
        message = self._client.session.msg("comm_msg", {"comm_id": self._comm, "data": data})
        if self._subshell is not None:
            message["header"]["subshell_id"] = self._subshell
        self._client.shell_channel.send(message)

    def customs(self, kind: str) -> list[tuple[int, dict[str, Any], list[bytes]]]:
        """Return the widget's messages of a kind: place in `heard`, content and buffers. Paints and acknowledges."""
        found = []
        for place, message in enumerate(self.heard):
            data = message["content"].get("data") or {}
            if message["msg_type"] == "comm_msg" and data.get("method") == "custom" and data["content"]["kind"] == kind:
                found.append((place, data["content"], [bytes(b) for b in message["buffers"]]))
        return found

    def replies(self) -> list[tuple[int, dict[str, Any]]]:
        return [(place, content) for place, content, _ in self.customs("reply")]

    def reply(self, number: int) -> dict[str, Any]:
        """Wait for the one reply to a message."""
        self.until(lambda: any(c["id"] == number for _, c in self.replies()), f"message {number} is answered")
        (content,) = [c for _, c in self.replies() if c["id"] == number]
        return content

    def frame(self, step: int) -> tuple[dict[str, Any], list[bytes]]:
        """Wait for a frame that shows a step."""
        self.until(lambda: any(c["step"] == step for _, c, _ in self.customs("frame")), f"step {step} is shown")
        return next((c, buffers) for _, c, buffers in reversed(self.customs("frame")) if c["step"] == step)

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Listen until something is so; acknowledge every frame that wants it, as a page that paints does."""
        end = time.monotonic() + LIMIT_S
        while not condition():
            assert time.monotonic() < end, f"not within {LIMIT_S} s: {what}"
            self.listen(0.05)

    def listen(self, seconds: float) -> None:
        """Take in what comes within a while; a training that runs has always more to say."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                message = self._client.get_iopub_msg(timeout=left)
            except queue.Empty:
                return
            self.heard.append(message)
            content = (message["content"].get("data") or {}).get("content")
            if isinstance(content, dict) and content.get("kind") == "frame" and content["acknowledge"]:
                ack = {"kind": "ack", "client": CLIENT, "seq": content["seq"]}
                self._say({"method": "custom", "content": ack})
