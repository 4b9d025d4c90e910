"""A misspelt attribute is refused with the one that was meant."""

from __future__ import annotations

from typing import Any

import pytest

from nnviz_widgets.core.attributes import NamedAttributes
from nnviz_widgets.core.probe import Probe
from nnviz_widgets.core.recording import Recording
from nnviz_widgets.core.session import Session
from nnviz_widgets.errors import UnknownAttribute


class Kettle(NamedAttributes):
    """Something with attributes."""

    litres: float

    def __init__(self) -> None:
        self.litres = 1.0
        self._heat = 0.0

    @property
    def heat(self) -> float:
        """How hot it gets."""
        return self._heat

    @heat.setter
    def heat(self, value: float) -> None:
        self._heat = value


class Samovar(Kettle):
    """A kettle with a name of its own."""

    owner: str


def test_what_a_class_or_its_base_names_can_be_set() -> None:
    samovar = Samovar()
    samovar.litres, samovar.heat, samovar.owner, samovar._taps = 2.0, 80.0, "Anna", 1
    assert vars(samovar) == {"litres": 2.0, "_heat": 80.0, "owner": "Anna", "_taps": 1}


def test_what_it_does_not_name_is_refused_and_not_set() -> None:
    kettle = Kettle()
    with pytest.raises(UnknownAttribute) as refused:
        kettle.owner = "Anna"
    assert str(refused.value) == (
        "An attribute of a Kettle must be one that it has, to be set. Received: `owner`. Nearest: `heat`, `litres`."
    )
    assert isinstance(refused.value, AttributeError)
    assert not hasattr(kettle, "owner")


@pytest.mark.parametrize(
    ("thing", "wrong", "meant"),
    [
        (Probe(), "evry", "`every`"),
        (Recording(), "budget", "`budget_bytes`"),
        ("session", "pause_when_nonfinite", "`pause_when_non_finite`"),
        ("session", "sped", "`speed`"),
    ],
)
def test_session_probe_and_recording_name_what_was_meant(session: Session, thing: Any, wrong: str, meant: str) -> None:
    with pytest.raises(UnknownAttribute, match=f"`{wrong}`. Nearest: {meant}"):
        setattr(session if thing == "session" else thing, wrong, 3)


def test_read_only_attribute_stays_read_only(session: Session) -> None:
    with pytest.raises(AttributeError, match="state"):
        session.state = "paused"
