"""Tables as aligned text and as HTML."""

from __future__ import annotations

from nnviz_widgets.core.text_table import as_html, as_text


def test_columns_are_aligned() -> None:
    text = as_text(("name", "n"), [("a", "5"), ("longer", "10")], numbers=(1,))
    assert text == "name     n\na        5\nlonger  10"


def test_P01_every_text_is_escaped() -> None:
    html = as_html("<b>", ("<i>",), [("<script>",)])
    assert "<script>" not in html
    assert "<b>" not in html
    assert "<i>" not in html
    assert "&lt;script&gt;" in html


def test_a_table_without_names_has_no_head() -> None:
    assert "<thead>" not in as_html("", (), [("a", "b")])
