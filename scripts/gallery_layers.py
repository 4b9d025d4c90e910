"""Photograph the Inspector for each kind of layer, light and dark."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.browser.chromium import launch
from tests.browser.inspector import Shown
from tests.browser.lab import THEMES, Lab
from tests.browser.zoo import MODELS, prepare

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

WIDTH, HEIGHT = 1760, 1400
SETTLED_MS = 700
"""Until the last frame is painted: a picture is looked at by people, no test waits for it."""


def take(lab: Lab, model: str, folder: Path) -> Iterator[str]:
    """Photograph each layer of one model of the zoo and yield the stems of the files."""
    cells = [prepare(), MODELS[model], "session", "print(*(layer.path for layer in session.recording.layers))"]
    with lab.open(cells, width=WIDTH, height=HEIGHT) as notebook:
        notebook.run_all()
        shown = Shown(notebook, notebook.cell(2))
        for index, path in enumerate(notebook.text(3).split()):
            shown.move("layer", index)
            stem = f"{model}_{path.replace('/', '-').replace('#', '-')}"
            for theme in THEMES:
                notebook.set_theme(theme)
                notebook.page.mouse.move(2, 2)
                notebook.page.wait_for_timeout(SETTLED_MS)
                shown.root.screenshot(path=folder / f"{stem}_{theme}.png")
            yield stem


def take_all(models: Iterable[str], folder: Path) -> Iterator[str]:
    """Photograph the layers of models and yield the stems of the files."""
    with launch() as browser, tempfile.TemporaryDirectory() as scratch, Lab(browser, Path(scratch)) as lab:
        for model in models:
            yield from take(lab, model, folder)
