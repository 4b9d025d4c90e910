"""Drive a notebook in a real JupyterLab: `with Lab(browser, folder) as lab: notebook = lab.open(["1 + 1"])`.

Commands go through JupyterLab's own application object, which the server exposes for this; everything a test is about
is clicked and read on the page. Nothing here waits for a fixed time: each wait names its condition and says what it saw
when the condition does not come.
"""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import nbformat
from playwright.sync_api import BrowserContext

from tests.browser.server import LabServer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from playwright.sync_api import Browser, ConsoleMessage, Locator, Page

SHOTS = Path(__file__).parent / "shots"
POLL_MS = 50
OPEN_TIMEOUT_S = 60.0
RUN_TIMEOUT_S = 180.0

Theme = Literal["light", "dark"]
THEMES: dict[Theme, str] = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}


class Lab:
    """A JupyterLab server and the pages opened on it; a context manager.

    Attributes:
        server: The server.
    """

    def __init__(
        self,
        browser: Browser | BrowserContext,
        folder: Path,
        settings: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        """Prepare a server in the empty `folder`; `settings` as in `LabServer`.

        The pages of a browser have the size that is asked for, those of a context that of its window.
        """
        self._browser = browser
        self._names = itertools.count()
        self.server = LabServer(folder, settings)

    def __enter__(self) -> Self:
        """Start the server."""
        self.server.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        """End the server."""
        self.server.__exit__(*exception)

    def open(self, cells: Sequence[str], *, kernel: str = "python3", width: int = 1600, height: int = 1200) -> Notebook:
        """Write a notebook of code cells and open it.

        Args:
            cells: The source of each cell.
            kernel: Name of the kernel specification.
            width: Of the window, in CSS pixels.
            height: Of the window, in CSS pixels.
        """
        name = f"notebook_{next(self._names)}"
        document = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in cells],
            metadata={"kernelspec": {"name": kernel, "display_name": kernel, "language": "python"}},
        )
        nbformat.write(document, self.server.root / f"{name}.ipynb")
        return self.open_file(f"{name}.ipynb", width=width, height=height)

    def open_file(self, path: str, *, width: int = 1600, height: int = 1200) -> Notebook:
        """Open a notebook that lies in `server.root`, in a workspace of its own."""
        if isinstance(self._browser, BrowserContext):
            page = self._browser.new_page()
        else:
            page = self._browser.new_page(viewport={"width": width, "height": height})
        # Each notebook in its own workspace, so that no page restores the tabs of another.
        workspace = f"{Path(path).stem}_{next(self._names)}"
        url = f"{self.server.url}/lab/workspaces/{workspace}/tree/{path}?token={self.server.token}"
        return Notebook(page, url, path, self.server)


class Notebook:
    """One page with one notebook; a context manager that shuts the kernel down and closes the page.

    A second page on the same notebook, and so on the same kernel, is `lab.open_file(notebook.path)`.

    Attributes:
        page: Playwright's page, for clicks and readings.
        path: Of the notebook, from the server's root.
        complaints: Everything the page complained of so far: uncaught exceptions and console errors.
    """

    def __init__(self, page: Page, url: str, path: str, server: LabServer) -> None:
        """Load `url`, which shows the notebook at `path`, in `page` and wait until the kernel is idle."""
        self.page = page
        self.path = path
        self.complaints: list[str] = []
        self._server = server
        page.on("console", self._note_console)
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        page.on("dialog", lambda dialog: dialog.accept())  # "leave this page?"
        page.goto(url)
        self._wait_for_kernel()

    def __enter__(self) -> Self:
        """Return the notebook, which is open already."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Shut the kernel down and close the page; if the test failed, keep a picture of what it saw."""
        if kind is not None:
            self.screenshot(f"failed_{Path(self.path).stem}")
        self.evaluate("app => app.shell.currentWidget.sessionContext.shutdown()")
        self.page.close()

    # --- cells ---

    def run_all(self, timeout_s: float = RUN_TIMEOUT_S, *, may_raise: bool = False) -> None:
        """Run every cell and wait until all are done.

        A cell that raises ends the run, as for a person, and fails the test unless it `may_raise`.
        """
        self._run("notebook:run-all-cells", None, timeout_s, may_raise)

    def run_cell(self, index: int, timeout_s: float = RUN_TIMEOUT_S, *, may_raise: bool = False) -> None:
        """Run one cell and wait until it is done; it fails the test by raising unless it `may_raise`."""
        self._select(index)
        self._run("notebook:run-cell", index, timeout_s, may_raise)

    def start_cell(self, index: int) -> None:
        """Run one cell and return at once."""
        self._select(index)
        self.evaluate("app => { app.commands.execute('notebook:run-cell'); }")

    def running(self, index: int) -> bool:
        """Return whether a cell is running or waits to be run."""
        state = self.evaluate("(app, i) => app.shell.currentWidget.content.widgets[i].model.executionState", index)
        return state == "running"

    def cell(self, index: int) -> Locator:
        """Return the cell on the page."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index)

    def text(self, index: int) -> str:
        """Return the output of a cell as a person reads it."""
        return self.cell(index).locator(".jp-OutputArea").first.inner_text()

    def errors(self, index: int | None = None) -> list[str]:
        """Return `"Name: message"` of every error output of one cell, or of all cells."""
        outputs = self.evaluate(
            """(app, i) => app.shell.currentWidget.content.widgets
                .filter((_, n) => i === null || n === i).flatMap(cell => cell.model.outputs?.toJSON() ?? [])""",
            index,
        )
        return [f"{o['ename']}: {o['evalue']}" for o in outputs if o["output_type"] == "error"]

    # --- page ---

    def wait_until(self, condition: Callable[[], object], what: str, timeout_s: float = 30.0) -> None:
        """Wait until `condition()` is true.

        Raises:
            TimeoutError: After `timeout_s`; the message has `what`, the page's complaints and the server's last words.
        """
        deadline = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(self._report(f"{what}: not within {timeout_s} s"))
            self.page.wait_for_timeout(POLL_MS)  # lets Playwright hand over the page's events

    def set_theme(self, theme: Theme) -> None:
        """Switch JupyterLab's theme and wait until the page wears it."""
        self.evaluate("(app, name) => app.commands.execute('apputils:change-theme', { theme: name })", THEMES[theme])
        # JupyterLab lays its splash over the page while the colours change.
        splash = "document.querySelector('#jupyterlab-splash')"
        worn = f"document.body.dataset.jpThemeName === '{THEMES[theme]}' && {splash} === null"
        self.wait_until(lambda: self.page.evaluate(worn), f"the {theme} theme is worn")

    def save(self) -> None:
        """Save the notebook, outputs included."""
        self.evaluate("app => app.shell.currentWidget.context.save()")

    def reload(self) -> None:
        """Save the notebook and reload the page, as a person who presses F5. The kernel goes on."""
        self.save()
        self.page.reload()
        self._wait_for_kernel()

    def open_second_view(self, index: int) -> Locator:
        """Open the output of a cell in a tab beside the notebook, and return that tab's output area."""
        self._select(index)
        self.evaluate("app => app.commands.execute('notebook:create-output-view')")
        view = self.page.locator(".jp-LinkedOutputView")
        view.wait_for()
        # The new tab took the place of the current widget; every command here means the notebook.
        self.evaluate("app => { app.shell.activateById([...app.shell.widgets('main')].find(w => w.context).id); }")
        return view

    def interrupt_kernel(self) -> None:
        """Interrupt the kernel, as the stop button does."""
        self.evaluate("app => app.shell.currentWidget.sessionContext.session.kernel.interrupt()")

    def restart_kernel(self) -> None:
        """Restart the kernel and wait until it is idle; the page stays."""
        self.evaluate("app => app.shell.currentWidget.sessionContext.restartKernel()")
        self._wait_for_kernel()

    def screenshot(self, name: str, of: Locator | None = None) -> Path:
        """Write `tests/browser/shots/<name>.png` of the page, or of one element, and return its path."""
        path = SHOTS / f"{name}.png"
        (self.page if of is None else of).screenshot(path=path)
        return path

    def evaluate(self, function: str, argument: Any = None, timeout_s: float = 30.0) -> Any:
        """Call a JavaScript function of JupyterLab's application and `argument`, and return what it resolves to.

        Raises:
            TimeoutError: If it takes longer than `timeout_s`; Playwright alone would wait for ever.
        """
        script = f"""([argument, ms]) => Promise.race([
            (async () => ({{ value: await ({function})(window.jupyterapp, argument) }}))(),
            new Promise(resolve => setTimeout(() => resolve(null), ms)),
        ])"""
        answer = self.page.evaluate(script, [argument, timeout_s * 1000])
        if answer is None:
            raise TimeoutError(self._report(f"`{function}` did not return within {timeout_s} s"))
        return answer.get("value")

    # --- inner ---

    def _select(self, index: int) -> None:
        self.evaluate("(app, i) => { app.shell.currentWidget.content.activeCellIndex = i; }", index)

    def _run(self, command: str, index: int | None, timeout_s: float, may_raise: bool) -> None:
        self.evaluate(f"async app => {{ await app.commands.execute('{command}'); }}", timeout_s=timeout_s)
        errors = self.errors(index)
        assert may_raise or not errors, self._report("\n".join(errors))

    def _wait_for_kernel(self) -> None:
        idle = "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
        self.wait_until(lambda: self.page.evaluate(idle), "the kernel is idle", OPEN_TIMEOUT_S)
        # The connection is there before the cells are: a command would find an empty notebook.
        self.evaluate("app => app.shell.currentWidget.revealed")

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _report(self, what: str) -> str:
        complaints = "\n".join(self.complaints) or "none"
        return f"{what}\n--- complaints of the page\n{complaints}\n--- server\n{self._server.log_tail()}"
