"""The notebooks are documentation, so they are held to it: they run clean and are stored clean."""

from __future__ import annotations

import re
import time
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LIMIT_S = 120

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path: Path) -> nbformat.NotebookNode:
    """Return the notebook in `path`."""
    return nbformat.read(path, as_version=4)


@each_notebook
def test_notebook_is_valid_and_stored_without_outputs(path):
    notebook = read(path)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.source for cell in code if cell.outputs or cell.execution_count is not None] == []
    assert "widgets" not in notebook.metadata


@each_notebook
def test_first_cell_says_what_it_is_and_for_whom(path):
    first = read(path).cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")
    text = first.source.partition("\n")[2].replace("*", "").casefold()
    assert re.search(r"\bfor\b", text), "for whom?"


@pytest.mark.notebook
@pytest.mark.timeout(2 * LIMIT_S)
@each_notebook
def test_notebook_runs(path):
    begin = time.monotonic()
    NotebookClient(
        read(path), timeout=LIMIT_S, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}}
    ).execute()
    assert time.monotonic() - begin < LIMIT_S
