"""What is no saved session is not read, whatever it says, and what could not go on is not saved."""

from __future__ import annotations

import copy
import random
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nnviz_widgets.core.backends.tensorflow import random_streams
from nnviz_widgets.core.backends.tensorflow.resumption import Resumption
from nnviz_widgets.core.probe import Probe
from nnviz_widgets.core.session import Session
from nnviz_widgets.core.storage.run_facts import facts_of
from nnviz_widgets.core.storage.run_file import SavedRun, read_run, write_run
from nnviz_widgets.errors import NotResumable, SessionBusy, SessionClosed
from tests.core import networks
from tests.core.backends import resumable
from tests.core.backends.test_callback import Running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> SavedRun:
    """An MLP, saved at step 5."""
    path = tmp_path_factory.mktemp("saved") / "a.session"
    with resumable.RUNS["mlp"].session(networks.mlp()) as session:
        session.step(5)
        session.save(path)
    return read_run(path)


@pytest.fixture
def _streams_as_before() -> Iterator[None]:
    before = random_streams.capture()
    yield
    random_streams.restore(before)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to everything in plain values of JSON; of a long list to its ends only."""
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*path, key))
    elif isinstance(value, list):
        for index in sorted({0, len(value) // 2, len(value) - 1} & set(range(len(value)))):
            yield from places(value[index], (*path, index))


GONE = object()
ANYTHING = st.one_of(
    st.just(GONE),
    st.none(),
    st.booleans(),
    st.sampled_from([0, 1, -1, 625, 10**9, 2**63, 2**200, 0.5, float("nan"), "", "PCG64", "MT19937"]),
    st.sampled_from([[], {}, [[]], {"class": 3}, {"pos": 10**6}, [1, 2, 3]]),
)


def changed(facts: dict[str, Any], path: tuple[Any, ...], value: Any) -> Any:
    """Return facts that say something else at one place."""
    if not path:
        return {} if value is GONE else value
    facts = copy.deepcopy(facts)
    at: Any = facts
    for key in path[:-1]:
        at = at[key]
    if value is GONE:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return facts


def put_back(run: SavedRun) -> None:
    """Do everything with the facts of a file that needs no training."""
    resumption = Resumption(run, state_only=False)
    assert resumption.position.batch >= 0
    assert isinstance(resumption.logs, dict)
    generator = np.random.default_rng(0)
    for streams in (run.facts["origin"], run.facts["random"]):
        with facts_of(run.path):
            random_streams.restore(streams)
    with facts_of(run.path):
        generator.bit_generator.state = resumption.position.order
    assert 0 <= random.random() < 1
    assert 0 <= np.random.random() < 1
    assert 0 <= generator.random() < 1


@pytest.mark.usefixtures("_streams_as_before")
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_a_head_says_it_is_taken_or_refused_by_name(saved: SavedRun, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(list(places(saved.facts))))
    facts = changed(saved.facts, path, data.draw(ANYTHING))
    with suppress(NotResumable):
        put_back(SavedRun(saved.path, facts, saved._stored))


@pytest.mark.usefixtures("_streams_as_before")
@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("position",), GONE),
        (("position", "batch"), "two"),
        (("position", "order"), {}),
        (("origin", "python"), [3, [1, 2], None]),
        (("origin", "numpy", "state", "pos"), 10**6),
        (("origin", "order", "bit_generator"), "MT19937"),
        (("random", "numpy", "state", "key"), [1, 2]),
        (("callbacks",), [{"values": {}}]),
        (("model",), {"layer": 3}),
        (("report", "logs"), None),
        (("step",), None),
        (("recording",), 7),
    ],
)
def test_a_session_is_not_resumed_from_such_a_file(tmp_path: Path, saved: SavedRun, path: Any, value: Any) -> None:
    arrays = {name: saved.array(name) for name in saved.shapes}
    write_run(tmp_path / "a", changed(saved.facts, path, value), arrays)
    network = networks.mlp()
    with pytest.raises(NotResumable, match=r"make no sense \(\w+: .*Give a file that session.save"):
        Session.resume(tmp_path / "a", network.model, network.x, network.y, probe=Probe(layers=()), **network._all({}))
    with Session(network.model, network.x, network.y) as session:
        assert session.step_index == 0, "the model is free"


def test_the_session_of_a_callback_is_not_saved_as_only_fit_itself_could_go_on(tmp_path: Path) -> None:
    running = Running(networks.mlp(), epochs=10**6)
    session = running.session
    with pytest.raises(SessionBusy, match="running"):
        session.save(tmp_path / "a.session")
    session.pause()
    with pytest.raises(SessionBusy, match="which trains in a fit of its own"):
        session.save(tmp_path / "a.session")
    session.stop()
    running.end()
    with pytest.raises(SessionClosed, match="whose training has ended"):
        session.save(tmp_path / "a.session")
    assert list(tmp_path.iterdir()) == []
