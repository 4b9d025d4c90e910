"""What may be edited, as a session tells it."""

from __future__ import annotations

import keras
import numpy as np

from nnviz_widgets.core.settings import Settings
from tests.core.test_session_edits import made

RATE = float(np.float32(0.01))


def test_settings_follow_the_edits_and_name_only_what_a_layer_has():
    with made() as session:
        assert session.settings() == Settings(RATE, None, None, None)  # what feeds it is known with the first step
        session.step()
        assert session.settings("hidden") == Settings(RATE, 8, True, None)
        session.edit.learning_rate(0.5)
        session.edit.dropout("drop", 0.25)
        session.edit.trainable("drop", False)
        session.edit.batch_size(4)
        assert session.settings("drop") == Settings(0.5, 4, False, 0.25)
        assert session.settings("nowhere") == Settings(0.5, 4, None, None)


def test_a_schedule_is_no_number_to_set():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    with made(optimizer=keras.optimizers.Adam(schedule)) as session:
        assert session.settings().learning_rate is None
