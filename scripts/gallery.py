"""Take a picture of the Inspector for each kind of layer, light and dark: `make gallery`.

Writes `docs/gallery/<model>_<layer>_<theme>.png` and `docs/gallery/index.html`, which shows them side by side.
"""

from __future__ import annotations

import html
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.browser.chromium import launch
from tests.browser.inspector import Shown
from tests.browser.lab import THEMES, Lab
from tests.browser.zoo import MODELS, prepare

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parents[1] / "docs" / "gallery"
WIDTH, HEIGHT = 1760, 1400
SETTLED_MS = 700
"""Until the last frame is painted: a picture is looked at by people, no test waits for it."""

PAGE = """<!doctype html>
<meta charset="utf-8"><title>nnviz_widgets: a picture for each kind of layer</title>
<style>
  body { font: 14px system-ui, sans-serif; margin: 2rem auto; max-width: 90rem; }
  figure { margin: 0 0 2rem; display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; }
  figcaption { grid-column: 1 / -1; font-weight: 600; }
  img { width: 100%; }
</style>
<h1>A picture for each kind of layer</h1>
"""


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


def main(models: list[str]) -> None:
    """Make the whole gallery, or the pictures of the models that are named."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    figures = []
    with launch() as browser, tempfile.TemporaryDirectory() as scratch, Lab(browser, Path(scratch)) as lab:
        for model in models or MODELS:
            for stem in take(lab, model, FOLDER):
                images = "".join(f'<img src="{stem}_{theme}.png" alt="{stem}, {theme}">' for theme in THEMES)
                figures.append(f"<figure><figcaption>{html.escape(stem)}</figcaption>{images}</figure>")
                print(stem)
    (FOLDER / "index.html").write_text(PAGE + "\n".join(figures), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
