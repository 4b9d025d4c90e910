"""Edits from other threads, many edits, and saving after edits."""

from __future__ import annotations

import _thread
import threading
from typing import TYPE_CHECKING, Any

import keras
import pytest

from nnviz_widgets.core.backends import load_tensorflow_backend
from nnviz_widgets.core.edited import Wish
from nnviz_widgets.core.session import Session
from tests.core.networks import assert_same_weights, weights_of
from tests.core.test_session_edits import X, Y, everything, made

if TYPE_CHECKING:
    from pathlib import Path


def test_who_asks_on_and_on_does_not_keep_the_training_from_its_steps() -> None:
    with made() as session:
        session.step(1)
        n = 0

        def make() -> Any:
            nonlocal n
            n += 1
            if n < 500:
                session._worker.edits.ask(Wish(make))
            return load_tensorflow_backend().editing.learning_rate(session._training, 0.5)

        session._worker.edits.ask(Wish(make))
        session.step(3)
        assert session.step_index == 4
        assert n < 10


def test_an_edit_whose_wait_is_interrupted_is_not_made() -> None:
    class Slow(keras.callbacks.Callback):  # type: ignore[misc]
        inside, go = threading.Event(), threading.Event()

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.inside.set()
            self.go.wait(60)

    slow = Slow()
    with made(callbacks=[slow]) as session:
        session.run()
        slow.inside.wait()
        timer = threading.Timer(0.3, _thread.interrupt_main)
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            session.edit.learning_rate(0.75)
        slow.go.set()
        session.wait()
        assert len(session.journal) == 0


def test_many_setups_are_compiled_again_when_they_are_used() -> None:
    with made() as session:
        session.step(1)
        before, weights = everything(session), []
        for rate in range(1, 11):
            session.edit.dropout("drop", rate / 20)
            session.step(1)
            weights.append(weights_of(session.model))
        kept = session._training._compiled._lately
        assert sum(one() is not None and one().is_compiled for one in kept) <= 8
        session.rewind(1)
        assert everything(session) == before
        for step in (2, 4, 11):
            session.rewind(step, "main")
            assert_same_weights(weights_of(session.model), weights[step - 2])


@pytest.mark.parametrize("pending", [True, False], ids=["before the epoch", "after it"])
def test_how_the_data_are_fed_is_saved_too(pending: bool, tmp_path: Path) -> None:
    def model() -> Any:
        with made() as plain:
            return plain.model

    with made(seed=3) as session:
        session.step(2)
        session.edit.batch_size(16)
        session.edit.class_weight({0: 0.5})
        session.step(2 if pending else 5)
        session.save(tmp_path / "a.session")
        session.step(4)
        weights, total = weights_of(session.model), session.total_steps
    given: dict[str, Any] = {"batch_size": 8} if pending else {"batch_size": 16, "class_weight": {0: 0.5}}
    with Session.resume(tmp_path / "a.session", model(), X, Y, epochs=4, verbose=0, **given) as again:
        again.step(4)
        assert again.total_steps == total
        assert_same_weights(weights_of(again.model), weights)
