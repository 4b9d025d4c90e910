"""Text that is too long says so."""

import pytest

from nnviz_widgets.pictures.text import cut


@pytest.mark.parametrize(("text", "shown"), [("", ""), ("four", "four"), ("fives", "fiv…")])
def test_text_is_never_longer_than_asked(text, shown):
    assert cut(text, 4) == shown


def test_half_a_character_is_a_mark():
    assert cut("half \ud800", 10) == "half ?"
    assert cut("\udfff😀", 2) == "?😀"
