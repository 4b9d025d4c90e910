"""Debian's Firefox, driven by WebDriver BiDi over a socket: Playwright drives only a build of its own."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import websocket  # comes with Jupyter's server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LISTENING = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
PREFERENCES = (
    "datareporting.policy.dataSubmissionEnabled",
    "app.update.enabled",
    "network.captive-portal-service.enabled",
    "network.connectivity-service.enabled",
)
WAIT_S = 60


class Firefox:
    """One tab.

    Attributes:
        requests: Every URL that the tab asked for.
        errors: What was written to the console as an error, and uncaught exceptions.
    """

    def __init__(self, address: str) -> None:
        """Begin a session at the browser's address."""
        self._socket = websocket.create_connection(f"{address}/session", timeout=WAIT_S, suppress_origin=True)
        self._numbers = itertools.count(1)
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.call("session.new", capabilities={})
        self.call("session.subscribe", events=["network.beforeRequestSent", "log.entryAdded"])
        self._tab = self.call("browsingContext.getTree")["contexts"][0]["context"]

    def call(self, method: str, **params: Any) -> Any:
        """Send a command and return its result; events that come before it are noted.

        Raises:
            RuntimeError: If the browser refuses.
        """
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv())
            self._note(message)
            if message.get("id") == number:
                if message["type"] == "error":
                    raise RuntimeError(f"{method}: {message['message']}")
                return message["result"]

    def _note(self, message: dict[str, Any]) -> None:
        if message.get("method") == "network.beforeRequestSent":
            self.requests.append(message["params"]["request"]["url"])
        if message.get("method") == "log.entryAdded" and message["params"]["level"] == "error":
            self.errors.append(message["params"]["text"])

    def open(self, path: Path) -> None:
        """Open a file."""
        self.call("browsingContext.navigate", context=self._tab, url=path.as_uri(), wait="complete")

    def evaluate(self, expression: str) -> Any:
        """Return the number or text that an expression is, or what its promise brings."""
        target = {"context": self._tab}
        found = self.call("script.evaluate", expression=expression, target=target, awaitPromise=True)
        if found["type"] == "exception":
            raise RuntimeError(found["exceptionDetails"]["text"])
        return found["result"].get("value")

    def press(self, key: str) -> None:
        """Press a key where the focus is."""
        actions = [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        keyboard = {"type": "key", "id": "keyboard", "actions": actions}
        self.call("input.performActions", context=self._tab, actions=[keyboard])

    def end(self) -> None:
        """End the session."""
        self.call("session.end")
        self._socket.close()


@contextlib.contextmanager
def firefox(folder: Path) -> Iterator[Firefox]:
    """Start Firefox with a profile of its own in a folder, and end it.

    Raises:
        FileNotFoundError: If it is not installed.
    """
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        raise FileNotFoundError("no Firefox is installed (on Debian: apt-get install firefox-esr)")
    (folder / "user.js").write_text("".join(f'user_pref("{name}", false);\n' for name in PREFERENCES))
    command = [program, "--headless", "--profile", str(folder), "--remote-debugging-port", "0", "about:blank"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stderr is not None
            found = next((match for line in process.stderr if (match := LISTENING.search(line))), None)
            assert found is not None, "Firefox ended before it listened"
            driven = Firefox(found[1])
            yield driven
            driven.end()
        finally:
            process.terminate()
            process.wait(WAIT_S)
