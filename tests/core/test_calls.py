"""A call with wrong arguments is refused in the words that the user wrote."""

from __future__ import annotations

import inspect

import pytest

from nnviz_widgets.core.calls import all_called, called
from nnviz_widgets.core.recording import Recording
from nnviz_widgets.core.session import Session
from nnviz_widgets.errors import InvalidArgumentError, WrongArguments


class Kettle:
    """Something with a method."""

    @called("kettle.boil", hint="It boils water only.")
    def boil(self, litres: float, *, until_c: float = 100.0) -> tuple[float, float]:
        """Boil."""
        if litres > 2:
            raise TypeError("not that kettle")
        return litres, until_c


def test_call_that_fits_is_made() -> None:
    assert Kettle().boil(1.5, until_c=80.0) == (1.5, 80.0)
    assert list(inspect.signature(Kettle.boil).parameters) == ["self", "litres", "until_c"]
    assert Kettle.boil.__doc__ == "Boil."


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        (
            (1,),
            {"until": 3},
            "`kettle.boil` must get arguments that it takes. Received: `until`. Did you mean `until_c`?",
        ),
        (
            (1,),
            {"milk": 3},
            "`kettle.boil` must get arguments that it takes: `litres`, `until_c`. "
            "Received: `milk`. It boils water only.",
        ),
        (
            (1, 2),
            {},
            "`kettle.boil` must get arguments that it takes: `litres`, `until_c`. "
            "Received: a call that does not fit (too many positional arguments). It boils water only.",
        ),
        (
            (),
            {},
            "`kettle.boil` must get arguments that it takes: `litres`, `until_c`. "
            "Received: a call that does not fit (missing a required argument: 'litres'). It boils water only.",
        ),
    ],
    ids=["near name", "no near name", "too many", "missing"],
)
def test_call_that_does_not_fit_is_refused(args, kwargs, message) -> None:
    with pytest.raises(WrongArguments) as refused:
        Kettle().boil(*args, **kwargs)
    assert str(refused.value) == message
    assert isinstance(refused.value, TypeError)
    assert isinstance(refused.value, InvalidArgumentError)


def test_error_inside_the_call_is_left_alone() -> None:
    with pytest.raises(TypeError, match="not that kettle") as raised:
        Kettle().boil(3)
    assert not isinstance(raised.value, WrongArguments)


@all_called("pan")
class Pan:
    """Something all of whose methods a user calls."""

    def fry(self, eggs: int) -> int:
        """Fry."""
        return eggs

    def _scrub(self, hard: bool) -> bool:
        return hard


def test_every_public_method_of_a_class_and_no_other() -> None:
    assert Pan().fry(eggs=2) == 2
    with pytest.raises(WrongArguments, match=r"^`pan\.fry` .* `egs`\. Did you mean `eggs`\?$"):
        Pan().fry(egs=2)
    with pytest.raises(TypeError) as raised:
        Pan()._scrub(hrd=True)
    assert not isinstance(raised.value, WrongArguments)


@pytest.mark.parametrize("owner", [Recording, Session])
def test_every_public_method_of_what_a_user_holds_refuses_in_words(owner: type) -> None:
    methods = [name for name, method in vars(owner).items() if inspect.isfunction(method) and name[0] != "_"]
    assert len(methods) > 10
    for name in [*methods, *(["of"] if owner is Session else [])]:
        with pytest.raises(WrongArguments, match=rf"\.{name}` .*`no_such`"):
            getattr(owner, name)(None, no_such=1)


def test_session_names_itself_and_the_argument_that_was_meant() -> None:
    with pytest.raises(WrongArguments, match=r"^`TrainingSession` .* `batchsize`\. Did you mean `batch_size`\?$"):
        Session(None, None, batchsize=32)


def test_figure_of_vitals_says_where_one_kind_is_read() -> None:
    with pytest.raises(
        WrongArguments, match=r"^`recording\.figure\.vitals` .*: `layer`\..*`recording\.vitals\(layer, kind\)`"
    ):
        Recording().figure.vitals("hidden", "gradients")
    with pytest.raises(WrongArguments, match="`kind`"):
        Recording().figure.vitals("hidden", kind="gradients")
