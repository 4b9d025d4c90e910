from __future__ import annotations

import pytest

from nnviz_widgets.errors import InvalidArgumentError, WrongArguments
from nnviz_widgets.sharing.privacy import Privacy, checked_privacy


def test_nothing_is_open_by_default():
    assert Privacy().include == ()
    assert Privacy().reveals == []
    assert checked_privacy(None) == Privacy()
    assert not any(Privacy().allows(name) for name in Privacy.REVEALS)


def test_each_name_opens_itself_only_and_says_what_it_can_reveal():
    for name, line in Privacy.REVEALS.items():
        opened = Privacy(include=(name,))
        assert [other for other in Privacy.REVEALS if opened.allows(other)] == [name]
        assert opened.reveals == [line]
        assert "\n" not in line
        assert line in repr(opened)


def test_names_are_kept_in_one_order_and_once():
    assert Privacy(include=("labels", "activations", "labels")) == Privacy(["activations", "labels"])
    assert Privacy("inputs").include == ("inputs",)


def test_it_cannot_be_changed():
    with pytest.raises(AttributeError):
        Privacy().include = ("inputs",)


@pytest.mark.parametrize(
    ("include", "words"),
    [
        (("gradient",), "Received: 'gradient'. Did you mean \"gradients\""),
        (("weights",), "Received: 'weights'. The weights are in every file."),
        (("all",), "Received: 'all'. Leave it out for the safe default."),
        ("weights", "Received: 'weights'"),
        (3, "Received: include=3"),
        ((None,), "Received: None"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(include, words):
    with pytest.raises(InvalidArgumentError, match="`include` must hold names among") as caught:
        Privacy(include=include)
    assert words in str(caught.value)


@pytest.mark.parametrize("value", ["activations", ("inputs",), True])
def test_names_alone_are_no_privacy(value):
    with pytest.raises(InvalidArgumentError, match=r"nnviz\.Privacy\(include="):
        checked_privacy(value)


def test_a_misspelt_argument_is_named():
    with pytest.raises(WrongArguments, match=r"Did you mean `include`\?"):
        Privacy(included=())
