"""The status trait: small, strict JSON, nothing but plain text."""

import json
import math

import msgspec
import pytest

from nnviz_widgets.pictures.layer_list import layers_message
from nnviz_widgets.pictures.source import as_source
from nnviz_widgets.pictures.status import status_of
from tests.widgets.fakes import FakeSession, dense_catalogue

NAMES = ("</script><img src=x onerror=alert(1)>", "\u202eabc\u202c", "x" * 10_000, "", "🧠")


def test_a_session(session):
    session.take_step()
    session.state = "paused"
    status = status_of(as_source(session))
    assert (status.source, status.state, status.step, status.total_steps) == ("session", "paused", 1, 1000)
    assert status.logs == {"loss": 1.0, "accuracy": 0.5}


def test_a_recording(session):
    for step in range(3):
        session.epoch = step
        session.take_step(full=True)
    status = status_of(as_source(session.recording))
    assert (status.source, status.state, status.step, status.epoch, status.epochs) == ("recording", "finished", 3, 2, 3)
    assert status.samples == session.n_samples
    assert status.logs["batch_loss"] == 1.0


def test_numbers_that_are_none_are_null(session):
    session.logs = {"loss": math.nan, "up": math.inf}
    session.watch_cost = math.nan
    text = msgspec.json.encode(status_of(as_source(session))).decode()
    assert json.loads(text, parse_constant=pytest.fail)["logs"] == {"loss": None, "up": None}


def test_a_failure_carries_the_users_traceback_cut(session):
    session.error, session.failure_title = ValueError("no luck"), "ValueError: no luck"
    session.failure_text = "first line\n" + "y" * 100_000 + "\nlast line"
    session.state = "failed"
    failure = status_of(as_source(session)).failure
    assert failure.title == "ValueError: no luck"
    assert failure.traceback.startswith("first line")
    assert failure.traceback.endswith("last line")
    assert len(failure.traceback) < 20_000


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[:20])
def test_P01_names_pass_as_plain_text(name):
    session = FakeSession(dense_catalogue(3, 4, 2, names=(name, "other")), name=name)
    session.logs = {name: 1.0}
    status = status_of(as_source(session))
    assert name.startswith(status.name.rstrip("…"))
    assert len(msgspec.json.encode(status)) < 64 << 10
    message = layers_message(session.recording, 4)
    assert message.layers[0].path == name
