"""Make the gallery: `make gallery`, or `python -m scripts.gallery NAME...` for some notebooks and models only.

Writes `docs/gallery/<notebook>.html`, pages that move without a kernel and without a network,
`docs/gallery/<model>_<layer>_<theme>.png`, photographs of each kind of layer, and `docs/gallery/index.html` to all.
"""

from __future__ import annotations

import html
import re
import sys
from pathlib import Path

from scripts.gallery_layers import take_all
from scripts.gallery_notebooks import NOTEBOOKS, write
from tests.browser.lab import THEMES
from tests.browser.zoo import MODELS

FOLDER = Path(__file__).parents[1] / "docs" / "gallery"

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>nnviz_widgets: gallery</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
  :root {{ color-scheme: light dark; }}
  body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 90rem; padding: 0 1rem; }}
  h2 {{ margin-top: 2.5rem; }}
  li {{ margin: 0.4rem 0; }}
  figure {{ margin: 0 0 2rem; display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; }}
  figcaption {{ grid-column: 1 / -1; font-weight: 600; }}
  img {{ width: 100%; height: auto; }}
</style></head><body>
<h1>nnviz_widgets: gallery</h1>
<h2>Notebooks</h2>
<p>Each page is a notebook as it ended, in one file. Its views move: drag the sliders. Their data are public, so nothing
is left out of them.</p>
<ul>{notebooks}</ul>
<h2>A picture for each kind of layer</h2>
{figures}
</body></html>
"""


def index(folder: Path) -> str:
    """Return a page that leads to everything that is in the gallery."""
    pages = sorted(path for path in folder.glob("*.html") if path.name != "index.html")
    notebooks = "".join(f'<li><a href="{path.name}">{title_in(path)}</a></li>' for path in pages)
    stems = sorted(path.stem.removesuffix("_light") for path in folder.glob("*_light.png"))
    return PAGE.format(notebooks=notebooks, figures="\n".join(map(figure, stems)))


def title_in(page: Path) -> str:
    """Return the title of a page, still escaped."""
    found = re.search("<title>(.*?)</title>", page.read_text(encoding="utf-8"))
    return html.escape(page.stem) if found is None else found[1]


def figure(stem: str) -> str:
    """Return the photographs of one layer beside each other."""
    images = "".join(
        f'<img src="{stem}_{theme}.png" alt="{html.escape(stem)}, {theme}" loading="lazy">' for theme in THEMES
    )
    return f"<figure><figcaption>{html.escape(stem)}</figcaption>{images}</figure>"


def main(names: list[str]) -> None:
    """Make the whole gallery, or those notebooks and models that are named.

    Raises:
        SystemExit: If a name is neither.
    """
    notebooks = {path.stem: path for path in sorted(NOTEBOOKS.glob("*.ipynb"))}
    known = [*notebooks, *MODELS]
    if unknown := [name for name in names if name not in known]:
        raise SystemExit(f"Names must be among {', '.join(known)}. Received: {', '.join(unknown)}.")
    FOLDER.mkdir(parents=True, exist_ok=True)
    chosen = names or known
    for name in chosen:
        if name in notebooks:
            print(write(notebooks[name], FOLDER).name)
    if models := [name for name in chosen if name in MODELS]:
        for stem in take_all(models, FOLDER):
            print(stem)
    (FOLDER / "index.html").write_text(index(FOLDER), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
