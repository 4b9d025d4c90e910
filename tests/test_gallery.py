"""The pages of the gallery ask nobody for anything, and show what the cells showed."""

from __future__ import annotations

import re

import nbformat
import pytest

from scripts import gallery
from scripts.gallery_notebooks import WIDGET, page, replace, title_of, with_formulas

ASKS = re.compile(r"""<(?:script|img|link|iframe)\b[^>]*\b(?:src|href)=["']https?:|\bimport\b[^;]*["']https?:""")


def notebook(*outputs):
    """A notebook with a heading and one cell."""
    return nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell("# A <title>"), nbformat.v4.new_code_cell("1", outputs=list(outputs))]
    )


def output(mime, value):
    return nbformat.v4.new_output("display_data", {mime: value})


def test_a_page_asks_nobody():
    mathjax = '<div><script src="https://example.org/mathjax.js"></script><script>drawn()</script></div>'
    made = page(notebook(output("text/html", mathjax)), "A <title>")
    assert ASKS.findall(made) == []
    assert "<script>drawn()</script>" in made
    assert "<title>A &lt;title&gt;</title>" in made


def test_nbconvert_itself_would_ask():
    from nbconvert import HTMLExporter

    assert ASKS.findall(HTMLExporter().from_notebook_node(notebook())[0])


def test_a_widget_gives_way_to_its_page():
    shown, other = (output(WIDGET, {"model_id": name}) for name in ("a", "b"))
    for each in (shown, other):
        replace(each, {"a": "<b>moves</b>"})
    assert shown["data"] == {"text/html": "<b>moves</b>"}
    assert other["data"] == {WIDGET: {"model_id": "b"}}


def test_formulas_are_drawn_by_the_browser_itself():
    drawn = with_formulas("It is $a_1$, and\n\n$$b = \\frac{1}{2}$$")
    assert drawn.count("<math") == 2
    assert "<mfrac>" in drawn
    assert "$" not in drawn
    assert with_formulas("no formula: `5 $`") == "no formula: `5 $`"


def test_the_index_leads_to_everything(tmp_path):
    (tmp_path / "01.html").write_text("<title>One &amp; all</title>")
    for name in ("mlp_hidden_light.png", "mlp_hidden_dark.png"):
        (tmp_path / name).touch()
    made = gallery.index(tmp_path)
    assert '<a href="01.html">One &amp; all</a>' in made
    assert 'src="mlp_hidden_dark.png"' in made
    assert made.count("<figure>") == 1


def test_a_name_that_is_nothing_is_refused():
    with pytest.raises(SystemExit, match=r"01_quickstart.*Received: 99_nothing"):
        gallery.main(["99_nothing"])


def test_the_title_is_the_heading():
    assert title_of(notebook()) == "A <title>"
