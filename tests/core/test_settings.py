"""What may be edited, as a session tells it."""

from __future__ import annotations

import keras
import numpy as np

from nnviz_widgets.core.settings import Settings
from tests.core.test_session_edits import made

RATE = float(np.float32(0.01))


def test_settings_follow_the_edits_and_name_only_what_a_layer_has():
    with made() as session:
        assert numbers(session.settings()) == (RATE, None, None, None)  # what feeds it is known with the first step
        session.step()
        assert numbers(session.settings("hidden")) == (RATE, 8, True, None)
        assert session.settings("hidden").weights == {"kernel": (5, 8), "bias": (8,)}
        session.edit.learning_rate(0.5)
        session.edit.dropout("drop", 0.25)
        session.edit.trainable("drop", False)
        session.edit.batch_size(4)
        session.edit.hyperparameter("clipnorm", 2.0)
        session.edit.class_weight({0: 1.0, 1: 5.0})
        found = session.settings("drop")
        assert numbers(found) == (0.5, 4, False, 0.25)
        assert (found.hyperparameters["clipnorm"], found.hyperparameters["clipvalue"]) == (2.0, None)
        assert found.class_weight == {0: 1.0, 1: 5.0}
        assert found.weights == {}
        assert numbers(session.settings("nowhere")) == (0.5, 4, None, None)


def numbers(found: Settings) -> tuple[float | None, int | None, bool | None, float | None]:
    return found.learning_rate, found.batch_size, found.trainable, found.dropout


def test_a_schedule_is_no_number_to_set():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    with made(optimizer=keras.optimizers.Adam(schedule)) as session:
        assert session.settings().learning_rate is None
