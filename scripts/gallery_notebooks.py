"""Execute a notebook and write it as one HTML page whose views move without a kernel and without a network.

A cell shows a view as it is when the cell runs, mostly before a training. Here each view is taken at the end, when all
steps are there, and put where its cell showed it. The data of these notebooks are public: nothing is left out.
"""

from __future__ import annotations

import html
import os
import re
from pathlib import Path
from typing import Any

import nbformat
from latex2mathml.converter import convert
from nbclient import NotebookClient
from nbconvert import HTMLExporter

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
LIMIT_S = 300
WIDGET = "application/vnd.jupyter.widget-view+json"
TAKEN = "application/json"

LAST_CELL = f"""
import ipywidgets as _ipywidgets
from IPython.display import display as _display
from ipywidgets.widgets.widget import _instances
from nnviz_widgets import DataPanel as _DataPanel, Inspector as _Inspector, Privacy as _Privacy
from nnviz_widgets.sharing.live_file import live_file as _live_file
from nnviz_widgets.widgets.static import static_html as _static_html

_everything = _Privacy(("activations", "gradients", "inputs", "labels"))

def _as_html(widget):
    if isinstance(widget, _Inspector):
        made = _live_file(widget, max_bytes="4 MB", privacy=_everything)
        return _static_html(made.text, None, made.manifest.title, opened=True)
    parts = [each.value for each in widget.children if isinstance(each, _ipywidgets.HTML)]
    return '<div class="nnv-prep"><div class="widget-html-content">' + "".join(parts) + "</div></div>"

for _name, _widget in list(_instances.items()):
    if isinstance(_widget, (_Inspector, _DataPanel)):
        _display({{"{TAKEN}": {{"model": _name, "html": _as_html(_widget)}}}}, raw=True)
"""

NO_SERVERS = dict.fromkeys(
    ("require_js_url", "jquery_url", "mathjax_url", "mermaid_js_url", "mermaid_layout_elk_js_url"), ""
)
"""Whom a page of nbconvert's asks for scripts."""

OF_SERVERS = re.compile(
    r"""<script type="module">.*?</script>|<script[^>]*\bsrc="https?:[^"]*"[^>]*></script>""", re.DOTALL
)
"""Mermaid, which no cell has a drawing for, and the formulas of plotly, which no figure has: both come from servers."""


FORMULA = re.compile(r"\$\$(?P<block>.+?)\$\$|\$(?P<inline>[^$\n]+)\$", re.DOTALL)


def with_formulas(text: str) -> str:
    """Return the source of a text cell with its formulas as MathML, which a browser draws by itself."""

    def drawn(match: re.Match[str]) -> str:
        block = match["block"]
        return convert(match["inline"]) if block is None else convert(block, display="block")

    return FORMULA.sub(drawn, text)


def executed(path: Path) -> nbformat.NotebookNode:
    """Return a notebook with its outputs, views and panels as they are at its end."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(LAST_CELL))
    client = NotebookClient(
        notebook,
        timeout=LIMIT_S,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        store_widget_state=False,
    )
    # Figures with plotly's script, once a page: what it shows otherwise only JupyterLab can draw.
    client.execute(env={**os.environ, "PLOTLY_RENDERER": "notebook", "TF_CPP_MIN_LOG_LEVEL": "3"})
    taken = {data["model"]: data["html"] for data in (each.data[TAKEN] for each in notebook.cells.pop().outputs)}
    for output in (each for cell in notebook.cells for each in cell.get("outputs", [])):
        replace(output, taken)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = with_formulas(cell.source)
            continue
        # What TensorFlow logs when it is imported is about this machine, not about the notebook.
        cell["outputs"] = [each for each in cell.get("outputs", []) if each.get("name") != "stderr"]
    return notebook


def replace(output: Any, taken: dict[str, str]) -> None:
    """Put the HTML of a widget in the place of an output that shows it."""
    data = output.get("data", {})
    if WIDGET in data and data[WIDGET]["model_id"] in taken:
        output["data"] = {"text/html": taken[data[WIDGET]["model_id"]]}


def page(notebook: nbformat.NotebookNode, title: str) -> str:
    """Return a notebook as a page that asks nobody for anything."""
    text, _ = HTMLExporter(**NO_SERVERS).from_notebook_node(notebook)
    text = OF_SERVERS.sub("", text)
    return re.sub("<title>.*?</title>", lambda _: f"<title>{html.escape(title)}</title>", text, count=1)


def title_of(notebook: nbformat.NotebookNode) -> str:
    """Return the heading of the first cell."""
    return str(notebook.cells[0].source.splitlines()[0].removeprefix("# "))


def write(path: Path, folder: Path) -> Path:
    """Write the page of a notebook into a folder and return where."""
    notebook = executed(path)
    target = folder / f"{path.stem}.html"
    target.write_text(page(notebook, title_of(notebook)), encoding="utf-8")
    return target
